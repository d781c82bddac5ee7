#pragma once

#include <array>
#include <cmath>

#include "graft/nn/dual.hpp"

// Colours, for numbers and for numbers with derivatives.
namespace graft::detail {

/// The brightness of red, green and blue, with Keras's weights.
template <class Scalar, class T>
T gray_of(const T* rgb) {
  return Scalar(0.2989) * rgb[0] + Scalar(0.5870) * rgb[1] + Scalar(0.1140) * rgb[2];
}

template <class T>
T magnitude(const T& x) {
  return value_of(x) < 0 ? T(0) - x : x;
}

/// Hue in [0, 1), saturation in [0, 1], value: the largest of the three.
template <class Scalar, class T>
std::array<T, 3> rgb_to_hsv(const T* rgb) {
  const T &r = rgb[0], &g = rgb[1], &b = rgb[2];
  const T value = r < g ? (g < b ? b : g) : (r < b ? b : r);
  const T least = r < g ? (r < b ? r : b) : (g < b ? g : b);
  const T range = value - least;
  if (!(value_of(range) > 0)) return {T(0), T(0), value};
  const T saturation = value_of(value) > 0 ? range / value : T(0);
  const T norm = T(1) / (Scalar(6) * range);
  T hue =
      value == r ? norm * (g - b) : (value == g ? norm * (b - r) + Scalar(2.0 / 6) : norm * (r - g) + Scalar(4.0 / 6));
  if (value_of(hue) < 0) hue = hue + Scalar(1);
  return {hue, saturation, value};
}

template <class Scalar, class T>
void hsv_to_rgb(const std::array<T, 3>& hsv, T* rgb) {
  const T turn = hsv[0] * Scalar(6);
  const Scalar zero = 0, one = 1;
  const T full[3] = {clipped(magnitude(turn - Scalar(3)) - one, zero, one),
                     clipped(Scalar(2) - magnitude(turn - Scalar(2)), zero, one),
                     clipped(Scalar(2) - magnitude(turn - Scalar(4)), zero, one)};
  for (int c = 0; c < 3; ++c) rgb[c] = hsv[2] * (one - hsv[1] + hsv[1] * full[c]);
}

}  // namespace graft::detail
