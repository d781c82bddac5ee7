#pragma once

#include <map>

#include "graft/core/error.hpp"
#include "graft/io/hdf5/image.hpp"

#ifdef GRAFT_HAS_LIBZIP
#include <zip.h>
#endif

// Zip archives, as .keras files are, through libzip where that is there (GRAFT_HAS_LIBZIP).
namespace graft::zip {

inline constexpr Index kMaxMembers = 1 << 16;
/// A member may be this many times larger than what is stored of it, once it is larger than kSmall.
inline constexpr Index kMaxRatio = 100;
inline constexpr Index kSmall = Index{1} << 20;

#ifdef GRAFT_HAS_LIBZIP

/// An archive, opened for reading. Members are read into memory, one by one, when their names are asked for; nothing
/// else is touched, and nothing is written anywhere.
class Reader {
 public:
  /// Throws FileError.
  GRAFT_COLD explicit Reader(const std::string& path) : where_("\"" + path + "\"") {
    int error = 0;
    archive_.reset(zip_open(path.c_str(), ZIP_RDONLY, &error));
    if (!archive_) {
      zip_error_t text;
      zip_error_init_with_code(&text, error);
      const std::string message = zip_error_strerror(&text);
      zip_error_fini(&text);
      fail<FileError>(where_, "a whole zip archive", "one that is damaged or truncated", message + ".");
    }
    const zip_int64_t members = zip_get_num_entries(archive_.get(), 0);
    if (members > kMaxMembers) {
      fail<FileError>(where_, "at most 65,536 members", std::to_string(members), "The file is damaged or hostile.");
    }
    for (zip_int64_t i = 0; i < members; ++i) {
      const char* raw = zip_get_name(archive_.get(), static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW);
      if (!raw) continue;
      std::string name = raw;
      for (char& c : name) c = c == '\\' ? '/' : c;  // of Windows
      if (!positions_.emplace(name, i).second) duplicates_.push_back(name);
    }
  }

  const std::string& where() const { return where_; }
  bool contains(const std::string& name) const { return positions_.count(name) != 0; }

  /// The bytes of a member of at most `most` bytes. Throws FileError for one that is missing, is there twice, is
  /// damaged, encrypted, or a bomb.
  GRAFT_COLD std::shared_ptr<const hdf5::Image> read(const std::string& name, Index most) const {
    const std::string place = where_ + ", \"" + name + "\"";
    const auto found = positions_.find(name);
    if (found == positions_.end()) fail<FileError>(where_, "a member \"" + name + "\"", "none of that name");
    for (const std::string& twice : duplicates_) {
      if (twice == name) fail<FileError>(place, "one member of that name", "two", "The file is damaged or hostile.");
    }
    const auto position = static_cast<zip_uint64_t>(found->second);
    zip_stat_t info;
    zip_stat_init(&info);
    constexpr zip_uint64_t kNeeded = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE;
    if (zip_stat_index(archive_.get(), position, 0, &info) != 0 || (info.valid & kNeeded) != kNeeded) {
      fail<FileError>(place, "a member of known size", "another", message());
    }
    const auto limit = static_cast<zip_uint64_t>(most);
    if (info.size > limit) {
      fail<FileError>(place, "at most " + std::to_string(most) + " bytes", std::to_string(info.size));
    }
    if (info.size > static_cast<zip_uint64_t>(kSmall) && info.size / kMaxRatio > info.comp_size) {
      fail<FileError>(place, "at most 100 times the " + std::to_string(info.comp_size) + " bytes that are stored",
                      std::to_string(info.size) + " bytes", "This is a zip bomb.");
    }
    return unpack(position, static_cast<std::size_t>(info.size), place);
  }

 private:
  struct Discard {
    void operator()(zip_t* archive) const { zip_discard(archive); }
  };
  struct Close {
    void operator()(zip_file_t* file) const { zip_fclose(file); }
  };

  std::string message() const { return std::string(zip_strerror(archive_.get())) + "."; }

  GRAFT_COLD std::shared_ptr<const hdf5::Image> unpack(zip_uint64_t position, std::size_t size,
                                                       const std::string& place) const {
    const std::unique_ptr<zip_file_t, Close> file(zip_fopen_index(archive_.get(), position, 0));
    if (!file) fail<FileError>(place, "a readable member", "another", message());
    auto image = std::make_shared<hdf5::Image>(size);
    std::size_t done = 0;
    while (done < size) {
      const zip_int64_t got = zip_fread(file.get(), image->data() + done, size - done);
      if (got <= 0) {
        fail<FileError>(place, std::to_string(size) + " bytes", std::to_string(done),
                        "The file is damaged: " + std::string(zip_file_strerror(file.get())) + ".");
      }
      done += static_cast<std::size_t>(got);
    }
    // The checksum is compared at the end, which only one read more shows.
    char rest;
    if (zip_fread(file.get(), &rest, 1) != 0) {
      fail<FileError>(place, "what its checksum says", "something else", "The file is damaged.");
    }
    return image;
  }

  std::string where_;
  std::unique_ptr<zip_t, Discard> archive_;
  std::map<std::string, zip_int64_t> positions_;
  std::vector<std::string> duplicates_;
};

#else

/// Without libzip an archive cannot be read.
class Reader {
 public:
  GRAFT_COLD explicit Reader(const std::string& path) {
    throw FileError("\"" + path +
                    "\" is a zip archive (a .keras file), and this program was built without libzip, which reads it. "
                    "Install it (Debian, Ubuntu: libzip-dev) and build again. Without it: save the model as .h5.");
  }
  const std::string& where() const { return where_; }
  bool contains(const std::string&) const { return false; }
  std::shared_ptr<const hdf5::Image> read(const std::string&, Index) const { return nullptr; }

 private:
  std::string where_;
};

#endif

}  // namespace graft::zip
