#pragma once

#include "graft/nn/layers/plain_conv.hpp"

namespace graft {

/// strides and dilation_rate: one integer, or one for each spatial dimension; not both above 1.
struct ConvOptions {
  PerAxis strides = 1;
  std::string padding = "valid";  ///< "valid", "same"; of Conv1D also "causal": y[t] sees x[..t] only
  std::string data_format = "channels_last";
  PerAxis dilation_rate = 1;
  Index groups = 1;
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
class ConvImpl final : public detail::PlainConvImpl<Scalar> {
  using Base = detail::PlainConvImpl<Scalar>;

 public:
  using Options = ConvOptions;
  static constexpr const char* kNames[3] = {"Conv1D", "Conv2D", "Conv3D"};

  GRAFT_COLD ConvImpl(int rank, Index filters, const PerAxis& kernel_size, ConvOptions options)
      : Base(kNames, rank, kernel_size, options), filters_(filters), options_(std::move(options)) {
    this->require_positive("filters", filters);
    this->choose_lora(options_, this->where());
    if (options_.groups <= 0 || filters % options_.groups != 0) {
      fail<ConfigError>(this->where(), "groups that divide the " + std::to_string(filters) + " filters",
                        std::to_string(options_.groups));
    }
  }

  GRAFT_COLD static void read_options(const Config& config, Options& options) {
    detail::read_conv(config, options);
    detail::read_kernel(config, options);
    detail::read(config, "groups", options.groups);
  }
  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["groups"] = options_.groups;
    detail::write_kernel(config, filters_, options_);
    this->write_lora(config);
    return config;
  }

 protected:
  Index filters_of(Index channels) const override {
    if (channels != Shape::kUnknown && channels % options_.groups != 0) {
      fail<ShapeError>(this->where(), "channels that " + std::to_string(options_.groups) + " groups divide",
                       std::to_string(channels));
    }
    return filters_;
  }
  kernels::ConvDesc describe(const detail::SpatialShape& x, const detail::SpatialShape& z) const override {
    kernels::ConvDesc desc = Base::describe(x, z);
    desc.groups = options_.groups;
    return desc;
  }
  GRAFT_COLD void build(std::span<const Shape> inputs, Rng& rng) override {
    const Index channels = this->known_channels(inputs) / options_.groups;
    this->kernel_ =
        this->add_variable("kernel", this->kernel_shape(channels, filters_), options_.kernel_initializer, rng,
                           VariableKind::trainable, options_.kernel_regularizer, options_.kernel_constraint);
    this->add_bias(filters_, rng);
    this->offer_lora(this->kernel_, rng);
  }

 private:
  Index filters_;
  ConvOptions options_;
};

/// y[n, o, f] = activation(b[f] + sum over taps t, channels c of x[n, o * strides + t * dilation_rate - pad, c] W[t, c,
/// f]). x (batch, length, channels), kernel W (kernel_size, channels / groups, filters), bias b (filters). "valid" has
/// ceil((length - extent + 1) / strides) outputs with extent = (kernel_size - 1) dilation_rate + 1, "same" and "causal"
/// ceil(length / strides); "same" pads as TensorFlow does, the odd element at the end. Throws ConfigError for arguments
/// that contradict each other, ShapeError for a kernel larger than its padded input and for groups that do not divide
/// the channels.
template <class Scalar = float>
class Conv1D : public detail::FilterLayer<Scalar, Conv1D<Scalar>, ConvImpl<Scalar>> {
 public:
  GRAFT_COLD Conv1D(Index filters, const PerAxis& kernel_size, ConvOptions options = {})
      : Conv1D::FilterLayer(new ConvImpl<Scalar>(1, filters, kernel_size, std::move(options))) {}
};

/// As Conv1D, over (batch, height, width, channels).
template <class Scalar = float>
class Conv2D : public detail::FilterLayer<Scalar, Conv2D<Scalar>, ConvImpl<Scalar>> {
 public:
  GRAFT_COLD Conv2D(Index filters, const PerAxis& kernel_size, ConvOptions options = {})
      : Conv2D::FilterLayer(new ConvImpl<Scalar>(2, filters, kernel_size, std::move(options))) {}
};

/// As Conv1D, over (batch, depth, height, width, channels).
template <class Scalar = float>
class Conv3D : public detail::FilterLayer<Scalar, Conv3D<Scalar>, ConvImpl<Scalar>> {
 public:
  GRAFT_COLD Conv3D(Index filters, const PerAxis& kernel_size, ConvOptions options = {})
      : Conv3D::FilterLayer(new ConvImpl<Scalar>(3, filters, kernel_size, std::move(options))) {}
};

}  // namespace graft
