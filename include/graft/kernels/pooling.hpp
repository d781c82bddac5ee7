#pragma once

#include <cstdint>
#include <type_traits>

#include "graft/core/thread_pool.hpp"
#include "graft/kernels/dispatch.hpp"
#include "graft/kernels/reference/pooling.hpp"
#include "graft/kernels/simd/pooling.hpp"

// Maximum and average pooling, forward and backward. Threads share rows of the output of each direction (samples where
// the reference runs), so results do not depend on their number.
namespace graft::kernels {

namespace detail {

using MaxPoolRows = void(const PoolingDesc&, Index, Index, const float*, float*, std::uint8_t*);
using AveragePoolRows = void(const PoolingDesc&, Index, Index, const float*, float*);
using MaxPoolGradientRows = void(const PoolingDesc&, Index, Index, const float*, const std::uint8_t*, float*, bool);
using AveragePoolGradientRows = void(const PoolingDesc&, Index, Index, const float*, float*, bool);
using GlobalMaxGradient = void(Index, Index, const float*, const float*, const float*, float*, bool);

// The reference has a way of its own, see below.
inline constexpr auto kMaxPoolRows = GRAFT_ISA_TABLE(MaxPoolRows, max_pool_rows, portable::max_pool_rows);
inline constexpr auto kAveragePoolRows =
    GRAFT_ISA_TABLE(AveragePoolRows, average_pool_rows, portable::average_pool_rows);
inline constexpr auto kMaxPoolGradientRows =
    GRAFT_ISA_TABLE(MaxPoolGradientRows, max_pool_gradient_rows, portable::max_pool_gradient_rows);
inline constexpr auto kAveragePoolGradientRows =
    GRAFT_ISA_TABLE(AveragePoolGradientRows, average_pool_gradient_rows, portable::average_pool_gradient_rows);
inline constexpr auto kGlobalMaxGradient =
    GRAFT_ISA_TABLE(GlobalMaxGradient, global_max_gradient, reference::global_max_backward<float>);

/// Vectors pay when there are channels to fill them; one channel is also what channels_first has.
template <class Scalar>
bool pools_in_vectors(Index channels) {
  return std::is_same_v<Scalar, float> && active_isa() != Isa::reference && channels >= 4;
}

/// Calls fn(desc of some samples, their inputs' offset, their outputs' offset).
template <class Fn>
void for_each_pooled_part(const PoolingDesc& desc, const Fn& fn) {
  const Index in = desc.in_places() * desc.channels, out = desc.out_places() * desc.channels;
  parallel_for(0, desc.batch, 16384 / (in + 1) + 1, [&](Index from, Index to) {
    PoolingDesc part = desc;
    part.batch = to - from;
    fn(part, from * in, from * out);
  });
}

/// Calls fn(from, to) with rows along the last spatial axis, of the inputs or the outputs of all samples.
template <class Fn>
void for_each_pooled_row(const PoolingDesc& desc, const Index (&size)[3], const Fn& fn) {
  const Index work = desc.channels * (desc.in[2] + desc.out[2]);
  parallel_for(0, desc.batch * size[0] * size[1], 16384 / (work + 1) + 1, fn);
}

}  // namespace detail

/// The largest window of which max_pool_* can remember the place of a maximum in an Offset of one byte.
inline constexpr Index kLargestByteWindow = 256;

/// y = the largest element of each window; a NaN wins. offsets (may be null) remembers for each output which element of
/// its window that was, counted over the whole window row by row; of several the first.
template <class Scalar, class Offset>
void max_pool_forward(const PoolingDesc& desc, const Scalar* x, Scalar* y, Offset* offsets) {
  if constexpr (std::is_same_v<Scalar, float> && std::is_same_v<Offset, std::uint8_t>) {
    if (detail::pools_in_vectors<Scalar>(desc.channels)) {
      const auto run = detail::kMaxPoolRows[active_isa()];
      return detail::for_each_pooled_row(desc, desc.out,
                                         [&](Index from, Index to) { run(desc, from, to, x, y, offsets); });
    }
  }
  detail::for_each_pooled_part(desc, [&](const PoolingDesc& part, Index in, Index out) {
    reference::max_pool_forward(part, x + in, y + out, offsets != nullptr ? offsets + out : nullptr);
  });
}

/// dx (+)= for each element the dy of the windows in which it was chosen.
template <class Scalar, class Offset>
void max_pool_backward(const PoolingDesc& desc, const Scalar* dy, const Offset* offsets, Scalar* dx,
                       bool accumulate = false) {
  if constexpr (std::is_same_v<Scalar, float> && std::is_same_v<Offset, std::uint8_t>) {
    if (detail::pools_in_vectors<Scalar>(desc.channels)) {
      const auto run = detail::kMaxPoolGradientRows[active_isa()];
      return detail::for_each_pooled_row(
          desc, desc.in, [&](Index from, Index to) { run(desc, from, to, dy, offsets, dx, accumulate); });
    }
  }
  detail::for_each_pooled_part(desc, [&](const PoolingDesc& part, Index in, Index out) {
    reference::max_pool_backward(part, dy + out, offsets + out, dx + in, accumulate);
  });
}

/// y = the mean over each window's elements inside the input; with desc.sum their sum.
template <class Scalar>
void average_pool_forward(const PoolingDesc& desc, const Scalar* x, Scalar* y) {
  if constexpr (std::is_same_v<Scalar, float>) {
    if (detail::pools_in_vectors<Scalar>(desc.channels)) {
      const auto run = detail::kAveragePoolRows[active_isa()];
      return detail::for_each_pooled_row(desc, desc.out, [&](Index from, Index to) { run(desc, from, to, x, y); });
    }
  }
  detail::for_each_pooled_part(desc, [&](const PoolingDesc& part, Index in, Index out) {
    reference::average_pool_forward(part, x + in, y + out);
  });
}

/// dx (+)= for each element its share of the dy of all windows that hold it.
template <class Scalar>
void average_pool_backward(const PoolingDesc& desc, const Scalar* dy, Scalar* dx, bool accumulate = false) {
  if constexpr (std::is_same_v<Scalar, float>) {
    if (detail::pools_in_vectors<Scalar>(desc.channels)) {
      const auto run = detail::kAveragePoolGradientRows[active_isa()];
      return detail::for_each_pooled_row(desc, desc.in,
                                         [&](Index from, Index to) { run(desc, from, to, dy, dx, accumulate); });
    }
  }
  detail::for_each_pooled_part(desc, [&](const PoolingDesc& part, Index in, Index out) {
    reference::average_pool_backward(part, dy + out, dx + in, accumulate);
  });
}

/// Backward of a maximum over all `places` of (batch, places, channels): those that equal y share dy equally, as in
/// TensorFlow's reduce_max.
template <class Scalar>
void global_max_backward(Index batch, Index places, Index channels, const Scalar* x, const Scalar* y, const Scalar* dy,
                         Scalar* dx, bool accumulate = false) {
  const Index size = places * channels;
  parallel_for(0, batch, 16384 / (size + 1) + 1, [&](Index from, Index to) {
    for (Index b = from; b < to; ++b) {
      const Index in = b * size, out = b * channels;
      if constexpr (std::is_same_v<Scalar, float>) {
        detail::kGlobalMaxGradient[active_isa()](places, channels, x + in, y + out, dy + out, dx + in, accumulate);
      } else {
        reference::global_max_backward(places, channels, x + in, y + out, dy + out, dx + in, accumulate);
      }
    }
  });
}

}  // namespace graft::kernels
