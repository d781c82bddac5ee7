#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "graft/io/hdf5/handle.hpp"

#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

namespace graft::hdf5 {

/// The bytes of a file in memory. Not initialised: what is never written costs no memory.
class Image {
 public:
  explicit Image(std::size_t size) : bytes_(new char[size]), size_(size) {}

  char* data() { return bytes_.get(); }
  const char* data() const { return bytes_.get(); }
  std::size_t size() const { return size_; }
  std::string_view text() const { return {data(), size()}; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_;
};

/// How HDF5 reads a file that lies in memory: without a copy of it, which the library's own driver would make.
class ImageDriver {
 public:
  /// Makes a file access list read `image`, which the open file then shares. Throws FileError.
  GRAFT_COLD static void select(hid_t access, const std::shared_ptr<const Image>& image, const Call& call) {
    static const hid_t driver = call.check(H5FDregister(&driver_class()), "register a file driver");
    const Info info{&image};
    call.check(H5Pset_driver(access, driver, &info), "select a file driver");
  }

 private:
  struct Info {
    const std::shared_ptr<const Image>* image;  // looked at while the file is opened, never later
  };
  struct File {
    H5FD_t base;  // first: the library sees only this part
    std::shared_ptr<const Image> image;
    haddr_t end_of_allocation;
  };
  static File& self(H5FD_t* file) { return *reinterpret_cast<File*>(file); }
  static const File& self(const H5FD_t* file) { return *reinterpret_cast<const File*>(file); }

  static H5FD_t* open(const char*, unsigned flags, hid_t access, haddr_t) {
    const auto* info = static_cast<const Info*>(H5Pget_driver_info(access));
    if (!info || (flags & (H5F_ACC_RDWR | H5F_ACC_TRUNC | H5F_ACC_CREAT))) return nullptr;
    return &(new File{H5FD_t{}, *info->image, 0})->base;
  }
  static herr_t close(H5FD_t* base) {
    delete &self(base);
    return 0;
  }
  static herr_t read(H5FD_t* base, H5FD_mem_t, hid_t, haddr_t offset, size_t size, void* into) {
    const Image& image = *self(base).image;
    if (offset > image.size() || size > image.size() - offset) return -1;
    std::memcpy(into, image.data() + offset, size);
    return 0;
  }
  static herr_t write(H5FD_t*, H5FD_mem_t, hid_t, haddr_t, size_t, const void*) { return -1; }
  static herr_t query(const H5FD_t*, unsigned long* flags) {
    *flags = 0;
    return 0;
  }
  static haddr_t get_eoa(const H5FD_t* file, H5FD_mem_t) { return self(file).end_of_allocation; }
  static herr_t set_eoa(H5FD_t* file, H5FD_mem_t, haddr_t end) {
    self(file).end_of_allocation = end;
    return 0;
  }
  static haddr_t get_eof(const H5FD_t* file, H5FD_mem_t) { return self(file).image->size(); }

  GRAFT_COLD static const H5FD_class_t& driver_class() {
    static const H5FD_class_t instance = [] {
      H5FD_class_t made{};
#if H5_VERSION_GE(1, 13, 0)
      made.version = H5FD_CLASS_VERSION;
      made.value = static_cast<H5FD_class_value_t>(601);  // 512 and up are free for tests and private use
#endif
      made.name = "graft_image";
      made.maxaddr = static_cast<haddr_t>(INT64_MAX) - 1;
      made.fc_degree = H5F_CLOSE_WEAK;
      made.fapl_size = sizeof(Info);
      made.open = &open;
      made.close = &close;
      made.query = &query;
      made.get_eoa = &get_eoa;
      made.set_eoa = &set_eoa;
      made.get_eof = &get_eof;
      made.read = &read;
      made.write = &write;
      for (auto& kind : made.fl_map) kind = H5FD_MEM_DEFAULT;
      return made;
    }();
    return instance;
  }
};

}  // namespace graft::hdf5
