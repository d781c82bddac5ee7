#pragma once

#include "graft/nn/layers/random_color.hpp"

namespace graft {

using RandomPosterizationOptions = RandomColorOptions;

template <class Scalar>
class RandomPosterizationImpl final
    : public detail::PixelwiseImpl<RandomPosterizationImpl<Scalar>, detail::RandomColorImpl<Scalar>, Scalar, 1> {
 public:
  GRAFT_COLD RandomPosterizationImpl(NumberOrList factor, const RandomPosterizationOptions& options)
      : RandomPosterizationImpl::PixelwiseImpl("RandomPosterization", std::move(factor), options, 1, 8) {}
  std::string_view class_name() const override { return "RandomPosterization"; }

  auto function(RandomKey stream) const {
    const double low = this->drawn().low, high = this->drawn().high;
    const double bits = low == high ? low : std::floor(this->drawn().at(stream.uniform(0)));
    const int shift = 8 - static_cast<int>(std::clamp(bits, 1.0, 8.0));
    return [shift, from = this->low(), size = this->high() - this->low()]<class T>(T* pixel) {
      const Scalar level = std::clamp((detail::value_of(*pixel) - from) / size * 255, Scalar(0), Scalar(255));
      const int kept = static_cast<int>(level) >> shift << shift;
      *pixel = T(static_cast<Scalar>(kept) / 255 * size + from);  // a staircase: no slope
    };
  }
};

/// In training pixels keep their upper bits only, of 8 for value_range: as many as one of low … high - 1, drawn for
/// each image (or low, when both are the same). A factor f is the range (1, f), {low, high} says both ends. At
/// inference y = x. The gradient is 0. Throws ConfigError for a factor outside of [1, 8] and an empty value_range, and
/// ShapeError for inputs that are no images (batch, height, width, channels).
template <class Scalar = float>
class RandomPosterization : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit RandomPosterization(NumberOrList factor, const RandomPosterizationOptions& options = {})
      : Layer<Scalar>(new RandomPosterizationImpl<Scalar>(std::move(factor), options)) {}

  GRAFT_COLD static RandomPosterization from_config(const Config& config) {
    RandomPosterizationOptions options;
    detail::read_color_options(config, options);
    return RandomPosterization(NumberOrList::from_config(config.at("factor"), "factor"), options);
  }
};

}  // namespace graft
