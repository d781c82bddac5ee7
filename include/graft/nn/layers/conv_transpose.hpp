#pragma once

#include "graft/nn/layers/conv_layer.hpp"

namespace graft {

/// strides and dilation_rate: one integer, or one for each spatial dimension; not both above 1. output_padding: below
/// the stride; without it the output length follows from the input's.
struct ConvTransposeOptions {
  PerAxis strides = 1;
  std::string padding = "valid";  ///< "valid" or "same"
  PerAxis output_padding = {};
  std::string data_format = "channels_last";
  PerAxis dilation_rate = 1;
  ActivationFunction activation = "linear";
  bool use_bias = true;
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

/// The convolution that it transposes has this layer's output as its x.
template <class Scalar>
class ConvTransposeImpl final : public detail::ConvLayerImpl<Scalar> {
  using Base = detail::ConvLayerImpl<Scalar>;

 public:
  using Options = ConvTransposeOptions;
  static constexpr const char* kNames[3] = {"Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"};

  GRAFT_COLD ConvTransposeImpl(int rank, Index filters, const PerAxis& kernel_size, ConvTransposeOptions options)
      : Base(kNames, rank, kernel_size, options), filters_(filters), options_(std::move(options)) {
    this->require_positive("filters", filters);
    if (this->padding() == Padding::causal) {
      fail<ConfigError>(this->where(), "padding valid or same", "\"" + options_.padding + "\"");
    }
    if (!options_.output_padding.set()) return;
    extra_ = detail::spatial_values(options_.output_padding, rank, "output_padding", this->where(), 0);
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(rank); ++axis) {
      if (extra_[axis] >= this->strides()[axis]) {
        fail<ConfigError>(this->where(), "output_padding below the stride " + std::to_string(this->strides()[axis]),
                          std::to_string(extra_[axis]));
      }
    }
  }

  GRAFT_COLD static void read_options(const Config& config, Options& options) {
    detail::read_conv(config, options);
    detail::read_kernel(config, options);
    detail::read(config, "output_padding", options.output_padding);
  }
  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["output_padding"] = options_.output_padding.set() ? detail::spatial_config(extra_, this->rank()) : Config();
    detail::write_kernel(config, filters_, options_);
    return config;
  }

 protected:
  Index filters_of(Index) const override { return filters_; }
  detail::SpatialShape linear_shape(const detail::SpatialShape& x) const override {
    detail::SpatialShape z = x;
    z.channels = filters_;
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(this->rank()); ++axis) {
      const Index n = x.size[axis];
      if (n != Shape::kUnknown) z.size[axis] = n > detail::kLargestSpatialOption ? 0 : output_length(axis, n);
    }
    return z;
  }
  kernels::ConvDesc describe(const detail::SpatialShape& x, const detail::SpatialShape& z) const override {
    kernels::ConvDesc desc = this->describe_windows(z, x);
    // What the windows, side by side, cover beyond the output is cut off, the odd element at the end.
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const Index covered =
          (desc.out[axis] - 1) * desc.stride[axis] + detail::window_extent(desc.kernel[axis], desc.dilation[axis]);
      desc.pad[axis] = std::max<Index>(covered - desc.in[axis], 0) / 2;
    }
    return desc;
  }
  void linear_forward(const kernels::ConvDesc& desc, const kernels::ActivationParams& fused, const ForwardArgs<Scalar>&,
                      const Scalar* x, Scalar* z, std::byte*, std::byte*) const override {
    kernels::ConvDesc with = desc;
    with.activation = fused;
    kernels::conv_backward_data<Scalar>(with, x, kernel_->value().data(), this->bias_data(), z);
  }
  void linear_backward(const kernels::ConvDesc& desc, const BackwardArgs<Scalar>& args, const Scalar* x,
                       const Scalar* dz, Scalar* dx, const std::byte*, std::byte*) const override {
    if (args.dw(0)) kernels::conv_backward_weights<Scalar>(desc, dz, x, args.dw(0).data());
    if (dx) kernels::conv_forward<Scalar>(desc, dz, kernel_->value().data(), nullptr, dx);
  }
  bool adds_to_input() const override { return false; }

  GRAFT_COLD void build(std::span<const Shape> inputs, Rng& rng) override {
    kernel_ = this->add_variable("kernel", this->kernel_shape(filters_, this->known_channels(inputs)),
                                 options_.kernel_initializer, rng, VariableKind::trainable, options_.kernel_regularizer,
                                 options_.kernel_constraint);
    this->add_bias(filters_, rng);
  }

 private:
  Index output_length(std::size_t axis, Index n) const {
    const Index stride = this->strides()[axis];
    const Index extent = detail::window_extent(this->kernel_size()[axis], this->dilation()[axis]);
    const bool same = this->padding() == Padding::same;
    if (options_.output_padding.set()) {
      return std::max<Index>((n - 1) * stride + extent + extra_[axis] - (same ? extent / 2 * 2 : 0), 0);
    }
    return n * stride + (same ? 0 : std::max<Index>(extent - stride, 0));
  }

  Index filters_;
  ConvTransposeOptions options_;
  detail::SpatialValues extra_{};
  VariablePtr<Scalar> kernel_;
};

/// The data gradient of a Conv1D as a layer: every input element adds itself times the kernel to the output, `strides`
/// further for each. x (batch, length, channels), kernel (kernel_size, filters, channels), bias (filters). Output
/// length, with extent = (kernel_size - 1) dilation_rate + 1: "same" length * strides, "valid" length * strides +
/// max(extent - strides, 0); with output_padding p (length - 1) strides + extent + p, minus 2 (extent / 2) if "same".
/// What the windows cover beyond that is cut off on both sides, the odd element at the end (TensorFlow's rule).
template <class Scalar = float>
class Conv1DTranspose : public detail::FilterLayer<Scalar, Conv1DTranspose<Scalar>, ConvTransposeImpl<Scalar>> {
 public:
  GRAFT_COLD Conv1DTranspose(Index filters, const PerAxis& kernel_size, ConvTransposeOptions options = {})
      : Conv1DTranspose::FilterLayer(new ConvTransposeImpl<Scalar>(1, filters, kernel_size, std::move(options))) {}
};

/// As Conv1DTranspose, over (batch, height, width, channels).
template <class Scalar = float>
class Conv2DTranspose : public detail::FilterLayer<Scalar, Conv2DTranspose<Scalar>, ConvTransposeImpl<Scalar>> {
 public:
  GRAFT_COLD Conv2DTranspose(Index filters, const PerAxis& kernel_size, ConvTransposeOptions options = {})
      : Conv2DTranspose::FilterLayer(new ConvTransposeImpl<Scalar>(2, filters, kernel_size, std::move(options))) {}
};

/// As Conv1DTranspose, over (batch, depth, height, width, channels).
template <class Scalar = float>
class Conv3DTranspose : public detail::FilterLayer<Scalar, Conv3DTranspose<Scalar>, ConvTransposeImpl<Scalar>> {
 public:
  GRAFT_COLD Conv3DTranspose(Index filters, const PerAxis& kernel_size, ConvTransposeOptions options = {})
      : Conv3DTranspose::FilterLayer(new ConvTransposeImpl<Scalar>(3, filters, kernel_size, std::move(options))) {}
};

}  // namespace graft
