#pragma once

#include "graft/nn/layers/depthwise_conv.hpp"

namespace graft {

/// strides and dilation_rate: one integer, or one for each spatial dimension; not both above 1.
struct SeparableConvOptions {
  PerAxis strides = 1;
  std::string padding = "valid";  ///< "valid", "same"; of SeparableConv1D also "causal"
  std::string data_format = "channels_last";
  PerAxis dilation_rate = 1;
  Index depth_multiplier = 1;
  ActivationFunction activation = "linear";
  bool use_bias = true;
  Initializer depthwise_initializer = "glorot_uniform";
  Initializer pointwise_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer depthwise_regularizer = {};
  Regularizer pointwise_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint depthwise_constraint = {};
  Constraint pointwise_constraint = {};
  Constraint bias_constraint = {};
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class SeparableConvImpl final : public detail::ConvLayerImpl<Scalar> {
  using Base = detail::ConvLayerImpl<Scalar>;

 public:
  using Options = SeparableConvOptions;
  static constexpr const char* kNames[3] = {"SeparableConv1D", "SeparableConv2D", ""};

  GRAFT_COLD SeparableConvImpl(int rank, Index filters, const PerAxis& kernel_size, SeparableConvOptions options)
      : Base(kNames, rank, kernel_size, options), filters_(filters), options_(std::move(options)) {
    this->require_positive("filters", filters);
    this->require_positive("depth_multiplier", options_.depth_multiplier);
  }

  GRAFT_COLD static void read_options(const Config& config, Options& options) {
    detail::read_conv(config, options);
    detail::read_depthwise(config, options);
    detail::read(config, "pointwise_initializer", options.pointwise_initializer);
    detail::read(config, "pointwise_regularizer", options.pointwise_regularizer);
    detail::read(config, "pointwise_constraint", options.pointwise_constraint);
  }
  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["filters"] = filters_;
    detail::write_depthwise(config, options_);
    config["pointwise_initializer"] = options_.pointwise_initializer.config();
    config["pointwise_regularizer"] = options_.pointwise_regularizer.config();
    config["pointwise_constraint"] = options_.pointwise_constraint.config();
    return config;
  }

 protected:
  Index filters_of(Index) const override { return filters_; }
  /// The depthwise half.
  kernels::ConvDesc describe(const detail::SpatialShape& x, const detail::SpatialShape& z) const override {
    kernels::ConvDesc desc = Base::describe(x, z);
    desc.groups = x.channels;
    desc.filters = x.channels * options_.depth_multiplier;
    return desc;
  }
  Needs linear_needs(const kernels::ConvDesc& desc, const Use& use) const override {
    Needs needs;
    const Index bytes = between_bytes(desc);
    (use.weight_gradients ? needs.cache_bytes : needs.scratch_bytes) += bytes;
    if (use.weight_gradients) needs.scratch_bytes += bytes;  // the gradient of what lies between
    return needs;
  }
  void linear_forward(const kernels::ConvDesc& desc, const kernels::ActivationParams& fused,
                      const ForwardArgs<Scalar>& args, const Scalar* x, Scalar* z, std::byte* cache,
                      std::byte* scratch) const override {
    Scalar* between = reinterpret_cast<Scalar*>(args.use.weight_gradients ? cache : scratch);
    kernels::conv_forward<Scalar>(desc, x, depthwise_->value().data(), nullptr, between);
    kernels::ConvDesc second = pointwise(desc);
    second.activation = fused;
    kernels::conv_forward<Scalar>(second, between, pointwise_->value().data(), this->bias_data(), z);
  }
  void linear_backward(const kernels::ConvDesc& desc, const BackwardArgs<Scalar>& args, const Scalar* x,
                       const Scalar* dz, Scalar* dx, const std::byte* cache, std::byte* scratch) const override {
    const kernels::ConvDesc second = pointwise(desc);
    if (args.dw(1)) {
      kernels::conv_backward_weights<Scalar>(second, reinterpret_cast<const Scalar*>(cache), dz, args.dw(1).data());
    }
    if (!args.dw(0) && !dx) return;
    Scalar* between = reinterpret_cast<Scalar*>(scratch);
    kernels::conv_backward_data<Scalar>(second, dz, pointwise_->value().data(), nullptr, between);
    if (args.dw(0)) kernels::conv_backward_weights<Scalar>(desc, x, between, args.dw(0).data());
    if (!dx) return;
    kernels::ConvDesc first = desc;
    first.accumulate = args.add_to_input;
    kernels::conv_backward_data<Scalar>(first, between, depthwise_->value().data(), nullptr, dx);
  }

  GRAFT_COLD void build(std::span<const Shape> inputs, Rng& rng) override {
    const Index channels = this->known_channels(inputs), multiplier = options_.depth_multiplier;
    depthwise_ =
        this->add_variable("depthwise_kernel", this->kernel_shape(channels, multiplier), options_.depthwise_initializer,
                           rng, VariableKind::trainable, options_.depthwise_regularizer, options_.depthwise_constraint);
    Shape shape;
    for (int axis = 0; axis < this->rank(); ++axis) shape.push_back(1);
    shape.push_back(channels * multiplier);
    shape.push_back(filters_);
    pointwise_ =
        this->add_variable("pointwise_kernel", shape, options_.pointwise_initializer, rng, VariableKind::trainable,
                           options_.pointwise_regularizer, options_.pointwise_constraint);
    this->add_bias(filters_, rng);
  }

 private:
  kernels::ConvDesc pointwise(const kernels::ConvDesc& depthwise) const {
    kernels::ConvDesc desc;
    desc.batch = depthwise.batch, desc.in = depthwise.out, desc.out = depthwise.out;
    desc.channels = depthwise.filters, desc.filters = filters_;
    return desc;
  }
  static Index between_bytes(const kernels::ConvDesc& desc) {
    return detail::round_up_64(desc.batch * desc.out_pixels() * desc.filters * static_cast<Index>(sizeof(Scalar)));
  }

  Index filters_;
  SeparableConvOptions options_;
  VariablePtr<Scalar> depthwise_, pointwise_;
};

/// A DepthwiseConv1D without bias, then a Conv1D of kernel size 1 (Chollet 2017). Weights: depthwise kernel
/// (kernel_size, channels, depth_multiplier), pointwise kernel (1, channels * depth_multiplier, filters), bias
/// (filters).
template <class Scalar = float>
class SeparableConv1D : public detail::FilterLayer<Scalar, SeparableConv1D<Scalar>, SeparableConvImpl<Scalar>> {
 public:
  GRAFT_COLD SeparableConv1D(Index filters, const PerAxis& kernel_size, SeparableConvOptions options = {})
      : SeparableConv1D::FilterLayer(new SeparableConvImpl<Scalar>(1, filters, kernel_size, std::move(options))) {}
};

/// As SeparableConv1D, over (batch, height, width, channels).
template <class Scalar = float>
class SeparableConv2D : public detail::FilterLayer<Scalar, SeparableConv2D<Scalar>, SeparableConvImpl<Scalar>> {
 public:
  GRAFT_COLD SeparableConv2D(Index filters, const PerAxis& kernel_size, SeparableConvOptions options = {})
      : SeparableConv2D::FilterLayer(new SeparableConvImpl<Scalar>(2, filters, kernel_size, std::move(options))) {}
};

}  // namespace graft
