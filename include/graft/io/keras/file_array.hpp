#pragma once

#include <functional>
#include <variant>

#include "graft/io/hdf5/dataset.hpp"

namespace graft::keras {

/// Numbers that are no HDF5 array: already in memory, and perhaps packed. `unpack` makes element i out of the bytes.
struct PackedNumbers {
  Shape shape;
  std::string where;
  std::function<double(Index)> unpack;
};

/// One array of a file, not read yet, whatever the file is.
class FileArray {
 public:
  FileArray() = default;
  FileArray(hdf5::Dataset data) : source_(std::move(data)) {}
  FileArray(PackedNumbers numbers) : source_(std::move(numbers)) {}

  GRAFT_COLD const Shape& shape() const { return packed() ? packed()->shape : dataset().shape(); }
  GRAFT_COLD const std::string& where() const { return packed() ? packed()->where : dataset().where(); }
  /// True when reading cannot fail half way, short of a failing disk.
  GRAFT_COLD bool plain() const { return packed() != nullptr || dataset().plain(); }

  /// Reads all numbers, row-major, straight into memory for shape().elements() of them.
  template <class T>
  GRAFT_COLD void read(T* into) const {
    if (!packed()) {
      dataset().read(into);
      return;
    }
    const Index count = shape().elements();
    for (Index i = 0; i < count; ++i) into[i] = static_cast<T>(packed()->unpack(i));
  }

 private:
  const PackedNumbers* packed() const { return std::get_if<PackedNumbers>(&source_); }
  const hdf5::Dataset& dataset() const { return std::get<hdf5::Dataset>(source_); }

  std::variant<hdf5::Dataset, PackedNumbers> source_;
};

/// An array with the name that the file gives it: "dense/kernel:0".
struct FileWeight {
  std::string name;
  FileArray data;
};

}  // namespace graft::keras
