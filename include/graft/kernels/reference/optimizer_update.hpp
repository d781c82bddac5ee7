#pragma once

#include <algorithm>
#include <cmath>

#include "graft/kernels/optimizer_params.hpp"

namespace graft::kernels::reference {

template <class Scalar>
void sgd_update(const SgdParams& params, Index n, const Scalar* g, Scalar* w, Scalar* velocity) {
  const Scalar lr = static_cast<Scalar>(params.learning_rate), momentum = static_cast<Scalar>(params.momentum);
  const Scalar decay = static_cast<Scalar>(params.weight_decay * params.learning_rate);
  for (Index i = 0; i < n; ++i) {
    const Scalar start = w[i] - w[i] * decay;
    if (velocity == nullptr) {
      w[i] = start - lr * g[i];
      continue;
    }
    velocity[i] = momentum * velocity[i] - lr * g[i];
    w[i] = start + (params.nesterov ? momentum * velocity[i] - lr * g[i] : velocity[i]);
  }
}

template <class Scalar>
void rmsprop_update(const RmspropParams& params, Index n, const Scalar* g, Scalar* w, Scalar* velocity,
                    Scalar* average_gradient, Scalar* momentum) {
  const Scalar lr = static_cast<Scalar>(params.learning_rate), rho = static_cast<Scalar>(params.rho);
  const Scalar one_less_rho = static_cast<Scalar>(1 - params.rho);
  const Scalar epsilon = static_cast<Scalar>(params.epsilon), mu = static_cast<Scalar>(params.momentum);
  const Scalar decay = static_cast<Scalar>(params.weight_decay * params.learning_rate);
  for (Index i = 0; i < n; ++i) {
    const Scalar start = w[i] - w[i] * decay;
    velocity[i] = rho * velocity[i] + one_less_rho * (g[i] * g[i]);
    Scalar d = velocity[i];
    if (params.centered) {
      average_gradient[i] = rho * average_gradient[i] + one_less_rho * g[i];
      d -= average_gradient[i] * average_gradient[i];
    }
    Scalar step = lr * g[i] / (params.epsilon_outside_sqrt ? std::sqrt(d) + epsilon : std::sqrt(d + epsilon));
    if (momentum != nullptr) step = momentum[i] = mu * momentum[i] + step;
    w[i] = start - step;
  }
}

/// Adam's bias-corrected learning rate, in the precision of the weights as Keras computes it.
template <class Scalar>
Scalar adam_learning_rate(const AdamParams& params) {
  const Scalar step = static_cast<Scalar>(params.step);
  const Scalar power_1 = std::pow(static_cast<Scalar>(params.beta_1), step);
  const Scalar power_2 = std::pow(static_cast<Scalar>(params.beta_2), step);
  return static_cast<Scalar>(params.learning_rate) * std::sqrt(1 - power_2) / (1 - power_1);
}

template <class Scalar>
void adam_update(const AdamParams& params, Index n, const Scalar* g, Scalar* w, Scalar* m, Scalar* v, Scalar* v_max) {
  const Scalar alpha = adam_learning_rate<Scalar>(params), epsilon = static_cast<Scalar>(params.epsilon);
  const Scalar rate_1 = static_cast<Scalar>(1 - params.beta_1), rate_2 = static_cast<Scalar>(1 - params.beta_2);
  const Scalar decay = static_cast<Scalar>(params.weight_decay * params.learning_rate);
  for (Index i = 0; i < n; ++i) {
    const Scalar start = w[i] - w[i] * decay;
    m[i] += (g[i] - m[i]) * rate_1;
    v[i] += (g[i] * g[i] - v[i]) * rate_2;
    Scalar d = v[i];
    if (params.amsgrad) d = v_max[i] = std::max(d, v_max[i]);
    w[i] = start - alpha * m[i] / (std::sqrt(d) + epsilon);
  }
}

}  // namespace graft::kernels::reference
