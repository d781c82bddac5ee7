#pragma once

#include <cstdint>

#include "graft/kernels/pooling.hpp"
#include "graft/nn/layer.hpp"
#include "graft/nn/layers/spatial.hpp"

namespace graft {

struct PoolingOptions {
  PerAxis strides = {};                       ///< default: pool_size, so that windows do not overlap
  std::string padding = "valid";              ///< "same": ⌈n / stride⌉ windows, which reach over the border
  std::string data_format = "channels_last";  ///< "channels_first": (batch, channels, …)
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

namespace detail {

enum class PoolKind { max, average };

GRAFT_COLD inline const char* pooling_name(PoolKind kind, int rank) {
  static constexpr const char* kNames[2][3] = {{"MaxPooling1D", "MaxPooling2D", "MaxPooling3D"},
                                               {"AveragePooling1D", "AveragePooling2D", "AveragePooling3D"}};
  return kNames[kind == PoolKind::average][rank - 1];
}

/// A window of `pool` elements that walks over the spatial dimensions of `in`; three of them, the last ones used.
inline kernels::PoolingDesc pooling_desc(const SpatialShape& in, const SpatialShape& out, const SpatialValues& pool,
                                         const SpatialValues& strides, Padding padding, DataFormat format) {
  const SpatialShape shape = channels_as_samples(in, format);
  kernels::PoolingDesc desc;
  desc.batch = shape.batch;
  desc.channels = shape.channels;
  SpatialValues pad{};
  for (std::size_t axis = 0; axis < static_cast<std::size_t>(in.rank); ++axis) {
    pad[axis] = axis_padding(padding, in.size[axis], pool[axis], strides[axis]).before;
  }
  set_last(desc.in, in.size, in.rank);
  set_last(desc.out, out.size, in.rank);
  set_last(desc.pool, pool, in.rank);
  set_last(desc.stride, strides, in.rank);
  set_last(desc.pad, pad, in.rank);
  return desc;
}

GRAFT_COLD inline PoolingOptions read_pooling(const Config& config) {
  PoolingOptions options;
  read(config, "strides", options.strides);
  read(config, "padding", options.padding);
  read(config, "data_format", options.data_format);
  read_base(config, options);
  return options;
}
GRAFT_COLD inline PerAxis read_pool_size(const Config& config) {
  PerAxis size = 2;
  read(config, "pool_size", size);
  return size;
}

}  // namespace detail

/// MaxPooling and AveragePooling over 1 to 3 dimensions. Backward of a maximum reads which element was chosen, a byte
/// for each output (four where the window is larger than 256 elements), and neither input nor output.
template <class Scalar>
class PoolingImpl final : public LayerImpl<Scalar> {
 public:
  GRAFT_COLD PoolingImpl(detail::PoolKind kind, int rank, const PerAxis& pool_size, const PoolingOptions& options)
      : LayerImpl<Scalar>(detail::pooling_name(kind, rank), options), kind_(kind), rank_(rank) {
    const std::string where = this->where();
    pool_ = detail::spatial_values(pool_size, rank, "pool_size", where);
    strides_ = options.strides.set() ? detail::spatial_values(options.strides, rank, "strides", where) : pool_;
    padding_ = detail::parse_padding(options.padding, where);
    format_ = detail::parse_data_format(options.data_format, where);
    if (pool_[0] > detail::kLargestSpatialOption / pool_[1] / pool_[2]) {
      fail<ConfigError>(where, "a pool_size of fewer than 2^31 elements",
                        Shape(std::span<const Index>(pool_.data(), static_cast<std::size_t>(rank))).str());
    }
  }
  std::string_view class_name() const override { return detail::pooling_name(kind_, rank_); }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    const std::string where = this->where();
    const detail::SpatialShape in = detail::split_spatial(inputs[0], rank_, format_, where);
    return detail::window_output(in, pool_, strides_, {1, 1, 1}, padding_, where).shape(format_);
  }
  Needs needs(std::span<const Shape> inputs, const Use& use) const override {
    Needs needs;
    needs.can_add = true;
    if (kind_ == detail::PoolKind::max && use.input_gradients) {
      const kernels::PoolingDesc window = desc(inputs[0], output_shape(inputs));
      needs.cache_bytes = window.batch * window.out_places() * window.channels * (fits_byte(window) ? 1 : 4);
    }
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const override {
    const kernels::PoolingDesc window = desc(args.x().shape(), args.y().shape());
    const Scalar* x = args.x().data();
    Scalar* y = args.y().data();
    std::byte* cache = args.use.input_gradients ? args.cache : nullptr;
    if (kind_ == detail::PoolKind::average) {
      kernels::average_pool_forward(window, x, y);
    } else if (fits_byte(window) || cache == nullptr) {
      kernels::max_pool_forward(window, x, y, reinterpret_cast<std::uint8_t*>(cache));
    } else {
      kernels::max_pool_forward(window, x, y, reinterpret_cast<std::int32_t*>(cache));
    }
  }
  void backward(const BackwardArgs<Scalar>& args) const override {
    if (!args.dx()) return;
    const kernels::PoolingDesc window = desc(args.dx().shape(), args.dy().shape());
    const Scalar* dy = args.dy().data();
    Scalar* dx = args.dx().data();
    if (kind_ == detail::PoolKind::average) {
      kernels::average_pool_backward(window, dy, dx, args.add_to_input);
    } else if (fits_byte(window)) {
      const auto* offsets = reinterpret_cast<const std::uint8_t*>(args.cache);
      kernels::max_pool_backward(window, dy, offsets, dx, args.add_to_input);
    } else {
      const auto* offsets = reinterpret_cast<const std::int32_t*>(args.cache);
      kernels::max_pool_backward(window, dy, offsets, dx, args.add_to_input);
    }
  }
  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["pool_size"] = detail::spatial_config(pool_, rank_);
    config["strides"] = detail::spatial_config(strides_, rank_);
    config["padding"] = detail::padding_name(padding_);
    config["data_format"] = detail::data_format_name(format_);
    return config;
  }

 private:
  static bool fits_byte(const kernels::PoolingDesc& window) { return window.window() <= kernels::kLargestByteWindow; }

  kernels::PoolingDesc desc(const Shape& input, const Shape& output) const {
    return detail::pooling_desc(detail::spatial_of(input, rank_, format_), detail::spatial_of(output, rank_, format_),
                                pool_, strides_, padding_, format_);
  }

  detail::PoolKind kind_;
  int rank_;
  detail::SpatialValues pool_, strides_;
  Padding padding_;
  DataFormat format_;
};

}  // namespace graft
