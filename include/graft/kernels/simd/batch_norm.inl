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

// Rows that one block of a pass over a channels-last array has: few enough to be still in the cache when the next
// columns, or the next pass over the same ones, read them.
inline Index block_rows(Index cols) { return cols < 32 ? 256 : cols < 512 ? 8192 / cols : 16; }

/// kVectors whole vectors, or one that may be the rest of a row.
template <int kVectors>
GRAFT_SIMD_INLINE VecF load_columns(const float* p, Index left) {
  if constexpr (kVectors > 1) return load(p);
  else return load_part(p, left);
}

/// Columns c … of the rows first … first + rows - 1: mean and sum of squared deviations, merged with those of the rows
/// in front (Chan, Golub and LeVeque 1979).
template <int kVectors>
GRAFT_SIMD_INLINE void merge_moments(Index first, Index rows, Index cols, Index c, const float* x, float* mean,
                                     float* squares) {
  const float count = static_cast<float>(rows), total = static_cast<float>(first + rows);
  const VecF share = set1(1.0f / count), moved = set1(count / total);
  const VecF weight = set1(static_cast<float>(first) * (count / total));
  const float* start = x + first * cols + c;
  VecF m[kVectors], q[kVectors];
  GRAFT_UNROLL
  for (int v = 0; v < kVectors; ++v) m[v] = q[v] = VecF{};
  const float* row = start;
  for (Index r = 0; r < rows; ++r, row += cols) {
    GRAFT_UNROLL
    for (int v = 0; v < kVectors; ++v) m[v] = m[v] + load_columns<kVectors>(row + v * kLanes, cols - c - v * kLanes);
  }
  GRAFT_UNROLL
  for (int v = 0; v < kVectors; ++v) m[v] = m[v] * share;
  row = start;
  for (Index r = 0; r < rows; ++r, row += cols) {
    GRAFT_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const VecF d = load_columns<kVectors>(row + v * kLanes, cols - c - v * kLanes) - m[v];
      q[v] = fma(d, d, q[v]);
    }
  }
  GRAFT_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    const Index at = c + v * kLanes, left = cols - at;
    if (first > 0) {
      const VecF before = load_part(mean + at, left), d = m[v] - before;
      m[v] = fma(d, moved, before);
      q[v] = fma(d * d, weight, load_part(squares + at, left) + q[v]);
    }
    store_part(mean + at, m[v], left);
    store_part(squares + at, q[v], left);
  }
}

/// mean[c] and squares[c] = sum of (x - mean[c])^2 over the rows, channels last, in one pass over memory.
inline void column_moments(Index rows, Index cols, const float* x, float* mean, float* squares) {
  const Index block = block_rows(cols);
  for (Index first = 0; first < rows; first += block) {
    const Index count = rows - first < block ? rows - first : block;
    Index c = 0;
    for (; c + 4 * kLanes <= cols; c += 4 * kLanes) merge_moments<4>(first, count, cols, c, x, mean, squares);
    for (; c < cols; c += kLanes) merge_moments<1>(first, count, cols, c, x, mean, squares);
  }
}

template <int kVectors>
GRAFT_SIMD_INLINE void add_sums_and_dots(Index first, Index rows, Index cols, Index c, const float* x, const float* y,
                                         const float* mean, float* sums, float* dots) {
  VecF m[kVectors], s[kVectors], d[kVectors];
  GRAFT_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    const Index at = c + v * kLanes, left = cols - at;
    m[v] = load_part(mean + at, left);
    s[v] = first > 0 ? load_part(sums + at, left) : VecF{};
    d[v] = first > 0 ? load_part(dots + at, left) : VecF{};
  }
  Index at = first * cols + c;
  for (Index r = 0; r < rows; ++r, at += cols) {
    GRAFT_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const Index left = cols - c - v * kLanes;
      const VecF slope = load_columns<kVectors>(y + at + v * kLanes, left);
      s[v] = s[v] + slope;
      d[v] = fma(load_columns<kVectors>(x + at + v * kLanes, left) - m[v], slope, d[v]);
    }
  }
  GRAFT_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    store_part(sums + c + v * kLanes, s[v], cols - c - v * kLanes);
    store_part(dots + c + v * kLanes, d[v], cols - c - v * kLanes);
  }
}

/// sums[c] = sum of y and dots[c] = sum of (x - mean[c]) * y over the rows, channels last, in one pass over memory.
inline void column_sums_and_dots(Index rows, Index cols, const float* x, const float* y, const float* mean, float* sums,
                                 float* dots) {
  const Index block = block_rows(cols);
  for (Index first = 0; first < rows; first += block) {
    const Index count = rows - first < block ? rows - first : block;
    Index c = 0;
    for (; c + 4 * kLanes <= cols; c += 4 * kLanes) {
      add_sums_and_dots<4>(first, count, cols, c, x, y, mean, sums, dots);
    }
    for (; c < cols; c += kLanes) add_sums_and_dots<1>(first, count, cols, c, x, y, mean, sums, dots);
  }
}
