#pragma once

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "graft/core/error.hpp"

namespace graft {

/// Makes a folder and those around it; one that is there is fine. Throws FileError.
GRAFT_COLD inline void make_folders(const std::string& path) {
  if (path.empty()) return;
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), 0777) != 0 && errno != EEXIST) {
      throw FileError("folder \"" + part + "\": cannot be made: " + std::strerror(errno) + ".");
    }
    if (end == std::string::npos) break;
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    throw FileError("folder \"" + path + "\": expected a folder, there is something else of that name.");
  }
}

/// The folder that a file is in; empty for one without a folder in its name.
GRAFT_COLD inline std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

GRAFT_COLD inline bool file_exists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0;
}

}  // namespace graft
