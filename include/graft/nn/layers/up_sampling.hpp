#pragma once

#include <limits>

#include "graft/kernels/resize.hpp"
#include "graft/nn/layers/pooling.hpp"

namespace graft {

struct UpSampling1DOptions {
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};
struct UpSampling2DOptions {
  std::string data_format = "channels_last";  ///< "channels_first": (batch, channels, …)
  std::string interpolation = "nearest";      ///< or "bilinear"
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};
struct UpSampling3DOptions {
  std::string data_format = "channels_last";
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

/// UpSampling over 1 to 3 dimensions.
template <class Scalar>
class UpSamplingImpl final : public LayerImpl<Scalar> {
 public:
  template <class Options>
  GRAFT_COLD UpSamplingImpl(int rank, const PerAxis& size, const Options& options)
      : LayerImpl<Scalar>(name_of(rank), options), rank_(rank) {
    size_ = detail::spatial_values(size, rank, "size", this->where());
    if constexpr (requires { options.data_format; }) {
      format_ = detail::parse_data_format(options.data_format, this->where());
    }
    if constexpr (requires { options.interpolation; }) {
      const std::string interpolation = detail::lower_case(options.interpolation);
      bilinear_ = interpolation == "bilinear";
      if (!bilinear_ && interpolation != "nearest") {
        fail<ConfigError>(this->where(), "interpolation nearest or bilinear", "\"" + options.interpolation + "\"");
      }
    }
  }
  std::string_view class_name() const override { return name_of(rank_); }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    detail::SpatialShape shape = detail::split_spatial(inputs[0], rank_, format_, this->where());
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(rank_); ++axis) {
      if (shape.size[axis] == Shape::kUnknown) continue;
      if (shape.size[axis] > std::numeric_limits<Index>::max() / size_[axis]) {
        fail<ShapeError>(this->where(), "a size that fits in memory", inputs[0].str());
      }
      shape.size[axis] *= size_[axis];
    }
    return shape.shape(format_);
  }
  Needs needs(std::span<const Shape>, const Use&) const override { return {}; }

  void forward(const ForwardArgs<Scalar>& args) const override {
    const TensorView<const Scalar> x = args.x();
    const TensorView<Scalar> y = args.y();
    if (bilinear_) kernels::resize_forward(resize(x.shape(), y.shape()), x.data(), y.data());
    else kernels::average_pool_backward(blocks(x.shape(), y.shape()), x.data(), y.data());
  }
  void backward(const BackwardArgs<Scalar>& args) const override {
    if (!args.dx()) return;
    const TensorView<const Scalar> dy = args.dy();
    const TensorView<Scalar> dx = args.dx();
    if (bilinear_) kernels::resize_backward(resize(dx.shape(), dy.shape()), dy.data(), dx.data(), false);
    else kernels::average_pool_forward(blocks(dx.shape(), dy.shape()), dy.data(), dx.data());
  }
  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["size"] = rank_ == 1 ? Config(size_[0]) : detail::spatial_config(size_, rank_);
    if (rank_ > 1) config["data_format"] = detail::data_format_name(format_);
    if (rank_ == 2) config["interpolation"] = bilinear_ ? "bilinear" : "nearest";
    return config;
  }

 private:
  GRAFT_COLD static const char* name_of(int rank) {
    static constexpr const char* kNames[] = {"UpSampling1D", "UpSampling2D", "UpSampling3D"};
    return kNames[rank - 1];
  }
  /// Every element becomes a block of its copies: backward of adding up the elements of each block.
  kernels::PoolingDesc blocks(const Shape& small, const Shape& large) const {
    kernels::PoolingDesc desc =
        detail::pooling_desc(detail::spatial_of(large, rank_, format_), detail::spatial_of(small, rank_, format_),
                             size_, size_, Padding::valid, format_);
    desc.sum = true;
    return desc;
  }
  kernels::ResizeDesc resize(const Shape& small, const Shape& large) const {
    const detail::SpatialShape x = detail::spatial_of(small, rank_, format_);
    const detail::SpatialShape y = detail::spatial_of(large, rank_, format_);
    const detail::SpatialShape samples = detail::channels_as_samples(x, format_);
    return {.images = samples.batch,
            .channels = samples.channels,
            .height = {x.size[0], 0, x.size[0], y.size[0]},
            .width = {x.size[1], 0, x.size[1], y.size[1]}};
  }

  int rank_;
  detail::SpatialValues size_;
  DataFormat format_ = DataFormat::channels_last;
  bool bilinear_ = false;
};

namespace detail {
template <class Options>
GRAFT_COLD Options read_up_sampling(const Config& config) {
  Options options;
  if constexpr (requires { options.data_format; }) read(config, "data_format", options.data_format);
  if constexpr (requires { options.interpolation; }) read(config, "interpolation", options.interpolation);
  read_base(config, options);
  return options;
}
GRAFT_COLD inline PerAxis read_up_sampling_size(const Config& config) {
  PerAxis size = 2;
  read(config, "size", size);
  return size;
}
}  // namespace detail

/// Repeats every element of (batch, length, channels) `size` times along the length. Throws ConfigError for a size
/// below 1.
template <class Scalar = float>
class UpSampling1D : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit UpSampling1D(const PerAxis& size = 2, const UpSampling1DOptions& options = {})
      : Layer<Scalar>(new UpSamplingImpl<Scalar>(1, size, options)) {}

  GRAFT_COLD static UpSampling1D from_config(const Config& config) {
    return UpSampling1D(detail::read_up_sampling_size(config), detail::read_up_sampling<UpSampling1DOptions>(config));
  }
};

/// Enlarges (batch, height, width, channels) `size` times: every element is repeated, or with interpolation "bilinear"
/// outputs lie between inputs, both with their centres at halves (TensorFlow's resize).
template <class Scalar = float>
class UpSampling2D : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit UpSampling2D(const PerAxis& size = 2, const UpSampling2DOptions& options = {})
      : Layer<Scalar>(new UpSamplingImpl<Scalar>(2, size, options)) {}

  GRAFT_COLD static UpSampling2D from_config(const Config& config) {
    return UpSampling2D(detail::read_up_sampling_size(config), detail::read_up_sampling<UpSampling2DOptions>(config));
  }
};

/// Repeats every element of (batch, depth, height, width, channels) `size` times along each spatial dimension.
template <class Scalar = float>
class UpSampling3D : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit UpSampling3D(const PerAxis& size = 2, const UpSampling3DOptions& options = {})
      : Layer<Scalar>(new UpSamplingImpl<Scalar>(3, size, options)) {}

  GRAFT_COLD static UpSampling3D from_config(const Config& config) {
    return UpSampling3D(detail::read_up_sampling_size(config), detail::read_up_sampling<UpSampling3DOptions>(config));
  }
};

}  // namespace graft
