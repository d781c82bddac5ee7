#pragma once

#include <cmath>

#include "graft/kernels/batch_norm_desc.hpp"

namespace graft::kernels::reference {

template <class Scalar>
void batch_norm_statistics(const BatchNormDesc& desc, const Scalar* x, Scalar* mean, Scalar* variance) {
  const double count = static_cast<double>(desc.outer * desc.inner);
  for (Index c = 0; c < desc.channels; ++c) {
    double sum = 0, squares = 0;
    for (Index o = 0; o < desc.outer; ++o) {
      const Scalar* row = x + (o * desc.channels + c) * desc.inner;
      for (Index i = 0; i < desc.inner; ++i) sum += static_cast<double>(row[i]);
    }
    const double center = sum / count;
    for (Index o = 0; o < desc.outer; ++o) {
      const Scalar* row = x + (o * desc.channels + c) * desc.inner;
      for (Index i = 0; i < desc.inner; ++i) {
        const double d = static_cast<double>(row[i]) - center;
        squares += d * d;
      }
    }
    mean[c] = static_cast<Scalar>(center);
    variance[c] = static_cast<Scalar>(squares / count);
  }
}

template <class Scalar>
void batch_norm_forward(const BatchNormDesc& desc, const Scalar* x, const Scalar* mean, const Scalar* variance,
                        const Scalar* gamma, const Scalar* beta, Scalar* y) {
  for (Index o = 0; o < desc.outer; ++o) {
    for (Index c = 0; c < desc.channels; ++c) {
      const Scalar scale = (gamma != nullptr ? gamma[c] : Scalar(1)) /
                           std::sqrt(variance[c] + static_cast<Scalar>(desc.epsilon));
      const Scalar shift = beta != nullptr ? beta[c] : Scalar(0);
      const Index start = (o * desc.channels + c) * desc.inner;
      for (Index i = start; i < start + desc.inner; ++i) y[i] = (x[i] - mean[c]) * scale + shift;
    }
  }
}

template <class Scalar>
void batch_norm_backward(const BatchNormDesc& desc, const Scalar* x, const Scalar* dy, const Scalar* mean,
                         const Scalar* variance, const Scalar* gamma, bool batch_statistics, Scalar* dx, Scalar* dgamma,
                         Scalar* dbeta, bool accumulate) {
  const double count = static_cast<double>(desc.outer * desc.inner);
  for (Index c = 0; c < desc.channels; ++c) {
    const double center = static_cast<double>(mean[c]);
    const double inverse = 1 / std::sqrt(static_cast<double>(variance[c]) + desc.epsilon);
    double sum = 0, product = 0;  // sum of dy, and of dy * xhat
    for (Index o = 0; o < desc.outer; ++o) {
      const Index start = (o * desc.channels + c) * desc.inner;
      for (Index i = start; i < start + desc.inner; ++i) {
        sum += static_cast<double>(dy[i]);
        if (x != nullptr) product += static_cast<double>(dy[i]) * (static_cast<double>(x[i]) - center) * inverse;
      }
    }
    if (dgamma != nullptr) dgamma[c] = static_cast<Scalar>(product);
    if (dbeta != nullptr) dbeta[c] = static_cast<Scalar>(sum);
    if (dx == nullptr) continue;
    const double scale = (gamma != nullptr ? static_cast<double>(gamma[c]) : 1.0) * inverse;
    for (Index o = 0; o < desc.outer; ++o) {
      const Index start = (o * desc.channels + c) * desc.inner;
      for (Index i = start; i < start + desc.inner; ++i) {
        double d = static_cast<double>(dy[i]);
        if (batch_statistics) {
          d -= sum / count + (static_cast<double>(x[i]) - center) * inverse * product / count;
        }
        dx[i] = (accumulate ? dx[i] : Scalar(0)) + static_cast<Scalar>(scale * d);
      }
    }
  }
}

}  // namespace graft::kernels::reference
