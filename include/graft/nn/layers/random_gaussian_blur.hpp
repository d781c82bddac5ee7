#pragma once

#include "graft/nn/layers/gaussian_filter.hpp"
#include "graft/nn/layers/random_color.hpp"

namespace graft {

struct RandomGaussianBlurOptions {
  NumberOrList kernel_size = 3;  ///< odd: one number, or those along width and height
  NumberOrList sigma = 1.0;      ///< in pixels; a number s is the range (0, s)
  std::array<double, 2> value_range = {0, 255};
  std::optional<Index> seed = {};  ///< mixed into the numbers that set_random_seed starts
  std::string data_format = "channels_last";
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class RandomGaussianBlurImpl final : public detail::RandomColorImpl<Scalar> {
  using Base = detail::RandomColorImpl<Scalar>;
  using Image = detail::ImageArgs<Scalar>;
  using Picture = detail::Picture;

 public:
  GRAFT_COLD RandomGaussianBlurImpl(NumberOrList factor, const RandomGaussianBlurOptions& options)
      : Base("RandomGaussianBlur", std::move(factor), options, 0, 1),
        sigma_(options.sigma),
        sigma_range_(detail::limited_range(sigma_, 0, 1, "RandomGaussianBlur", "sigma")) {
    const NumberOrList& size = options.kernel_size;
    bool fits = size.given() && (size.shape().rank() == 0 || size.shape() == Shape{2});
    for (const double n : size.values()) fits = fits && n > 0 && n < 1000 && std::fmod(n, 2) == 1;
    if (!fits) detail::refuse_factor(size, "one or two odd numbers below 1000", "RandomGaussianBlur", "kernel_size");
    size_ = {static_cast<Index>(size[0]), static_cast<Index>(size[1])};
  }
  std::string_view class_name() const override { return "RandomGaussianBlur"; }

  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["kernel_size"] = Config::array({size_[0], size_[1]});
    config["sigma"] = sigma_.config();
    return config;
  }

  Index scratch_size(const Picture& picture, bool backward) const override {
    return (backward ? 2 : 1) * picture.size() + size_[0] + size_[1];
  }
  void transform(const Image& image) const override {
    const Scalar* blurred = image.x;
    if (blurs(image.stream)) {
      filter(image, image.x, image.y);
      blurred = image.y;
    }
    for (Index i = 0; i < image.picture.size(); ++i) image.y[i] = std::clamp(blurred[i], this->low(), this->high());
  }
  void transform_gradient(const Image& image) const override {
    const Index size = image.picture.size();
    const bool blur = blurs(image.stream);
    Scalar* masked = image.scratch + size + size_[0] + size_[1];
    if (blur) filter(image, image.x, masked);
    else std::copy_n(image.x, size, masked);
    for (Index i = 0; i < size; ++i) {
      masked[i] = masked[i] < this->low() || masked[i] > this->high() ? Scalar(0) : image.dy[i];
    }
    if (blur) filter(image, masked, image.dx);
    else std::copy_n(masked, size, image.dx);
  }

 private:
  bool blurs(RandomKey stream) const { return stream.uniform(1) < this->drawn().at(stream.uniform(0)); }
  // Rows, then columns; both ends of the filters fall off from the middle pixel.
  void filter(const Image& image, const Scalar* x, Scalar* y) const {
    const Picture& p = image.picture;
    Scalar *wide = image.scratch, *high = wide + size_[0], *between = high + size_[1];
    detail::gaussian_filter(size_[0], sigma_range_.at(image.stream.uniform(2)) + 1e-6, wide);
    detail::gaussian_filter(size_[1], sigma_range_.at(image.stream.uniform(3)) + 1e-6, high);
    for (Index c = 0; c < p.channels; ++c) {
      for (Index row = 0; row < p.height; ++row) {
        const Index at = row * p.width * p.pixel_step + c * p.channel_step;
        detail::filter_line(p.width, p.pixel_step, x + at, size_[0], wide, between + at);
      }
      for (Index col = 0; col < p.width; ++col) {
        const Index at = col * p.pixel_step + c * p.channel_step;
        detail::filter_line(p.height, p.width * p.pixel_step, between + at, size_[1], high, y + at);
      }
    }
  }

  NumberOrList sigma_;
  detail::FactorRange sigma_range_;
  std::array<Index, 2> size_{};  // along width, along height
};

/// In training an image is blurred with probability U(low, high), by a Gaussian filter of kernel_size pixels (0 outside
/// of the image) with a spread of U(sigma) pixels along each axis; all images are cut off at the ends of value_range. A
/// factor f is the range (0, f), {low, high} says both ends; so is sigma. Every image has spreads of its own; Keras
/// draws them once for a batch. At inference y = x. Throws ConfigError for a factor or sigma outside of [0, 1], an even
/// kernel_size and an empty value_range, and ShapeError for inputs that are no images (batch, height, width, channels).
template <class Scalar = float>
class RandomGaussianBlur : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit RandomGaussianBlur(NumberOrList factor = 1.0, const RandomGaussianBlurOptions& options = {})
      : Layer<Scalar>(new RandomGaussianBlurImpl<Scalar>(std::move(factor), options)) {}

  GRAFT_COLD static RandomGaussianBlur from_config(const Config& config) {
    RandomGaussianBlurOptions options;
    if (const Config* size = config.find_set("kernel_size")) {
      options.kernel_size = NumberOrList::from_config(*size, "kernel_size");
    }
    if (const Config* sigma = config.find_set("sigma")) options.sigma = NumberOrList::from_config(*sigma, "sigma");
    detail::read_color_options(config, options);
    const Config* factor = config.find_set("factor");
    return RandomGaussianBlur(factor ? NumberOrList::from_config(*factor, "factor") : NumberOrList(1.0), options);
  }
};

}  // namespace graft
