// exp and its relatives on vectors. Errors against double were measured over a sample of all floats: see the
// table in kernels/activation.hpp. NaN gives NaN.

// x = n ln 2 + r with |r| <= ln 2 / 2. Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
struct Reduced {
  VecF r;
  VecF expm1_r;
  VecI n;
};

GRAFT_SIMD_INLINE Reduced reduce_exponent(VecF x) {
  const VecF magic = set1(12582912.0f);
  const VecF shifted = fma(x, set1(1.44269504088896341f), magic);
  const VecF n = shifted - magic;
  VecF r = fnma(n, set1(0.693359375f), x);
  r = fnma(n, set1(-2.12194440e-4f), r);
  // expm1(r) = r + r^2 P(r); P by weighted least squares, relative error below 3e-10 before rounding.
  VecF p = set1(1.9914170843549073e-4f);
  p = fma(p, r, set1(1.3941008364781737e-3f));
  p = fma(p, r, set1(8.333273231983185e-3f));
  p = fma(p, r, set1(4.166635498404503e-2f));
  p = fma(p, r, set1(1.666666716337204e-1f));
  p = fma(p, r, set1(0.5f));
  return {r, fma(p, r * r, r), as_int(shifted) - as_int(magic)};
}

GRAFT_SIMD_INLINE VecF power_of_two(VecI n) { return as_float((n + 127) << 23); }

GRAFT_SIMD_INLINE VecF exp(VecF x) {
  const Reduced e = reduce_exponent(vmin(set1(89.0f), vmax(set1(-104.0f), x)));
  // In two steps, because 2^n itself leaves the range of floats where the result is denormal or just below infinity.
  const VecI half = e.n >> 1;
  return ((set1(1.0f) + e.expm1_r) * power_of_two(half)) * power_of_two(e.n - half);
}

/// exp(x) - 1 for x <= 40; beyond it stays at exp(40).
GRAFT_SIMD_INLINE VecF expm1(VecF x) {
  const Reduced e = reduce_exponent(vmin(set1(40.0f), vmax(set1(-40.0f), x)));
  const VecF scale = power_of_two(e.n);
  return fma(e.expm1_r, scale, scale - set1(1.0f));
}

GRAFT_SIMD_INLINE VecF magnitude(VecF x) { return as_float(as_int(x) & 0x7fffffff); }
GRAFT_SIMD_INLINE VecF copy_sign(VecF from, VecF to) {
  return as_float((as_int(from) & static_cast<int>(0x80000000u)) | as_int(to));
}

GRAFT_SIMD_INLINE VecF tanh(VecF x) {
  const VecF a = vmin(set1(10.0f), magnitude(x));
  const VecF e = expm1(a + a);
  return copy_sign(x, e / (e + set1(2.0f)));
}

GRAFT_SIMD_INLINE VecF sigmoid(VecF x) {
  // The exponent is never positive: nothing overflows, and small results keep their digits.
  const VecF e = exp(as_float(as_int(x) | static_cast<int>(0x80000000u)));
  return select(less(x, set1(0.0f)), e, set1(1.0f)) / (set1(1.0f) + e);
}

/// log(1 + u) for 0 <= u <= 1.
GRAFT_SIMD_INLINE VecF log1p_unit(VecF u) {
  const Mask small = less(u, set1(0.41421356f));
  const VecF f = select(small, u, (u - set1(1.0f)) * set1(0.5f));
  const VecF base = select(small, set1(0.0f), set1(0.69314718055994531f));
  // log(1 + f) = 2 atanh(s), s = f / (2 + f).
  const VecF s = f / (set1(2.0f) + f), z = s * s;
  VecF p = set1(0.2358425259590149f);
  p = fma(p, z, set1(0.2853720486164093f));
  p = fma(p, z, set1(0.4000033736228943f));
  p = fma(p, z, set1(0.6666666269302368f));
  return base + fma(p, s * z, s + s);
}

GRAFT_SIMD_INLINE VecF softplus(VecF x) {
  const VecF e = exp(as_float(as_int(x) | static_cast<int>(0x80000000u)));
  return vmax(set1(0.0f), x) + log1p_unit(e);
}

GRAFT_SIMD_INLINE float reduce_add(VecF v) {
  float lanes[kLanes];
  store(lanes, v);
  for (Index width = kLanes / 2; width > 0; width /= 2) {
    for (Index i = 0; i < width; ++i) lanes[i] += lanes[i + width];
  }
  return lanes[0];
}

/// The whole vector, or its first `count` lanes at the end of an array: tails go through the same arithmetic, so that
/// a result does not depend on where a thread's part begins.
GRAFT_SIMD_INLINE VecF load_part(const float* p, Index count) { return count >= kLanes ? load(p) : load_first(p, count); }
GRAFT_SIMD_INLINE void store_part(float* p, VecF v, Index count) {
  if (count >= kLanes) {
    store(p, v);
  } else {
    store_first(p, v, count);
  }
}
