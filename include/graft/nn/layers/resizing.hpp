#pragma once

#include "graft/nn/layers/image_resize.hpp"

namespace graft {

struct ResizingOptions {
  std::string interpolation = "bilinear";  ///< or "nearest"
  bool crop_to_aspect_ratio = false;       ///< takes the middle of the image that has the wanted aspect ratio
  bool pad_to_aspect_ratio = false;        ///< adds borders of fill_value until the image has it
  std::string fill_mode = "constant";
  double fill_value = 0.0;
  std::string data_format = "channels_last";
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class ResizingImpl final : public detail::ImageResizeImpl<Scalar> {
  using Base = detail::ImageResizeImpl<Scalar>;

 public:
  GRAFT_COLD ResizingImpl(Index height, Index width, ResizingOptions options)
      : Base("Resizing", height, width, options), options_(std::move(options)) {
    this->check_arguments();
    if (options_.interpolation != "bilinear" && options_.interpolation != "nearest") {
      fail<ConfigError>(this->where(), "interpolation bilinear or nearest", "\"" + options_.interpolation + "\"",
                        "graft computes no other one.");
    }
    if (options_.fill_mode != "constant") {
      fail<ConfigError>(this->where(), "fill_mode constant", "\"" + options_.fill_mode + "\"");
    }
    if (options_.crop_to_aspect_ratio && options_.pad_to_aspect_ratio) {
      fail<ConfigError>(this->where(), "one of crop_to_aspect_ratio and pad_to_aspect_ratio", "both");
    }
  }
  std::string_view class_name() const override { return "Resizing"; }

  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["interpolation"] = options_.interpolation;
    config["crop_to_aspect_ratio"] = options_.crop_to_aspect_ratio;
    config["pad_to_aspect_ratio"] = options_.pad_to_aspect_ratio;
    config["fill_mode"] = options_.fill_mode;
    config["fill_value"] = options_.fill_value;
    config["antialias"] = false;
    return config;
  }

 protected:
  void choose(kernels::ResizeDesc& desc) const override {
    desc.bilinear = options_.interpolation == "bilinear";
    desc.fill = options_.fill_value;
    if (options_.crop_to_aspect_ratio) detail::crop_to_ratio(desc.height, desc.width);
    if (options_.pad_to_aspect_ratio) detail::pad_to_ratio(desc.height, desc.width);
  }

 private:
  ResizingOptions options_;
};

/// Images to height × width. Pixel centres lie at halves and nothing is smoothed, as in TensorFlow 2 and Keras. Height
/// and width of the input may be unknown. Throws ConfigError for sizes <= 0 and for an interpolation, fill_mode or
/// antialias that graft does not have.
template <class Scalar = float>
class Resizing : public Layer<Scalar> {
 public:
  GRAFT_COLD Resizing(Index height, Index width, ResizingOptions options = {})
      : Layer<Scalar>(new ResizingImpl<Scalar>(height, width, std::move(options))) {}

  GRAFT_COLD static Resizing from_config(const Config& config) {
    detail::reject(config, "Resizing", "antialias");
    ResizingOptions options;
    detail::read(config, "interpolation", options.interpolation);
    detail::read(config, "crop_to_aspect_ratio", options.crop_to_aspect_ratio);
    detail::read(config, "pad_to_aspect_ratio", options.pad_to_aspect_ratio);
    detail::read(config, "fill_mode", options.fill_mode);
    detail::read(config, "fill_value", options.fill_value);
    detail::read(config, "data_format", options.data_format);
    detail::read_base(config, options);
    return Resizing(config.at("height").as_int("height"), config.at("width").as_int("width"), std::move(options));
  }
};

}  // namespace graft
