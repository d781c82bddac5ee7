#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "graft/core/error.hpp"

namespace graft::hdf5 {

/// Where the bytes of a file come from: a file on disk, or memory (a member of an archive). Reading is const and safe
/// from several threads.
class ByteSource {
 public:
  /// A regular file. Throws FileError.
  GRAFT_COLD static std::shared_ptr<const ByteSource> open(const std::string& path, const std::string& where) {
    std::shared_ptr<ByteSource> source(new ByteSource);
    source->descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info {};
    if (source->descriptor_ < 0 || ::fstat(source->descriptor_, &info) != 0)
      fail<FileError>(where, "a readable file", std::strerror(errno));
    if (!S_ISREG(info.st_mode)) fail<FileError>(where, "a regular file", "a folder, a device or a pipe");
    source->size_ = static_cast<Index>(info.st_size);
    return source;
  }

  /// `size` bytes at `data`, which `owner` keeps alive (it may be null when the caller sees to that).
  GRAFT_COLD static std::shared_ptr<const ByteSource> memory(const void* data, Index size,
                                                             std::shared_ptr<const void> owner = nullptr) {
    std::shared_ptr<ByteSource> source(new ByteSource);
    source->data_ = static_cast<const char*>(data);
    source->size_ = size;
    source->owner_ = std::move(owner);
    return source;
  }

  ~ByteSource() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  Index size() const { return size_; }

  /// False when not all of the bytes are there.
  GRAFT_COLD bool read(std::uint64_t offset, std::size_t size, void* into) const noexcept {
    const auto end = static_cast<std::uint64_t>(size_);
    if (offset > end || size > end - offset) return false;
    if (data_) {
      if (size > 0) std::memcpy(into, data_ + offset, size);
      return true;
    }
    for (auto* bytes = static_cast<char*>(into); size > 0;) {
      const ssize_t got = ::pread(descriptor_, bytes, size, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      bytes += got;
      offset += static_cast<std::uint64_t>(got);
      size -= static_cast<std::size_t>(got);
    }
    return true;
  }

 private:
  ByteSource() = default;

  int descriptor_ = -1;
  const char* data_ = nullptr;
  Index size_ = 0;
  std::shared_ptr<const void> owner_;
};

}  // namespace graft::hdf5
