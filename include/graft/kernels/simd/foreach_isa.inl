// No include guard: included once for each simd source, with GRAFT_SIMD_SOURCE naming it. The source is compiled in one
// namespace per instruction set, with that set enabled for its functions only; everything that it calls must stand in
// the same namespace, or code for one machine could be merged with inline functions used on another.

#if GRAFT_KERNELS_X86

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")
#endif
namespace graft::kernels::avx512 {
#include GRAFT_SIMD_SOURCE
}
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
namespace graft::kernels::avx2 {
#include GRAFT_SIMD_SOURCE
}
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif

namespace graft::kernels::portable {
#include GRAFT_SIMD_SOURCE
}

#undef GRAFT_SIMD_SOURCE
