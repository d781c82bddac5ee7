#pragma once

#include "graft/nn/layers/random_color.hpp"

namespace graft {

using RandomBrightnessOptions = RandomColorOptions;

template <class Scalar>
class RandomBrightnessImpl final
    : public detail::PixelwiseImpl<RandomBrightnessImpl<Scalar>, detail::RandomColorImpl<Scalar>, Scalar, 1> {
 public:
  GRAFT_COLD RandomBrightnessImpl(NumberOrList factor, const RandomBrightnessOptions& options)
      : RandomBrightnessImpl::PixelwiseImpl("RandomBrightness", std::move(factor), options, -1, 1) {}
  std::string_view class_name() const override { return "RandomBrightness"; }

  auto function(RandomKey stream) const {
    const double size = this->range()[1] - this->range()[0];
    return [delta = static_cast<Scalar>(this->drawn().at(stream.uniform(0)) * size), low = this->low(),
            high = this->high()](auto* pixel) { *pixel = detail::clipped(*pixel + delta, low, high); };
  }
};

/// In training y = x + d, cut off at the ends of value_range; d, one for each image, is U(low, high) of the size of
/// value_range. A factor f is the range (-f, f), {low, high} says both ends. At inference y = x. Throws ConfigError for
/// a factor outside of [-1, 1] and an empty value_range, and ShapeError for inputs that are no images (batch, height,
/// width, channels).
template <class Scalar = float>
class RandomBrightness : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit RandomBrightness(NumberOrList factor, const RandomBrightnessOptions& options = {})
      : Layer<Scalar>(new RandomBrightnessImpl<Scalar>(std::move(factor), options)) {}

  GRAFT_COLD static RandomBrightness from_config(const Config& config) {
    RandomBrightnessOptions options;
    detail::read_color_options(config, options);
    return RandomBrightness(NumberOrList::from_config(config.at("factor"), "factor"), options);
  }
};

}  // namespace graft
