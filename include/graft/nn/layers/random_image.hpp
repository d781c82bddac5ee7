#pragma once

#include <algorithm>
#include <cmath>

#include "graft/kernels/affine_transform.hpp"
#include "graft/nn/layer.hpp"
#include "graft/nn/layers/random_layer.hpp"
#include "graft/nn/number_or_list.hpp"

namespace graft {

/// What RandomRotation and RandomTranslation can be told.
struct RandomImageOptions {
  std::string fill_mode = "reflect";       ///< outside of the image: reflect, constant, wrap or nearest
  std::string interpolation = "bilinear";  ///< or "nearest"
  std::optional<Index> seed = {};          ///< mixed into the numbers that set_random_seed starts
  double fill_value = 0.0;                 ///< outside of the image with fill_mode constant
  std::string data_format = "channels_last";
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

namespace detail {

/// What a factor is drawn from, uniformly.
struct FactorRange {
  double low = 0, high = 0;

  double at(double uniform) const { return low + (high - low) * uniform; }
  bool zero() const { return low == 0 && high == 0; }
};

/// A number f stands for [-|f|, |f|], two are the ends. Throws ConfigError for anything else, and for a number outside
/// [-limit, limit].
GRAFT_COLD inline FactorRange factor_range(const NumberOrList& factor, double limit, const char* class_name,
                                           const char* argument) {
  const bool number = factor.given() && factor.shape().rank() == 0, pair = factor.shape() == Shape{2};
  bool fits = number || pair;
  for (const double value : factor.values()) fits = fits && std::abs(value) <= limit;
  if (!fits) {
    std::string received = factor.given() ? "" : "nothing";
    for (std::size_t i = 0; i < factor.values().size() && i < 3; ++i) {
      received += (i ? ", " : "") + std::to_string(factor.values()[i]);
    }
    fail<ConfigError>(class_name, std::string(argument) + ", a number or two of at most " + std::to_string(limit),
                      received);
  }
  const double first = number ? -std::abs(factor[0]) : factor[0], second = number ? -first : factor[1];
  return {std::min(first, second), std::max(first, second)};
}

/// The options of all layers below; those of RandomFlip and RandomZoom differ a little.
template <class Options>
GRAFT_COLD void read_image_options(const Config& config, Options& options) {
  read(config, "fill_mode", options.fill_mode);
  read(config, "interpolation", options.interpolation);
  options.seed = read_seed(config);
  read(config, "fill_value", options.fill_value);
  read(config, "data_format", options.data_format);
  read_base(config, options);
}

/// Base of the layers that move the pixels of every image in its own random way in training, and do nothing at
/// inference.
template <class Scalar>
class RandomImageImpl : public RandomLayerImpl<Scalar> {
  using Base = RandomLayerImpl<Scalar>;

 public:
  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const final {
    if (inputs[0].rank() != 4) {
      fail<ShapeError>(
          this->where(),
          channels_first_ ? "images (batch, channels, height, width)" : "images (batch, height, width, channels)",
          inputs[0].str());
    }
    return inputs[0];
  }
  bool supports_masking() const final { return false; }
  Needs needs(std::span<const Shape> inputs, const Use& use) const final {
    Needs needs = Base::needs(inputs, use);
    needs.in_place = !this->draws(use);
    return needs;
  }
  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["seed"] = seed_config_of(this->seed());
    if (channels_first_) config["data_format"] = "channels_first";  // Keras 2 has no such argument
    return config;
  }

  /// y = x with image i under transform_of(i): what training does, for transforms of one's own.
  template <class TransformOf>
  void transform_images(TensorView<const Scalar> x, TensorView<Scalar> y, const TransformOf& transform_of) const {
    const Index planes = planes_of(x.shape());
    kernels::affine_transform_forward(
        describe(x.shape()), [&](Index image) { return transform_of(image / planes); }, x.data(), y.data());
  }

 protected:
  template <class Options>
  GRAFT_COLD RandomImageImpl(std::string_view class_name, const Options& options, bool active)
      : Base(class_name, options, active), channels_first_(options.data_format == "channels_first") {
    const auto wrong = [&](const char* expected, const std::string& received) {
      fail<ConfigError>(std::string(class_name) + " \"" + this->name() + "\"", expected, received);
    };
    if (!channels_first_ && options.data_format != "channels_last") {
      wrong("data_format channels_last or channels_first", "\"" + options.data_format + "\"");
    }
    if constexpr (requires { options.fill_mode; }) {
      const std::string& mode = options.fill_mode;
      if (mode == "reflect") fill_mode_ = kernels::FillMode::reflect;
      else if (mode == "constant") fill_mode_ = kernels::FillMode::constant;
      else if (mode == "wrap") fill_mode_ = kernels::FillMode::wrap;
      else if (mode == "nearest") fill_mode_ = kernels::FillMode::nearest;
      else wrong("fill_mode reflect, constant, wrap or nearest", "\"" + mode + "\"");
      bilinear_ = options.interpolation == "bilinear";
      if (!bilinear_ && options.interpolation != "nearest") {
        wrong("interpolation bilinear or nearest", "\"" + options.interpolation + "\"");
      }
      fill_value_ = options.fill_value;
      if (!std::isfinite(fill_value_)) wrong("a finite fill_value", std::to_string(fill_value_));
    }
  }

  /// The transform of an image of this size; all that is random about it comes from its stream.
  virtual kernels::AffineTransform transform(RandomKey stream, Index height, Index width) const = 0;

  GRAFT_COLD void write_sampling(Config& config) const {
    static constexpr const char* kModes[] = {"reflect", "constant", "wrap", "nearest"};
    config["fill_mode"] = kModes[static_cast<int>(fill_mode_)];
    config["fill_value"] = fill_value_;
    config["interpolation"] = bilinear_ ? "bilinear" : "nearest";
  }

 private:
  Index planes_of(const Shape& shape) const { return channels_first_ ? shape[1] : 1; }
  kernels::AffineTransformDesc describe(const Shape& shape) const {
    const int height = channels_first_ ? 2 : 1;
    return {shape[0] * planes_of(shape),
            shape[height],
            shape[height + 1],
            channels_first_ ? 1 : shape[3],
            fill_mode_,
            bilinear_,
            fill_value_};
  }
  auto drawn(const RandomStreams& streams, const kernels::AffineTransformDesc& desc, Index planes) const {
    return [this, streams, planes, desc](Index image) {
      return transform(streams.row(image / planes, desc.images / planes), desc.height, desc.width);
    };
  }
  void draw(const RandomStreams& streams, TensorView<const Scalar> x, TensorView<Scalar> y) const final {
    const kernels::AffineTransformDesc desc = describe(x.shape());
    kernels::affine_transform_forward(desc, drawn(streams, desc, planes_of(x.shape())), x.data(), y.data());
  }
  void draw_backward(const RandomStreams& streams, TensorView<const Scalar>, TensorView<const Scalar> dy,
                     TensorView<Scalar> dx, bool add) const final {
    const kernels::AffineTransformDesc desc = describe(dx.shape());
    kernels::affine_transform_backward(desc, drawn(streams, desc, planes_of(dx.shape())), dy.data(), dx.data(), add);
  }

  bool channels_first_;
  kernels::FillMode fill_mode_ = kernels::FillMode::nearest;
  bool bilinear_ = false;
  double fill_value_ = 0;
};

}  // namespace detail
}  // namespace graft
