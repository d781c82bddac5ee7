#pragma once

#include <algorithm>

#include "graft/core/thread_pool.hpp"
#include "graft/kernels/elementwise.hpp"

// Slices, transposes, repetitions: a dense array whose elements stand at regular places of another one.
namespace graft::kernels {

/// Element (i, j, …) of the dense array is element offset + i * strides[0] + j * strides[1] + … of the other. Strides
/// may be negative, or 0 where the other array is repeated.
struct StridedDesc {
  static constexpr int kMaxRank = 16;
  int rank = 0;
  Index dims[kMaxRank] = {};
  Index strides[kMaxRank] = {};
  Index offset = 0;

  /// The next axis, from the outermost one on; axes that walk together become one.
  constexpr void push(Index dim, Index stride) {
    if (dim == 1) return;
    if (rank > 0 && strides[rank - 1] == dim * stride) {
      dims[rank - 1] *= dim;
      strides[rank - 1] = stride;
      return;
    }
    dims[rank] = dim;
    strides[rank++] = stride;
  }

  constexpr Index cols() const { return rank > 0 ? dims[rank - 1] : 1; }
  constexpr Index step() const { return rank > 0 ? strides[rank - 1] : 1; }
  constexpr Index rows() const {
    Index total = 1;
    for (int axis = 0; axis + 1 < rank; ++axis) total *= dims[axis];
    return total;
  }
  /// Elements of the dense array.
  constexpr Index size() const { return rows() * cols(); }
};

namespace detail {

/// Calls fn(row of the dense array, where it starts in the other one) for rows first … last-1.
template <class Fn>
void for_each_strided_row(const StridedDesc& desc, Index first, Index last, const Fn& fn) {
  for (Index row = first; row < last; ++row) {
    Index at = desc.offset, rest = row;
    for (int axis = desc.rank - 2; axis >= 0; --axis) {
      at += rest % desc.dims[axis] * desc.strides[axis];
      rest /= desc.dims[axis];
    }
    fn(row, at);
  }
}

inline Index strided_grain(const StridedDesc& desc) { return kMemoryGrain / std::max<Index>(desc.cols(), 1) + 1; }

}  // namespace detail

/// dense (+)= the places of x.
template <class Scalar>
void gather(const StridedDesc& desc, const Scalar* x, Scalar* dense, bool accumulate = false) {
  if (desc.size() <= 0) return;
  const Index cols = desc.cols(), step = desc.step();
  parallel_for(0, desc.rows(), detail::strided_grain(desc), [&](Index from, Index to) {
    detail::for_each_strided_row(desc, from, to, [&](Index row, Index at) {
      Scalar* out = dense + row * cols;
      const Scalar* in = x + at;
      if (accumulate) {
        for (Index c = 0; c < cols; ++c) out[c] += in[c * step];
      } else if (step == 1) {
        std::copy_n(in, cols, out);
      } else {
        for (Index c = 0; c < cols; ++c) out[c] = in[c * step];
      }
    });
  });
}

/// The places of x (+)= dense; the rest of x stays. Where places coincide, only adding has a meaning.
template <class Scalar>
void scatter(const StridedDesc& desc, const Scalar* dense, Scalar* x, bool accumulate = false) {
  if (desc.size() <= 0) return;
  const Index cols = desc.cols(), step = desc.step();
  bool repeats = false;
  for (int axis = 0; axis < desc.rank; ++axis) repeats = repeats || desc.strides[axis] == 0;
  // Only parts that share no place run at the same time.
  const bool split = !repeats || (desc.rank > 1 && desc.strides[0] != 0);
  const Index parts = !split ? 1 : repeats ? desc.dims[0] : desc.rows(), rows = desc.rows() / parts;
  const Index grain = split ? detail::strided_grain(desc) / std::max<Index>(rows, 1) + 1 : 1;
  parallel_for(0, parts, grain, [&](Index from, Index to) {
    detail::for_each_strided_row(desc, from * rows, to * rows, [&](Index row, Index at) {
      const Scalar* in = dense + row * cols;
      Scalar* out = x + at;
      if (accumulate) {
        for (Index c = 0; c < cols; ++c) out[c * step] += in[c];
      } else {
        for (Index c = 0; c < cols; ++c) out[c * step] = in[c];
      }
    });
  });
}

}  // namespace graft::kernels
