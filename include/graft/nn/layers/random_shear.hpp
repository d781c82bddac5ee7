#pragma once

#include "graft/nn/layers/random_image.hpp"

namespace graft {

struct RandomShearOptions {
  NumberOrList x_factor = 0.0;             ///< a number f is the range (-f, f)
  NumberOrList y_factor = 0.0;             ///< a number f is the range (-f, f)
  std::string interpolation = "bilinear";  ///< or "nearest"
  std::string fill_mode = "reflect";       ///< outside of the image: reflect, constant, wrap or nearest
  double fill_value = 0.0;                 ///< outside of the image with fill_mode constant
  std::string data_format = "channels_last";
  std::optional<Index> seed = {};  ///< mixed into the numbers that set_random_seed starts
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class RandomShearImpl final : public detail::RandomImageImpl<Scalar> {
  using Base = detail::RandomImageImpl<Scalar>;

 public:
  GRAFT_COLD explicit RandomShearImpl(const RandomShearOptions& options)
      : RandomShearImpl(options, detail::factor_range(options.x_factor, 1, "RandomShear", "x_factor"),
                        detail::factor_range(options.y_factor, 1, "RandomShear", "y_factor")) {}
  std::string_view class_name() const override { return "RandomShear"; }

  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["x_factor"] = x_factor_.config();
    config["y_factor"] = y_factor_.config();
    this->write_sampling(config);
    return config;
  }

  /// A pixel (x, y) comes from (x + x_shear y, y_shear x + y).
  static kernels::AffineTransform shear(double x_shear, double y_shear) {
    return {1, static_cast<float>(x_shear), 0, static_cast<float>(y_shear), 1, 0};
  }

 protected:
  kernels::AffineTransform transform(RandomKey stream, Index, Index) const override {
    const double sign = stream.uniform(0) > 0.5 ? -1 : 1;
    return shear(sign * x_range_.at(stream.uniform(2)), sign * y_range_.at(stream.uniform(1)));
  }

 private:
  GRAFT_COLD RandomShearImpl(const RandomShearOptions& options, detail::FactorRange x_range,
                             detail::FactorRange y_range)
      : Base("RandomShear", options, !x_range.zero() || !y_range.zero()),
        x_factor_(options.x_factor),
        y_factor_(options.y_factor),
        x_range_(x_range),
        y_range_(y_range) {}

  NumberOrList x_factor_, y_factor_;
  detail::FactorRange x_range_, y_range_;
};

/// In training every image is sheared from its upper left corner: pixel (x, y) comes from (x + a y, y + b x), with a
/// and b of U(low, high) and one random sign for both. A factor f is the range (-f, f), {low, high} says both ends. At
/// inference y = x. Throws ConfigError for factors outside of [-1, 1] and an unknown fill_mode, interpolation or
/// data_format, and ShapeError for inputs that are no images (batch, height, width, channels).
template <class Scalar = float>
class RandomShear : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit RandomShear(const RandomShearOptions& options = {})
      : Layer<Scalar>(new RandomShearImpl<Scalar>(options)) {}

  GRAFT_COLD static RandomShear from_config(const Config& config) {
    RandomShearOptions options;
    if (const Config* factor = config.find_set("x_factor")) {
      options.x_factor = NumberOrList::from_config(*factor, "x_factor");
    }
    if (const Config* factor = config.find_set("y_factor")) {
      options.y_factor = NumberOrList::from_config(*factor, "y_factor");
    }
    detail::read_image_options(config, options);
    return RandomShear(options);
  }
};

}  // namespace graft
