#pragma once

#include <algorithm>

#include "graft/core/thread_pool.hpp"
#include "graft/kernels/elementwise.hpp"

namespace graft::kernels {

/// A small (batch, depth, height, width, channels) array that lies at `offset` in a large one.
struct BoxDesc {
  Index batch = 1;
  Index channels = 1;
  Index small[3] = {1, 1, 1};
  Index large[3] = {1, 1, 1};
  Index offset[3] = {0, 0, 0};
};

namespace detail {

/// Calls fn(where a row of the small array starts, where it lies in the large one, its length).
template <class Fn>
void for_each_box_row(const BoxDesc& desc, const Fn& fn) {
  const Index rows = desc.small[0] * desc.small[1], length = desc.small[2] * desc.channels;
  parallel_for(0, desc.batch * rows, kMemoryGrain / (length + 1) + 1, [&](Index from, Index to) {
    for (Index r = from; r < to; ++r) {
      const Index z = r % rows / desc.small[1] + desc.offset[0], h = r % desc.small[1] + desc.offset[1];
      const Index row = (r / rows * desc.large[0] + z) * desc.large[1] + h;
      fn(r * length, (row * desc.large[2] + desc.offset[2]) * desc.channels, length);
    }
  });
}

}  // namespace detail

/// small (+)= the box of large.
template <class Scalar>
void copy_from_box(const BoxDesc& desc, const Scalar* large, Scalar* small, bool accumulate = false) {
  detail::for_each_box_row(desc, [&](Index at, Index in_large, Index length) {
    if (accumulate) add(length, small + at, large + in_large, small + at);
    else std::copy_n(large + in_large, length, small + at);
  });
}

/// large = small in its box, zeros around it; accumulating: the box += small.
template <class Scalar>
void copy_to_box(const BoxDesc& desc, const Scalar* small, Scalar* large, bool accumulate = false) {
  if (!accumulate) {
    const Index size = desc.large[0] * desc.large[1] * desc.large[2] * desc.channels;
    parallel_for(0, desc.batch * size, detail::kMemoryGrain,
                 [&](Index from, Index to) { std::fill(large + from, large + to, Scalar(0)); });
  }
  detail::for_each_box_row(desc, [&](Index at, Index in_large, Index length) {
    if (accumulate) add(length, large + in_large, small + at, large + in_large);
    else std::copy_n(small + at, length, large + in_large);
  });
}

}  // namespace graft::kernels
