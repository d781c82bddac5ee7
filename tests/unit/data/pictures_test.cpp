#include "support/pictures.hpp"

#include <graft/data/image.hpp>

#include "support/catch.hpp"
#include "support/shared_dir.hpp"
#include "support/temp_dir.hpp"

using Catch::Matchers::ContainsSubstring;
using graft::FileError;
using graft::Index;
using graft::Shape;
using graft::Tensor;
using graft::test::TempDir;

namespace {

std::span<const std::uint8_t> span_of(const std::string& file) {
  return {reinterpret_cast<const std::uint8_t*>(file.data()), file.size()};
}
Tensor<float> decode(const std::string& file, Index channels = 0) {
  return graft::decode_image(span_of(file), {.channels = channels});
}
std::string error_of(const std::string& file, Index max_pixels = graft::detail::kMaxPixels) {
  try {
    (void)graft::decode_image(span_of(file), {.max_pixels = max_pixels});
  } catch (const FileError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

#if defined(GRAFT_HAS_JPEG) && defined(GRAFT_HAS_PNG)

using namespace graft::test;

namespace {

double mean_difference(const Tensor<float>& image, const std::vector<std::uint8_t>& pixels) {
  REQUIRE(image.size() == static_cast<Index>(pixels.size()));
  double sum = 0;
  for (Index i = 0; i < image.size(); ++i) {
    sum += std::abs(static_cast<double>(image[i]) - pixels[static_cast<std::size_t>(i)]);
  }
  return sum / static_cast<double>(image.size());
}

}  // namespace

TEST_CASE("decode_image: JPEG, baseline and progressive", "[data][pictures]") {
  const auto pixels = drawn_pixels(61, 43, 3);
  const Tensor<float> baseline = decode(jpeg_of(pixels, 61, 43, {.quality = 95}));
  REQUIRE(baseline.shape() == Shape{43, 61, 3});
  CHECK(mean_difference(baseline, pixels) < 3);
  // The two write the same coefficients: the same numbers come out.
  const Tensor<float> progressive = decode(jpeg_of(pixels, 61, 43, {.progressive = true, .quality = 95}));
  CHECK(std::equal(baseline.begin(), baseline.end(), progressive.begin()));
}

TEST_CASE("decode_image: JPEG in grey, RGB, RGBA and from CMYK", "[data][pictures]") {
  const auto grey = drawn_pixels(30, 20, 1);
  const std::string grey_file = jpeg_of(grey, 30, 20, {.quality = 98, .colours = JCS_GRAYSCALE});
  CHECK(decode(grey_file).shape() == Shape{20, 30, 1});
  CHECK(mean_difference(decode(grey_file), grey) < 1.5);
  const Tensor<float> repeated = decode(grey_file, 3);
  REQUIRE(repeated.shape() == Shape{20, 30, 3});
  for (Index i = 0; i < 600; ++i) {
    CHECK(repeated[3 * i] == repeated[3 * i + 1]);
    CHECK(repeated[3 * i] == repeated[3 * i + 2]);
  }

  const std::string rgb_file = drawn_jpeg(30, 20);
  const Tensor<float> rgb = decode(rgb_file, 3), luma = decode(rgb_file, 1), rgba = decode(rgb_file, 4);
  REQUIRE(luma.shape() == Shape{20, 30, 1});
  REQUIRE(rgba.shape() == Shape{20, 30, 4});
  for (Index i = 0; i < 600; ++i) {
    const double expected = 0.299 * rgb[3 * i] + 0.587 * rgb[3 * i + 1] + 0.114 * rgb[3 * i + 2];
    CHECK(std::abs(luma[i] - expected) < 12);  // the file's own brightness: that of the RGB pixels but for clipping
    CHECK(rgba[4 * i + 1] == rgb[3 * i + 1]);
    CHECK(rgba[4 * i + 3] == 255);
  }

  // Inverted inks, as files have them: full ink is 0.
  std::vector<std::uint8_t> inks;
  for (int i = 0; i < 16 * 16; ++i) inks.insert(inks.end(), {255, 128, 0, 255});
  const Tensor<float> cmyk = decode(jpeg_of(inks, 16, 16, {.quality = 100, .colours = JCS_CMYK}));
  REQUIRE(cmyk.shape() == Shape{16, 16, 3});
  CHECK(std::abs(cmyk[0] - 255) < 4);
  CHECK(std::abs(cmyk[1] - 128) < 4);
  CHECK(std::abs(cmyk[2] - 0) < 4);
}

TEST_CASE("decode_image: PNG of every colour type and depth, plain and interlaced, is exact", "[data][pictures]") {
  constexpr int w = 13, h = 9;
  for (const bool interlaced : {false, true}) {
    for (const auto& [type, channels] :
         {std::pair{PNG_COLOR_TYPE_GRAY, 1}, std::pair{PNG_COLOR_TYPE_RGB, 3}, std::pair{PNG_COLOR_TYPE_RGB_ALPHA, 4},
          std::pair{PNG_COLOR_TYPE_GRAY_ALPHA, 2}}) {
      for (const int depth : {8, 16}) {
        INFO("type " << type << ", depth " << depth << ", interlaced " << interlaced);
        const auto pixels = drawn_pixels(w, h, channels);
        std::vector<std::uint8_t> rows;
        for (const std::uint8_t value : pixels) {
          rows.push_back(value);
          if (depth == 16) rows.push_back(199);  // dropped, not rounded
        }
        const std::string file = png_of(rows, w, h, {.type = type, .depth = depth, .interlaced = interlaced});
        for (const Index wanted : {Index{0}, Index{1}, Index{3}, Index{4}}) {
          const Tensor<float> image = decode(file, wanted);
          const Index has = wanted ? wanted : channels == 2 ? 4 : channels;
          REQUIRE(image.shape() == Shape{h, w, has});
          for (Index i = 0; i < w * h; ++i) {
            const auto* from = pixels.data() + i * channels;
            const int r = from[0], g = channels > 2 ? from[1] : r, b = channels > 2 ? from[2] : r;
            if (has == 1) {
              CHECK(std::abs(image[i] - (0.299 * r + 0.587 * g + 0.114 * b)) < 1.5);
              continue;
            }
            CHECK(image[i * has] == static_cast<float>(r));
            CHECK(image[i * has + 1] == static_cast<float>(g));
            CHECK(image[i * has + 2] == static_cast<float>(b));
            if (has == 4) CHECK(image[i * has + 3] == static_cast<float>(channels % 2 == 0 ? from[channels - 1] : 255));
          }
        }
      }
    }
  }
}

TEST_CASE("decode_image: PNG with a palette and with 1 bit", "[data][pictures]") {
  const PngStyle style{.type = PNG_COLOR_TYPE_PALETTE,
                       .depth = 2,
                       .palette = {{10, 20, 30}, {40, 50, 60}, {70, 80, 90}},
                       .palette_alpha = {0, 128}};
  const std::string file = png_of({0b00011000, 0b10010000}, 3, 2, style);  // 0 1 2 / 2 1 0
  const Tensor<float> rgba = decode(file), rgb = decode(file, 3);
  REQUIRE(rgba.shape() == Shape{2, 3, 4});
  CHECK(rgba[0] == 10);
  CHECK(rgba[3] == 0);
  CHECK(rgba[4 + 3] == 128);
  CHECK(rgba[8 + 3] == 255);
  CHECK(rgba[12] == 70);
  REQUIRE(rgb.shape() == Shape{2, 3, 3});
  CHECK(rgb[5] == 60);

  const Tensor<float> bits = decode(png_of({0b10100000}, 3, 1, {.type = PNG_COLOR_TYPE_GRAY, .depth = 1}));
  REQUIRE(bits.shape() == Shape{1, 3, 1});
  CHECK(bits[0] == 255);
  CHECK(bits[1] == 0);
  CHECK(bits[2] == 255);
}

TEST_CASE("decode_image: what is no picture, or not all of one, is a FileError that says so",
          "[data][pictures][errors]") {
  const std::string jpeg = drawn_jpeg(64, 48),
                    progressive = jpeg_of(drawn_pixels(64, 48, 3), 64, 48, {.progressive = true});
  const std::string png = png_of(drawn_pixels(20, 20, 3), 20, 20);
  CHECK_THAT(error_of(""), ContainsSubstring("no bytes"));
  CHECK_THAT(error_of("hello"), ContainsSubstring("another kind"));
  CHECK_THAT(error_of("GIF89a......"), ContainsSubstring("GIF"));
  CHECK_THAT(error_of("BM.........."), ContainsSubstring("BMP"));
  CHECK_THAT(error_of(std::string("RIFF\1\2\3\4WEBPVP8 ", 16)), ContainsSubstring("WebP"));
  for (const std::string* file : {&jpeg, &progressive, &png}) {
    CHECK(error_of(*file) == "no error");
    for (const double part : {0.1, 0.5, 0.9}) {
      CHECK_THAT(error_of(file->substr(0, static_cast<std::size_t>(static_cast<double>(file->size()) * part))),
                 ContainsSubstring("undamaged"));
    }
  }
  // One byte of the entropy coded data becomes 0: libjpeg only warns and goes on with other pixels.
  Index found = 0;
  for (std::size_t at = jpeg.size() / 2; at < jpeg.size() - 40; at += 7) {
    std::string damaged = jpeg;
    damaged[at] = '\xFF';
    damaged[at + 1] = '\xD9';  // the end of the picture, too early
    found += error_of(damaged) != "no error";
  }
  CHECK(found > 20);
  // The sum of a PNG's rows.
  std::string flipped = png;
  flipped[png.size() - 16] ^= 1;
  CHECK_THAT(error_of(flipped), ContainsSubstring("undamaged"));
  CHECK_THROWS_AS(decode(jpeg, 2), graft::ConfigError);
}

TEST_CASE("decode_image: a header that promises a giant is refused before memory is taken",
          "[data][pictures][errors]") {
  std::string jpeg = drawn_jpeg(64, 48);
  const std::size_t frame = jpeg.find(std::string("\xFF\xC0", 2));
  REQUIRE(frame != std::string::npos);
  for (std::size_t i = 5; i < 9; i += 2) {
    jpeg[frame + i] = static_cast<char>(60000 >> 8);
    jpeg[frame + i + 1] = static_cast<char>(60000 & 0xff);
  }
  CHECK_THAT(error_of(jpeg), ContainsSubstring("60000 × 60000"));
  CHECK_THAT(error_of(jpeg, Index{1} << 40), ContainsSubstring("hostile"));
  CHECK_THAT(error_of(drawn_jpeg(64, 48), 1000), ContainsSubstring("max_pixels"));

  std::string png = png_of(drawn_pixels(20, 20, 3), 20, 20);
  for (const std::size_t at : {16u, 20u}) png.replace(at, 4, std::string("\0\0\xEA\x60", 4));
  const std::uint32_t sum =
      static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const unsigned char*>(png.data()) + 12, 17));
  for (std::size_t i = 0; i < 4; ++i) png[29 + i] = static_cast<char>(sum >> (24 - 8 * i));
  CHECK_THAT(error_of(png), ContainsSubstring("60000 × 60000"));
  CHECK_THAT(error_of(png, Index{1} << 40), ContainsSubstring("hostile"));
}

// Thousands of damaged files: each is decoded or is a FileError. GRAFT_MUTATIONS says how many, for a longer run.
TEST_CASE("decode_image: random damage is an error or a picture, never more", "[data][pictures][errors]") {
  const std::string files[] = {
      drawn_jpeg(48, 40),
      jpeg_of(drawn_pixels(40, 33, 3), 40, 33, {.progressive = true}),
      jpeg_of(drawn_pixels(17, 30, 4), 17, 30, {.colours = JCS_CMYK}),
      png_of(drawn_pixels(21, 20, 3), 21, 20, {.interlaced = true}),
      png_of({0b00011000, 0b10010000}, 3, 2,
             {.type = PNG_COLOR_TYPE_PALETTE, .depth = 2, .palette = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}}),
  };
  const char* wanted = std::getenv("GRAFT_MUTATIONS");
  const long count = wanted ? std::atol(wanted) : 4000;
  graft::Rng rng(42);
  long errors = 0, pictures = 0;
  for (long i = 0; i < count; ++i) {
    std::string file = files[i % 5];
    const Index edits = 1 + rng.below(6);
    for (Index k = 0; k < edits; ++k) {
      const auto at = static_cast<std::size_t>(rng.below(static_cast<Index>(file.size())));
      switch (rng.below(4)) {
        case 0: file[at] = static_cast<char>(rng.below(256)); break;
        case 1: file[at] = static_cast<char>(file[at] ^ (1 << rng.below(8))); break;
        case 2: file.erase(at, static_cast<std::size_t>(1 + rng.below(16))); break;
        default: file.insert(at, static_cast<std::size_t>(1 + rng.below(4)), static_cast<char>(rng.below(256)));
      }
      if (file.empty()) file = "x";
    }
    try {
      const Tensor<float> image = graft::decode_image(span_of(file), {.channels = i % 3 == 0   ? 1
                                                                                  : i % 3 == 1 ? 3
                                                                                               : 4,
                                                                      .max_pixels = 1 << 20});
      pictures += image.size() > 0;
    } catch (const FileError&) {
      ++errors;
    }
  }
  CHECK(errors + pictures == count);
  CHECK(errors > count / 10);
  CHECK(pictures > count / 50);
}

TEST_CASE("load_img and save_img: there and back", "[data][pictures]") {
  const TempDir folder;
  Tensor<float> image({5, 7, 3});
  for (Index i = 0; i < image.size(); ++i) image[i] = static_cast<float>(i * 2);
  graft::save_img(folder / "a.png", image, {.scale = false});
  const Tensor<float> back = graft::load_img(folder / "a.png");
  REQUIRE(back.shape() == image.shape());
  CHECK(std::equal(image.begin(), image.end(), back.begin()));
  // Scaled: the least number is 0, the largest 255.
  graft::save_img(folder / "b.png", Tensor<float>({1, 3, 1}, {-1, 0, 1}));
  const Tensor<float> scaled = graft::load_img(folder / "b.png", {.color_mode = "grayscale"});
  CHECK(scaled[0] == 0);
  CHECK(scaled[1] == 127);
  CHECK(scaled[2] == 255);
  CHECK(graft::load_img(folder / "a.png", {.target_size = std::pair<Index, Index>{2, 3}}).shape() == Shape{2, 3, 3});
  CHECK_THROWS_AS(graft::load_img(folder / "missing.png"), FileError);
  CHECK_THROWS_AS(graft::load_img(folder / "a.png", {.color_mode = "rbg"}), graft::ConfigError);
  CHECK_THROWS_WITH(
      graft::load_img(folder / "a.png", {.target_size = std::pair<Index, Index>{2, 3}, .interpolation = "bilinaer"}),
      ContainsSubstring("Did you mean \"bilinear\"?"));
  CHECK_THROWS_AS(graft::save_img(folder / "a.jpg", image), graft::ConfigError);
  CHECK_THROWS_AS(graft::save_img(folder / "a.png", Tensor<float>({5, 7, 2})), graft::ShapeError);
  CHECK_THROWS_AS(graft::save_img(folder / "nowhere/a.png", image), FileError);
}

TEST_CASE("decode_image: all pictures of the cats and dogs, sizes as their headers say", "[data][pictures]") {
  GRAFT_NEEDS(graft::test::shared_path("data/dogcat/cat/cat.0.jpg"));
  Index count = 0;
  for (const char* animal : {"cat", "dog"}) {
    for (const auto& entry : std::filesystem::directory_iterator(graft::test::shared_path("data/dogcat/") + animal)) {
      std::ifstream in(entry.path(), std::ios::binary);
      const std::string file{std::istreambuf_iterator<char>(in), {}};
      const Tensor<float> image = decode(file, 3);
      // The frame header, found by walking the segments.
      std::size_t at = 2;
      const auto byte = [&](std::size_t i) { return static_cast<Index>(static_cast<unsigned char>(file[i])); };
      while (byte(at + 1) < 0xC0 || byte(at + 1) > 0xC2)
        at += static_cast<std::size_t>(2 + byte(at + 2) * 256 + byte(at + 3));
      INFO(entry.path());
      CHECK(image.shape() == Shape{byte(at + 5) * 256 + byte(at + 6), byte(at + 7) * 256 + byte(at + 8), 3});
      ++count;
    }
  }
  CHECK(count == 700);
}

#else

TEST_CASE("decode_image: without libjpeg or libpng it says what to install", "[data][pictures][errors]") {
#ifndef GRAFT_HAS_JPEG
  CHECK_THAT(error_of("\xFF\xD8\xFF\xE0......"), ContainsSubstring("libjpeg-dev"));
#endif
#ifndef GRAFT_HAS_PNG
  CHECK_THAT(error_of("\x89PNG\r\n\x1A\n..."), ContainsSubstring("libpng-dev"));
#endif
}

#endif
