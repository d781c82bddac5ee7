#pragma once

#include "graft/kernels/conv.hpp"
#include "graft/kernels/elementwise.hpp"
#include "graft/nn/layers/activated.hpp"
#include "graft/nn/layers/lora_layer.hpp"
#include "graft/nn/layers/spatial.hpp"
#include "graft/nn/layers/transpose.hpp"

// What all layers that convolve share: Conv, ConvTranspose, DepthwiseConv and SeparableConv over 1 to 3 dimensions.
namespace graft::detail {

/// The arguments that all of them have.
template <class Options>
GRAFT_COLD void read_conv(const Config& config, Options& options) {
  if constexpr (requires { options.lora_rank; }) read_lora(config, options);
  else reject(config, "convolution", "lora_rank");
  reject(config, "convolution", "quantization_config");
  read(config, "strides", options.strides);
  read(config, "padding", options.padding);
  read(config, "data_format", options.data_format);
  read(config, "dilation_rate", options.dilation_rate);
  read(config, "activation", options.activation);
  read(config, "use_bias", options.use_bias);
  read(config, "bias_initializer", options.bias_initializer);
  read(config, "bias_regularizer", options.bias_regularizer);
  read(config, "activity_regularizer", options.activity_regularizer);
  read(config, "bias_constraint", options.bias_constraint);
  read_base(config, options);
}
/// Those of one kernel.
template <class Options>
GRAFT_COLD void read_kernel(const Config& config, Options& options) {
  read(config, "kernel_initializer", options.kernel_initializer);
  read(config, "kernel_regularizer", options.kernel_regularizer);
  read(config, "kernel_constraint", options.kernel_constraint);
}
template <class Options>
GRAFT_COLD void write_kernel(Config& config, Index filters, const Options& options) {
  config["filters"] = filters;
  config["kernel_initializer"] = options.kernel_initializer.config();
  config["kernel_regularizer"] = options.kernel_regularizer.config();
  config["kernel_constraint"] = options.kernel_constraint.config();
}
/// Those of a depthwise kernel.
template <class Options>
GRAFT_COLD void read_depthwise(const Config& config, Options& options) {
  read(config, "depth_multiplier", options.depth_multiplier);
  read(config, "depthwise_initializer", options.depthwise_initializer);
  read(config, "depthwise_regularizer", options.depthwise_regularizer);
  read(config, "depthwise_constraint", options.depthwise_constraint);
}
template <class Options>
GRAFT_COLD void write_depthwise(Config& config, const Options& options) {
  config["depth_multiplier"] = options.depth_multiplier;
  config["depthwise_initializer"] = options.depthwise_initializer.config();
  config["depthwise_regularizer"] = options.depthwise_regularizer.config();
  config["depthwise_constraint"] = options.depthwise_constraint.config();
}
GRAFT_COLD inline PerAxis read_kernel_size(const Config& config) {
  PerAxis kernel_size;
  (void)config.at("kernel_size");
  read(config, "kernel_size", kernel_size);
  return kernel_size;
}

/// Base of the handles that are made of filters, a kernel size and options; Impl::read_options knows the latter.
template <class Scalar, class Handle, class Impl>
class FilterLayer : public Layer<Scalar> {
 public:
  GRAFT_COLD static Handle from_config(const Config& config) {
    typename Impl::Options options;
    Impl::read_options(config, options);
    return Handle(config.at("filters").as_int("filters"), read_kernel_size(config), std::move(options));
  }

 protected:
  using Layer<Scalar>::Layer;
};

/// A convolution with its layout, bias and activation; what is convolved how is the derived class's business.
template <class Scalar>
class ConvLayerImpl : public LoraLayerImpl<Scalar> {
 public:
  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    const SpatialShape x = split_spatial(inputs[0], rank_, format_, this->where()), z = linear_shape(x);
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(rank_); ++axis) {
      if (z.size[axis] > 0 || z.size[axis] == Shape::kUnknown) continue;
      fail<ShapeError>(this->where(),
                       "a spatial dimension " + std::to_string(axis + 1) + " that its kernel of extent " +
                           std::to_string(window_extent(kernel_size_[axis], dilation_[axis])) + " fits into",
                       inputs[0].str(), "padding=\"same\" lets a window reach over the border.");
    }
    return activation_.output_shape(z.shape(format_), this->where());
  }

  Needs needs(std::span<const Shape> inputs, const Use& use) const override {
    const Call call(*this, inputs[0]);
    Needs needs = linear_needs(call.desc, use);
    needs.can_add = format_ == DataFormat::channels_last && adds_to_input();
    // Without gradients of inputs, the input is what tells the shape.
    needs.inputs = use.weight_gradients && (this->kernel_learns() || !use.input_gradients);
    needs.scratch_bytes += call.layout_bytes(use);
    call.activated.require(needs, use);
    return needs;
  }

  void forward(const ForwardArgs<Scalar>& args) const override {
    const Call call(*this, args.x().shape());
    std::byte* cache = args.cache + call.activated.cache_bytes(args.use);
    std::byte* scratch = args.scratch + call.activated.scratch_bytes(args.use);
    const Scalar* x = args.x().data();
    Scalar* z = call.activated.z(args);
    kernels::ActivationParams fused = call.activated.fused(args);
    if (activation_.linear()) fused = args.activation;
    if (format_ == DataFormat::channels_last) {
      linear_forward(call.desc, fused, args, x, z, cache, scratch);
    } else {
      Scalar* x_last = take(scratch, call.x_bytes());
      Scalar* z_last = take(scratch, call.z_bytes());
      transpose_forward(call.x_first, kLastFromFirst, x, x_last);
      linear_forward(call.desc, fused, args, x_last, z_last, cache, scratch);
      transpose_forward(call.z_last, kLastFromFirst, z_last, z);
    }
    call.activated.finish(args);
  }

  void backward(const BackwardArgs<Scalar>& args) const override {
    const Call call(*this, args.dx() ? args.dx().shape() : args.x().shape());
    const std::byte* cache = args.cache + call.activated.cache_bytes(args.use);
    std::byte* scratch = args.scratch + call.activated.scratch_bytes(args.use);
    const Scalar *dz = call.activated.dz(args), *x = args.x().data();
    Scalar* dx = args.dx().data();
    const bool first = format_ == DataFormat::channels_first;
    if (first) {
      Scalar* x_last = take(scratch, call.x_bytes());
      Scalar* dz_last = take(scratch, call.z_bytes());
      if (x) transpose_forward(call.x_first, kLastFromFirst, x, x_last);
      transpose_forward(call.z_first, kLastFromFirst, dz, dz_last);
      x = x ? x_last : nullptr;
      dz = dz_last;
      if (dx) dx = take(scratch, call.x_bytes());
    }
    linear_backward(call.desc, args, x, dz, dx, cache, scratch);
    if (first && dx) transpose_forward(call.x_last, kLastFromFirst, dx, args.dx().data());
    if (bias_ && args.dw(bias_index_)) {
      kernels::column_sums(call.z_last[0] * call.z_last[1], call.z_last[2], dz, args.dw(bias_index_).data());
    }
  }

  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["kernel_size"] = spatial_config(kernel_size_, rank_);
    config["strides"] = spatial_config(strides_, rank_);
    config["padding"] = padding_name(padding_);
    config["data_format"] = data_format_name(format_);
    config["dilation_rate"] = spatial_config(dilation_, rank_);
    config["activation"] = activation_.config();
    config["use_bias"] = use_bias_;
    config["bias_initializer"] = bias_initializer_.config();
    config["bias_regularizer"] = bias_regularizer_.config();
    config["activity_regularizer"] = this->activity_regularizer().config();
    config["bias_constraint"] = bias_constraint_.config();
    return config;
  }

 protected:
  GRAFT_COLD void require_positive(const char* what, Index value) const {
    if (value <= 0 || value > kLargestSpatialOption) {
      fail<ConfigError>(this->where(), std::string(what) + " above 0 and below 2^31", std::to_string(value));
    }
  }

  /// `names`: the class names for 1, 2 and 3 dimensions.
  template <class Options>
  GRAFT_COLD ConvLayerImpl(const char* const (&names)[3], int rank, const PerAxis& kernel_size, const Options& options)
      : LoraLayerImpl<Scalar>(names[rank - 1], options),
        class_name_(names[rank - 1]),
        rank_(rank),
        activation_(options.activation),
        use_bias_(options.use_bias),
        bias_initializer_(options.bias_initializer),
        bias_regularizer_(options.bias_regularizer),
        bias_constraint_(options.bias_constraint) {
    const std::string where = class_name_ + (" \"" + this->name() + "\"");
    kernel_size_ = spatial_values(kernel_size, rank, "kernel_size", where);
    strides_ = spatial_values(options.strides, rank, "strides", where);
    dilation_ = spatial_values(options.dilation_rate, rank, "dilation_rate", where);
    padding_ = parse_padding(options.padding, where, rank == 1);
    format_ = parse_data_format(options.data_format, where);
    const bool strided = kernels::ConvDesc::product(strides_) > 1, dilated = kernels::ConvDesc::product(dilation_) > 1;
    if (strided && dilated) {
      fail<ConfigError>(where, "strides or dilation_rate above 1, not both", "both",
                        "Keras does not compute such a convolution either.");
    }
  }

  std::string_view class_name() const override { return class_name_; }

  /// The shape of z for that of x; sizes may be unknown, and come out as 0 where there is no output.
  virtual SpatialShape linear_shape(const SpatialShape& x) const {
    SpatialShape z = x;
    z.channels = filters_of(x.channels);
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(rank_); ++axis) {
      z.size[axis] = conv_output_length(x.size[axis], kernel_size_[axis], strides_[axis], dilation_[axis], padding_);
    }
    return z;
  }
  virtual Index filters_of(Index channels) const = 0;
  /// The convolution for an input of known shape; spatial axes in ConvDesc's order.
  virtual kernels::ConvDesc describe(const SpatialShape& x, const SpatialShape& z) const {
    kernels::ConvDesc desc = describe_windows(x, z);
    for (std::size_t axis = 0; axis < 3; ++axis) {
      desc.pad[axis] =
          axis_padding(padding_, desc.in[axis], desc.kernel[axis], desc.stride[axis], desc.dilation[axis]).before;
    }
    return desc;
  }
  /// Whether linear_backward can add to dx.
  virtual bool adds_to_input() const { return true; }
  /// Memory of its own: cache, scratch, prepared.
  virtual Needs linear_needs(const kernels::ConvDesc&, const Use&) const { return {}; }
  /// All pointers are to channels-last data. z includes the bias and `fused`.
  virtual void linear_forward(const kernels::ConvDesc& desc, const kernels::ActivationParams& fused,
                              const ForwardArgs<Scalar>& args, const Scalar* x, Scalar* z, std::byte* cache,
                              std::byte* scratch) const = 0;
  /// Weight gradients but the bias's go to args.dw(), where it has room for them; dx may be null.
  virtual void linear_backward(const kernels::ConvDesc& desc, const BackwardArgs<Scalar>& args, const Scalar* x,
                               const Scalar* dz, Scalar* dx, const std::byte* cache, std::byte* scratch) const = 0;

  GRAFT_COLD void check_inputs(std::span<const Shape> inputs) const override {
    (void)output_shape(inputs);
    const Index expected = split(this->build_shapes()[0]).channels, channels = split(inputs[0]).channels;
    if (channels != expected) {
      fail<ShapeError>(this->where(), std::to_string(expected) + " channels from build", inputs[0].str(),
                       "Did the layers in front change?");
    }
  }

  /// Of a shape that was checked.
  SpatialShape split(const Shape& shape) const { return spatial_of(shape, rank_, format_); }
  GRAFT_COLD Index known_channels(std::span<const Shape> inputs) const {
    return known_dim(inputs[0], format_ == DataFormat::channels_last ? -1 : 1, this->where());
  }
  /// `first`, `last`: the dimensions of a kernel behind those of the window.
  GRAFT_COLD Shape kernel_shape(Index first, Index last) const {
    Shape shape;
    for (int axis = 0; axis < rank_; ++axis) shape.push_back(kernel_size_[static_cast<std::size_t>(axis)]);
    shape.push_back(first);
    shape.push_back(last);
    (void)shape.elements();  // throws when they do not fit in memory
    return shape;
  }
  GRAFT_COLD void add_bias(Index filters, Rng& rng) {
    if (!use_bias_) return;
    bias_index_ = this->variables().size();
    bias_ = this->add_variable("bias", {filters}, bias_initializer_, rng, VariableKind::trainable, bias_regularizer_,
                               bias_constraint_);
  }
  kernels::ConvDesc describe_windows(const SpatialShape& x, const SpatialShape& z) const {
    kernels::ConvDesc desc;
    desc.batch = x.batch, desc.channels = x.channels, desc.filters = z.channels;
    set_last(desc.in, x.size, rank_);
    set_last(desc.out, z.size, rank_);
    set_last(desc.kernel, kernel_size_, rank_);
    set_last(desc.stride, strides_, rank_);
    set_last(desc.dilation, dilation_, rank_);
    return desc;
  }
  const Scalar* bias_data() const { return bias_ ? std::as_const(*bias_).value().data() : nullptr; }

  /// The convolution for an input whose shape was checked.
  kernels::ConvDesc describe_input(const Shape& input) const { return Call(*this, input).desc; }
  bool linear() const { return activation_.linear(); }
  DataFormat format() const { return format_; }
  int rank() const { return rank_; }
  const SpatialValues& kernel_size() const { return kernel_size_; }
  const SpatialValues& strides() const { return strides_; }
  const SpatialValues& dilation() const { return dilation_; }
  Padding padding() const { return padding_; }

 private:
  /// One use of the layer on inputs of known shape.
  struct Call {
    SpatialShape x, z;
    kernels::ConvDesc desc;
    Shape x_first, x_last, z_first, z_last;  // (batch, channels, pixels) and (batch, pixels, channels)
    Activated<Scalar> activated;
    bool transposes;

    Call(const ConvLayerImpl& layer, const Shape& shape)
        : x(layer.split(shape)),
          z(layer.linear_shape(x)),
          desc(layer.describe(x, z)),
          activated(layer.activation_, z.shape(layer.format_)),
          transposes(layer.format_ == DataFormat::channels_first) {
      const Index x_pixels = kernels::ConvDesc::product(x.size), z_pixels = kernels::ConvDesc::product(z.size);
      x_first = {x.batch, x.channels, x_pixels}, x_last = {x.batch, x_pixels, x.channels};
      z_first = {z.batch, z.channels, z_pixels}, z_last = {z.batch, z_pixels, z.channels};
    }
    Index x_bytes() const { return round_up_64(x_last.elements() * static_cast<Index>(sizeof(Scalar))); }
    Index z_bytes() const { return round_up_64(z_last.elements() * static_cast<Index>(sizeof(Scalar))); }
    Index layout_bytes(const Use& use) const {
      return transposes ? (use.backward() ? 2 : 1) * x_bytes() + z_bytes() : 0;
    }
  };

  static constexpr Permutation kLastFromFirst{0, 2, 1};

  static Scalar* take(std::byte*& memory, Index bytes) {
    Scalar* taken = reinterpret_cast<Scalar*>(memory);
    memory += bytes;
    return taken;
  }

  const char* class_name_;
  int rank_;
  SpatialValues kernel_size_{}, strides_{}, dilation_{};
  Padding padding_ = Padding::valid;
  DataFormat format_ = DataFormat::channels_last;
  ActivationFunction activation_;
  bool use_bias_;
  Initializer bias_initializer_;
  Regularizer bias_regularizer_;
  Constraint bias_constraint_;
  VariablePtr<Scalar> bias_;
  std::size_t bias_index_ = 0;
};

}  // namespace graft::detail
