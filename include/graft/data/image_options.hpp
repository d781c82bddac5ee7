#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "graft/core/tensor.hpp"

// Pictures in memory and in files: what they are called with. The functions are defined in data/image.hpp.
namespace graft {

namespace detail {
inline constexpr Index kMaxPixels = Index{1} << 27;
inline constexpr Index kMaxFileBytes = Index{1} << 31;
}  // namespace detail

struct DecodeImageOptions {
  Index channels = 0;                     ///< 1, 3 or 4; 0: as in the file
  Index max_pixels = detail::kMaxPixels;  ///< larger pictures are an error, before memory is taken
};

struct LoadImgOptions {
  std::string color_mode = "rgb";                                     ///< or grayscale, rgba
  std::optional<std::pair<Index, Index>> target_size = std::nullopt;  ///< (height, width); none: as in the file
  std::string interpolation = "nearest";
  bool keep_aspect_ratio = false;  ///< takes the middle of the picture that has the wanted aspect ratio
  Index max_pixels = detail::kMaxPixels;
};

struct SaveImgOptions {
  bool scale = true;  ///< the least number becomes 0, the largest 255
};

template <class Scalar = float>
Tensor<Scalar> decode_image(std::span<const std::uint8_t> bytes, const DecodeImageOptions& options = {});
template <class Scalar = float>
Tensor<Scalar> load_img(const std::string& path, const LoadImgOptions& options = {});
template <class Scalar>
std::string encode_png(const Tensor<Scalar>& image, const SaveImgOptions& options = {});
template <class Scalar>
void save_img(const std::string& path, const Tensor<Scalar>& image, const SaveImgOptions& options = {});

}  // namespace graft
