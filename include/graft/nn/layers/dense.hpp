#pragma once

#include "graft/kernels/elementwise.hpp"
#include "graft/kernels/gemm.hpp"
#include "graft/nn/layers/activated.hpp"
#include "graft/nn/layers/lora_layer.hpp"

namespace graft {

struct DenseOptions {
  ActivationFunction activation = "linear";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint bias_constraint = {};
  Index lora_rank = 0;                    ///< above 0: as enable_lora, at build
  std::optional<double> lora_alpha = {};  ///< default: lora_rank
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class DenseImpl final : public detail::LoraLayerImpl<Scalar> {
 public:
  GRAFT_COLD DenseImpl(Index units, DenseOptions options)
      : detail::LoraLayerImpl<Scalar>("Dense", options), units_(units), options_(std::move(options)) {
    if (units <= 0) fail<ConfigError>(this->where(), "units above 0", std::to_string(units));
    this->choose_lora(options_, this->where());
  }
  std::string_view class_name() const override { return "Dense"; }
  bool supports_masking() const override { return true; }
  Index units() const { return units_; }
  const DenseOptions& options() const { return options_; }
  /// Null before build.
  const VariablePtr<Scalar>& kernel() const { return kernel_; }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    (void)detail::known_dim(inputs[0], -1, this->where());
    Shape result = inputs[0];
    result[-1] = units_;
    return options_.activation.output_shape(result, this->where());
  }

  Needs needs(std::span<const Shape> inputs, const Use& use) const override {
    Needs needs;
    needs.can_add = true;
    needs.inputs = use.weight_gradients && this->kernel_learns();
    activated(inputs[0]).require(needs, use);
    this->require_lora(needs, use);
    if (this->lora_enabled() && !use.backward()) needs.prepared_bytes = this->lora_bytes();
    return needs;
  }
  /// The kernel with its LoRA.
  void prepare(const PrepareArgs<Scalar>& args) const override {
    detail::merge_low_rank<Scalar>(*kernel_, reinterpret_cast<Scalar*>(args.into));
  }

  /// y = f(x W + b)
  void forward(const ForwardArgs<Scalar>& args) const override {
    const auto act = activated(args.x().shape());
    kernels::GemmDesc desc;
    desc.m = rows_of(args.x().shape()), desc.n = units_, desc.k = args.x().shape().back();
    desc.activation = act.fused(args);
    const Scalar* kernel = args.prepared ? reinterpret_cast<const Scalar*>(args.prepared)
                                         : this->lora_forward(*kernel_, args, args.cache + act.cache_bytes(args.use),
                                                              args.scratch + act.scratch_bytes(args.use));
    kernels::gemm<Scalar>(desc, {args.x().data(), kernel, act.z(args), bias_data()});
    act.finish(args);
  }

  /// dz = dy f'(z);  dW = xᵀ dz;  db = column sums of dz;  dx = dz Wᵀ
  void backward(const BackwardArgs<Scalar>& args) const override {
    const Index rows = rows_of(args.dy().shape()), inputs = kernel_->shape()[0];
    const auto act = activated(args.dy().shape());
    const Scalar* dz = act.dz(args);
    if (Scalar* dw = this->kernel_gradient(args, args.scratch + act.scratch_bytes(args.use))) {
      kernels::GemmDesc desc;
      desc.m = inputs, desc.n = units_, desc.k = rows;
      desc.trans_a = kernels::Transpose::yes;
      kernels::gemm<Scalar>(desc, {args.x().data(), dz, dw});
      this->lora_backward(args, dw);
    }
    if (bias_ && args.dw(1)) kernels::column_sums(rows, units_, dz, args.dw(1).data());
    if (args.dx()) {
      kernels::GemmDesc desc;
      desc.m = rows, desc.n = inputs, desc.k = units_;
      desc.trans_b = kernels::Transpose::yes;
      desc.accumulate = args.add_to_input;
      const Scalar* kernel = this->lora_values(*kernel_, args.cache + act.cache_bytes(args.use));
      kernels::gemm<Scalar>(desc, {dz, kernel, args.dx().data()});
    }
  }

  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["units"] = units_;
    config["activation"] = options_.activation.config();
    config["use_bias"] = options_.use_bias;
    config["kernel_initializer"] = options_.kernel_initializer.config();
    config["bias_initializer"] = options_.bias_initializer.config();
    config["kernel_regularizer"] = options_.kernel_regularizer.config();
    config["bias_regularizer"] = options_.bias_regularizer.config();
    config["activity_regularizer"] = options_.activity_regularizer.config();
    config["kernel_constraint"] = options_.kernel_constraint.config();
    config["bias_constraint"] = options_.bias_constraint.config();
    this->write_lora(config);
    return config;
  }

 protected:
  GRAFT_COLD void build(std::span<const Shape> inputs, Rng& rng) override {
    const Index features = detail::known_dim(inputs[0], -1, this->where());
    kernel_ = this->add_variable("kernel", {features, units_}, options_.kernel_initializer, rng,
                                 VariableKind::trainable, options_.kernel_regularizer, options_.kernel_constraint);
    if (options_.use_bias) {
      bias_ = this->add_variable("bias", {units_}, options_.bias_initializer, rng, VariableKind::trainable,
                                 options_.bias_regularizer, options_.bias_constraint);
    }
    this->offer_lora(kernel_, rng);
  }
  GRAFT_COLD void check_inputs(std::span<const Shape> inputs) const override {
    (void)output_shape(inputs);
    if (inputs[0].back() != kernel_->shape()[0]) {
      fail<ShapeError>(this->where(), "last dimension " + std::to_string(kernel_->shape()[0]) + " from build",
                       inputs[0].str(), "Did the layers in front change?");
    }
  }

 private:
  static Index rows_of(const Shape& shape) { return shape.product(0, shape.rank() - 1); }
  /// `shape`: of x or y; they differ in the last dimension.
  detail::Activated<Scalar> activated(Shape shape) const {
    shape[-1] = units_;
    return {options_.activation, shape};
  }
  const Scalar* bias_data() const { return bias_ ? bias_->value().data() : nullptr; }

  Index units_;
  DenseOptions options_;
  VariablePtr<Scalar> kernel_, bias_;
};

/// y = activation(x W + b): kernel W (inputs, units), bias b (units). Works on the last axis of an input of rank 2 or
/// more, as in Keras. Throws ConfigError for units <= 0.
template <class Scalar = float>
class Dense : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Dense(Index units, DenseOptions options = {})
      : Layer<Scalar>(new DenseImpl<Scalar>(units, std::move(options))) {}

  Index units() const { return static_cast<const DenseImpl<Scalar>&>(this->impl()).units(); }

  GRAFT_COLD static Dense from_config(const Config& config) {
    detail::reject(config, "Dense", "quantization_config");
    DenseOptions options;
    detail::read(config, "activation", options.activation);
    detail::read(config, "use_bias", options.use_bias);
    detail::read(config, "kernel_initializer", options.kernel_initializer);
    detail::read(config, "bias_initializer", options.bias_initializer);
    detail::read(config, "kernel_regularizer", options.kernel_regularizer);
    detail::read(config, "bias_regularizer", options.bias_regularizer);
    detail::read(config, "activity_regularizer", options.activity_regularizer);
    detail::read(config, "kernel_constraint", options.kernel_constraint);
    detail::read(config, "bias_constraint", options.bias_constraint);
    detail::read_lora(config, options);
    detail::read_base(config, options);
    return Dense(config.at("units").as_int("units"), std::move(options));
  }
};

}  // namespace graft
