#pragma once

#include <algorithm>
#include <cmath>

#include "graft/core/thread_pool.hpp"
#include "graft/kernels/batch_norm_desc.hpp"
#include "graft/kernels/dispatch.hpp"
#include "graft/kernels/elementwise.hpp"
#include "graft/kernels/simd/batch_norm.hpp"
#include "graft/kernels/workspace.hpp"

// BatchNormalization of floats: sums per channel in pieces that depend on the shape alone, then one pass over memory.
namespace graft::kernels::detail {

/// What an instruction set brings.
struct BatchNormPrimitives {
  void (*apply)(Index, bool, const float*, const float*, const float*, const float*, float*);
  void (*dx)(Index, bool, const float*, const float*, const float*, const float*, const float*, const float*, float*,
             bool);
  double (*centered_dot)(Index, const float*, const float*, float, const float*);
  void (*centered_column_dots)(Index, Index, const float*, const float*, const float*, const float*, float*);
};

inline BatchNormPrimitives batch_norm_primitives(Isa isa) {
#if GRAFT_KERNELS_X86
  if (isa == Isa::avx512) {
    return {&avx512::batch_norm_apply, &avx512::batch_norm_dx, &avx512::centered_dot, &avx512::centered_column_dots};
  }
  if (isa == Isa::avx2) {
    return {&avx2::batch_norm_apply, &avx2::batch_norm_dx, &avx2::centered_dot, &avx2::centered_column_dots};
  }
#endif
  static_cast<void>(isa);
  return {&portable::batch_norm_apply, &portable::batch_norm_dx, &portable::centered_dot,
          &portable::centered_column_dots};
}

/// Number of pieces that the rows of a channels-last tensor are cut into for a sum.
inline Index batch_norm_pieces(const BatchNormDesc& desc) { return piece_count(desc.outer, 256); }

/// sums[c] = sum of (x - mean[c]) * (y - y_mean[c]) over channel c. `partial`: batch_norm_pieces * channels floats.
inline void channel_dots(const BatchNormPrimitives& run, const BatchNormDesc& desc, const float* x, const float* y,
                         const float* mean, const float* y_mean, float* partial, float* sums) {
  const Index channels = desc.channels, size = desc.outer * channels * desc.inner;
  if (desc.inner > 1) {
    parallel_for(0, channels, kMemoryGrain * channels / size + 1, [&](Index from, Index to) {
      for (Index c = from; c < to; ++c) {
        double total = 0;
        for (Index o = 0; o < desc.outer; ++o) {
          const Index at = (o * channels + c) * desc.inner;
          total += run.centered_dot(desc.inner, x + at, y + at, mean[c], y_mean != nullptr ? y_mean + c : nullptr);
        }
        sums[c] = static_cast<float>(total);
      }
    });
    return;
  }
  const Index pieces = batch_norm_pieces(desc), rows = desc.outer;
  parallel_for(0, pieces, kMemoryGrain * pieces / size + 1, [&](Index from, Index to) {
    for (Index p = from; p < to; ++p) {
      const Index first = rows * p / pieces, at = first * channels;
      run.centered_column_dots(rows * (p + 1) / pieces - first, channels, x + at, y + at, mean, y_mean,
                               partial + p * channels);
    }
  });
  kColumnSums[active_isa()](pieces, channels, partial, sums, false);
}

/// Sum over each channel, in double between pieces of a channel that is not the last axis.
inline void channel_sums(const BatchNormDesc& desc, const float* x, float* partial, float* sums) {
  const Index channels = desc.channels, size = desc.outer * channels * desc.inner;
  if (desc.inner > 1) {
    const auto run = kSum[active_isa()];
    parallel_for(0, channels, kMemoryGrain * channels / size + 1, [&](Index from, Index to) {
      for (Index c = from; c < to; ++c) {
        double total = 0;
        for (Index o = 0; o < desc.outer; ++o) total += run(desc.inner, x + (o * channels + c) * desc.inner);
        sums[c] = static_cast<float>(total);
      }
    });
    return;
  }
  const Index pieces = batch_norm_pieces(desc), rows = desc.outer;
  const auto run = kColumnSums[active_isa()];
  parallel_for(0, pieces, kMemoryGrain * pieces / size + 1, [&](Index from, Index to) {
    for (Index p = from; p < to; ++p) {
      const Index first = rows * p / pieces;
      run(rows * (p + 1) / pieces - first, channels, x + first * channels, partial + p * channels, false);
    }
  });
  run(pieces, channels, partial, sums, false);
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
  const BatchNormPrimitives run = batch_norm_primitives(active_isa());
  float* partial = workspace(batch_norm_pieces(desc) * desc.channels);
  const float share = 1.0f / static_cast<float>(desc.outer * desc.inner);
  channel_sums(desc, x, partial, mean);
  for (Index c = 0; c < desc.channels; ++c) mean[c] *= share;
  channel_dots(run, desc, x, x, mean, mean, partial, variance);
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
  float* scale = workspace((5 + batch_norm_pieces(desc)) * channels);
  float *offset = scale + channels, *slope = offset + channels, *sums = slope + channels, *dots = sums + channels;
  float* partial = dots + channels;
  const bool full_dx = dx != nullptr && batch_statistics;
  if (dbeta != nullptr || full_dx) channel_sums(desc, dy, partial, sums);
  if (dgamma != nullptr || full_dx) channel_dots(run, desc, x, dy, mean, nullptr, partial, dots);
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
