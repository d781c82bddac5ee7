#pragma once

#include <algorithm>
#include <cmath>

#include "graft/kernels/group_norm_desc.hpp"

namespace graft::kernels::reference {

/// fn(element, channel) for every element of a group of a sample.
template <class Fn>
void for_each_in_group(const GroupNormDesc& desc, Index sample, Index group, const Fn& fn) {
  for (Index p = 0; p < desc.positions; ++p) {
    for (Index i = 0; i < desc.group_channels(); ++i) {
      const Index c = group * desc.group_channels() + i;
      fn((sample * desc.positions + p) * desc.channels + c, c);
    }
  }
}

template <class Scalar>
void group_norm_forward(const GroupNormDesc& desc, const Scalar* x, const Scalar* gamma, const Scalar* beta,
                        Scalar* mean, Scalar* factor, Scalar* y) {
  for (Index n = 0; n < desc.batch; ++n) {
    for (Index g = 0; g < desc.groups; ++g) {
      double sum = 0, squares = 0;
      for_each_in_group(desc, n, g, [&](Index i, Index) { sum += static_cast<double>(x[i]); });
      const double center = sum / desc.count();
      for_each_in_group(desc, n, g, [&](Index i, Index) {
        const double d = static_cast<double>(x[i]) - center;
        squares += d * d;
      });
      const Scalar m = static_cast<Scalar>(center);
      const Scalar scale = static_cast<Scalar>(1 / std::sqrt(squares / desc.count() + desc.epsilon));
      mean[n * desc.groups + g] = m;
      factor[n * desc.groups + g] = scale;
      for_each_in_group(desc, n, g, [&](Index i, Index c) {
        y[i] = (x[i] - m) * scale * (gamma != nullptr ? gamma[c] : Scalar(1)) + (beta != nullptr ? beta[c] : Scalar(0));
      });
    }
  }
}

template <class Scalar>
void group_norm_backward(const GroupNormDesc& desc, const Scalar* x, const Scalar* dy, const Scalar* mean,
                         const Scalar* factor, const Scalar* gamma, Scalar* dx, Scalar* dgamma, Scalar* dbeta,
                         bool accumulate) {
  if (dgamma != nullptr) std::fill_n(dgamma, desc.channels, Scalar(0));
  if (dbeta != nullptr) std::fill_n(dbeta, desc.channels, Scalar(0));
  for (Index n = 0; n < desc.batch; ++n) {
    for (Index g = 0; g < desc.groups; ++g) {
      const double center = static_cast<double>(mean[n * desc.groups + g]);
      const double scale = static_cast<double>(factor[n * desc.groups + g]);
      const auto xhat = [&](Index i) { return (static_cast<double>(x[i]) - center) * scale; };
      const auto slope = [&](Index i, Index c) {
        return static_cast<double>(dy[i]) * (gamma != nullptr ? static_cast<double>(gamma[c]) : 1.0);
      };
      double sum = 0, along = 0;
      for_each_in_group(desc, n, g, [&](Index i, Index c) {
        sum += slope(i, c);
        along += slope(i, c) * xhat(i);
        if (dgamma != nullptr) dgamma[c] += static_cast<Scalar>(static_cast<double>(dy[i]) * xhat(i));
        if (dbeta != nullptr) dbeta[c] += dy[i];
      });
      if (dx == nullptr) continue;
      for_each_in_group(desc, n, g, [&](Index i, Index c) {
        const double d = scale * (slope(i, c) - (sum + xhat(i) * along) / desc.count());
        dx[i] = (accumulate ? dx[i] : Scalar(0)) + static_cast<Scalar>(d);
      });
    }
  }
}

}  // namespace graft::kernels::reference
