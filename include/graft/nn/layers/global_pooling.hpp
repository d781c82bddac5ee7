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
  void forward(const ForwardArgs<Scalar>& args) const override {
    const kernels::PoolingDesc desc = window(args.x().shape());
    if (kind_ == detail::PoolKind::average) {
      kernels::average_pool_forward(desc, args.x().data(), args.y().data());
    } else {
      kernels::max_pool_forward<Scalar, std::uint8_t>(desc, args.x().data(), args.y().data(), nullptr);
    }
  }
  void backward(const BackwardArgs<Scalar>& args) const override {
    if (!args.dx()) return;
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
