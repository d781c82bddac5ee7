#pragma once

#include "graft/nn/layers/random_image.hpp"

namespace graft {

struct RandomFlipOptions {
  std::optional<Index> seed = {};  ///< mixed into the numbers that set_random_seed starts
  std::string data_format = "channels_last";
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class RandomFlipImpl final : public detail::RandomImageImpl<Scalar> {
  using Base = detail::RandomImageImpl<Scalar>;

 public:
  GRAFT_COLD RandomFlipImpl(std::string mode, const RandomFlipOptions& options)
      : Base("RandomFlip", options, true),
        mode_(std::move(mode)),
        horizontal_(mode_ == "horizontal" || mode_ == "horizontal_and_vertical"),
        vertical_(mode_ == "vertical" || mode_ == "horizontal_and_vertical") {
    if (!horizontal_ && !vertical_) {
      fail<ConfigError>(this->where(), "mode horizontal, vertical or horizontal_and_vertical", "\"" + mode_ + "\"");
    }
  }
  std::string_view class_name() const override { return "RandomFlip"; }

  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["mode"] = mode_;
    return config;
  }

  /// Left becomes right, and top bottom, where told.
  static kernels::AffineTransform flip(bool horizontal, bool vertical, Index height, Index width) {
    kernels::AffineTransform t;
    if (horizontal) t.a0 = -1, t.a2 = static_cast<float>(width - 1);
    if (vertical) t.b1 = -1, t.b2 = static_cast<float>(height - 1);
    return t;
  }

 protected:
  kernels::AffineTransform transform(RandomKey stream, Index height, Index width) const override {
    return flip(horizontal_ && stream.uniform(0) < 0.5, vertical_ && stream.uniform(1) < 0.5, height, width);
  }

 private:
  std::string mode_;
  bool horizontal_, vertical_;
};

/// In training every image is flipped with probability 1/2: mode "horizontal" swaps left and right, "vertical" top and
/// bottom, "horizontal_and_vertical" does each by a draw of its own, as Keras 2 does. At inference y = x. Throws
/// ConfigError for another mode and ShapeError for inputs that are no images (batch, height, width, channels).
template <class Scalar = float>
class RandomFlip : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit RandomFlip(std::string mode = "horizontal_and_vertical", const RandomFlipOptions& options = {})
      : Layer<Scalar>(new RandomFlipImpl<Scalar>(std::move(mode), options)) {}

  GRAFT_COLD static RandomFlip from_config(const Config& config) {
    RandomFlipOptions options;
    options.seed = detail::read_seed(config);
    detail::read(config, "data_format", options.data_format);
    detail::read_base(config, options);
    return RandomFlip(config.get("mode", "horizontal_and_vertical"), options);
  }
};

}  // namespace graft
