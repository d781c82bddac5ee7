// Per-channel values stand in arrays: beside the elements of a run when the channels are the last axis, or one value
// for the whole run (`broadcast`) when a run lies within a channel.

GRAFT_SIMD_INLINE VecF channel_value(const float* p, Index i, Index n, bool broadcast) {
  return broadcast ? set1(*p) : load_part(p + i, n - i);
}

/// y = (x - mean) * scale + shift
inline void batch_norm_apply(Index n, bool broadcast, const float* x, const float* mean, const float* scale,
                             const float* shift, float* y) {
  for (Index i = 0; i < n; i += kLanes) {
    const VecF centered = load_part(x + i, n - i) - channel_value(mean, i, n, broadcast);
    const VecF r = fma(centered, channel_value(scale, i, n, broadcast), channel_value(shift, i, n, broadcast));
    store_part(y + i, r, n - i);
  }
}

/// dx (+)= scale * dy - offset - slope * (x - mean); without x: scale * dy
inline void batch_norm_dx(Index n, bool broadcast, const float* x, const float* dy, const float* mean,
                          const float* scale, const float* offset, const float* slope, float* dx, bool accumulate) {
  for (Index i = 0; i < n; i += kLanes) {
    VecF d = channel_value(scale, i, n, broadcast) * load_part(dy + i, n - i);
    if (x != nullptr) {
      const VecF centered = load_part(x + i, n - i) - channel_value(mean, i, n, broadcast);
      d = fnma(channel_value(slope, i, n, broadcast), centered, d - channel_value(offset, i, n, broadcast));
    }
    store_part(dx + i, accumulate ? load_part(dx + i, n - i) + d : d, n - i);
  }
}

/// Sum of (x - mean) * (y - y_mean) over a run within a channel; y_mean is null for 0.
inline double centered_dot(Index n, const float* x, const float* y, float mean, const float* y_mean) {
  const VecF x_center = set1(mean), y_center = set1(y_mean != nullptr ? *y_mean : 0.0f);
  VecF s0 = VecF{}, s1 = VecF{};
  Index i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    s0 = fma(load(x + i) - x_center, load(y + i) - y_center, s0);
    s1 = fma(load(x + i + kLanes) - x_center, load(y + i + kLanes) - y_center, s1);
  }
  for (; i < n; i += kLanes) {
    const Index count = n - i;
    const VecF product = (load_part(x + i, count) - x_center) * (load_part(y + i, count) - y_center);
    s0 = s0 + (count >= kLanes ? product : select(lanes_below(count), product, VecF{}));
  }
  return static_cast<double>(reduce_add(s0 + s1));
}

/// sums[c] = sum over rows of (x - mean[c]) * (y - y_mean[c]), channels last; y_mean is null for 0.
inline void centered_column_dots(Index rows, Index cols, const float* x, const float* y, const float* mean,
                                 const float* y_mean, float* sums) {
  Index c = 0;
  for (; c + 2 * kLanes <= cols; c += 2 * kLanes) {
    const VecF m0 = load(mean + c), m1 = load(mean + c + kLanes);
    const VecF n0 = y_mean != nullptr ? load(y_mean + c) : VecF{};
    const VecF n1 = y_mean != nullptr ? load(y_mean + c + kLanes) : VecF{};
    VecF s0 = VecF{}, s1 = VecF{};
    for (Index r = 0; r < rows; ++r) {
      const Index at = r * cols + c;
      s0 = fma(load(x + at) - m0, load(y + at) - n0, s0);
      s1 = fma(load(x + at + kLanes) - m1, load(y + at + kLanes) - n1, s1);
    }
    store(sums + c, s0);
    store(sums + c + kLanes, s1);
  }
  for (; c < cols; c += kLanes) {
    const VecF m = load_part(mean + c, cols - c);
    const VecF n = y_mean != nullptr ? load_part(y_mean + c, cols - c) : VecF{};
    VecF s = VecF{};
    for (Index r = 0; r < rows; ++r) {
      const Index at = r * cols + c;
      s = fma(load_part(x + at, cols - c) - m, load_part(y + at, cols - c) - n, s);
    }
    store_part(sums + c, s, cols - c);
  }
}
