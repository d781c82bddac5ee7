#pragma once

#include <vector>

#include "graft/nn/layer.hpp"
#include "graft/nn/layers/layer_options.hpp"
#include "graft/nn/layers/transpose.hpp"

namespace graft {

struct PermuteOptions {
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class PermuteImpl final : public LayerImpl<Scalar> {
 public:
  GRAFT_COLD PermuteImpl(std::vector<int> dims, const PermuteOptions& options)
      : LayerImpl<Scalar>("Permute", options), dims_(std::move(dims)) {
    bool seen[Shape::kMaxRank] = {};
    const int count = static_cast<int>(dims_.size());
    for (const int dim : dims_) {
      const bool good = count < Shape::kMaxRank && dim >= 1 && dim <= count && !seen[dim];
      if (!good) {
        fail<ConfigError>(this->where(), "dims that name each of 1 … " + std::to_string(count) + " once",
                          std::to_string(dim));
      }
      seen[dim] = true;
    }
    for (std::size_t i = 0; i < dims_.size(); ++i) order_[i + 1] = dims_[i];
  }
  std::string_view class_name() const override { return "Permute"; }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    if (inputs[0].rank() != static_cast<int>(dims_.size()) + 1) {
      fail<ShapeError>(this->where(), "an input of rank " + std::to_string(dims_.size() + 1), inputs[0].str());
    }
    return detail::permuted(inputs[0], order_);
  }
  Needs needs(std::span<const Shape>, const Use&) const override {
    Needs needs;
    needs.can_add = true;
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const override {
    detail::transpose_forward(args.x().shape(), order_, args.x().data(), args.y().data());
  }
  void backward(const BackwardArgs<Scalar>& args) const override {
    if (!args.dx()) return;
    detail::transpose_backward(args.dx().shape(), order_, args.dy().data(), args.dx().data(), args.add_to_input);
  }
  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    Config& dims = config["dims"] = Config::array();
    for (const int dim : dims_) dims.push_back(dim);
    return config;
  }

 private:
  std::vector<int> dims_;
  detail::Permutation order_{};
};

/// Reorders the axes of a sample; they count from 1: Permute({2, 1}) transposes.
template <class Scalar = float>
class Permute : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Permute(std::vector<int> dims, const PermuteOptions& options = {})
      : Layer<Scalar>(new PermuteImpl<Scalar>(std::move(dims), options)) {}

  GRAFT_COLD static Permute from_config(const Config& config) {
    PermuteOptions options;
    detail::read_base(config, options);
    std::vector<int> dims;
    for (const Config& item : config.at("dims").items("dims")) dims.push_back(static_cast<int>(item.as_int("dims")));
    return Permute(std::move(dims), options);
  }
};

}  // namespace graft
