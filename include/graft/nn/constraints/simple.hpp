#pragma once

#include <algorithm>

#include "graft/nn/constraints/constraint.hpp"

namespace graft {

namespace detail {

class NonNegConstraint final : public ConstraintOf<NonNegConstraint> {
 public:
  GRAFT_COLD Config config() const override {
    return Config::object({{"class_name", "NonNeg"}, {"config", Config::object()}});
  }
  template <class Scalar>
  void enforce(TensorView<Scalar> w) const {
    for (Index i = 0; i < w.size(); ++i) w[i] = w[i] < 0 ? Scalar(0) : w[i];
  }
};

class RadialKernelConstraint final : public ConstraintOf<RadialKernelConstraint> {
 public:
  GRAFT_COLD Config config() const override {
    return Config::object({{"class_name", "RadialConstraint"}, {"config", Config::object()}});
  }
  template <class Scalar>
  GRAFT_COLD void enforce(TensorView<Scalar> w) const {
    if (w.rank() != 4 || w.dim(0) != w.dim(1)) {
      fail<ShapeError>("RadialConstraint", "square kernels of shape (n, n, inputs, outputs)", w.shape().str());
    }
    const Index n = w.dim(0), planes = w.dim(2) * w.dim(3), half = n / 2;
    if (n < 2) return;
    for (Index p = 0; p < planes; ++p) {
      const auto diagonal = [&](Index i) { return w[(i * n + i) * planes + p]; };
      // Ring 0 is the centre (one value, or two by two). Keras takes it from position half - 1 and ring r from half +
      // r, less one for odd sizes; later rings are read before anything is written.
      Scalar rings[64];
      if (half >= 64) fail<ShapeError>("RadialConstraint", "kernels of at most 127 by 127", w.shape().str());
      rings[0] = diagonal(half - 1);
      const Index outer = (n - 1) / 2;
      for (Index r = 1; r <= outer; ++r) rings[r] = diagonal(half + r - (n % 2));
      for (Index y = 0; y < n; ++y) {
        for (Index x = 0; x < n; ++x) {
          const Index border = std::min(std::min(y, n - 1 - y), std::min(x, n - 1 - x));
          w[(y * n + x) * planes + p] = rings[outer - border];
        }
      }
    }
  }
};

}  // namespace detail

/// Weights of at least zero.
class NonNeg : public Constraint {
 public:
  GRAFT_COLD NonNeg() : Constraint(std::make_shared<detail::NonNegConstraint>()) {}
};

/// One value per ring of each kernel plane (tf.keras; its code, where its documentation says otherwise).
class RadialConstraint : public Constraint {
 public:
  GRAFT_COLD RadialConstraint() : Constraint(std::make_shared<detail::RadialKernelConstraint>()) {}
};

}  // namespace graft
