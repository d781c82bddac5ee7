#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "graft/io/hdf5/handle.hpp"

#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

namespace graft::hdf5 {

/// How HDF5 reaches the file that it writes. The library does not survive a disk that fills up while it closes a file
/// (1.10.8 crashes in the flush), so this driver keeps the failure to itself: it notes the first error, drops what
/// follows, tells the library that all is well, and whoever saves looks at `error` before the file gets its name.
class WriteDriver {
 public:
  /// Makes a file access list write through this driver and note its first failure (an errno) in `*error`, which must
  /// outlive the file. The file begins at byte `base` of what it is written into. Throws FileError.
  GRAFT_COLD static void select(hid_t access, int* error, Index base, const Call& call) {
    static const hid_t driver = call.check(H5FDregister(&driver_class()), "register a file driver");
    const Info info{error, static_cast<off_t>(base)};
    call.check(H5Pset_driver(access, driver, &info), "select a file driver");
  }

 private:
  struct Info {
    int* error;
    off_t base;
  };
  struct File {
    H5FD_t base;  // first: the library sees only this part
    int descriptor;
    int* error;
    off_t first;  // byte of the file where HDF5's begins
    haddr_t end_of_allocation, end_of_file;

    void note(int code) const {
      if (*error == 0) *error = code ? code : EIO;
    }
  };
  static File& self(H5FD_t* file) { return *reinterpret_cast<File*>(file); }
  static const File& self(const H5FD_t* file) { return *reinterpret_cast<const File*>(file); }

  static H5FD_t* open(const char* name, unsigned flags, hid_t access, haddr_t) {
    const auto* info = static_cast<const Info*>(H5Pget_driver_info(access));
    if (!info || !(flags & H5F_ACC_TRUNC)) return nullptr;
    const int descriptor = ::open(name, O_RDWR | (info->base == 0 ? O_TRUNC : 0) | O_CLOEXEC);
    if (descriptor < 0) {
      *info->error = errno;
      return nullptr;
    }
    return &(new File{H5FD_t{}, descriptor, info->error, info->base, 0, 0})->base;
  }

  static herr_t close(H5FD_t* base) {
    File& file = self(base);
    // The end of the file may lie behind the last byte written.
    if (*file.error == 0 && ::ftruncate(file.descriptor, file.first + static_cast<off_t>(file.end_of_allocation)) != 0)
      file.note(errno);
    if (::close(file.descriptor) != 0) file.note(errno);
    delete &file;
    return 0;
  }

  static herr_t read(H5FD_t* base, H5FD_mem_t, hid_t, haddr_t offset, size_t size, void* into) {
    auto* bytes = static_cast<char*>(into);
    while (size > 0) {
      const ssize_t got = ::pread(self(base).descriptor, bytes, size, self(base).first + static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return -1;
      if (got == 0) {  // behind the end: zeros, as in a sparse file
        std::fill_n(bytes, size, '\0');
        break;
      }
      bytes += got;
      offset += static_cast<haddr_t>(got);
      size -= static_cast<size_t>(got);
    }
    return 0;
  }

  static herr_t write(H5FD_t* base, H5FD_mem_t, hid_t, haddr_t offset, size_t size, const void* from) {
    File& file = self(base);
    file.end_of_file = std::max(file.end_of_file, offset + size);
    const auto* bytes = static_cast<const char*>(from);
    while (size > 0 && *file.error == 0) {
      const ssize_t put = ::pwrite(file.descriptor, bytes, size, file.first + static_cast<off_t>(offset));
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) {
        file.note(put < 0 ? errno : ENOSPC);
        break;
      }
      bytes += put;
      offset += static_cast<haddr_t>(put);
      size -= static_cast<size_t>(put);
    }
    return 0;
  }

  static herr_t query(const H5FD_t*, unsigned long* flags) {
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
             H5FD_FEAT_AGGREGATE_SMALLDATA;
    return 0;
  }
  static haddr_t get_eoa(const H5FD_t* file, H5FD_mem_t) { return self(file).end_of_allocation; }
  static herr_t set_eoa(H5FD_t* file, H5FD_mem_t, haddr_t end) {
    self(file).end_of_allocation = end;
    return 0;
  }
  static haddr_t get_eof(const H5FD_t* file, H5FD_mem_t) { return self(file).end_of_file; }

  GRAFT_COLD static const H5FD_class_t& driver_class() {
    static const H5FD_class_t instance = [] {
      H5FD_class_t made{};
#if H5_VERSION_GE(1, 13, 0)
      made.version = H5FD_CLASS_VERSION;
      made.value = static_cast<H5FD_class_value_t>(600);  // 512 and up are free for tests and private use
#endif
      made.name = "graft_write";
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
      std::fill(std::begin(made.fl_map), std::end(made.fl_map), H5FD_MEM_DEFAULT);
      return made;
    }();
    return instance;
  }
};

}  // namespace graft::hdf5
