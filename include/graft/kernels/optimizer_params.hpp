#pragma once

#include "graft/core/macros.hpp"

// Arguments of the fused updates, named as Keras names them. `weight_decay` is the decoupled one of every Keras
// optimizer: w -= w * weight_decay * learning_rate before the update.
namespace graft::kernels {

/// m = momentum * m - lr * g; w += m, or with nesterov w += momentum * m - lr * g. Without momentum: w -= lr * g.
struct SgdParams {
  double learning_rate = 0.01;
  double momentum = 0.0;
  bool nesterov = false;
  double weight_decay = 0.0;
};

/// v = rho * v + (1 - rho) * g^2; with `centered` also a = rho * a + (1 - rho) * g and d = v - a^2, else d = v;
/// step = lr * g / sqrt(d + epsilon), or lr * g / (sqrt(d) + epsilon) with `epsilon_outside_sqrt` (Keras 2.2.4 and
/// tf.keras up to 2.10); with momentum m = momentum * m + step, w -= m, else w -= step.
struct RmspropParams {
  double learning_rate = 0.001;
  double rho = 0.9;
  double momentum = 0.0;
  double epsilon = 1e-7;
  bool centered = false;
  bool epsilon_outside_sqrt = false;
  double weight_decay = 0.0;
};

/// alpha = lr * sqrt(1 - beta_2^step) / (1 - beta_1^step); m += (g - m) * (1 - beta_1);
/// v += (g^2 - v) * (1 - beta_2); with amsgrad v_max = max(v_max, v) is used for v;
/// w -= alpha * m / (sqrt(v) + epsilon). `step` starts at 1. alpha is computed in the weights' precision, as Keras does.
struct AdamParams {
  double learning_rate = 0.001;
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-7;
  bool amsgrad = false;
  double weight_decay = 0.0;
  Index step = 1;
};

}  // namespace graft::kernels
