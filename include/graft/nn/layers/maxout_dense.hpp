#pragma once

#include <algorithm>

#include "graft/kernels/elementwise.hpp"
#include "graft/kernels/gemm.hpp"
#include "graft/nn/layer.hpp"
#include "graft/nn/layers/layer_options.hpp"

namespace graft {

struct MaxoutDenseOptions {
  Index nb_feature = 4;  ///< linear parts of which each output is the largest
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint bias_constraint = {};
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class MaxoutDenseImpl final : public LayerImpl<Scalar> {
 public:
  GRAFT_COLD MaxoutDenseImpl(Index output_dim, MaxoutDenseOptions options)
      : LayerImpl<Scalar>("MaxoutDense", options), output_dim_(output_dim), options_(std::move(options)) {
    for (const Index size : {output_dim, options_.nb_feature}) {
      if (size <= 0) fail<ConfigError>(this->where(), "output_dim and nb_feature above 0", std::to_string(size));
    }
  }
  std::string_view class_name() const override { return "MaxoutDense"; }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    if (inputs[0].rank() != 2) fail<ShapeError>(this->where(), "an input (batch, features)", inputs[0].str());
    (void)detail::known_dim(inputs[0], 1, this->where());
    return {inputs[0][0], output_dim_};
  }
  /// The cache keeps which part was the largest.
  Needs needs(std::span<const Shape> inputs, const Use& use) const override {
    const Index each = inputs[0][0] * output_dim_ * static_cast<Index>(sizeof(Scalar));
    Needs needs;
    needs.inputs = use.weight_gradients;
    if (use.backward()) needs.cache_bytes = each;
    needs.scratch_bytes = each;
    return needs;
  }

  /// y = max over k of x W_k + b_k
  void forward(const ForwardArgs<Scalar>& args) const override {
    const Index rows = args.x().dim(0), features = args.x().dim(1), size = rows * output_dim_;
    Scalar *y = args.y().data(), *part = reinterpret_cast<Scalar*>(args.scratch);
    Scalar* best = args.use.backward() ? reinterpret_cast<Scalar*>(args.cache) : nullptr;
    for (Index k = 0; k < options_.nb_feature; ++k) {
      kernels::GemmDesc desc;
      desc.m = rows, desc.n = output_dim_, desc.k = features;
      const Scalar* bias = bias_ ? bias_->value().data() + k * output_dim_ : nullptr;
      kernels::gemm<Scalar>(desc, {args.x().data(), kernel_of(k), part, bias});
      for (Index i = 0; i < size; ++i) {
        if (k > 0 && !(part[i] > y[i])) continue;
        y[i] = part[i];
        if (best) best[i] = static_cast<Scalar>(k);
      }
    }
  }

  /// The slope goes to the part that was the largest.
  void backward(const BackwardArgs<Scalar>& args) const override {
    const Index rows = args.dy().dim(0), features = kernel_->shape()[1], size = rows * output_dim_;
    const Scalar* best = reinterpret_cast<const Scalar*>(args.cache);
    Scalar* dz = reinterpret_cast<Scalar*>(args.scratch);
    for (Index k = 0; k < options_.nb_feature; ++k) {
      for (Index i = 0; i < size; ++i) dz[i] = best[i] == static_cast<Scalar>(k) ? args.dy()[i] : Scalar(0);
      if (args.use.weight_gradients && args.dw(0)) {
        kernels::GemmDesc desc;
        desc.m = features, desc.n = output_dim_, desc.k = rows;
        desc.trans_a = kernels::Transpose::yes;
        kernels::gemm<Scalar>(desc, {args.x().data(), dz, args.dw(0).data() + k * features * output_dim_});
      }
      if (bias_ && args.use.weight_gradients && args.dw(1)) {
        kernels::column_sums(rows, output_dim_, dz, args.dw(1).data() + k * output_dim_);
      }
      if (!args.dx()) continue;
      kernels::GemmDesc desc;
      desc.m = rows, desc.n = features, desc.k = output_dim_;
      desc.trans_b = kernels::Transpose::yes;
      desc.accumulate = k > 0;
      kernels::gemm<Scalar>(desc, {dz, kernel_of(k), args.dx().data()});
    }
  }

  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["output_dim"] = output_dim_;
    config["nb_feature"] = options_.nb_feature;
    config["use_bias"] = options_.use_bias;
    config["kernel_initializer"] = options_.kernel_initializer.config();
    config["kernel_regularizer"] = options_.kernel_regularizer.config();
    config["bias_regularizer"] = options_.bias_regularizer.config();
    config["activity_regularizer"] = options_.activity_regularizer.config();
    config["kernel_constraint"] = options_.kernel_constraint.config();
    config["bias_constraint"] = options_.bias_constraint.config();
    return config;
  }

 protected:
  GRAFT_COLD void build(std::span<const Shape> inputs, Rng& rng) override {
    const Index features = detail::known_dim(inputs[0], 1, this->where());
    kernel_ = this->add_variable("kernel", {options_.nb_feature, features, output_dim_}, options_.kernel_initializer,
                                 rng, VariableKind::trainable, options_.kernel_regularizer, options_.kernel_constraint);
    if (!options_.use_bias) return;
    bias_ = this->add_variable("bias", {options_.nb_feature, output_dim_}, Initializer("zeros"), rng,
                               VariableKind::trainable, options_.bias_regularizer, options_.bias_constraint);
  }
  GRAFT_COLD void check_inputs(std::span<const Shape> inputs) const override {
    (void)output_shape(inputs);
    if (inputs[0].back() == kernel_->shape()[1]) return;
    fail<ShapeError>(this->where(), std::to_string(kernel_->shape()[1]) + " features from build", inputs[0].str());
  }

 private:
  const Scalar* kernel_of(Index k) const { return kernel_->value().data() + k * kernel_->shape()[1] * output_dim_; }

  Index output_dim_;
  MaxoutDenseOptions options_;
  VariablePtr<Scalar> kernel_, bias_;
};

/// The largest of nb_feature linear parts (Goodfellow et al. 2013), a layer of Keras 1: y = max over k of x W_k + b_k.
/// Kernel (nb_feature, inputs, output_dim), bias (nb_feature, output_dim). Throws ConfigError for sizes below 1.
template <class Scalar = float>
class MaxoutDense : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit MaxoutDense(Index output_dim, MaxoutDenseOptions options = {})
      : Layer<Scalar>(new MaxoutDenseImpl<Scalar>(output_dim, std::move(options))) {}

  GRAFT_COLD static MaxoutDense from_config(const Config& config) {
    MaxoutDenseOptions options;
    detail::read(config, "nb_feature", options.nb_feature);
    detail::read(config, "use_bias", options.use_bias);
    detail::read(config, "kernel_initializer", options.kernel_initializer);
    detail::read(config, "kernel_regularizer", options.kernel_regularizer);
    detail::read(config, "bias_regularizer", options.bias_regularizer);
    detail::read(config, "activity_regularizer", options.activity_regularizer);
    detail::read(config, "kernel_constraint", options.kernel_constraint);
    detail::read(config, "bias_constraint", options.bias_constraint);
    detail::read_base(config, options);
    return MaxoutDense(config.at("output_dim").as_int("output_dim"), std::move(options));
  }
};

}  // namespace graft
