#pragma once

#include <algorithm>
#include <cmath>

#include "graft/core/error.hpp"
#include "graft/nn/number_or_list.hpp"

namespace graft::detail {

/// What a factor is drawn from, uniformly.
struct FactorRange {
  double low = 0, high = 0;

  double at(double uniform) const { return low + (high - low) * uniform; }
  bool zero() const { return low == 0 && high == 0; }
};

[[noreturn]] GRAFT_COLD inline void refuse_factor(const NumberOrList& factor, const std::string& expected,
                                                  const char* class_name, const char* argument) {
  std::string received = factor.given() ? "" : "nothing";
  for (std::size_t i = 0; i < factor.values().size() && i < 3; ++i) {
    received += (i ? ", " : "") + std::to_string(factor.values()[i]);
  }
  fail<ConfigError>(class_name, argument + (", " + expected), received);
}

/// A number f stands for [-|f|, |f|], two are the ends. Throws ConfigError for anything else, and for a number outside
/// [-limit, limit].
GRAFT_COLD inline FactorRange factor_range(const NumberOrList& factor, double limit, const char* class_name,
                                           const char* argument) {
  const bool number = factor.given() && factor.shape().rank() == 0, pair = factor.shape() == Shape{2};
  bool fits = number || pair;
  for (const double value : factor.values()) fits = fits && std::abs(value) <= limit;
  if (!fits) refuse_factor(factor, "a number or two of at most " + std::to_string(limit), class_name, argument);
  const double first = number ? -std::abs(factor[0]) : factor[0], second = number ? -first : factor[1];
  return {std::min(first, second), std::max(first, second)};
}

/// Keras 3's other rule: a number f within [low, high] stands for [max(-|f|, low), |f|]; two numbers are the ends, and
/// have to touch [low, high] only. Throws ConfigError.
GRAFT_COLD inline FactorRange limited_range(const NumberOrList& factor, double low, double high, const char* class_name,
                                            const char* argument) {
  const bool number = factor.given() && factor.shape().rank() == 0, pair = factor.shape() == Shape{2};
  bool fits = number || pair;
  for (const double value : factor.values()) fits = fits && std::abs(value) <= 1e6;
  if (fits && number) fits = factor[0] >= low && factor[0] <= high;
  if (fits && pair) fits = factor[0] <= high && factor[1] >= low;
  if (!fits) {
    refuse_factor(factor, "a number or two from " + std::to_string(low) + " to " + std::to_string(high), class_name,
                  argument);
  }
  if (number) return {std::max(-std::abs(factor[0]), low), std::abs(factor[0])};
  return {std::min(factor[0], factor[1]), std::max(factor[0], factor[1])};
}

}  // namespace graft::detail
