#pragma once

#include "graft/kernels/affine_transform.hpp"
#include "graft/nn/layers/factor_range.hpp"
#include "graft/nn/layers/image_layer.hpp"

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

/// How pixels between and outside of those of an image are made, read from fill_mode, interpolation and fill_value.
struct ImageSampling {
  kernels::FillMode fill_mode = kernels::FillMode::nearest;
  bool bilinear = false;
  double fill_value = 0;

  ImageSampling() = default;
  /// Throws ConfigError. `modes` are the fill modes that the layer knows.
  template <class Options>
  GRAFT_COLD ImageSampling(const Options& options, const std::string& where,
                           const char* modes = "reflect, constant, wrap or nearest") {
    std::string mode = "constant";
    if constexpr (requires { options.fill_mode; }) mode = options.fill_mode;
    std::size_t found = std::size(kModes);
    for (std::size_t i = 0; i < std::size(kModes); ++i) {
      if (mode == kModes[i] && std::string(modes).find(mode) != std::string::npos) found = i;
    }
    if (found == std::size(kModes)) fail<ConfigError>(where, "fill_mode " + std::string(modes), "\"" + mode + "\"");
    fill_mode = static_cast<kernels::FillMode>(found);
    bilinear = options.interpolation == "bilinear";
    if (!bilinear && options.interpolation != "nearest") {
      fail<ConfigError>(where, "interpolation bilinear or nearest", "\"" + options.interpolation + "\"");
    }
    if constexpr (requires { options.fill_value; }) fill_value = options.fill_value;
    if (!std::isfinite(fill_value)) fail<ConfigError>(where, "a finite fill_value", std::to_string(fill_value));
  }

  GRAFT_COLD void write(Config& config) const {
    config["fill_mode"] = kModes[static_cast<int>(fill_mode)];
    config["fill_value"] = fill_value;
    config["interpolation"] = bilinear ? "bilinear" : "nearest";
  }
  /// Planes of an image with the channels in front move like images of their own.
  kernels::AffineTransformDesc describe(const Picture& picture) const {
    const bool planes = picture.channels_first();
    return {planes ? picture.channels : 1,
            picture.height,
            picture.width,
            planes ? 1 : picture.channels,
            fill_mode,
            bilinear,
            fill_value};
  }

 private:
  static constexpr const char* kModes[] = {"reflect", "constant", "wrap", "nearest", "mirror"};
};

/// Base of the layers that move the pixels of every image in its own random way in training, and do nothing at
/// inference.
template <class Scalar>
class RandomImageImpl : public ImageLayerImpl<Scalar> {
  using Base = ImageLayerImpl<Scalar>;
  using Image = ImageArgs<Scalar>;

 public:
  GRAFT_COLD Config config() const override { return this->image_config(true); }

  void transform(const Image& image) const final {
    const kernels::AffineTransform transform = this->transform(image.stream, image.picture.height, image.picture.width);
    kernels::affine_transform_forward(
        describe(image.picture), [&](Index) { return transform; }, image.x, image.y);
  }
  void transform_gradient(const Image& image) const final {
    const kernels::AffineTransform transform = this->transform(image.stream, image.picture.height, image.picture.width);
    kernels::affine_transform_backward(
        describe(image.picture), [&](Index) { return transform; }, image.dy, image.dx, false);
  }
  bool reads_input() const final { return false; }

  /// y = x with image i under transform_of(i): what training does, for transforms of one's own.
  template <class TransformOf>
  void transform_images(TensorView<const Scalar> x, TensorView<Scalar> y, const TransformOf& transform_of) const {
    const Picture picture = this->picture(x.shape());
    for (Index i = 0; i < x.dim(0); ++i) {
      kernels::affine_transform_forward(
          describe(picture), [&](Index) { return transform_of(i); }, x.data() + i * picture.size(),
          y.data() + i * picture.size());
    }
  }

 protected:
  template <class Options>
  GRAFT_COLD RandomImageImpl(std::string_view class_name, const Options& options, bool active)
      : Base(class_name, options, active ? ImageMode::training : ImageMode::never) {
    if constexpr (requires { options.fill_mode; }) {
      sampling_ = ImageSampling(options, std::string(class_name) + " \"" + this->name() + "\"");
    }
  }

  /// The transform of an image of this size; all that is random about it comes from its stream.
  virtual kernels::AffineTransform transform(RandomKey stream, Index height, Index width) const = 0;

  GRAFT_COLD void write_sampling(Config& config) const { sampling_.write(config); }

 private:
  kernels::AffineTransformDesc describe(const Picture& picture) const { return sampling_.describe(picture); }

  ImageSampling sampling_;
};

}  // namespace detail
}  // namespace graft
