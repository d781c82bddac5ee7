#pragma once

#include <array>

#include "graft/core/shape.hpp"
#include "graft/core/thread_pool.hpp"

namespace graft::detail {

using Permutation = std::array<int, Shape::kMaxRank>;

inline Shape permuted(const Shape& shape, const Permutation& order) {
  Shape result;
  for (int axis = 0; axis < shape.rank(); ++axis) result.push_back(shape[order[static_cast<std::size_t>(axis)]]);
  return result;
}

/// Visits y = x transposed: axis a of y is axis order[a] of x. Calls fn(y index, x index) for all elements.
template <class Fn>
void for_each_transposed(const Shape& x_shape, const Permutation& order, Fn&& fn) {
  const int rank = x_shape.rank();
  std::array<Index, Shape::kMaxRank> x_stride{}, dim{}, stride{};
  Index total = 1;
  for (int axis = rank - 1; axis >= 0; --axis) {
    x_stride[static_cast<std::size_t>(axis)] = total;
    total *= x_shape[axis];
  }
  if (total == 0) return;
  for (int axis = 0; axis < rank; ++axis) {
    const auto a = static_cast<std::size_t>(axis), from = static_cast<std::size_t>(order[a]);
    dim[a] = x_shape[order[a]];
    stride[a] = x_stride[from];
  }
  const auto last = static_cast<std::size_t>(rank - 1);
  const Index cols = dim[last], rows = total / cols;
  parallel_for(0, rows, 1 + 8192 / cols, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      Index offset = 0, rest = row;
      for (int axis = rank - 2; axis >= 0; --axis) {
        const auto a = static_cast<std::size_t>(axis);
        offset += rest % dim[a] * stride[a];
        rest /= dim[a];
      }
      for (Index c = 0; c < cols; ++c) fn(row * cols + c, offset + c * stride[last]);
    }
  });
}

// What layers that reorder axes do.
template <class Scalar>
void transpose_forward(const Shape& x_shape, const Permutation& order, const Scalar* x, Scalar* y) {
  for_each_transposed(x_shape, order, [&](Index to, Index from) { y[to] = x[from]; });
}
template <class Scalar>
void transpose_backward(const Shape& x_shape, const Permutation& order, const Scalar* dy, Scalar* dx, bool add) {
  for_each_transposed(x_shape, order, [&](Index from, Index to) { dx[to] = add ? dx[to] + dy[from] : dy[from]; });
}

}  // namespace graft::detail
