#pragma once

#include <algorithm>
#include <cmath>

#include "graft/core/thread_pool.hpp"
#include "graft/kernels/batch_norm_desc.hpp"
#include "graft/kernels/dispatch.hpp"
#include "graft/kernels/elementwise.hpp"
#include "graft/kernels/simd/batch_norm.hpp"
#include "graft/kernels/workspace.hpp"

// BatchNormalization of floats: sums per channel in pieces that depend on the shape alone, in one pass over
// memory when the channels are last, then one more to apply them.
namespace graft::kernels::detail {

/// What an instruction set brings.
struct BatchNormPrimitives {
  void (*apply)(Index, bool, const float*, const float*, const float*, const float*, float*);
  void (*dx)(Index, bool, const float*, const float*, const float*, const float*, const float*, const float*, float*,
             bool);
  double (*centered_dot)(Index, const float*, const float*, float, const float*);
  void (*column_moments)(Index, Index, const float*, float*, float*);
  void (*column_sums_and_dots)(Index, Index, const float*, const float*, const float*, float*, float*);
};

inline BatchNormPrimitives batch_norm_primitives(Isa isa) {
#if GRAFT_KERNELS_X86
  if (isa == Isa::avx512) {
    return {&avx512::batch_norm_apply, &avx512::batch_norm_dx, &avx512::centered_dot, &avx512::column_moments,
            &avx512::column_sums_and_dots};
  }
  if (isa == Isa::avx2) {
    return {&avx2::batch_norm_apply, &avx2::batch_norm_dx, &avx2::centered_dot, &avx2::column_moments,
            &avx2::column_sums_and_dots};
  }
#endif
  static_cast<void>(isa);
  return {&portable::batch_norm_apply, &portable::batch_norm_dx, &portable::centered_dot, &portable::column_moments,
          &portable::column_sums_and_dots};
}

/// Number of pieces that the rows of a channels-last tensor are cut into for a sum.
inline Index batch_norm_pieces(const BatchNormDesc& desc) { return piece_count(desc.outer, 256); }
/// Floats that the functions below want as `partial`.
inline Index batch_norm_partial(const BatchNormDesc& desc) { return 2 * batch_norm_pieces(desc) * desc.channels; }

/// fn(piece, first row, number of rows) for the pieces of a channels-last tensor.
template <class Fn>
void for_each_piece(const BatchNormDesc& desc, const Fn& fn) {
  const Index pieces = batch_norm_pieces(desc), rows = desc.outer;
  parallel_for(0, pieces, kMemoryGrain * pieces / (rows * desc.channels) + 1, [&](Index from, Index to) {
    for (Index p = from; p < to; ++p) fn(p, rows * p / pieces, rows * (p + 1) / pieces - rows * p / pieces);
  });
}

/// sums[c] = sum of total(c, offset) over the runs within a channel that is not the last axis, in double between them.
template <class Fn>
void for_each_channel(const BatchNormDesc& desc, float* sums, const Fn& total) {
  const Index channels = desc.channels, size = desc.outer * channels * desc.inner;
  parallel_for(0, channels, kMemoryGrain * channels / size + 1, [&](Index from, Index to) {
    for (Index c = from; c < to; ++c) {
      double sum = 0;
      for (Index o = 0; o < desc.outer; ++o) sum += total(c, (o * channels + c) * desc.inner);
      sums[c] = static_cast<float>(sum);
    }
  });
}

/// Sum over each channel.
inline void channel_sums(const BatchNormDesc& desc, const float* x, float* partial, float* sums) {
  const Index channels = desc.channels;
  if (desc.inner > 1) {
    const auto run = kSum[active_isa()];
    return for_each_channel(desc, sums, [&](Index, Index at) { return run(desc.inner, x + at); });
  }
  const auto run = kColumnSums[active_isa()];
  for_each_piece(desc, [&](Index p, Index first, Index rows) {
    run(rows, channels, x + first * channels, partial + p * channels, false);
  });
  run(batch_norm_pieces(desc), channels, partial, sums, false);
}

/// Mean of each channel, and squares[c] = sum of (x - mean[c])^2.
inline void channel_moments(const BatchNormPrimitives& run, const BatchNormDesc& desc, const float* x, float* partial,
                            float* mean, float* squares) {
  const Index channels = desc.channels;
  if (desc.inner > 1) {
    const float share = 1.0f / static_cast<float>(desc.outer * desc.inner);
    channel_sums(desc, x, partial, mean);
    for (Index c = 0; c < channels; ++c) mean[c] *= share;
    return for_each_channel(desc, squares, [&](Index c, Index at) {
      return run.centered_dot(desc.inner, x + at, x + at, mean[c], mean + c);
    });
  }
  const Index pieces = batch_norm_pieces(desc);
  float* partial_squares = partial + pieces * channels;
  for_each_piece(desc, [&](Index p, Index first, Index rows) {
    run.column_moments(rows, channels, x + first * channels, partial + p * channels, partial_squares + p * channels);
  });
  std::copy_n(partial, channels, mean);
  std::copy_n(partial_squares, channels, squares);
  for (Index p = 1; p < pieces; ++p) {
    const float before = static_cast<float>(desc.outer * p / pieces);
    const float total = static_cast<float>(desc.outer * (p + 1) / pieces), moved = (total - before) / total;
    for (Index c = 0; c < channels; ++c) {
      const float d = partial[p * channels + c] - mean[c];
      mean[c] += d * moved;
      squares[c] += partial_squares[p * channels + c] + d * d * before * moved;
    }
  }
}

/// sums[c] = sum of dy and dots[c] = sum of (x - mean[c]) * dy of each channel; dots lies behind sums.
inline void channel_sums_and_dots(const BatchNormPrimitives& run, const BatchNormDesc& desc, const float* x,
                                  const float* dy, const float* mean, float* partial, float* sums) {
  const Index channels = desc.channels;
  if (desc.inner > 1) {
    channel_sums(desc, dy, partial, sums);
    return for_each_channel(desc, sums + channels, [&](Index c, Index at) {
      return run.centered_dot(desc.inner, x + at, dy + at, mean[c], nullptr);
    });
  }
  for_each_piece(desc, [&](Index p, Index first, Index rows) {
    float* own = partial + 2 * p * channels;
    run.column_sums_and_dots(rows, channels, x + first * channels, dy + first * channels, mean, own, own + channels);
  });
  kColumnSums[active_isa()](batch_norm_pieces(desc), 2 * channels, partial, sums, false);
}

/// fn(start, length, channel, broadcast) over runs that cover the tensor: rows, or what a channel has of a sample.
template <class Fn>
void for_each_run(const BatchNormDesc& desc, const Fn& fn) {
  const bool broadcast = desc.inner > 1;
  const Index length = broadcast ? desc.inner : desc.channels;
  const Index runs = broadcast ? desc.outer * desc.channels : desc.outer;
  parallel_for(0, runs, kMemoryGrain / length + 1, [&](Index from, Index to) {
    for (Index r = from; r < to; ++r) fn(r * length, length, broadcast ? r % desc.channels : 0, broadcast);
  });
}

inline void batch_norm_statistics_float(const BatchNormDesc& desc, const float* x, float* mean, float* variance) {
  float* partial = workspace(batch_norm_partial(desc));
  channel_moments(batch_norm_primitives(active_isa()), desc, x, partial, mean, variance);
  const float share = 1.0f / static_cast<float>(desc.outer * desc.inner);
  for (Index c = 0; c < desc.channels; ++c) variance[c] *= share;
}

inline void batch_norm_forward_float(const BatchNormDesc& desc, const float* x, const float* mean,
                                     const float* variance, const float* gamma, const float* beta, float* y) {
  const BatchNormPrimitives run = batch_norm_primitives(active_isa());
  float* scale = workspace(2 * desc.channels);
  float* shift = scale + desc.channels;
  for (Index c = 0; c < desc.channels; ++c) {
    scale[c] = (gamma != nullptr ? gamma[c] : 1.0f) / std::sqrt(variance[c] + static_cast<float>(desc.epsilon));
    shift[c] = beta != nullptr ? beta[c] : 0.0f;
  }
  for_each_run(desc, [&](Index at, Index length, Index c, bool broadcast) {
    run.apply(length, broadcast, x + at, mean + c, scale + c, shift + c, y + at);
  });
}

inline void batch_norm_backward_float(const BatchNormDesc& desc, const float* x, const float* dy, const float* mean,
                                      const float* variance, const float* gamma, bool batch_statistics, float* dx,
                                      float* dgamma, float* dbeta, bool accumulate) {
  const BatchNormPrimitives run = batch_norm_primitives(active_isa());
  const Index channels = desc.channels;
  float* scale = workspace(5 * channels + batch_norm_partial(desc));
  float *offset = scale + channels, *slope = offset + channels, *sums = slope + channels, *dots = sums + channels;
  float* partial = dots + channels;
  const bool full_dx = dx != nullptr && batch_statistics;
  if (dgamma != nullptr || full_dx) channel_sums_and_dots(run, desc, x, dy, mean, partial, sums);
  else if (dbeta != nullptr) channel_sums(desc, dy, partial, sums);
  const float share = 1.0f / static_cast<float>(desc.outer * desc.inner);
  for (Index c = 0; c < channels; ++c) {
    const float inverse = 1.0f / std::sqrt(variance[c] + static_cast<float>(desc.epsilon));
    scale[c] = (gamma != nullptr ? gamma[c] : 1.0f) * inverse;
    if (dbeta != nullptr) dbeta[c] = sums[c];
    if (dgamma != nullptr) dgamma[c] = dots[c] * inverse;
    if (!full_dx) continue;
    offset[c] = scale[c] * sums[c] * share;
    slope[c] = scale[c] * inverse * inverse * dots[c] * share;
  }
  if (dx == nullptr) return;
  for_each_run(desc, [&](Index at, Index length, Index c, bool broadcast) {
    run.dx(length, broadcast, full_dx ? x + at : nullptr, dy + at, mean + c, scale + c, offset + c, slope + c, dx + at,
           accumulate);
  });
}

}  // namespace graft::kernels::detail
