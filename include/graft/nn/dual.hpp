#pragma once

#include <array>
#include <cstddef>

#include "graft/core/macros.hpp"

namespace graft::detail {

/// A number with its derivatives by N others: a formula that is written for any number type, computed with these, gives
/// its own gradient (forward differentiation). Only what the formulas of pixels need.
template <class Scalar, int N>
struct Dual {
  Scalar value = 0;
  std::array<Scalar, static_cast<std::size_t>(N)> slope{};

  Dual() = default;
  Dual(Scalar constant) : value(constant) {}
  /// Variable i.
  Dual(Scalar at, int i) : value(at) { slope[static_cast<std::size_t>(i)] = 1; }

  friend Dual operator+(Dual a, const Dual& b) {
    a.value += b.value;
    for (std::size_t i = 0; i < N; ++i) a.slope[i] += b.slope[i];
    return a;
  }
  friend Dual operator-(Dual a, const Dual& b) {
    a.value -= b.value;
    for (std::size_t i = 0; i < N; ++i) a.slope[i] -= b.slope[i];
    return a;
  }
  friend Dual operator*(const Dual& a, const Dual& b) {
    Dual result(a.value * b.value);
    for (std::size_t i = 0; i < N; ++i) result.slope[i] = a.slope[i] * b.value + a.value * b.slope[i];
    return result;
  }
  friend Dual operator/(const Dual& a, const Dual& b) {
    Dual result(a.value / b.value);
    for (std::size_t i = 0; i < N; ++i) result.slope[i] = (a.slope[i] - result.value * b.slope[i]) / b.value;
    return result;
  }
  friend bool operator<(const Dual& a, const Dual& b) { return a.value < b.value; }
  friend bool operator>(const Dual& a, const Dual& b) { return b < a; }
  friend bool operator==(const Dual& a, const Dual& b) { return a.value == b.value; }
};

inline float value_of(float x) { return x; }
inline double value_of(double x) { return x; }
template <class Scalar, int N>
Scalar value_of(const Dual<Scalar, N>& x) {
  return x.value;
}

/// x within low … high; what is cut off has no slope.
template <class T, class Scalar>
T clipped(const T& x, Scalar low, Scalar high) {
  if (value_of(x) < low) return T(low);
  if (value_of(x) > high) return T(high);
  return x;
}

}  // namespace graft::detail
