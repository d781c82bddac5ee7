#pragma once

#include <cstdio>
#include <cstring>
#include <span>
#include <string>

#include "graft/data/pictures/guarded.hpp"
#include "graft/data/pictures/picture.hpp"

#ifdef GRAFT_HAS_PNG
#include <png.h>
#endif

// PNG through libpng where that is there (GRAFT_HAS_PNG).
namespace graft::detail {

#ifdef GRAFT_HAS_PNG

/// What reading and writing have in common: errors come out as FileError.
class PngBase {
 protected:
  explicit PngBase(const std::string& where) : where_(where) {}

  static void on_error(png_structp png, png_const_charp message) {
    auto& escape = static_cast<PngBase*>(png_get_error_ptr(png))->escape_;
    std::snprintf(escape.message, sizeof escape.message, "%s", message);
    escape.leave();
  }
  static void on_warning(png_structp, png_const_charp) {}

  template <class Self>
  void run(void (*step)(Self&), Self& self, const char* expected) {
    if (guarded(escape_, step, self)) return;
    fail<FileError>(where_, expected, std::string("\"") + escape_.message + "\"");
  }

  const std::string& where_;
  Escape escape_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

/// Decodes one picture that is in memory, of every colour type, depth and interlacing. 16 bits lose the lower 8, and
/// alpha that is not asked for is dropped, as in TensorFlow and Keras.
class PngDecoder : private PngBase {
 public:
  GRAFT_COLD PngDecoder(const std::string& where, std::span<const std::uint8_t> bytes, const DecodeRequest& request)
      : PngBase(where), bytes_(bytes), request_(request) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, static_cast<PngBase*>(this), &on_error, &on_warning);
    if (png_) info_ = png_create_info_struct(png_);
    if (!info_) {
      destroy();
      throw FileError(where_ + ": libpng cannot start: no memory, or another version than at compile time.");
    }
  }
  ~PngDecoder() { destroy(); }
  PngDecoder(const PngDecoder&) = delete;
  PngDecoder& operator=(const PngDecoder&) = delete;

  /// Throws FileError.
  GRAFT_COLD void decode(DecodedPicture& picture) {
    run(&read_header, *this, kUndamaged);
    // Deflate reaches 1 : 1032, and a byte may be 8 pixels.
    check_picture_size(where_, height_, width_, request_.max_pixels, static_cast<Index>(bytes_.size()), 8256);
    run(&choose_transforms, *this, kUndamaged);
    if (row_bytes_ != width_ * channels_) throw FileError(where_ + ": libpng reads rows of another size.");
    rows_ = picture.reshape(height_, width_, channels_);
    run(&read_rows, *this, kUndamaged);
  }

 private:
  static constexpr const char* kUndamaged = "an undamaged PNG picture";

  void destroy() { png_destroy_read_struct(&png_, info_ ? &info_ : nullptr, nullptr); }

  // ---- called by libpng, or through guarded(): nothing here has a destructor ----
  static void read_bytes(png_structp png, png_bytep into, std::size_t count) {
    auto& d = *static_cast<PngDecoder*>(png_get_io_ptr(png));
    if (d.bytes_.size() - d.at_ < count) png_error(png, "the file ends too early");
    std::memcpy(into, d.bytes_.data() + d.at_, count);
    d.at_ += count;
  }
  static void read_header(PngDecoder& d) {
    png_set_read_fn(d.png_, &d, &read_bytes);
    png_set_crc_action(d.png_, PNG_CRC_ERROR_QUIT, PNG_CRC_WARN_DISCARD);
    png_read_info(d.png_, d.info_);
    d.height_ = static_cast<Index>(png_get_image_height(d.png_, d.info_));
    d.width_ = static_cast<Index>(png_get_image_width(d.png_, d.info_));
  }
  static void choose_transforms(PngDecoder& d) {
    png_structp png = d.png_;
    const int type = png_get_color_type(png, d.info_);
    const bool transparent = png_get_valid(png, d.info_, PNG_INFO_tRNS) != 0;
    const bool palette = type == PNG_COLOR_TYPE_PALETTE, coloured = (type & PNG_COLOR_MASK_COLOR) != 0;
    const bool alpha = (type & PNG_COLOR_MASK_ALPHA) != 0;
    d.channels_ = d.request_.channels;
    if (d.channels_ == 0) {
      d.channels_ = alpha || (palette && transparent) ? 4 : coloured ? 3 : 1;
    }
    if (palette) png_set_palette_to_rgb(png);
    if (!coloured) png_set_expand_gray_1_2_4_to_8(png);
    png_set_strip_16(png);
    if (d.channels_ == 4) {
      if (transparent) png_set_tRNS_to_alpha(png);
      else if (!alpha) png_set_add_alpha(png, 255, PNG_FILLER_AFTER);
    } else if (alpha || transparent) {
      png_set_strip_alpha(png);
    }
    if (d.channels_ == 1) {
      if (coloured) png_set_rgb_to_gray(png, PNG_ERROR_ACTION_NONE, 0.299, 0.587);
    } else if (!coloured) {
      png_set_gray_to_rgb(png);
    }
    d.passes_ = png_set_interlace_handling(png);
    png_read_update_info(png, d.info_);
    d.row_bytes_ = static_cast<Index>(png_get_rowbytes(png, d.info_));
  }
  static void read_rows(PngDecoder& d) {
    for (int pass = 0; pass < d.passes_; ++pass) {
      for (Index y = 0; y < d.height_; ++y) png_read_row(d.png_, d.rows_ + y * d.row_bytes_, nullptr);
    }
    png_read_end(d.png_, nullptr);
  }

  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
  DecodeRequest request_;
  Index height_ = 0, width_ = 0, channels_ = 0, row_bytes_ = 0;
  std::uint8_t* rows_ = nullptr;
  int passes_ = 1;
};

/// Writes a picture of 1, 3 or 4 channels.
class PngEncoder : private PngBase {
 public:
  GRAFT_COLD PngEncoder(const std::string& where, const DecodedPicture& picture) : PngBase(where), picture_(picture) {
    png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, static_cast<PngBase*>(this), &on_error, &on_warning);
    if (png_) info_ = png_create_info_struct(png_);
    if (!info_) {
      destroy();
      throw FileError(where_ + ": libpng cannot start: no memory, or another version than at compile time.");
    }
  }
  ~PngEncoder() { destroy(); }
  PngEncoder(const PngEncoder&) = delete;
  PngEncoder& operator=(const PngEncoder&) = delete;

  GRAFT_COLD std::string encode() {
    run(&write, *this, "a picture that libpng can write");
    return std::move(bytes_);
  }

 private:
  void destroy() { png_destroy_write_struct(&png_, info_ ? &info_ : nullptr); }

  // Appending may throw, and must not do so through libpng.
  static bool append(std::string& to, const char* bytes, std::size_t count) noexcept {
    try {
      to.append(bytes, count);
      return true;
    } catch (...) {
      return false;
    }
  }
  static void write_bytes(png_structp png, png_bytep bytes, std::size_t count) {
    auto& encoder = *static_cast<PngEncoder*>(png_get_io_ptr(png));
    if (!append(encoder.bytes_, reinterpret_cast<const char*>(bytes), count)) png_error(png, "no memory");
  }
  static void flush(png_structp) {}
  static void write(PngEncoder& e) {
    const DecodedPicture& picture = e.picture_;
    png_set_write_fn(e.png_, &e, &write_bytes, &flush);
    const int type = picture.channels == 1   ? PNG_COLOR_TYPE_GRAY
                     : picture.channels == 3 ? PNG_COLOR_TYPE_RGB
                                             : PNG_COLOR_TYPE_RGB_ALPHA;
    png_set_IHDR(e.png_, e.info_, static_cast<png_uint_32>(picture.width), static_cast<png_uint_32>(picture.height), 8,
                 type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(e.png_, e.info_);
    for (Index y = 0; y < picture.height; ++y) {
      png_write_row(e.png_, picture.data() + y * picture.width * picture.channels);
    }
    png_write_end(e.png_, nullptr);
  }

  const DecodedPicture& picture_;
  std::string bytes_;
};

/// Throws FileError.
GRAFT_COLD inline void decode_png(const std::string& where, std::span<const std::uint8_t> bytes,
                                  const DecodeRequest& request, DecodedPicture& picture) {
  PngDecoder(where, bytes, request).decode(picture);
}
GRAFT_COLD inline std::string encode_png_picture(const std::string& where, const DecodedPicture& picture) {
  return PngEncoder(where, picture).encode();
}

#else

/// Without libpng no PNG picture can be read or written.
[[noreturn]] GRAFT_COLD inline void without_png(const std::string& where) {
  throw FileError(where +
                  ": this program was built without libpng, which reads and writes PNG pictures. Install it (Debian, "
                  "Ubuntu: libpng-dev) and build again. Without it: convert the pictures to JPEG.");
}
[[noreturn]] GRAFT_COLD inline void decode_png(const std::string& where, std::span<const std::uint8_t>,
                                               const DecodeRequest&, DecodedPicture&) {
  without_png(where);
}
[[noreturn]] GRAFT_COLD inline std::string encode_png_picture(const std::string& where, const DecodedPicture&) {
  without_png(where);
}

#endif

}  // namespace graft::detail
