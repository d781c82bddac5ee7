#pragma once

#include "graft/core/thread_pool.hpp"
#include "graft/kernels/simd/vec.hpp"
#include "measure.hpp"

#define GRAFT_SIMD_SOURCE "fma_peak.inl"
#include "graft/kernels/simd/foreach_isa.inl"

/// What the processor can do at most: an instruction set's multiply-adds on all threads of graft's pool, measured for
/// about `length` seconds. `flops` gets the operations of the call whose time is returned.
inline measure::Time fma_call(graft::kernels::Isa isa, double length, double& flops) {
  using graft::kernels::Isa;
  double (*burst)(graft::Index, float*) = &graft::kernels::portable::fma_burst;
#if GRAFT_KERNELS_X86
  if (isa == Isa::avx2) burst = &graft::kernels::avx2::fma_burst;
  if (isa == Isa::avx512) burst = &graft::kernels::avx512::fma_burst;
#endif
  const graft::Index threads = graft::num_threads();
  return measure::of_a_call(length, [&] {
    graft::parallel_for(0, threads, 1, [&](graft::Index from, graft::Index to) {
      for (graft::Index t = from; t < to; ++t) {
        float sink[18] = {0.999f, 0.001f};
        const double count = burst(20000, sink);
        if (t == 0) flops = count * static_cast<double>(threads);
      }
    });
  });
}
