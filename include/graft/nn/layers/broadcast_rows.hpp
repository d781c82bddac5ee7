#pragma once

#include <array>

#include "graft/core/shape.hpp"

namespace graft::detail {

/// A small tensor against a large one of the same rank, whose axes agree or are 1 in the small one: walks the large one
/// row by row (a row is its last axis) and says where in the small one each row reads.
class BroadcastRows {
 public:
  BroadcastRows(const Shape& full, const Shape& small) : rank_(full.rank()), cols_(full.back()) {
    rows_ = full.product(0, rank_ - 1);
    Index stride = 1;
    for (int axis = rank_ - 1; axis >= 0; --axis) {
      const auto a = static_cast<std::size_t>(axis);
      dim_[a] = full[axis];
      stride_[a] = small[axis] == 1 ? 0 : stride;
      stride *= small[axis];
    }
  }

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  /// From one element of a row to the next in the small tensor: 0 or 1.
  Index step() const { return stride_[static_cast<std::size_t>(rank_ - 1)]; }
  Index offset(Index row) const {
    Index result = 0;
    for (int axis = rank_ - 2; axis >= 0; --axis) {
      const auto a = static_cast<std::size_t>(axis);
      result += row % dim_[a] * stride_[a];
      row /= dim_[a];
    }
    return result;
  }

 private:
  int rank_;
  Index cols_;
  Index rows_ = 1;
  std::array<Index, Shape::kMaxRank> dim_{}, stride_{};
};

}  // namespace graft::detail
