#pragma once

#include <cmath>

#include "graft/models/prefix_runner.hpp"
#include "graft/transfer/layer_groups.hpp"

namespace graft::detail {

/// What the head of a model is given: the values that layers of the head read and others made, for some samples.
template <class Scalar>
class BodyFeatures {
 public:
  /// `x` must live as long as this. Empty when the head reads the inputs alone.
  GRAFT_COLD BodyFeatures(const Model<Scalar>& model, const std::vector<Layer<Scalar>>& head,
                          std::vector<TensorView<const Scalar>> x)
      : x_(std::move(x)) {
    FlatGraph<Scalar> graph = flatten(model.impl().graph());
    PointerMap in_head;
    for (const auto& layer : head) collect(layer, in_head);
    std::vector<bool> of_body(graph.values, false), listed(graph.values, false);
    std::vector<typename FlatGraph<Scalar>::FlatNode> body;
    for (const auto& node : graph.nodes) {
      const bool inside = in_head.count(node.layer.get()) != 0;
      if (inside) {
        for (const std::size_t input : node.inputs) {
          if (of_body[input] && !listed[input]) body_.outputs.push_back(input);
          listed[input] = true;
        }
      } else {
        for (const std::size_t output : node.outputs) of_body[output] = true;
        body.push_back(node);
      }
    }
    body_.nodes = std::move(body);
    body_.values = graph.values;
    body_.inputs = graph.inputs;
    body_.output_masks.assign(body_.outputs.size(), FlatGraph<Scalar>::kNone);
  }

  GRAFT_COLD std::vector<Tensor<Scalar>> compute() const {
    std::vector<Tensor<Scalar>> features;
    if (body_.outputs.empty() || x_.empty() || x_.front().dim(0) == 0) return features;
    PrefixRunner<Scalar> runner(body_, {x_}, 32);
    std::vector<std::byte*> into;
    for (const Shape& shape : runner.outputs()) {
      features.push_back(Tensor<Scalar>::uninitialized(shape.with_batch(runner.samples())));
    }
    for (auto& tensor : features) into.push_back(reinterpret_cast<std::byte*>(tensor.data()));
    runner.run(0, runner.samples(), into);
    return features;
  }

 private:
  GRAFT_COLD static void collect(const Layer<Scalar>& layer, PointerMap& into) {
    into.emplace(&layer.impl(), 0);
    for (const auto& inner : layer.impl().sublayers()) collect(inner, into);
  }

  std::vector<TensorView<const Scalar>> x_;
  FlatGraph<Scalar> body_;
};

}  // namespace graft::detail

namespace graft {

/// How far features moved: the mean over samples of |after - before|, divided by the mean of |before| (Euclidean norms
/// over all features of a sample). 0: not at all. Throws ShapeError. Source: Kumar et al. 2022, section 3.3.
template <class Scalar>
GRAFT_COLD double feature_distortion(const std::vector<Tensor<Scalar>>& before,
                                     const std::vector<Tensor<Scalar>>& after) {
  if (before.empty() || before.size() != after.size()) {
    fail<ShapeError>("feature_distortion", "as many arrays on both sides",
                     std::to_string(before.size()) + " and " + std::to_string(after.size()));
  }
  const Index samples = before.front().dim(0);
  double moved = 0, size = 0;
  for (Index i = 0; i < samples; ++i) {
    double apart = 0, norm = 0;
    for (std::size_t k = 0; k < before.size(); ++k) {
      if (!(before[k].shape() == after[k].shape()) || before[k].dim(0) != samples) {
        fail<ShapeError>("feature_distortion", before[k].shape().str(), after[k].shape().str());
      }
      const auto a = before[k].rows(i, i + 1), b = after[k].rows(i, i + 1);
      for (Index j = 0; j < a.size(); ++j) {
        const double was = static_cast<double>(a[j]), step = static_cast<double>(b[j]) - was;
        apart += step * step;
        norm += was * was;
      }
    }
    moved += std::sqrt(apart);
    size += std::sqrt(norm);
  }
  return size > 0 ? moved / size : 0;
}

}  // namespace graft
