#pragma once

#include <type_traits>

#include "graft/kernels/batch_norm_desc.hpp"
#include "graft/kernels/batch_norm_fast.hpp"
#include "graft/kernels/reference/batch_norm.hpp"

// BatchNormalization over (outer, channels, inner). gamma and beta may be null (scale=False, center=False).
namespace graft::kernels {

/// mean[c] and the biased variance[c] = 1/count * sum (x - mean)^2 of every channel of x.
template <class Scalar>
void batch_norm_statistics(const BatchNormDesc& desc, const Scalar* x, Scalar* mean, Scalar* variance) {
  if (desc.outer * desc.channels * desc.inner <= 0) return;
  if constexpr (std::is_same_v<Scalar, float>) {
    if (active_isa() != Isa::reference) {
      return detail::batch_norm_statistics_float(desc, x, mean, variance);
    }
  }
  reference::batch_norm_statistics(desc, x, mean, variance);
}

/// y = gamma * (x - mean) / sqrt(variance + epsilon) + beta. Training passes the batch's statistics, inference the
/// moving ones. y may be x.
template <class Scalar>
void batch_norm_forward(const BatchNormDesc& desc, const Scalar* x, const Scalar* mean, const Scalar* variance,
                        const Scalar* gamma, const Scalar* beta, Scalar* y) {
  if (desc.outer * desc.channels * desc.inner <= 0) return;
  if constexpr (std::is_same_v<Scalar, float>) {
    if (active_isa() != Isa::reference) {
      return detail::batch_norm_forward_float(desc, x, mean, variance, gamma, beta, y);
    }
  }
  reference::batch_norm_forward(desc, x, mean, variance, gamma, beta, y);
}

/// Backward of batch_norm_forward, with the mean and variance that forward was given and xhat = (x - mean) /
/// sqrt(variance + epsilon):
///
///     dbeta = sum dy;  dgamma = sum dy * xhat;
///     dx (+)= gamma / sqrt(variance + epsilon) * (dy - dbeta / count - xhat * dgamma / count)
///
/// with `batch_statistics` (training), else dx (+)= gamma / sqrt(variance + epsilon) * dy (frozen). dgamma and dbeta
/// are overwritten. dx, dgamma, dbeta may be null: not needed. x may be null when frozen and dgamma is null. dx may be
/// dy (not accumulating).
template <class Scalar>
void batch_norm_backward(const BatchNormDesc& desc, const Scalar* x, const Scalar* dy, const Scalar* mean,
                         const Scalar* variance, const Scalar* gamma, bool batch_statistics, Scalar* dx, Scalar* dgamma,
                         Scalar* dbeta, bool accumulate = false) {
  if (desc.outer * desc.channels * desc.inner <= 0) return;
  if constexpr (std::is_same_v<Scalar, float>) {
    if (active_isa() != Isa::reference) {
      return detail::batch_norm_backward_float(desc, x, dy, mean, variance, gamma, batch_statistics, dx, dgamma, dbeta,
                                               accumulate);
    }
  }
  reference::batch_norm_backward(desc, x, dy, mean, variance, gamma, batch_statistics, dx, dgamma, dbeta, accumulate);
}

}  // namespace graft::kernels
