#pragma once

#include "graft/nn/layers/pooling.hpp"

namespace graft {

struct GlobalPoolingOptions {
  std::string data_format = "channels_last";  ///< "channels_first": (batch, channels, …)
  bool keepdims = false;                      ///< the spatial dimensions stay, each 1
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

namespace detail {

GRAFT_COLD inline const char* global_pooling_name(PoolKind kind, int rank) {
  static constexpr const char* kNames[2][3] = {
      {"GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D"},
      {"GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D"}};
  return kNames[kind == PoolKind::average][rank - 1];
}

GRAFT_COLD inline GlobalPoolingOptions read_global_pooling(const Config& config) {
  GlobalPoolingOptions options;
  read(config, "data_format", options.data_format);
  read(config, "keepdims", options.keepdims);
  read_base(config, options);
  return options;
}

}  // namespace detail

/// GlobalMaxPooling and GlobalAveragePooling over 1 to 3 dimensions: one window that holds everything.
template <class Scalar>
class GlobalPoolingImpl final : public LayerImpl<Scalar> {
 public:
  GRAFT_COLD GlobalPoolingImpl(detail::PoolKind kind, int rank, const GlobalPoolingOptions& options)
      : LayerImpl<Scalar>(detail::global_pooling_name(kind, rank), options),
        kind_(kind),
        rank_(rank),
        keepdims_(options.keepdims) {
    format_ = detail::parse_data_format(options.data_format, this->where());
  }
  std::string_view class_name() const override { return detail::global_pooling_name(kind_, rank_); }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    detail::SpatialShape shape = detail::split_spatial(inputs[0], rank_, format_, this->where());
    if (!keepdims_) return {shape.batch, shape.channels};
    shape.size = {1, 1, 1};
    return shape.shape(format_);
  }
  Needs needs(std::span<const Shape>, const Use& use) const override {
    Needs needs;
    needs.can_add = true;
    // Not an offset as in MaxPooling: equals share the gradient.
    needs.inputs = needs.outputs = kind_ == detail::PoolKind::max && use.input_gradients;
    return needs;
  }
  /// The average over time leaves masked steps out, as in Keras.
  bool uses_masks() const override { return kind_ == detail::PoolKind::average && rank_ == 1; }

  void forward(const ForwardArgs<Scalar>& args) const override {
    const kernels::PoolingDesc desc = window(args.x().shape());
    if (args.use.masked) return masked_mean(args);
    if (kind_ == detail::PoolKind::average) {
      kernels::average_pool_forward(desc, args.x().data(), args.y().data());
    } else {
      kernels::max_pool_forward<Scalar, std::uint8_t>(desc, args.x().data(), args.y().data(), nullptr);
    }
  }
  void backward(const BackwardArgs<Scalar>& args) const override {
    if (!args.dx()) return;
    if (args.use.masked) return masked_mean_backward(args);
    const kernels::PoolingDesc desc = window(args.dx().shape());
    Scalar* dx = args.dx().data();
    if (kind_ == detail::PoolKind::average) {
      kernels::average_pool_backward(desc, args.dy().data(), dx, args.add_to_input);
    } else {
      kernels::global_max_backward(desc.batch, desc.in_places(), desc.channels, args.x().data(), args.y().data(),
                                   args.dy().data(), dx, args.add_to_input);
    }
  }
  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["data_format"] = detail::data_format_name(format_);
    config["keepdims"] = keepdims_;
    return config;
  }

 private:
  /// fn(t, i, o, weight): element i of the input, at step t, and its part in the mean that is element o of the output.
  template <class Args, class Fn>
  void each_weighted(const Args& args, const Shape& shape, const Fn& fn) const {
    const bool last = format_ == DataFormat::channels_last;
    const Index steps = shape[last ? 1 : 2], channels = shape[last ? 2 : 1];
    for (Index b = 0; b < shape[0]; ++b) {
      const Scalar* mask = args.mask() + b * steps;
      Scalar count = 0;
      for (Index t = 0; t < steps; ++t) count += mask[t];
      for (Index t = 0; t < steps; ++t) {
        for (Index c = 0; c < channels; ++c) {
          const Index i = last ? (b * steps + t) * channels + c : (b * channels + c) * steps + t;
          fn(t, i, b * channels + c, mask[t] / count);
        }
      }
    }
  }
  void masked_mean(const ForwardArgs<Scalar>& args) const {
    const Scalar* x = args.x().data();
    Scalar* y = args.y().data();
    // A sample without a step that counts has 0 / 0 in Keras, too.
    each_weighted(args, args.x().shape(), [=](Index t, Index from, Index to, Scalar weight) {
      y[to] = (t == 0 ? Scalar(0) : y[to]) + weight * x[from];
    });
  }
  void masked_mean_backward(const BackwardArgs<Scalar>& args) const {
    const Scalar* dy = args.dy().data();
    Scalar* dx = args.dx().data();
    const bool add = args.add_to_input;
    each_weighted(args, args.dx().shape(), [=](Index, Index to, Index from, Scalar weight) {
      dx[to] = (add ? dx[to] : Scalar(0)) + weight * dy[from];
    });
  }

  kernels::PoolingDesc window(const Shape& input) const {
    const detail::SpatialShape in = detail::spatial_of(input, rank_, format_);
    detail::SpatialShape out = in;
    out.size = {1, 1, 1};
    return detail::pooling_desc(in, out, in.size, {1, 1, 1}, Padding::valid, format_);
  }

  detail::PoolKind kind_;
  int rank_;
  bool keepdims_;
  DataFormat format_;
};

}  // namespace graft
