#pragma once

#include <algorithm>

#include "graft/kernels/row_norm_desc.hpp"

namespace graft::kernels::reference {

template <class Scalar>
void row_norm_forward(const RowNormDesc& desc, const Scalar* x, const Scalar* gamma, const Scalar* beta, Scalar* mean,
                      Scalar* factor, Scalar* y) {
  for (Index r = 0; r < desc.rows; ++r, x += desc.cols, y += desc.cols) {
    double sum = 0, squares = 0;
    for (Index c = 0; c < desc.cols; ++c) sum += static_cast<double>(x[c]);
    const double center = desc.kind == RowNormKind::layer ? sum / static_cast<double>(desc.cols) : 0.0;
    for (Index c = 0; c < desc.cols; ++c) {
      const double d = static_cast<double>(x[c]) - center;
      squares += d * d;
    }
    mean[r] = static_cast<Scalar>(center);
    factor[r] = static_cast<Scalar>(desc.factor(squares));
    for (Index c = 0; c < desc.cols; ++c) {
      const Scalar xhat = (x[c] - mean[r]) * factor[r];
      y[c] = xhat * (gamma != nullptr ? gamma[c] : Scalar(1)) + (beta != nullptr ? beta[c] : Scalar(0));
    }
  }
}

template <class Scalar>
void row_norm_backward(const RowNormDesc& desc, const Scalar* x, const Scalar* dy, const Scalar* mean,
                       const Scalar* factor, const Scalar* gamma, Scalar* dx, Scalar* dgamma, Scalar* dbeta,
                       bool accumulate) {
  if (dgamma != nullptr) std::fill_n(dgamma, desc.cols, Scalar(0));
  if (dbeta != nullptr) std::fill_n(dbeta, desc.cols, Scalar(0));
  for (Index r = 0; r < desc.rows; ++r, x += desc.cols, dy += desc.cols) {
    const double center = static_cast<double>(mean[r]), scale = static_cast<double>(factor[r]);
    const auto xhat = [&](Index c) { return (static_cast<double>(x[c]) - center) * scale; };
    const auto slope = [&](Index c) {
      return static_cast<double>(dy[c]) * (gamma != nullptr ? static_cast<double>(gamma[c]) : 1.0);
    };
    double sum = 0, along = 0;
    for (Index c = 0; c < desc.cols; ++c) {
      sum += slope(c);
      along += slope(c) * xhat(c);
      if (dgamma != nullptr) dgamma[c] += static_cast<Scalar>(static_cast<double>(dy[c]) * xhat(c));
      if (dbeta != nullptr) dbeta[c] += dy[c];
    }
    if (dx == nullptr) continue;
    const double share = desc.share(scale), center_share = desc.kind == RowNormKind::layer ? share : 0.0;
    for (Index c = 0; c < desc.cols; ++c) {
      const double d = scale * (slope(c) - sum * center_share - xhat(c) * along * share);
      dx[r * desc.cols + c] = (accumulate ? dx[r * desc.cols + c] : Scalar(0)) + static_cast<Scalar>(d);
    }
  }
}

}  // namespace graft::kernels::reference
