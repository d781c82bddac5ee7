#pragma once

#include <type_traits>

#include "graft/kernels/batch_norm_fast.hpp"
#include "graft/kernels/reference/group_norm.hpp"

// GroupNormalization of channels-last arrays. gamma and beta, one value per channel, may be null.
namespace graft::kernels {

namespace detail {

// A sample is to its groups what a batch is to its channels, but for sums of channels that are put together.

inline BatchNormDesc sample_of(const GroupNormDesc& desc) { return {desc.positions, desc.channels, 1, desc.epsilon}; }

/// The sum over the channels of a group, each times gamma.
inline double group_total(const GroupNormDesc& desc, Index group, const float* sums, const float* gamma) {
  double total = 0;
  for (Index c = group * desc.group_channels(); c < (group + 1) * desc.group_channels(); ++c) {
    total += static_cast<double>(sums[c]) * (gamma != nullptr ? static_cast<double>(gamma[c]) : 1.0);
  }
  return total;
}

inline void group_norm_forward_float(const GroupNormDesc& desc, const float* x, const float* gamma, const float* beta,
                                     float* mean, float* factor, float* y) {
  const BatchNormPrimitives run = batch_norm_primitives(active_isa());
  const BatchNormDesc sample = sample_of(desc);
  const Index channels = desc.channels;
  float* center = workspace(4 * channels + batch_norm_partial(sample));
  float *squares = center + channels, *scale = squares + channels, *shift = scale + channels;
  float* partial = shift + channels;
  const float positions = static_cast<float>(desc.positions);
  for (Index c = 0; c < channels; ++c) shift[c] = beta != nullptr ? beta[c] : 0.0f;
  for (Index n = 0; n < desc.batch;
       ++n, x += desc.sample(), y += desc.sample(), mean += desc.groups, factor += desc.groups) {
    channel_moments(run, sample, x, partial, center, squares);
    for (Index g = 0; g < desc.groups; ++g) {
      mean[g] = static_cast<float>(group_total(desc, g, center, nullptr) / static_cast<double>(desc.group_channels()));
    }
    // From the channel's own mean to the group's.
    for (Index c = 0; c < channels; ++c) {
      const float d = center[c] - mean[c / desc.group_channels()];
      squares[c] += positions * d * d;
      center[c] = mean[c / desc.group_channels()];
    }
    for (Index g = 0; g < desc.groups; ++g) {
      const double variance = group_total(desc, g, squares, nullptr) / desc.count();
      factor[g] = static_cast<float>(1 / std::sqrt(variance + desc.epsilon));
    }
    for (Index c = 0; c < channels; ++c) {
      scale[c] = factor[c / desc.group_channels()] * (gamma != nullptr ? gamma[c] : 1.0f);
    }
    for_each_run(sample, [&](Index at, Index length, Index, bool broadcast) {
      run.apply(length, broadcast, x + at, center, scale, shift, y + at);
    });
  }
}

inline void group_norm_backward_float(const GroupNormDesc& desc, const float* x, const float* dy, const float* mean,
                                      const float* factor, const float* gamma, float* dx, float* dgamma, float* dbeta,
                                      bool accumulate) {
  const BatchNormPrimitives run = batch_norm_primitives(active_isa());
  const BatchNormDesc sample = sample_of(desc);
  const Index channels = desc.channels;
  float* sums = workspace(6 * channels + batch_norm_partial(sample));
  float *dots = sums + channels, *center = dots + channels, *scale = center + channels, *offset = scale + channels;
  float *slope = offset + channels, *partial = slope + channels;
  if (dgamma != nullptr) std::fill_n(dgamma, channels, 0.0f);
  if (dbeta != nullptr) std::fill_n(dbeta, channels, 0.0f);
  for (Index n = 0; n < desc.batch; ++n) {
    const Index start = n * desc.sample();
    for (Index c = 0; c < channels; ++c) center[c] = mean[n * desc.groups + c / desc.group_channels()];
    channel_sums_and_dots(run, sample, x + start, dy + start, center, partial, sums);
    for (Index g = 0; g < desc.groups; ++g) {
      const float f = factor[n * desc.groups + g];
      const float sum = static_cast<float>(group_total(desc, g, sums, gamma) / desc.count());
      const float along = static_cast<float>(group_total(desc, g, dots, gamma) / desc.count());
      for (Index c = g * desc.group_channels(); c < (g + 1) * desc.group_channels(); ++c) {
        scale[c] = f * (gamma != nullptr ? gamma[c] : 1.0f);
        offset[c] = f * sum;
        slope[c] = f * f * f * along;
        if (dgamma != nullptr) dgamma[c] += f * dots[c];
        if (dbeta != nullptr) dbeta[c] += sums[c];
      }
    }
    if (dx == nullptr) continue;
    for_each_run(sample, [&](Index at, Index length, Index, bool broadcast) {
      const Index i = start + at;
      run.dx(length, broadcast, x + i, dy + i, center, scale, offset, slope, dx + i, accumulate);
    });
  }
}

}  // namespace detail

/// y = (x - mean) / sqrt(variance + epsilon) * gamma + beta with mean and biased variance of each group; mean and
/// factor = 1 / sqrt(variance + epsilon), batch * groups of each, are written for the backward pass. y may be x.
template <class Scalar>
void group_norm_forward(const GroupNormDesc& desc, const Scalar* x, const Scalar* gamma, const Scalar* beta,
                        Scalar* mean, Scalar* factor, Scalar* y) {
  if (desc.batch * desc.sample() <= 0) return;
  if constexpr (std::is_same_v<Scalar, float>) {
    if (active_isa() != Isa::reference) {
      return detail::group_norm_forward_float(desc, x, gamma, beta, mean, factor, y);
    }
  }
  reference::group_norm_forward(desc, x, gamma, beta, mean, factor, y);
}

/// Backward of group_norm_forward; dgamma and dbeta are overwritten. dx, dgamma, dbeta may be null: not needed;
/// without the first two x is not read. dx may
/// be dy (not accumulating).
template <class Scalar>
void group_norm_backward(const GroupNormDesc& desc, const Scalar* x, const Scalar* dy, const Scalar* mean,
                         const Scalar* factor, const Scalar* gamma, Scalar* dx, Scalar* dgamma, Scalar* dbeta,
                         bool accumulate = false) {
  if (desc.batch * desc.sample() <= 0) return;
  if (dx == nullptr && dgamma == nullptr) {
    if (dbeta != nullptr) column_sums(desc.batch * desc.positions, desc.channels, dy, dbeta);
    return;
  }
  if constexpr (std::is_same_v<Scalar, float>) {
    if (active_isa() != Isa::reference) {
      return detail::group_norm_backward_float(desc, x, dy, mean, factor, gamma, dx, dgamma, dbeta, accumulate);
    }
  }
  reference::group_norm_backward(desc, x, dy, mean, factor, gamma, dx, dgamma, dbeta, accumulate);
}

}  // namespace graft::kernels
