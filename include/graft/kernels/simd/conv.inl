// Convolution as products of matrices whose A is never written: the rows of im2col are lists of segments that point into
// the image (gemm.inl). Along the last axis, taps that lie side by side in memory are one segment; where such a segment
// sticks out of the image, the part of it that a tile needs is copied, with zeros, into scratch memory.

/// Positions in the row-major lattice of C's rows, with the sample in front.
struct ConvPosition {
  Index sample, at[3];

  ConvPosition(Index row, const Index* lattice) {
    for (int d = 2; d >= 0; --d) {
      at[d] = row % lattice[d];
      row /= lattice[d];
    }
    sample = row;
  }
  void next(const Index* lattice) {
    for (int d = 2; d >= 0; --d) {
      if (++at[d] < lattice[d]) return;
      at[d] = 0;
    }
    ++sample;
  }
};

/// The rows of A of a convolution (forward), or of the pixels of one phase of its data gradient: row r at lattice
/// position q sees, for tap j of each axis d, the pixel q * mul[d] + add[d] + j * step[d].
struct ConvRows {
  const float* image;
  Index sample;    // elements from one sample of the image to the next
  Index channels;  // elements from one pixel to the next
  Index dim[3], taps[3], mul[3], add[3], pitch[3];
  bool merged;  // the taps of the last axis lie side by side
  Index run;    // length of a whole segment
  float* c;
  Index c_sample, lattice[3], c_pitch[3];

  Index step() const { return 1; }
  Index scratch(Index k) const { return k + kGemmRows * k; }
  Index max_segments(Index k) const { return (k + run - 1) / run + 1; }
  static void prefetch(Index, Index, Index, Index, Index, Index) {}

  static Index tile_rows(Index i0, Index end) { return i0 + kGemmRows < end ? kGemmRows : end - i0; }
  void c_rows(Index i0, Index rows, float** out) const {
    ConvPosition position(i0, lattice);
    for (Index i = 0; i < rows; ++i, position.next(lattice)) {
      out[i] = c + position.sample * c_sample + position.at[0] * c_pitch[0] + position.at[1] * c_pitch[1] +
               position.at[2] * c_pitch[2];
    }
  }

  Index segments(Index i0, Index rows, Index p0, Index k, GemmSegment* out, float* memory) const {
    const ConvPosition position(i0, lattice);
    if (k == 0) return 0;  // a phase that no tap sees
    const Index per_row = merged ? 1 : taps[2], width = merged ? taps[2] : 1;
    const Index x_first = position.at[2] * mul[2] + add[2], x_last = x_first + (rows - 1) * mul[2];
    const bool regular = position.at[2] + rows <= lattice[2] && x_first >= 0 &&
                         x_last + (per_row - 1) * pitch[2] + width <= dim[2];
    Borders borders{this, position, rows, width, k, memory, false};
    Index unit = p0 / run, offset = p0 % run, count = 0;
    Index tap_x = unit % per_row, tap_y = unit / per_row % taps[1], tap_z = unit / per_row / taps[1];
    for (Index at = 0; at < k; ++count) {
      const Index length = run - offset < k - at ? run - offset : k - at;
      GemmSegment& segment = out[count];
      segment.k = length;
      segment.b_at = at;
      if (regular) {
        const Index z = position.at[0] * mul[0] + add[0] + tap_z * pitch[0];
        const Index y = position.at[1] * mul[1] + add[1] + tap_y * pitch[1];
        const bool inside = z >= 0 && z < dim[0] && y >= 0 && y < dim[1];
        const Index pixel = (z * dim[1] + y) * dim[2] + x_first + tap_x * pitch[2];
        const float* first = inside ? image + position.sample * sample + pixel * channels + offset : borders.zeros();
        const Index next = inside ? mul[2] * channels : 0;
        for (Index i = 0; i < rows; ++i) segment.rows[i] = first + i * next;
      } else {
        borders.fill(segment, tap_z, tap_y, tap_x, at, offset);
      }
      at += length;
      offset = 0;
      if (++tap_x == per_row) {
        tap_x = 0;
        if (++tap_y == taps[1]) tap_y = 0, ++tap_z;
      }
    }
    return count;
  }

  /// Tiles whose pixels are not side by side, or that stick out of the image along the last axis.
  struct Borders {
    const ConvRows* at;
    ConvPosition position;
    Index rows, width, k;
    float* memory;  // k zeros, then a row of k for each row of the tile
    bool zeroed;

    const float* zeros() {
      if (!zeroed) __builtin_memset(memory, 0, static_cast<std::size_t>(k) * sizeof(float));
      zeroed = true;
      return memory;
    }

    void fill(GemmSegment& segment, Index tap_z, Index tap_y, Index tap_x, Index k_at, Index offset) {
      const ConvRows& a = *at;
      ConvPosition pixel = position;
      for (Index i = 0; i < rows; ++i, pixel.next(a.lattice)) {
        const Index z = pixel.at[0] * a.mul[0] + a.add[0] + tap_z * a.pitch[0];
        const Index y = pixel.at[1] * a.mul[1] + a.add[1] + tap_y * a.pitch[1];
        const Index x = pixel.at[2] * a.mul[2] + a.add[2] + tap_x * a.pitch[2];
        if (z < 0 || z >= a.dim[0] || y < 0 || y >= a.dim[1] || x <= -width || x >= a.dim[2]) {
          segment.rows[i] = zeros();
          continue;
        }
        const float* row = a.image + pixel.sample * a.sample + (z * a.dim[1] + y) * a.dim[2] * a.channels;
        if (x >= 0 && x + width <= a.dim[2]) {
          segment.rows[i] = row + x * a.channels + offset;
          continue;
        }
        // Partly outside: of the elements [first, first + length) of the row of the image, those in [0, end) exist.
        const Index first = x * a.channels + offset, end = a.dim[2] * a.channels;
        float* copy = memory + k + i * k + k_at;
        for (Index p = 0; p < segment.k; ++p) {
          copy[p] = first + p >= 0 && first + p < end ? row[first + p] : 0.0f;
        }
        segment.rows[i] = copy;
      }
    }
  };
};

/// The weights as B of the data gradient: row (tap, filter) of the phase's taps, column channel.
struct ConvTransposedB {
  const float* w;
  Index filters, group_filters, group_channels;
  Index kernel[3], taps[3], first[3], pitch[3];  // tap j of axis d is kernel tap first[d] + j * pitch[d]

  static constexpr const float* data = nullptr;  // always packed
  static constexpr Index row = 0;
  Index rows_at_once(Index k) const { return k; }

  void pack(Index p0, Index k, Index j0, Index cols, Index step, float* out) const {
    for (Index at = 0; at < k;) {
      const Index tap = (p0 + at) / group_filters, from = (p0 + at) % group_filters;
      const Index length = group_filters - from < k - at ? group_filters - from : k - at;
      const Index x = first[2] + tap % taps[2] * pitch[2], y = first[1] + tap / taps[2] % taps[1] * pitch[1];
      const Index z = first[0] + tap / taps[2] / taps[1] * pitch[0];
      const Index position = (z * kernel[1] + y) * kernel[2] + x;
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
  void c_rows(Index i0, Index rows, float** out) const {
    const Index tile = i0 / kGemmRows;
    const Index row = tile / tiles * run + tile % tiles * kGemmRows;
    for (Index i = 0; i < rows; ++i) out[i] = c + (row + i) * desc->filters;
  }

  Index segments(Index i0, Index rows, Index p0, Index k, GemmSegment* out, float* memory) const {
    const ConvDesc& d = *desc;
    const Index tile = i0 / kGemmRows, unit = tile / tiles, first_row = tile % tiles * kGemmRows;
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
        if (high > low) add(out[count++], line + (low * stride + shift) * d.channels + first_row, high - low, start + low, rows);
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

inline void conv_forward(const ConvDesc& d, const float* x, const float* w, const float* bias, float* y) {
  GemmDesc product;
  product.m = d.batch * d.out_pixels(), product.n = d.group_filters(), product.k = d.taps() * d.group_channels();
  product.ldb = d.filters;
  product.activation = d.activation;
  if (product.m <= 0 || product.n <= 0) return;
  if (d.pointwise()) return gemm(product, {x, w, y, bias});
  ConvRows rows{};
  rows.sample = d.in_pixels() * d.channels;
  rows.channels = d.channels;
  rows.merged = d.groups == 1 && d.dilation[2] == 1;
  rows.run = rows.merged ? d.kernel[2] * d.channels : d.group_channels();
  rows.c_sample = d.out_pixels() * d.filters;
  Index pitch = d.filters;
  for (int a = 2; a >= 0; --a) {
    rows.dim[a] = d.in[a], rows.taps[a] = d.kernel[a], rows.mul[a] = d.stride[a], rows.add[a] = -d.pad[a];
    rows.pitch[a] = d.dilation[a], rows.lattice[a] = d.out[a], rows.c_pitch[a] = pitch;
    pitch *= d.out[a];
  }
  const GemmPanels panels(product.n);
  const GemmBlocking blocking = conv_blocking(product, panels, false);
  for (Index g = 0; g < d.groups; ++g) {
    rows.image = x + g * d.group_channels();
    rows.c = y + g * product.n;
    const GemmMatrixB b{w + g * product.n, d.filters, 1};
    gemm_run(product, rows, b, bias != nullptr ? bias + g * product.n : nullptr, panels, blocking);
  }
}

/// Pixels of x that lie at the same place of a stride see the same taps: a phase, itself a convolution of dy.
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
  ConvRows rows{};
  rows.sample = d.out_pixels() * d.filters;
  rows.channels = d.filters;
  rows.merged = d.groups == 1 && (d.dilation[2] == 1 || d.stride[2] > 1);
  rows.c_sample = d.in_pixels() * d.channels;
  ConvTransposedB b{};
  b.filters = d.filters, b.group_filters = d.group_filters(), b.group_channels = d.group_channels();
  const Index phases = ConvDesc::product(d.stride);
  for (Index phase = 0; phase < phases; ++phase) {
    const Index place[3] = {phase / d.stride[2] / d.stride[1], phase / d.stride[2] % d.stride[1], phase % d.stride[2]};
    Index pitch = d.channels, start = 0;
    product.m = d.batch;
    product.k = d.group_filters();
    for (int a = 2; a >= 0; --a) {
      const Index s = d.stride[a], first = (place[a] + d.pad[a]) % s;
      const Index taps = first < d.kernel[a] ? (d.kernel[a] - first + s - 1) / s : 0;
      rows.dim[a] = d.out[a], rows.taps[a] = taps, rows.mul[a] = 1;
      rows.lattice[a] = (d.in[a] - place[a] + s - 1) / s;
      // The last tap comes first, so that the pixels of dy that a row reads ascend.
      rows.pitch[a] = s > 1 ? 1 : d.dilation[a];
      rows.add[a] = (place[a] + d.pad[a] - first) / s - (taps - 1) * rows.pitch[a];
      b.kernel[a] = d.kernel[a], b.taps[a] = taps, b.pitch[a] = -s, b.first[a] = first + (taps - 1) * s;
      rows.c_pitch[a] = pitch * s;
      start += pitch * place[a];
      pitch *= d.in[a];
      product.m *= rows.lattice[a];
      product.k *= taps;
    }
    if (product.m <= 0) continue;
    rows.run = rows.merged ? rows.taps[2] * d.filters : d.group_filters();
    if (rows.run == 0) rows.run = 1;  // no tap at all: the product is 0
    const GemmPanels panels(product.n);
    const GemmBlocking blocking = conv_blocking(product, panels, true);
    for (Index g = 0; g < d.groups; ++g) {
      rows.image = dy + g * d.group_filters();
      rows.c = dx + start + g * product.n;
      b.w = w + g * d.group_filters();
      gemm_run(product, rows, b, bias != nullptr ? bias + g * product.n : nullptr, panels, blocking);
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
