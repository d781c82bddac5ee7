// Pooling, vectors over channels. Forward goes over rows of outputs, backward gathers over rows of inputs: every
// element is written once, by one thread, and its sum runs over the windows in order.

/// The offsets of kLanes channels, or of `count` if fewer are left.
GRAFT_SIMD_INLINE VecI load_offsets(const std::uint8_t* p, Index count) {
  if (count >= kLanes) return load_bytes(p);
  std::uint8_t bytes[kLanes] = {};
  for (Index i = 0; i < count; ++i) bytes[i] = p[i];
  return load_bytes(bytes);
}
GRAFT_SIMD_INLINE void store_offsets(std::uint8_t* p, VecI v, Index count) {
  if (count >= kLanes) return store_bytes(p, v);
  std::uint8_t bytes[kLanes];
  store_bytes(bytes, v);
  for (Index i = 0; i < count; ++i) p[i] = bytes[i];
}

/// A row of outputs or inputs, taken apart.
struct PoolRow {
  Index sample, z, h;
};
GRAFT_SIMD_INLINE PoolRow pool_row(const Index* size, Index row) {
  return {row / size[1] / size[0], row / size[1] % size[0], row % size[1]};
}

/// What a window has of an axis: its elements low … high - 1; element 0 lies at `start` of the input.
struct PoolSpan {
  Index start, low, high;
};
GRAFT_SIMD_INLINE PoolSpan pool_span(const PoolingDesc& d, int axis, Index o) {
  const Index start = o * d.stride[axis] - d.pad[axis], left = d.in[axis] - start;
  return {start, start < 0 ? -start : 0, left < d.pool[axis] ? left : d.pool[axis]};
}

/// The windows first … last that hold an element of the input.
struct PoolCover {
  Index first, last;
};
GRAFT_SIMD_INLINE PoolCover pool_cover(const PoolingDesc& d, int axis, Index i) {
  const Index at = i + d.pad[axis], below = at - d.pool[axis];
  const Index last = at / d.stride[axis];
  return {below < 0 ? 0 : below / d.stride[axis] + 1, last < d.out[axis] ? last : d.out[axis] - 1};
}
/// The same for the next element of the axis.
GRAFT_SIMD_INLINE void pool_advance(const PoolingDesc& d, int axis, Index i, PoolCover& cover) {
  const Index at = i + d.pad[axis];
  if (cover.first * d.stride[axis] + d.pool[axis] <= at) ++cover.first;
  if ((cover.last + 1) * d.stride[axis] <= at && cover.last + 1 < d.out[axis]) ++cover.last;
}

struct PoolWindow {
  PoolSpan z, h, w;
};

/// kVectors vectors of channels of one output; with fewer than a vector's channels left, `count` of them.
template <int kVectors>
GRAFT_SIMD_INLINE void max_window(const PoolingDesc& d, const PoolWindow& window, const float* x, Index count, float* y,
                                  std::uint8_t* offsets) {
  VecF best[kVectors];
  VecI at[kVectors];
  const Index first = (window.z.low * d.pool[1] + window.h.low) * d.pool[2] + window.w.low;
  GRAFT_UNROLL
  for (int n = 0; n < kVectors; ++n) {
    best[n] = set1(-__builtin_inff());
    at[n] = VecI{} + static_cast<int>(first);
  }
  for (Index z = window.z.low; z < window.z.high; ++z) {
    for (Index h = window.h.low; h < window.h.high; ++h) {
      const Index row = (window.z.start + z) * d.in[1] + window.h.start + h;
      const float* p = x + (row * d.in[2] + window.w.start + window.w.low) * d.channels;
      int offset = static_cast<int>((z * d.pool[1] + h) * d.pool[2] + window.w.low);
      for (Index w = window.w.low; w < window.w.high; ++w, p += d.channels, ++offset) {
        const VecF here = as_float(VecI{} + offset);
        GRAFT_UNROLL
        for (int n = 0; n < kVectors; ++n) {
          const VecF v = kVectors > 1 ? load(p + n * kLanes) : load_part(p, count);
          if (offsets != nullptr) {
            const Mask better = either(less(best[n], v), is_nan(v));
            best[n] = select(better, v, best[n]);
            at[n] = as_int(select(better, here, as_float(at[n])));
          } else {
            best[n] = select(is_nan(v), v, vmax(v, best[n]));  // a NaN found earlier stays: vmax gives its second
          }
        }
      }
    }
  }
  GRAFT_UNROLL
  for (int n = 0; n < kVectors; ++n) {
    store_part(y + n * kLanes, best[n], count);
    if (offsets != nullptr) store_offsets(offsets + n * kLanes, at[n], count);
  }
}

/// Rows within a window are added up one by one, which keeps sums over large windows accurate.
template <int kVectors>
GRAFT_SIMD_INLINE void average_window(const PoolingDesc& d, const PoolWindow& window, const float* x, Index count,
                                      float* y, std::uint8_t*) {
  VecF total[kVectors] = {};
  for (Index z = window.z.low; z < window.z.high; ++z) {
    for (Index h = window.h.low; h < window.h.high; ++h) {
      const Index row = (window.z.start + z) * d.in[1] + window.h.start + h;
      const float* p = x + (row * d.in[2] + window.w.start + window.w.low) * d.channels;
      VecF sum[kVectors] = {};
      for (Index w = window.w.low; w < window.w.high; ++w, p += d.channels) {
        GRAFT_UNROLL
        for (int n = 0; n < kVectors; ++n) {
          sum[n] = sum[n] + (kVectors > 1 ? load(p + n * kLanes) : load_part(p, count));
        }
      }
      GRAFT_UNROLL
      for (int n = 0; n < kVectors; ++n) total[n] = total[n] + sum[n];
    }
  }
  const Index elements =
      (window.z.high - window.z.low) * (window.h.high - window.h.low) * (window.w.high - window.w.low);
  const VecF share = set1(d.sum ? 1.0f : 1.0f / static_cast<float>(elements));
  GRAFT_UNROLL
  for (int n = 0; n < kVectors; ++n) store_part(y + n * kLanes, total[n] * share, count);
}

struct PoolMax {
  template <int kVectors>
  GRAFT_SIMD_INLINE static void window(const PoolingDesc& d, const PoolWindow& window, const float* x, Index count,
                                       float* y, std::uint8_t* offsets) {
    max_window<kVectors>(d, window, x, count, y, offsets);
  }
};
struct PoolAverage {
  template <int kVectors>
  GRAFT_SIMD_INLINE static void window(const PoolingDesc& d, const PoolWindow& window, const float* x, Index count,
                                       float* y, std::uint8_t* offsets) {
    average_window<kVectors>(d, window, x, count, y, offsets);
  }
};

template <class Kind, bool kOffsets>
GRAFT_SIMD_INLINE void pool_rows(const PoolingDesc& d, Index from, Index to, const float* x, float* y,
                                 std::uint8_t* offsets) {
  const Index channels = d.channels, sample = d.in[0] * d.in[1] * d.in[2] * channels;
  for (Index r = from; r < to; ++r) {
    const PoolRow row = pool_row(d.out, r);
    const float* xs = x + row.sample * sample;
    PoolWindow window = {pool_span(d, 0, row.z), pool_span(d, 1, row.h), {}};
    for (Index o = 0; o < d.out[2]; ++o) {
      window.w = pool_span(d, 2, o);
      const Index at = (r * d.out[2] + o) * channels;
      Index c = 0;
      for (; c + 4 * kLanes <= channels; c += 4 * kLanes) {
        Kind::template window<4>(d, window, xs + c, kLanes, y + at + c, kOffsets ? offsets + at + c : nullptr);
      }
      for (; c + 2 * kLanes <= channels; c += 2 * kLanes) {
        Kind::template window<2>(d, window, xs + c, kLanes, y + at + c, kOffsets ? offsets + at + c : nullptr);
      }
      for (; c < channels; c += kLanes) {
        Kind::template window<1>(d, window, xs + c, channels - c, y + at + c, kOffsets ? offsets + at + c : nullptr);
      }
    }
  }
}

/// Rows from … to - 1 of the outputs of all samples. offsets: the number in its window of each maximum, or null.
inline void max_pool_rows(const PoolingDesc& d, Index from, Index to, const float* x, float* y, std::uint8_t* offsets) {
  if (offsets != nullptr) {
    pool_rows<PoolMax, true>(d, from, to, x, y, offsets);
  } else {
    pool_rows<PoolMax, false>(d, from, to, x, y, nullptr);
  }
}
inline void average_pool_rows(const PoolingDesc& d, Index from, Index to, const float* x, float* y) {
  pool_rows<PoolAverage, false>(d, from, to, x, y, nullptr);
}

/// An element of the input, and the windows that hold it.
struct PoolPlace {
  Index z, h, w;
  PoolCover cover_z, cover_h, cover_w;
};

/// kVectors vectors of channels of the gradient of one element. kMax: what chose this element; else an equal share.
template <bool kMax, int kVectors>
GRAFT_SIMD_INLINE void gather_gradient(const PoolingDesc& d, const PoolPlace& place, const float* dy,
                                       const std::uint8_t* offsets, Index count, float* dx, bool accumulate) {
  VecF sum[kVectors] = {};
  for (Index z = place.cover_z.first; z <= place.cover_z.last; ++z) {
    const PoolSpan span_z = pool_span(d, 0, z);
    for (Index h = place.cover_h.first; h <= place.cover_h.last; ++h) {
      const PoolSpan span_h = pool_span(d, 1, h);
      const Index in_row = place.w + d.pad[2] - place.cover_w.first * d.stride[2];
      Index offset = ((place.z - span_z.start) * d.pool[1] + place.h - span_h.start) * d.pool[2] + in_row;
      Index at = ((z * d.out[1] + h) * d.out[2] + place.cover_w.first) * d.channels;
      for (Index w = place.cover_w.first; w <= place.cover_w.last; ++w, at += d.channels, offset -= d.stride[2]) {
        VecF share = set1(1.0f);
        if (!kMax && !d.sum) {
          const PoolSpan span_w = pool_span(d, 2, w);
          const Index elements = (span_z.high - span_z.low) * (span_h.high - span_h.low) * (span_w.high - span_w.low);
          share = set1(1.0f / static_cast<float>(elements));
        }
        GRAFT_UNROLL
        for (int n = 0; n < kVectors; ++n) {
          const VecF g = kVectors > 1 ? load(dy + at + n * kLanes) : load_part(dy + at, count);
          if constexpr (kMax) {
            const VecI chosen = load_offsets(offsets + at + n * kLanes, count) == static_cast<int>(offset);
            sum[n] = sum[n] + as_float(as_int(g) & chosen);
          } else {
            sum[n] = fma(g, share, sum[n]);
          }
        }
      }
    }
  }
  GRAFT_UNROLL
  for (int n = 0; n < kVectors; ++n) {
    float* p = dx + n * kLanes;
    store_part(p, accumulate ? load_part(p, count) + sum[n] : sum[n], count);
  }
}

template <bool kMax>
GRAFT_SIMD_INLINE void pool_gradient_rows(const PoolingDesc& d, Index from, Index to, const float* dy,
                                          const std::uint8_t* offsets, float* dx, bool accumulate) {
  const Index channels = d.channels, sample = d.out[0] * d.out[1] * d.out[2] * channels;
  for (Index r = from; r < to; ++r) {
    const PoolRow row = pool_row(d.in, r);
    const float* dys = dy + row.sample * sample;
    const std::uint8_t* offset = kMax ? offsets + row.sample * sample : nullptr;
    PoolPlace place = {row.z, row.h, 0, pool_cover(d, 0, row.z), pool_cover(d, 1, row.h), pool_cover(d, 2, 0)};
    for (Index w = 0; w < d.in[2]; ++w) {
      place.w = w;
      pool_advance(d, 2, w, place.cover_w);
      float* to_x = dx + (r * d.in[2] + w) * channels;
      Index c = 0;
      for (; c + 4 * kLanes <= channels; c += 4 * kLanes) {
        gather_gradient<kMax, 4>(d, place, dys + c, kMax ? offset + c : nullptr, kLanes, to_x + c, accumulate);
      }
      for (; c + 2 * kLanes <= channels; c += 2 * kLanes) {
        gather_gradient<kMax, 2>(d, place, dys + c, kMax ? offset + c : nullptr, kLanes, to_x + c, accumulate);
      }
      for (; c < channels; c += kLanes) {
        gather_gradient<kMax, 1>(d, place, dys + c, kMax ? offset + c : nullptr, channels - c, to_x + c, accumulate);
      }
    }
  }
}

/// Rows from … to - 1 of the inputs of all samples.
inline void max_pool_gradient_rows(const PoolingDesc& d, Index from, Index to, const float* dy,
                                   const std::uint8_t* offsets, float* dx, bool accumulate) {
  pool_gradient_rows<true>(d, from, to, dy, offsets, dx, accumulate);
}
inline void average_pool_gradient_rows(const PoolingDesc& d, Index from, Index to, const float* dy, float* dx,
                                       bool accumulate) {
  pool_gradient_rows<false>(d, from, to, dy, nullptr, dx, accumulate);
}

/// The gradient of a maximum over all places: equal shares for those that have it.
inline void global_max_gradient(Index places, Index channels, const float* x, const float* y, const float* dy,
                                float* dx, bool accumulate) {
  const VecF one = set1(1.0f);
  for (Index c = 0; c < channels; c += kLanes) {
    const Index left = channels - c;
    const VecF maximum = load_part(y + c, left);
    VecF count = VecF{};
    for (Index p = 0; p < places; ++p) {
      const VecF v = load_part(x + p * channels + c, left);
      count = count + select(less(v, maximum), VecF{}, one);
    }
    // NaN is its own maximum: nothing is less, and all elements get a share.
    const VecF share = load_part(dy + c, left) / count;
    for (Index p = 0; p < places; ++p) {
      float* to = dx + p * channels + c;
      const VecF d = select(less(load_part(x + p * channels + c, left), maximum), VecF{}, share);
      store_part(to, accumulate ? load_part(to, left) + d : d, left);
    }
  }
}
