#pragma once

#include <utility>

#include "graft/core/tensor.hpp"
#include "graft/nn/regularizers/regularizer.hpp"

namespace graft {

namespace detail {

template <class Scalar>
class AnchoredPenalty final : public RegularizerOf<AnchoredPenalty<Scalar>> {
 public:
  GRAFT_COLD AnchoredPenalty(double strength, Tensor<Scalar> anchor, Tensor<Scalar> importance, Regularizer own)
      : strength_(strength), anchor_(std::move(anchor)), importance_(std::move(importance)), own_(std::move(own)) {
    if (!(strength >= 0 && strength <= 1e30)) {
      fail<ConfigError>("AnchoredL2", "a finite strength of at least 0", std::to_string(strength));
    }
    if (importance_.allocated() && !(importance_.shape() == anchor_.shape())) {
      fail<ShapeError>("AnchoredL2", "importances of shape " + anchor_.shape().str(), importance_.shape().str());
    }
  }
  /// That of the penalty it came on top of: where weights were anchored is in no file.
  GRAFT_COLD Config config() const override { return own_.config(); }

  template <class S>
  double evaluate(TensorView<const S> w, TensorView<S> gradient, S scale) const {
    if (w.size() != anchor_.size()) {
      fail<ShapeError>("AnchoredL2", "weights of shape " + anchor_.shape().str(), w.shape().str());
    }
    double total = 0;
    const S step = static_cast<S>(strength_) * scale;
    for (Index i = 0; i < w.size(); ++i) {
      const S importance = importance_.allocated() ? static_cast<S>(importance_[i]) : S(1);
      const S apart = w[i] - static_cast<S>(anchor_[i]);
      total += static_cast<double>(importance * apart * apart);
      if (gradient) gradient[i] += step * importance * apart;
    }
    return strength_ / 2 * total + own_.value_and_gradient(w, gradient, scale);
  }

 private:
  double strength_;
  Tensor<Scalar> anchor_, importance_;
  Regularizer own_;
};

}  // namespace detail

/// strength / 2 * sum importance (w - anchor)², plus what the penalty `own` says. Without importances all are 1. Throws
/// ShapeError when importances or weights have another shape than the anchor.
template <class Scalar = float>
class AnchoredL2 : public Regularizer {
 public:
  GRAFT_COLD AnchoredL2(double strength, Tensor<Scalar> anchor, Tensor<Scalar> importance = {}, Regularizer own = {})
      : Regularizer(std::make_shared<detail::AnchoredPenalty<Scalar>>(strength, std::move(anchor),
                                                                      std::move(importance), std::move(own))) {}
};

}  // namespace graft
