#pragma once

#include "graft/nn/layers/random_image.hpp"

namespace graft {

using RandomRotationOptions = RandomImageOptions;

template <class Scalar>
class RandomRotationImpl final : public detail::RandomImageImpl<Scalar> {
  using Base = detail::RandomImageImpl<Scalar>;

 public:
  GRAFT_COLD RandomRotationImpl(NumberOrList factor, const RandomRotationOptions& options)
      : RandomRotationImpl(factor, options, detail::factor_range(factor, kLimit, "RandomRotation", "factor")) {}
  std::string_view class_name() const override { return "RandomRotation"; }

  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["factor"] = factor_.config();
    this->write_sampling(config);
    return config;
  }

 protected:
  kernels::AffineTransform transform(RandomKey stream, Index height, Index width) const override {
    const double turns = range_.at(stream.uniform(0));
    const float angle = static_cast<float>(turns * 360) * static_cast<float>(3.14159265358979323846 / 180);
    const float cosine = std::cos(angle), sine = std::sin(angle);
    const float x = 0.5f * static_cast<float>(width - 1), y = 0.5f * static_cast<float>(height - 1);
    return {cosine, -sine, x - x * cosine + y * sine, sine, cosine, y - x * sine - y * cosine};
  }

 private:
  // Keras 2 takes any number, and there are files with degrees.
  static constexpr double kLimit = 360;

  GRAFT_COLD RandomRotationImpl(const NumberOrList& factor, const RandomRotationOptions& options,
                                detail::FactorRange range)
      : Base("RandomRotation", options, !range.zero()), factor_(factor), range_(range) {}

  NumberOrList factor_;
  detail::FactorRange range_;
};

/// In training every image is turned about its middle, counter-clockwise by an angle of U(low, high) full turns; factor
/// f is the range (-f, f), {low, high} says both ends: RandomRotation(0.1) turns by up to 36 degrees. At inference
/// y = x. Throws ConfigError for a factor beyond 360 turns and an unknown fill_mode, interpolation or data_format, and
/// ShapeError for inputs that are no images (batch, height, width, channels).
template <class Scalar = float>
class RandomRotation : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit RandomRotation(NumberOrList factor, const RandomRotationOptions& options = {})
      : Layer<Scalar>(new RandomRotationImpl<Scalar>(std::move(factor), options)) {}

  GRAFT_COLD static RandomRotation from_config(const Config& config) {
    RandomRotationOptions options;
    detail::read_image_options(config, options);
    return RandomRotation(NumberOrList::from_config(config.at("factor"), "factor"), options);
  }
};

}  // namespace graft
