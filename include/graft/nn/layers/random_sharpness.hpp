#pragma once

#include "graft/nn/layers/random_color.hpp"

namespace graft {

using RandomSharpnessOptions = RandomColorOptions;

template <class Scalar>
class RandomSharpnessImpl final : public detail::RandomColorImpl<Scalar> {
  using Base = detail::RandomColorImpl<Scalar>;
  using Image = detail::ImageArgs<Scalar>;
  using Picture = detail::Picture;

 public:
  GRAFT_COLD RandomSharpnessImpl(NumberOrList factor, const RandomSharpnessOptions& options)
      : Base("RandomSharpness", std::move(factor), options, 0, 1) {}
  std::string_view class_name() const override { return "RandomSharpness"; }

  Index scratch_size(const Picture& picture, bool backward) const override { return backward ? picture.size() : 0; }
  void transform(const Image& image) const override {
    const Scalar sharpness = drawn_sharpness(image.stream);
    for_each(image.picture, [&](Index at, Index row, Index col, Index channel) {
      const Scalar y = blended(image.picture, image.x, sharpness, at, row, col, channel);
      image.y[at] = std::clamp(y, this->low(), this->high());
    });
  }
  /// The filter is symmetric: the gradient goes through the same one.
  void transform_gradient(const Image& image) const override {
    const Scalar sharpness = drawn_sharpness(image.stream);
    for_each(image.picture, [&](Index at, Index row, Index col, Index channel) {
      const Scalar y = blended(image.picture, image.x, sharpness, at, row, col, channel);
      image.scratch[at] = y < this->low() || y > this->high() ? Scalar(0) : image.dy[at];
    });
    for_each(image.picture, [&](Index at, Index row, Index col, Index channel) {
      image.dx[at] = blended(image.picture, image.scratch, sharpness, at, row, col, channel);
    });
  }

 private:
  Scalar drawn_sharpness(RandomKey stream) const {
    return static_cast<Scalar>(2 * this->drawn().at(stream.uniform(0)));
  }
  template <class Fn>
  static void for_each(const Picture& p, const Fn& fn) {
    for (Index c = 0; c < p.channels; ++c) {
      for (Index row = 0; row < p.height; ++row) {
        for (Index col = 0; col < p.width; ++col) {
          fn((row * p.width + col) * p.pixel_step + c * p.channel_step, row, col, c * p.channel_step);
        }
      }
    }
  }
  // x + (1 - sharpness) (smooth - x); smooth is the mean of 3 x 3 pixels, 0 outside, the middle counting 5 times.
  static Scalar blended(const Picture& p, const Scalar* x, Scalar sharpness, Index at, Index row, Index col,
                        Index channel) {
    Scalar sum = 4 * x[at];
    for (Index r = std::max<Index>(row - 1, 0); r <= std::min(row + 1, p.height - 1); ++r) {
      for (Index c = std::max<Index>(col - 1, 0); c <= std::min(col + 1, p.width - 1); ++c) {
        sum += x[(r * p.width + c) * p.pixel_step + channel];
      }
    }
    return x[at] + (1 - sharpness) * (sum / 13 - x[at]);
  }
};

/// In training y = x + (1 - s)(smooth - x), cut off at the ends of value_range, where smooth is a weighted mean of 3 x
/// 3 pixels (0 outside of the image) and s = 2 u with u ~ U(low, high) for each image: above 1/2 an image gets sharper,
/// below smoother. A factor f is the range (0, f), {low, high} says both ends. At inference y = x. Throws ConfigError
/// for a factor outside of [0, 1] and an empty value_range, and ShapeError for inputs that are no images (batch,
/// height, width, channels).
template <class Scalar = float>
class RandomSharpness : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit RandomSharpness(NumberOrList factor, const RandomSharpnessOptions& options = {})
      : Layer<Scalar>(new RandomSharpnessImpl<Scalar>(std::move(factor), options)) {}

  GRAFT_COLD static RandomSharpness from_config(const Config& config) {
    RandomSharpnessOptions options;
    detail::read_color_options(config, options);
    return RandomSharpness(NumberOrList::from_config(config.at("factor"), "factor"), options);
  }
};

}  // namespace graft
