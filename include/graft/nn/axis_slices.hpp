#pragma once

#include <array>
#include <string>
#include <vector>

#include "graft/core/shape.hpp"

namespace graft::detail {

/// Walks over a row-major tensor as slices along chosen axes: `slices` places where a slice starts, each with `count`
/// elements. Needs no memory. Where one axis is chosen, element j of a slice is `step` elements after element j-1.
class AxisSlices {
 public:
  /// `chosen[axis]`: the axis runs inside a slice.
  AxisSlices(const Shape& shape, const std::array<bool, Shape::kMaxRank>& chosen) {
    Index stride = 1;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      Walk& walk = chosen[static_cast<std::size_t>(axis)] ? inside_ : outside_;
      walk.push(shape[axis], stride);
      stride *= shape[axis];
    }
  }
  AxisSlices(const Shape& shape, int axis) : AxisSlices(shape, only(axis)) {}

  Index slices() const { return outside_.total; }
  Index count() const { return inside_.total; }
  /// Where slice `s` starts.
  Index start(Index s) const { return outside_.offset(s); }
  /// Calls fn(offset from the start of the slice) for each of its elements, in order.
  template <class Fn>
  void for_each(Fn&& fn) const {
    if (inside_.rank == 1) {
      for (Index j = 0; j < inside_.total; ++j) fn(j * inside_.stride[0]);
    } else {
      for (Index j = 0; j < inside_.total; ++j) fn(inside_.offset(j));
    }
  }
  Index step() const { return inside_.stride[0]; }

 private:
  struct Walk {
    std::array<Index, Shape::kMaxRank> dim{}, stride{};  // the fastest axis first
    int rank = 0;
    Index total = 1;

    void push(Index d, Index s) {
      dim[static_cast<std::size_t>(rank)] = d;
      stride[static_cast<std::size_t>(rank++)] = s;
      total *= d;
    }
    Index offset(Index i) const {
      Index result = 0;
      for (int a = 0; a < rank; ++a) {
        const auto at = static_cast<std::size_t>(a);
        result += i % dim[at] * stride[at];
        i /= dim[at];
      }
      return result;
    }
  };

  static std::array<bool, Shape::kMaxRank> only(int axis) {
    std::array<bool, Shape::kMaxRank> chosen{};
    chosen[static_cast<std::size_t>(axis)] = true;
    return chosen;
  }

  Walk inside_, outside_;
};

/// Marks axes (negative ones count from the end). Throws ShapeError for one that the shape does not have.
GRAFT_COLD inline std::array<bool, Shape::kMaxRank> mark_axes(const Shape& shape, const std::vector<int>& axes,
                                                              const std::string& where) {
  std::array<bool, Shape::kMaxRank> chosen{};
  for (const int axis : axes) {
    const int position = axis < 0 ? axis + shape.rank() : axis;
    if (position < 0 || position >= shape.rank()) {
      fail<ShapeError>(where, "an axis of " + shape.str(), std::to_string(axis));
    }
    chosen[static_cast<std::size_t>(position)] = true;
  }
  return chosen;
}

}  // namespace graft::detail
