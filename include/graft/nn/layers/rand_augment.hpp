#pragma once

#include "graft/nn/layers/auto_contrast.hpp"
#include "graft/nn/layers/composed_image_layer.hpp"
#include "graft/nn/layers/equalization.hpp"
#include "graft/nn/layers/random_brightness.hpp"
#include "graft/nn/layers/random_color_degeneration.hpp"
#include "graft/nn/layers/random_contrast.hpp"
#include "graft/nn/layers/random_posterization.hpp"
#include "graft/nn/layers/random_rotation.hpp"
#include "graft/nn/layers/random_sharpness.hpp"
#include "graft/nn/layers/random_shear.hpp"
#include "graft/nn/layers/random_translation.hpp"
#include "graft/nn/layers/solarization.hpp"

namespace graft {

struct RandAugmentOptions {
  std::array<double, 2> value_range = {0, 255};  ///< of the pixels
  Index num_ops = 2;                             ///< operations for each image
  NumberOrList factor = 0.5;                     ///< of the operations; a number f is the range (0, f)
  std::string interpolation = "bilinear";        ///< or "nearest"
  std::optional<Index> seed = {};                ///< mixed into the numbers that set_random_seed starts
  std::string data_format = "channels_last";
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class RandAugmentImpl final : public detail::ComposedImageImpl<Scalar> {
  using Base = detail::ComposedImageImpl<Scalar>;

 public:
  GRAFT_COLD explicit RandAugmentImpl(const RandAugmentOptions& options)
      : Base("RandAugment", options, detail::ImageMode::training), options_(options) {
    const detail::FactorRange range = detail::limited_range(options.factor, 0, 1, "RandAugment", "factor");
    const NumberOrList factor{range.low, range.high};
    RandomImageOptions moved;
    moved.interpolation = options.interpolation;
    RandomShearOptions sheared;
    sheared.x_factor = sheared.y_factor = factor;
    sheared.interpolation = options.interpolation;
    RandomColorOptions color;
    SolarizationOptions solarized;
    solarized.addition_factor = solarized.threshold_factor = factor;
    AutoContrastOptions contrast;
    EqualizationOptions equalized;
    color.value_range = solarized.value_range = contrast.value_range = equalized.value_range = options.value_range;
    const auto name_parts = [&](auto&... part) {
      ((part.name = this->name(), part.data_format = options.data_format), ...);
    };
    name_parts(moved, sheared, color, solarized, contrast, equalized);
    // In Keras's order.
    this->template add_part<RandomShearImpl<Scalar>>(sheared);
    this->template add_part<RandomTranslationImpl<Scalar>>(factor, factor, moved);
    this->template add_part<RandomRotationImpl<Scalar>>(factor, moved);
    this->template add_part<RandomBrightnessImpl<Scalar>>(factor, color);
    this->template add_part<RandomColorDegenerationImpl<Scalar>>(factor, color);
    this->template add_part<RandomContrastImpl<Scalar>>(factor, color);
    this->template add_part<RandomSharpnessImpl<Scalar>>(factor, color);
    this->template add_part<RandomPosterizationImpl<Scalar>>(std::max(1.0, std::floor(8 * range.high)), color);
    this->template add_part<SolarizationImpl<Scalar>>(solarized);
    this->template add_part<AutoContrastImpl<Scalar>>(contrast);
    this->template add_part<EqualizationImpl<Scalar>>(equalized);
    this->set_length(options.num_ops);
  }
  std::string_view class_name() const override { return "RandAugment"; }

  GRAFT_COLD Config config() const override {
    Config config = this->image_config(true);
    config["value_range"] = detail::range_config(options_.value_range);
    config["num_ops"] = options_.num_ops;
    config["factor"] = options_.factor.config();
    config["interpolation"] = options_.interpolation;
    return config;
  }

 protected:
  int channels_wanted() const override { return 3; }
  int choose(RandomKey stream, int* chain) const override {
    for (Index i = 0; i < options_.num_ops; ++i) {
      chain[i] = static_cast<int>(stream.uniform(static_cast<std::uint64_t>(i)) * this->parts());
    }
    return static_cast<int>(options_.num_ops);
  }

 private:
  RandAugmentOptions options_;
};

/// In training every image goes through num_ops operations, each one of RandomShear, RandomTranslation, RandomRotation,
/// RandomBrightness, RandomColorDegeneration, RandomContrast, RandomSharpness, RandomPosterization, Solarization,
/// AutoContrast and Equalization (Cubuk et al. 2020). Every image has operations of its own; Keras draws them once for
/// a batch. At inference y = x. Throws ConfigError for a factor outside of [0, 1], for num_ops beyond 16 and an unknown
/// interpolation, and ShapeError for inputs that are no images (batch, height, width, 3).
template <class Scalar = float>
class RandAugment : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit RandAugment(const RandAugmentOptions& options = {})
      : Layer<Scalar>(new RandAugmentImpl<Scalar>(options)) {}

  GRAFT_COLD static RandAugment from_config(const Config& config) {
    RandAugmentOptions options;
    detail::read(config, "num_ops", options.num_ops);
    if (const Config* factor = config.find_set("factor")) options.factor = NumberOrList::from_config(*factor, "factor");
    detail::read(config, "interpolation", options.interpolation);
    detail::read_color_options(config, options);
    return RandAugment(options);
  }
};

}  // namespace graft
