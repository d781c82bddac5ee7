#pragma once

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "graft/core/error.hpp"

// What a file is, by its content: names tell nothing.
namespace graft {

enum class FileKind {
  hdf5,
  zip,
  json,  ///< or what looks like it
  other
};

namespace detail {

/// The first 64 bytes of a regular file and its size. Throws FileError for everything that is no such file.
struct FileHead {
  std::string bytes;
  Index size = 0;

  GRAFT_COLD FileHead(const std::string& path, const std::string& where, const char* expected) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
      const int error = errno;
      fail<FileError>(where, "a file", error == ENOENT ? "nothing: there is no such file" : std::strerror(error));
    }
    if (S_ISDIR(info.st_mode)) fail<FileError>(where, expected, "a folder");
    if (!S_ISREG(info.st_mode)) fail<FileError>(where, "a regular file", "a device or a pipe");
    if (info.st_size == 0) fail<FileError>(where, expected, "an empty file", "Was writing it interrupted?");
    size = static_cast<Index>(info.st_size);
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (!file) fail<FileError>(where, "a readable file", std::strerror(errno));
    char buffer[64];
    bytes.assign(buffer, std::fread(buffer, 1, sizeof buffer, file));
    std::fclose(file);
  }

  bool starts(const char* text) const { return bytes.compare(0, std::strlen(text), text) == 0; }

  GRAFT_COLD bool is_json() const {
    const std::size_t first = bytes.find_first_not_of(" \t\r\n");
    return first != std::string::npos && (bytes[first] == '{' || bytes[first] == '[');
  }

  /// What a file that is none of ours seems to be: people hand over all sorts of things.
  GRAFT_COLD std::string looks_like() const {
    if (starts("PK\003\004")) return "a zip archive";
    if (starts("version https://git-lfs")) return "a Git LFS pointer: run git lfs pull to get the file itself";
    if (starts("<!DOCTYPE") || starts("<html") || starts("<HTML")) return "a web page: the download went wrong";
    if (is_json()) return "text that looks like JSON";
    if (starts("\x1f\x8b")) return "a gzip archive: unpack it first";
    return "something else";
  }
};

// The signature stands at 0, or at 512, 1024, 2048 … behind a user's block.
GRAFT_COLD inline bool has_hdf5_signature(const std::string& path, Index size) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (!file) return false;
  bool found = false, readable = true;
  for (Index at = 0; !found && readable && at + 8 <= size && at <= (Index{1} << 32); at = at ? at * 2 : 512) {
    char bytes[8];
    readable = std::fseek(file, static_cast<long>(at), SEEK_SET) == 0 && std::fread(bytes, 1, 8, file) == 8;
    found = readable && std::memcmp(bytes, "\211HDF\r\n\032\n", 8) == 0;
  }
  std::fclose(file);
  return found;
}

}  // namespace detail

/// Throws FileError for what cannot be read at all.
GRAFT_COLD inline FileKind file_kind(const std::string& path) {
  const detail::FileHead head(path, "\"" + path + "\"", "a Keras model");
  if (head.starts("PK\003\004") || head.starts("PK\005\006")) return FileKind::zip;
  if (detail::has_hdf5_signature(path, head.size)) return FileKind::hdf5;
  return head.is_json() ? FileKind::json : FileKind::other;
}

/// A whole text file of at most `most` bytes. Throws FileError.
GRAFT_COLD inline std::string read_text_file(const std::string& path, Index most, const char* expected) {
  const std::string where = "\"" + path + "\"";
  const detail::FileHead head(path, where, expected);
  if (head.size > most) {
    fail<FileError>(where, "at most " + std::to_string(most) + " bytes", std::to_string(head.size));
  }
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (!file) fail<FileError>(where, "a readable file", std::strerror(errno));
  std::string text(static_cast<std::size_t>(head.size), '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  return text;
}

}  // namespace graft
