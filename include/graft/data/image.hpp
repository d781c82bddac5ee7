#pragma once

#include "graft/data/image_options.hpp"
#include "graft/data/pictures/decode_picture.hpp"
#include "graft/data/pictures/resize_picture.hpp"

namespace graft {

namespace detail {

GRAFT_COLD inline Index channels_of(const std::string& where, const std::string& color_mode) {
  static const std::vector<std::string> kModes = {"grayscale", "rgb", "rgba"};
  if (color_mode == kModes[0]) return 1;
  if (color_mode == kModes[1]) return 3;
  if (color_mode == kModes[2]) return 4;
  fail<ConfigError>(where, "color_mode grayscale, rgb or rgba", "\"" + color_mode + "\"",
                    text::did_you_mean(color_mode, kModes));
}

template <class Scalar>
GRAFT_COLD Tensor<Scalar> tensor_of(const DecodedPicture& picture) {
  Tensor<Scalar> result = Tensor<Scalar>::uninitialized({picture.height, picture.width, picture.channels});
  for (Index i = 0; i < picture.size(); ++i) result[i] = static_cast<Scalar>(picture.data()[i]);
  return result;
}

/// Numbers to bytes: stretched to 0 … 255 with scale, as Keras's array_to_img does; else cut off at both ends.
template <class Scalar>
GRAFT_COLD void picture_of(const std::string& where, const TensorView<const Scalar>& image, bool scale,
                           DecodedPicture& picture) {
  const Shape& shape = image.shape();
  const bool grey = shape.rank() == 2;
  const Index channels = grey ? 1 : shape.rank() == 3 ? shape[2] : 0;
  if ((channels != 1 && channels != 3 && channels != 4) || image.size() == 0 || shape[0] > 65535 || shape[1] > 65535) {
    fail<ShapeError>(where, "an image (height, width, 1, 3 or 4)", shape.str());
  }
  picture.reshape(shape[0], shape[1], channels);
  double low = 0, factor = 1;
  if (scale) {
    const auto [least, most] = std::minmax_element(image.data(), image.data() + image.size());
    low = static_cast<double>(*least);
    const double range = static_cast<double>(*most) - low;
    factor = range != 0 ? 255.0 / range : 255.0;
  }
  for (Index i = 0; i < image.size(); ++i) {
    const double value = (static_cast<double>(image[i]) - low) * factor;
    picture.data()[i] = static_cast<std::uint8_t>(value >= 255 ? 255 : value >= 0 ? value : 0);  // NaN: 0
  }
}

}  // namespace detail

/// Decodes a JPEG or PNG picture that is in memory: (height, width, channels), numbers 0 … 255. channels 1, 3 or 4, or
/// 0 for what the file has. Colours become grey by ITU-R BT.601's weights, CMYK becomes RGB, 16 bits become 8, alpha
/// that is not asked for is dropped: as tf.io.decode_image does, which Keras reads datasets with. Throws FileError for
/// what is no whole picture, ConfigError for other channels.
template <class Scalar>
Tensor<Scalar> decode_image(std::span<const std::uint8_t> bytes, const DecodeImageOptions& options) {
  const Index channels = options.channels;
  if (channels != 0 && channels != 1 && channels != 3 && channels != 4) {
    fail<ConfigError>("decode_image", "channels 0, 1, 3 or 4", std::to_string(channels));
  }
  detail::DecodedPicture picture;
  const std::string where = "decode_image";
  detail::decode_picture(where, bytes, {.channels = channels, .max_pixels = options.max_pixels}, picture);
  return detail::tensor_of<Scalar>(picture);
}

/// Reads a picture: (height, width, channels), numbers 0 … 255; resized when target_size is given. Its arguments are
/// those of keras.utils.load_img, and "nearest" is its default; the other interpolations are those of
/// image_dataset_from_directory (Keras's load_img leaves them to PIL, which smooths). Throws FileError and ConfigError.
template <class Scalar>
Tensor<Scalar> load_img(const std::string& path, const LoadImgOptions& options) {
  const std::string where = "\"" + path + "\"";
  std::vector<std::uint8_t> bytes;
  detail::DecodedPicture picture, padded;
  const Index channels = detail::channels_of("load_img", options.color_mode);
  std::optional<detail::PictureResizer> resize;
  if (options.target_size) {
    const auto [height, width] = *options.target_size;
    resize.emplace("load_img", height, width, options.interpolation, options.keep_aspect_ratio, false);
  }
  detail::read_file_bytes(path, detail::kMaxFileBytes, bytes);
  detail::decode_picture(where, bytes, {.channels = channels, .max_pixels = options.max_pixels}, picture);
  if (!resize) return detail::tensor_of<Scalar>(picture);
  Tensor<Scalar> result = Tensor<Scalar>::uninitialized({resize->height(), resize->width(), channels});
  (*resize)(picture, result.data(), padded);
  return result;
}

/// A PNG picture of an image (height, width, 1, 3 or 4) or (height, width), as the bytes of its file. With scale the
/// least number becomes 0 and the largest 255, as in Keras; without it numbers are taken as 0 … 255. Throws ShapeError.
template <class Scalar>
std::string encode_png(const Tensor<Scalar>& image, const SaveImgOptions& options) {
  detail::DecodedPicture picture;
  const std::string where = "encode_png";
  detail::picture_of<Scalar>(where, image.view(), options.scale, picture);
  return detail::encode_png_picture(where, picture);
}

/// Writes an image as a PNG file; see encode_png. Throws FileError.
template <class Scalar>
void save_img(const std::string& path, const Tensor<Scalar>& image, const SaveImgOptions& options) {
  if (path.size() < 4 || path.substr(path.size() - 4) != ".png") {
    fail<ConfigError>("save_img", "a name that ends in .png", "\"" + path + "\"", "graft writes no other pictures.");
  }
  detail::write_file_bytes(path, encode_png(image, options));
}

}  // namespace graft
