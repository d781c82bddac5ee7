#pragma once

#include <algorithm>
#include <type_traits>

#include "graft/kernels/elementwise.hpp"
#include "graft/kernels/reference/row_norm.hpp"
#include "graft/kernels/simd/row_norm.hpp"

// LayerNormalization, RMSNormalization and UnitNormalization over the rows of an array. gamma and beta, one value per
// column, may be null.
namespace graft::kernels {

namespace detail {

/// What an instruction set brings.
struct RowNormPrimitives {
  double (*sum)(Index, const float*);
  double (*squares)(Index, const float*, float);
  void (*apply)(Index, const float*, float, float, const float*, const float*, float*);
  void (*sums)(Index, const float*, const float*, float, float, const float*, float*, float*, float*, float*);
  void (*dx)(Index, const float*, const float*, float, float, const float*, float, float, float*, bool);
};

inline RowNormPrimitives row_norm_primitives(Isa isa) {
#if GRAFT_KERNELS_X86
  if (isa == Isa::avx512) {
    return {&avx512::row_sum, &avx512::row_squares, &avx512::row_norm_apply, &avx512::row_norm_sums,
            &avx512::row_norm_dx};
  }
  if (isa == Isa::avx2) {
    return {&avx2::row_sum, &avx2::row_squares, &avx2::row_norm_apply, &avx2::row_norm_sums, &avx2::row_norm_dx};
  }
#endif
  static_cast<void>(isa);
  return {&portable::row_sum, &portable::row_squares, &portable::row_norm_apply, &portable::row_norm_sums,
          &portable::row_norm_dx};
}

inline void row_norm_forward_float(const RowNormDesc& desc, const float* x, const float* gamma, const float* beta,
                                   float* mean, float* factor, float* y) {
  const RowNormPrimitives run = row_norm_primitives(active_isa());
  const Index cols = desc.cols;
  parallel_for(0, desc.rows, kMemoryGrain / cols + 1, [&](Index from, Index to) {
    for (Index r = from; r < to; ++r) {
      const float* row = x + r * cols;
      const double total = desc.kind == RowNormKind::layer ? run.sum(cols, row) : 0.0;
      mean[r] = static_cast<float>(total / static_cast<double>(cols));
      factor[r] = static_cast<float>(desc.factor(run.squares(cols, row, mean[r])));
      run.apply(cols, row, mean[r], factor[r], gamma, beta, y + r * cols);
    }
  });
}

inline void row_norm_backward_float(const RowNormDesc& desc, const float* x, const float* dy, const float* mean,
                                    const float* factor, const float* gamma, float* dx, float* dgamma, float* dbeta,
                                    bool accumulate) {
  const RowNormPrimitives run = row_norm_primitives(active_isa());
  const Index cols = desc.cols, rows = desc.rows, pieces = piece_count(rows, 32);
  float* partial = workspace(2 * pieces * cols);
  float* partial_beta = partial + pieces * cols;
  const bool centers = desc.kind == RowNormKind::layer;
  parallel_for(0, pieces, kMemoryGrain * pieces / (rows * cols) + 1, [&](Index from, Index to) {
    for (Index p = from; p < to; ++p) {
      float* own_gamma = dgamma != nullptr ? partial + p * cols : nullptr;
      float* own_beta = dbeta != nullptr ? partial_beta + p * cols : nullptr;
      if (own_gamma != nullptr) std::fill_n(own_gamma, cols, 0.0f);
      if (own_beta != nullptr) std::fill_n(own_beta, cols, 0.0f);
      for (Index r = rows * p / pieces; r < rows * (p + 1) / pieces; ++r) {
        const Index at = r * cols;
        float sum = 0.0f, along = 0.0f;
        run.sums(cols, x + at, dy + at, mean[r], factor[r], gamma, own_gamma, own_beta, &sum, &along);
        if (dx == nullptr) continue;
        const float share = static_cast<float>(desc.share(static_cast<double>(factor[r])));
        run.dx(cols, x + at, dy + at, mean[r], factor[r], gamma, centers ? sum * share : 0.0f, along * share, dx + at,
               accumulate);
      }
    }
  });
  const auto add_up = kColumnSums[active_isa()];
  if (dgamma != nullptr) add_up(pieces, cols, partial, dgamma, false);
  if (dbeta != nullptr) add_up(pieces, cols, partial_beta, dbeta, false);
}

}  // namespace detail

/// y = xhat * gamma + beta; mean and factor, one for each row, are written for the backward pass. y may be x.
template <class Scalar>
void row_norm_forward(const RowNormDesc& desc, const Scalar* x, const Scalar* gamma, const Scalar* beta, Scalar* mean,
                      Scalar* factor, Scalar* y) {
  if (desc.rows * desc.cols <= 0) return;
  if constexpr (std::is_same_v<Scalar, float>) {
    if (active_isa() != Isa::reference) {
      return detail::row_norm_forward_float(desc, x, gamma, beta, mean, factor, y);
    }
  }
  reference::row_norm_forward(desc, x, gamma, beta, mean, factor, y);
}

/// Backward of row_norm_forward, with the mean and factor that it wrote and g = dy * gamma:
///
///     dbeta = sum over rows of dy;  dgamma = sum over rows of dy * xhat;
///     dx (+)= factor * (g - mean of g - xhat * mean of g * xhat)
///
/// For `rms` without the middle term; for `unit` without it and with a sum for the last mean. dgamma and dbeta are
/// overwritten. dx, dgamma, dbeta may be null: not needed;
/// without the first two x is not read. dx may be dy (not accumulating).
template <class Scalar>
void row_norm_backward(const RowNormDesc& desc, const Scalar* x, const Scalar* dy, const Scalar* mean,
                       const Scalar* factor, const Scalar* gamma, Scalar* dx, Scalar* dgamma, Scalar* dbeta,
                       bool accumulate = false) {
  if (desc.rows * desc.cols <= 0) return;
  if (dx == nullptr && dgamma == nullptr) {
    if (dbeta != nullptr) column_sums(desc.rows, desc.cols, dy, dbeta);
    return;
  }
  if constexpr (std::is_same_v<Scalar, float>) {
    if (active_isa() != Isa::reference) {
      return detail::row_norm_backward_float(desc, x, dy, mean, factor, gamma, dx, dgamma, dbeta, accumulate);
    }
  }
  reference::row_norm_backward(desc, x, dy, mean, factor, gamma, dx, dgamma, dbeta, accumulate);
}

}  // namespace graft::kernels
