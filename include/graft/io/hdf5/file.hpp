#pragma once

#include <cstring>

#include "graft/io/atomic_file.hpp"
#include "graft/io/hdf5/group.hpp"
#include "graft/io/hdf5/write_driver.hpp"

namespace graft::hdf5 {

namespace detail {
// What a file that is not HDF5 seems to be: people hand over all sorts of things.
GRAFT_COLD inline std::string looks_like(const std::string& head) {
  const auto starts = [&](const char* text) { return head.compare(0, std::strlen(text), text) == 0; };
  if (starts("PK\003\004")) return "a zip archive, perhaps a .keras file, which is not supported yet. Supported: .h5";
  if (starts("version https://git-lfs")) return "a Git LFS pointer: run git lfs pull to get the file itself";
  if (starts("<!DOCTYPE") || starts("<html") || starts("<HTML")) return "a web page: the download went wrong";
  if (starts("{") || starts("[")) return "text that looks like JSON";
  if (starts("\x1f\x8b")) return "a gzip archive: unpack it first";
  return "something else";
}

// What can be said about a file before the library sees it. Throws FileError.
GRAFT_COLD inline void check_signature(const ByteSource& source, const std::string& where) {
  // At 0, or at 512, 1024, 2048 … behind a user's block.
  for (Index at = 0; at + 8 <= source.size() && at <= (Index{1} << 32); at = at ? at * 2 : 512) {
    char bytes[8];
    if (source.read(static_cast<std::uint64_t>(at), 8, bytes) && std::memcmp(bytes, "\211HDF\r\n\032\n", 8) == 0)
      return;
  }
  std::string head(static_cast<std::size_t>(std::min<Index>(source.size(), 64)), '\0');
  if (!source.read(0, head.size(), head.data())) fail<FileError>(where, "a readable file", "one that is not");
  fail<FileError>(where, "an HDF5 file", looks_like(head));
}
}  // namespace detail

/// An HDF5 file, open for reading. Groups and arrays keep it open as long as they live.
class File {
 public:
  /// Throws FileError for a file that is missing, empty, truncated, a folder, or not HDF5. The file may be hostile:
  /// what the library sees of it was looked through (MetadataGuard says what is refused, and the limits).
  GRAFT_COLD static File open(const std::string& path) {
    const std::string where = "\"" + path + "\"";
    return open(ByteSource::open(path, where), where);
  }

  /// Reads any source of bytes, a file that lies in memory for instance; errors begin with `where`.
  GRAFT_COLD static File open(const std::shared_ptr<const ByteSource>& source, const std::string& where) {
    File file(where);
    detail::check_signature(*source, where);
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

  /// Makes a file out of nothing, or of what stands there. What goes wrong with the disk is noted in `*error`.
  GRAFT_COLD static File create(const std::string& path, const std::string& where, int* error) {
    File file(where);
    const Call call(file.where_);
    const Handle access = access_properties(call);
    WriteDriver::select(access.get(), error, call);
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

/// Writes an HDF5 file through `write(root)`; it appears under its name only when it is whole. Throws FileError, with
/// the old file untouched, when anything fails.
template <class Write>
void write_file(const std::string& path, Write&& write) {
  AtomicFile target(path);
  int error = 0;
  try {
    File file = File::create(target.temporary(), target.where(), &error);
    write(file.root());
    file.close();
  } catch (const FileError&) {
    if (error == 0) throw;  // else the disk is the cause, whatever the library made of it
  }
  if (error) target.fail_with("write", error);
  target.commit();
}

}  // namespace graft::hdf5
