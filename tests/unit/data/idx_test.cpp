#include "graft/data/idx.hpp"

#include <zlib.h>

#include <string>

#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using Catch::Matchers::ContainsSubstring;
using graft::FileError;
using graft::read_idx;
using graft::Shape;
using graft::test::TempDir;

namespace {

std::string header(std::initializer_list<unsigned> dims, char type = 8) {
  std::string bytes{'\0', '\0', type, static_cast<char>(dims.size())};
  for (const unsigned dim : dims) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(dim >> shift & 0xff);
  }
  return bytes;
}

std::string gzip(const std::string& bytes, const TempDir& folder) {
  const std::string path = folder / "packed";
  const gzFile file = gzopen(path.c_str(), "wb");
  REQUIRE(gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())) == static_cast<int>(bytes.size()));
  REQUIRE(gzclose(file) == Z_OK);
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("idx: bytes in row-major order, gzip-compressed or plain", "[data]") {
  const TempDir folder;
  std::string bytes = header({2, 3, 2});
  for (int i = 0; i < 12; ++i) bytes += static_cast<char>(i * 23);  // up to 253: bytes are unsigned
  for (const std::string& path : {folder.write("a.gz", gzip(bytes, folder)), folder.write("a", bytes)}) {
    const auto tensor = read_idx(path);
    REQUIRE(tensor.shape() == Shape{2, 3, 2});
    for (graft::Index i = 0; i < 12; ++i) CHECK(tensor[i] == static_cast<float>(i * 23));
  }
}

TEST_CASE("idx: scale", "[data]") {
  const TempDir folder;
  const std::string path = folder.write("a", header({3}) + std::string("\x00\x33\xff", 3));
  const auto single = read_idx(path, 1.0 / 255);
  CHECK(single[0] == 0.0f);
  CHECK(single[1] == 0.2f);
  CHECK(single[2] == 1.0f);
  CHECK(read_idx<double>(path, 2)[2] == 510.0);
}

TEST_CASE("idx: no samples, and more than one chunk", "[data]") {
  const TempDir folder;
  CHECK(read_idx(folder.write("none", header({0, 28, 28}))).shape() == Shape{0, 28, 28});
  std::string bytes = header({3000, 1001});
  for (int i = 0; i < 3000 * 1001; ++i) bytes += static_cast<char>(i % 251);
  const auto tensor = read_idx(folder.write("big.gz", gzip(bytes, folder)));
  REQUIRE(tensor.size() == 3000 * 1001);
  for (graft::Index i = 0; i < tensor.size(); ++i) {
    if (tensor[i] != static_cast<float>(i % 251)) FAIL("wrong at " << i);
  }
}

TEST_CASE("idx: every file that is not right is a FileError that says why", "[data][errors]") {
  const TempDir folder;
  const auto fails = [&](const std::string& bytes, const std::string& text) {
    const std::string path = folder.write("bad", bytes);
    CHECK_THROWS_AS(read_idx(path), FileError);
    CHECK_THROWS_WITH(read_idx(path), ContainsSubstring(text) && ContainsSubstring(path));
  };
  CHECK_THROWS_AS(read_idx(folder / "missing"), FileError);
  CHECK_THROWS_WITH(read_idx(folder / "missing"), ContainsSubstring("No such file"));
  CHECK_THROWS_AS(read_idx(folder.path()), FileError);

  const std::string good = header({4, 5}) + std::string(20, 'x');
  fails("", "empty");
  fails(std::string("\0\0", 2), "a few bytes");
  fails("PK\3\4 something else", "another kind");
  fails(header({2}, 0x0d) + std::string(8, 'x'), "type 13");
  fails(header({}), "dimensions");
  fails(header({1, 1, 1, 1, 1, 1, 1, 1, 1}) + "x", "dimensions");
  fails(header({4, 5}).substr(0, 9), "header");
  fails(good.substr(0, 31), "received 19");
  fails(good + "x", "more");
  // Sizes that no file holds are refused without the memory for them.
  fails(header({0xffffffffu, 0xffffffffu, 0xffffffffu}), "fits in memory");
  fails(header({0x7fffffffu, 0x00ffffffu}) + "x", "received 1");

  const std::string packed = gzip(good, folder);
  for (std::size_t length = 2; length < packed.size(); ++length) {
    CHECK_THROWS_AS(read_idx(folder.write("cut", packed.substr(0, length))), FileError);
  }
  // The sum over the contents, in the last 8 bytes, is checked.
  std::string flipped = packed;
  flipped[packed.size() - 6] ^= 1;
  fails(flipped, "undamaged");
}
