#pragma once

#include <algorithm>

#include "graft/nn/layer.hpp"
#include "graft/nn/layers/layer_options.hpp"

namespace graft {

struct RepeatVectorOptions {
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class RepeatVectorImpl final : public LayerImpl<Scalar> {
 public:
  GRAFT_COLD RepeatVectorImpl(Index n, const RepeatVectorOptions& options)
      : LayerImpl<Scalar>("RepeatVector", options), n_(n) {
    if (n <= 0) fail<ConfigError>(this->where(), "n above 0", std::to_string(n));
  }
  std::string_view class_name() const override { return "RepeatVector"; }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    if (inputs[0].rank() != 2) fail<ShapeError>(this->where(), "an input (batch, features)", inputs[0].str());
    return {inputs[0][0], n_, inputs[0][1]};
  }
  Needs needs(std::span<const Shape>, const Use&) const override {
    Needs needs;
    needs.can_add = true;
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const override {
    const Index features = args.x().dim(1);
    for (Index row = 0; row < args.x().dim(0) * n_; ++row) {
      std::copy_n(args.x().data() + row / n_ * features, features, args.y().data() + row * features);
    }
  }
  void backward(const BackwardArgs<Scalar>& args) const override {
    if (!args.dx()) return;
    const Index features = args.dx().dim(1);
    for (Index row = 0; row < args.dx().dim(0); ++row) {
      Scalar* to = args.dx().data() + row * features;
      if (!args.add_to_input) std::fill_n(to, features, Scalar(0));
      for (Index copy = 0; copy < n_; ++copy) {
        const Scalar* from = args.dy().data() + (row * n_ + copy) * features;
        for (Index i = 0; i < features; ++i) to[i] += from[i];
      }
    }
  }
  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["n"] = n_;
    return config;
  }

 private:
  Index n_;
};

/// (batch, features) → (batch, n, features): n copies.
template <class Scalar = float>
class RepeatVector : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit RepeatVector(Index n, const RepeatVectorOptions& options = {})
      : Layer<Scalar>(new RepeatVectorImpl<Scalar>(n, options)) {}

  GRAFT_COLD static RepeatVector from_config(const Config& config) {
    RepeatVectorOptions options;
    detail::read_base(config, options);
    return RepeatVector(config.at("n").as_int("n"), options);
  }
};

}  // namespace graft
