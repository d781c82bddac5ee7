#pragma once

#include <algorithm>
#include <exception>

#include "graft/io/hdf5/handle.hpp"
#include "graft/io/hdf5/metadata_guard.hpp"

#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

namespace graft::hdf5 {

/// How HDF5 reaches a file that it reads: any source of bytes, through a MetadataGuard. Numbers go straight from the
/// source into the caller's memory.
class ReadDriver {
 public:
  /// Makes a file access list read `source`. Throws FileError when that does not begin as HDF5 does.
  GRAFT_COLD static void select(hid_t access, const std::shared_ptr<const ByteSource>& source, const Call& call) {
    const Info info{&source};
    call.check(H5Pset_driver(access, driver(call), &info), "select a file driver");
  }

  /// The guard of the file that an object is in; nullptr when it was not opened by this driver.
  GRAFT_COLD static MetadataGuard* guard_of(hid_t object, const Call& call) {
    const Handle file(call.check(H5Iget_file_id(object), "find its file"), &H5Fclose);
    const Handle access(call.check(H5Fget_access_plist(file.get()), "find its driver"), &H5Pclose);
    if (H5Pget_driver(access.get()) != driver(call)) return nullptr;
    void* guard = nullptr;
    call.check(H5Fget_vfd_handle(file.get(), H5P_DEFAULT, &guard), "find its driver");
    return static_cast<MetadataGuard*>(guard);
  }

 private:
  struct Info {
    const std::shared_ptr<const ByteSource>* source;  // used while the file is being opened only
  };
  struct File {
    H5FD_t base;  // first: the library sees only this part
    MetadataGuard guard;
    haddr_t end_of_allocation;
  };
  static File& self(H5FD_t* file) { return *reinterpret_cast<File*>(file); }
  static const File& self(const H5FD_t* file) { return *reinterpret_cast<const File*>(file); }

  GRAFT_COLD static hid_t driver(const Call& call) {
    static const hid_t id = call.check(H5FDregister(&driver_class()), "register a file driver");
    return id;
  }

  // The error becomes the innermost one of the library's stack, which Call reports.
  GRAFT_COLD static void push(const char* text) {
    H5Epush2(H5E_DEFAULT, __FILE__, "graft", __LINE__, H5E_ERR_CLS, H5E_IO, H5E_READERROR, "%s", text);
  }

  static H5FD_t* open(const char*, unsigned flags, hid_t access, haddr_t) {
    const auto* info = static_cast<const Info*>(H5Pget_driver_info(access));
    if (!info || (flags & H5F_ACC_RDWR)) return nullptr;
    try {
      return &(new File{H5FD_t{}, MetadataGuard(*info->source), 0})->base;
    } catch (const std::exception& error) {
      push(error.what());
      return nullptr;
    }
  }

  static herr_t close(H5FD_t* base) {
    delete &self(base);
    return 0;
  }

  static herr_t read(H5FD_t* base, H5FD_mem_t kind, hid_t, haddr_t offset, size_t size, void* into) {
    File& file = self(base);
    try {
      if (kind == H5FD_MEM_DRAW) file.guard.before_numbers(offset, size);
      else file.guard.before(kind, offset, size);
      if (file.guard.source().read(offset, size, into)) return 0;
      push("the file ends too early");
    } catch (const std::exception& error) {
      push(error.what());
    }
    return -1;
  }

  static herr_t write(H5FD_t*, H5FD_mem_t, hid_t, haddr_t, size_t, const void*) { return -1; }
  static herr_t get_handle(H5FD_t* base, hid_t, void** handle) {
    *handle = &self(base).guard;
    return 0;
  }
  static herr_t query(const H5FD_t*, unsigned long* flags) {
    *flags = H5FD_FEAT_DATA_SIEVE;
    return 0;
  }
  static haddr_t get_eoa(const H5FD_t* file, H5FD_mem_t) { return self(file).end_of_allocation; }
  static herr_t set_eoa(H5FD_t* file, H5FD_mem_t, haddr_t end) {
    self(file).end_of_allocation = end;
    return 0;
  }
  static haddr_t get_eof(const H5FD_t* file, H5FD_mem_t) {
    return static_cast<haddr_t>(self(file).guard.source().size());
  }

  GRAFT_COLD static const H5FD_class_t& driver_class() {
    static const H5FD_class_t instance = [] {
      H5FD_class_t made{};
#if H5_VERSION_GE(1, 13, 0)
      made.version = H5FD_CLASS_VERSION;
      made.value = static_cast<H5FD_class_value_t>(601);  // 512 and up are free for tests and private use
#endif
      made.name = "graft_read";
      made.maxaddr = static_cast<haddr_t>(INT64_MAX) - 1;
      made.fc_degree = H5F_CLOSE_WEAK;
      made.fapl_size = sizeof(Info);
      made.open = &open;
      made.close = &close;
      made.query = &query;
      made.get_eoa = &get_eoa;
      made.set_eoa = &set_eoa;
      made.get_eof = &get_eof;
      made.get_handle = &get_handle;
      made.read = &read;
      made.write = &write;
      std::fill(std::begin(made.fl_map), std::end(made.fl_map), H5FD_MEM_DEFAULT);
      return made;
    }();
    return instance;
  }
};

}  // namespace graft::hdf5
