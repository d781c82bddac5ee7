#pragma once

#include "graft/nn/layers/image_resize.hpp"

namespace graft {

struct RandomCropOptions {
  std::optional<Index> seed = {};  ///< mixed into the numbers that set_random_seed starts
  std::string data_format = "channels_last";
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class RandomCropImpl final : public detail::ImageResizeImpl<Scalar> {
  using Base = detail::ImageResizeImpl<Scalar>;

 public:
  GRAFT_COLD RandomCropImpl(Index height, Index width, const RandomCropOptions& options)
      : Base("RandomCrop", height, width, options), seed_(options.seed) {
    this->check_arguments();
  }
  std::string_view class_name() const override { return "RandomCrop"; }
  bool is_random() const override { return true; }

  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    if (config.at("data_format") == Config("channels_last"))
      config.erase("data_format");  // Keras 2 has no such argument
    config["seed"] = detail::seed_config_of(seed_);
    return config;
  }

 protected:
  void choose(kernels::ResizeDesc& desc) const override { detail::crop_to_ratio(desc.height, desc.width); }
  bool random(const Use& use, const kernels::ResizeDesc& desc) const override {
    return use.training && desc.height.in >= desc.height.out && desc.width.in >= desc.width.out;
  }
  std::optional<Index> seed() const override { return seed_; }
  void choose_random(kernels::ResizeDesc& desc, RandomKey stream) const override {
    desc.bilinear = false;  // a window of the output's size: every pixel is one of the input's
    std::uint64_t counter = 0;
    for (kernels::ResizeAxis* axis : {&desc.height, &desc.width}) {
      axis->window = axis->out;
      axis->start = static_cast<Index>(stream.uniform(counter++) * static_cast<double>(axis->in - axis->out + 1));
    }
  }

 private:
  std::optional<Index> seed_;
};

/// In training a window of height × width pixels somewhere in each image (Keras takes one place for the whole batch).
/// At inference, and where an image is smaller than the window, its middle: the largest part with the window's aspect
/// ratio, resized (bilinear). Throws ConfigError for sizes <= 0, and ShapeError for inputs that are no images (batch,
/// height, width, channels).
template <class Scalar = float>
class RandomCrop : public Layer<Scalar> {
 public:
  GRAFT_COLD RandomCrop(Index height, Index width, const RandomCropOptions& options = {})
      : Layer<Scalar>(new RandomCropImpl<Scalar>(height, width, options)) {}

  GRAFT_COLD static RandomCrop from_config(const Config& config) {
    RandomCropOptions options;
    options.seed = detail::read_seed(config);
    detail::read(config, "data_format", options.data_format);
    detail::read_base(config, options);
    return RandomCrop(config.at("height").as_int("height"), config.at("width").as_int("width"), options);
  }
};

}  // namespace graft
