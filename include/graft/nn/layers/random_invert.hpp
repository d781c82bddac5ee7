#pragma once

#include "graft/nn/layers/random_color.hpp"

namespace graft {

using RandomInvertOptions = RandomColorOptions;

template <class Scalar>
class RandomInvertImpl final
    : public detail::PixelwiseImpl<RandomInvertImpl<Scalar>, detail::RandomColorImpl<Scalar>, Scalar, 1> {
 public:
  GRAFT_COLD RandomInvertImpl(NumberOrList factor, const RandomInvertOptions& options)
      : RandomInvertImpl::PixelwiseImpl("RandomInvert", std::move(factor), options, 0, 1) {}
  std::string_view class_name() const override { return "RandomInvert"; }

  auto function(RandomKey stream) const {
    const bool inverts = stream.uniform(1) < this->drawn().at(stream.uniform(0));
    return [inverts, high = this->high()](auto* pixel) {
      if (inverts) *pixel = high - *pixel;
    };
  }
};

/// In training an image becomes value_range[1] - x with probability U(low, high). A factor f is the range (0, f),
/// {low, high} says both ends. At inference y = x. Throws ConfigError for a factor outside of [0, 1] and an empty
/// value_range, and ShapeError for inputs that are no images (batch, height, width, channels).
template <class Scalar = float>
class RandomInvert : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit RandomInvert(NumberOrList factor = 1.0, const RandomInvertOptions& options = {})
      : Layer<Scalar>(new RandomInvertImpl<Scalar>(std::move(factor), options)) {}

  GRAFT_COLD static RandomInvert from_config(const Config& config) {
    RandomInvertOptions options;
    detail::read_color_options(config, options);
    const Config* factor = config.find_set("factor");
    return RandomInvert(factor ? NumberOrList::from_config(*factor, "factor") : NumberOrList(1.0), options);
  }
};

}  // namespace graft
