#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "graft/core/error.hpp"

namespace graft {

/// A file seen as memory, for reading: the system brings in what is touched and drops it again, so that files larger
/// than memory work. The file may be renamed or removed meanwhile, but not be made shorter.
class MappedFile {
 public:
  /// nullptr when there is no such file, or an empty one. Throws FileError.
  GRAFT_COLD static std::shared_ptr<const MappedFile> open(const std::string& path) {
    const std::string where = "\"" + path + "\"";
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0 && errno == ENOENT) return nullptr;
    struct stat info {};
    if (descriptor < 0 || ::fstat(descriptor, &info) != 0) {
      const int error = errno;
      if (descriptor >= 0) ::close(descriptor);
      fail<FileError>(where, "a readable file", std::strerror(error));
    }
    if (!S_ISREG(info.st_mode)) {
      ::close(descriptor);
      fail<FileError>(where, "a regular file", "a folder, a device or a pipe");
    }
    const auto size = static_cast<std::size_t>(info.st_size);
    void* bytes = size == 0 ? nullptr : ::mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor, 0);
    const int error = errno;
    ::close(descriptor);
    if (bytes == MAP_FAILED) fail<FileError>(where, "a file that can be mapped", std::strerror(error));
    return bytes ? std::shared_ptr<const MappedFile>(new MappedFile(static_cast<const std::byte*>(bytes), size))
                 : nullptr;
  }
  ~MappedFile() { ::munmap(const_cast<std::byte*>(bytes_), size_); }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::byte* data() const { return bytes_; }
  Index size() const { return static_cast<Index>(size_); }

 private:
  MappedFile(const std::byte* bytes, std::size_t size) : bytes_(bytes), size_(size) {}

  const std::byte* bytes_;
  std::size_t size_;
};

}  // namespace graft
