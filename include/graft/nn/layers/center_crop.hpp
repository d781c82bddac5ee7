#pragma once

#include "graft/nn/layers/image_resize.hpp"

namespace graft {

struct CenterCropOptions {
  std::string data_format = "channels_last";
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class CenterCropImpl final : public detail::ImageResizeImpl<Scalar> {
 public:
  GRAFT_COLD CenterCropImpl(Index height, Index width, const CenterCropOptions& options)
      : detail::ImageResizeImpl<Scalar>("CenterCrop", height, width, options) {
    this->check_arguments();
  }
  std::string_view class_name() const override { return "CenterCrop"; }

 protected:
  void choose(kernels::ResizeDesc& desc) const override {
    if (desc.height.in < desc.height.out || desc.width.in < desc.width.out) {
      return detail::crop_to_ratio(desc.height, desc.width);
    }
    // A window of the output's size: every pixel is one of the input's.
    desc.bilinear = false;
    for (kernels::ResizeAxis* axis : {&desc.height, &desc.width}) {
      axis->window = axis->out;
      axis->start = (axis->in - axis->out) / 2;
    }
  }
};

/// The middle height × width pixels of images. An image that is smaller on one of the sides is resized instead
/// (bilinear), after it was cropped to the aspect ratio. Throws ConfigError for sizes <= 0.
template <class Scalar = float>
class CenterCrop : public Layer<Scalar> {
 public:
  GRAFT_COLD CenterCrop(Index height, Index width, const CenterCropOptions& options = {})
      : Layer<Scalar>(new CenterCropImpl<Scalar>(height, width, options)) {}

  GRAFT_COLD static CenterCrop from_config(const Config& config) {
    CenterCropOptions options;
    detail::read(config, "data_format", options.data_format);
    detail::read_base(config, options);
    return CenterCrop(config.at("height").as_int("height"), config.at("width").as_int("width"), options);
  }
};

}  // namespace graft
