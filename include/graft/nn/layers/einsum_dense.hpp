#pragma once

#include "graft/kernels/activation.hpp"
#include "graft/kernels/broadcast.hpp"
#include "graft/nn/layers/activated.hpp"
#include "graft/nn/layers/einsum.hpp"

namespace graft {

struct EinsumDenseOptions {
  ActivationFunction activation = "linear";
  std::string bias_axes = {};  ///< labels of the result that the bias has; empty: no bias
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
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
class EinsumDenseImpl final : public LayerImpl<Scalar> {
 public:
  GRAFT_COLD EinsumDenseImpl(std::string equation, const Shape& output_shape, EinsumDenseOptions options)
      : LayerImpl<Scalar>("EinsumDense", options),
        equation_(std::move(equation)),
        given_(output_shape),
        options_(std::move(options)) {}
  std::string_view class_name() const override { return "EinsumDense"; }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    const detail::Einsum einsum(equation_, inputs[0].rank(), this->where());
    Shape result;
    for (const char label : einsum.output) result.push_back(dim(einsum, inputs[0], label));
    return options_.activation.output_shape(result, this->where());
  }

  Needs needs(std::span<const Shape> inputs, const Use& use) const override {
    const detail::Einsum einsum = equation(inputs[0]);
    const detail::EinsumPlan plan(einsum, inputs[0], kernel_shape(einsum, inputs[0]));
    Needs needs;
    needs.inputs = use.weight_gradients;
    detail::Activated<Scalar>(options_.activation, plan.output()).require(needs, use);
    needs.scratch_bytes += plan.scratch(use.backward()) * static_cast<Index>(sizeof(Scalar));
    return needs;
  }

  /// y = f(einsum(x, W) + b)
  void forward(const ForwardArgs<Scalar>& args) const override {
    const detail::EinsumPlan plan(*einsum_, args.x().shape(), kernel_->shape());
    const detail::Activated<Scalar> act(options_.activation, plan.output());
    Scalar* z = act.z(args);
    plan.forward(args.x().data(), kernel_->value().data(), z, own_scratch(args.scratch, act.scratch_bytes(args.use)));
    if (bias_) {
      kernels::broadcast_axpby(bias_over(plan.output()), Scalar(1), bias_->value().data(), Scalar(1), z, z);
    }
    // The bias comes between the products and what they could apply themselves.
    kernels::activation_forward(act.fused(args), plan.output().elements(), z, z);
    act.finish(args);
  }

  void backward(const BackwardArgs<Scalar>& args) const override {
    // Without gradients of weights there is no input to ask for its shape.
    const Shape& shape = args.x() ? args.x().shape() : args.dx().shape();
    const detail::EinsumPlan plan(*einsum_, shape, kernel_->shape());
    const detail::Activated<Scalar> act(options_.activation, plan.output());
    const Scalar* dz = act.dz(args);
    Scalar* aside = own_scratch(args.scratch, act.scratch_bytes(args.use));
    const bool wants_kernel = args.use.weight_gradients && args.dw(0);
    plan.backward(args.x().data(), kernel_->value().data(), dz, args.dx().data(),
                  wants_kernel ? args.dw(0).data() : nullptr, aside);
    if (bias_ && args.use.weight_gradients && args.dw(1)) {
      kernels::broadcast_sum(bias_over(plan.output()), Scalar(1), dz, args.dw(1).data(), false);
    }
  }

  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["equation"] = equation_;
    config["output_shape"] = detail::shape_config(given_);
    config["activation"] = options_.activation.config();
    config["bias_axes"] = options_.bias_axes.empty() ? Config() : Config(options_.bias_axes);
    config["kernel_initializer"] = options_.kernel_initializer.config();
    config["bias_initializer"] = options_.bias_initializer.config();
    config["kernel_regularizer"] = options_.kernel_regularizer.config();
    config["bias_regularizer"] = options_.bias_regularizer.config();
    config["activity_regularizer"] = options_.activity_regularizer.config();
    config["kernel_constraint"] = options_.kernel_constraint.config();
    config["bias_constraint"] = options_.bias_constraint.config();
    return config;
  }

 protected:
  GRAFT_COLD void build(std::span<const Shape> inputs, Rng& rng) override {
    einsum_.emplace(equation_, inputs[0].rank(), this->where());
    kernel_ = this->add_variable("kernel", kernel_shape(*einsum_, inputs[0]), options_.kernel_initializer, rng,
                                 VariableKind::trainable, options_.kernel_regularizer, options_.kernel_constraint);
    if (options_.bias_axes.empty()) return;
    // From the first axis that it has on; it is repeated along the others.
    Shape shape;
    for (const char label : einsum_->output) {
      const bool own = options_.bias_axes.find(label) != std::string::npos;
      if (own) shape.push_back(known(dim(*einsum_, inputs[0], label), inputs[0]));
      else if (shape.rank() > 0) shape.push_back(1);
    }
    for (const char label : options_.bias_axes) {
      if (einsum_->output.find(label) == std::string::npos) {
        fail<ConfigError>(this->where(), "bias_axes that the result has", "\"" + options_.bias_axes + "\"");
      }
    }
    bias_ = this->add_variable("bias", shape, options_.bias_initializer, rng, VariableKind::trainable,
                               options_.bias_regularizer, options_.bias_constraint);
  }
  GRAFT_COLD void check_inputs(std::span<const Shape> inputs) const override {
    (void)output_shape(inputs);
    if (inputs[0].rank() == static_cast<int>(einsum_->input.size()) &&
        kernel_shape(*einsum_, inputs[0]) == kernel_->shape()) {
      return;
    }
    fail<ShapeError>(this->where(), "an input for the kernel " + kernel_->shape().str() + " from build",
                     inputs[0].str());
  }

 private:
  detail::Einsum equation(const Shape& input) const {
    return einsum_ ? *einsum_ : detail::Einsum(equation_, input.rank(), this->where());
  }
  /// The size of a label of the result or the kernel: of the input, or as output_shape says.
  GRAFT_COLD Index dim(const detail::Einsum& einsum, const Shape& input, char label) const {
    const std::size_t in_input = einsum.input.find(label), at = einsum.output.find(label);
    Index given = Shape::kUnknown;
    if (at != std::string::npos) {
      // output_shape has what is behind the batch, without the axes of "...".
      const Index behind = static_cast<Index>(einsum.output.size()) - given_.rank();
      const Index first = einsum.elided > 0 && !einsum.in_front ? 1 : behind;
      const Index place = static_cast<Index>(at) - first;
      if (behind < 0 || (einsum.elided == 0 && behind != 1)) {
        fail<ConfigError>(this->where(), "an output_shape for \"" + einsum.output + "\" without the batch",
                          given_.str());
      }
      if (place >= 0 && place < given_.rank()) given = given_[static_cast<int>(place)];
    }
    if (in_input == std::string::npos) return given;
    const Index own = input[static_cast<int>(in_input)];
    if (given != Shape::kUnknown && own != Shape::kUnknown && given != own) {
      fail<ShapeError>(this->where(), "an input that agrees with output_shape " + given_.str(), input.str());
    }
    return own == Shape::kUnknown ? given : own;
  }
  GRAFT_COLD Index known(Index dim, const Shape& input) const {
    if (dim == Shape::kUnknown) {
      fail<ShapeError>(this->where(), "known dimensions of the kernel of \"" + equation_ + "\"",
                       "input " + input.str() + ", output_shape " + given_.str());
    }
    return dim;
  }
  GRAFT_COLD Shape kernel_shape(const detail::Einsum& einsum, const Shape& input) const {
    if (kernel_) return kernel_->shape();
    Shape shape;
    for (const char label : einsum.kernel) shape.push_back(known(dim(einsum, input, label), input));
    return shape;
  }
  kernels::BroadcastDesc bias_over(const Shape& full) const {
    Shape bias;
    for (int axis = bias_->shape().rank(); axis < full.rank(); ++axis) bias.push_back(1);
    for (const Index dim : bias_->shape()) bias.push_back(dim);
    return kernels::broadcast_desc(full.rank(), full.begin(), bias.begin(), full.begin());
  }
  static Scalar* own_scratch(std::byte* scratch, Index taken) { return reinterpret_cast<Scalar*>(scratch + taken); }

  std::string equation_;
  Shape given_;
  EinsumDenseOptions options_;
  std::optional<detail::Einsum> einsum_;
  VariablePtr<Scalar> kernel_, bias_;
};

/// y = activation(einsum(equation, x, kernel) + bias): EinsumDense("abc,cde->abde", {-1, 2, 3}, {.bias_axes = "de"}).
/// output_shape is that of the result without the batch; -1 for what the input decides. "..." stands for the axes that
/// nothing names: "...x,xy->...y". Throws ConfigError for an equation with labels that are in one term only, ShapeError
/// for inputs that do not fit.
template <class Scalar = float>
class EinsumDense : public Layer<Scalar> {
 public:
  GRAFT_COLD EinsumDense(std::string equation, const Shape& output_shape, EinsumDenseOptions options = {})
      : Layer<Scalar>(new EinsumDenseImpl<Scalar>(std::move(equation), output_shape, std::move(options))) {}

  GRAFT_COLD static EinsumDense from_config(const Config& config) {
    detail::reject(config, "EinsumDense", "lora_rank");
    detail::reject(config, "EinsumDense", "quantization_config");
    EinsumDenseOptions options;
    detail::read(config, "activation", options.activation);
    detail::read(config, "bias_axes", options.bias_axes);
    detail::read(config, "kernel_initializer", options.kernel_initializer);
    detail::read(config, "bias_initializer", options.bias_initializer);
    detail::read(config, "kernel_regularizer", options.kernel_regularizer);
    detail::read(config, "bias_regularizer", options.bias_regularizer);
    detail::read(config, "activity_regularizer", options.activity_regularizer);
    detail::read(config, "kernel_constraint", options.kernel_constraint);
    detail::read(config, "bias_constraint", options.bias_constraint);
    detail::read_base(config, options);
    const Config& shape = config.at("output_shape");
    return EinsumDense(
        config.at("equation").as_string("equation"),
        shape.is_array() ? detail::read_shape(shape, "output_shape") : Shape{shape.as_int("output_shape")},
        std::move(options));
  }
};

}  // namespace graft
