#pragma once

#include <limits>

#include "graft/core/macros.hpp"

namespace graft::kernels {

/// Elementwise activation functions, named as in Keras. `softmax` and `log_softmax` work on rows: kernels/softmax.hpp.
enum class ActivationKind {
  linear,              ///< x
  relu,                ///< max_value if x >= max_value; x if x >= threshold; else alpha * (x - threshold)
  relu6,               ///< min(max(x, 0), 6)
  leaky_relu,          ///< x if x >= 0 else alpha * x
  elu,                 ///< x if x > 0 else alpha * (exp(x) - 1)
  selu,                ///< scale * elu(x, 1.6732632...), scale = 1.0507009...
  celu,                ///< max(x, 0) + min(0, alpha * (exp(x / alpha) - 1))
  gelu,                ///< x * Phi(x), with the error function
  gelu_tanh,           ///< 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))
  silu,                ///< x * sigmoid(x); also called swish
  mish,                ///< x * tanh(softplus(x))
  sigmoid,             ///< 1 / (1 + exp(-x))
  log_sigmoid,         ///< log(sigmoid(x))
  hard_sigmoid,        ///< relu6(x + 3) / 6: Keras 3
  hard_sigmoid_keras2, ///< clip(0.2 * x + 0.5, 0, 1): Keras 1, Keras 2 and tf.keras
  hard_silu,           ///< x * relu6(x + 3) / 6; also called hard_swish
  tanh,                ///< tanh(x)
  hard_tanh,           ///< clip(x, -1, 1)
  tanh_shrink,         ///< x - tanh(x)
  softplus,            ///< log(1 + exp(x))
  softsign,            ///< x / (1 + |x|)
  exponential,         ///< exp(x)
  soft_shrink,         ///< x - threshold if x > threshold; x + threshold if x < -threshold; else 0
  hard_shrink,         ///< x if |x| > threshold else 0
  threshold,           ///< x if x > threshold else value
  squareplus,          ///< (x + sqrt(x^2 + alpha)) / 2; Keras calls alpha `b`
  sparse_plus,         ///< 0 if x <= -1; (x + 1)^2 / 4 if x < 1; else x
  sparse_sigmoid,      ///< clip((x + 1) / 2, 0, 1)
};

/// An activation and its arguments. Use `of(kind)`: it sets the defaults of Keras's functions.
struct ActivationParams {
  ActivationKind kind = ActivationKind::linear;
  double alpha = 0.0;  ///< relu: negative_slope; leaky_relu: negative_slope; elu, celu: alpha; squareplus: b
  double max_value = std::numeric_limits<double>::infinity();  ///< relu only
  double threshold = 0.0;                                      ///< relu, soft_shrink, hard_shrink, threshold
  double value = 0.0;                                          ///< threshold only: Keras's default_value

  /// `kind` with Keras's default arguments: leaky_relu 0.2 (the *layer* LeakyReLU has 0.3), elu and celu 1,
  /// squareplus 4, soft_shrink and hard_shrink 0.5.
  static constexpr ActivationParams of(ActivationKind kind) {
    ActivationParams params;
    params.kind = kind;
    switch (kind) {
      case ActivationKind::leaky_relu: params.alpha = 0.2; break;
      case ActivationKind::elu:
      case ActivationKind::celu: params.alpha = 1.0; break;
      case ActivationKind::squareplus: params.alpha = 4.0; break;
      case ActivationKind::soft_shrink:
      case ActivationKind::hard_shrink: params.threshold = 0.5; break;
      default: break;
    }
    return params;
  }
};

inline constexpr double kSeluScale = 1.0507009873554804934193349852946;
inline constexpr double kSeluAlpha = 1.6732632423543772848170429916717;

/// What the derivative of an activation is computed from.
enum class BackwardNeeds { neither, x, y };

/// Whether activation_backward reads the activation's input x, its output y, or neither (linear). Where y is enough
/// it is preferred, because x may then be overwritten in place.
constexpr BackwardNeeds backward_needs(const ActivationParams& params) {
  switch (params.kind) {
    case ActivationKind::linear: return BackwardNeeds::neither;
    // The sign of y tells the branch only when the negative branch keeps its sign.
    case ActivationKind::relu:
      return params.threshold == 0.0 && params.alpha >= 0.0 && params.max_value > 0.0 ? BackwardNeeds::y
                                                                                      : BackwardNeeds::x;
    case ActivationKind::leaky_relu: return params.alpha >= 0.0 ? BackwardNeeds::y : BackwardNeeds::x;
    case ActivationKind::elu: return params.alpha > 0.0 ? BackwardNeeds::y : BackwardNeeds::x;
    case ActivationKind::relu6:
    case ActivationKind::selu:
    case ActivationKind::sigmoid:
    case ActivationKind::tanh:
    case ActivationKind::exponential: return BackwardNeeds::y;
    default: return BackwardNeeds::x;
  }
}

/// max(x, 0) and nothing more.
constexpr bool is_plain_relu(const ActivationParams& params) {
  return params.kind == ActivationKind::relu && params.alpha == 0.0 && params.threshold == 0.0 &&
         params.max_value == std::numeric_limits<double>::infinity();
}

/// Whether a GEMM can apply the activation to its result while it is in registers or cache (GemmDesc::activation).
constexpr bool gemm_fuses(const ActivationParams& params) {
  switch (params.kind) {
    case ActivationKind::linear:
    case ActivationKind::elu:
    case ActivationKind::selu:
    case ActivationKind::sigmoid:
    case ActivationKind::tanh:
    case ActivationKind::relu:
    case ActivationKind::relu6: return true;
    default: return false;
  }
}

}  // namespace graft::kernels
