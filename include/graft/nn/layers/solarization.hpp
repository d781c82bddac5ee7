#pragma once

#include "graft/nn/layers/random_color.hpp"

namespace graft {

struct SolarizationOptions {
  NumberOrList addition_factor = 0.0;   ///< of 255; a number f is the range (0, f)
  NumberOrList threshold_factor = 0.0;  ///< of 255; a number f is the range (0, f)
  std::array<double, 2> value_range = {0, 255};
  std::optional<Index> seed = {};  ///< mixed into the numbers that set_random_seed starts
  std::string data_format = "channels_last";
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class SolarizationImpl final
    : public detail::PixelwiseImpl<SolarizationImpl<Scalar>, detail::ImageLayerImpl<Scalar>, Scalar, 1> {
 public:
  GRAFT_COLD explicit SolarizationImpl(const SolarizationOptions& options)
      : SolarizationImpl::PixelwiseImpl("Solarization", options, detail::ImageMode::training),
        addition_factor_(options.addition_factor),
        threshold_factor_(options.threshold_factor),
        range_(detail::checked_range(options.value_range, "Solarization")),
        addition_(detail::limited_range(addition_factor_, 0, 1, "Solarization", "addition_factor")),
        threshold_(detail::limited_range(threshold_factor_, 0, 1, "Solarization", "threshold_factor")) {}
  std::string_view class_name() const override { return "Solarization"; }

  GRAFT_COLD Config config() const override {
    Config config = this->image_config(true);
    config["addition_factor"] = addition_factor_.config();
    config["threshold_factor"] = threshold_factor_.config();
    config["value_range"] = detail::range_config(range_);
    return config;
  }

  auto function(RandomKey stream) const {
    // Keras multiplies the upper end by 255 only.
    const detail::FactorRange additions{addition_.low, addition_.high * 255},
        thresholds{threshold_.low, threshold_.high * 255};
    const auto low = static_cast<Scalar>(range_[0]), scale = static_cast<Scalar>(255 / (range_[1] - range_[0]));
    return [low, scale, addition = static_cast<Scalar>(additions.at(stream.uniform(0))),
            threshold = static_cast<Scalar>(thresholds.at(stream.uniform(1)))](auto* pixel) {
      auto level = detail::clipped((*pixel - low) * scale + addition, Scalar(0), Scalar(255));
      if (!(detail::value_of(level) < threshold)) level = Scalar(255) - level;
      *pixel = level / scale + low;
    };
  }

 private:
  NumberOrList addition_factor_, threshold_factor_;
  detail::ValueRange range_;
  detail::FactorRange addition_, threshold_;
};

/// In training, for pixels as levels v of 0 … 255 for value_range: v + a, cut off at the ends, and 255 minus that where
/// it is not below t. a and t are U(low, 255 high) for each image, of addition_factor and threshold_factor. At
/// inference y = x. Throws ConfigError for factors outside of [0, 1] and an empty value_range, and ShapeError for
/// inputs that are no images (batch, height, width, channels).
template <class Scalar = float>
class Solarization : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Solarization(const SolarizationOptions& options = {})
      : Layer<Scalar>(new SolarizationImpl<Scalar>(options)) {}

  GRAFT_COLD static Solarization from_config(const Config& config) {
    SolarizationOptions options;
    if (const Config* factor = config.find_set("addition_factor")) {
      options.addition_factor = NumberOrList::from_config(*factor, "addition_factor");
    }
    if (const Config* factor = config.find_set("threshold_factor")) {
      options.threshold_factor = NumberOrList::from_config(*factor, "threshold_factor");
    }
    detail::read_color_options(config, options);
    return Solarization(options);
  }
};

}  // namespace graft
