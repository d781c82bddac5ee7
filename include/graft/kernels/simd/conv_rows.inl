// Where a convolution reads and writes: shared by the algorithms of this folder.

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
/// position q sees, for tap j of each axis d, the pixel q * mul[d] + add[d] + j * pitch[d].
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
  Index tile(Index i0, Index rows, Index p0, Index k, GemmSegment* out, float** c_rows, float* memory) const {
    const ConvPosition position(i0, lattice);
    const auto c_of = [&](const ConvPosition& at) {
      return c + at.sample * c_sample + at.at[0] * c_pitch[0] + at.at[1] * c_pitch[1] + at.at[2] * c_pitch[2];
    };
    if (position.at[2] + rows <= lattice[2]) {
      float* const first = c_of(position);
      for (Index i = 0; i < rows; ++i) c_rows[i] = first + i * c_pitch[2];
    } else {
      ConvPosition next = position;
      for (Index i = 0; i < rows; ++i, next.next(lattice)) c_rows[i] = c_of(next);
    }
    if (k == 0) return 0;  // a phase that no tap sees
    const Index per_row = merged ? 1 : taps[2], width = merged ? taps[2] : 1;
    const Index x_first = position.at[2] * mul[2] + add[2], x_last = x_first + (rows - 1) * mul[2];
    const bool regular =
        position.at[2] + rows <= lattice[2] && x_first >= 0 && x_last + (per_row - 1) * pitch[2] + width <= dim[2];
    Borders borders{this, position, rows, width, k, memory, false};
    Index offset = 0, tap_x = 0, tap_y = 0, tap_z = 0, count = 0;
    if (p0 > 0) {
      const Index unit = p0 / run;
      offset = p0 % run;
      tap_x = unit % per_row, tap_y = unit / per_row % taps[1], tap_z = unit / per_row / taps[1];
    }
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
        const Index from = first < 0 ? (-first < segment.k ? -first : segment.k) : 0;
        const Index to = end - first < segment.k ? (end - first > from ? end - first : from) : segment.k;
        const auto bytes = [](Index count) { return static_cast<std::size_t>(count) * sizeof(float); };
        __builtin_memset(copy, 0, bytes(from));
        __builtin_memcpy(copy + from, row + first + from, bytes(to - from));
        __builtin_memset(copy + to, 0, bytes(segment.k - to));
        segment.rows[i] = copy;
      }
    }
  };
};

/// Taps of a kernel: tap j of axis d is kernel tap first[d] + j * pitch[d].
struct ConvTaps {
  Index kernel[3], first[3], pitch[3];

  Index at(Index z, Index y, Index x) const {
    return ((first[0] + z * pitch[0]) * kernel[1] + first[1] + y * pitch[1]) * kernel[2] + first[2] + x * pitch[2];
  }
};

inline ConvRows conv_forward_rows(const ConvDesc& d, const float* x, float* y, ConvTaps& which) {
  ConvRows rows{};
  rows.image = x;
  rows.sample = d.in_pixels() * d.channels;
  rows.channels = d.channels;
  rows.merged = d.groups == 1 && d.dilation[2] == 1;
  rows.run = rows.merged ? d.kernel[2] * d.channels : d.group_channels();
  rows.c = y;
  rows.c_sample = d.out_pixels() * d.filters;
  Index pitch = d.filters;
  for (std::size_t a = 3; a-- > 0;) {
    rows.dim[a] = d.in[a], rows.taps[a] = d.kernel[a], rows.mul[a] = d.stride[a], rows.add[a] = -d.pad[a];
    rows.pitch[a] = d.dilation[a], rows.lattice[a] = d.out[a], rows.c_pitch[a] = pitch;
    which.kernel[a] = d.kernel[a], which.first[a] = 0, which.pitch[a] = 1;
    pitch *= d.out[a];
  }
  return rows;
}

/// Pixels of x that lie at the same place of a stride see the same taps: a phase of the data gradient, itself a
/// convolution of dy.
inline ConvRows conv_phase_rows(const ConvDesc& d, const float* dy, float* dx, Index phase, ConvTaps& which) {
  ConvRows rows{};
  rows.image = dy;
  rows.sample = d.out_pixels() * d.filters;
  rows.channels = d.filters;
  rows.merged = d.groups == 1 && (d.dilation[2] == 1 || d.stride[2] > 1);
  rows.c_sample = d.in_pixels() * d.channels;
  Index pitch = d.channels, start = 0;
  for (std::size_t a = 3; a-- > 0;) {
    const Index s = d.stride[a], place = phase % s, first = (place + d.pad[a]) % s;
    phase /= s;
    const Index taps = first < d.kernel[a] ? (d.kernel[a] - first + s - 1) / s : 0;
    rows.dim[a] = d.out[a], rows.taps[a] = taps, rows.mul[a] = 1;
    rows.lattice[a] = (d.in[a] - place + s - 1) / s;
    // The last tap comes first, so that the pixels of dy that a row reads ascend.
    rows.pitch[a] = s > 1 ? 1 : d.dilation[a];
    rows.add[a] = (place + d.pad[a] - first) / s - (taps - 1) * rows.pitch[a];
    which.kernel[a] = d.kernel[a], which.first[a] = first + (taps - 1) * s, which.pitch[a] = -s;
    rows.c_pitch[a] = pitch * s;
    start += pitch * place;
    pitch *= d.in[a];
  }
  rows.c = dx + start;
  rows.run = rows.merged ? rows.taps[2] * d.filters : d.group_filters();
  if (rows.run == 0) rows.run = 1;  // no tap at all: the product is 0
  return rows;
}

inline Index conv_lattice_points(const ConvRows& rows) { return rows.lattice[0] * rows.lattice[1] * rows.lattice[2]; }
