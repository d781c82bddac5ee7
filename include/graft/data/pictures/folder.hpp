#pragma once

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graft/core/error.hpp"

namespace graft::detail {

struct FolderEntries {
  std::vector<std::string> folders, files;  // names, sorted as Python sorts them
};

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

inline std::string join_path(const std::string& folder, const std::string& name) {
  return folder.empty() || folder.back() == '/' ? folder + name : folder + "/" + name;
}

/// What is in a folder; a link to a folder counts as a folder. Throws FileError.
GRAFT_COLD inline FolderEntries list_folder(const std::string& path) {
  const std::unique_ptr<DIR, CloseFolder> folder(::opendir(path.c_str()));
  if (!folder) fail<FileError>("\"" + path + "\"", "a folder that can be read", std::strerror(errno));
  FolderEntries result;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    struct stat status;
    const bool is_folder = ::stat(join_path(path, name).c_str(), &status) == 0 && S_ISDIR(status.st_mode);
    (is_folder ? result.folders : result.files).push_back(name);
  }
  std::sort(result.folders.begin(), result.folders.end());
  std::sort(result.files.begin(), result.files.end());
  return result;
}

/// ".JPG" → ".jpg": the extension in small letters, or nothing.
inline std::string extension_of(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  std::string result = dot == std::string::npos ? std::string() : name.substr(dot);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

/// All files below a folder whose names end like pictures, in Keras's order: folder by folder in the order of their
/// whole paths, and by name within one. Folders that are links are entered only with follow_links. Throws FileError.
class PictureFinder {
 public:
  GRAFT_COLD PictureFinder(const std::string& root, bool follow_links) : follow_links_(follow_links) {
    walk(root);
    std::sort(folders_.begin(), folders_.end(), [](const Found& a, const Found& b) { return a.path < b.path; });
    for (const Found& folder : folders_) {
      for (const std::string& name : folder.files) {
        const std::string extension = extension_of(name);
        const bool known = extension == ".jpg" || extension == ".jpeg" || extension == ".png";
        if (known || extension == ".bmp" || extension == ".gif") paths.push_back(join_path(folder.path, name));
      }
    }
  }

  std::vector<std::string> paths;

 private:
  struct Found {
    std::string path;
    std::vector<std::string> files;
  };

  GRAFT_COLD void walk(const std::string& path) {
    struct stat status;
    if (::stat(path.c_str(), &status) != 0) fail<FileError>("\"" + path + "\"", "a folder", std::strerror(errno));
    const std::pair<std::uint64_t, std::uint64_t> self(status.st_dev, status.st_ino);
    if (std::find(above_.begin(), above_.end(), self) != above_.end()) {
      fail<FileError>("\"" + path + "\"", "folders that end somewhere", "a link to a folder above it");
    }
    above_.push_back(self);
    FolderEntries entries = list_folder(path);
    for (const std::string& name : entries.folders) {
      const std::string below = join_path(path, name);
      const bool link = ::lstat(below.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
      if (!link || follow_links_) walk(below);
    }
    above_.pop_back();
    folders_.push_back({path, std::move(entries.files)});
  }

  bool follow_links_;
  std::vector<Found> folders_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> above_;  // device and number of the folders on the way
};

}  // namespace graft::detail
