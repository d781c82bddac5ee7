#pragma once

#include "graft/nn/layers/color_spaces.hpp"
#include "graft/nn/layers/random_color.hpp"

namespace graft {

using RandomSaturationOptions = RandomColorOptions;

template <class Scalar>
class RandomSaturationImpl final
    : public detail::PixelwiseImpl<RandomSaturationImpl<Scalar>, detail::RandomColorImpl<Scalar>, Scalar, 3> {
 public:
  GRAFT_COLD RandomSaturationImpl(NumberOrList factor, const RandomSaturationOptions& options)
      : RandomSaturationImpl::PixelwiseImpl("RandomSaturation", std::move(factor), options, -1, 1) {}
  std::string_view class_name() const override { return "RandomSaturation"; }

  auto function(RandomKey stream) const {
    const double u = this->drawn().at(stream.uniform(0));
    return [factor = static_cast<Scalar>(u / (1 - u + 1e-7)), low = this->low(), high = this->high()](auto* pixel) {
      auto hsv = detail::rgb_to_hsv<Scalar>(pixel);
      hsv[1] = detail::clipped(hsv[1] * factor, low, high);
      detail::hsv_to_rgb<Scalar>(hsv, pixel);
    };
  }
};

/// In training the saturation of an image is multiplied by u / (1 - u), u ~ U(low, high): 0.5 changes nothing, 0 leaves
/// gray. A factor f is the range (-f, f), {low, high} says both ends. As in Keras, the pixels are taken as they are,
/// and the saturation is cut off at the ends of value_range. At inference y = x. Throws ConfigError for a factor
/// outside of
/// [-1, 1] and an empty value_range, and ShapeError for inputs that are no images (batch, height, width, 3).
template <class Scalar = float>
class RandomSaturation : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit RandomSaturation(NumberOrList factor, const RandomSaturationOptions& options = {})
      : Layer<Scalar>(new RandomSaturationImpl<Scalar>(std::move(factor), options)) {}

  GRAFT_COLD static RandomSaturation from_config(const Config& config) {
    RandomSaturationOptions options;
    detail::read_color_options(config, options);
    return RandomSaturation(NumberOrList::from_config(config.at("factor"), "factor"), options);
  }
};

}  // namespace graft
