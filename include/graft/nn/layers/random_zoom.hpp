#pragma once

#include "graft/nn/layers/random_image.hpp"

namespace graft {

struct RandomZoomOptions {
  NumberOrList width_factor = {};          ///< none: the same zoom on both axes
  std::string fill_mode = "reflect";       ///< outside of the image: reflect, constant, wrap or nearest
  std::string interpolation = "bilinear";  ///< or "nearest"
  std::optional<Index> seed = {};          ///< mixed into the numbers that set_random_seed starts
  double fill_value = 0.0;                 ///< outside of the image with fill_mode constant
  std::string data_format = "channels_last";
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class RandomZoomImpl final : public detail::RandomImageImpl<Scalar> {
  using Base = detail::RandomImageImpl<Scalar>;

 public:
  GRAFT_COLD RandomZoomImpl(NumberOrList height_factor, const RandomZoomOptions& options)
      : RandomZoomImpl(height_factor, options, detail::factor_range(height_factor, 1, "RandomZoom", "height_factor"),
                       options.width_factor.given()
                           ? detail::factor_range(options.width_factor, 1, "RandomZoom", "width_factor")
                           : detail::FactorRange()) {}
  std::string_view class_name() const override { return "RandomZoom"; }

  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["height_factor"] = height_factor_.config();
    config["width_factor"] = width_factor_.config();
    this->write_sampling(config);
    return config;
  }

 protected:
  kernels::AffineTransform transform(RandomKey stream, Index height, Index width) const override {
    const float down = static_cast<float>(1 + height_range_.at(stream.uniform(0)));
    const float across = width_factor_.given() ? static_cast<float>(1 + width_range_.at(stream.uniform(1))) : down;
    const auto offset = [](Index size, float zoom) { return static_cast<float>(size - 1) / 2 * (1 - zoom); };
    return {across, 0, offset(width, across), 0, down, offset(height, down)};
  }

 private:
  GRAFT_COLD RandomZoomImpl(const NumberOrList& height_factor, const RandomZoomOptions& options,
                            detail::FactorRange height_range, detail::FactorRange width_range)
      : Base("RandomZoom", options, !height_range.zero() || !width_range.zero()),
        height_factor_(height_factor),
        width_factor_(options.width_factor),
        height_range_(height_range),
        width_range_(width_range) {}

  NumberOrList height_factor_, width_factor_;
  detail::FactorRange height_range_, width_range_;
};

/// In training every image is zoomed about its middle: what was 1 + z pixels becomes 1, z ~ U(low, high), so that
/// positive numbers zoom out. A factor f is the range (-f, f), {low, high} says both ends; both are in [-1, 1]. Without
/// a width_factor the zoom is the same on both axes. At inference y = x. Throws ConfigError for other factors and an
/// unknown fill_mode, interpolation or data_format, and ShapeError for inputs that are no images (batch, height, width,
/// channels).
template <class Scalar = float>
class RandomZoom : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit RandomZoom(NumberOrList height_factor, const RandomZoomOptions& options = {})
      : Layer<Scalar>(new RandomZoomImpl<Scalar>(std::move(height_factor), options)) {}

  GRAFT_COLD static RandomZoom from_config(const Config& config) {
    RandomZoomOptions options;
    if (const Config* width = config.find_set("width_factor")) {
      options.width_factor = NumberOrList::from_config(*width, "width_factor");
    }
    detail::read_image_options(config, options);
    return RandomZoom(NumberOrList::from_config(config.at("height_factor"), "height_factor"), options);
  }
};

}  // namespace graft
