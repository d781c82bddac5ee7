#pragma once

#include "graft/kernels/random_mask_desc.hpp"

namespace graft::kernels::reference {

template <class Scalar>
void random_mask(const RandomMaskDesc<Scalar>& desc, Index first, Index n, const Scalar* x, Scalar* y) {
  for (Index i = 0; i < n; ++i) {
    const std::uint64_t bits = desc.key.bits(static_cast<std::uint64_t>(first + i) >> 1);
    const bool kept = (((first + i) & 1) ? bits >> 32 : bits & 0xffffffffu) >= desc.threshold;
    const Scalar value = kept ? desc.scale * x[i] + desc.shift : desc.dropped;
    y[i] = desc.accumulate ? y[i] + value : value;
  }
}

}  // namespace graft::kernels::reference
