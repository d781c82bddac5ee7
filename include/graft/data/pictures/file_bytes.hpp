#pragma once

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "graft/core/error.hpp"

namespace graft::detail {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using FilePtr = std::unique_ptr<std::FILE, CloseFile>;

/// The bytes of a file, into memory that is kept from file to file. Throws FileError, also for more than `most` bytes.
GRAFT_COLD inline void read_file_bytes(const std::string& path, Index most, std::vector<std::uint8_t>& into) {
  const std::string where = "\"" + path + "\"";
  const FilePtr file(std::fopen(path.c_str(), "rb"));
  if (!file) fail<FileError>(where, "a readable file", std::strerror(errno));
  into.clear();
  std::uint8_t chunk[1 << 15];
  for (;;) {
    const std::size_t got = std::fread(chunk, 1, sizeof chunk, file.get());
    into.insert(into.end(), chunk, chunk + got);
    if (static_cast<Index>(into.size()) > most) {
      fail<FileError>(where, "a file of at most " + std::to_string(most) + " bytes", "more");
    }
    if (got < sizeof chunk) break;
  }
  if (std::ferror(file.get())) fail<FileError>(where, "a readable file", std::strerror(errno));
}

/// Writes a file. Throws FileError; what could not be written whole is removed.
GRAFT_COLD inline void write_file_bytes(const std::string& path, const std::string& bytes) {
  const auto failed = [&] {
    const int error = errno;
    fail<FileError>("\"" + path + "\"", "a file that can be written", std::strerror(error));
  };
  FilePtr file(std::fopen(path.c_str(), "wb"));
  if (!file) failed();
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file.get()) == bytes.size();
  if (std::fclose(file.release()) != 0 || !written) {
    const int error = errno;
    std::remove(path.c_str());
    errno = error;
    failed();
  }
}

}  // namespace graft::detail
