#pragma once

#include <algorithm>

#include "graft/losses/row_loss.hpp"
#include "graft/losses/softmax_row.hpp"

namespace graft {

struct CategoricalCrossentropyOptions {
  bool from_logits = false;      ///< predictions are logits; false: probabilities
  double label_smoothing = 0.0;  ///< s: labels become t (1 - s) + s / K for K classes
  int axis = -1;                 ///< the class axis
  Reduction reduction = {};
  std::string_view name = {};

  void fields(ConfigFields& f) {
    f("from_logits", from_logits);
    f("label_smoothing", label_smoothing);
    f("axis", axis);
  }
};

template <class Scalar>
class CategoricalCrossentropyImpl final : public RowLossImpl<Scalar> {
 public:
  explicit CategoricalCrossentropyImpl(const CategoricalCrossentropyOptions& options)
      : RowLossImpl<Scalar>("categorical_crossentropy", options.reduction, options.name, options.axis),
        options_(options) {}
  std::string_view class_name() const override { return "CategoricalCrossentropy"; }
  LabelRule label_rule() const override { return LabelRule::same; }

 protected:
  GRAFT_COLD void write_fields(ConfigFields& f) const override { CategoricalCrossentropyOptions(options_).fields(f); }

  void forward_rows(const LossRows<Scalar>& rows, Scalar* losses) const override {
    for (Index r = 0; r < rows.rows; ++r) {
      Scalar loss = 0;
      if (options_.from_logits) {
        const Scalar log_sum = detail::log_sum_exp(rows, r);
        for (Index k = 0; k < rows.n; ++k) loss += label(rows, r, k) * (log_sum - rows.y_pred(r, k));
      } else {
        const Scalar sum = detail::row_sum(rows, r);
        for (Index k = 0; k < rows.n; ++k) {
          loss -= label(rows, r, k) * std::log(detail::clip_probability(rows.y_pred(r, k) / sum));
        }
      }
      losses[r] = loss;
    }
  }

  void backward_rows(const LossRows<Scalar>& rows, const Scalar* scale, Scalar* gradient) const override {
    for (Index r = 0; r < rows.rows; ++r) {
      // The softmax, or the division by the sum, takes back what all classes together would gain.
      Scalar total = 0;
      if (options_.from_logits) {
        const Scalar log_sum = detail::log_sum_exp(rows, r);
        for (Index k = 0; k < rows.n; ++k) total += label(rows, r, k);
        for (Index k = 0; k < rows.n; ++k) {
          gradient[rows.at(r, k)] = scale[r] * (total * std::exp(rows.y_pred(r, k) - log_sum) - label(rows, r, k));
        }
      } else {
        const Scalar sum = detail::row_sum(rows, r);
        for (Index k = 0; k < rows.n; ++k) {
          if (!detail::is_clipped(rows.y_pred(r, k) / sum)) total += label(rows, r, k);
        }
        for (Index k = 0; k < rows.n; ++k) {
          const Scalar q = rows.y_pred(r, k) / sum;
          const Scalar own = detail::is_clipped(q) ? Scalar(0) : label(rows, r, k) / q;
          gradient[rows.at(r, k)] = scale[r] * (total - own) / sum;
        }
      }
    }
  }

 private:
  Scalar label(const LossRows<Scalar>& rows, Index r, Index k) const {
    const Scalar smoothing = static_cast<Scalar>(options_.label_smoothing);
    return rows.y_true(r, k) * (1 - smoothing) + smoothing / static_cast<Scalar>(rows.n);
  }

  CategoricalCrossentropyOptions options_;
};

/// -sum_k t_k log p_k for one-hot (or soft) labels; p is divided by its sum and clipped to [1e-7, 1 - 1e-7], where the
/// gradient is 0. From logits: the log-softmax is used, which has no such limits.
template <class Scalar = float>
class CategoricalCrossentropy : public Loss<Scalar> {
 public:
  using Options = CategoricalCrossentropyOptions;
  explicit CategoricalCrossentropy(const CategoricalCrossentropyOptions& options = {})
      : Loss<Scalar>(new CategoricalCrossentropyImpl<Scalar>(options)) {}
};

}  // namespace graft
