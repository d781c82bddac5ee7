#pragma once

#include "graft/nn/layers/random_color.hpp"

namespace graft {

struct AutoContrastOptions {
  std::array<double, 2> value_range = {0, 255};  ///< of the pixels
  std::string data_format = "channels_last";
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class AutoContrastImpl final : public detail::ImageLayerImpl<Scalar> {
  using Base = detail::ImageLayerImpl<Scalar>;
  using Image = detail::ImageArgs<Scalar>;

 public:
  GRAFT_COLD explicit AutoContrastImpl(const AutoContrastOptions& options)
      : Base("AutoContrast", options, detail::ImageMode::always),
        range_(detail::checked_range(options.value_range, "AutoContrast")) {}
  std::string_view class_name() const override { return "AutoContrast"; }

  GRAFT_COLD Config config() const override {
    Config config = this->image_config(false);
    config["value_range"] = detail::range_config(range_);
    return config;
  }

  void transform(const Image& image) const override {
    for_each_channel(image, [&](Index first, Index lowest, Index highest) {
      const Scalar least = image.x[lowest], size = image.x[highest] - least;
      const Scalar low = static_cast<Scalar>(range_[0]), wide = static_cast<Scalar>(range_[1] - range_[0]);
      for_each_pixel(image, first, [&](Index at) {
        image.y[at] = size > 0 ? (image.x[at] - least) / size * wide + low : image.x[at];
      });
    });
  }
  /// The pixels that are the smallest and the largest take part in all others.
  void transform_gradient(const Image& image) const override {
    for_each_channel(image, [&](Index first, Index lowest, Index highest) {
      const Scalar least = image.x[lowest], size = image.x[highest] - least;
      if (!(size > 0)) return for_each_pixel(image, first, [&](Index at) { image.dx[at] = image.dy[at]; });
      const Scalar slope = static_cast<Scalar>(range_[1] - range_[0]) / size;
      Scalar to_lowest = 0, to_highest = 0;
      for_each_pixel(image, first, [&](Index at) {
        const Scalar place = (image.x[at] - least) / size;
        image.dx[at] = slope * image.dy[at];
        to_lowest += slope * (place - 1) * image.dy[at];
        to_highest -= slope * place * image.dy[at];
      });
      image.dx[lowest] += to_lowest;
      image.dx[highest] += to_highest;
    });
  }

 private:
  template <class Fn>
  static void for_each_pixel(const Image& image, Index first, const Fn& fn) {
    const Index step = image.picture.pixel_step;
    for (Index i = 0; i < image.picture.pixels(); ++i) fn(first + i * step);
  }
  // With the first of the smallest and of the largest pixels.
  template <class Fn>
  static void for_each_channel(const Image& image, const Fn& fn) {
    if (image.picture.pixels() == 0) return;
    for (Index c = 0; c < image.picture.channels; ++c) {
      const Index first = c * image.picture.channel_step;
      Index lowest = first, highest = first;
      for_each_pixel(image, first, [&](Index at) {
        if (image.x[at] < image.x[lowest]) lowest = at;
        if (image.x[at] > image.x[highest]) highest = at;
      });
      fn(first, lowest, highest);
    }
  }

  detail::ValueRange range_;
};

/// Stretches every channel of an image to value_range: the smallest pixel becomes its lower end and the largest its
/// upper one. A channel of one value stays as it is. In training and at inference. Throws ConfigError for an empty
/// value_range, and ShapeError for inputs that are no images (batch, height, width, channels).
template <class Scalar = float>
class AutoContrast : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit AutoContrast(const AutoContrastOptions& options = {})
      : Layer<Scalar>(new AutoContrastImpl<Scalar>(options)) {}

  GRAFT_COLD static AutoContrast from_config(const Config& config) {
    AutoContrastOptions options;
    detail::read_color_options(config, options);
    return AutoContrast(options);
  }
};

}  // namespace graft
