#pragma once

#include "graft/nn/layers/random_image.hpp"

namespace graft {

using RandomTranslationOptions = RandomImageOptions;

template <class Scalar>
class RandomTranslationImpl final : public detail::RandomImageImpl<Scalar> {
  using Base = detail::RandomImageImpl<Scalar>;

 public:
  GRAFT_COLD RandomTranslationImpl(NumberOrList height_factor, NumberOrList width_factor,
                                   const RandomTranslationOptions& options)
      : RandomTranslationImpl(height_factor, width_factor, options,
                              detail::factor_range(height_factor, 1, "RandomTranslation", "height_factor"),
                              detail::factor_range(width_factor, 1, "RandomTranslation", "width_factor")) {}
  std::string_view class_name() const override { return "RandomTranslation"; }

  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["height_factor"] = height_factor_.config();
    config["width_factor"] = width_factor_.config();
    this->write_sampling(config);
    return config;
  }

 protected:
  kernels::AffineTransform transform(RandomKey stream, Index height, Index width) const override {
    const auto shift = [](double part, Index size) { return static_cast<float>(part) * static_cast<float>(size); };
    return {1, 0, -shift(width_range_.at(stream.uniform(1)), width),
            0, 1, -shift(height_range_.at(stream.uniform(0)), height)};
  }

 private:
  GRAFT_COLD RandomTranslationImpl(const NumberOrList& height_factor, const NumberOrList& width_factor,
                                   const RandomTranslationOptions& options, detail::FactorRange height_range,
                                   detail::FactorRange width_range)
      : Base("RandomTranslation", options, !height_range.zero() || !width_range.zero()),
        height_factor_(height_factor),
        width_factor_(width_factor),
        height_range_(height_range),
        width_range_(width_range) {}

  NumberOrList height_factor_, width_factor_;
  detail::FactorRange height_range_, width_range_;
};

/// In training every image is moved down by U(low, high) of its height and to the right by the same of its width. A
/// factor f is the range (-f, f), {low, high} says both ends; both are in [-1, 1]. At inference y = x. Throws
/// ConfigError for other factors and an unknown fill_mode, interpolation or data_format, and ShapeError for inputs that
/// are no images (batch, height, width, channels).
template <class Scalar = float>
class RandomTranslation : public Layer<Scalar> {
 public:
  GRAFT_COLD RandomTranslation(NumberOrList height_factor, NumberOrList width_factor,
                               const RandomTranslationOptions& options = {})
      : Layer<Scalar>(new RandomTranslationImpl<Scalar>(std::move(height_factor), std::move(width_factor), options)) {}

  GRAFT_COLD static RandomTranslation from_config(const Config& config) {
    RandomTranslationOptions options;
    detail::read_image_options(config, options);
    return RandomTranslation(NumberOrList::from_config(config.at("height_factor"), "height_factor"),
                             NumberOrList::from_config(config.at("width_factor"), "width_factor"), options);
  }
};

}  // namespace graft
