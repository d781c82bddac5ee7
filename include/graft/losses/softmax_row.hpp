#pragma once

#include <algorithm>
#include <cmath>

#include "graft/losses/row_loss.hpp"

// What the categorical losses do with one row of predictions.
namespace graft::detail {

template <class Scalar>
Scalar row_sum(const LossRows<Scalar>& rows, Index r) {
  Scalar sum = 0;
  for (Index k = 0; k < rows.n; ++k) sum += rows.y_pred(r, k);
  return sum;
}

/// log sum_k exp(z_k), safe for large z.
template <class Scalar>
Scalar log_sum_exp(const LossRows<Scalar>& rows, Index r) {
  Scalar top = rows.y_pred(r, 0), sum = 0;
  for (Index k = 1; k < rows.n; ++k) top = std::max(top, rows.y_pred(r, k));
  for (Index k = 0; k < rows.n; ++k) sum += std::exp(rows.y_pred(r, k) - top);
  return top + std::log(sum);
}

template <class Scalar>
Scalar clip_probability(Scalar p) {
  const Scalar low = static_cast<Scalar>(kLossEpsilon), high = static_cast<Scalar>(1 - kLossEpsilon);
  return p < low ? low : p > high ? high : p;
}

template <class Scalar>
bool is_clipped(Scalar p) {
  return p < static_cast<Scalar>(kLossEpsilon) || p > static_cast<Scalar>(1 - kLossEpsilon);
}

}  // namespace graft::detail
