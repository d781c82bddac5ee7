#pragma once

#include "graft/nn/layers/plain_conv.hpp"

namespace graft {

/// strides and dilation_rate: one integer, or one for each spatial dimension; not both above 1.
struct DepthwiseConvOptions {
  PerAxis strides = 1;
  std::string padding = "valid";  ///< "valid" or "same"
  Index depth_multiplier = 1;
  std::string data_format = "channels_last";
  PerAxis dilation_rate = 1;
  ActivationFunction activation = "linear";
  bool use_bias = true;
  Initializer depthwise_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer depthwise_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint depthwise_constraint = {};
  Constraint bias_constraint = {};
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class DepthwiseConvImpl final : public detail::PlainConvImpl<Scalar> {
  using Base = detail::PlainConvImpl<Scalar>;

 public:
  static constexpr const char* kNames[3] = {"DepthwiseConv1D", "DepthwiseConv2D", ""};

  GRAFT_COLD DepthwiseConvImpl(int rank, const PerAxis& kernel_size, DepthwiseConvOptions options)
      : Base(kNames, rank, kernel_size, options), options_(std::move(options)) {
    this->require_positive("depth_multiplier", options_.depth_multiplier);
  }

  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    detail::write_depthwise(config, options_);
    return config;
  }

 protected:
  Index filters_of(Index channels) const override {
    return channels == Shape::kUnknown ? channels : channels * options_.depth_multiplier;
  }
  kernels::ConvDesc describe(const detail::SpatialShape& x, const detail::SpatialShape& z) const override {
    kernels::ConvDesc desc = Base::describe(x, z);
    desc.groups = x.channels;
    return desc;
  }
  GRAFT_COLD void build(std::span<const Shape> inputs, Rng& rng) override {
    const Index channels = this->known_channels(inputs);
    this->kernel_ = this->add_variable("depthwise_kernel", this->kernel_shape(channels, options_.depth_multiplier),
                                       options_.depthwise_initializer, rng, VariableKind::trainable,
                                       options_.depthwise_regularizer, options_.depthwise_constraint);
    this->add_bias(channels * options_.depth_multiplier, rng);
  }

 private:
  DepthwiseConvOptions options_;
};

namespace detail {

template <class Scalar, class Handle>
class DepthwiseLayer : public Layer<Scalar> {
 public:
  GRAFT_COLD static Handle from_config(const Config& config) {
    DepthwiseConvOptions options;
    read_conv(config, options);
    read_depthwise(config, options);
    return Handle(read_kernel_size(config), std::move(options));
  }

 protected:
  using Layer<Scalar>::Layer;
};

}  // namespace detail

/// Each channel c is convolved by itself, depth_multiplier times: y[n, o, c * multiplier + m]. Kernel (kernel_size,
/// channels, depth_multiplier), bias (channels * depth_multiplier); lengths as in Conv1D.
template <class Scalar = float>
class DepthwiseConv1D : public detail::DepthwiseLayer<Scalar, DepthwiseConv1D<Scalar>> {
 public:
  GRAFT_COLD explicit DepthwiseConv1D(const PerAxis& kernel_size, DepthwiseConvOptions options = {})
      : DepthwiseConv1D::DepthwiseLayer(new DepthwiseConvImpl<Scalar>(1, kernel_size, std::move(options))) {}
};

/// As DepthwiseConv1D, over (batch, height, width, channels).
template <class Scalar = float>
class DepthwiseConv2D : public detail::DepthwiseLayer<Scalar, DepthwiseConv2D<Scalar>> {
 public:
  GRAFT_COLD explicit DepthwiseConv2D(const PerAxis& kernel_size, DepthwiseConvOptions options = {})
      : DepthwiseConv2D::DepthwiseLayer(new DepthwiseConvImpl<Scalar>(2, kernel_size, std::move(options))) {}
};

}  // namespace graft
