// Rows of softmax. exp takes most of the time; sums run in kLanes lanes and then over the lanes, in one order.

/// Largest of n, or NaN if there is one.
inline float row_maximum(Index n, const float* x) {
  VecF best = set1(x[0]), poison = VecF{};
  for (Index i = 0; i < n; i += kLanes) {
    // A short load fills up with zeros, which could be larger than every element.
    const VecF v = n - i >= kLanes ? load(x + i) : select(lanes_below(n - i), load_first(x + i, n - i), best);
    best = vmax(best, v);
    poison = poison + (v - v);  // NaN once there is a NaN or an infinity
  }
  float lanes[kLanes];
  store(lanes, best);
  float largest = lanes[0];
  for (Index i = 1; i < kLanes; ++i) largest = lanes[i] > largest ? lanes[i] : largest;
  if (reduce_add(poison) == 0.0f) return largest;
  return reference::row_maximum<float>(n, x);
}

inline void softmax_forward(Index rows, Index cols, const float* x, float* y) {
  for (Index r = 0; r < rows; ++r, x += cols, y += cols) {
    const VecF largest = set1(row_maximum(cols, x));
    VecF sums = VecF{};
    for (Index i = 0; i < cols; i += kLanes) {
      const VecF e = exp(load_part(x + i, cols - i) - largest);
      store_part(y + i, e, cols - i);
      sums = sums + (cols - i >= kLanes ? e : select(lanes_below(cols - i), e, VecF{}));
    }
    const VecF scale = set1(1.0f / reduce_add(sums));
    for (Index i = 0; i < cols; i += kLanes) store_part(y + i, load_part(y + i, cols - i) * scale, cols - i);
  }
}

inline void softmax_backward(Index rows, Index cols, const float* y, const float* dy, float* dx, bool accumulate) {
  for (Index r = 0; r < rows; ++r, y += cols, dy += cols, dx += cols) {
    VecF sums = VecF{};
    for (Index i = 0; i < cols; i += kLanes) sums = fma(load_part(y + i, cols - i), load_part(dy + i, cols - i), sums);
    const VecF total = set1(reduce_add(sums));
    for (Index i = 0; i < cols; i += kLanes) {
      const VecF d = load_part(y + i, cols - i) * (load_part(dy + i, cols - i) - total);
      store_part(dx + i, accumulate ? load_part(dx + i, cols - i) + d : d, cols - i);
    }
  }
}

inline void log_softmax_forward(Index rows, Index cols, const float* x, float* y) {
  for (Index r = 0; r < rows; ++r, x += cols, y += cols) {
    const VecF largest = set1(row_maximum(cols, x));
    VecF sums = VecF{};
    for (Index i = 0; i < cols; i += kLanes) {
      const VecF e = exp(load_part(x + i, cols - i) - largest);
      sums = sums + (cols - i >= kLanes ? e : select(lanes_below(cols - i), e, VecF{}));
    }
    const VecF log_sum = set1(__builtin_logf(reduce_add(sums)));
    for (Index i = 0; i < cols; i += kLanes) {
      store_part(y + i, (load_part(x + i, cols - i) - largest) - log_sum, cols - i);
    }
  }
}

inline void log_softmax_backward(Index rows, Index cols, const float* y, const float* dy, float* dx, bool accumulate) {
  for (Index r = 0; r < rows; ++r, y += cols, dy += cols, dx += cols) {
    VecF sums = VecF{};
    for (Index i = 0; i < cols; i += kLanes) sums = sums + load_part(dy + i, cols - i);
    const VecF total = set1(reduce_add(sums));
    for (Index i = 0; i < cols; i += kLanes) {
      const VecF d = fnma(exp(load_part(y + i, cols - i)), total, load_part(dy + i, cols - i));
      store_part(dx + i, accumulate ? load_part(dx + i, cols - i) + d : d, cols - i);
    }
  }
}
