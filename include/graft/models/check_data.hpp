#pragma once

#include <cmath>
#include <map>

#include "graft/models/run_batches.hpp"
#include "graft/models/trainer.hpp"

namespace graft::detail {

/// Everything of one call of fit or evaluate that owns memory: the arrays as views, and the combined sample weights.
template <class Scalar>
struct CheckedData {
  PassData<Scalar> pass;
  Tensor<Scalar> weights;  // of classes and samples, multiplied
};

/// Weight of a class by label: the index of a sparse or binary label, the argmax of a one-hot one.
template <class Scalar>
GRAFT_COLD void multiply_class_weights(const std::map<Index, double>& class_weight, const TensorView<const Scalar>& y,
                                       Tensor<Scalar>& weights) {
  for (const auto& entry : class_weight) {
    if (!(entry.second >= 0)) {
      fail<ConfigError>("class_weight", "weights of at least 0", std::to_string(entry.second));
    }
  }
  const Index samples = y.dim(0), columns = y.size() / samples;
  for (Index i = 0; i < samples; ++i) {
    Index label = 0;
    if (columns == 1) {
      label = static_cast<Index>(y[i]);
    } else {
      for (Index c = 1; c < columns; ++c) {
        if (y[i * columns + c] > y[i * columns + label]) label = c;
      }
    }
    const auto found = class_weight.find(label);
    if (found != class_weight.end()) weights[i] *= static_cast<Scalar>(found->second);
  }
}

template <class Scalar>
GRAFT_COLD CheckedData<Scalar> check_data(const char* what, const ModelImpl<Scalar>& model,
                                          const Compiled<Scalar>& compiled, const Arrays<Scalar>& x,
                                          const Arrays<Scalar>& y, const ArrayLike<Scalar>& sample_weight,
                                          const std::map<Index, double>& class_weight = {}) {
  CheckedData<Scalar> data;
  data.pass.x = checked_inputs(what, model, x);
  const Index samples = data.pass.samples();
  const std::string where = std::string(what) + " of " + model.where();
  const auto& outputs = model.graph().outputs();
  if (y.size() != outputs.size()) {
    fail<ShapeError>(where, "targets for " + std::to_string(outputs.size()) + " outputs", std::to_string(y.size()));
  }
  if (compiled.losses().size() != outputs.size()) {
    fail<ConfigError>("compile of " + model.where(),
                      "one loss for each of " + std::to_string(outputs.size()) + " outputs",
                      std::to_string(compiled.losses().size()));
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const TensorView<const Scalar> view = y[i].view();
    if (view.rank() == 0 || view.dim(0) != samples) {
      fail<ShapeError>(where, "as many targets as samples: " + std::to_string(samples), view.shape().str());
    }
    compiled.losses()[i].check_labels(view, outputs[i].shape().replace_batch(samples));
    data.pass.y.push_back(view);
  }
  if (sample_weight && (sample_weight.shape().rank() != 1 || sample_weight.samples() != samples)) {
    fail<ShapeError>(where + ", sample_weight", "shape " + Shape{samples}.str(), sample_weight.shape().str());
  }
  data.pass.sample_weight = sample_weight.view();
  if (!class_weight.empty()) {
    if (outputs.size() != 1) throw ConfigError(where + ": class_weight is for models with one output only.");
    data.weights = sample_weight ? Tensor<Scalar>(sample_weight.view()) : Tensor<Scalar>(Shape{samples}, Scalar(1));
    multiply_class_weights(class_weight, data.pass.y[0], data.weights);
    data.pass.sample_weight = std::as_const(data.weights).view();
  }
  for (const Scalar weight : data.pass.sample_weight.span()) {
    if (!std::isfinite(weight)) fail<DataError>(where + ", sample_weight", "finite numbers", std::to_string(weight));
  }
  return data;
}

}  // namespace graft::detail
