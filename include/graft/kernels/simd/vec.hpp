#pragma once

#include <cstring>

#include "graft/core/macros.hpp"
#include "graft/kernels/isa.hpp"

#if GRAFT_KERNELS_X86
#include <immintrin.h>
#endif

// The vector of each instruction set, under the same names in each namespace:
//
//   VecF, VecI, Mask                   kLanes floats or 32-bit integers; a truth value for each
//   load, store                        unaligned
//   load_first(p, count)               0 <= count <= kLanes; the other lanes are 0 and memory there is not touched
//   store_first(p, v, count)
//   lanes_below(count)                 a mask: true in the first lanes
//   set1, fma(a, b, c) = a * b + c, fnma(a, b, c) = c - a * b
//   vmax(a, b), vmin(a, b)             b if either is NaN
//   vsqrt, less(a, b), is_nan(a), either(mask, mask), select(mask, if_true, if_false)
//   as_int, as_float                   the bits
//   load_bytes, store_bytes            kLanes unsigned bytes as integers and back; of larger ones the low byte
//
// Arithmetic operators are the compiler's. Calls are always inlined, so no vector is ever passed in a way that depends
// on flags.
#define GRAFT_SIMD_INLINE [[gnu::always_inline]] inline

#if defined(__clang__)
#define GRAFT_UNROLL _Pragma("clang loop unroll(full)")
#else
#define GRAFT_UNROLL _Pragma("GCC unroll 16")
#endif

#if GRAFT_KERNELS_X86

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")
#endif
namespace graft::kernels::avx512 {
inline constexpr Index kLanes = 16;
// The GEMM tile: rows x vectors of accumulators. 24 of 32 registers, 3 for B; A comes as a broadcast operand.
inline constexpr int kGemmRows = 8, kGemmVectors = 3;
using VecF = __m512;
typedef int VecI __attribute__((vector_size(64)));
using Mask = __mmask16;

GRAFT_SIMD_INLINE Mask lanes_below(Index count) { return static_cast<Mask>((1u << count) - 1u); }
GRAFT_SIMD_INLINE VecF load(const float* p) { return _mm512_loadu_ps(p); }
GRAFT_SIMD_INLINE void store(float* p, VecF v) { _mm512_storeu_ps(p, v); }
GRAFT_SIMD_INLINE VecF load_first(const float* p, Index count) { return _mm512_maskz_loadu_ps(lanes_below(count), p); }
GRAFT_SIMD_INLINE void store_first(float* p, VecF v, Index count) { _mm512_mask_storeu_ps(p, lanes_below(count), v); }
GRAFT_SIMD_INLINE VecF set1(float v) { return _mm512_set1_ps(v); }
GRAFT_SIMD_INLINE VecF fma(VecF a, VecF b, VecF c) { return _mm512_fmadd_ps(a, b, c); }
GRAFT_SIMD_INLINE VecF fnma(VecF a, VecF b, VecF c) { return _mm512_fnmadd_ps(a, b, c); }
// The forms with a (full) mask: GCC 12 warns of an uninitialised variable inside its plain ones.
GRAFT_SIMD_INLINE VecF vmax(VecF a, VecF b) { return _mm512_maskz_max_ps(static_cast<Mask>(-1), a, b); }
GRAFT_SIMD_INLINE VecF vmin(VecF a, VecF b) { return _mm512_maskz_min_ps(static_cast<Mask>(-1), a, b); }
GRAFT_SIMD_INLINE VecF vsqrt(VecF a) { return _mm512_maskz_sqrt_ps(static_cast<Mask>(-1), a); }
GRAFT_SIMD_INLINE Mask less(VecF a, VecF b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
GRAFT_SIMD_INLINE Mask is_nan(VecF a) { return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q); }
GRAFT_SIMD_INLINE Mask either(Mask a, Mask b) { return static_cast<Mask>(a | b); }
GRAFT_SIMD_INLINE VecF select(Mask m, VecF a, VecF b) { return _mm512_mask_blend_ps(m, b, a); }
GRAFT_SIMD_INLINE VecI as_int(VecF v) { return reinterpret_cast<VecI>(v); }
GRAFT_SIMD_INLINE VecF as_float(VecI v) { return reinterpret_cast<VecF>(v); }
GRAFT_SIMD_INLINE VecI load_bytes(const unsigned char* p) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return reinterpret_cast<VecI>(_mm512_maskz_cvtepu8_epi32(static_cast<Mask>(-1), bytes));
}
GRAFT_SIMD_INLINE void store_bytes(unsigned char* p, VecI v) {
  _mm512_mask_cvtepi32_storeu_epi8(p, static_cast<Mask>(-1), reinterpret_cast<__m512i>(v));
}
}  // namespace graft::kernels::avx512
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
namespace graft::kernels::avx2 {
inline constexpr Index kLanes = 8;
// 12 of 16 registers, 2 for B, 1 for A.
inline constexpr int kGemmRows = 6, kGemmVectors = 2;
using VecF = __m256;
typedef int VecI __attribute__((vector_size(32)));
using Mask = __m256;

GRAFT_SIMD_INLINE VecF load(const float* p) { return _mm256_loadu_ps(p); }
GRAFT_SIMD_INLINE void store(float* p, VecF v) { _mm256_storeu_ps(p, v); }
// Through memory of our own: masked stores are microcoded, and very slow, on some processors.
GRAFT_SIMD_INLINE VecF load_first(const float* p, Index count) {
  float buffer[8] = {};
  for (Index i = 0; i < count; ++i) buffer[i] = p[i];
  return load(buffer);
}
GRAFT_SIMD_INLINE void store_first(float* p, VecF v, Index count) {
  float buffer[8];
  store(buffer, v);
  for (Index i = 0; i < count; ++i) p[i] = buffer[i];
}
GRAFT_SIMD_INLINE VecF set1(float v) { return _mm256_set1_ps(v); }
GRAFT_SIMD_INLINE VecF fma(VecF a, VecF b, VecF c) { return _mm256_fmadd_ps(a, b, c); }
GRAFT_SIMD_INLINE VecF fnma(VecF a, VecF b, VecF c) { return _mm256_fnmadd_ps(a, b, c); }
GRAFT_SIMD_INLINE VecF vmax(VecF a, VecF b) { return _mm256_max_ps(a, b); }
GRAFT_SIMD_INLINE VecF vmin(VecF a, VecF b) { return _mm256_min_ps(a, b); }
GRAFT_SIMD_INLINE VecF vsqrt(VecF a) { return _mm256_sqrt_ps(a); }
GRAFT_SIMD_INLINE Mask less(VecF a, VecF b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
GRAFT_SIMD_INLINE Mask is_nan(VecF a) { return _mm256_cmp_ps(a, a, _CMP_UNORD_Q); }
GRAFT_SIMD_INLINE Mask either(Mask a, Mask b) { return _mm256_or_ps(a, b); }
GRAFT_SIMD_INLINE VecF select(Mask m, VecF a, VecF b) { return _mm256_blendv_ps(b, a, m); }
GRAFT_SIMD_INLINE VecI as_int(VecF v) { return reinterpret_cast<VecI>(v); }
GRAFT_SIMD_INLINE VecF as_float(VecI v) { return reinterpret_cast<VecF>(v); }
GRAFT_SIMD_INLINE Mask lanes_below(Index count) {
  return as_float(VecI{0, 1, 2, 3, 4, 5, 6, 7} < static_cast<int>(count));
}
GRAFT_SIMD_INLINE VecI load_bytes(const unsigned char* p) {
  return reinterpret_cast<VecI>(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}
GRAFT_SIMD_INLINE void store_bytes(unsigned char* p, VecI v) {
  const __m256i low = reinterpret_cast<__m256i>(v & 255);
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(words, words));
}
}  // namespace graft::kernels::avx2
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif  // GRAFT_KERNELS_X86

namespace graft::kernels::portable {
inline constexpr Index kLanes = 4;
// 8 of 16 registers: without a fused multiply-add the product needs one too.
inline constexpr int kGemmRows = 4, kGemmVectors = 2;
typedef float VecF __attribute__((vector_size(16)));
typedef int VecI __attribute__((vector_size(16)));
using Mask = VecI;

GRAFT_SIMD_INLINE VecI as_int(VecF v) { return reinterpret_cast<VecI>(v); }
GRAFT_SIMD_INLINE VecF as_float(VecI v) { return reinterpret_cast<VecF>(v); }
GRAFT_SIMD_INLINE VecF load(const float* p) {
  VecF v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
GRAFT_SIMD_INLINE void store(float* p, VecF v) { __builtin_memcpy(p, &v, sizeof v); }
GRAFT_SIMD_INLINE VecF load_first(const float* p, Index count) {
  float buffer[4] = {};
  for (Index i = 0; i < count; ++i) buffer[i] = p[i];
  return load(buffer);
}
GRAFT_SIMD_INLINE void store_first(float* p, VecF v, Index count) {
  float buffer[4];
  store(buffer, v);
  for (Index i = 0; i < count; ++i) p[i] = buffer[i];
}
GRAFT_SIMD_INLINE VecF set1(float v) { return VecF{v, v, v, v}; }
// Two roundings where the target has no fused multiply-add.
GRAFT_SIMD_INLINE VecF fma(VecF a, VecF b, VecF c) { return a * b + c; }
GRAFT_SIMD_INLINE VecF fnma(VecF a, VecF b, VecF c) { return c - a * b; }
GRAFT_SIMD_INLINE Mask less(VecF a, VecF b) { return a < b; }
GRAFT_SIMD_INLINE Mask is_nan(VecF a) { return a != a; }
GRAFT_SIMD_INLINE Mask either(Mask a, Mask b) { return a | b; }
GRAFT_SIMD_INLINE Mask lanes_below(Index count) { return VecI{0, 1, 2, 3} < static_cast<int>(count); }
GRAFT_SIMD_INLINE VecF select(Mask m, VecF a, VecF b) { return as_float((as_int(a) & m) | (as_int(b) & ~m)); }
GRAFT_SIMD_INLINE VecF vmax(VecF a, VecF b) { return select(a > b, a, b); }
GRAFT_SIMD_INLINE VecF vmin(VecF a, VecF b) { return select(a < b, a, b); }
GRAFT_SIMD_INLINE VecI load_bytes(const unsigned char* p) { return VecI{p[0], p[1], p[2], p[3]}; }
GRAFT_SIMD_INLINE void store_bytes(unsigned char* p, VecI v) {
  for (int i = 0; i < 4; ++i) p[i] = static_cast<unsigned char>(v[i]);
}
GRAFT_SIMD_INLINE VecF vsqrt(VecF a) {
  return VecF{__builtin_sqrtf(a[0]), __builtin_sqrtf(a[1]), __builtin_sqrtf(a[2]), __builtin_sqrtf(a[3])};
}
}  // namespace graft::kernels::portable
