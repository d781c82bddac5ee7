#pragma once

#include <algorithm>
#include <optional>

#include "graft/core/tensor_view.hpp"
#include "graft/data/pictures/picture.hpp"
#include "graft/kernels/resize.hpp"
#include "graft/kernels/resize_filters.hpp"
#include "graft/nn/layers/image_resize.hpp"

namespace graft::detail {

/// How pictures come to one size: Keras's arguments of image_dataset_from_directory.
class PictureResizer {
 public:
  /// Throws ConfigError.
  GRAFT_COLD PictureResizer(const std::string& where, Index height, Index width, const std::string& interpolation,
                            bool crop_to_aspect_ratio, bool pad_to_aspect_ratio)
      : height_(height), width_(width), crop_(crop_to_aspect_ratio), pad_(pad_to_aspect_ratio) {
    if (height <= 0 || width <= 0 || height > kMost / width) {
      fail<ConfigError>(where, "image_size, height and width, above 0 and not gigantic",
                        std::to_string(height) + " and " + std::to_string(width));
    }
    if (crop_ && pad_) fail<ConfigError>(where, "one of crop_to_aspect_ratio and pad_to_aspect_ratio", "both");
    static const std::vector<std::string> kNames = {"bilinear", "nearest",  "bicubic",  "area",
                                                    "lanczos3", "lanczos5", "gaussian", "mitchellcubic"};
    const auto found = std::find(kNames.begin(), kNames.end(), interpolation);
    if (found == kNames.end()) {
      fail<ConfigError>(where, "a known interpolation", "\"" + interpolation + "\"",
                        text::did_you_mean(interpolation, kNames));
    }
    method_ = static_cast<int>(found - kNames.begin());
  }

  Index height() const { return height_; }
  Index width() const { return width_; }

  /// picture → (height, width, channels) numbers 0 … 255. `padded` is memory for a picture with borders.
  template <class Scalar>
  void operator()(const DecodedPicture& picture, Scalar* y, DecodedPicture& padded) const {
    kernels::ResizeDesc desc;
    desc.images = 1;
    desc.channels = picture.channels;
    desc.height.in = desc.height.window = picture.height;
    desc.width.in = desc.width.window = picture.width;
    desc.height.out = height_;
    desc.width.out = width_;
    desc.bilinear = method_ == 0;
    if (crop_) crop_to_ratio(desc.height, desc.width);
    if (pad_) pad_to_ratio(desc.height, desc.width);
    if (method_ <= 1) return kernels::resize_forward(desc, picture.data(), y);
    const auto filter = static_cast<kernels::ResizeFilter>(method_ - 2);
    if (!pad_) return kernels::resize_filtered(desc, filter, picture.data(), y);
    add_borders(picture, desc, padded);
    kernels::resize_filtered(desc, filter, padded.data(), y);
  }

 private:
  static constexpr Index kMost = Index{1} << 28;

  // The filters want the window inside: black borders are made first.
  static void add_borders(const DecodedPicture& picture, kernels::ResizeDesc& desc, DecodedPicture& padded) {
    const Index above = -desc.height.start, beside = -desc.width.start;
    padded.reshape(desc.height.window, desc.width.window, picture.channels);
    std::fill_n(padded.data(), padded.size(), std::uint8_t{0});
    const Index row = picture.width * picture.channels;
    for (Index y = 0; y < picture.height; ++y) {
      std::copy_n(picture.data() + y * row, row, padded.row(y + above) + beside * picture.channels);
    }
    desc.height.in = padded.height;
    desc.width.in = padded.width;
    desc.height.start = desc.width.start = 0;
  }

  Index height_, width_;
  bool crop_, pad_;
  int method_ = 0;
};

}  // namespace graft::detail
