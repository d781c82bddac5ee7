// C = f(alpha op(A) op(B) (+ C) (+ bias)).
//
// B is cut into panels of at most kGemmVectors vectors of columns and blocks of k rows; a block of panels is packed so
// that the micro-kernel reads it front to back, and stays in the second-level cache. A is not copied: for a tile of
// kGemmRows rows of C it is a list of segments, stretches of k over which each row of A is one run of memory, so that a
// matrix is one segment and the rows of a convolution (implicit im2col, simd/conv.inl) are a few. What A a tile reads
// stays in the first-level cache while the tile meets every panel of the block.
// Small problems skip a packing that would not pay.
//
// Every element of C is the sum over k in order, in blocks that depend on k alone, whatever the tile, packing, or
// thread that computes it: results are bitwise the same for any number of threads.

struct GemmSegment {
  Index k;                      // length of the stretch
  Index b_at;                   // the row of the block of B where it starts
  const float* rows[kGemmRows];  // where it starts in each row of A
};

struct GemmTile {
  const GemmSegment* segments;
  Index count;
  Index first_row;  // of the segments' rows, and of c
  Index a_step;     // elements between successive k
  const float* b;
  Index b_step;
  float* const* c;  // rows of C
  Index column;     // where the tile starts in them
  Index cols;
  const float* bias;  // null: none, or not the last block of k
  float alpha;
  bool load_c;
  bool relu;
};

/// A pointer of which the compiler does not know that it has read through it before: it would keep the addresses of
/// all rows of C through the products, in registers that it then lacks, and spill them. On a short k that took a tenth
/// of the time.
GRAFT_SIMD_INLINE float* const* gemm_opaque(float* const* p) {
#if defined(__GNUC__)
  asm volatile("" : "+r"(p));
#endif
  return p;
}

template <int kRows, int kVectors>
void gemm_micro(const GemmTile& t) {
  VecF acc[kRows][kVectors];
  const Index column = t.column;
  GRAFT_UNROLL
  for (int i = 0; i < kRows; ++i) {
    const float* ahead = t.c[t.first_row + i] + column;
    GRAFT_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      acc[i][v] = VecF{};
      // The tile of C is needed at the end; asked for now, it arrives during the products.
      __builtin_prefetch(ahead + v * kLanes);
    }
  }
  const Index a_step = t.a_step, b_step = t.b_step;
  for (const GemmSegment *segment = t.segments, *last = segment + t.count; segment != last; ++segment) {
    const float* rows[kRows];
    GRAFT_UNROLL
    for (int i = 0; i < kRows; ++i) rows[i] = segment->rows[t.first_row + i];
    const float* b = t.b + segment->b_at * b_step;
    const Index end = segment->k * a_step;
    for (Index p = 0; p != end; p += a_step) {
      VecF columns[kVectors];
      GRAFT_UNROLL
      for (int v = 0; v < kVectors; ++v) columns[v] = load(b + v * kLanes);
      GRAFT_UNROLL
      for (int i = 0; i < kRows; ++i) {
        const VecF element = set1(rows[i][p]);
        GRAFT_UNROLL
        for (int v = 0; v < kVectors; ++v) acc[i][v] = fma(element, columns[v], acc[i][v]);
      }
      b += b_step;
    }
  }
  // The last vector may not be whole.
  const Index last_count = t.cols - (kVectors - 1) * kLanes;
  const auto get = [&](const float* p, int v) {
    return v == kVectors - 1 ? load_part(p + v * kLanes, last_count) : load(p + v * kLanes);
  };
  const VecF alpha = set1(t.alpha);
  if (t.load_c) {
    float* const* c = gemm_opaque(t.c + t.first_row);
    GRAFT_UNROLL
    for (int i = 0; i < kRows; ++i) {
      const float* row = c[i] + column;
      GRAFT_UNROLL
      for (int v = 0; v < kVectors; ++v) acc[i][v] = fma(alpha, acc[i][v], get(row, v));
    }
  } else if (t.alpha != 1.0f) {
    GRAFT_UNROLL
    for (int i = 0; i < kRows; ++i) {
      GRAFT_UNROLL
      for (int v = 0; v < kVectors; ++v) acc[i][v] = alpha * acc[i][v];
    }
  }
  if (t.bias != nullptr) {
    GRAFT_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const VecF bias = get(t.bias, v);
      GRAFT_UNROLL
      for (int i = 0; i < kRows; ++i) acc[i][v] = acc[i][v] + bias;
    }
  }
  if (t.relu) {
    GRAFT_UNROLL
    for (int i = 0; i < kRows; ++i) {
      GRAFT_UNROLL
      for (int v = 0; v < kVectors; ++v) acc[i][v] = vmax(VecF{}, acc[i][v]);
    }
  }
  float* const* c = gemm_opaque(t.c + t.first_row);
  GRAFT_UNROLL
  for (int i = 0; i < kRows; ++i) {
    float* row = c[i] + column;
    GRAFT_UNROLL
    for (int v = 0; v < kVectors - 1; ++v) store(row + v * kLanes, acc[i][v]);
    store_part(row + (kVectors - 1) * kLanes, acc[i][kVectors - 1], last_count);
  }
}

using GemmMicro = void(const GemmTile&);

// [vectors - 1]; rows is kGemmRows, 4, 2 or 1.
template <int kRows>
inline constexpr GemmMicro* kGemmMicro[] = {&gemm_micro<kRows, 1>, &gemm_micro<kRows, 2>,
                                            &gemm_micro<kRows, kGemmVectors>};

/// How n columns are cut into panels: widths differ by at most one vector.
struct GemmPanels {
  Index vectors, count, base, extra;

  explicit GemmPanels(Index n)
      : vectors((n + kLanes - 1) / kLanes),
        count((vectors + kGemmVectors - 1) / kGemmVectors),
        base(count > 0 ? vectors / count : 0),
        extra(count > 0 ? vectors % count : 0) {}
  Index start(Index panel) const { return panel * base + (panel < extra ? panel : extra); }  // in vectors
  Index width(Index panel) const { return base + (panel < extra ? 1 : 0); }
};

typedef float Vec4 __attribute__((vector_size(16)));

/// out[q * out_step + i] = in[i * in_row + q] for i, q < 4.
GRAFT_SIMD_INLINE void transpose_4x4(const float* in, Index in_row, float* out, Index out_step) {
  Vec4 r[4];
  GRAFT_UNROLL
  for (int i = 0; i < 4; ++i) __builtin_memcpy(&r[i], in + i * in_row, sizeof(Vec4));
  const Vec4 low01 = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5);
  const Vec4 low23 = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
  const Vec4 high01 = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
  const Vec4 high23 = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
  r[0] = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
  r[1] = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
  r[2] = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
  r[3] = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
  GRAFT_UNROLL
  for (int q = 0; q < 4; ++q) __builtin_memcpy(out + q * out_step, &r[q], sizeof(Vec4));
}

/// out[p * out_step + i] = in[i * in_row + p] for i < rows, p < k.
inline void pack_transposed(const float* in, Index in_row, Index rows, Index k, float* out, Index out_step) {
  if (rows < 4) {
    for (Index p = 0; p < k; ++p) {
      for (Index i = 0; i < rows; ++i) out[p * out_step + i] = in[i * in_row + p];
    }
    return;
  }
  for (Index i = 0; i < rows; i += 4) {
    const Index first = i + 4 <= rows ? i : rows - 4;  // the last four may overlap those before
    const float* from = in + first * in_row;
    float* to = out + first;
    Index p = 0;
    for (; p + 4 <= k; p += 4) transpose_4x4(from + p, in_row, to + p * out_step, out_step);
    for (; p < k; ++p) {
      for (Index q = 0; q < 4; ++q) to[p * out_step + q] = from[q * in_row + p];
    }
  }
}

/// A as a matrix in memory, and C beside it. A convolution brings its own source, whose rows lie in an image.
struct GemmMatrixA {
  const float* data;
  Index row, column;  // strides of op(A); one of them is 1
  float* c;
  Index ldc;
  bool pack;  // copy each tile's rows: they lie badly

  Index step() const { return pack ? kGemmRows : column; }
  /// Floats of memory that tile() wants, and how many segments it may give, for blocks of k.
  Index scratch(Index k) const { return pack ? kGemmRows * k : 0; }
  Index max_segments(Index) const { return 1; }

  /// How many rows the tile at row i0 has.
  static Index tile_rows(Index i0, Index end) { return i0 + kGemmRows < end ? kGemmRows : end - i0; }
  /// The rows [i0, i0 + rows) over [p0, p0 + k) as segments, whose number it returns, and as rows of C.
  Index tile(Index i0, Index rows, Index p0, Index k, GemmSegment* out, float** c_rows, float* memory) const {
    for (Index i = 0; i < rows; ++i) c_rows[i] = c + (i0 + i) * ldc;
    const float* in = data + i0 * row + p0 * column;
    out->k = k;
    out->b_at = 0;
    if (!pack) {
      for (Index i = 0; i < rows; ++i) out->rows[i] = in + i * row;
      return 1;
    }
    if (column == 1) {
      pack_transposed(in, row, rows, k, memory, kGemmRows);
    } else {
      for (Index p = 0; p < k; ++p) {
        for (Index i = 0; i < rows; ++i) memory[p * kGemmRows + i] = in[p * column + i];
      }
    }
    for (Index i = 0; i < rows; ++i) out->rows[i] = memory + i;
    return 1;
  }

  /// Asks for part `share` of `shares` of the panel that starts at row i0, for its first `rows` rows.
  void prefetch(Index i0, Index rows, Index p0, Index k, Index share, Index shares) const {
    const Index first = k * share / shares, last = k * (share + 1) / shares;
    const float* in = data + i0 * row + p0 * column;
    if (column != 1) {
      for (Index p = first; p < last; ++p) __builtin_prefetch(in + p * column, 0, 2);
      return;
    }
    for (Index i = 0; i < rows; ++i) {
      for (Index p = first; p < last; p += 16) __builtin_prefetch(in + i * row + p, 0, 2);
    }
  }
};

/// B as a matrix in memory.
struct GemmMatrixB {
  const float* data;
  Index row, column;  // strides of op(B); one of them is 1

  Index rows_at_once(Index k) const { return column == 1 ? 8 : k; }

  /// out[p * step + j] = op(B)(p0 + p, j0 + j) for p < k, j < cols, and 0 up to step, a whole number of vectors.
  void pack(Index p0, Index k, Index j0, Index cols, Index step, float* out) const {
    const float* in = data + p0 * row + j0 * column;
    if (column == 1) {
      for (Index p = 0; p < k; ++p, in += row, out += step) {
        for (Index j = 0; j < step; j += kLanes) store(out + j, load_part(in + j, cols - j));
      }
      return;
    }
    pack_transposed(in, column, cols, k, out, step);
    for (Index j = cols; j < step; ++j) {
      for (Index p = 0; p < k; ++p) out[p * step + j] = 0.0f;
    }
  }
};

/// B packed beforehand: for every block of k, panel after panel.
struct GemmPackedB {
  const float* data;
  Index k, k_block;
  GemmPanels panels;

  static Index floats(const GemmPanels& panels, Index k) { return panels.vectors * kLanes * k; }
  Index panel_width(Index panel) const { return panels.width(panel) * kLanes; }
  /// Where the rows of a block, [p0, p0 + rows), have the columns of a panel: rows of panel_width().
  Index offset(Index p0, Index rows, Index panel) const {
    return p0 * panels.vectors * kLanes + panels.start(panel) * kLanes * rows;
  }
};

struct GemmBlocking {
  Index k_block;       // rows of B in a block
  Index panels_block;  // panels of B in a block
  bool pack_a;
  bool pack_b;
};

inline GemmBlocking gemm_blocking(const GemmDesc& desc, const GemmPanels& panels) {
  GemmBlocking result{};
  // Sizes found by measurement (benchmarks/gemm_bench.cpp).
  constexpr Index kBlockMax = 384;         // an A panel of 12 KiB: a third of the first-level cache
  constexpr Index kElementsMax = 3 << 16;  // a B block of 768 KiB: most of a second-level cache of 1 MiB
  const Index k_blocks = (desc.k + kBlockMax - 1) / kBlockMax;
  result.k_block = k_blocks > 1 ? ((desc.k + k_blocks - 1) / k_blocks + 7) / 8 * 8 : desc.k > 0 ? desc.k : 1;
  const Index panel_elements = result.k_block * kGemmVectors * kLanes;
  const Index panels_max = panel_elements > 0 && kElementsMax / panel_elements > 1 ? kElementsMax / panel_elements : 1;
  const Index n_blocks = (panels.count + panels_max - 1) / panels_max;
  result.panels_block = n_blocks > 0 ? (panels.count + n_blocks - 1) / n_blocks : 1;
  // Rows at a large power of two fall into the same few lines of a cache.
  const bool a_collides = desc.a_stride() % 512 == 0, b_collides = desc.b_stride() % 512 == 0;
  // Wide tiles read A seldom enough to take it from where it lies. Narrow ones do so too, but not across rows.
  const bool a_is_across = desc.trans_a == Transpose::yes && panels.count > 4;
  result.pack_a = kLanes < 16 && (a_is_across || a_collides);
  // Wide panels read whole lines of B even where it lies.
  constexpr Index kDirectRows = kLanes == 16 ? 128 : 64;
  result.pack_b = desc.trans_b == Transpose::yes || desc.m > kDirectRows || (b_collides && desc.m > 16);
  return result;
}

/// The part of C with rows [row0, row1) and panels [panel0, panel1). `bias` is that of the whole C.
template <class SourceA, class SourceB>
void gemm_part(const GemmDesc& desc, const SourceA& source_a, const SourceB& source_b, const float* bias,
               const GemmPanels& panels, const GemmBlocking& blocking, Index row0, Index row1, Index panel0,
               Index panel1) {
  const bool relu = is_plain_relu(desc.activation);
  const bool other_activation = !relu && desc.activation.kind != ActivationKind::linear;
  constexpr Index kFloatsPerSegment = sizeof(GemmSegment) / sizeof(float);
  const Index segment_floats = (source_a.max_segments(blocking.k_block) * kFloatsPerSegment + 15) / 16 * 16;
  const Index scratch_floats = (source_a.scratch(blocking.k_block) + 15) / 16 * 16;
  constexpr bool packed = std::is_same_v<SourceB, GemmPackedB>;
  const Index b_floats = packed ? 0 : (blocking.panels_block + 1) * kGemmVectors * kLanes * blocking.k_block;
  float* const memory = workspace(segment_floats + scratch_floats + b_floats);
  GemmSegment* const segments = reinterpret_cast<GemmSegment*>(memory);
  float* const scratch = memory + segment_floats;
  float* const packed_b = scratch + scratch_floats;
  for (Index first_panel = panel0; first_panel < panel1; first_panel += blocking.panels_block) {
    const Index last_panel = first_panel + blocking.panels_block < panel1 ? first_panel + blocking.panels_block : panel1;
    for (Index p0 = 0; p0 == 0 || p0 < desc.k; p0 += blocking.k_block) {
      const Index k = p0 + blocking.k_block < desc.k ? blocking.k_block : desc.k - p0;
      const bool last_k = p0 + k >= desc.k;
      if constexpr (!packed) {
        // A few rows at a time across all panels: memory is read in long runs.
        const Index pack_rows = source_b.rows_at_once(k);
        for (Index q = 0; q < k; q += pack_rows) {
          const Index count = q + pack_rows < k ? pack_rows : k - q;
          for (Index panel = first_panel; panel < last_panel; ++panel) {
            const Index column = panels.start(panel) * kLanes, width = panels.width(panel) * kLanes;
            const Index cols = column + width < desc.n ? width : desc.n - column;
            // A ragged last panel is always packed: the micro-kernel loads whole vectors of B.
            if (!blocking.pack_b && cols == width) continue;
            const Index start = (panels.start(panel) - panels.start(first_panel)) * kLanes;
            source_b.pack(p0 + q, count, column, cols, width, packed_b + start * k + q * width);
          }
        }
      }
      float* c_rows[kGemmRows];
      GemmTile tile{};
      tile.segments = segments;
      tile.a_step = source_a.step();
      tile.c = c_rows;
      tile.alpha = desc.alpha;
      tile.load_c = p0 > 0 || desc.accumulate;
      tile.relu = relu && last_k;
      for (Index i0 = row0; i0 < row1; i0 += kGemmRows) {
        const Index rows = source_a.tile_rows(i0, row1);
        tile.count = source_a.tile(i0, rows, p0, k, segments, c_rows, scratch);
        const Index next_rows = i0 + 2 * kGemmRows < row1 ? kGemmRows : row1 - i0 - kGemmRows;
        for (Index panel = first_panel; panel < last_panel; ++panel) {
          const Index column = panels.start(panel) * kLanes, vectors = panels.width(panel);
          const Index cols = column + vectors * kLanes < desc.n ? vectors * kLanes : desc.n - column;
          if constexpr (packed) {
            tile.b = source_b.data + source_b.offset(p0, k, panel);
            tile.b_step = source_b.panel_width(panel);
          } else if (blocking.pack_b || cols < vectors * kLanes) {
            tile.b = packed_b + (panels.start(panel) - panels.start(first_panel)) * kLanes * k;
            tile.b_step = vectors * kLanes;
          } else {
            tile.b = source_b.data + p0 * source_b.row + column;
            tile.b_step = source_b.row;
          }
          if (next_rows > 0) {
            source_a.prefetch(i0 + kGemmRows, next_rows, p0, k, panel - first_panel, last_panel - first_panel);
          }
          tile.column = column;
          tile.cols = cols;
          tile.bias = last_k && bias != nullptr ? bias + column : nullptr;
          for (tile.first_row = 0; tile.first_row < rows;) {
            const Index left = rows - tile.first_row;
            const Index step = left == kGemmRows ? kGemmRows : left >= 4 ? 4 : left >= 2 ? 2 : 1;
            GemmMicro* const* kernels = step == kGemmRows ? kGemmMicro<kGemmRows>
                                        : step == 4       ? kGemmMicro<4>
                                        : step == 2       ? kGemmMicro<2>
                                                          : kGemmMicro<1>;
            kernels[vectors - 1](tile);
            tile.first_row += step;
          }
          if (other_activation && last_k) {
            for (Index i = 0; i < rows; ++i) {
              float* row = c_rows[i] + column;
              activation_forward(desc.activation, cols, row, row);
            }
          }
        }
      }
    }
  }
}

/// Packs all of B for products of this description.
template <class SourceB>
void gemm_pack(const GemmDesc& desc, const SourceB& source_b, float* out) {
  const GemmPanels panels(desc.n);
  const GemmPackedB packed{out, desc.k, gemm_blocking(desc, panels).k_block, panels};
  const Index blocks = (desc.k + packed.k_block - 1) / packed.k_block;
  parallel_for(0, blocks * panels.count, 1, [&](Index from, Index to) {
    for (Index i = from; i < to; ++i) {
      const Index p0 = i / panels.count * packed.k_block, panel = i % panels.count;
      const Index rows = p0 + packed.k_block < desc.k ? packed.k_block : desc.k - p0;
      const Index column = panels.start(panel) * kLanes, width = packed.panel_width(panel);
      source_b.pack(p0, rows, column, column + width < desc.n ? width : desc.n - column, width,
                    out + packed.offset(p0, rows, panel));
    }
  });
}

/// How many threads share the rows of C and how many its panels.
struct GemmGrid {
  Index rows, panels;
};

inline GemmGrid gemm_grid(const GemmDesc& desc, Index row_panels, Index panels, Index threads) {
  GemmGrid best{1, 1};
  if (desc.m * desc.n * desc.k < (Index{1} << 18) * 2) return best;  // some 10 microseconds
  Index best_cost = 0;
  for (Index rows = 1; rows <= threads; ++rows) {
    const Index columns = threads / rows;
    const Index tall = (row_panels + rows - 1) / rows, wide = (panels + columns - 1) / columns;
    // Tiles of the busiest thread, and what it packs of B.
    const Index cost = 16 * tall * wide + 2 * wide;
    if (rows == 1 || cost < best_cost) {
      best = {rows < row_panels ? rows : row_panels, columns < panels ? columns : panels};
      best_cost = cost;
    }
  }
  return best;
}

/// The whole product, with the threads that there are. `desc` says m, n, k and the epilogue; strides are the sources'.
template <class SourceA, class SourceB>
void gemm_run(const GemmDesc& desc, const SourceA& a, const SourceB& b, const float* bias, const GemmPanels& panels,
              const GemmBlocking& blocking) {
  const Index row_panels = (desc.m + kGemmRows - 1) / kGemmRows;
  const GemmGrid grid = gemm_grid(desc, row_panels, panels.count, available_threads());
  auto part = [&](Index from, Index to) {
    for (Index t = from; t < to; ++t) {
      const Index r = t / grid.panels, s = t % grid.panels;
      const Index row0 = row_panels * r / grid.rows * kGemmRows, row1 = row_panels * (r + 1) / grid.rows * kGemmRows;
      gemm_part(desc, a, b, bias, panels, blocking, row0, row1 < desc.m ? row1 : desc.m, panels.count * s / grid.panels,
                panels.count * (s + 1) / grid.panels);
    }
  };
  parallel_for(0, grid.rows * grid.panels, 1, part);
}

inline void gemm(const GemmDesc& desc, const GemmArgs<float>& args) {
  if (desc.m <= 0 || desc.n <= 0) return;
  const bool trans_a = desc.trans_a == Transpose::yes, trans_b = desc.trans_b == Transpose::yes;
  const GemmPanels panels(desc.n);
  const GemmBlocking blocking = gemm_blocking(desc, panels);
  const GemmMatrixA a{args.a, trans_a ? 1 : desc.a_stride(), trans_a ? desc.a_stride() : 1, args.c, desc.c_stride(),
                      blocking.pack_a};
  const GemmMatrixB b{args.b, trans_b ? 1 : desc.b_stride(), trans_b ? desc.b_stride() : 1};
  gemm_run(desc, a, b, args.bias, panels, blocking);
}
