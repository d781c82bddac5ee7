#pragma once

#include <array>
#include <bit>

#include "graft/io/hdf5/attributes.hpp"
#include "graft/io/hdf5/packed_array.hpp"

namespace graft::hdf5 {

template <class T>
hid_t native_type() {
  if constexpr (std::is_same_v<T, float>) return H5T_NATIVE_FLOAT;
  else if constexpr (std::is_same_v<T, double>) return H5T_NATIVE_DOUBLE;
  else {
    static_assert(std::is_same_v<T, std::int64_t>, "float, double or std::int64_t");
    return H5T_NATIVE_INT64;
  }
}

/// What is written for numbers of a type.
template <class T>
hid_t disk_type() {
  return std::is_same_v<T, float> ? H5T_IEEE_F32LE : std::is_same_v<T, double> ? H5T_IEEE_F64LE : H5T_STD_I64LE;
}

/// An array in a file, opened for reading: its shape is known and checked, its numbers are still on disk. Numbers of
/// any type and byte order are converted while they are read. Throws FileError for arrays outside of the file
/// (external, virtual) and for shapes that nobody stored: more than 64 MiB, and 1000 times what is in the file.
class Dataset {
 public:
  Dataset() = default;
  GRAFT_COLD Dataset(Handle id, std::string where) : where_(std::move(where)), id_(std::move(id)) {
    const Call call(where_);
    const Handle type(call.check(H5Dget_type(id_.get()), "read its type"), &H5Tclose);
    const H5T_class_t kind = H5Tget_class(type.get());
    if (kind != H5T_FLOAT && kind != H5T_INTEGER) fail<FileError>(where_, "an array of numbers", "another type");
    read_shape(call);
    check_storage(call, static_cast<Index>(H5Tget_size(type.get())));
  }

  const Shape& shape() const { return shape_; }
  const std::string& where() const { return where_; }
  /// True when reading cannot fail half way, short of a failing disk: contiguous numbers inside of the file.
  bool plain() const { return plain_; }

  /// Byte of the file where the numbers lie one behind the other, as memory would have them; -1 when they do not.
  template <class T>
  Index offset() const {
    return offset_of(disk_type<T>());
  }

  /// Reads all numbers, row-major, straight into memory for shape().elements() of them.
  template <class T>
  void read(T* into) const {
    read_as(native_type<T>(), into);
  }
  /// Reads `count` rows from row `first` on, along the first axis. Throws FileError for arrays in chunks: each of their
  /// rows would have to be looked for and unpacked.
  template <class T>
  void read_rows(Index first, Index count, T* into) const {
    read_rows_as(native_type<T>(), first, count, into);
  }

 private:
  GRAFT_COLD void read_rows_as(hid_t type, Index first, Index count, void* into) const {
    const Call call(where_);
    if (chunked_) {
      fail<FileError>(where_, "an array in one piece", "one in chunks",
                      "Read it whole, or rewrite the file: h5repack -l CONTI old.h5 new.h5");
    }
    if (shape_.rank() == 0 || first < 0 || count < 0 || first > shape_[0] - count) {
      fail<FileError>(where_, "rows of " + shape_.str(), std::to_string(first) + " … " + std::to_string(first + count));
    }
    std::array<hsize_t, Shape::kMaxRank> start{}, size{};
    for (int axis = 0; axis < shape_.rank(); ++axis) {
      size[static_cast<std::size_t>(axis)] = static_cast<hsize_t>(shape_[axis]);
    }
    start[0] = static_cast<hsize_t>(first);
    size[0] = static_cast<hsize_t>(count);
    const Handle file(call.check(H5Dget_space(id_.get()), "read its shape"), &H5Sclose);
    const Handle memory(call.check(H5Screate_simple(shape_.rank(), size.data(), nullptr), "read its rows"), &H5Sclose);
    call.check(H5Sselect_hyperslab(file.get(), H5S_SELECT_SET, start.data(), nullptr, size.data(), nullptr),
               "read its rows");
    call.check(H5Dread(id_.get(), type, memory.get(), file.get(), H5P_DEFAULT, into), "read its rows");
  }

  GRAFT_COLD void read_as(hid_t type, void* into) const {
    const Call call(where_);
#if H5_VERSION_GE(1, 10, 5)
    if (chunked_) {
      try {
        MetadataGuard* guard = ReadDriver::guard_of(id_.get(), call);
        if (guard) return PackedArray(id_.get(), shape_, *guard, call).read(type, into);
      } catch (const FileError& error) {
        throw FileError(where_ + ": " + error.what() + ". The file is damaged.");
      }
    }
#endif
    call.check(H5Dread(id_.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, into), "read its numbers");
  }

  GRAFT_COLD Index offset_of(hid_t disk) const {
    const Call call(where_);
    const Handle type(call.check(H5Dget_type(id_.get()), "read its type"), &H5Tclose);
    const haddr_t offset = H5Dget_offset(id_.get());
    const bool direct = plain_ && offset != HADDR_UNDEF && H5Tequal(type.get(), disk) > 0;
    return direct && std::endian::native == std::endian::little ? static_cast<Index>(offset) : -1;
  }

  GRAFT_COLD void read_shape(const Call& call) {
    const Handle space(call.check(H5Dget_space(id_.get()), "read its shape"), &H5Sclose);
    const H5S_class_t kind = H5Sget_simple_extent_type(space.get());
    if (kind == H5S_SCALAR) return;
    const int rank = kind == H5S_SIMPLE ? call.check(H5Sget_simple_extent_ndims(space.get()), "read its shape") : -1;
    if (rank < 0 || rank > Shape::kMaxRank) {
      fail<FileError>(where_, "an array of at most 8 dimensions",
                      kind == H5S_SIMPLE ? std::to_string(rank) : "an empty one");
    }
    hsize_t dims[Shape::kMaxRank] = {};
    call.check(H5Sget_simple_extent_dims(space.get(), dims, nullptr), "read its shape");
    hsize_t elements = 1;
    for (int axis = 0; axis < rank; ++axis) {
      if (dims[axis] && elements > kMaxElements / dims[axis]) {
        fail<FileError>(where_, "a size that fits in memory", "dimension " + std::to_string(dims[axis]),
                        "The file is damaged or hostile.");
      }
      elements *= dims[axis];
      shape_.push_back(static_cast<Index>(dims[axis]));
    }
  }

  GRAFT_COLD void check_storage(const Call& call, Index item_bytes) {
    const Handle properties(call.check(H5Dget_create_plist(id_.get()), "read how it is stored"), &H5Pclose);
    const H5D_layout_t layout = H5Pget_layout(properties.get());
    if (layout == H5D_VIRTUAL || (layout == H5D_CONTIGUOUS && H5Pget_external_count(properties.get()) != 0)) {
      fail<FileError>(where_, "numbers in the file itself", "a reference to another file", "Such files are not read.");
    }
    const Index declared = shape_.elements() * item_bytes;
    hsize_t file_bytes = 0;
    const Handle file(call.check(H5Iget_file_id(id_.get()), "find its file"), &H5Fclose);
    call.check(H5Fget_filesize(file.get(), &file_bytes), "read the size of the file");
    const Index stored = std::min(static_cast<Index>(H5Dget_storage_size(id_.get())), static_cast<Index>(file_bytes));
    if (declared > kMaxDeclared && declared / 1000 > stored) {
      fail<FileError>(where_, "a shape of about the " + std::to_string(stored) + " bytes that are stored", shape_.str(),
                      "The file is damaged or hostile.");
    }
    chunked_ = layout == H5D_CHUNKED;
    if (layout != H5D_CONTIGUOUS) return;
    const haddr_t offset = H5Dget_offset(id_.get());
    if (offset != HADDR_UNDEF && (offset > file_bytes || static_cast<hsize_t>(stored) > file_bytes - offset)) {
      fail<FileError>(where_, "numbers inside of the file", "a place behind its end", "The file is damaged.");
    }
    plain_ = offset == HADDR_UNDEF || stored == declared;
  }

  static constexpr hsize_t kMaxElements = hsize_t{1} << 56;
  static constexpr Index kMaxDeclared = Index{64} << 20;

  std::string where_;
  Handle id_;
  Shape shape_;
  bool plain_ = false, chunked_ = false;
};

}  // namespace graft::hdf5
