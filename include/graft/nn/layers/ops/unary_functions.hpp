#pragma once

#include <cmath>
#include <span>

#include "graft/core/macros.hpp"

// The functions of one tensor, element by element, that are not activations.
namespace graft::detail {

template <class Scalar>
struct UnaryFunction {
  const char* class_name;
  void (*value)(Index n, const Scalar* x, Scalar* y);
  /// dx = dy * slope, or dx += …; null: has no gradient.
  void (*slope)(Index n, const Scalar* x, const Scalar* dy, Scalar* dx, bool accumulate);
};

template <class Scalar, class F>
void unary_row(Index n, const Scalar* x, Scalar* y) {
  for (Index i = 0; i < n; ++i) y[i] = F{}(x[i]);
}
template <class Scalar, class D>
void unary_slope_row(Index n, const Scalar* x, const Scalar* dy, Scalar* dx, bool accumulate) {
  for (Index i = 0; i < n; ++i) {
    const Scalar d = dy[i] * D{}(x[i]);
    dx[i] = accumulate ? dx[i] + d : d;
  }
}

template <class Scalar, class F, class D>
constexpr UnaryFunction<Scalar> unary_function(const char* class_name, F, D) {
  return {class_name, &unary_row<Scalar, F>, &unary_slope_row<Scalar, D>};
}
template <class Scalar, class F>
constexpr UnaryFunction<Scalar> unary_function(const char* class_name, F) {
  return {class_name, &unary_row<Scalar, F>, nullptr};
}

inline constexpr std::size_t kUnaryFunctions = 28;

template <class Scalar>
std::span<const UnaryFunction<Scalar>, kUnaryFunctions> unary_functions() {
  using S = Scalar;
  static constexpr UnaryFunction<S> table[] = {
      unary_function<S>(
          "ops.Negative", [](S x) { return -x; }, [](S) { return S(-1); }),
      unary_function<S>(
          "ops.Absolute", [](S x) { return std::abs(x); }, [](S x) { return x > 0   ? S(1)
                                                                            : x < 0 ? S(-1)
                                                                                    : S(0); }),
      unary_function<S>(
          "ops.Exp", [](S x) { return std::exp(x); }, [](S x) { return std::exp(x); }),
      unary_function<S>(
          "ops.Expm1", [](S x) { return std::expm1(x); }, [](S x) { return std::exp(x); }),
      unary_function<S>(
          "ops.Log", [](S x) { return std::log(x); }, [](S x) { return 1 / x; }),
      unary_function<S>(
          "ops.Log1p", [](S x) { return std::log1p(x); }, [](S x) { return 1 / (1 + x); }),
      unary_function<S>(
          "ops.Log10", [](S x) { return std::log10(x); }, [](S x) { return S(0.43429448190325182765) / x; }),
      unary_function<S>(
          "ops.Log2", [](S x) { return std::log2(x); }, [](S x) { return S(1.4426950408889634074) / x; }),
      unary_function<S>(
          "ops.Sqrt", [](S x) { return std::sqrt(x); }, [](S x) { return S(0.5) / std::sqrt(x); }),
      unary_function<S>(
          "ops.Rsqrt", [](S x) { return 1 / std::sqrt(x); }, [](S x) { return S(-0.5) / (x * std::sqrt(x)); }),
      unary_function<S>(
          "ops.Square", [](S x) { return x * x; }, [](S x) { return 2 * x; }),
      unary_function<S>(
          "ops.Reciprocal", [](S x) { return 1 / x; }, [](S x) { return -1 / (x * x); }),
      unary_function<S>(
          "ops.Sin", [](S x) { return std::sin(x); }, [](S x) { return std::cos(x); }),
      unary_function<S>(
          "ops.Cos", [](S x) { return std::cos(x); }, [](S x) { return -std::sin(x); }),
      unary_function<S>(
          "ops.Tan", [](S x) { return std::tan(x); }, [](S x) { return 1 / (std::cos(x) * std::cos(x)); }),
      unary_function<S>(
          "ops.Arctan", [](S x) { return std::atan(x); }, [](S x) { return 1 / (1 + x * x); }),
      unary_function<S>(
          "ops.Sinh", [](S x) { return std::sinh(x); }, [](S x) { return std::cosh(x); }),
      unary_function<S>(
          "ops.Cosh", [](S x) { return std::cosh(x); }, [](S x) { return std::sinh(x); }),
      unary_function<S>(
          "ops.Erf", [](S x) { return std::erf(x); }, [](S x) { return S(1.12837916709551257390) * std::exp(-x * x); }),
      unary_function<S>("ops.Floor", [](S x) { return std::floor(x); }),
      unary_function<S>("ops.Ceil", [](S x) { return std::ceil(x); }),
      unary_function<S>("ops.Round", [](S x) { return std::nearbyint(x); }),  // halves to even, as NumPy
      unary_function<S>("ops.Sign", [](S x) { return x > 0   ? S(1)
                                                     : x < 0 ? S(-1)
                                                             : x; }),
      unary_function<S>("ops.LogicalNot", [](S x) { return x == 0 ? S(1) : S(0); }),
      unary_function<S>("ops.Isnan", [](S x) { return x != x ? S(1) : S(0); }),
      unary_function<S>("ops.ZerosLike", [](S) { return S(0); }),
      unary_function<S>("ops.OnesLike", [](S) { return S(1); }),
      unary_function<S>("ops.StopGradient", [](S x) { return x; }),
  };
  return table;
}

}  // namespace graft::detail
