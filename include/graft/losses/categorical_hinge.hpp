#pragma once

#include <algorithm>

#include "graft/losses/row_loss.hpp"

namespace graft {

template <class Scalar>
class CategoricalHingeImpl final : public RowLossImpl<Scalar> {
 public:
  explicit CategoricalHingeImpl(const LossOptions& options)
      : RowLossImpl<Scalar>("categorical_hinge", options.reduction, options.name) {}
  std::string_view class_name() const override { return "CategoricalHinge"; }
  LabelRule label_rule() const override { return LabelRule::same; }

 protected:
  void forward_rows(const LossRows<Scalar>& rows, Scalar* losses) const override {
    for (Index r = 0; r < rows.rows; ++r) losses[r] = std::max(worst(rows, r) - right(rows, r) + 1, Scalar(0));
  }
  void backward_rows(const LossRows<Scalar>& rows, const Scalar* scale, Scalar* gradient) const override {
    for (Index r = 0; r < rows.rows; ++r) {
      const Scalar top = worst(rows, r);
      const bool active = top - right(rows, r) + 1 > 0;
      // Classes that share the largest score share its gradient.
      Index ties = 0;
      for (Index k = 0; k < rows.n; ++k) ties += (1 - rows.y_true(r, k)) * rows.y_pred(r, k) == top;
      for (Index k = 0; k < rows.n; ++k) {
        const Scalar t = rows.y_true(r, k);
        const bool is_top = (1 - t) * rows.y_pred(r, k) == top;
        const Scalar slope = (is_top ? (1 - t) / static_cast<Scalar>(ties) : Scalar(0)) - t;
        gradient[rows.at(r, k)] = active ? scale[r] * slope : Scalar(0);
      }
    }
  }

 private:
  static Scalar right(const LossRows<Scalar>& rows, Index r) {
    Scalar sum = 0;
    for (Index k = 0; k < rows.n; ++k) sum += rows.y_true(r, k) * rows.y_pred(r, k);
    return sum;
  }
  static Scalar worst(const LossRows<Scalar>& rows, Index r) {
    Scalar top = (1 - rows.y_true(r, 0)) * rows.y_pred(r, 0);
    for (Index k = 1; k < rows.n; ++k) top = std::max(top, (1 - rows.y_true(r, k)) * rows.y_pred(r, k));
    return top;
  }
};

/// max(max_k (1 - t_k) p_k - sum_k t_k p_k + 1, 0) over the last axis, for one-hot labels.
template <class Scalar = float>
class CategoricalHinge : public Loss<Scalar> {
 public:
  using Options = LossOptions;
  explicit CategoricalHinge(const LossOptions& options = {})
      : Loss<Scalar>(new CategoricalHingeImpl<Scalar>(options)) {}
};

}  // namespace graft
