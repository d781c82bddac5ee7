#pragma once

#include "graft/nn/layers/color_spaces.hpp"
#include "graft/nn/layers/random_color.hpp"

namespace graft {

using RandomHueOptions = RandomColorOptions;

template <class Scalar>
class RandomHueImpl final
    : public detail::PixelwiseImpl<RandomHueImpl<Scalar>, detail::RandomColorImpl<Scalar>, Scalar, 3> {
 public:
  GRAFT_COLD RandomHueImpl(NumberOrList factor, const RandomHueOptions& options)
      : RandomHueImpl::PixelwiseImpl("RandomHue", std::move(factor), options, 0, 1) {}
  std::string_view class_name() const override { return "RandomHue"; }

  auto function(RandomKey stream) const {
    const double sign = stream.uniform(0) > 0.5 ? -1 : 1;
    const auto turn = static_cast<Scalar>(sign * this->drawn().at(stream.uniform(1)) * 0.5);
    return [turn, low = this->low(), size = this->high() - this->low()](auto* pixel) {
      for (int c = 0; c < 3; ++c) pixel[c] = (pixel[c] - low) / size;
      auto hsv = detail::rgb_to_hsv<Scalar>(pixel);
      hsv[0] = hsv[0] + turn;
      if (detail::value_of(hsv[0]) > 1) hsv[0] = hsv[0] - Scalar(1);
      if (detail::value_of(hsv[0]) < 0) hsv[0] = hsv[0] + Scalar(1);
      detail::hsv_to_rgb<Scalar>(hsv, pixel);
      for (int c = 0; c < 3; ++c) pixel[c] = detail::clipped(pixel[c], Scalar(0), Scalar(1)) * size + low;
    };
  }
};

/// In training the hue of an image is turned by half of U(low, high) of the colour circle, one way or the other. A
/// factor f is the range (0, f), {low, high} says both ends. At inference y = x. Throws ConfigError for a factor
/// outside of [0, 1] and an empty value_range, and ShapeError for inputs that are no images (batch, height, width, 3).
template <class Scalar = float>
class RandomHue : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit RandomHue(NumberOrList factor, const RandomHueOptions& options = {})
      : Layer<Scalar>(new RandomHueImpl<Scalar>(std::move(factor), options)) {}

  GRAFT_COLD static RandomHue from_config(const Config& config) {
    RandomHueOptions options;
    detail::read_color_options(config, options);
    return RandomHue(NumberOrList::from_config(config.at("factor"), "factor"), options);
  }
};

}  // namespace graft
