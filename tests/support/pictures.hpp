#pragma once

// Pictures that tests draw themselves, written with libjpeg and libpng.

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#if defined(GRAFT_HAS_JPEG) && defined(GRAFT_HAS_PNG)

#include <cstdio>
// libjpeg's header needs <cstdio> before it.
#include <jpeglib.h>
#include <png.h>
#include <zlib.h>

namespace graft::test {

/// Interleaved bytes: colour runs, and a pattern that depends on the seed.
inline std::vector<std::uint8_t> drawn_pixels(int width, int height, int channels, int seed = 0) {
  std::vector<std::uint8_t> pixels;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < channels; ++c) {
        const double wave = std::sin(0.11 * x * (c + 1) + 0.07 * y * (seed + 1) + c);
        pixels.push_back(static_cast<std::uint8_t>(127.5 + 100 * wave));
      }
    }
  }
  return pixels;
}

struct JpegStyle {
  bool progressive = false;
  int quality = 90;
  J_COLOR_SPACE colours = JCS_RGB;  // of the pixels: JCS_GRAYSCALE, JCS_RGB, JCS_CMYK
};

inline std::string jpeg_of(const std::vector<std::uint8_t>& pixels, int width, int height,
                           const JpegStyle& style = {}) {
  jpeg_compress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &memory, &size);
  info.image_width = static_cast<JDIMENSION>(width);
  info.image_height = static_cast<JDIMENSION>(height);
  info.input_components = style.colours == JCS_GRAYSCALE ? 1 : style.colours == JCS_CMYK ? 4 : 3;
  info.in_color_space = style.colours;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, style.quality, TRUE);
  if (style.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    auto* row = const_cast<std::uint8_t*>(pixels.data()) + static_cast<std::size_t>(info.next_scanline) *
                                                               info.image_width *
                                                               static_cast<std::size_t>(info.input_components);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  std::string result(reinterpret_cast<char*>(memory), size);
  jpeg_destroy_compress(&info);
  std::free(memory);
  return result;
}

inline std::string drawn_jpeg(int width, int height, int seed = 0) {
  return jpeg_of(drawn_pixels(width, height, 3, seed), width, height);
}

struct PngStyle {
  int type = PNG_COLOR_TYPE_RGB;
  int depth = 8;
  bool interlaced = false;
  std::vector<png_color> palette = {};
  std::vector<std::uint8_t> palette_alpha = {};
};

/// `rows` as the file has them: packed below 8 bits, big-endian with 16.
inline std::string png_of(const std::vector<std::uint8_t>& rows, int width, int height, const PngStyle& style = {}) {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  std::string result;
  png_set_write_fn(
      png, &result,
      [](png_structp p, png_bytep bytes, std::size_t count) {
        static_cast<std::string*>(png_get_io_ptr(p))->append(reinterpret_cast<char*>(bytes), count);
      },
      [](png_structp) {});
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), style.depth, style.type,
               style.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  if (!style.palette.empty()) png_set_PLTE(png, info, style.palette.data(), static_cast<int>(style.palette.size()));
  if (!style.palette_alpha.empty()) {
    png_set_tRNS(png, info, style.palette_alpha.data(), static_cast<int>(style.palette_alpha.size()), nullptr);
  }
  png_write_info(png, info);
  const std::size_t row_bytes = rows.size() / static_cast<std::size_t>(height);
  std::vector<png_bytep> pointers;
  for (int y = 0; y < height; ++y) {
    pointers.push_back(const_cast<std::uint8_t*>(rows.data()) + static_cast<std::size_t>(y) * row_bytes);
  }
  png_write_image(png, pointers.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return result;
}

}  // namespace graft::test

#endif
