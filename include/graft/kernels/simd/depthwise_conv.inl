// Depthwise convolution, in vectors over channels. A few neighbouring pixels are computed together, all channels of
// them before the next ones: memory is read in runs, and a weight is loaded once for all of them.

inline constexpr int kDepthwisePixels = 4;
inline constexpr Index kDepthwiseKernelRows = 64;  // more: the general way

inline bool depthwise_applies(const ConvDesc& d) {
  return d.depthwise() && d.kernel[0] * d.kernel[1] <= kDepthwiseKernelRows;
}

/// A row of pixels of the lattice along the last axis.
struct DepthwiseRow {
  const ConvRows* rows;
  Index count;                           // kernel rows that see the image
  const float* x[kDepthwiseKernelRows];  // where lattice position 0 and tap 0 of the last axis read, in each
  const float* w[kDepthwiseKernelRows];  // the weights of tap 0
  Index w_pitch;                         // from a tap to the next
  const float* bias;
  float* c;
  bool accumulate;
  bool relu;
};

/// kPixels pixels from lattice position q on, channels [c, c + count); taps [tap0, tap1) of the last axis. With kTaps
/// these are all, kTaps neighbours, and pixels are kStride apart: what one pixel reads is kept for the next.
template <int kPixels, int kTaps, int kStride, bool kWhole>
GRAFT_SIMD_INLINE void depthwise_pixels(const DepthwiseRow& r, Index q, Index c, Index count, Index tap0, Index tap1) {
  const ConvRows& a = *r.rows;
  const auto get = [&](const float* p) { return kWhole ? load(p) : load_part(p, count); };
  VecF acc[kPixels];
  GRAFT_UNROLL
  for (int i = 0; i < kPixels; ++i) acc[i] = VecF{};
  const Index channels = a.channels, next = a.mul[2] * channels;
  for (Index row = 0; row < r.count; ++row) {
    const float* x = r.x[row] + q * next + c;
    const float* w = r.w[row] + c;
    if constexpr (kTaps > 0) {
      constexpr int kSeen = (kPixels - 1) * kStride + kTaps;
      VecF seen[kSeen];
      GRAFT_UNROLL
      for (int i = 0; i < kSeen; ++i) seen[i] = get(x + i * channels);
      GRAFT_UNROLL
      for (int t = 0; t < kTaps; ++t) {
        const VecF weight = get(w + t * r.w_pitch);
        GRAFT_UNROLL
        for (int i = 0; i < kPixels; ++i) acc[i] = fma(seen[i * kStride + t], weight, acc[i]);
      }
    } else {
      for (Index t = tap0; t < tap1; ++t) {
        const VecF weight = get(w + t * r.w_pitch);
        GRAFT_UNROLL
        for (int i = 0; i < kPixels; ++i) {
          acc[i] = fma(get(x + i * next + t * a.pitch[2] * channels), weight, acc[i]);
        }
      }
    }
  }
  float* out = r.c + q * a.c_pitch[2] + c;
  const VecF bias = r.bias != nullptr ? get(r.bias + c) : VecF{};
  GRAFT_UNROLL
  for (int i = 0; i < kPixels; ++i) {
    float* p = out + i * a.c_pitch[2];
    VecF v = acc[i] + bias;
    if (r.accumulate) v = v + get(p);
    if (r.relu) v = vmax(VecF{}, v);
    if (kWhole) store(p, v);
    else store_part(p, v, count);
  }
}

template <int kPixels, int kTaps, int kStride>
void depthwise_channels(const DepthwiseRow& r, Index q, Index tap0, Index tap1) {
  const Index channels = r.rows->channels;
  Index c = 0;
  for (; c + kLanes <= channels; c += kLanes)
    depthwise_pixels<kPixels, kTaps, kStride, true>(r, q, c, kLanes, tap0, tap1);
  if (c < channels) depthwise_pixels<kPixels, kTaps, kStride, false>(r, q, c, channels - c, tap0, tap1);
}

inline void depthwise_row(const DepthwiseRow& r) {
  const ConvRows& a = *r.rows;
  const Index taps = a.taps[2], pitch = a.pitch[2], n = a.lattice[2], s = a.mul[2];
  // Positions [low, high) see every tap of the last axis.
  Index low = a.add[2] < 0 ? (-a.add[2] + s - 1) / s : 0;
  const Index last = a.dim[2] - 1 - (taps - 1) * pitch - a.add[2];
  Index high = last < 0 ? 0 : last / s + 1;
  high = high < n ? high : n;
  low = low < high ? low : high;
  const auto border = [&](Index q) {
    const Index x = q * s + a.add[2];
    Index tap0 = x < 0 ? (-x + pitch - 1) / pitch : 0;
    Index tap1 = x >= a.dim[2] ? 0 : (a.dim[2] - 1 - x) / pitch + 1;
    tap1 = tap1 < taps ? tap1 : taps;
    tap0 = tap0 < tap1 ? tap0 : tap1;
    depthwise_channels<1, 0, 1>(r, q, tap0, tap1);
  };
  for (Index q = 0; q < low; ++q) border(q);
  Index q = low;
  const bool three = taps == 3 && pitch == 1;
  for (; q + kDepthwisePixels <= high; q += kDepthwisePixels) {
    if (three && s == 1) depthwise_channels<kDepthwisePixels, 3, 1>(r, q, 0, 3);
    else if (three && s == 2) depthwise_channels<kDepthwisePixels, 3, 2>(r, q, 0, 3);
    else depthwise_channels<kDepthwisePixels, 0, 1>(r, q, 0, taps);
  }
  for (; q < high; ++q) depthwise_channels<1, 0, 1>(r, q, 0, taps);
  for (; q < n; ++q) border(q);
}

inline void depthwise_run(const ConvRows& rows, const ConvTaps& which, Index batch, const float* w, const float* bias,
                          bool accumulate, const ActivationParams& activation) {
  const bool relu = is_plain_relu(activation);
  const bool other = !relu && activation.kind != ActivationKind::linear;
  const Index lines = batch * rows.lattice[0] * rows.lattice[1];
  const Index work = rows.lattice[2] * rows.channels * (rows.taps[0] * rows.taps[1] * rows.taps[2] + 1);
  parallel_for(0, lines, 1 + 65536 / (work + 1), [&](Index from, Index to) {
    for (Index line = from; line < to; ++line) {
      const Index y = line % rows.lattice[1], z = line / rows.lattice[1] % rows.lattice[0];
      const Index n = line / rows.lattice[1] / rows.lattice[0];
      DepthwiseRow r;
      r.rows = &rows;
      r.count = 0;
      r.w_pitch = which.pitch[2] * rows.channels;
      r.bias = bias;
      r.c = rows.c + n * rows.c_sample + z * rows.c_pitch[0] + y * rows.c_pitch[1];
      r.accumulate = accumulate;
      r.relu = relu;
      for (Index tz = 0; tz < rows.taps[0]; ++tz) {
        for (Index ty = 0; ty < rows.taps[1]; ++ty) {
          const Index at_z = z * rows.mul[0] + rows.add[0] + tz * rows.pitch[0];
          const Index at_y = y * rows.mul[1] + rows.add[1] + ty * rows.pitch[1];
          if (at_z < 0 || at_z >= rows.dim[0] || at_y < 0 || at_y >= rows.dim[1]) continue;
          r.x[r.count] =
              rows.image + n * rows.sample + ((at_z * rows.dim[1] + at_y) * rows.dim[2] + rows.add[2]) * rows.channels;
          r.w[r.count++] = w + which.at(tz, ty, 0) * rows.channels;
        }
      }
      depthwise_row(r);
      if (!other) continue;
      for (Index q = 0; q < rows.lattice[2]; ++q) {
        float* pixel = r.c + q * rows.c_pitch[2];
        activation_forward(activation, rows.channels, pixel, pixel);
      }
    }
  });
}

inline void depthwise_conv_forward(const ConvDesc& d, const float* x, const float* w, const float* bias, float* y) {
  ConvTaps which;
  const ConvRows rows = conv_forward_rows(d, x, y, which);
  depthwise_run(rows, which, d.batch, w, bias, false, d.activation);
}

inline void depthwise_conv_backward_data(const ConvDesc& d, const float* dy, const float* w, const float* bias,
                                         float* dx) {
  for (Index phase = 0; phase < ConvDesc::product(d.stride); ++phase) {
    ConvTaps which;
    const ConvRows rows = conv_phase_rows(d, dy, dx, phase, which);
    depthwise_run(rows, which, d.batch, w, bias, d.accumulate, d.activation);
  }
}

/// Adds to sum[tap * channels + c], for the taps of a row of the kernel, x * dy summed over kPixels pixels. With kTaps
/// as in depthwise_pixels.
template <int kPixels, int kTaps, int kStride, bool kWhole>
GRAFT_SIMD_INLINE void depthwise_weight_pixels(const ConvDesc& d, const float* x, const float* dy, float* sum,
                                               Index sum_pitch, Index c, Index count, Index tap0, Index tap1) {
  const auto get = [&](const float* p) { return kWhole ? load(p) : load_part(p, count); };
  const auto put = [&](float* p, VecF v) { kWhole ? store(p, v) : store_part(p, v, count); };
  VecF g[kPixels];
  GRAFT_UNROLL
  for (int i = 0; i < kPixels; ++i) g[i] = get(dy + i * d.channels + c);
  if constexpr (kTaps > 0) {
    constexpr int kSeen = (kPixels - 1) * kStride + kTaps;
    VecF seen[kSeen];
    GRAFT_UNROLL
    for (int i = 0; i < kSeen; ++i) seen[i] = get(x + i * d.channels + c);
    GRAFT_UNROLL
    for (int t = 0; t < kTaps; ++t) {
      VecF acc = get(sum + t * sum_pitch + c);
      GRAFT_UNROLL
      for (int i = 0; i < kPixels; ++i) acc = fma(seen[i * kStride + t], g[i], acc);
      put(sum + t * sum_pitch + c, acc);
    }
  } else {
    for (Index t = tap0; t < tap1; ++t) {
      VecF acc = get(sum + t * sum_pitch + c);
      GRAFT_UNROLL
      for (int i = 0; i < kPixels; ++i) {
        acc = fma(get(x + (i * d.stride[2] + t * d.dilation[2]) * d.channels + c), g[i], acc);
      }
      put(sum + t * sum_pitch + c, acc);
    }
  }
}

template <int kPixels, int kTaps, int kStride>
void depthwise_weight_channels(const ConvDesc& d, const float* x, const float* dy, float* sum, Index channels,
                               Index tap0, Index tap1) {
  Index c = 0;
  for (; c + kLanes <= channels; c += kLanes) {
    depthwise_weight_pixels<kPixels, kTaps, kStride, true>(d, x, dy, sum, channels, c, kLanes, tap0, tap1);
  }
  if (c < channels) {
    depthwise_weight_pixels<kPixels, kTaps, kStride, false>(d, x, dy, sum, channels, c, channels - c, tap0, tap1);
  }
}

/// The gradient for `channels` channels; x, dy and dw point to the first of them.
inline void depthwise_weights(const ConvDesc& d, const float* x, const float* dy, float* dw, Index channels) {
  const Index s = d.stride[2], pitch = d.dilation[2], taps = d.kernel[2];
  Index low = d.pad[2] > 0 ? (d.pad[2] + s - 1) / s : 0;
  const Index last = d.in[2] - 1 - (taps - 1) * pitch + d.pad[2];
  Index high = last < 0 ? 0 : last / s + 1;
  high = high < d.out[2] ? high : d.out[2];
  low = low < high ? low : high;
  float* const sum = workspace(d.taps() * channels);
  for (Index i = 0; i < d.taps() * channels; ++i) sum[i] = 0.0f;
  const bool three = taps == 3 && pitch == 1;
  for (Index line = 0; line < d.batch * d.out[0] * d.out[1]; ++line) {
    const Index n = line / d.out[1] / d.out[0];
    const float* g = dy + line * d.out[2] * d.channels;
    for (Index tz = 0; tz < d.kernel[0]; ++tz) {
      for (Index ty = 0; ty < d.kernel[1]; ++ty) {
        const Index z = line / d.out[1] % d.out[0] * d.stride[0] - d.pad[0] + tz * d.dilation[0];
        const Index y = line % d.out[1] * d.stride[1] - d.pad[1] + ty * d.dilation[1];
        if (z < 0 || z >= d.in[0] || y < 0 || y >= d.in[1]) continue;
        const float* in = x + (((n * d.in[0] + z) * d.in[1] + y) * d.in[2] - d.pad[2]) * d.channels;
        float* to = sum + (tz * d.kernel[1] + ty) * taps * channels;
        const auto border = [&](Index q) {
          const Index at = q * s - d.pad[2];
          Index tap0 = at < 0 ? (-at + pitch - 1) / pitch : 0;
          Index tap1 = at >= d.in[2] ? 0 : (d.in[2] - 1 - at) / pitch + 1;
          tap1 = tap1 < taps ? tap1 : taps;
          tap0 = tap0 < tap1 ? tap0 : tap1;
          depthwise_weight_channels<1, 0, 1>(d, in + q * s * d.channels, g + q * d.channels, to, channels, tap0, tap1);
        };
        for (Index q = 0; q < low; ++q) border(q);
        Index q = low;
        for (; q + kDepthwisePixels <= high; q += kDepthwisePixels) {
          const float *from = in + q * s * d.channels, *slope = g + q * d.channels;
          if (three && s == 1) {
            depthwise_weight_channels<kDepthwisePixels, 3, 1>(d, from, slope, to, channels, 0, 3);
          } else if (three && s == 2) {
            depthwise_weight_channels<kDepthwisePixels, 3, 2>(d, from, slope, to, channels, 0, 3);
          } else {
            depthwise_weight_channels<kDepthwisePixels, 0, 1>(d, from, slope, to, channels, 0, taps);
          }
        }
        for (; q < high; ++q) {
          depthwise_weight_channels<1, 0, 1>(d, in + q * s * d.channels, g + q * d.channels, to, channels, 0, taps);
        }
        for (; q < d.out[2]; ++q) border(q);
      }
    }
  }
  for (Index t = 0; t < d.taps(); ++t) {
    for (Index c = 0; c < channels; ++c) dw[t * d.channels + c] = sum[t * channels + c];
  }
}

inline void depthwise_conv_backward_weights(const ConvDesc& d, const float* x, const float* dy, float* dw) {
  // Few enough for the sums of a 3 x 3 kernel to stay in the first-level cache.
  const Index most = 8 * kLanes;
  const Index vectors = (d.channels + kLanes - 1) / kLanes;
  parallel_for(0, vectors, 1, [&](Index from, Index to) {
    const Index end = to * kLanes < d.channels ? to * kLanes : d.channels;
    for (Index c = from * kLanes; c < end; c += most) {
      depthwise_weights(d, x + c, dy + c, dw + c, c + most < end ? most : end - c);
    }
  });
}
