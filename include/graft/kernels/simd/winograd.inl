// 3 x 3 convolution of stride 1 by Winograd's F(4 x 4, 3 x 3) (Lavin and Gray 2016): a tile of 4 x 4 outputs is 36
// products instead of 144. Tiles of 6 x 6 inputs, the weights, and the products' results are transformed; in between
// stand 36 products of matrices, (tiles x channels) times (channels x filters).
//
// Interpolation points 0, +-sqrt(1/2), +-sqrt(2), infinity: their products of squares are 1, which keeps the numbers of
// all transforms small. The error stays around ten times that of a direct sum (tests/unit/kernels/conv_test.cpp).

inline constexpr float kWinoP = 0.70710678118654752f, kWinoQ = 1.41421356237309505f;  // points +-P, +-Q

/// Which convolutions go this way. The batch has no say: a sample's result is the same in every batch.
inline bool winograd_applies(const ConvDesc& d) {
  if (d.kernel[0] != 1 || d.kernel[1] != 3 || d.kernel[2] != 3 || d.in[0] != 1 || d.pad[0] != 0 || d.groups != 1)
    return false;
  if (ConvDesc::product(d.stride) != 1 || ConvDesc::product(d.dilation) != 1) return false;
  if (d.pad[1] < 0 || d.pad[1] > 2 || d.pad[2] < 0 || d.pad[2] > 2) return false;
  if (d.channels < 32 || d.filters < 32) return false;
  const Index tiles = ((d.out[1] + 3) / 4) * ((d.out[2] + 3) / 4);
  return 16 * tiles * 10 <= 17 * d.out_pixels();  // else too much of the tiles is outside
}

/// out = Bᵀ in for six vectors `step` apart.
GRAFT_SIMD_INLINE void winograd_input(const VecF* in, VecF* out, int step) {
  const VecF p = set1(kWinoP), q = set1(kWinoQ), half = set1(0.5f), two = set1(2.0f), sum = set1(2.5f);
  const VecF d0 = in[0], d1 = in[step], d2 = in[2 * step], d3 = in[3 * step], d4 = in[4 * step], d5 = in[5 * step];
  const VecF even_p = fnma(two, d2, d4), odd_p = p * fnma(two, d1, d3);    // of +-P: x (x +- P)(x^2 - 2)
  const VecF even_q = fnma(half, d2, d4), odd_q = q * fnma(half, d1, d3);  // of +-Q: x (x +- Q)(x^2 - 1/2)
  out[0] = fnma(sum, d2, d0 + d4);
  out[step] = even_p + odd_p;
  out[2 * step] = even_p - odd_p;
  out[3 * step] = even_q + odd_q;
  out[4 * step] = even_q - odd_q;
  out[5 * step] = fnma(sum, d3, d1 + d5);
}

/// out (six, out_step apart) = G in (three, step apart).
GRAFT_SIMD_INLINE void winograd_weight(const VecF* in, VecF* out, int in_step, int out_step) {
  const VecF g0 = in[0], g1 = in[in_step], g2 = in[2 * in_step];
  // 1 / N: at 0 1; at +-P 2 P^2 (P^2 - Q^2) = -3/2; at +-Q 2 Q^2 (Q^2 - P^2) = 6.
  const VecF np = set1(-2.0f / 3.0f), nq = set1(1.0f / 6.0f);
  const VecF even_p = fma(set1(0.5f), g2, g0), odd_p = set1(kWinoP) * g1;
  const VecF even_q = fma(set1(2.0f), g2, g0), odd_q = set1(kWinoQ) * g1;
  out[0] = g0;
  out[out_step] = np * (even_p + odd_p);
  out[2 * out_step] = np * (even_p - odd_p);
  out[3 * out_step] = nq * (even_q + odd_q);
  out[4 * out_step] = nq * (even_q - odd_q);
  out[5 * out_step] = g2;
}

/// out (four, out_step apart) = Aᵀ in (six, in_step apart).
GRAFT_SIMD_INLINE void winograd_output(const VecF* in, VecF* out, int in_step, int out_step) {
  const VecF sum_p = in[in_step] + in[2 * in_step], less_p = in[in_step] - in[2 * in_step];
  const VecF sum_q = in[3 * in_step] + in[4 * in_step], less_q = in[3 * in_step] - in[4 * in_step];
  const VecF p = set1(kWinoP), q = set1(kWinoQ);
  out[0] = in[0] + (sum_p + sum_q);
  out[out_step] = fma(p, less_p, q * less_q);
  out[2 * out_step] = fma(set1(0.5f), sum_p, set1(2.0f) * sum_q);
  out[3 * out_step] = fma(set1(0.5f * kWinoP), less_p, fma(set1(2.0f * kWinoQ), less_q, in[5 * in_step]));
}

inline GemmDesc winograd_product(Index tiles, Index channels, Index filters) {
  GemmDesc product;
  product.m = tiles, product.n = filters, product.k = channels;
  return product;
}

/// Floats of one of the 36 matrices of weights. A few lines more than it has, so that the 36 numbers of a filter do not
/// fall into the same lines of a cache.
inline Index winograd_matrix_floats(Index channels, Index filters) {
  return GemmPackedB::floats(GemmPanels(filters), channels) + kWinogradMatrixGap;
}
inline Index winograd_prepared_floats(Index channels, Index filters) {
  return 36 * winograd_matrix_floats(channels, filters);
}

/// The weights' 36 matrices, packed as B of the products. `transposed`: those of the data gradient, from filters to
/// channels, the kernel turned by 180 degrees. `channels`, `filters` are those of the stored weights.
inline void winograd_prepare(const float* w, Index channels, Index filters, bool transposed, float* out) {
  const Index k = transposed ? filters : channels, n = transposed ? channels : filters;
  const GemmPanels panels(n);
  const GemmPackedB b{out, k, gemm_blocking(winograd_product(1, k, n), panels).k_block, panels};
  const Index matrix = winograd_matrix_floats(k, n);
  parallel_for(0, panels.count, 1, [&](Index from, Index to) {
    float* turned = transposed ? workspace<0>(9 * k * kLanes) : nullptr;
    for (Index panel = from; panel < to; ++panel) {
      for (Index v = 0; v < panels.width(panel); ++v) {
        const Index column = (panels.start(panel) + v) * kLanes;
        const Index cols = column + kLanes < n ? kLanes : n - column;
        if (transposed) {
          for (Index tap = 0; tap < 9; ++tap) {
            float* to_tap = turned + (8 - tap) * k * kLanes;
            for (Index i = 0; cols < kLanes && i < k * kLanes; ++i) to_tap[i] = 0.0f;
            pack_transposed(w + (tap * channels + column) * filters, filters, cols, k, to_tap, kLanes);
          }
        }
        for (Index c = 0; c < k; ++c) {
          VecF g[9], rows[18], u[36];
          for (Index tap = 0; tap < 9; ++tap) {
            g[tap] = transposed ? load(turned + (tap * k + c) * kLanes)
                                : load_part(w + (tap * channels + c) * filters + column, cols);
          }
          GRAFT_UNROLL
          for (int x = 0; x < 3; ++x) winograd_weight(g + x, rows + x, 3, 3);
          GRAFT_UNROLL
          for (int y = 0; y < 6; ++y) winograd_weight(rows + 3 * y, u + 6 * y, 1, 1);
          const Index p0 = c / b.k_block * b.k_block, in_block = p0 + b.k_block < k ? b.k_block : k - p0;
          float* to_u = out + b.offset(p0, in_block, panel) + (c - p0) * b.panel_width(panel) + v * kLanes;
          for (int i = 0; i < 36; ++i) store(to_u + i * matrix, u[i]);
        }
      }
    }
  });
}

/// An image and its place in the convolution, for the tiles.
struct WinogradImage {
  Index height, width, channels, pad_y, pad_x;
  Index out_height, out_width, filters, tile_rows, tile_cols;
};

/// V[i][tile][channel] of one tile.
inline void winograd_load_tile(const WinogradImage& g, const float* sample, Index y0, Index x0, float* v, Index pitch) {
  for (Index c = 0; c < g.channels; c += kLanes) {
    const Index count = g.channels - c;
    VecF d[36], t[36];
    for (int y = 0; y < 6; ++y) {
      const Index at_y = y0 + y;
      const bool row = at_y >= 0 && at_y < g.height;
      for (int x = 0; x < 6; ++x) {
        const Index at_x = x0 + x;
        d[6 * y + x] = row && at_x >= 0 && at_x < g.width
                           ? load_part(sample + (at_y * g.width + at_x) * g.channels + c, count)
                           : VecF{};
      }
    }
    GRAFT_UNROLL
    for (int x = 0; x < 6; ++x) winograd_input(d + x, t + x, 6);
    GRAFT_UNROLL
    for (int y = 0; y < 6; ++y) winograd_input(t + 6 * y, d + 6 * y, 1);
    for (int i = 0; i < 36; ++i) store_part(v + i * pitch + c, d[i], count);
  }
}

/// The outputs of one tile, from M[i][tile][filter].
inline void winograd_store_tile(const WinogradImage& g, const float* m, Index pitch, const float* bias, bool accumulate,
                                bool relu, float* sample, Index y0, Index x0) {
  for (Index f = 0; f < g.filters; f += kLanes) {
    const Index count = g.filters - f;
    VecF in[36], t[24], out[16];
    for (int i = 0; i < 36; ++i) in[i] = load_part(m + i * pitch + f, count);
    GRAFT_UNROLL
    for (int x = 0; x < 6; ++x) winograd_output(in + x, t + x, 6, 6);
    GRAFT_UNROLL
    for (int y = 0; y < 4; ++y) winograd_output(t + 6 * y, out + 4 * y, 1, 1);
    const VecF b = bias != nullptr ? load_part(bias + f, count) : VecF{};
    for (int y = 0; y < 4 && y0 + y < g.out_height; ++y) {
      for (int x = 0; x < 4 && x0 + x < g.out_width; ++x) {
        float* to = sample + ((y0 + y) * g.out_width + x0 + x) * g.filters + f;
        VecF r = out[4 * y + x] + b;
        if (accumulate) r = r + load_part(to, count);
        if (relu) r = vmax(VecF{}, r);
        store_part(to, r, count);
      }
    }
  }
}

/// out (+)= act(image * weights + bias), the weights as winograd_prepare has them.
inline void winograd_run(const WinogradImage& g, Index batch, const float* image, const float* prepared,
                         const float* bias, bool accumulate, const ActivationParams& activation, float* out) {
  const bool relu = is_plain_relu(activation);
  const Index per_sample = g.tile_rows * g.tile_cols, tiles = batch * per_sample;
  // A row of floats more, so that rows do not fall into the same lines of a cache.
  const Index v_row = (g.channels + 15) / 16 * 16 + 16, m_row = (g.filters + 15) / 16 * 16 + 16;
  // As many tiles at a time as keep both sides of the products in the caches, and whole tiles of the products.
  Index block = (Index{1} << 20) / (36 * (v_row + m_row)) / kGemmRows * kGemmRows;
  block = block < 6 * kGemmRows ? 6 * kGemmRows : block;
  const Index threads = available_threads(), share = (tiles + threads - 1) / threads;
  block = block < share ? block : share;
  const Index blocks = (tiles + block - 1) / block;
  parallel_for(0, blocks, 1, [&](Index from, Index to) {
    float* const v = workspace<2>(36 * block * (v_row + m_row));
    float* const m = v + 36 * block * v_row;
    for (Index b = from; b < to; ++b) {
      const Index first = b * block, count = first + block < tiles ? block : tiles - first;
      const auto place = [&](Index tile, Index& n, Index& y, Index& x) {
        n = tile / per_sample;
        y = tile % per_sample / g.tile_cols * 4;
        x = tile % g.tile_cols * 4;
      };
      Index n = 0, y = 0, x = 0;
      for (Index t = 0; t < count; ++t) {
        place(first + t, n, y, x);
        winograd_load_tile(g, image + n * g.height * g.width * g.channels, y - g.pad_y, x - g.pad_x, v + t * v_row,
                           block * v_row);
      }
      GemmDesc product = winograd_product(count, g.channels, g.filters);
      const GemmPanels panels(product.n);
      const GemmBlocking blocking = gemm_blocking(product, panels);
      for (Index i = 0; i < 36; ++i) {
        const GemmMatrixA a{v + i * block * v_row, v_row, 1, m + i * block * m_row, m_row, false};
        const GemmPackedB weights{prepared + i * winograd_matrix_floats(product.k, product.n), product.k,
                                  blocking.k_block, panels};
        gemm_part(product, a, weights, nullptr, panels, blocking, 0, count, 0, panels.count);
      }
      for (Index t = 0; t < count; ++t) {
        place(first + t, n, y, x);
        winograd_store_tile(g, m + t * m_row, block * m_row, bias, accumulate, relu,
                            out + n * g.out_height * g.out_width * g.filters, y, x);
      }
    }
  });
  if (relu || activation.kind == ActivationKind::linear) return;
  const Index floats = batch * g.out_height * g.out_width * g.filters;
  parallel_for(0, floats, 16384,
               [&](Index from, Index to) { activation_forward(activation, to - from, out + from, out + from); });
}

inline WinogradImage winograd_forward_image(const ConvDesc& d) {
  return {d.in[1],  d.in[2],  d.channels, d.pad[1],           d.pad[2],
          d.out[1], d.out[2], d.filters,  (d.out[1] + 3) / 4, (d.out[2] + 3) / 4};
}

inline void winograd_forward(const ConvDesc& d, const float* x, const float* prepared, const float* bias, float* y) {
  winograd_run(winograd_forward_image(d), d.batch, x, prepared, bias, false, d.activation, y);
}

inline void winograd_backward_data(const ConvDesc& d, const float* dy, const float* w, const float* bias, float* dx) {
  float* const prepared = workspace<1>(winograd_prepared_floats(d.filters, d.channels));
  winograd_prepare(w, d.channels, d.filters, true, prepared);
  const WinogradImage g{d.out[1], d.out[2], d.filters,  2 - d.pad[1],      2 - d.pad[2],
                        d.in[1],  d.in[2],  d.channels, (d.in[1] + 3) / 4, (d.in[2] + 3) / 4};
  winograd_run(g, d.batch, dy, prepared, bias, d.accumulate, d.activation, dx);
}
