#pragma once

#include "graft/nn/layers/color_spaces.hpp"
#include "graft/nn/layers/random_color.hpp"

namespace graft {

using RandomColorDegenerationOptions = RandomColorOptions;

template <class Scalar>
class RandomColorDegenerationImpl final
    : public detail::PixelwiseImpl<RandomColorDegenerationImpl<Scalar>, detail::RandomColorImpl<Scalar>, Scalar, 3> {
 public:
  GRAFT_COLD RandomColorDegenerationImpl(NumberOrList factor, const RandomColorDegenerationOptions& options)
      : RandomColorDegenerationImpl::PixelwiseImpl("RandomColorDegeneration", std::move(factor), options, -1, 1) {}
  std::string_view class_name() const override { return "RandomColorDegeneration"; }

  auto function(RandomKey stream) const {
    return [factor = static_cast<Scalar>(this->drawn().at(stream.uniform(0))), low = this->low(),
            high = this->high()](auto* pixel) {
      const auto gray = detail::gray_of<Scalar>(pixel);
      for (int c = 0; c < 3; ++c) pixel[c] = detail::clipped(pixel[c] + factor * (gray - pixel[c]), low, high);
    };
  }
};

/// In training y = x + f (gray - x), cut off at the ends of value_range, with f of U(low, high) for each image: 1 takes
/// all colour away, less than 0 adds some. A factor f is the range (-f, f), {low, high} says both ends. At inference
/// y = x. Throws ConfigError for a factor outside of [-1, 1] and an empty value_range, and ShapeError for inputs that
/// are no images (batch, height, width, 3).
template <class Scalar = float>
class RandomColorDegeneration : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit RandomColorDegeneration(NumberOrList factor, const RandomColorDegenerationOptions& options = {})
      : Layer<Scalar>(new RandomColorDegenerationImpl<Scalar>(std::move(factor), options)) {}

  GRAFT_COLD static RandomColorDegeneration from_config(const Config& config) {
    RandomColorDegenerationOptions options;
    detail::read_color_options(config, options);
    return RandomColorDegeneration(NumberOrList::from_config(config.at("factor"), "factor"), options);
  }
};

}  // namespace graft
