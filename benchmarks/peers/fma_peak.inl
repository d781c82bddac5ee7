// Included once for each instruction set by kernels/simd/foreach_isa.inl.

/// Floating-point operations of a call that does `repeats` times nothing but independent fused multiply-adds, as many
/// as a GEMM tile has; their sum goes to `sink` + 2.
inline double fma_burst(Index repeats, float* sink) {
  // All sums differ, or the compiler would see that some are the same.
  VecF sums[kGemmRows][kGemmVectors];
  for (int i = 0; i < kGemmRows; ++i) {
    for (int v = 0; v < kGemmVectors; ++v) sums[i][v] = set1(sink[0] * static_cast<float>(i * kGemmVectors + v));
  }
  const VecF factor = set1(sink[0]), addend = set1(sink[1]);
  for (Index r = 0; r < repeats; ++r) {
    GRAFT_UNROLL
    for (int i = 0; i < kGemmRows; ++i) {
      GRAFT_UNROLL
      for (int v = 0; v < kGemmVectors; ++v) sums[i][v] = fma(sums[i][v], factor, addend);
    }
  }
  VecF total = VecF{};
  GRAFT_UNROLL
  for (int i = 0; i < kGemmRows; ++i) {
    GRAFT_UNROLL
    for (int v = 0; v < kGemmVectors; ++v) total = total + sums[i][v];
  }
  store(sink + 2, total);
  return 2.0 * kGemmRows * kGemmVectors * static_cast<double>(kLanes) * static_cast<double>(repeats);
}
