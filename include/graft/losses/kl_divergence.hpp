#pragma once

#include <algorithm>
#include <cmath>

#include "graft/losses/row_loss.hpp"

namespace graft {

template <class Scalar>
class KLDivergenceImpl final : public RowLossImpl<Scalar> {
 public:
  explicit KLDivergenceImpl(const LossOptions& options)
      : RowLossImpl<Scalar>("kl_divergence", options.reduction, options.name) {}
  std::string_view class_name() const override { return "KLDivergence"; }
  LabelRule label_rule() const override { return LabelRule::broadcast; }

 protected:
  void forward_rows(const LossRows<Scalar>& rows, Scalar* losses) const override {
    for (Index r = 0; r < rows.rows; ++r) {
      Scalar sum = 0;
      for (Index k = 0; k < rows.n; ++k) {
        const Scalar t = clip(rows.y_true(r, k));
        sum += t * std::log(t / clip(rows.y_pred(r, k)));
      }
      losses[r] = sum;
    }
  }
  void backward_rows(const LossRows<Scalar>& rows, const Scalar* scale, Scalar* gradient) const override {
    for (Index r = 0; r < rows.rows; ++r) {
      for (Index k = 0; k < rows.n; ++k) {
        const Scalar p = rows.y_pred(r, k);
        gradient[rows.at(r, k)] = clip(p) == p ? -scale[r] * clip(rows.y_true(r, k)) / p : Scalar(0);
      }
    }
  }

 private:
  static Scalar clip(Scalar x) { return std::clamp(x, static_cast<Scalar>(detail::kLossEpsilon), Scalar(1)); }
};

/// sum_k t log(t / p) over the last axis, t and p clipped to [1e-7, 1]; "kld". The gradient is 0 where p is clipped.
template <class Scalar = float>
class KLDivergence : public Loss<Scalar> {
 public:
  using Options = LossOptions;
  explicit KLDivergence(const LossOptions& options = {}) : Loss<Scalar>(new KLDivergenceImpl<Scalar>(options)) {}
};

}  // namespace graft
