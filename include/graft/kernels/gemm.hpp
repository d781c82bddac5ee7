#pragma once

#include <type_traits>

#include "graft/kernels/dispatch.hpp"
#include "graft/kernels/gemm_desc.hpp"
#include "graft/kernels/reference/gemm.hpp"
#include "graft/kernels/simd/gemm.hpp"

namespace graft::kernels {

using GemmKernel = Kernel<GemmDesc, GemmFunction<float>>;

/// The ways to multiply floats, best first.
inline constexpr GemmKernel kGemmKernels[] = {
#if GRAFT_KERNELS_X86
    {"packed_avx512", Isa::avx512, [](const GemmDesc&) { return true; }, &avx512::gemm},
    {"packed_avx2", Isa::avx2, [](const GemmDesc&) { return true; }, &avx2::gemm},
#endif
    {"packed_portable", Isa::portable, [](const GemmDesc&) { return true; }, &portable::gemm},
    {"reference", Isa::reference, [](const GemmDesc&) { return true; }, &reference::gemm<float>},
};

/// The kernel for `desc` on this machine: call it once when a plan is made. Double has the reference alone.
template <class Scalar>
GemmFunction<Scalar>* choose_gemm(const GemmDesc& desc) {
  if constexpr (std::is_same_v<Scalar, float>) {
    return choose(kGemmKernels, desc, active_isa()).run;
  } else {
    return &reference::gemm<Scalar>;
  }
}

/// Chooses and runs: for calls outside a plan.
template <class Scalar>
void gemm(const GemmDesc& desc, const GemmArgs<Scalar>& args) {
  choose_gemm<Scalar>(desc)(desc, args);
}

}  // namespace graft::kernels
