#pragma once

#include "graft/io/atomic_file.hpp"
#include "graft/io/file_kind.hpp"
#include "graft/io/hdf5/group.hpp"
#include "graft/io/hdf5/image.hpp"
#include "graft/io/hdf5/write_driver.hpp"

namespace graft::hdf5 {

namespace detail {
// Everything that can be said about a file before the library sees it. Throws FileError.
GRAFT_COLD inline void check_readable(const std::string& path, const std::string& where) {
  const graft::detail::FileHead head(path, where, "an HDF5 file");
  if (!graft::detail::has_hdf5_signature(path, head.size)) fail<FileError>(where, "an HDF5 file", head.looks_like());
}
}  // namespace detail

/// An HDF5 file, open for reading. Groups and arrays keep it open as long as they live.
class File {
 public:
  /// Throws FileError for a file that is missing, empty, truncated, a folder, or not HDF5. The file may be hostile:
  /// what the library sees of it was looked through (MetadataGuard says what is refused, and the limits).
  GRAFT_COLD static File open(const std::string& path) {
    const std::string where = "\"" + path + "\"";
    detail::check_readable(path, where);
    return open(ByteSource::open(path, where), where);
  }

  /// A file that lies in memory; `where` is its name in messages. Throws FileError.
  GRAFT_COLD static File open_image(const std::shared_ptr<const Image>& image, const std::string& where) {
    return open(ByteSource::memory(image->data(), static_cast<Index>(image->size()), image), where);
  }

  /// Any source of bytes. Throws FileError.
  GRAFT_COLD static File open(const std::shared_ptr<const ByteSource>& source, const std::string& where) {
    File file(where);
    const Call call(file.where_);
    const Handle access = access_properties(call);
    ReadDriver::select(access.get(), source, call);
    file.id_ = Handle(H5Fopen(where.c_str(), H5F_ACC_RDONLY, access.get()), &H5Fclose);
    if (!file.id_) {
      throw FileError(file.where_ + ": expected a whole HDF5 file, received one that is damaged or truncated. " +
                      Call::library_message());
    }
    return file;
  }

  GRAFT_COLD Group root() const {
    const Call call(where_);
    return Group(Handle(call.check(H5Gopen2(id_.get(), "/", H5P_DEFAULT), "open its root"), &H5Gclose), where_ + ": ");
  }

  /// Makes a file out of nothing, or of what stands there; what is before byte `base` stays. What goes wrong with the
  /// disk is noted in `*error`. With `alignment`, arrays begin at multiples of it.
  GRAFT_COLD static File create(const std::string& path, const std::string& where, int* error, Index base = 0,
                                Index alignment = 0) {
    File file(where);
    const Call call(file.where_);
    const Handle access = access_properties(call);
    WriteDriver::select(access.get(), error, base, call);
    if (alignment > 0) call.check(H5Pset_alignment(access.get(), 1, static_cast<hsize_t>(alignment)), "create it");
    file.id_ =
        Handle(call.check(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get()), "create it"), &H5Fclose);
    return file;
  }

  /// Writes what the library still holds and closes. Throws FileError.
  GRAFT_COLD void close() {
    const Call call(where_);
    call.check(H5Fclose(id_.release()), "finish writing");
  }

 private:
  explicit File(std::string where) : where_(std::move(where)) {}

  GRAFT_COLD static Handle access_properties(const Call& call) {
    Handle access(call.check(H5Pcreate(H5P_FILE_ACCESS), "open it"), &H5Pclose);
#if H5_VERSION_GE(1, 10, 7)
    // Network file systems refuse locks, and a finished model file has no writer to be protected from.
    call.check(H5Pset_file_locking(access.get(), false, true), "open it");
#endif
    return access;
  }

  std::string where_;
  Handle id_;
};

/// Writes an HDF5 file through `write(root)` into the temporary file of `target`, from byte `base` to its end. Throws
/// FileError.
template <class Write>
void write_part(const AtomicFile& target, Index base, Write&& write) {
  int error = 0;
  try {
    File file = File::create(target.temporary(), target.where(), &error, base);
    write(file.root());
    file.close();
  } catch (const FileError&) {
    if (error == 0) throw;  // else the disk is the cause, whatever the library made of it
  }
  if (error) target.fail_with("write", error);
}

/// Writes an HDF5 file through `write(root)`; it appears under its name only when it is whole. Throws FileError, with
/// the old file untouched, when anything fails.
template <class Write>
void write_file(const std::string& path, Write&& write) {
  AtomicFile target(path);
  write_part(target, 0, write);
  target.commit();
}

}  // namespace graft::hdf5
