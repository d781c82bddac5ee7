#pragma once

#include "graft/kernels/random_mask_desc.hpp"

namespace graft::kernels::reference {

template <class Scalar>
void random_mask(const RandomMaskDesc<Scalar>& desc, Index first, Index n, const Scalar* x, Scalar* y) {
  for (Index i = 0; i < n; ++i) {
    const Scalar value = desc.keeps(first + i) ? desc.scale * x[i] + desc.shift : desc.dropped;
    y[i] = desc.accumulate ? y[i] + value : value;
  }
}

}  // namespace graft::kernels::reference
