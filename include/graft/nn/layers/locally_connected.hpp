#pragma once

#include <vector>

#include "graft/kernels/activation.hpp"
#include "graft/kernels/elementwise.hpp"
#include "graft/nn/layers/activated.hpp"
#include "graft/nn/layers/spatial.hpp"

namespace graft {

struct LocallyConnectedOptions {
  PerAxis strides = 1;
  std::string padding = "valid";  ///< "same" with implementation 2 and 3 only
  std::string data_format = "channels_last";
  ActivationFunction activation = "linear";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint bias_constraint = {};
  Index implementation = 1;  ///< how Keras stores the kernel: 1, 2 (with zeros) or 3 (what is not zero)
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class LocallyConnectedImpl final : public LayerImpl<Scalar> {
  static constexpr const char* kNames[] = {"LocallyConnected1D", "LocallyConnected2D"};
  static constexpr Index kMostWeights = Index(1) << 31;

 public:
  GRAFT_COLD LocallyConnectedImpl(int rank, Index filters, const PerAxis& kernel_size, LocallyConnectedOptions options)
      : LayerImpl<Scalar>(kNames[rank - 1], options), rank_(rank), filters_(filters), options_(std::move(options)) {
    if (filters <= 0) fail<ConfigError>(this->where(), "filters above 0", std::to_string(filters));
    kernel_size_ = detail::spatial_values(kernel_size, rank, "kernel_size", this->where());
    strides_ = detail::spatial_values(options_.strides, rank, "strides", this->where());
    padding_ = detail::parse_padding(options_.padding, this->where());
    format_ = detail::parse_data_format(options_.data_format, this->where());
    const Index implementation = options_.implementation;
    if (implementation < 1 || implementation > 3) {
      fail<ConfigError>(this->where(), "implementation 1, 2 or 3", std::to_string(implementation));
    }
    if (implementation == 1 && padding_ != Padding::valid) {
      fail<ConfigError>(this->where(), "padding=\"valid\" with implementation 1", "\"" + options_.padding + "\"");
    }
  }
  std::string_view class_name() const override { return kNames[rank_ - 1]; }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    const detail::SpatialShape x = detail::split_spatial(inputs[0], rank_, format_, this->where());
    detail::SpatialShape y = x;
    y.channels = filters_;
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(rank_); ++axis) {
      y.size[axis] = detail::conv_output_length(x.size[axis], kernel_size_[axis], strides_[axis], 1, padding_);
      if (y.size[axis] == 0) fail<ShapeError>(this->where(), "an input that its kernel fits into", inputs[0].str());
    }
    return options_.activation.output_shape(y.shape(format_), this->where());
  }

  Needs needs(std::span<const Shape> inputs, const Use& use) const override {
    Needs needs;
    needs.inputs = use.weight_gradients;
    activated(inputs[0][0]).require(needs, use);
    return needs;
  }

  /// y[p, f] = act(b[p, f] + sum over taps t and channels c of x[p + t, c] W[p, t, c, f])
  void forward(const ForwardArgs<Scalar>& args) const override {
    const Index batch = args.x().dim(0);
    const auto act = activated(batch);
    Scalar* z = act.z(args);
    const Scalar *x = args.x().data(), *bias = bias_ ? bias_->value().data() : nullptr, *w = kernel_->value().data();
    const Index step = y_step();
    parallel_for(0, places_, 1, [&](Index from, Index to) {
      for (Index n = 0; n < batch; ++n) {
        for (Index p = from; p < to; ++p) {
          const Index at = p * y_place();
          Scalar* y = z + n * places_ * filters_ + at;
          for (Index f = 0; f < filters_; ++f) y[f * step] = bias ? bias[at + f * step] : Scalar(0);
          each_weight(p, [&](Index in, Index at_w, Index w_step) {
            const Scalar value = x[n * pixels_ * channels_ + in];
            for (Index f = 0; f < filters_; ++f) y[f * step] += value * w[at_w + f * w_step];
          });
        }
      }
    });
    kernels::activation_forward(act.fused(args), batch * places_ * filters_, z, z);
    act.finish(args);
  }

  void backward(const BackwardArgs<Scalar>& args) const override {
    const Index batch = args.dy().dim(0), step = y_step();
    const Scalar *dz = activated(batch).dz(args), *w = kernel_->value().data();
    if (args.use.weight_gradients && args.dw(0)) {
      Scalar* dw = args.dw(0).data();
      std::fill_n(dw, args.dw(0).size(), Scalar(0));
      parallel_for(0, places_, 1, [&](Index from, Index to) {
        for (Index n = 0; n < batch; ++n) {
          for (Index p = from; p < to; ++p) {
            const Scalar* slope = dz + n * places_ * filters_ + p * y_place();
            each_weight(p, [&](Index in, Index at_w, Index w_step) {
              const Scalar value = args.x()[n * pixels_ * channels_ + in];
              for (Index f = 0; f < filters_; ++f) dw[at_w + f * w_step] += value * slope[f * step];
            });
          }
        }
      });
    }
    if (bias_ && args.use.weight_gradients && args.dw(1)) {
      kernels::column_sums(batch, places_ * filters_, dz, args.dw(1).data());
    }
    if (!args.dx()) return;
    Scalar* dx = args.dx().data();
    std::fill_n(dx, args.dx().size(), Scalar(0));
    parallel_for(0, batch, 1, [&](Index from, Index to) {
      for (Index n = from; n < to; ++n) {
        for (Index p = 0; p < places_; ++p) {
          const Scalar* slope = dz + n * places_ * filters_ + p * y_place();
          each_weight(p, [&](Index in, Index at_w, Index w_step) {
            Scalar sum = 0;
            for (Index f = 0; f < filters_; ++f) sum += slope[f * step] * w[at_w + f * w_step];
            dx[n * pixels_ * channels_ + in] += sum;
          });
        }
      }
    });
  }

  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["filters"] = filters_;
    config["kernel_size"] = detail::spatial_config(kernel_size_, rank_);
    config["strides"] = detail::spatial_config(strides_, rank_);
    config["padding"] = detail::lower_case(options_.padding);
    config["data_format"] = detail::data_format_name(format_);
    config["activation"] = options_.activation.config();
    config["use_bias"] = options_.use_bias;
    config["kernel_initializer"] = options_.kernel_initializer.config();
    config["bias_initializer"] = options_.bias_initializer.config();
    config["kernel_regularizer"] = options_.kernel_regularizer.config();
    config["bias_regularizer"] = options_.bias_regularizer.config();
    config["activity_regularizer"] = options_.activity_regularizer.config();
    config["kernel_constraint"] = options_.kernel_constraint.config();
    config["bias_constraint"] = options_.bias_constraint.config();
    config["implementation"] = options_.implementation;
    return config;
  }

 protected:
  GRAFT_COLD void build(std::span<const Shape> inputs, Rng& rng) override {
    detail::require_known_sample(inputs[0], this->where());
    const detail::SpatialShape x = detail::split_spatial(inputs[0], rank_, format_, this->where());
    detail::SpatialShape y = detail::spatial_of(output_shape(inputs), rank_, format_);
    channels_ = x.channels;
    pixels_ = Shape{x.size[0], x.size[1]}.elements();
    places_ = Shape{y.size[0], y.size[1]}.elements();
    taps_ = Shape{kernel_size_[0], kernel_size_[1]}.elements();
    sample_ = output_shape(inputs).without_batch();
    Shape kernel, ends;
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(rank_); ++axis) {
      kernel.push_back(x.size[axis]);
      ends.push_back(y.size[axis]);
    }
    const Shape outputs = ends;
    if (options_.implementation == 1) {
      kernel = {places_, taps_ * channels_, filters_};
    } else if (options_.implementation == 2) {
      kernel = dense_shape(kernel, outputs);
    }
    if (Shape{places_, taps_, channels_, filters_}.elements() > kMostWeights) {
      fail<ShapeError>(this->where(), "at most 2^31 weights", inputs[0].str());
    }
    connect(x.size, y.size);
    if (options_.implementation == 3) kernel = {channels_ * filters_ * static_cast<Index>(before_.back())};
    kernel_ = this->add_variable("kernel", kernel, options_.kernel_initializer, rng, VariableKind::trainable,
                                 options_.kernel_regularizer, options_.kernel_constraint);
    if (!options_.use_bias) return;
    ends.push_back(filters_);
    bias_ = this->add_variable("bias", ends, options_.bias_initializer, rng, VariableKind::trainable,
                               options_.bias_regularizer, options_.bias_constraint);
  }
  GRAFT_COLD void check_inputs(std::span<const Shape> inputs) const override {
    if (inputs[0].without_batch() == this->build_shapes()[0].without_batch()) return;
    fail<ShapeError>(this->where(), this->build_shapes()[0].str() + " from build", inputs[0].str());
  }

 private:
  bool last() const { return format_ == DataFormat::channels_last; }
  Index y_place() const { return last() ? filters_ : 1; }
  Index y_step() const { return last() ? 1 : places_; }
  detail::Activated<Scalar> activated(Index batch) const { return {options_.activation, sample_.with_batch(batch)}; }

  GRAFT_COLD Shape dense_shape(const Shape& in, const Shape& out) const {
    Shape shape;
    const auto both = [&](const Shape& sizes, Index channels) {
      if (!last()) shape.push_back(channels);
      for (const Index size : sizes) shape.push_back(size);
      if (last()) shape.push_back(channels);
    };
    both(in, channels_);
    both(out, filters_);
    return shape;
  }

  /// Which pixel each tap of each place sees, and how many places see each pixel.
  GRAFT_COLD void connect(const detail::SpatialValues& in, const detail::SpatialValues& out) {
    pixel_.assign(static_cast<std::size_t>(places_ * taps_), -1);
    order_.assign(pixel_.size(), 0);
    std::vector<Index> seen(static_cast<std::size_t>(pixels_), 0);
    for (Index p = 0; p < places_; ++p) {
      for (Index t = 0; t < taps_; ++t) {
        const Index place[] = {p / out[1], p % out[1]}, tap[] = {t / kernel_size_[1], t % kernel_size_[1]};
        Index pixel = 0;
        for (std::size_t axis = 0; axis < 2 && pixel >= 0; ++axis) {
          // Keras centres the window on the place, "same" or not.
          const Index pad = padding_ == Padding::valid ? 0 : kernel_size_[axis] / 2;
          const Index at = place[axis] * strides_[axis] - pad + tap[axis];
          pixel = at < 0 || at >= in[axis] ? -1 : pixel * in[axis] + at;
        }
        const auto i = static_cast<std::size_t>(p * taps_ + t);
        pixel_[i] = pixel;
        if (pixel >= 0) order_[i] = seen[static_cast<std::size_t>(pixel)]++;
      }
    }
    before_.assign(static_cast<std::size_t>(pixels_) + 1, 0);
    for (std::size_t i = 0; i < seen.size(); ++i) before_[i + 1] = before_[i] + seen[i];
  }

  /// fn(element of the input, its weight of filter 0, elements to that of the next filter) for all taps and channels.
  template <class Fn>
  void each_weight(Index p, const Fn& fn) const {
    for (Index t = 0; t < taps_; ++t) {
      const auto i = static_cast<std::size_t>(p * taps_ + t);
      const Index pixel = pixel_[i];
      if (pixel < 0) continue;
      for (Index c = 0; c < channels_; ++c) {
        const Index in = last() ? pixel * channels_ + c : c * pixels_ + pixel;
        if (options_.implementation == 1) {
          const Index feature = last() ? t * channels_ + c : c * taps_ + t;
          fn(in, (p * taps_ * channels_ + feature) * filters_, Index(1));
        } else if (options_.implementation == 2) {
          const Index row = in * places_ * filters_;
          fn(in, row + p * y_place(), y_step());
        } else {
          // What is not zero of that, row by row.
          const Index first = before_[static_cast<std::size_t>(pixel)];
          const Index seen = before_[static_cast<std::size_t>(pixel) + 1] - first, total = before_.back();
          if (last()) fn(in, (first * channels_ + c * seen + order_[i]) * filters_, Index(1));
          else fn(in, (c * total + first) * filters_ + order_[i], seen);
        }
      }
    }
  }

  int rank_;
  Index filters_;
  LocallyConnectedOptions options_;
  detail::SpatialValues kernel_size_, strides_;
  Padding padding_;
  DataFormat format_;
  Index channels_ = 0, pixels_ = 0, places_ = 0, taps_ = 0;
  Shape sample_;
  std::vector<Index> pixel_, order_, before_;
  VariablePtr<Scalar> kernel_, bias_;
};

namespace detail {

template <class Scalar, int kRank>
class LocallyConnected : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit LocallyConnected(Index filters, const PerAxis& kernel_size, LocallyConnectedOptions options = {})
      : Layer<Scalar>(new LocallyConnectedImpl<Scalar>(kRank, filters, kernel_size, std::move(options))) {}

 protected:
  GRAFT_COLD static LocallyConnectedOptions read_options(const Config& config) {
    LocallyConnectedOptions options;
    read(config, "strides", options.strides);
    read(config, "padding", options.padding);
    read(config, "data_format", options.data_format);
    read(config, "activation", options.activation);
    read(config, "use_bias", options.use_bias);
    read(config, "kernel_initializer", options.kernel_initializer);
    read(config, "bias_initializer", options.bias_initializer);
    read(config, "kernel_regularizer", options.kernel_regularizer);
    read(config, "bias_regularizer", options.bias_regularizer);
    read(config, "activity_regularizer", options.activity_regularizer);
    read(config, "kernel_constraint", options.kernel_constraint);
    read(config, "bias_constraint", options.bias_constraint);
    read(config, "implementation", options.implementation);
    read_base(config, options);
    return options;
  }
  GRAFT_COLD static PerAxis read_kernel_size(const Config& config) {
    PerAxis kernel_size;
    (void)config.at("kernel_size");
    read(config, "kernel_size", kernel_size);
    return kernel_size;
  }
};

}  // namespace detail

/// A convolution with a kernel of its own at every place: LocallyConnected1D(8, 3), of (batch, length, channels). The
/// kernel has the shape that Keras's implementation gives it: 1 (places, window * channels, filters); 2 (length,
/// channels, places, filters), zeros not used; 3 the numbers of that which are used. The bias is (places, filters).
/// Throws ConfigError for sizes below 1 and padding="same" with implementation 1, ShapeError for inputs of unknown or
/// too small a size. Keras 3 does not have it any more.
template <class Scalar = float>
class LocallyConnected1D : public detail::LocallyConnected<Scalar, 1> {
  using Base = detail::LocallyConnected<Scalar, 1>;

 public:
  using Base::Base;
  GRAFT_COLD static LocallyConnected1D from_config(const Config& config) {
    return LocallyConnected1D(config.at("filters").as_int("filters"), Base::read_kernel_size(config),
                              Base::read_options(config));
  }
};

/// The same for (batch, height, width, channels): LocallyConnected2D(8, {3, 3}).
template <class Scalar = float>
class LocallyConnected2D : public detail::LocallyConnected<Scalar, 2> {
  using Base = detail::LocallyConnected<Scalar, 2>;

 public:
  using Base::Base;
  GRAFT_COLD static LocallyConnected2D from_config(const Config& config) {
    return LocallyConnected2D(config.at("filters").as_int("filters"), Base::read_kernel_size(config),
                              Base::read_options(config));
  }
};

}  // namespace graft
