#pragma once

#include <cmath>

#include "graft/core/random.hpp"

namespace graft::detail {

/// The logarithm of a number of the gamma distribution (Marsaglia and Tsang 2000): alpha may be tiny.
inline double draw_log_gamma(Rng& rng, double alpha) {
  const double d = alpha + 1 - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = rng.normal(), cube = std::pow(1 + c * x, 3), u = 1 - rng.uniform();
    if (cube > 0 && std::log(u) < 0.5 * x * x + d - d * cube + d * std::log(cube)) {
      return std::log(d * cube) + std::log1p(-rng.uniform()) / alpha;  // that of alpha from that of alpha + 1
    }
  }
}

/// Beta(alpha, alpha) from two of them.
inline double draw_beta(RandomKey stream, double alpha) {
  Rng rng(stream);
  const double first = draw_log_gamma(rng, alpha);
  return 1 / (1 + std::exp(draw_log_gamma(rng, alpha) - first));
}

}  // namespace graft::detail
