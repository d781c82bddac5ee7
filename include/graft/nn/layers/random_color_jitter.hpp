#pragma once

#include "graft/nn/layers/composed_image_layer.hpp"
#include "graft/nn/layers/random_brightness.hpp"
#include "graft/nn/layers/random_contrast.hpp"
#include "graft/nn/layers/random_hue.hpp"
#include "graft/nn/layers/random_saturation.hpp"

namespace graft {

struct RandomColorJitterOptions {
  std::array<double, 2> value_range = {0, 255};  ///< of the pixels
  NumberOrList brightness_factor = {};           ///< of RandomBrightness; none: it is left out
  NumberOrList contrast_factor = {};             ///< of RandomContrast
  NumberOrList saturation_factor = {};           ///< of RandomSaturation
  NumberOrList hue_factor = {};                  ///< of RandomHue
  std::optional<Index> seed = {};                ///< mixed into the numbers that set_random_seed starts
  std::string data_format = "channels_last";
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class RandomColorJitterImpl final : public detail::ComposedImageImpl<Scalar> {
  using Base = detail::ComposedImageImpl<Scalar>;

 public:
  GRAFT_COLD explicit RandomColorJitterImpl(const RandomColorJitterOptions& options)
      : Base("RandomColorJitter", options, detail::ImageMode::training), options_(options) {
    RandomColorOptions color;
    color.value_range = options.value_range;
    color.data_format = options.data_format;
    color.name = this->name();
    if (options.brightness_factor.given()) {
      this->template add_part<RandomBrightnessImpl<Scalar>>(options.brightness_factor, color);
    }
    if (options.contrast_factor.given()) {
      this->template add_part<RandomContrastImpl<Scalar>>(options.contrast_factor, color);
    }
    if (options.saturation_factor.given()) {
      this->template add_part<RandomSaturationImpl<Scalar>>(options.saturation_factor, color);
    }
    if (options.hue_factor.given()) this->template add_part<RandomHueImpl<Scalar>>(options.hue_factor, color);
    this->set_length(this->parts());
  }
  std::string_view class_name() const override { return "RandomColorJitter"; }

  GRAFT_COLD Config config() const override {
    Config config = this->image_config(true);
    config["value_range"] = detail::range_config(options_.value_range);
    config["brightness_factor"] = options_.brightness_factor.config();
    config["contrast_factor"] = options_.contrast_factor.config();
    config["saturation_factor"] = options_.saturation_factor.config();
    config["hue_factor"] = options_.hue_factor.config();
    return config;
  }

 protected:
  int channels_wanted() const override {
    return options_.saturation_factor.given() || options_.hue_factor.given() ? 3 : 0;
  }
  int choose(RandomKey, int* chain) const override {
    for (int i = 0; i < this->parts(); ++i) chain[i] = i;
    return this->parts();
  }

 private:
  RandomColorJitterOptions options_;
};

/// In training RandomBrightness, RandomContrast, RandomSaturation and RandomHue one behind the other, those whose
/// factor is given. At inference y = x. Throws ConfigError for what these do not take, and ShapeError for inputs that
/// are no images (batch, height, width, channels).
template <class Scalar = float>
class RandomColorJitter : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit RandomColorJitter(const RandomColorJitterOptions& options = {})
      : Layer<Scalar>(new RandomColorJitterImpl<Scalar>(options)) {}

  GRAFT_COLD static RandomColorJitter from_config(const Config& config) {
    RandomColorJitterOptions options;
    const auto factor = [&config](const char* key, NumberOrList& into) {
      if (const Config* value = config.find_set(key)) into = NumberOrList::from_config(*value, key);
    };
    factor("brightness_factor", options.brightness_factor);
    factor("contrast_factor", options.contrast_factor);
    factor("saturation_factor", options.saturation_factor);
    factor("hue_factor", options.hue_factor);
    detail::read_color_options(config, options);
    return RandomColorJitter(options);
  }
};

}  // namespace graft
