#pragma once

#include "graft/nn/layers/image_box.hpp"
#include "graft/nn/layers/random_color.hpp"

namespace graft {

struct RandomErasingOptions {
  NumberOrList scale = {0.02, 0.33};  ///< what part of the image goes, if its square root is taken on both sides
  NumberOrList fill_value = {};       ///< one number, or three for red, green and blue; none: noise
  std::array<double, 2> value_range = {0, 255};
  std::optional<Index> seed = {};  ///< mixed into the numbers that set_random_seed starts
  std::string data_format = "channels_last";
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class RandomErasingImpl final : public detail::RandomColorImpl<Scalar> {
  using Base = detail::RandomColorImpl<Scalar>;
  using Image = detail::ImageArgs<Scalar>;

 public:
  GRAFT_COLD RandomErasingImpl(NumberOrList factor, const RandomErasingOptions& options)
      : Base("RandomErasing", std::move(factor), options, 0, 1),
        scale_(options.scale),
        fill_value_(options.fill_value),
        scale_range_(detail::limited_range(scale_, 0, 1, "RandomErasing", "scale")) {
    if (fill_value_.given() && fill_value_.shape().rank() > 0 && !(fill_value_.shape() == Shape{3})) {
      detail::refuse_factor(fill_value_, "a number or three", "RandomErasing", "fill_value");
    }
  }
  std::string_view class_name() const override { return "RandomErasing"; }

  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["scale"] = scale_.config();
    config["fill_value"] = fill_value_.config();
    return config;
  }

  bool reads_input() const override { return false; }
  void transform(const Image& image) const override {
    const RandomKey noise = image.stream.fold(1);
    each(image,
         [&](Index at, Index channel, bool erased) { image.y[at] = erased ? fill(noise, at, channel) : image.x[at]; });
  }
  void transform_gradient(const Image& image) const override {
    each(image, [&](Index at, Index, bool erased) { image.dx[at] = erased ? Scalar(0) : image.dy[at]; });
  }

 protected:
  int channels_wanted() const override { return fill_value_.shape().rank() > 0 ? 3 : 0; }

 private:
  Scalar fill(RandomKey noise, Index at, Index channel) const {
    const double value =
        fill_value_.given() ? fill_value_[channel] : noise.normal(static_cast<std::uint64_t>(at)) * this->range()[1];
    return static_cast<Scalar>(std::clamp(value, this->range()[0], this->range()[1]));
  }
  template <class Fn>
  void each(const Image& image, const Fn& fn) const {
    const detail::Picture& p = image.picture;
    const RandomKey stream = image.stream;
    const auto side = [&](std::uint64_t i) { return std::sqrt(std::max(0.0, scale_range_.at(stream.uniform(i)))); };
    const bool erases = stream.uniform(5) < this->drawn().at(stream.uniform(4));
    const detail::ImageBox box = detail::draw_box(stream, 2, p.height, p.width, side(0), side(1));
    for (Index row = 0; row < p.height; ++row) {
      for (Index col = 0; col < p.width; ++col) {
        const bool erased = erases && box.contains(row, col);
        for (Index c = 0; c < p.channels; ++c) {
          fn((row * p.width + col) * p.pixel_step + c * p.channel_step, c, erased);
        }
      }
    }
  }

  NumberOrList scale_, fill_value_;
  detail::FactorRange scale_range_;
};

/// In training a rectangle of an image is erased with probability U(low, high): its sides are √U(scale) of the image's,
/// its place is random. What is erased becomes fill_value or, without one, normal noise of value_range[1], cut off at
/// the ends of value_range (Zhong et al. 2017). A factor f is the range (0, f), {low, high} says both ends; so is
/// scale. At inference y = x. Throws ConfigError for a factor or scale outside of [0, 1], another number of fill values
/// and an empty value_range, and ShapeError for inputs that are no images (batch, height, width, channels).
template <class Scalar = float>
class RandomErasing : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit RandomErasing(NumberOrList factor = 1.0, const RandomErasingOptions& options = {})
      : Layer<Scalar>(new RandomErasingImpl<Scalar>(std::move(factor), options)) {}

  GRAFT_COLD static RandomErasing from_config(const Config& config) {
    RandomErasingOptions options;
    if (const Config* scale = config.find_set("scale")) options.scale = NumberOrList::from_config(*scale, "scale");
    if (const Config* fill = config.find_set("fill_value")) {
      options.fill_value = NumberOrList::from_config(*fill, "fill_value");
    }
    detail::read_color_options(config, options);
    const Config* factor = config.find_set("factor");
    return RandomErasing(factor ? NumberOrList::from_config(*factor, "factor") : NumberOrList(1.0), options);
  }
};

}  // namespace graft
