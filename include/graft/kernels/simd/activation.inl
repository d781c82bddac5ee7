// Families of activations that share one formula. Each is a functor on a vector.

// relu, relu6, leaky_relu
struct PiecewiseForward {
  VecF slope, threshold, maximum;
  bool has_slope;  // 0 * -infinity would be NaN
  GRAFT_SIMD_INLINE VecF operator()(VecF x) const {
    const VecF y = select(less(x, threshold), has_slope ? slope * (x - threshold) : VecF{}, x);
    return select(less(x, maximum), y, vmin(maximum, x));
  }
};
// elu, selu, celu
struct EluForward {
  VecF scale, alpha, inverse;
  GRAFT_SIMD_INLINE VecF operator()(VecF x) const {
    return scale * select(less(x, set1(0.0f)), alpha * expm1(x * inverse), x);
  }
};
struct SigmoidForward {
  GRAFT_SIMD_INLINE VecF operator()(VecF x) const { return sigmoid(x); }
};
struct TanhForward {
  GRAFT_SIMD_INLINE VecF operator()(VecF x) const { return tanh(x); }
};
struct ExponentialForward {
  GRAFT_SIMD_INLINE VecF operator()(VecF x) const { return exp(x); }
};
struct SiluForward {
  GRAFT_SIMD_INLINE VecF operator()(VecF x) const { return x * sigmoid(x); }
};
// softplus with sign 1, log_sigmoid with sign -1
struct SoftplusForward {
  VecF sign;
  GRAFT_SIMD_INLINE VecF operator()(VecF x) const { return sign * softplus(sign * x); }
};

template <class Op>
void map(const Op op, Index n, const float* x, float* y) {
  for (Index i = 0; i < n; i += kLanes) store_part(y + i, op(load_part(x + i, n - i)), n - i);
}

inline void activation_forward(const ActivationParams& params, Index n, const float* x, float* y) {
  const VecF one = set1(1.0f), zero = set1(0.0f), alpha = set1(static_cast<float>(params.alpha));
  const VecF maximum = set1(static_cast<float>(params.max_value));
  switch (params.kind) {
    case ActivationKind::relu:
      return map(PiecewiseForward{alpha, set1(static_cast<float>(params.threshold)), maximum, params.alpha != 0.0}, n, x,
                 y);
    case ActivationKind::relu6: return map(PiecewiseForward{zero, zero, set1(6.0f), false}, n, x, y);
    case ActivationKind::leaky_relu: return map(PiecewiseForward{alpha, zero, maximum, true}, n, x, y);
    case ActivationKind::elu: return map(EluForward{one, alpha, one}, n, x, y);
    case ActivationKind::selu:
      return map(EluForward{set1(static_cast<float>(kSeluScale)), set1(static_cast<float>(kSeluAlpha)), one}, n, x, y);
    case ActivationKind::celu: return map(EluForward{one, alpha, one / alpha}, n, x, y);
    case ActivationKind::sigmoid: return map(SigmoidForward{}, n, x, y);
    case ActivationKind::tanh: return map(TanhForward{}, n, x, y);
    case ActivationKind::exponential: return map(ExponentialForward{}, n, x, y);
    case ActivationKind::silu: return map(SiluForward{}, n, x, y);
    case ActivationKind::softplus: return map(SoftplusForward{one}, n, x, y);
    case ActivationKind::log_sigmoid: return map(SoftplusForward{-one}, n, x, y);
    default: return reference::activation_forward<float>(params, n, x, y);
  }
}

// Derivatives. `z` is the activation's input or output, as backward_needs says.
struct PiecewiseBackward {
  VecF slope, threshold, maximum;
  GRAFT_SIMD_INLINE VecF operator()(VecF z) const {
    // Not "z <= threshold", so that NaN has slope 1 and spreads.
    const VecF inner = select(less(threshold, z), set1(1.0f), slope);
    return select(less(z, maximum), inner, select(less(threshold, z), set1(0.0f), inner));
  }
};
struct EluBackward {
  VecF scale, scaled_alpha;
  GRAFT_SIMD_INLINE VecF operator()(VecF y) const { return select(less(set1(0.0f), y), scale, y + scaled_alpha); }
};
struct SigmoidBackward {
  GRAFT_SIMD_INLINE VecF operator()(VecF y) const { return y * (set1(1.0f) - y); }
};
struct TanhBackward {
  GRAFT_SIMD_INLINE VecF operator()(VecF y) const { return fnma(y, y, set1(1.0f)); }
};
struct ExponentialBackward {
  GRAFT_SIMD_INLINE VecF operator()(VecF y) const { return y; }
};
struct SiluBackward {
  GRAFT_SIMD_INLINE VecF operator()(VecF x) const {
    const VecF s = sigmoid(x);
    return s * fma(x, set1(1.0f) - s, set1(1.0f));
  }
};
struct SoftplusBackward {
  VecF sign;
  GRAFT_SIMD_INLINE VecF operator()(VecF x) const { return sigmoid(sign * x); }
};

template <class Op>
void map_backward(const Op op, Index n, const float* z, const float* dy, float* dx, bool accumulate) {
  for (Index i = 0; i < n; i += kLanes) {
    const VecF slope = op(load_part(z + i, n - i)), upstream = load_part(dy + i, n - i);
    store_part(dx + i, accumulate ? fma(upstream, slope, load_part(dx + i, n - i)) : upstream * slope, n - i);
  }
}

inline void activation_backward(const ActivationParams& params, Index n, const float* x, const float* y,
                                const float* dy, float* dx, bool accumulate) {
  const VecF one = set1(1.0f), zero = set1(0.0f), alpha = set1(static_cast<float>(params.alpha));
  const VecF maximum = set1(static_cast<float>(params.max_value));
  const bool from_y = backward_needs(params) == BackwardNeeds::y;
  const float* z = from_y ? y : x;
  switch (params.kind) {
    case ActivationKind::relu:
      return map_backward(PiecewiseBackward{alpha, set1(static_cast<float>(params.threshold)), maximum}, n, z, dy, dx,
                          accumulate);
    case ActivationKind::relu6:
      return map_backward(PiecewiseBackward{zero, zero, set1(6.0f)}, n, z, dy, dx, accumulate);
    case ActivationKind::leaky_relu:
      return map_backward(PiecewiseBackward{alpha, zero, maximum}, n, z, dy, dx, accumulate);
    case ActivationKind::elu:
      if (!from_y) break;
      return map_backward(EluBackward{one, alpha}, n, z, dy, dx, accumulate);
    case ActivationKind::selu:
      return map_backward(EluBackward{set1(static_cast<float>(kSeluScale)),
                                      set1(static_cast<float>(kSeluScale * kSeluAlpha))},
                          n, z, dy, dx, accumulate);
    case ActivationKind::sigmoid: return map_backward(SigmoidBackward{}, n, z, dy, dx, accumulate);
    case ActivationKind::tanh: return map_backward(TanhBackward{}, n, z, dy, dx, accumulate);
    case ActivationKind::exponential: return map_backward(ExponentialBackward{}, n, z, dy, dx, accumulate);
    case ActivationKind::silu: return map_backward(SiluBackward{}, n, z, dy, dx, accumulate);
    case ActivationKind::softplus: return map_backward(SoftplusBackward{one}, n, z, dy, dx, accumulate);
    case ActivationKind::log_sigmoid: return map_backward(SoftplusBackward{-one}, n, z, dy, dx, accumulate);
    default: break;
  }
  reference::activation_backward<float>(params, n, x, y, dy, dx, accumulate);
}
