#pragma once

#include <algorithm>
#include <cmath>

#include "graft/core/macros.hpp"
#include "graft/kernels/activation_kind.hpp"

namespace graft::kernels::reference {

template <class Scalar>
Scalar sigmoid(Scalar x) {
  // The exponent is never positive, so it cannot overflow and tiny results keep their digits.
  if (x >= 0) return 1 / (1 + std::exp(-x));
  const Scalar e = std::exp(x);
  return e / (1 + e);
}

template <class Scalar>
Scalar softplus(Scalar x) {
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}

// Comparisons are written so that NaN takes the branch that returns it.
template <class Scalar>
Scalar clip(Scalar x, Scalar lowest, Scalar highest) {
  return x < lowest ? lowest : x > highest ? highest : x;
}

/// y = f(x): the formulas of ActivationKind.
template <class Scalar>
Scalar activate(const ActivationParams& params, Scalar x) {
  const Scalar alpha = static_cast<Scalar>(params.alpha);
  const Scalar threshold = static_cast<Scalar>(params.threshold);
  switch (params.kind) {
    case ActivationKind::linear: return x;
    case ActivationKind::relu: {
      const Scalar max_value = static_cast<Scalar>(params.max_value);
      if (x >= max_value) return max_value;
      if (x < threshold) return alpha == 0 ? Scalar(0) : alpha * (x - threshold);
      return x;
    }
    case ActivationKind::relu6: return clip<Scalar>(x, 0, 6);
    case ActivationKind::leaky_relu: return x < 0 ? alpha * x : x;
    case ActivationKind::elu: return x < 0 ? alpha * std::expm1(x) : x;
    case ActivationKind::selu:
      return static_cast<Scalar>(kSeluScale) * (x < 0 ? static_cast<Scalar>(kSeluAlpha) * std::expm1(x) : x);
    case ActivationKind::celu: return x < 0 ? alpha * std::expm1(x / alpha) : x;
    case ActivationKind::gelu:
      return x * std::erfc(-x * static_cast<Scalar>(0.70710678118654752440)) / 2;
    case ActivationKind::gelu_tanh: {
      // 0.5 (1 + tanh(u)) = sigmoid(2u): no cancellation for negative u.
      const Scalar u = static_cast<Scalar>(0.79788456080286535588) * (x + static_cast<Scalar>(0.044715) * x * x * x);
      return x * sigmoid(2 * u);
    }
    case ActivationKind::silu: return x * sigmoid(x);
    case ActivationKind::mish: return x * std::tanh(softplus(x));
    case ActivationKind::sigmoid: return sigmoid(x);
    case ActivationKind::log_sigmoid: return -softplus(-x);
    case ActivationKind::hard_sigmoid: return clip<Scalar>(x + 3, 0, 6) / 6;
    case ActivationKind::hard_sigmoid_keras2: return clip<Scalar>(static_cast<Scalar>(0.2) * x + Scalar(0.5), 0, 1);
    case ActivationKind::hard_silu: return x * (clip<Scalar>(x + 3, 0, 6) / 6);
    case ActivationKind::tanh: return std::tanh(x);
    case ActivationKind::hard_tanh: return clip<Scalar>(x, -1, 1);
    case ActivationKind::tanh_shrink: return x - std::tanh(x);
    case ActivationKind::softplus: return softplus(x);
    case ActivationKind::softsign: return x / (1 + std::abs(x));
    case ActivationKind::exponential: return std::exp(x);
    case ActivationKind::soft_shrink:
      return x > threshold ? x - threshold : x < -threshold ? x + threshold : x != x ? x : Scalar(0);
    case ActivationKind::hard_shrink: return std::abs(x) <= threshold ? Scalar(0) : x;
    case ActivationKind::threshold: return x <= threshold ? static_cast<Scalar>(params.value) : x;
    case ActivationKind::squareplus: return (x + std::sqrt(x * x + alpha)) / 2;
    case ActivationKind::sparse_plus: return x <= -1 ? Scalar(0) : x < 1 ? (x + 1) * (x + 1) / 4 : x;
    case ActivationKind::sparse_sigmoid: return clip<Scalar>((x + 1) / 2, 0, 1);
  }
  return x;
}

/// dy/dx from x, or from y where backward_needs says y. At a kink the value is the one of Keras.
template <class Scalar>
Scalar derivative(const ActivationParams& params, Scalar x, Scalar y) {
  const Scalar alpha = static_cast<Scalar>(params.alpha);
  const Scalar threshold = static_cast<Scalar>(params.threshold);
  const bool from_y = backward_needs(params) == BackwardNeeds::y;
  switch (params.kind) {
    case ActivationKind::linear: return 1;
    case ActivationKind::relu: {
      const Scalar max_value = static_cast<Scalar>(params.max_value);
      const Scalar z = from_y ? y : x;
      if (z >= max_value) return 0;
      return z > threshold || z != z ? Scalar(1) : alpha;
    }
    case ActivationKind::relu6: return y > 0 && y < 6 ? Scalar(1) : Scalar(0);
    case ActivationKind::leaky_relu: return (from_y ? y : x) > 0 ? Scalar(1) : alpha;
    case ActivationKind::elu:
      if (from_y) return y > 0 ? Scalar(1) : y + alpha;
      return x > 0 ? Scalar(1) : alpha * std::exp(x);
    case ActivationKind::selu:
      return y > 0 ? static_cast<Scalar>(kSeluScale) : y + static_cast<Scalar>(kSeluScale * kSeluAlpha);
    case ActivationKind::celu: return x > 0 ? Scalar(1) : std::exp(x / alpha);
    case ActivationKind::gelu: {
      const Scalar cdf = std::erfc(-x * static_cast<Scalar>(0.70710678118654752440)) / 2;
      return cdf + x * static_cast<Scalar>(0.39894228040143267794) * std::exp(-x * x / 2);
    }
    case ActivationKind::gelu_tanh: {
      const Scalar c = static_cast<Scalar>(0.79788456080286535588), d = static_cast<Scalar>(0.044715);
      const Scalar s = sigmoid(2 * c * (x + d * x * x * x));
      return s + 2 * x * s * (1 - s) * c * (1 + 3 * d * x * x);
    }
    case ActivationKind::silu: {
      const Scalar s = sigmoid(x);
      return s * (1 + x * (1 - s));
    }
    case ActivationKind::mish: {
      const Scalar t = std::tanh(softplus(x));
      return t + x * (1 - t * t) * sigmoid(x);
    }
    case ActivationKind::sigmoid: return y * (1 - y);
    case ActivationKind::log_sigmoid: return sigmoid(-x);
    case ActivationKind::hard_sigmoid: return x > -3 && x < 3 ? Scalar(1) / 6 : Scalar(0);
    case ActivationKind::hard_sigmoid_keras2: {
      const Scalar u = static_cast<Scalar>(0.2) * x + Scalar(0.5);
      return u > 0 && u < 1 ? static_cast<Scalar>(0.2) : Scalar(0);
    }
    case ActivationKind::hard_silu: return x <= -3 ? Scalar(0) : x >= 3 ? Scalar(1) : (2 * x + 3) / 6;
    case ActivationKind::tanh: return 1 - y * y;
    case ActivationKind::hard_tanh: return x > -1 && x < 1 ? Scalar(1) : Scalar(0);
    case ActivationKind::tanh_shrink: {
      const Scalar t = std::tanh(x);
      return t * t;
    }
    case ActivationKind::softplus: return sigmoid(x);
    case ActivationKind::softsign: {
      const Scalar d = 1 + std::abs(x);
      return 1 / (d * d);
    }
    case ActivationKind::exponential: return y;
    case ActivationKind::soft_shrink:
    case ActivationKind::hard_shrink: return std::abs(x) <= threshold ? Scalar(0) : Scalar(1);
    case ActivationKind::threshold: return x <= threshold ? Scalar(0) : Scalar(1);
    case ActivationKind::squareplus: return (1 + x / std::sqrt(x * x + alpha)) / 2;
    case ActivationKind::sparse_plus: return x <= -1 ? Scalar(0) : x < 1 ? (x + 1) / 2 : Scalar(1);
    case ActivationKind::sparse_sigmoid: return x > -1 && x < 1 ? Scalar(0.5) : Scalar(0);
  }
  return 1;
}

template <class Scalar>
void activation_forward(const ActivationParams& params, Index n, const Scalar* x, Scalar* y) {
  for (Index i = 0; i < n; ++i) y[i] = activate(params, x[i]);
}

template <class Scalar>
void activation_backward(const ActivationParams& params, Index n, const Scalar* x, const Scalar* y, const Scalar* dy,
                         Scalar* dx, bool accumulate) {
  for (Index i = 0; i < n; ++i) {
    const Scalar slope = derivative(params, x != nullptr ? x[i] : Scalar(0), y != nullptr ? y[i] : Scalar(0));
    dx[i] = (accumulate ? dx[i] : Scalar(0)) + dy[i] * slope;
  }
}

}  // namespace graft::kernels::reference
