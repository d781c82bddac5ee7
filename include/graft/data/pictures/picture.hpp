#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "graft/core/aligned.hpp"
#include "graft/core/error.hpp"

namespace graft::detail {

/// The pixels of a decoded picture: (height, width, channels), one byte each. Its memory is kept from picture to
/// picture.
class DecodedPicture {
 public:
  Index height = 0, width = 0, channels = 0;

  std::uint8_t* reshape(Index height_, Index width_, Index channels_) {
    height = height_;
    width = width_;
    channels = channels_;
    if (size() > capacity_) {
      memory_.reset();
      capacity_ = 0;
      memory_ = allocate_aligned<std::uint8_t>(size());
      capacity_ = size();
    }
    return memory_.get();
  }
  Index size() const { return height * width * channels; }
  std::uint8_t* data() { return memory_.get(); }
  const std::uint8_t* data() const { return memory_.get(); }
  std::uint8_t* row(Index y) { return data() + y * width * channels; }

 private:
  std::unique_ptr<std::uint8_t[], AlignedDelete> memory_;
  Index capacity_ = 0;
};

/// What a decoder is asked for.
struct DecodeRequest {
  Index channels = 0;          ///< 1, 3 or 4; 0: as in the file
  Index max_pixels = 0;        ///< larger pictures are refused before memory is taken
  Index reduce_to_height = 0;  ///< JPEG may be decoded at 1/2, 1/4 or 1/8 as long as it stays at least this high
  Index reduce_to_width = 0;   ///< and wide; 0: whole
};

/// Throws FileError for a size that is no picture, or that the file cannot hold: `stored` bytes become at most
/// `expansion` times as many pixels (what the compression can reach).
GRAFT_COLD inline void check_picture_size(const std::string& where, Index height, Index width, Index max_pixels,
                                          Index stored, Index expansion) {
  const std::string size = std::to_string(width) + " × " + std::to_string(height) + " pixels";
  if (height <= 0 || width <= 0) fail<FileError>(where, "a picture", size);
  if (height > max_pixels / width) {
    fail<FileError>(where, "a picture of at most " + std::to_string(max_pixels) + " pixels", size,
                    "Raise max_pixels if it really is that large.");
  }
  constexpr Index kSlack = 1 << 16;
  if (height * width > stored * expansion + kSlack) {
    fail<FileError>(where, "as much data as its size asks for", std::to_string(stored) + " bytes for " + size,
                    "The file is damaged or hostile.");
  }
}

/// Grey from RGB as ITU-R BT.601 weighs them, in the integers of libjpeg.
inline std::uint8_t luma(int r, int g, int b) {
  return static_cast<std::uint8_t>((19595 * r + 38470 * g + 7471 * b + 32768) >> 16);
}

/// Pixels of `from` channels to `to` channels (each 1, 3 or 4): grey is repeated, missing alpha is 255, surplus alpha
/// is dropped (not blended with a background), as TensorFlow and Keras do.
inline void convert_pixels(Index count, Index from, const std::uint8_t* x, Index to, std::uint8_t* y) {
  for (Index i = 0; i < count; ++i, x += from, y += to) {
    const std::uint8_t r = x[0], g = from > 1 ? x[1] : r, b = from > 1 ? x[2] : r;
    if (to == 1) {
      y[0] = from == 1 ? r : luma(r, g, b);
      continue;
    }
    y[0] = r;
    y[1] = g;
    y[2] = b;
    if (to == 4) y[3] = from == 4 ? x[3] : 255;
  }
}

}  // namespace graft::detail
