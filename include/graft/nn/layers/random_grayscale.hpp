#pragma once

#include "graft/nn/layers/color_spaces.hpp"
#include "graft/nn/layers/random_color.hpp"

namespace graft {

struct RandomGrayscaleOptions {
  std::optional<Index> seed = {};  ///< mixed into the numbers that set_random_seed starts
  std::string data_format = "channels_last";
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class RandomGrayscaleImpl final
    : public detail::PixelwiseImpl<RandomGrayscaleImpl<Scalar>, detail::ImageLayerImpl<Scalar>, Scalar, 3> {
 public:
  GRAFT_COLD RandomGrayscaleImpl(double factor, const RandomGrayscaleOptions& options)
      : RandomGrayscaleImpl::PixelwiseImpl("RandomGrayscale", options,
                                           factor > 0 ? detail::ImageMode::training : detail::ImageMode::never),
        factor_(factor) {
    if (!(factor >= 0 && factor <= 1)) fail<ConfigError>(this->where(), "factor from 0 to 1", std::to_string(factor));
  }
  std::string_view class_name() const override { return "RandomGrayscale"; }

  GRAFT_COLD Config config() const override {
    Config config = this->image_config(true);
    config["factor"] = factor_;
    return config;
  }

  auto function(RandomKey stream) const {
    return [applies = stream.uniform(0) < factor_](auto* pixel) {
      if (applies) pixel[0] = pixel[1] = pixel[2] = detail::gray_of<Scalar>(pixel);
    };
  }

 private:
  double factor_;
};

/// In training an image loses its colours with probability `factor`: all channels become
/// 0.2989 red + 0.5870 green + 0.1140 blue. At inference y = x. Throws ConfigError for a factor outside of [0, 1], and
/// ShapeError for inputs that are no images (batch, height, width, 3).
template <class Scalar = float>
class RandomGrayscale : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit RandomGrayscale(double factor = 0.5, const RandomGrayscaleOptions& options = {})
      : Layer<Scalar>(new RandomGrayscaleImpl<Scalar>(factor, options)) {}

  GRAFT_COLD static RandomGrayscale from_config(const Config& config) {
    RandomGrayscaleOptions options;
    options.seed = detail::read_seed(config);
    detail::read(config, "data_format", options.data_format);
    detail::read_base(config, options);
    return RandomGrayscale(config.get("factor", 0.5), options);
  }
};

}  // namespace graft
