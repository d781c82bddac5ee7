#pragma once

#include <cmath>

#include "graft/core/macros.hpp"

namespace graft::kernels {

/// How a row is normalised: xhat = (x - mean) * factor.
///
///     layer   mean = mean of x, factor = 1 / sqrt(mean of (x - mean)^2 + epsilon)
///     rms     mean = 0,         factor = 1 / sqrt(mean of x^2 + epsilon)
///     unit    mean = 0,         factor = min(1 / sqrt(sum of x^2), 1 / epsilon)
enum class RowNormKind { layer, rms, unit };

/// A (rows, cols) array whose rows are normalised, each for itself.
struct RowNormDesc {
  Index rows = 0;
  Index cols = 0;
  RowNormKind kind = RowNormKind::layer;
  double epsilon = 1e-3;

  /// From the sum of (x - mean)^2.
  double factor(double squares) const {
    if (kind == RowNormKind::unit) {
      const double inverse = 1 / std::sqrt(squares);
      return inverse > 1 / epsilon ? 1 / epsilon : inverse;  // NaN stays
    }
    return 1 / std::sqrt(squares / static_cast<double>(cols) + epsilon);
  }
  /// What the sums in the gradient are divided by; 0 when a row has hit its limit and they are left out.
  double share(double factor) const {
    if (kind != RowNormKind::unit) return 1 / static_cast<double>(cols);
    return factor * epsilon < 1 - 1e-6 ? 1.0 : 0.0;
  }
};

}  // namespace graft::kernels
