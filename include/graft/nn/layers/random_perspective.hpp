#pragma once

#include <utility>

#include "graft/nn/layers/random_image.hpp"

namespace graft {

struct RandomPerspectiveOptions {
  double scale = 1.0;                      ///< how far corners move: up to scale / 2 of their coordinates
  std::string interpolation = "bilinear";  ///< or "nearest"
  double fill_value = 0.0;                 ///< outside of the image
  std::optional<Index> seed = {};          ///< mixed into the numbers that set_random_seed starts
  std::string data_format = "channels_last";
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class RandomPerspectiveImpl final : public detail::ImageLayerImpl<Scalar> {
  using Base = detail::ImageLayerImpl<Scalar>;
  using Image = detail::ImageArgs<Scalar>;

 public:
  GRAFT_COLD RandomPerspectiveImpl(NumberOrList factor, const RandomPerspectiveOptions& options)
      : Base("RandomPerspective", options, detail::ImageMode::training),
        factor_(std::move(factor)),
        range_(detail::limited_range(factor_, 0, 1, "RandomPerspective", "factor")),
        scale_(options.scale),
        sampling_(options, this->where()) {
    if (!(scale_ >= 0 && scale_ <= 1)) {
      fail<ConfigError>("RandomPerspective", "scale from 0 to 1", std::to_string(scale_));
    }
  }
  std::string_view class_name() const override { return "RandomPerspective"; }

  GRAFT_COLD Config config() const override {
    Config config = this->image_config(true);
    config["factor"] = factor_.config();
    config["scale"] = scale_;
    config["interpolation"] = sampling_.bilinear ? "bilinear" : "nearest";
    config["fill_value"] = sampling_.fill_value;
    return config;
  }

  bool reads_input() const override { return false; }
  void transform(const Image& image) const override {
    if (!moves(image.stream)) {
      std::copy_n(image.x, image.picture.size(), image.y);
      return;
    }
    const auto transform = drawn(image);
    kernels::affine_transform_forward(
        sampling_.describe(image.picture), [&](Index) { return transform; }, image.x, image.y);
  }
  void transform_gradient(const Image& image) const override {
    if (!moves(image.stream)) {
      std::copy_n(image.dy, image.picture.size(), image.dx);
      return;
    }
    const auto transform = drawn(image);
    kernels::affine_transform_backward(
        sampling_.describe(image.picture), [&](Index) { return transform; }, image.dy, image.dx, false);
  }

  /// The projection under which the pixel at `to` of the output comes from `from`, for four corners (x, y); none when
  /// they lie on a line.
  static std::optional<kernels::ProjectiveTransform> projection(const std::array<std::array<double, 2>, 4>& from,
                                                                const std::array<std::array<double, 2>, 4>& to) {
    double rows[8][9];
    for (std::size_t i = 0; i < 4; ++i) {
      const double x = to[i][0], y = to[i][1], u = from[i][0], v = from[i][1];
      const double first[9] = {x, y, 1, 0, 0, 0, -u * x, -u * y, u}, second[9] = {0, 0, 0, x, y, 1, -v * x, -v * y, v};
      std::copy_n(first, 9, rows[i]);
      std::copy_n(second, 9, rows[i + 4]);
    }
    for (int k = 0; k < 8; ++k) {  // Gauss and Jordan
      int pivot = k;
      for (int i = k + 1; i < 8; ++i) {
        if (std::abs(rows[i][k]) > std::abs(rows[pivot][k])) pivot = i;
      }
      if (std::abs(rows[pivot][k]) < 1e-9) return std::nullopt;
      for (int j = 0; j < 9; ++j) std::swap(rows[k][j], rows[pivot][j]);
      for (int i = 0; i < 8; ++i) {
        const double times = i == k ? 0 : rows[i][k] / rows[k][k];
        for (int j = k; j < 9; ++j) rows[i][j] -= times * rows[k][j];
      }
    }
    float h[8];
    for (int i = 0; i < 8; ++i) h[i] = static_cast<float>(rows[i][8] / rows[i][i]);
    return kernels::ProjectiveTransform{{h[0], h[1], h[2], h[3], h[4], h[5]}, h[6], h[7]};
  }

 private:
  bool moves(RandomKey stream) const { return stream.uniform(1) < range_.at(stream.uniform(0)); }
  // A corner (x, y) goes to (x + a x, y + b y), so that the upper left one stays.
  kernels::ProjectiveTransform drawn(const Image& image) const {
    const double right = static_cast<double>(image.picture.width - 1);
    const double bottom = static_cast<double>(image.picture.height - 1);
    const std::array<std::array<double, 2>, 4> from{{{0, 0}, {right, 0}, {0, bottom}, {right, bottom}}};
    auto to = from;
    for (std::size_t i = 0; i < 8; ++i) {
      to[i / 2][i % 2] *= 1 + scale_ * (image.stream.uniform(2 + i) - 0.5);
    }
    return projection(from, to).value_or(kernels::ProjectiveTransform{});
  }

  NumberOrList factor_;
  detail::FactorRange range_;
  double scale_;
  detail::ImageSampling sampling_;
};

/// In training an image is seen from the side with probability U(low, high): each coordinate of each corner is
/// multiplied by 1 + U(-scale / 2, scale / 2), and the pixels follow by the projection that takes the corners there. A
/// factor f is the range (0, f), {low, high} says both ends. An image of one row or one column, which has no corners,
/// stays. At inference y = x. Throws ConfigError for a factor or scale outside of [0, 1] and an unknown interpolation
/// or data_format, and ShapeError for inputs that are no images (batch, height, width, channels).
template <class Scalar = float>
class RandomPerspective : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit RandomPerspective(NumberOrList factor = 1.0, const RandomPerspectiveOptions& options = {})
      : Layer<Scalar>(new RandomPerspectiveImpl<Scalar>(std::move(factor), options)) {}

  GRAFT_COLD static RandomPerspective from_config(const Config& config) {
    RandomPerspectiveOptions options;
    detail::read(config, "scale", options.scale);
    detail::read(config, "interpolation", options.interpolation);
    detail::read(config, "fill_value", options.fill_value);
    options.seed = detail::read_seed(config);
    detail::read(config, "data_format", options.data_format);
    detail::read_base(config, options);
    const Config* factor = config.find_set("factor");
    return RandomPerspective(factor ? NumberOrList::from_config(*factor, "factor") : NumberOrList(1.0), options);
  }
};

}  // namespace graft
