#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "graft/core/error.hpp"

namespace graft {

/// A file that appears under its name whole or not at all: it is written under a temporary name beside the target,
/// synced to disk and renamed by commit(). Whatever fails before that leaves the old file as it was, and no rest.
class AtomicFile {
 public:
  /// Throws FileError when nothing can be written there.
  GRAFT_COLD explicit AtomicFile(const std::string& path) : target_(path) {
    struct stat info {};
    if (path.empty()) fail<FileError>("save", "the name of a file", "an empty one");
    if (::stat(path.c_str(), &info) == 0) {
      if (S_ISDIR(info.st_mode)) fail<FileError>(where(), "the name of a file", "a folder");
      if (!S_ISREG(info.st_mode)) fail<FileError>(where(), "a regular file", "a device or a pipe");
      mode_ = info.st_mode & 07777;
      follow_link();
    }
    static std::atomic<unsigned> counter{0};
    temporary_ = target_ + ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(counter++);
    // Made here, exclusively, so that the name is ours and the folder is known to take files.
    const int file = ::open(temporary_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    if (file < 0) fail_with("create a file in its folder", errno);
    ::close(file);
  }
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile() {
    if (!committed_) ::unlink(temporary_.c_str());
  }

  /// Where to write. Closed by the writer before commit.
  const std::string& temporary() const { return temporary_; }
  std::string where() const { return "save to \"" + target_ + "\""; }

  /// Puts the finished file in place. Throws FileError.
  GRAFT_COLD void commit() {
    const int file = ::open(temporary_.c_str(), O_RDWR | O_CLOEXEC);
    if (file < 0) fail_with("open what was written", errno);
    if (mode_ >= 0) (void)::fchmod(file, static_cast<mode_t>(mode_));
    const bool synced = ::fsync(file) == 0;
    const int error = errno;
    const bool closed = ::close(file) == 0;
    if (!synced || !closed) fail_with("write", synced ? errno : error);
    if (std::rename(temporary_.c_str(), target_.c_str()) != 0) fail_with("rename the finished file", errno);
    committed_ = true;
    sync_folder();
  }

  [[noreturn]] GRAFT_COLD void fail_with(const char* action, int error) const {
    throw FileError(where() + ": cannot " + action + ": " + std::strerror(error) +
                    (error == ENOENT ? ". Does the folder exist?" : ".") + " Nothing was changed.");
  }

 private:
  // Saving through a symbolic link replaces what it points to, not the link.
  GRAFT_COLD void follow_link() {
    if (char* resolved = ::realpath(target_.c_str(), nullptr)) {
      target_ = resolved;
      std::free(resolved);
    }
  }

  // The new name itself must survive a power cut; a file system that cannot sync folders has nothing to offer here.
  GRAFT_COLD void sync_folder() const {
    const std::size_t slash = target_.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : target_.substr(0, slash + 1);
    const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return;
    (void)::fsync(directory);
    ::close(directory);
  }

  std::string target_, temporary_;
  int mode_ = -1;
  bool committed_ = false;
};

}  // namespace graft
