#pragma once

#include <span>
#include <vector>

#include "graft/data/pictures/guarded.hpp"
#include "graft/data/pictures/picture.hpp"

#ifdef GRAFT_HAS_JPEG
#include <cstddef>
#include <cstdio>
// libjpeg's headers need <cstdio> before them.
#include <jerror.h>
#include <jpeglib.h>
#endif

// JPEG, baseline and progressive, through libjpeg(-turbo) where that is there (GRAFT_HAS_JPEG).
namespace graft::detail {

#ifdef GRAFT_HAS_JPEG

/// Decodes one picture that is in memory, with libjpeg's defaults (accurate integer DCT, smooth upsampling of colours),
/// which are those of TensorFlow and Keras.
class JpegDecoder {
 public:
  GRAFT_COLD JpegDecoder(const std::string& where, std::span<const std::uint8_t> bytes, const DecodeRequest& request)
      : where_(where), bytes_(bytes), request_(request) {
    info_.err = jpeg_std_error(&errors_.base);
    errors_.base.error_exit = &on_error;
    errors_.base.emit_message = &on_message;
    info_.client_data = this;
    progress_.progress_monitor = &on_progress;
  }
  ~JpegDecoder() { jpeg_destroy_decompress(&info_); }
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  /// Throws FileError for damaged data, also where libjpeg goes on with a warning: what it puts in place of the pixels
  /// that are lost is grey.
  GRAFT_COLD void decode(DecodedPicture& picture) {
    run(&create);
    run(&read_header);
    // A block of 8 × 8 pixels takes a bit at least, unless arithmetic coding is used.
    const Index expansion = info_.arith_code ? Index{1} << 20 : 1024;
    check_picture_size(where_, height(), width(), request_.max_pixels, static_cast<Index>(bytes_.size()), expansion);
    choose_colours();
    reduce();
    run(&start);
    const auto h = static_cast<Index>(info_.output_height), w = static_cast<Index>(info_.output_width);
    const Index stored = info_.output_components, rgb = stored == 4 ? 3 : stored;
    const Index wanted = request_.channels ? request_.channels : rgb;
    rows_ = picture.reshape(h, w, wanted);
    stride_ = w * wanted;
    if (stored != wanted || stored == 4) line_.resize(static_cast<std::size_t>(w * stored));
    run(&read_rows);
    if (errors_.damaged) damaged();
  }

 private:
  struct Errors {
    jpeg_error_mgr base;
    Escape escape;
    bool damaged = false;
  };

  static JpegDecoder& self(j_common_ptr info) { return *static_cast<JpegDecoder*>(info->client_data); }

  void run(void (*step)(JpegDecoder&)) {
    if (!guarded(errors_.escape, step, *this)) damaged();
  }
  [[noreturn]] GRAFT_COLD void damaged() const {
    fail<FileError>(where_, "an undamaged JPEG picture", std::string("\"") + errors_.escape.message + "\"");
  }

  // ---- called by libjpeg, or through guarded(): nothing here has a destructor ----
  static void create(JpegDecoder& d) {
    jpeg_create_decompress(&d.info_);
    d.info_.client_data = &d;
    d.info_.progress = &d.progress_;
  }
  static void read_header(JpegDecoder& d) {
    jpeg_mem_src(&d.info_, d.bytes_.data(), static_cast<unsigned long>(d.bytes_.size()));
    jpeg_read_header(&d.info_, TRUE);
  }
  static void start(JpegDecoder& d) { jpeg_start_decompress(&d.info_); }
  static void read_rows(JpegDecoder& d) {
    while (d.info_.output_scanline < d.info_.output_height) {
      std::uint8_t* to = d.rows_ + static_cast<Index>(d.info_.output_scanline) * d.stride_;
      JSAMPROW line = d.line_.empty() ? to : d.line_.data();
      if (jpeg_read_scanlines(&d.info_, &line, 1) != 1) d.give_up("no more rows");
      if (d.line_.empty()) continue;
      Index from = d.info_.output_components;
      if (from == 4) {
        d.cmyk_to_rgb();
        from = 3;
      }
      convert_pixels(static_cast<Index>(d.info_.output_width), from, d.line_.data(), d.stride_ / d.info_.output_width,
                     to);
    }
    jpeg_finish_decompress(&d.info_);
  }
  // In place. Files with Adobe's marker hold inverted inks, which all programs that write CMYK do.
  void cmyk_to_rgb() {
    const bool inverted = info_.saw_Adobe_marker;
    for (std::size_t i = 0, n = info_.output_width; i < n; ++i) {
      const std::uint8_t* ink = line_.data() + 4 * i;
      const int black = inverted ? ink[3] : 255 - ink[3];
      for (std::size_t c = 0; c < 3; ++c) {
        line_[3 * i + c] = static_cast<std::uint8_t>(black * (inverted ? ink[c] : 255 - ink[c]) / 255);
      }
    }
  }
  [[noreturn]] void give_up(const char* message) {
    std::snprintf(errors_.escape.message, sizeof errors_.escape.message, "%s", message);
    errors_.escape.leave();
  }
  static void keep_message(j_common_ptr info, Errors& errors) {
    char text[JMSG_LENGTH_MAX];
    errors.base.format_message(info, text);
    std::snprintf(errors.escape.message, sizeof errors.escape.message, "%s", text);
  }
  static void on_error(j_common_ptr info) {
    JpegDecoder& d = self(info);
    keep_message(info, d.errors_);
    d.errors_.escape.leave();
  }
  static void on_message(j_common_ptr info, int level) {
    Errors& errors = self(info).errors_;
    if (level >= 0) return;
    ++errors.base.num_warnings;
    switch (errors.base.msg_code) {
      case JWRN_HIT_MARKER:
      case JWRN_HUFF_BAD_CODE:
      case JWRN_JPEG_EOF:
      case JWRN_MUST_RESYNC:
      case JWRN_BOGUS_PROGRESSION:
        if (!errors.damaged) keep_message(info, errors);
        errors.damaged = true;
        break;
      default: break;  // bytes between segments, unknown markers: the pixels are there
    }
  }
  // Each scan of a progressive picture is a pass over all of it; a small file can have thousands.
  static void on_progress(j_common_ptr info) {
    JpegDecoder& d = self(info);
    if (d.info_.input_scan_number > kMaxScans) d.give_up("more than 200 scans");
  }

  // ---- plain code ----
  Index height() const { return static_cast<Index>(info_.image_height); }
  Index width() const { return static_cast<Index>(info_.image_width); }

  GRAFT_COLD void choose_colours() {
    const bool from_ycc = info_.jpeg_color_space == JCS_YCbCr, grey = info_.jpeg_color_space == JCS_GRAYSCALE;
    switch (info_.jpeg_color_space) {
      case JCS_GRAYSCALE: info_.out_color_space = request_.channels > 1 ? JCS_RGB : JCS_GRAYSCALE; break;
      case JCS_YCbCr:
      case JCS_RGB: info_.out_color_space = JCS_RGB; break;
      case JCS_CMYK:
      case JCS_YCCK: info_.out_color_space = JCS_CMYK; break;
      default:
        fail<FileError>(where_, "a grey, RGB or CMYK picture",
                        "one of " + std::to_string(info_.num_components) + " components");
    }
    if (request_.channels == 1 && (from_ycc || grey)) info_.out_color_space = JCS_GRAYSCALE;
  }
  void reduce() {
    if (request_.reduce_to_height <= 0 || request_.reduce_to_width <= 0) return;
    info_.scale_num = 1;
    for (unsigned denominator = 8; denominator > 1; denominator /= 2) {
      const auto d = static_cast<Index>(denominator);
      if (height() / d < request_.reduce_to_height || width() / d < request_.reduce_to_width) continue;
      info_.scale_denom = denominator;
      return;
    }
  }

  static constexpr int kMaxScans = 200;

  const std::string& where_;
  std::span<const std::uint8_t> bytes_;
  DecodeRequest request_;
  jpeg_decompress_struct info_{};
  jpeg_progress_mgr progress_{};
  Errors errors_{};
  std::vector<std::uint8_t> line_;
  std::uint8_t* rows_ = nullptr;
  Index stride_ = 0;
};

/// Throws FileError.
GRAFT_COLD inline void decode_jpeg(const std::string& where, std::span<const std::uint8_t> bytes,
                                   const DecodeRequest& request, DecodedPicture& picture) {
  JpegDecoder(where, bytes, request).decode(picture);
}

#else

/// Without libjpeg no JPEG picture can be read.
[[noreturn]] GRAFT_COLD inline void decode_jpeg(const std::string& where, std::span<const std::uint8_t>,
                                                const DecodeRequest&, DecodedPicture&) {
  throw FileError(where +
                  " is a JPEG picture, and this program was built without libjpeg, which decodes it. Install it "
                  "(Debian, Ubuntu: libjpeg-dev) and build again. Without it: convert the pictures to PNG.");
}

#endif

}  // namespace graft::detail
