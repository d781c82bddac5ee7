// Depthwise convolution, in vectors over channels: a row of output pixels at a time, for each vector of channels a few
// neighbouring pixels together, so that a weight is loaded once for all of them.

inline constexpr int kDepthwisePixels = 6;

/// A row of pixels of the lattice along the last axis, and the taps that it sees in the other two.
struct DepthwiseRow {
  const ConvRows* rows;
  const ConvTaps* which;
  const float* line;  // the sample's image
  Index z, y;         // where tap 0 of the first two axes reads
  const float* w;
  const float* bias;
  float* c;
  bool accumulate;
  bool relu;
};

/// kPixels pixels from lattice position q on, channels [c, c + count). Taps of the last axis are [tap0, tap1).
template <int kPixels, bool kWhole>
void depthwise_pixels(const DepthwiseRow& r, Index q, Index c, Index count, Index tap0, Index tap1) {
  const ConvRows& a = *r.rows;
  const auto get = [&](const float* p) { return kWhole ? load(p) : load_part(p, count); };
  VecF acc[kPixels];
  GRAFT_UNROLL
  for (int i = 0; i < kPixels; ++i) acc[i] = VecF{};
  const Index x0 = q * a.mul[2] + a.add[2], next = a.mul[2] * a.channels;
  for (Index tz = 0; tz < a.taps[0]; ++tz) {
    const Index z = r.z + tz * a.pitch[0];
    if (z < 0 || z >= a.dim[0]) continue;
    for (Index ty = 0; ty < a.taps[1]; ++ty) {
      const Index y = r.y + ty * a.pitch[1];
      if (y < 0 || y >= a.dim[1]) continue;
      const float* x = r.line + ((z * a.dim[1] + y) * a.dim[2] + x0 + tap0 * a.pitch[2]) * a.channels + c;
      const float* w = r.w + r.which->at(tz, ty, tap0) * a.channels + c;
      for (Index tx = tap0; tx < tap1; ++tx) {
        const VecF weight = get(w);
        GRAFT_UNROLL
        for (int i = 0; i < kPixels; ++i) acc[i] = fma(get(x + i * next), weight, acc[i]);
        x += a.pitch[2] * a.channels;
        w += r.which->pitch[2] * a.channels;
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

template <bool kWhole>
void depthwise_row(const DepthwiseRow& r, Index c, Index count) {
  const ConvRows& a = *r.rows;
  // Positions [low, high) see every tap of the last axis.
  const Index reach = (a.taps[2] - 1) * a.pitch[2], n = a.lattice[2], s = a.mul[2];
  Index low = a.add[2] < 0 ? (-a.add[2] + s - 1) / s : 0;
  const Index last = a.dim[2] - 1 - reach - a.add[2];
  Index high = last < 0 ? 0 : last / s + 1;
  high = high < n ? high : n;
  low = low < high ? low : high;
  const auto border = [&](Index q) {
    const Index x = q * s + a.add[2], pitch = a.pitch[2];
    Index tap0 = x < 0 ? (-x + pitch - 1) / pitch : 0;
    Index tap1 = x >= a.dim[2] ? 0 : (a.dim[2] - 1 - x) / pitch + 1;
    tap1 = tap1 < a.taps[2] ? tap1 : a.taps[2];
    tap0 = tap0 < tap1 ? tap0 : tap1;
    depthwise_pixels<1, kWhole>(r, q, c, count, tap0, tap1);
  };
  for (Index q = 0; q < low; ++q) border(q);
  Index q = low;
  for (; q + kDepthwisePixels <= high; q += kDepthwisePixels) {
    depthwise_pixels<kDepthwisePixels, kWhole>(r, q, c, count, 0, a.taps[2]);
  }
  for (; q + 2 <= high; q += 2) depthwise_pixels<2, kWhole>(r, q, c, count, 0, a.taps[2]);
  for (; q < high; ++q) depthwise_pixels<1, kWhole>(r, q, c, count, 0, a.taps[2]);
  for (; q < n; ++q) border(q);
}

inline void depthwise_run(const ConvRows& rows, const ConvTaps& which, Index batch, const float* w, const float* bias,
                          bool accumulate, const ActivationParams& activation) {
  const bool relu = activation.kind == ActivationKind::relu;
  const bool other = !relu && activation.kind != ActivationKind::linear;
  const Index lines = batch * rows.lattice[0] * rows.lattice[1];
  const Index work = rows.lattice[2] * rows.channels * (rows.taps[0] * rows.taps[1] * rows.taps[2] + 1);
  parallel_for(0, lines, 1 + 65536 / (work + 1), [&](Index from, Index to) {
    for (Index line = from; line < to; ++line) {
      const Index y = line % rows.lattice[1], z = line / rows.lattice[1] % rows.lattice[0];
      const Index n = line / rows.lattice[1] / rows.lattice[0];
      const DepthwiseRow r{&rows, &which, rows.image + n * rows.sample, z * rows.mul[0] + rows.add[0],
                           y * rows.mul[1] + rows.add[1], w, bias,
                           rows.c + n * rows.c_sample + z * rows.c_pitch[0] + y * rows.c_pitch[1], accumulate, relu};
      Index c = 0;
      for (; c + kLanes <= rows.channels; c += kLanes) depthwise_row<true>(r, c, kLanes);
      if (c < rows.channels) depthwise_row<false>(r, c, rows.channels - c);
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

/// Sums of x * dy over a row of pixels for kTaps taps of the last axis, added to sum[tap].
template <int kTaps, bool kWhole>
void depthwise_weight_row(const float* x, Index x_pitch, Index tap_pitch, const float* dy, Index dy_pitch, Index n,
                          Index count, VecF* sum) {
  const auto get = [&](const float* p) { return kWhole ? load(p) : load_part(p, count); };
  VecF acc[kTaps];
  GRAFT_UNROLL
  for (int t = 0; t < kTaps; ++t) acc[t] = sum[t];
  for (Index q = 0; q < n; ++q) {
    const VecF g = get(dy + q * dy_pitch);
    GRAFT_UNROLL
    for (int t = 0; t < kTaps; ++t) acc[t] = fma(get(x + q * x_pitch + t * tap_pitch), g, acc[t]);
  }
  GRAFT_UNROLL
  for (int t = 0; t < kTaps; ++t) sum[t] = acc[t];
}

/// The gradient of taps [tap, tap + kTaps) of the last axis, of tap (tz, ty) of the others, channels [c, c + count).
template <int kTaps, bool kWhole>
void depthwise_weights(const ConvDesc& d, const float* x, const float* dy, float* dw, Index tz, Index ty, Index tap,
                       Index c, Index count) {
  const Index channels = d.channels, s = d.stride[2], shift = tap * d.dilation[2] - d.pad[2];
  const Index reach = (kTaps - 1) * d.dilation[2];
  Index low = shift < 0 ? (-shift + s - 1) / s : 0;
  const Index last = d.in[2] - 1 - reach - shift;
  Index high = last < 0 ? 0 : last / s + 1;
  high = high < d.out[2] ? high : d.out[2];
  low = low < high ? low : high;
  VecF sum[kTaps] = {};
  for (Index line = 0; line < d.batch * d.out[0] * d.out[1]; ++line) {
    const Index n = line / d.out[1] / d.out[0];
    const Index z = line / d.out[1] % d.out[0] * d.stride[0] - d.pad[0] + tz * d.dilation[0];
    const Index y = line % d.out[1] * d.stride[1] - d.pad[1] + ty * d.dilation[1];
    if (z < 0 || z >= d.in[0] || y < 0 || y >= d.in[1]) continue;
    const float* in = x + (((n * d.in[0] + z) * d.in[1] + y) * d.in[2] + shift) * channels + c;
    const float* g = dy + line * d.out[2] * channels + c;
    depthwise_weight_row<kTaps, kWhole>(in + low * s * channels, s * channels, d.dilation[2] * channels,
                                        g + low * channels, channels, high - low, count, sum);
    // At the border some of the taps read outside.
    for (int t = 0; t < kTaps; ++t) {
      const auto inside = [&](Index q) {
        const Index at = q * s + shift + t * d.dilation[2];
        return at >= 0 && at < d.in[2];
      };
      const auto one = [&](Index q) {
        if (!inside(q)) return;
        depthwise_weight_row<1, kWhole>(in + (q * s + t * d.dilation[2]) * channels, 0, 0, g + q * channels, 0, 1, count,
                                        sum + t);
      };
      for (Index q = 0; q < low; ++q) one(q);
      for (Index q = high; q < d.out[2]; ++q) one(q);
    }
  }
  for (int t = 0; t < kTaps; ++t) {
    float* to = dw + ((tz * d.kernel[1] + ty) * d.kernel[2] + tap + t) * channels + c;
    if (kWhole) store(to, sum[t]);
    else store_part(to, sum[t], count);
  }
}

template <bool kWhole>
void depthwise_weights_of_channels(const ConvDesc& d, const float* x, const float* dy, float* dw, Index c, Index count) {
  for (Index tz = 0; tz < d.kernel[0]; ++tz) {
    for (Index ty = 0; ty < d.kernel[1]; ++ty) {
      Index tap = 0;
      for (; tap + 3 <= d.kernel[2]; tap += 3) depthwise_weights<3, kWhole>(d, x, dy, dw, tz, ty, tap, c, count);
      for (; tap < d.kernel[2]; ++tap) depthwise_weights<1, kWhole>(d, x, dy, dw, tz, ty, tap, c, count);
    }
  }
}

inline void depthwise_conv_backward_weights(const ConvDesc& d, const float* x, const float* dy, float* dw) {
  parallel_for(0, (d.channels + kLanes - 1) / kLanes, 1, [&](Index from, Index to) {
    for (Index v = from; v < to; ++v) {
      const Index c = v * kLanes;
      if (c + kLanes <= d.channels) depthwise_weights_of_channels<true>(d, x, dy, dw, c, kLanes);
      else depthwise_weights_of_channels<false>(d, x, dy, dw, c, d.channels - c);
    }
  });
}
