#pragma once

#include "graft/kernels/activation.hpp"
#include "graft/kernels/elementwise.hpp"
#include "graft/kernels/gemm.hpp"
#include "graft/nn/layer.hpp"
#include "graft/nn/layers/layer_options.hpp"

namespace graft {

struct HighwayOptions {
  ActivationFunction activation = "linear";
  bool use_bias = true;
  double transform_bias = -2;  ///< start of the gate's bias: it begins nearly closed
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
class HighwayImpl final : public LayerImpl<Scalar> {
 public:
  GRAFT_COLD explicit HighwayImpl(HighwayOptions options)
      : LayerImpl<Scalar>("Highway", options), options_(std::move(options)) {
    if (!options_.activation.elementwise()) {
      fail<ConfigError>(this->where(), "an activation of each element", options_.activation.name());
    }
  }
  std::string_view class_name() const override { return "Highway"; }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    if (inputs[0].rank() != 2) fail<ShapeError>(this->where(), "an input (batch, features)", inputs[0].str());
    (void)detail::known_dim(inputs[0], 1, this->where());
    return inputs[0];
  }
  Needs needs(std::span<const Shape> inputs, const Use& use) const override {
    const Index each = detail::round_up_64(inputs[0].elements() * static_cast<Index>(sizeof(Scalar)));
    Needs needs;
    needs.inputs = use.backward();
    // The linear part, what the activation makes of it, the gate; in backward their slopes.
    if (use.backward()) needs.cache_bytes = 3 * each;
    needs.scratch_bytes = (use.backward() ? 2 : 3) * each;
    return needs;
  }

  /// y = t f(x W + b) + (1 - t) x, t = sigmoid(x W_carry + b_carry)
  void forward(const ForwardArgs<Scalar>& args) const override {
    const Index size = args.x().size(), each = detail::round_up_64(size * static_cast<Index>(sizeof(Scalar)));
    std::byte* memory = args.use.backward() ? args.cache : args.scratch;
    auto *z = reinterpret_cast<Scalar*>(memory), *h = reinterpret_cast<Scalar*>(memory + each),
         *t = reinterpret_cast<Scalar*>(memory + 2 * each);
    const Shape& shape = args.x().shape();
    product(args.x(), 0, z);
    product(args.x(), 1, t);
    options_.activation.forward(TensorView<const Scalar>(z, shape), TensorView<Scalar>(h, shape));
    kernels::activation_forward(kGate, size, t, t);
    for (Index i = 0; i < size; ++i) args.y()[i] = t[i] * h[i] + (1 - t[i]) * args.x()[i];
  }

  void backward(const BackwardArgs<Scalar>& args) const override {
    const Shape& shape = args.x().shape();
    const Index size = args.x().size(), each = detail::round_up_64(size * static_cast<Index>(sizeof(Scalar)));
    const auto *z = reinterpret_cast<const Scalar*>(args.cache),
               *h = reinterpret_cast<const Scalar*>(args.cache + each),
               *t = reinterpret_cast<const Scalar*>(args.cache + 2 * each);
    auto *dz = reinterpret_cast<Scalar*>(args.scratch), *dt = reinterpret_cast<Scalar*>(args.scratch + each);
    const TensorView<const Scalar>&x = args.x(), &dy = args.dy();
    for (Index i = 0; i < size; ++i) {
      dz[i] = dy[i] * t[i];
      dt[i] = dy[i] * (h[i] - x[i]) * t[i] * (1 - t[i]);
    }
    const TensorView<Scalar> slopes(dz, shape);
    options_.activation.backward(TensorView<const Scalar>(z, shape), TensorView<const Scalar>(h, shape),
                                 TensorView<const Scalar>(dz, shape), slopes);
    weight_gradients(args, 0, dz);
    weight_gradients(args, 1, dt);
    if (!args.dx()) return;
    for (Index i = 0; i < size; ++i) args.dx()[i] = dy[i] * (1 - t[i]);
    for (std::size_t part = 0; part < 2; ++part) {
      kernels::GemmDesc desc;
      desc.m = shape[0], desc.n = desc.k = shape[1];
      desc.trans_b = kernels::Transpose::yes;
      desc.accumulate = true;
      kernels::gemm<Scalar>(desc, {part == 0 ? dz : dt, kernels_[part]->value().data(), args.dx().data()});
    }
  }

  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["activation"] = options_.activation.config();
    config["use_bias"] = options_.use_bias;
    config["transform_bias"] = options_.transform_bias;
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
    for (std::size_t part = 0; part < 2; ++part) {
      kernels_[part] =
          this->add_variable(part == 0 ? "kernel" : "kernel_carry", {features, features}, options_.kernel_initializer,
                             rng, VariableKind::trainable, options_.kernel_regularizer, options_.kernel_constraint);
    }
    for (std::size_t part = 0; part < 2 && options_.use_bias; ++part) {
      biases_[part] =
          this->add_variable(part == 0 ? "bias" : "bias_carry", {features},
                             part == 0 ? Initializer("zeros") : Initializer(Constant(options_.transform_bias)), rng,
                             VariableKind::trainable, options_.bias_regularizer, options_.bias_constraint);
    }
  }
  GRAFT_COLD void check_inputs(std::span<const Shape> inputs) const override {
    (void)output_shape(inputs);
    if (inputs[0].back() == kernels_[0]->shape()[0]) return;
    fail<ShapeError>(this->where(), std::to_string(kernels_[0]->shape()[0]) + " features from build", inputs[0].str());
  }

 private:
  static constexpr kernels::ActivationParams kGate = kernels::ActivationParams::of(kernels::ActivationKind::sigmoid);

  void product(const TensorView<const Scalar>& x, std::size_t part, Scalar* to) const {
    kernels::GemmDesc desc;
    desc.m = x.dim(0), desc.n = desc.k = x.dim(1);
    const Scalar* bias = options_.use_bias ? biases_[part]->value().data() : nullptr;
    kernels::gemm<Scalar>(desc, {x.data(), kernels_[part]->value().data(), to, bias});
  }
  void weight_gradients(const BackwardArgs<Scalar>& args, std::size_t part, const Scalar* dz) const {
    const Index rows = args.x().dim(0), features = args.x().dim(1);
    if (const auto& dw = args.dw(part)) {
      kernels::GemmDesc desc;
      desc.m = desc.n = features, desc.k = rows;
      desc.trans_a = kernels::Transpose::yes;
      kernels::gemm<Scalar>(desc, {args.x().data(), dz, dw.data()});
    }
    if (!options_.use_bias) return;
    if (const auto& db = args.dw(2 + part)) kernels::column_sums(rows, features, dz, db.data());
  }

  HighwayOptions options_;
  VariablePtr<Scalar> kernels_[2], biases_[2];
};

/// Highway network (Srivastava et al. 2015), a layer of Keras 1: y = t f(x W + b) + (1 - t) x with the gate
/// t = sigmoid(x W_carry + b_carry). As many outputs as inputs. Throws ConfigError for an activation along an axis.
template <class Scalar = float>
class Highway : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Highway(HighwayOptions options = {})
      : Layer<Scalar>(new HighwayImpl<Scalar>(std::move(options))) {}

  GRAFT_COLD static Highway from_config(const Config& config) {
    HighwayOptions options;
    detail::read(config, "activation", options.activation);
    detail::read(config, "use_bias", options.use_bias);
    detail::read(config, "transform_bias", options.transform_bias);
    detail::read(config, "kernel_initializer", options.kernel_initializer);
    detail::read(config, "kernel_regularizer", options.kernel_regularizer);
    detail::read(config, "bias_regularizer", options.bias_regularizer);
    detail::read(config, "activity_regularizer", options.activity_regularizer);
    detail::read(config, "kernel_constraint", options.kernel_constraint);
    detail::read(config, "bias_constraint", options.bias_constraint);
    detail::read_base(config, options);
    return Highway(std::move(options));
  }
};

}  // namespace graft
