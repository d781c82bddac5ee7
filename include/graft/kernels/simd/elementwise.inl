// Sums add float lanes inside a piece; pieces are added in double by the caller.

inline double sum(Index n, const float* x) {
  VecF s0 = VecF{}, s1 = VecF{}, s2 = VecF{}, s3 = VecF{};
  Index i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    s0 = s0 + load(x + i);
    s1 = s1 + load(x + i + kLanes);
    s2 = s2 + load(x + i + 2 * kLanes);
    s3 = s3 + load(x + i + 3 * kLanes);
  }
  for (; i < n; i += kLanes) s0 = s0 + load_part(x + i, n - i);
  return static_cast<double>(reduce_add((s0 + s1) + (s2 + s3)));
}

inline double dot(Index n, const float* x, const float* y) {
  VecF s0 = VecF{}, s1 = VecF{}, s2 = VecF{}, s3 = VecF{};
  Index i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    s0 = fma(load(x + i), load(y + i), s0);
    s1 = fma(load(x + i + kLanes), load(y + i + kLanes), s1);
    s2 = fma(load(x + i + 2 * kLanes), load(y + i + 2 * kLanes), s2);
    s3 = fma(load(x + i + 3 * kLanes), load(y + i + 3 * kLanes), s3);
  }
  for (; i < n; i += kLanes) s0 = fma(load_part(x + i, n - i), load_part(y + i, n - i), s0);
  return static_cast<double>(reduce_add((s0 + s1) + (s2 + s3)));
}

inline void axpy(Index n, float a, const float* x, float* y) {
  const VecF factor = set1(a);
  for (Index i = 0; i < n; i += kLanes) {
    store_part(y + i, fma(factor, load_part(x + i, n - i), load_part(y + i, n - i)), n - i);
  }
}

inline void scale(Index n, float a, float* x) {
  const VecF factor = set1(a);
  for (Index i = 0; i < n; i += kLanes) store_part(x + i, factor * load_part(x + i, n - i), n - i);
}

inline void scaled(Index n, float a, const float* x, float* y) {
  const VecF factor = set1(a);
  for (Index i = 0; i < n; i += kLanes) store_part(y + i, factor * load_part(x + i, n - i), n - i);
}

inline void axpby(Index n, float a, const float* x, float b, const float* z, float* y) {
  const VecF x_factor = set1(a), z_factor = set1(b);
  for (Index i = 0; i < n; i += kLanes) {
    store_part(y + i, fma(x_factor, load_part(x + i, n - i), z_factor * load_part(z + i, n - i)), n - i);
  }
}

inline void clip(Index n, float limit, float* x) {
  const VecF high = set1(limit), low = set1(-limit);
  for (Index i = 0; i < n; i += kLanes) store_part(x + i, vmin(high, vmax(low, load_part(x + i, n - i))), n - i);
}

inline void add(Index n, const float* a, const float* b, float* y) {
  for (Index i = 0; i < n; i += kLanes) store_part(y + i, load_part(a + i, n - i) + load_part(b + i, n - i), n - i);
}

inline void multiply(Index n, const float* a, const float* b, float* y) {
  for (Index i = 0; i < n; i += kLanes) store_part(y + i, load_part(a + i, n - i) * load_part(b + i, n - i), n - i);
}

inline void multiply_add(Index n, const float* a, const float* b, float* y) {
  for (Index i = 0; i < n; i += kLanes) {
    store_part(y + i, fma(load_part(a + i, n - i), load_part(b + i, n - i), load_part(y + i, n - i)), n - i);
  }
}

inline void add_bias(Index rows, Index cols, const float* bias, float* y) {
  for (Index r = 0; r < rows; ++r, y += cols) add(cols, y, bias, y);
}

/// sums[c] = sum over rows of x[r * cols + c], four columns of vectors at a time.
inline void column_sums(Index rows, Index cols, const float* x, float* sums, bool accumulate) {
  Index c = 0;
  for (; c + 4 * kLanes <= cols; c += 4 * kLanes) {
    VecF s0 = VecF{}, s1 = VecF{}, s2 = VecF{}, s3 = VecF{};
    const float* row = x + c;
    for (Index r = 0; r < rows; ++r, row += cols) {
      s0 = s0 + load(row);
      s1 = s1 + load(row + kLanes);
      s2 = s2 + load(row + 2 * kLanes);
      s3 = s3 + load(row + 3 * kLanes);
    }
    store(sums + c, accumulate ? load(sums + c) + s0 : s0);
    store(sums + c + kLanes, accumulate ? load(sums + c + kLanes) + s1 : s1);
    store(sums + c + 2 * kLanes, accumulate ? load(sums + c + 2 * kLanes) + s2 : s2);
    store(sums + c + 3 * kLanes, accumulate ? load(sums + c + 3 * kLanes) + s3 : s3);
  }
  for (; c < cols; c += kLanes) {
    VecF s = VecF{};
    const float* row = x + c;
    for (Index r = 0; r < rows; ++r, row += cols) s = s + load_part(row, cols - c);
    store_part(sums + c, accumulate ? load_part(sums + c, cols - c) + s : s, cols - c);
  }
}
