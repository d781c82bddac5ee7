#pragma once

#include <cstdint>

#include "graft/core/random.hpp"

namespace graft::kernels {

/// y[i] (+)= scale * x[i] + shift where element i is kept, else `dropped`. Two elements share the 64 bits of one
/// counter of the key: element i is kept when its 32 bits, the low ones for an even i, are at least `threshold`.
template <class Scalar>
struct RandomMaskDesc {
  RandomKey key{};
  std::uint64_t threshold = 0;  ///< the share of elements to drop, times 2^32
  Scalar scale = 1, shift = 0, dropped = 0;
  bool accumulate = false;

  bool keeps(Index i) const {
    const std::uint64_t bits = key.bits(static_cast<std::uint64_t>(i) >> 1);
    return ((i & 1) ? bits >> 32 : bits & 0xffffffffu) >= threshold;
  }
};

}  // namespace graft::kernels
