#pragma once

#include <algorithm>
#include <cmath>

#include "graft/core/macros.hpp"

namespace graft::detail {

/// Writes `size` numbers, an odd count, that fall off as exp(-d^2 / (2 sigma^2)) on both sides and add up to 1.
template <class Scalar>
void gaussian_filter(Index size, double sigma, Scalar* filter) {
  const double spread = std::max(sigma, 1e-6);
  const auto weight = [&](Index i) {
    const double d = (static_cast<double>(i) - static_cast<double>(size - 1) / 2) / spread;
    return std::exp(-0.5 * d * d);
  };
  double sum = 0;
  for (Index i = 0; i < size; ++i) sum += weight(i);
  for (Index i = 0; i < size; ++i) filter[i] = static_cast<Scalar>(weight(i) / sum);
}

/// y = x filtered along an axis of n numbers that are `step` apart; outside there are zeros. A symmetric filter is its
/// own transpose, so that gradients go through the same function.
template <class Scalar>
void filter_line(Index n, Index step, const Scalar* x, Index size, const Scalar* filter, Scalar* y) {
  const Index half = size / 2;
  for (Index i = 0; i < n; ++i) {
    const Index first = std::max<Index>(0, half - i), last = std::min(size, n - i + half);
    Scalar sum = 0;
    for (Index k = first; k < last; ++k) sum += filter[k] * x[(i + k - half) * step];
    y[i * step] = sum;
  }
}

}  // namespace graft::detail
