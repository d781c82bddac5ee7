// RandomKey::bits for a vector of counters: half as many as there are lanes, and in memory the low halves come first, so
// that their 32-bit halves are those of the elements in order. `first` is even.
inline void random_mask(const RandomMaskDesc<float>& desc, Index first, Index n, const float* x, float* y) {
  typedef std::uint64_t Counters __attribute__((vector_size(sizeof(VecF))));
  typedef std::uint32_t Bits __attribute__((vector_size(sizeof(VecF))));
  constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15u;
  Counters next;
  for (Index c = 0; c < kLanes / 2; ++c) {
    next[c] = desc.key.value + (static_cast<std::uint64_t>(first / 2 + c) + 1) * kStep;
  }
  const Bits threshold = Bits{} + static_cast<std::uint32_t>(desc.threshold);
  const VecF scale = set1(desc.scale), shift = set1(desc.shift);
  const VecI dropped = as_int(set1(desc.dropped));
  for (Index i = 0; i < n; i += kLanes) {
    Counters z = next;
    next += static_cast<std::uint64_t>(kLanes / 2) * kStep;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z = z ^ (z >> 31);
    const VecI kept = reinterpret_cast<VecI>(reinterpret_cast<Bits>(z) >= threshold);
    const VecI value = as_int(fma(scale, load_part(x + i, n - i), shift));
    const VecF masked = as_float((value & kept) | (dropped & ~kept));
    store_part(y + i, desc.accumulate ? load_part(y + i, n - i) + masked : masked, n - i);
  }
}
