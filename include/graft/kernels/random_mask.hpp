#pragma once

#include <type_traits>

#include "graft/kernels/dispatch.hpp"
#include "graft/kernels/reference/random_mask.hpp"
#include "graft/kernels/simd/random_mask.hpp"

namespace graft::kernels {

namespace detail {
using MaskRun = void(const RandomMaskDesc<float>&, Index, Index, const float*, float*);
inline constexpr auto kRandomMask = GRAFT_ISA_TABLE(MaskRun, random_mask, reference::random_mask<float>);
}  // namespace detail

/// Elements first … first + n - 1 of a random mask, for x[0] … x[n - 1]; x and y may be the same. Which are kept
/// depends on the key alone.
template <class Scalar>
void random_mask(const RandomMaskDesc<Scalar>& desc, Index first, Index n, const Scalar* x, Scalar* y) {
  if constexpr (std::is_same_v<Scalar, float>) {
    if (desc.threshold >> 32) return reference::random_mask(desc, first, n, x, y);
    const Index odd = n > 0 ? first & 1 : 0;
    reference::random_mask(desc, first, odd, x, y);
    detail::kRandomMask[active_isa()](desc, first + odd, n - odd, x + odd, y + odd);
  } else {
    reference::random_mask(desc, first, n, x, y);
  }
}

}  // namespace graft::kernels
