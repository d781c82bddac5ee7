#pragma once

#include "graft/nn/layers/gaussian_filter.hpp"
#include "graft/nn/layers/random_color.hpp"
#include "graft/nn/layers/random_image.hpp"

namespace graft {

struct RandomElasticTransformOptions {
  NumberOrList scale = 1.0;                ///< how far pixels move; a number s is the range (0, s)
  std::string interpolation = "bilinear";  ///< or "nearest"
  std::string fill_mode = "reflect";       ///< outside of the image: reflect, constant, wrap, nearest or mirror
  double fill_value = 0.0;                 ///< outside of the image with fill_mode constant
  std::array<double, 2> value_range = {0, 255};
  std::optional<Index> seed = {};  ///< mixed into the numbers that set_random_seed starts
  std::string data_format = "channels_last";
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class RandomElasticTransformImpl final : public detail::RandomColorImpl<Scalar> {
  using Base = detail::RandomColorImpl<Scalar>;
  using Image = detail::ImageArgs<Scalar>;
  using Picture = detail::Picture;

 public:
  GRAFT_COLD RandomElasticTransformImpl(NumberOrList factor, const RandomElasticTransformOptions& options)
      : Base("RandomElasticTransform", std::move(factor), options, 0, 1),
        scale_(options.scale),
        scale_range_(detail::limited_range(scale_, 0, 1, "RandomElasticTransform", "scale")),
        sampling_(options, this->where(), "reflect, constant, wrap, nearest or mirror") {}
  std::string_view class_name() const override { return "RandomElasticTransform"; }

  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["scale"] = scale_.config();
    sampling_.write(config);
    return config;
  }

  Index scratch_size(const Picture& picture, bool backward) const override {
    return 3 * picture.pixels() + filter_size(spread(picture, 1)) + (backward ? picture.size() : 0);
  }
  void transform(const Image& image) const override {
    if (!acts()) {
      std::copy_n(image.x, image.picture.size(), image.y);
      return;
    }
    warp(image, image.y);
    for (Index i = 0; i < image.picture.size(); ++i) image.y[i] = std::clamp(image.y[i], this->low(), this->high());
  }
  void transform_gradient(const Image& image) const override {
    const Index size = image.picture.size();
    if (!acts()) {
      std::copy_n(image.dy, size, image.dx);
      return;
    }
    Scalar* masked = image.scratch + scratch_size(image.picture, false);
    warp(image, masked);
    for (Index i = 0; i < size; ++i) {
      masked[i] = masked[i] < this->low() || masked[i] > this->high() ? Scalar(0) : image.dy[i];
    }
    if (!moves(image.stream)) {
      std::copy_n(masked, size, image.dx);
      return;
    }
    const Field field = this->field(image);
    kernels::affine_transform_backward(
        sampling_.describe(image.picture), [&](Index) { return field; }, masked, image.dx, false);
  }

 private:
  // Where pixels come from, as an image of its own.
  struct Field {
    const Scalar *dx, *dy;
    Index width;
    float reach;

    float x_of(Index row, Index col) const {
      return static_cast<float>(col) + reach * static_cast<float>(dx[row * width + col]);
    }
    float y_of(Index row, Index col) const {
      return static_cast<float>(row) + reach * static_cast<float>(dy[row * width + col]);
    }
  };

  // Without a factor or a scale Keras does not even cut off.
  bool acts() const { return scale_range_.high != 0 && this->drawn().high != 0; }
  bool moves(RandomKey stream) const { return stream.uniform(1) < this->drawn().at(stream.uniform(0)); }
  static double spread(const Picture& p, double scale) {
    return 0.05 * scale * static_cast<double>(std::min(p.height, p.width));
  }
  static Index filter_size(double sigma) { return static_cast<Index>(6 * sigma) | 1; }

  void warp(const Image& image, Scalar* y) const {
    if (!moves(image.stream)) {
      std::copy_n(image.x, image.picture.size(), y);
      return;
    }
    const Field field = this->field(image);
    kernels::affine_transform_forward(
        sampling_.describe(image.picture), [&](Index) { return field; }, image.x, y);
  }
  // Normal noise, smoothed. (One behind the other in scratch: dx, dy, rows that are filtered, the filter.)
  Field field(const Image& image) const {
    const Picture& p = image.picture;
    const double scale = scale_range_.at(image.stream.uniform(2)), sigma = spread(p, scale);
    const Index pixels = p.pixels(), size = filter_size(sigma);
    Scalar *between = image.scratch + 2 * pixels, *filter = between + pixels;
    detail::gaussian_filter(size, sigma, filter);
    for (std::uint64_t axis = 0; axis < 2; ++axis) {
      Scalar* shift = image.scratch + static_cast<Index>(axis) * pixels;
      const RandomKey noise = image.stream.fold(axis + 1);
      for (Index i = 0; i < pixels; ++i) {
        shift[i] = static_cast<Scalar>(noise.normal(static_cast<std::uint64_t>(i)) * sigma);
      }
      for (Index row = 0; row < p.height; ++row) {
        detail::filter_line(p.width, 1, shift + row * p.width, size, filter, between + row * p.width);
      }
      for (Index col = 0; col < p.width; ++col) {
        detail::filter_line(p.height, p.width, between + col, size, filter, shift + col);
      }
    }
    const double reach = 0.1 * scale * static_cast<double>(std::max(p.height, p.width));
    return {image.scratch, image.scratch + pixels, p.width, static_cast<float>(reach)};
  }

  NumberOrList scale_;
  detail::FactorRange scale_range_;
  detail::ImageSampling sampling_;
};

/// In training the pixels of an image are shifted, with probability U(low, high), by smooth random amounts: with s ~
/// U(scale), noise of N(0, 1) sigma, filtered with a Gaussian of sigma = 0.05 s min(height, width), times 0.1 s
/// max(height, width), for each axis; all images are cut off at the ends of value_range (Simard et al. 2003). A factor
/// f is the range (0, f), {low, high} says both ends; so is scale. Every image has an s of its own; Keras draws it once
/// for a batch. At inference y = x. Throws ConfigError for a factor or scale outside of [0, 1], an unknown fill_mode,
/// interpolation or data_format and an empty value_range, and ShapeError for inputs that are no images (batch, height,
/// width, channels).
template <class Scalar = float>
class RandomElasticTransform : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit RandomElasticTransform(NumberOrList factor = 1.0,
                                             const RandomElasticTransformOptions& options = {})
      : Layer<Scalar>(new RandomElasticTransformImpl<Scalar>(std::move(factor), options)) {}

  GRAFT_COLD static RandomElasticTransform from_config(const Config& config) {
    RandomElasticTransformOptions options;
    if (const Config* scale = config.find_set("scale")) options.scale = NumberOrList::from_config(*scale, "scale");
    detail::read(config, "value_range", options.value_range);
    detail::read_image_options(config, options);
    const Config* factor = config.find_set("factor");
    return RandomElasticTransform(factor ? NumberOrList::from_config(*factor, "factor") : NumberOrList(1.0), options);
  }
};

}  // namespace graft
