#pragma once

#include <span>
#include <type_traits>

#include "graft/core/shape.hpp"

namespace graft {

/// A pointer into somebody else's memory with a shape: row-major, dense. `T` may be const. An empty view (no data) is
/// how an argument says "not needed".
template <class T>
class TensorView {
 public:
  TensorView() = default;
  TensorView(T* data, const Shape& shape) : data_(data), shape_(shape) {}
  template <class U>
    requires(std::is_same_v<const U, T>)
  TensorView(const TensorView<U>& other) : data_(other.data()), shape_(other.shape()) {}

  explicit operator bool() const { return data_ != nullptr; }

  T* data() const { return data_; }
  const Shape& shape() const { return shape_; }
  int rank() const { return shape_.rank(); }
  Index dim(int axis) const { return shape_[axis]; }
  Index size() const { return data_ ? shape_.elements() : 0; }
  std::span<T> span() const { return {data_, static_cast<std::size_t>(size())}; }

  T& operator[](Index i) const { return data_[i]; }

  /// Samples first … last-1 along the first axis.
  TensorView rows(Index first, Index last) const {
    const Index row = shape_.product(1, shape_.rank());
    return {data_ + first * row, shape_.replace_batch(last - first)};
  }

  /// The same memory under another shape. Throws ShapeError when the number of elements differs.
  TensorView reshaped(const Shape& shape) const {
    if (shape.elements() != shape_.elements()) {
      fail<ShapeError>("reshape", std::to_string(shape_.elements()) + " elements for " + shape_.str(), shape.str());
    }
    return {data_, shape};
  }

 private:
  T* data_ = nullptr;
  Shape shape_;
};

}  // namespace graft
