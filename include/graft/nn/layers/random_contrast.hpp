#pragma once

#include "graft/nn/layers/random_color.hpp"

namespace graft {

using RandomContrastOptions = RandomColorOptions;

template <class Scalar>
class RandomContrastImpl final : public detail::ImageLayerImpl<Scalar> {
  using Base = detail::ImageLayerImpl<Scalar>;
  using Image = detail::ImageArgs<Scalar>;

 public:
  GRAFT_COLD RandomContrastImpl(NumberOrList factor, const RandomContrastOptions& options)
      : Base("RandomContrast", options, detail::ImageMode::training),
        factor_(std::move(factor)),
        range_(detail::checked_range(options.value_range, "RandomContrast")) {
    const bool number = factor_.given() && factor_.shape().rank() == 0;
    bool fits = number || factor_.shape() == Shape{2};
    for (const double value : factor_.values()) fits = fits && value >= 0 && value <= 1e6;
    if (!fits || factor_[0] > 1) {
      detail::refuse_factor(factor_, "a number or two from 0 to 1", "RandomContrast", "factor");
    }
  }
  std::string_view class_name() const override { return "RandomContrast"; }

  GRAFT_COLD Config config() const override {
    Config config = this->image_config(true);
    config["factor"] = factor_.config();
    if (range_ != detail::ValueRange{0, 255}) config["value_range"] = detail::range_config(range_);  // not in Keras 2
    return config;
  }

  void transform(const Image& image) const override { adjust(image, drawn(image.stream)); }
  void transform_gradient(const Image& image) const override {
    const detail::Picture& p = image.picture;
    const Scalar contrast = drawn(image.stream), count = static_cast<Scalar>(p.pixels());
    for_each_channel(p, [&](Index first) {
      const Scalar mean = mean_of(p, image.x + first);
      const auto pass = [&](Index i) {
        const Scalar y = (image.x[first + i] - mean) * contrast + mean;
        return y < low() || y > high() ? Scalar(0) : image.dy[first + i];
      };
      Scalar sum = 0;
      for (Index i = 0; i < p.pixels(); ++i) sum += pass(i * p.pixel_step);
      const Scalar share = sum * (1 - contrast) / count;
      for (Index i = 0; i < p.pixels(); ++i) {
        image.dx[first + i * p.pixel_step] = contrast * pass(i * p.pixel_step) + share;
      }
    });
  }
  /// y = (x - mean of the channel) contrast + mean, cut off at the ends of value_range.
  void adjust(const Image& image, Scalar contrast) const {
    const detail::Picture& p = image.picture;
    for_each_channel(p, [&](Index first) {
      const Scalar mean = mean_of(p, image.x + first);
      for (Index i = 0; i < p.pixels(); ++i) {
        const Index at = first + i * p.pixel_step;
        image.y[at] = std::clamp((image.x[at] - mean) * contrast + mean, low(), high());
      }
    });
  }

 private:
  Scalar low() const { return static_cast<Scalar>(range_[0]); }
  Scalar high() const { return static_cast<Scalar>(range_[1]); }
  Scalar drawn(RandomKey stream) const {
    const detail::FactorRange range{1 - factor_[0], 1 + factor_[1]};
    return static_cast<Scalar>(range.at(stream.uniform(0)));
  }
  template <class Fn>
  static void for_each_channel(const detail::Picture& p, const Fn& fn) {
    for (Index c = 0; c < p.channels; ++c) fn(c * p.channel_step);
  }
  static Scalar mean_of(const detail::Picture& p, const Scalar* x) {
    double sum = 0;
    for (Index i = 0; i < p.pixels(); ++i) sum += static_cast<double>(x[i * p.pixel_step]);
    return static_cast<Scalar>(sum / static_cast<double>(p.pixels()));
  }

  NumberOrList factor_;
  detail::ValueRange range_;
};

/// In training y = (x - m) c + m, cut off at the ends of value_range; m is the mean of the image's channel and c, one
/// for each image, is U(1 - low, 1 + high). A factor f is {f, f}, as Keras documents it and Keras 2 computes it; Keras
/// 3 takes {0, f}, which it writes into its files, so that they are read as they were trained. At inference y = x.
/// Throws ConfigError for a factor that is negative or above 1 and an empty value_range, and ShapeError for inputs that
/// are no images (batch, height, width, channels).
template <class Scalar = float>
class RandomContrast : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit RandomContrast(NumberOrList factor, const RandomContrastOptions& options = {})
      : Layer<Scalar>(new RandomContrastImpl<Scalar>(std::move(factor), options)) {}

  GRAFT_COLD static RandomContrast from_config(const Config& config) {
    RandomContrastOptions options;
    detail::read_color_options(config, options);
    return RandomContrast(NumberOrList::from_config(config.at("factor"), "factor"), options);
  }
};

}  // namespace graft
