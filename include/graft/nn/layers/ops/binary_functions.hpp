#pragma once

#include <cmath>
#include <span>

#include "graft/core/macros.hpp"

// The operations on two operands, element by element: their rows and the rows of their gradients.
namespace graft::detail {

/// A step of 0: the operand is one number along the row.
template <class Scalar>
struct BinaryFunction {
  using Value = void(Index n, const Scalar* a, Index a_step, const Scalar* b, Index b_step, Scalar* y);
  /// dx += dy * slope, `step` being that of dx.
  using Slope = void(Index n, const Scalar* a, Index a_step, const Scalar* b, Index b_step, const Scalar* dy,
                     Scalar* dx, Index step);

  const char* class_name;
  Value* value;
  Slope* slopes[2];  ///< by a and by b; null: has no gradient, like a comparison
};

template <class Scalar, class F>
void binary_row(Index n, const Scalar* a, Index a_step, const Scalar* b, Index b_step, Scalar* y) {
  for (Index c = 0; c < n; ++c) y[c] = F{}(a[c * a_step], b[c * b_step]);
}
template <class Scalar, class D>
void binary_slope_row(Index n, const Scalar* a, Index a_step, const Scalar* b, Index b_step, const Scalar* dy,
                      Scalar* dx, Index step) {
  for (Index c = 0; c < n; ++c) dx[c * step] += dy[c] * D{}(a[c * a_step], b[c * b_step]);
}

template <class Scalar, class F, class A, class B>
constexpr BinaryFunction<Scalar> binary_function(const char* class_name, F, A, B) {
  return {class_name, &binary_row<Scalar, F>, {&binary_slope_row<Scalar, A>, &binary_slope_row<Scalar, B>}};
}
template <class Scalar, class F>
constexpr BinaryFunction<Scalar> binary_function(const char* class_name, F) {
  return {class_name, &binary_row<Scalar, F>, {nullptr, nullptr}};
}

inline constexpr std::size_t kBinaryAdd = 0, kBinarySubtract = 1, kBinaryMultiply = 2, kBinaryFunctions = 20;

/// Of two equal operands of Maximum and Minimum the first gets the gradient, which is TensorFlow's rule.
template <class Scalar>
std::span<const BinaryFunction<Scalar>, kBinaryFunctions> binary_functions() {
  using S = Scalar;
  static constexpr auto one = [](S, S) { return S(1); };
  static constexpr auto zero_or_one = [](bool yes) { return yes ? S(1) : S(0); };
  static constexpr BinaryFunction<S> table[] = {
      binary_function<S>(
          "ops.Add", [](S a, S b) { return a + b; }, one, one),
      binary_function<S>(
          "ops.Subtract", [](S a, S b) { return a - b; }, one, [](S, S) { return S(-1); }),
      binary_function<S>(
          "ops.Multiply", [](S a, S b) { return a * b; }, [](S, S b) { return b; }, [](S a, S) { return a; }),
      binary_function<S>(
          "ops.TrueDivide", [](S a, S b) { return a / b; }, [](S, S b) { return 1 / b; },
          [](S a, S b) { return -a / (b * b); }),
      binary_function<S>("ops.FloorDivide", [](S a, S b) { return std::floor(a / b); }),
      binary_function<S>(
          "ops.Mod", [](S a, S b) { return a - std::floor(a / b) * b; }, one,
          [](S a, S b) { return -std::floor(a / b); }),
      binary_function<S>(
          "ops.Power", [](S a, S b) { return std::pow(a, b); },
          [](S a, S b) { return b == 0 ? S(0) : b * std::pow(a, b - 1); },
          [](S a, S b) { return a > 0 ? std::log(a) * std::pow(a, b) : S(0); }),
      binary_function<S>(
          "ops.Maximum", [](S a, S b) { return a < b || b != b ? b : a; }, [](S a, S b) { return zero_or_one(a >= b); },
          [](S a, S b) { return zero_or_one(a < b); }),
      binary_function<S>(
          "ops.Minimum", [](S a, S b) { return a > b || b != b ? b : a; }, [](S a, S b) { return zero_or_one(a <= b); },
          [](S a, S b) { return zero_or_one(a > b); }),
      binary_function<S>(
          "ops.SquaredDifference", [](S a, S b) { return (a - b) * (a - b); }, [](S a, S b) { return 2 * (a - b); },
          [](S a, S b) { return 2 * (b - a); }),
      binary_function<S>(
          "ops.Arctan2", [](S a, S b) { return std::atan2(a, b); }, [](S a, S b) { return b / (a * a + b * b); },
          [](S a, S b) { return -a / (a * a + b * b); }),
      binary_function<S>("ops.Equal", [](S a, S b) { return zero_or_one(a == b); }),
      binary_function<S>("ops.NotEqual", [](S a, S b) { return zero_or_one(a != b); }),
      binary_function<S>("ops.Less", [](S a, S b) { return zero_or_one(a < b); }),
      binary_function<S>("ops.LessEqual", [](S a, S b) { return zero_or_one(a <= b); }),
      binary_function<S>("ops.Greater", [](S a, S b) { return zero_or_one(a > b); }),
      binary_function<S>("ops.GreaterEqual", [](S a, S b) { return zero_or_one(a >= b); }),
      binary_function<S>("ops.LogicalAnd", [](S a, S b) { return zero_or_one(a != 0 && b != 0); }),
      binary_function<S>("ops.LogicalOr", [](S a, S b) { return zero_or_one(a != 0 || b != 0); }),
      binary_function<S>("ops.LogicalXor", [](S a, S b) { return zero_or_one((a != 0) != (b != 0)); }),
  };
  return table;
}

}  // namespace graft::detail
