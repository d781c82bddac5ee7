// Convolution as products of matrices whose A is never written: the rows of im2col are lists of segments that point
// into the image (gemm.inl). Along the last axis, taps that lie side by side in memory are one segment; where such a
// segment sticks out of the image, the part of it that a tile needs is copied, with zeros, into scratch memory.

/// The weights as B of the data gradient: row (tap, filter) of the phase's taps, column channel.
struct ConvTransposedB {
  const float* w;
  Index filters, group_filters, group_channels;
  Index taps[3];
  ConvTaps which;

  static constexpr const float* data = nullptr;  // always packed
  static constexpr Index row = 0;
  Index rows_at_once(Index k) const { return k; }

  void pack(Index p0, Index k, Index j0, Index cols, Index step, float* out) const {
    for (Index at = 0; at < k;) {
      const Index tap = (p0 + at) / group_filters, from = (p0 + at) % group_filters;
      const Index length = group_filters - from < k - at ? group_filters - from : k - at;
      const Index position = which.at(tap / taps[2] / taps[1], tap / taps[2] % taps[1], tap % taps[2]);
      float* to = out + at * step;
      pack_transposed(w + (position * group_channels + j0) * filters + from, filters, cols, length, to, step);
      for (Index p = 0; p < length; ++p) {
        for (Index j = cols; j < step; ++j) to[p * step + j] = 0.0f;
      }
      at += length;
    }
  }
};

/// A of the weight gradient: rows are the weights' (tap, channel), k the pixels of y. Rows come in whole tiles for each
/// unit (a tap, or with few channels the taps of the last axis together); those beyond the unit's end do not exist.
struct ConvWeightRows {
  const ConvDesc* desc;
  const float* image;
  bool merged;
  Index run;    // rows of a unit
  Index tiles;  // tiles of a unit
  float* c;

  Index step() const { return desc->stride[2] * desc->channels; }
  Index scratch(Index k) const { return merged ? kGemmRows * k : 0; }
  Index max_segments(Index k) const { return merged ? k + 1 : k / desc->out[2] + 2; }
  static void prefetch(Index, Index, Index, Index, Index, Index) {}

  Index tile_rows(Index i0, Index) const {
    const Index left = run - i0 / kGemmRows % tiles * kGemmRows;
    return left < kGemmRows ? left : kGemmRows;
  }
  Index tile(Index i0, Index rows, Index p0, Index k, GemmSegment* out, float** c_rows, float* memory) const {
    const ConvDesc& d = *desc;
    const Index number = i0 / kGemmRows, unit = number / tiles, first_row = number % tiles * kGemmRows;
    for (Index i = 0; i < rows; ++i) c_rows[i] = c + (unit * run + first_row + i) * d.filters;
    const Index per_row = merged ? 1 : d.kernel[2];
    const Index tap[3] = {unit / per_row / d.kernel[1], unit / per_row % d.kernel[1], unit % per_row};
    const Index lattice[3] = {d.out[0], d.out[1], d.out[2]};
    const Index width = merged ? d.kernel[2] : 1;
    ConvPosition position(p0, lattice);
    Index count = 0;
    for (Index at = 0; at < k;) {
      // One row of y, or what is left of it.
      const Index x0 = position.at[2], x1 = x0 + (k - at) < d.out[2] ? x0 + (k - at) : d.out[2];
      const Index start = at - x0;  // the row of the block where this row of y would begin
      const Index z = position.at[0] * d.stride[0] - d.pad[0] + tap[0] * d.dilation[0];
      const Index y = position.at[1] * d.stride[1] - d.pad[1] + tap[1] * d.dilation[1];
      if (z >= 0 && z < d.in[0] && y >= 0 && y < d.in[1]) {
        const float* line = image + ((position.sample * d.in[0] + z) * d.in[1] + y) * d.in[2] * d.channels;
        // Output x reads input x * stride + shift and, merged, width pixels from there.
        const Index shift = tap[2] * d.dilation[2] - d.pad[2], stride = d.stride[2];
        Index low = shift < 0 ? (-shift + stride - 1) / stride : 0;
        Index high = d.in[2] - width - shift < 0 ? 0 : (d.in[2] - width - shift) / stride + 1;
        low = low < x0 ? x0 : low > x1 ? x1 : low;
        high = high < low ? low : high > x1 ? x1 : high;
        const auto border = [&](Index x) {  // part of the tile's rows lie outside
          const Index from = (x * stride + shift) * d.channels + first_row, end = d.in[2] * d.channels;
          float* copy = memory + (start + x) * kGemmRows;
          bool any = false;
          for (Index i = 0; i < rows; ++i) {
            const bool inside = from + i >= 0 && from + i < end;
            copy[i] = inside ? line[from + i] : 0.0f;
            any |= inside;
          }
          if (any) add(out[count++], copy, 1, start + x, rows);
        };
        if (merged) {
          for (Index x = x0; x < low; ++x) border(x);
        }
        if (high > low)
          add(out[count++], line + (low * stride + shift) * d.channels + first_row, high - low, start + low, rows);
        if (merged) {
          for (Index x = high; x < x1; ++x) border(x);
        }
      }
      at += x1 - x0;
      position.at[2] = d.out[2] - 1;
      position.next(lattice);
    }
    return count;
  }

 private:
  static void add(GemmSegment& segment, const float* first, Index k, Index b_at, Index rows) {
    segment.k = k;
    segment.b_at = b_at;
    for (Index i = 0; i < rows; ++i) segment.rows[i] = first + i;
  }
};

inline GemmBlocking conv_blocking(const GemmDesc& product, const GemmPanels& panels, bool pack_b) {
  GemmBlocking result = gemm_blocking(product, panels);
  result.pack_a = false;
  result.pack_b = result.pack_b || pack_b;
  return result;
}

inline GemmDesc conv_product(const ConvDesc& d) {
  GemmDesc product;
  product.m = d.batch * d.out_pixels(), product.n = d.group_filters(), product.k = d.taps() * d.group_channels();
  product.ldb = d.filters;
  product.activation = d.activation;
  return product;
}

inline void conv_prepare(const ConvDesc& d, const float* w, float* prepared) {
  if (d.groups != 1) {
    __builtin_memcpy(prepared, w, static_cast<std::size_t>(d.taps() * d.group_channels() * d.filters) * sizeof(float));
  } else if (winograd_applies(d)) {
    winograd_prepare(w, d.channels, d.filters, false, prepared);
  } else {
    gemm_pack(conv_product(d), GemmMatrixB{w, d.filters, 1}, prepared);
  }
}

inline void conv_forward(const ConvDesc& d, const float* x, const float* w, const float* bias, float* y) {
  const GemmDesc product = conv_product(d);
  if (product.m <= 0 || product.n <= 0) return;
  if (d.pointwise()) return gemm(product, {x, w, y, bias});
  if (depthwise_applies(d)) return depthwise_conv_forward(d, x, w, bias, y);
  if (winograd_applies(d)) {
    float* const prepared = workspace<1>(winograd_prepared_floats(d.channels, d.filters));
    winograd_prepare(w, d.channels, d.filters, false, prepared);
    return winograd_forward(d, x, prepared, bias, y);
  }
  const GemmPanels panels(product.n);
  const GemmBlocking blocking = conv_blocking(product, panels, false);
  ConvTaps which;
  ConvRows rows = conv_forward_rows(d, x, y, which);
  for (Index g = 0; g < d.groups; ++g) {
    gemm_run(product, rows, GemmMatrixB{w + g * product.n, d.filters, 1},
             bias != nullptr ? bias + g * product.n : nullptr, panels, blocking);
    rows.image += d.group_channels();
    rows.c += product.n;
  }
}

inline void conv_forward_prepared(const ConvDesc& d, const float* x, const float* prepared, const float* bias,
                                  float* y) {
  if (d.groups != 1) return conv_forward(d, x, prepared, bias, y);
  const GemmDesc product = conv_product(d);
  if (product.m <= 0 || product.n <= 0) return;
  if (winograd_applies(d)) return winograd_forward(d, x, prepared, bias, y);
  const GemmPanels panels(product.n);
  const GemmBlocking blocking = conv_blocking(product, panels, false);
  const GemmPackedB weights{prepared, product.k, blocking.k_block, panels};
  if (d.pointwise()) {
    return gemm_run(product, GemmMatrixA{x, d.channels, 1, y, d.filters, false}, weights, bias, panels, blocking);
  }
  ConvTaps which;
  gemm_run(product, conv_forward_rows(d, x, y, which), weights, bias, panels, blocking);
}

inline void conv_backward_data(const ConvDesc& d, const float* dy, const float* w, const float* bias, float* dx) {
  GemmDesc product;
  product.n = d.group_channels();
  product.accumulate = d.accumulate;
  product.activation = d.activation;
  if (d.pointwise()) {
    product.m = d.batch * d.out_pixels(), product.k = d.filters;
    product.trans_b = Transpose::yes;
    return gemm(product, {dy, w, dx, bias});
  }
  if (d.batch * d.in_pixels() <= 0 || product.n <= 0) return;
  if (depthwise_applies(d)) return depthwise_conv_backward_data(d, dy, w, bias, dx);
  if (winograd_applies(d)) return winograd_backward_data(d, dy, w, bias, dx);
  const GemmPanels panels(product.n);
  for (Index phase = 0; phase < ConvDesc::product(d.stride); ++phase) {
    ConvTransposedB b{};
    ConvRows rows = conv_phase_rows(d, dy, dx, phase, b.which);
    product.m = d.batch * conv_lattice_points(rows);
    product.k = rows.taps[0] * rows.taps[1] * rows.taps[2] * d.group_filters();
    if (product.m <= 0) continue;
    b.w = w, b.filters = d.filters, b.group_filters = d.group_filters(), b.group_channels = product.n;
    for (int a = 0; a < 3; ++a) b.taps[a] = rows.taps[a];
    const GemmBlocking blocking = conv_blocking(product, panels, true);
    for (Index g = 0; g < d.groups; ++g) {
      gemm_run(product, rows, b, bias != nullptr ? bias + g * product.n : nullptr, panels, blocking);
      rows.image += d.group_filters();
      rows.c += product.n;
      b.w += d.group_filters();
    }
  }
}

inline void conv_backward_weights(const ConvDesc& d, const float* x, const float* dy, float* dw) {
  GemmDesc product;
  product.n = d.group_filters(), product.k = d.batch * d.out_pixels();
  product.ldb = d.filters;
  if (d.pointwise()) {
    product.m = d.channels;
    product.trans_a = Transpose::yes;
    return gemm(product, {x, dy, dw});
  }
  if (depthwise_applies(d)) return depthwise_conv_backward_weights(d, x, dy, dw);
  ConvWeightRows rows{};
  rows.desc = &d;
  // Few channels would leave most of a tile empty.
  rows.merged = d.groups == 1 && d.dilation[2] == 1 && d.channels < kGemmRows;
  rows.run = rows.merged ? d.kernel[2] * d.channels : d.group_channels();
  rows.tiles = (rows.run + kGemmRows - 1) / kGemmRows;
  product.m = d.taps() * d.group_channels() / (rows.run > 0 ? rows.run : 1) * rows.tiles * kGemmRows;
  if (product.m <= 0 || product.n <= 0) return;
  const GemmPanels panels(product.n);
  const GemmBlocking blocking = conv_blocking(product, panels, true);
  for (Index g = 0; g < d.groups; ++g) {
    rows.image = x + g * d.group_channels();
    rows.c = dw + g * product.n;
    gemm_run(product, rows, GemmMatrixB{dy + g * product.n, d.filters, 1}, nullptr, panels, blocking);
  }
}
