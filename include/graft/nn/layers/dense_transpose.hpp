#pragma once

#include "graft/nn/layers/dense.hpp"
#include "graft/nn/registry.hpp"

namespace graft {

struct DenseTransposeOptions {
  ActivationFunction activation = "linear";
  bool use_bias = true;
  Initializer bias_initializer = "zeros";
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint bias_constraint = {};
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class DenseTransposeImpl final : public LayerImpl<Scalar> {
 public:
  GRAFT_COLD DenseTransposeImpl(Layer<Scalar> dense, DenseTransposeOptions options)
      : LayerImpl<Scalar>("DenseTranspose", options), dense_(std::move(dense)), options_(std::move(options)) {
    if (!dynamic_cast<const DenseImpl<Scalar>*>(&dense_.impl())) {
      fail<ConfigError>(this->where(), "a Dense layer to be tied to", dense_.impl().where());
    }
  }
  std::string_view class_name() const override { return "DenseTranspose"; }
  bool supports_masking() const override { return true; }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    if (inputs[0].rank() < 2 || inputs[0].back() != units()) {
      fail<ShapeError>(this->where(),
                       "last dimension " + std::to_string(units()) + ", the units of " + dense_.impl().where() +
                           " that it is tied to",
                       inputs[0].str(), "A decoder has the layers of its encoder in reverse order.");
    }
    Shape result = inputs[0];
    result[-1] = features();
    return options_.activation.output_shape(result, this->where());
  }

  Needs needs(std::span<const Shape> inputs, const Use& use) const override {
    // The sum that the Dense layer computes with is not the variable that is shared.
    if (kernel()->low_rank()) {
      throw StateError(this->where() + ": " + dense_.impl().where() +
                       ", which it is tied to, has LoRA. Merge it first (merge_lora), or leave that layer out.");
    }
    Needs needs;
    needs.can_add = true;
    needs.inputs = use.weight_gradients;
    activated(inputs[0]).require(needs, use);
    return needs;
  }

  /// y = f(x Wᵀ + b)
  void forward(const ForwardArgs<Scalar>& args) const override {
    const auto act = activated(args.x().shape());
    kernels::GemmDesc desc;
    desc.m = rows_of(args.x().shape()), desc.n = features(), desc.k = units();
    desc.trans_b = kernels::Transpose::yes;
    desc.activation = act.fused(args);
    kernels::gemm<Scalar>(
        desc, {args.x().data(), kernel_data(), act.z(args), bias_ ? std::as_const(*bias_).value().data() : nullptr});
    act.finish(args);
  }

  /// dz = dy f'(z);  dW = dzᵀ x;  db = column sums of dz;  dx = dz W
  void backward(const BackwardArgs<Scalar>& args) const override {
    const Index rows = rows_of(args.dy().shape());
    const Scalar* dz = activated(args.dy().shape()).dz(args);
    const std::size_t kernel = bias_ ? 1 : 0;
    if (bias_ && args.dw(0)) kernels::column_sums(rows, features(), dz, args.dw(0).data());
    if (args.dw(kernel)) {
      kernels::GemmDesc desc;
      desc.m = features(), desc.n = units(), desc.k = rows;
      desc.trans_a = kernels::Transpose::yes;
      kernels::gemm<Scalar>(desc, {dz, args.x().data(), args.dw(kernel).data()});
    }
    if (args.dx()) {
      kernels::GemmDesc desc;
      desc.m = rows, desc.n = units(), desc.k = features();
      desc.accumulate = args.add_to_input;
      kernels::gemm<Scalar>(desc, {dz, kernel_data(), args.dx().data()});
    }
  }

  /// Its bias, then the kernel of the other layer.
  GRAFT_COLD std::vector<VariablePtr<Scalar>> variables() const override {
    auto result = LayerImpl<Scalar>::variables();
    if (this->built()) result.push_back(kernel());
    return result;
  }
  bool may_train(std::size_t i) const override {
    return i < LayerImpl<Scalar>::variables().size() || dense_.trainable();
  }
  GRAFT_COLD std::string store_path(std::size_t i) const override {
    return i < LayerImpl<Scalar>::variables().size() ? LayerImpl<Scalar>::store_path(i) : "dense/vars/0";
  }

  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["dense"] = Config::object({{"class_name", "Dense"}, {"config", dense_.config()}});
    config["activation"] = options_.activation.config();
    config["use_bias"] = options_.use_bias;
    config["bias_initializer"] = options_.bias_initializer.config();
    config["bias_regularizer"] = options_.bias_regularizer.config();
    config["activity_regularizer"] = options_.activity_regularizer.config();
    config["bias_constraint"] = options_.bias_constraint.config();
    return config;
  }

 protected:
  GRAFT_COLD void build(std::span<const Shape>, Rng& rng) override {
    const Shape outputs{features()};
    if (!dense_.built()) {
      const Shape input = dense_.impl().input_shape()->with_batch(Shape::kUnknown);
      dense_.impl().ensure_built({&input, 1});
    }
    if (!options_.use_bias) return;
    bias_ = this->add_variable("bias", outputs, options_.bias_initializer, rng, VariableKind::trainable,
                               options_.bias_regularizer, options_.bias_constraint);
  }

 private:
  static Index rows_of(const Shape& shape) { return shape.product(0, shape.rank() - 1); }
  detail::Activated<Scalar> activated(Shape shape) const {
    shape[-1] = features();
    return {options_.activation, shape};
  }
  Index units() const { return static_cast<const DenseImpl<Scalar>&>(dense_.impl()).units(); }
  const VariablePtr<Scalar>& kernel() const { return static_cast<const DenseImpl<Scalar>&>(dense_.impl()).kernel(); }
  const Scalar* kernel_data() const { return std::as_const(*kernel()).value().data(); }
  /// What the other layer takes, and this one gives.
  Index features() const {
    if (dense_.built()) return kernel()->shape()[0];
    const auto& shape = dense_.impl().input_shape();
    if (!shape || shape->rank() == 0 || shape->back() == Shape::kUnknown) refuse_unbuilt();
    return shape->back();
  }
  [[noreturn]] GRAFT_COLD void refuse_unbuilt() const {
    throw StateError(
        this->where() + ": " + dense_.impl().where() +
        ", which it is tied to, is not built yet, so its kernel does not exist. Build the encoder first: " +
        "give its first layer an input_shape.");
  }

  Layer<Scalar> dense_;
  DenseTransposeOptions options_;
  VariablePtr<Scalar> bias_;
};

/// Tied weights: y = activation(x Wᵀ + b) with the kernel W (inputs, units) of a Dense layer, which both layers train,
/// and a bias b (inputs) of its own. x (batch, …, units), y (batch, …, inputs). The kernel is frozen with the Dense
/// layer; a DenseTranspose that is frozen leaves its bias alone and adds nothing to the kernel's gradient.
///
///     const graft::Dense hidden(100, {.activation = "relu", .input_shape = graft::Shape{784}});
///     graft::Sequential tied({hidden, graft::DenseTranspose(hidden, {.activation = "sigmoid"})});
///
/// Copies of a model made from its config (clone_model, files) are tied as the original is. Not in Keras; the class is
/// that of "Hands-On Machine Learning". Throws ConfigError for a layer that is not a Dense, ShapeError for an input of
/// other than `units` features, StateError when it is called before the Dense layer is built, and when a model with it
/// runs while the Dense layer has LoRA.
template <class Scalar = float>
class DenseTranspose : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit DenseTranspose(const Layer<Scalar>& dense, DenseTransposeOptions options = {})
      : Layer<Scalar>(new DenseTransposeImpl<Scalar>(dense, std::move(options))) {}

  /// Tied to the layer of the same model that the config names; outside of its model, to one of its own.
  GRAFT_COLD static DenseTranspose from_config(const Config& config) {
    DenseTransposeOptions options;
    detail::read(config, "activation", options.activation);
    detail::read(config, "use_bias", options.use_bias);
    detail::read(config, "bias_initializer", options.bias_initializer);
    detail::read(config, "bias_regularizer", options.bias_regularizer);
    detail::read(config, "activity_regularizer", options.activity_regularizer);
    detail::read(config, "bias_constraint", options.bias_constraint);
    detail::read_base(config, options);
    const Config& dense = config.at("dense").at("config");
    Layer<Scalar> tied = LayersOfModel<Scalar>::find(dense.get("name", ""));
    if (!tied) tied = Dense<Scalar>::from_config(dense);
    return DenseTranspose(tied, std::move(options));
  }
};

}  // namespace graft
