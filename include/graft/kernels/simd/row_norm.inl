// One row at a time: it stays in the first-level cache between the passes over it.

inline double row_sum(Index n, const float* x) { return sum(n, x); }
inline double row_squares(Index n, const float* x, float mean) { return centered_dot(n, x, x, mean, &mean); }

/// y = (x - mean) * factor * gamma + beta; gamma and beta may be null.
inline void row_norm_apply(Index n, const float* x, float mean, float factor, const float* gamma, const float* beta,
                           float* y) {
  const VecF center = set1(mean), scale = set1(factor);
  for (Index i = 0; i < n; i += kLanes) {
    VecF v = (load_part(x + i, n - i) - center) * scale;
    if (gamma != nullptr) v = v * load_part(gamma + i, n - i);
    if (beta != nullptr) v = v + load_part(beta + i, n - i);
    store_part(y + i, v, n - i);
  }
}

/// sum = sum of dy * gamma, along = sum of dy * gamma * xhat; and dgamma += dy * xhat, dbeta += dy where they are given.
inline void row_norm_sums(Index n, const float* x, const float* dy, float mean, float factor, const float* gamma,
                          float* dgamma, float* dbeta, float* sum_out, float* along_out) {
  const VecF center = set1(mean), scale = set1(factor);
  VecF total = VecF{}, along = VecF{};
  for (Index i = 0; i < n; i += kLanes) {
    const Index count = n - i;
    const VecF d = load_part(dy + i, count);  // beyond the end 0
    const VecF xhat = (load_part(x + i, count) - center) * scale;
    const VecF slope = gamma != nullptr ? d * load_part(gamma + i, count) : d;
    total = total + slope;
    along = fma(slope, xhat, along);
    if (dgamma != nullptr) store_part(dgamma + i, fma(d, xhat, load_part(dgamma + i, count)), count);
    if (dbeta != nullptr) store_part(dbeta + i, load_part(dbeta + i, count) + d, count);
  }
  *sum_out = reduce_add(total);
  *along_out = reduce_add(along);
}

/// dx (+)= factor * (dy * gamma - mean_slope - xhat * slope)
inline void row_norm_dx(Index n, const float* x, const float* dy, float mean, float factor, const float* gamma,
                        float mean_slope, float slope, float* dx, bool accumulate) {
  const VecF center = set1(mean), scale = set1(factor), offset = set1(mean_slope), along = set1(slope);
  for (Index i = 0; i < n; i += kLanes) {
    const Index count = n - i;
    const VecF xhat = (load_part(x + i, count) - center) * scale;
    VecF d = load_part(dy + i, count);
    if (gamma != nullptr) d = d * load_part(gamma + i, count);
    d = scale * fnma(xhat, along, d - offset);
    store_part(dx + i, accumulate ? load_part(dx + i, count) + d : d, count);
  }
}
