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

namespace graft::detail {

/// Base of the layers that send images through chains of other augmentation layers.
template <class Scalar>
class AugmentationChainImpl : public ComposedImageImpl<Scalar> {
 protected:
  using ComposedImageImpl<Scalar>::ComposedImageImpl;

  /// Eleven parts; those of numbers kColors … kColors + 3 change colours little by little. To be called by the
  /// constructor of a class that knows its name. Throws ConfigError.
  static constexpr int kColors = 3, kColorCount = 4;
  template <class Options>
  GRAFT_COLD void add_augmentations(const Options& options) {
    const FactorRange range = limited_range(options.factor, 0, 1, std::string(this->class_name()).c_str(), "factor");
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
  }
};

}  // namespace graft::detail
