#pragma once

#include <zlib.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "graft/core/tensor.hpp"

namespace graft {
namespace detail {

/// A gzip-compressed or plain file, read from front to back; zlib tells which it is.
class GzipFile {
 public:
  GRAFT_COLD explicit GzipFile(const std::string& path) : path_(path), file_(gzopen(path.c_str(), "rb")) {
    if (!file_) {
      const int error = errno;
      fail<FileError>(where(), "a readable file", error ? std::strerror(error) : "no memory for zlib");
    }
    gzbuffer(file_.get(), 1 << 17);
  }

  /// Reads up to `count` bytes; fewer only at the end of the file. Throws FileError for a damaged or cut-off gzip stream.
  GRAFT_COLD std::size_t read(void* bytes, std::size_t count) {
    std::size_t total = 0;
    while (total < count) {
      const std::size_t chunk = count - total < (1u << 30) ? count - total : (1u << 30);
      const int got = gzread(file_.get(), static_cast<char*>(bytes) + total, static_cast<unsigned>(chunk));
      if (got < 0) damaged();
      if (got == 0) break;
      total += static_cast<std::size_t>(got);
    }
    // zlib keeps a stream that ends too early for the last moment: it is no error of the read that meets it.
    int code = Z_OK;
    if (total < count && (gzerror(file_.get(), &code), code != Z_OK)) damaged();
    return total;
  }

  std::string where() const { return "idx file \"" + path_ + "\""; }

 private:
  struct Close {
    void operator()(gzFile_s* file) const { gzclose(file); }
  };

  [[noreturn]] GRAFT_COLD void damaged() const {
    int code = Z_OK;
    const char* text = gzerror(file_.get(), &code);
    fail<FileError>(where(), "an undamaged file", code == Z_ERRNO ? std::strerror(errno) : text,
                    "Was the download complete?");
  }

  std::string path_;
  std::unique_ptr<gzFile_s, Close> file_;
};

struct IdxBytes {
  Shape shape;
  std::vector<std::uint8_t> bytes;
};

GRAFT_COLD inline IdxBytes read_idx_bytes(const std::string& path) {
  constexpr const char* kHint = "An idx file of bytes begins with 0 0 8 and its number of dimensions.";
  GzipFile file(path);
  std::uint8_t magic[4];
  const std::size_t got = file.read(magic, 4);
  if (got < 4) fail<FileError>(file.where(), "an idx file", got ? "a few bytes" : "an empty file", kHint);
  if (magic[0] != 0 || magic[1] != 0) fail<FileError>(file.where(), "an idx file", "a file of another kind", kHint);
  if (magic[2] != 8) {
    fail<FileError>(file.where(), "unsigned bytes (type 8)", "type " + std::to_string(magic[2]), kHint);
  }
  if (magic[3] < 1 || magic[3] > Shape::kMaxRank) {
    fail<FileError>(file.where(), "1 to 8 dimensions", std::to_string(magic[3]), kHint);
  }

  IdxBytes result;
  for (int axis = 0; axis < magic[3]; ++axis) {
    std::uint8_t dim[4];
    if (file.read(dim, 4) < 4) fail<FileError>(file.where(), "a whole header", "the end of the file");
    result.shape.push_back(Index{dim[0]} << 24 | Index{dim[1]} << 16 | Index{dim[2]} << 8 | Index{dim[3]});
  }

  Index total = 0;
  try {
    total = result.shape.elements();
  } catch (const ShapeError&) {
    fail<FileError>(file.where(), "a size that fits in memory", result.shape.str());
  }
  // The header is not believed: memory grows with what the file really holds.
  const std::size_t expected = static_cast<std::size_t>(total);
  std::size_t filled = 0;
  for (std::size_t step = 1 << 20; filled < expected; step *= 2) {
    const std::size_t wanted = expected - filled < step ? expected - filled : step;
    result.bytes.resize(filled + wanted);
    const std::size_t part = file.read(result.bytes.data() + filled, wanted);
    filled += part;
    if (part < wanted) {
      fail<FileError>(file.where(), std::to_string(expected) + " bytes for " + result.shape.str(),
                      std::to_string(filled), "Was the download complete?");
    }
  }
  // Reading on also makes zlib check the sum at the end of the file.
  std::uint8_t more;
  if (file.read(&more, 1) != 0) {
    fail<FileError>(file.where(), std::to_string(expected) + " bytes for " + result.shape.str(), "more");
  }
  return result;
}

}  // namespace detail

/// Reads an idx file of unsigned bytes, gzip-compressed or plain: the format of MNIST and its kin. Each byte, 0 … 255, is
/// multiplied by `scale`; 1.0 / 255 gives 0 … 1. Throws FileError for a file that is missing, empty, cut off, too long,
/// damaged, or something else.
template <class Scalar = float>
Tensor<Scalar> read_idx(const std::string& path, double scale = 1.0) {
  const detail::IdxBytes file = detail::read_idx_bytes(path);
  // A table, so that a scaled byte is rounded once, from double.
  Scalar values[256];
  for (int byte = 0; byte < 256; ++byte) values[byte] = static_cast<Scalar>(byte * scale);
  Tensor<Scalar> result = Tensor<Scalar>::uninitialized(file.shape);
  for (std::size_t i = 0; i < file.bytes.size(); ++i) result.data()[i] = values[file.bytes[i]];
  return result;
}

}  // namespace graft
