#pragma once

#include "graft/kernels/conv.hpp"
#include "graft/nn/layers/lstm_cell.hpp"
#include "graft/nn/layers/recurrent_layer.hpp"
#include "graft/nn/layers/spatial.hpp"

namespace graft {

/// strides and dilation_rate, of the convolution of the input: one integer, or one for each spatial dimension.
struct ConvLSTMOptions {
  PerAxis strides = 1;
  std::string padding = "valid";
  std::string data_format = "channels_last";
  PerAxis dilation_rate = 1;
  ActivationFunction activation = "tanh";
  ActivationFunction recurrent_activation = "sigmoid";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  bool unit_forget_bias = true;  ///< the bias of the forget gate starts at 1
  Regularizer kernel_regularizer = {};
  Regularizer recurrent_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint recurrent_constraint = {};
  Constraint bias_constraint = {};
  double dropout = 0;
  double recurrent_dropout = 0;
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  bool zero_output_for_mask = false;
  std::optional<Index> seed = {};
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class ConvLSTMImpl final : public detail::RecurrentLayerImpl<Scalar> {
  using Base = detail::RecurrentLayerImpl<Scalar>;
  using Run = detail::RecurrentRun<Scalar>;
  using Sizes = detail::RecurrentSizes;

 public:
  GRAFT_COLD ConvLSTMImpl(int rank, Index filters, const PerAxis& kernel_size, ConvLSTMOptions options)
      : Base(kNames[rank - 1], filters, "filters", options), rank_(rank), options_(std::move(options)) {
    const std::string where = this->where();
    kernel_size_ = detail::spatial_values(kernel_size, rank, "kernel_size", where);
    strides_ = detail::spatial_values(options_.strides, rank, "strides", where);
    dilation_ = detail::spatial_values(options_.dilation_rate, rank, "dilation_rate", where);
    padding_ = detail::parse_padding(options_.padding, where);
    format_ = detail::parse_data_format(options_.data_format, where);
    if (kernels::ConvDesc::product(strides_) > 1 && kernels::ConvDesc::product(dilation_) > 1) {
      fail<ConfigError>(where, "strides or dilation_rate above 1, not both", "both",
                        "Keras does not compute such a convolution either.");
    }
  }
  std::string_view class_name() const override { return kNames[rank_ - 1]; }

  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["filters"] = this->units();
    config["kernel_size"] = detail::spatial_config(kernel_size_, rank_);
    config["strides"] = detail::spatial_config(strides_, rank_);
    config["padding"] = detail::padding_name(padding_);
    config["data_format"] = detail::data_format_name(format_);
    config["dilation_rate"] = detail::spatial_config(dilation_, rank_);
    detail::write_recurrent(config, options_);
    return config;
  }

 protected:
  Index gates() const override { return 4; }
  Index state_count() const override { return 2; }
  Index kept_elements(const Sizes& size) const override { return size.state(); }
  Index work_elements(const Sizes& size) const override { return 4 * size.state(); }
  bool channels_first() const override { return format_ == DataFormat::channels_first; }

  GRAFT_COLD Shape state_shape(const Shape& x) const override {
    if (x.rank() != rank_ + 3 || x[1] == 0) {
      fail<ShapeError>(this->where(), "an input (batch, steps, …) of rank " + std::to_string(rank_ + 3), x.str());
    }
    const auto step = detail::split_spatial(without_steps(x), rank_, format_, this->where());
    auto out = detail::window_output(step, kernel_size_, strides_, dilation_, padding_, this->where());
    out.channels = this->units();
    return out.shape(format_);
  }
  Sizes sizes_of(const Shape& x) const override {
    const auto step = detail::spatial_of(without_steps(x), rank_, format_);
    Sizes size;
    size.batch = x[0], size.steps = x[1], size.channels = step.channels, size.units = this->units();
    detail::set_last(size.in, step.size, rank_);
    detail::SpatialValues out{1, 1, 1};
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(rank_); ++axis) {
      out[axis] =
          detail::conv_output_length(step.size[axis], kernel_size_[axis], strides_[axis], dilation_[axis], padding_);
    }
    detail::set_last(size.out, out, rank_);
    return size;
  }
  GRAFT_COLD void check_inputs(std::span<const Shape> inputs) const override {
    (void)this->output_shapes(inputs);
    const Index expected = this->kernel_shape()[-2];
    if (detail::spatial_of(without_steps(inputs[0]), rank_, format_).channels == expected) return;
    fail<ShapeError>(this->where(), std::to_string(expected) + " channels from build", inputs[0].str(),
                     "Did the layers in front change?");
  }
  /// kernel (kernel_size, channels, 4 filters), recurrent_kernel (kernel_size, filters, 4 filters), bias (4 filters).
  GRAFT_COLD void build(std::span<const Shape> inputs, Rng& rng) override {
    const Index channels = detail::known_dim(inputs[0], format_ == DataFormat::channels_last ? -1 : 2, this->where());
    Shape kernel, recurrent;
    for (int axis = 0; axis < rank_; ++axis) kernel.push_back(kernel_size_[static_cast<std::size_t>(axis)]);
    recurrent = kernel;
    kernel.push_back(channels), kernel.push_back(4 * this->units());
    recurrent.push_back(this->units()), recurrent.push_back(4 * this->units());
    this->add_weights(kernel, recurrent, {4 * this->units()}, options_, rng, options_.unit_forget_bias);
  }

  void input_forward(const Sizes& size, const Scalar* x, Scalar* z) const override {
    kernels::conv_forward<Scalar>(input_desc(size), x, this->kernel(), this->bias(), z);
  }
  void input_backward(const Sizes& size, const Scalar* dz, Scalar* dx) const override {
    kernels::conv_backward_data<Scalar>(input_desc(size), dz, this->kernel(), nullptr, dx);
  }
  void kernel_gradient(const Sizes& size, const Scalar* x, const Scalar* dz, Scalar* dw) const override {
    kernels::conv_backward_weights<Scalar>(input_desc(size), x, dz, dw);
  }
  void recurrent_gradient(const Run& run, const Scalar* states, Scalar* dw) const override {
    kernels::conv_backward_weights<Scalar>(recurrent_desc(run.size, run.size.steps), states, run.dz, dw);
  }

  void step(const Run& run, Index s) const override {
    Scalar* z = run.gate_row(run.z, s);
    kernels::conv_forward<Scalar>(recurrent_desc(run.size, 1), run.product_input(s), this->recurrent(), nullptr,
                                  run.work);
    kernels::add(run.block(), z, run.work, z);
    cell().forward(run, s);
  }
  void step_backward(const Run& run, Index s) const override {
    cell().backward(run, s);
    kernels::ConvDesc desc = recurrent_desc(run.size, 1);
    desc.accumulate = true;
    run.add_product_gradient([&](Scalar* to) {
      kernels::conv_backward_data<Scalar>(desc, run.gate_row(run.dz, s), this->recurrent(), nullptr, to);
    });
  }

 private:
  static constexpr const char* kNames[3] = {"ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"};

  detail::LstmCell<Scalar> cell() const { return {options_.activation, options_.recurrent_activation}; }

  static Shape without_steps(const Shape& x) {
    Shape result{x[0]};
    for (int axis = 2; axis < x.rank(); ++axis) result.push_back(x[axis]);
    return result;
  }
  /// All steps at once.
  kernels::ConvDesc input_desc(const Sizes& size) const {
    kernels::ConvDesc desc;
    desc.batch = size.steps * size.batch, desc.channels = size.channels, desc.filters = 4 * size.units;
    desc.in = size.in, desc.out = size.out;
    detail::set_last(desc.kernel, kernel_size_, rank_);
    detail::set_last(desc.stride, strides_, rank_);
    detail::set_last(desc.dilation, dilation_, rank_);
    pad(desc, padding_);
    return desc;
  }
  kernels::ConvDesc recurrent_desc(const Sizes& size, Index steps) const {
    kernels::ConvDesc desc;
    desc.batch = steps * size.batch, desc.channels = size.units, desc.filters = 4 * size.units;
    desc.in = desc.out = size.out;
    detail::set_last(desc.kernel, kernel_size_, rank_);
    pad(desc, Padding::same);
    return desc;
  }
  static void pad(kernels::ConvDesc& desc, Padding padding) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      desc.pad[axis] =
          detail::axis_padding(padding, desc.in[axis], desc.kernel[axis], desc.stride[axis], desc.dilation[axis])
              .before;
    }
  }

  int rank_;
  ConvLSTMOptions options_;
  detail::SpatialValues kernel_size_{}, strides_{}, dilation_{};
  Padding padding_ = Padding::valid;
  DataFormat format_ = DataFormat::channels_last;
};

namespace detail {

template <class Scalar, class Handle>
class ConvLSTMLayer : public Layer<Scalar> {
 public:
  GRAFT_COLD static Handle from_config(const Config& config) {
    ConvLSTMOptions options = read_recurrent<ConvLSTMOptions>(config);
    read(config, "strides", options.strides);
    read(config, "padding", options.padding);
    read(config, "data_format", options.data_format);
    read(config, "dilation_rate", options.dilation_rate);
    PerAxis kernel_size;
    (void)config.at("kernel_size");
    read(config, "kernel_size", kernel_size);
    return Handle(config.at("filters").as_int("filters"), kernel_size, std::move(options));
  }

 protected:
  using Layer<Scalar>::Layer;
};

}  // namespace detail

/// An LSTM whose products with W and U are convolutions (Shi et al. 2015; Keras: ConvLSTM1D). Input (batch, steps,
/// length, channels), or that and the initial states h and c; kernel (kernel_size, channels, 4 filters),
/// recurrent_kernel (kernel_size, filters, 4 filters), bias (4 filters), gates in the order i, f, c, o. A state has the
/// shape that the convolution of a step has, (batch, length', filters); the convolution of h is "same" with stride 1.
/// Output: the last h, or all of them behind an axis of steps; with return_state the last h and c come behind it.
/// Throws ConfigError for arguments that contradict each other. For `stateful` see SimpleRNN.
template <class Scalar = float>
class ConvLSTM1D : public detail::ConvLSTMLayer<Scalar, ConvLSTM1D<Scalar>> {
 public:
  GRAFT_COLD ConvLSTM1D(Index filters, const PerAxis& kernel_size, ConvLSTMOptions options = {})
      : ConvLSTM1D::ConvLSTMLayer(new ConvLSTMImpl<Scalar>(1, filters, kernel_size, std::move(options))) {}
};

/// As ConvLSTM1D, over (batch, steps, height, width, channels).
template <class Scalar = float>
class ConvLSTM2D : public detail::ConvLSTMLayer<Scalar, ConvLSTM2D<Scalar>> {
 public:
  GRAFT_COLD ConvLSTM2D(Index filters, const PerAxis& kernel_size, ConvLSTMOptions options = {})
      : ConvLSTM2D::ConvLSTMLayer(new ConvLSTMImpl<Scalar>(2, filters, kernel_size, std::move(options))) {}
};

/// As ConvLSTM1D, over (batch, steps, depth, height, width, channels).
template <class Scalar = float>
class ConvLSTM3D : public detail::ConvLSTMLayer<Scalar, ConvLSTM3D<Scalar>> {
 public:
  GRAFT_COLD ConvLSTM3D(Index filters, const PerAxis& kernel_size, ConvLSTMOptions options = {})
      : ConvLSTM3D::ConvLSTMLayer(new ConvLSTMImpl<Scalar>(3, filters, kernel_size, std::move(options))) {}
};

}  // namespace graft
