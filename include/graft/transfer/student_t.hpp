#pragma once

#include <cmath>

#include "graft/core/error.hpp"
#include "graft/core/text.hpp"

namespace graft {

namespace detail {

/// The regularised incomplete beta function I_x(a, b), by its continued fraction (Lentz), to about 1e-14.
GRAFT_COLD inline double incomplete_beta(double a, double b, double x) {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incomplete_beta(b, a, 1 - x);
  const double front =
      std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x)) / a;
  constexpr double tiny = 1e-300;
  const auto safe = [](double v) { return std::abs(v) < tiny ? tiny : v; };
  double c = 1, d = 1 / safe(1 - (a + b) * x / (a + 1)), result = d;
  for (int m = 1; m <= 500; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / safe(1 + even * d);
    c = safe(1 + even / c);
    result *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / safe(1 + odd * d);
    c = safe(1 + odd / c);
    const double step = d * c;
    result *= step;
    if (std::abs(step - 1) < 1e-15) break;
  }
  return front * result;
}

}  // namespace detail

/// P(T <= t) of Student's t distribution.
GRAFT_COLD inline double student_t_cdf(double t, double degrees) {
  const double tail = 0.5 * detail::incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t));
  return t > 0 ? 1 - tail : tail;
}

/// The t for which P(T <= t) is `probability`: student_t_quantile(0.975, 9) is 2.262. Throws ConfigError for a
/// probability outside of (0, 1) or less than one degree of freedom.
GRAFT_COLD inline double student_t_quantile(double probability, double degrees) {
  if (!(probability > 0 && probability < 1 && degrees >= 1 && std::isfinite(degrees))) {
    fail<ConfigError>("student_t_quantile", "a probability in (0, 1) and at least 1 degree of freedom",
                      text::number("%g", probability) + " and " + text::number("%g", degrees));
  }
  if (probability < 0.5) return -student_t_quantile(1 - probability, degrees);
  double low = 0, high = 1;
  while (student_t_cdf(high, degrees) < probability && high < 1e15) low = high, high *= 2;
  for (int i = 0; i < 200 && high - low > 1e-14 * high; ++i) {
    const double middle = (low + high) / 2;
    (student_t_cdf(middle, degrees) < probability ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace graft
