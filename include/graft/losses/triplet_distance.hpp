#pragma once

#include <cmath>
#include <string>

#include "graft/losses/contrastive_loss.hpp"

namespace graft::detail {

/// What the losses over triplets share: the distance of two embeddings, and the cost of d(a, p) - d(a, n).
template <class Scalar>
struct TripletTerm {
  Scalar margin = 1;
  bool squared = false, soft = false;

  static bool is_squared(std::string_view where, const std::string& metric) {
    if (metric == "L2") return false;
    if (metric == "squared-L2") return true;
    fail<ConfigError>(where, "distance_metric \"L2\" or \"squared-L2\"", "\"" + metric + "\"");
  }

  Scalar value(Scalar difference) const {
    const Scalar x = difference + margin;
    if (soft) return difference > 0 ? difference + std::log1p(std::exp(-difference)) : std::log1p(std::exp(difference));
    return x > 0 ? x : 0;
  }
  Scalar slope(Scalar difference) const {
    if (soft) return 1 / (1 + std::exp(-difference));
    return difference + margin > 0 ? Scalar(1) : Scalar(0);
  }

  Scalar distance(const Scalar* a, const Scalar* b, Index d) const {
    Scalar sum = 0;
    for (Index k = 0; k < d; ++k) sum += (a[k] - b[k]) * (a[k] - b[k]);
    return squared ? sum : std::sqrt(sum);
  }
  /// Adds rate * d distance(a, b): to the gradient of a, and its negative to that of b. Where both are the same point
  /// the distance has no gradient, and 0 is taken.
  void add_gradient(const Scalar* a, const Scalar* b, Index d, Scalar rate, Scalar* a_gradient,
                    Scalar* b_gradient) const {
    Scalar factor = 2 * rate;
    if (!squared) {
      const Scalar length = distance(a, b, d);
      factor = length > Scalar(1e-12) ? rate / length : Scalar(0);
    }
    for (Index k = 0; k < d; ++k) {
      const Scalar step = factor * (a[k] - b[k]);
      a_gradient[k] += step;
      b_gradient[k] -= step;
    }
  }
};

}  // namespace graft::detail
