#pragma once

#include "graft/nn/layers/random_image.hpp"

namespace graft {

/// What RandomHeight and RandomWidth can be told.
struct RandomStretchOptions {
  std::string interpolation = "bilinear";  ///< or "nearest"
  std::optional<Index> seed = {};          ///< mixed into the numbers that set_random_seed starts
  std::string data_format = "channels_last";
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

namespace detail {

/// Base of RandomHeight and RandomWidth, which stretch one axis.
template <class Scalar>
class RandomStretchImpl : public RandomImageImpl<Scalar> {
  using Base = RandomImageImpl<Scalar>;

 public:
  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["factor"] = factor_.config();
    config["interpolation"] = interpolation_;
    return config;
  }

 protected:
  GRAFT_COLD RandomStretchImpl(const char* class_name, NumberOrList factor, const RandomStretchOptions& options,
                               bool vertical)
      : RandomStretchImpl(class_name, factor, options, vertical, stretch_range(factor, class_name)) {}

  kernels::AffineTransform transform(RandomKey stream, Index height, Index width) const final {
    const Index size = vertical_ ? height : width;
    const double stretched = std::floor((1 + range_.at(stream.uniform(0))) * static_cast<double>(size));
    const Index n = std::max<Index>(1, static_cast<Index>(stretched));
    // Pixel k of n is at (k + 1/2) size / n - 1/2 of the image; pixel 0 of what is kept is number `first`.
    const Index first = (n - size) / 2;
    const double scale = static_cast<double>(size) / static_cast<double>(n);
    const float a = static_cast<float>(scale);
    const float b = static_cast<float>((static_cast<double>(first) + 0.5) * scale - 0.5);
    return vertical_ ? kernels::AffineTransform{1, 0, 0, 0, a, b} : kernels::AffineTransform{a, 0, b, 0, 1, 0};
  }

 private:
  struct Filled : RandomStretchOptions {
    std::string fill_mode = "reflect";
    double fill_value = 0;
  };
  GRAFT_COLD RandomStretchImpl(const char* class_name, const NumberOrList& factor, const RandomStretchOptions& options,
                               bool vertical, FactorRange range)
      : Base(class_name, Filled{options}, !range.zero()),
        factor_(factor),
        range_(range),
        interpolation_(options.interpolation),
        vertical_(vertical) {}

  GRAFT_COLD static FactorRange stretch_range(const NumberOrList& factor, const char* class_name) {
    const FactorRange range = factor_range(factor, 100, class_name, "factor");
    if (range.low < -1)
      refuse_factor(factor, "above -1: an image cannot get less than no pixels", class_name, "factor");
    return range;
  }

  NumberOrList factor_;
  FactorRange range_;
  std::string interpolation_;
  bool vertical_;
};

template <class Handle>
GRAFT_COLD Handle random_stretch_from_config(const Config& config) {
  RandomStretchOptions options;
  read(config, "interpolation", options.interpolation);
  options.seed = read_seed(config);
  read(config, "data_format", options.data_format);
  read_base(config, options);
  return Handle(NumberOrList::from_config(config.at("factor"), "factor"), options);
}

}  // namespace detail
}  // namespace graft
