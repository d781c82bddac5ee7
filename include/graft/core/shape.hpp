#pragma once

#include <array>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>

#include "graft/core/error.hpp"
#include "graft/core/macros.hpp"

namespace graft {

/// Up to 8 dimensions, row-major, channels last: Keras's own memory order. A dimension of -1 is unknown (Keras's
/// `None`); the first one of a layer's input usually is, it counts the samples of a batch.
class Shape {
 public:
  static constexpr int kMaxRank = 8;
  static constexpr Index kUnknown = -1;

  Shape() = default;
  Shape(std::initializer_list<Index> dims) : Shape(std::span<const Index>(dims.begin(), dims.size())) {}
  explicit Shape(std::span<const Index> dims) {
    for (const Index dim : dims) push_back(dim);
  }

  int rank() const { return rank_; }
  bool empty() const { return rank_ == 0; }

  /// Dimension `axis`; a negative axis counts from the end, as in Python. Throws ShapeError when out of range.
  Index operator[](int axis) const { return dims_[checked(axis)]; }
  Index& operator[](int axis) { return dims_[checked(axis)]; }
  Index back() const { return (*this)[-1]; }

  const Index* begin() const { return dims_.data(); }
  const Index* end() const { return dims_.data() + rank_; }

  void push_back(Index dim) {
    if (rank_ == kMaxRank || dim < kUnknown) refuse(dim);
    dims_[static_cast<std::size_t>(rank_++)] = dim;
  }

  /// True when no dimension is unknown.
  bool known() const {
    for (const Index dim : *this) {
      if (dim == kUnknown) return false;
    }
    return true;
  }

  /// Product of all dimensions (1 for rank 0). Throws ShapeError when one is unknown or the product overflows.
  Index elements() const { return product(0, rank_); }

  /// Product of the dimensions first … last-1.
  Index product(int first, int last) const {
    Index total = 1;
    for (int axis = first; axis < last; ++axis) {
      const Index dim = dims_[static_cast<std::size_t>(axis)];
      if (dim == kUnknown || (dim != 0 && total > std::numeric_limits<Index>::max() / 8 / dim)) refuse_product();
      total *= dim;
    }
    return total;
  }

  /// The dimensions first … last-1 as a shape of their own; negative positions count from the end.
  Shape slice(int first, int last = kMaxRank) const {
    if (first < 0) first += rank_;
    if (last < 0) last += rank_;
    Shape result;
    for (int axis = first < 0 ? 0 : first; axis < last && axis < rank_; ++axis) result.push_back((*this)[axis]);
    return result;
  }

  /// (28, 28) → (batch, 28, 28)
  Shape with_batch(Index batch = kUnknown) const {
    Shape result{batch};
    for (const Index dim : *this) result.push_back(dim);
    return result;
  }
  /// (None, 28, 28) → (28, 28)
  Shape without_batch() const { return slice(1); }
  /// (None, 28, 28) → (batch, 28, 28)
  Shape replace_batch(Index batch) const { return without_batch().with_batch(batch); }

  /// True when the ranks agree and every dimension agrees or is unknown in one of the two.
  bool compatible(const Shape& other) const {
    if (rank_ != other.rank_) return false;
    for (int axis = 0; axis < rank_; ++axis) {
      const Index a = (*this)[axis], b = other[axis];
      if (a != b && a != kUnknown && b != kUnknown) return false;
    }
    return true;
  }

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (int axis = 0; axis < a.rank_; ++axis) {
      if (a[axis] != b[axis]) return false;
    }
    return true;
  }

  /// As Python prints a tuple: "(None, 28, 28)", "(None,)", "()".
  GRAFT_COLD std::string str() const {
    std::string result = "(";
    for (int axis = 0; axis < rank_; ++axis) {
      const Index dim = dims_[static_cast<std::size_t>(axis)];
      if (axis) result += ", ";
      result += dim == kUnknown ? "None" : std::to_string(dim);
    }
    return result + (rank_ == 1 ? ",)" : ")");
  }

 private:
  std::size_t checked(int axis) const {
    const int position = axis < 0 ? axis + rank_ : axis;
    if (position < 0 || position >= rank_) refuse_axis(axis);
    return static_cast<std::size_t>(position);
  }
  // Out of line, so that the many places that ask for a dimension stay small.
  [[noreturn]] GRAFT_COLD void refuse(Index dim) const {
    if (rank_ == kMaxRank) fail<ShapeError>("Shape", "at most 8 dimensions", "more");
    fail<ShapeError>("Shape", "dimensions of at least 0, or -1 for unknown", std::to_string(dim));
  }
  [[noreturn]] GRAFT_COLD void refuse_product() const {
    fail<ShapeError>("Shape", known() ? "a size that fits in memory" : "known dimensions", str());
  }
  [[noreturn]] GRAFT_COLD void refuse_axis(int axis) const {
    fail<ShapeError>("Shape", "an axis of " + str(), std::to_string(axis));
  }

  std::array<Index, kMaxRank> dims_{};
  int rank_ = 0;
};

}  // namespace graft
