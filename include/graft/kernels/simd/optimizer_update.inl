// The same formulas as reference/optimizer_update.hpp, one pass over memory.

inline void sgd_update(const SgdParams& params, Index n, const float* g, float* w, float* velocity) {
  const VecF lr = set1(static_cast<float>(params.learning_rate)), mu = set1(static_cast<float>(params.momentum));
  const VecF decay = set1(static_cast<float>(params.weight_decay * params.learning_rate));
  for (Index i = 0; i < n; i += kLanes) {
    const Index count = n - i;
    const VecF gradient = load_part(g + i, count);
    VecF weight = load_part(w + i, count);
    weight = fnma(weight, decay, weight);
    if (velocity != nullptr) {
      const VecF step = lr * gradient;
      const VecF m = mu * load_part(velocity + i, count) - step;
      store_part(velocity + i, m, count);
      weight = weight + (params.nesterov ? mu * m - step : m);
    } else {
      weight = fnma(lr, gradient, weight);
    }
    store_part(w + i, weight, count);
  }
}

inline void rmsprop_update(const RmspropParams& params, Index n, const float* g, float* w, float* velocity,
                           float* average_gradient, float* momentum) {
  const VecF lr = set1(static_cast<float>(params.learning_rate)), rho = set1(static_cast<float>(params.rho));
  const VecF one_less_rho = set1(static_cast<float>(1 - params.rho));
  const VecF epsilon = set1(static_cast<float>(params.epsilon)), mu = set1(static_cast<float>(params.momentum));
  const VecF decay = set1(static_cast<float>(params.weight_decay * params.learning_rate));
  for (Index i = 0; i < n; i += kLanes) {
    const Index count = n - i;
    const VecF gradient = load_part(g + i, count);
    VecF weight = load_part(w + i, count);
    weight = fnma(weight, decay, weight);
    const VecF v = rho * load_part(velocity + i, count) + one_less_rho * (gradient * gradient);
    store_part(velocity + i, v, count);
    VecF d = v;
    if (params.centered) {
      const VecF average = rho * load_part(average_gradient + i, count) + one_less_rho * gradient;
      store_part(average_gradient + i, average, count);
      d = fnma(average, average, d);
    }
    VecF step = lr * gradient / (params.epsilon_outside_sqrt ? vsqrt(d) + epsilon : vsqrt(d + epsilon));
    if (momentum != nullptr) {
      step = mu * load_part(momentum + i, count) + step;
      store_part(momentum + i, step, count);
    }
    store_part(w + i, weight - step, count);
  }
}

inline void adam_update(const AdamParams& params, Index n, const float* g, float* w, float* m, float* v, float* v_max) {
  const VecF alpha = set1(reference::adam_learning_rate<float>(params));
  const VecF epsilon = set1(static_cast<float>(params.epsilon));
  const VecF rate_1 = set1(static_cast<float>(1 - params.beta_1)), rate_2 = set1(static_cast<float>(1 - params.beta_2));
  const VecF decay = set1(static_cast<float>(params.weight_decay * params.learning_rate));
  for (Index i = 0; i < n; i += kLanes) {
    const Index count = n - i;
    const VecF gradient = load_part(g + i, count);
    VecF weight = load_part(w + i, count);
    weight = fnma(weight, decay, weight);
    const VecF old_first = load_part(m + i, count), old_second = load_part(v + i, count);
    const VecF first = fma(gradient - old_first, rate_1, old_first);
    const VecF second = fma(gradient * gradient - old_second, rate_2, old_second);
    store_part(m + i, first, count);
    store_part(v + i, second, count);
    VecF d = second;
    if (params.amsgrad) {
      d = vmax(load_part(v_max + i, count), d);
      store_part(v_max + i, d, count);
    }
    store_part(w + i, weight - alpha * first / (vsqrt(d) + epsilon), count);
  }
}
