#pragma once

#include "graft/losses/softmax_row.hpp"

namespace graft {

struct CategoricalFocalCrossentropyOptions {
  double alpha = 0.25;           ///< weight of all classes
  double gamma = 2.0;            ///< how much easy samples are left aside
  bool from_logits = false;      ///< predictions are logits; false: probabilities
  double label_smoothing = 0.0;  ///< s: labels become t (1 - s) + s / K for K classes
  int axis = -1;                 ///< the class axis
  Reduction reduction = {};
  std::string_view name = {};

  void fields(ConfigFields& f) {
    f("from_logits", from_logits);
    f("label_smoothing", label_smoothing);
    f("axis", axis);
    f("alpha", alpha);
    f("gamma", gamma);
  }
};

template <class Scalar>
class CategoricalFocalCrossentropyImpl final : public RowLossImpl<Scalar> {
 public:
  explicit CategoricalFocalCrossentropyImpl(const CategoricalFocalCrossentropyOptions& options)
      : RowLossImpl<Scalar>("categorical_focal_crossentropy", options.reduction, options.name, options.axis),
        options_(options),
        alpha_(static_cast<Scalar>(options.alpha)),
        gamma_(static_cast<Scalar>(options.gamma)) {}
  std::string_view class_name() const override { return "CategoricalFocalCrossentropy"; }
  LabelRule label_rule() const override { return LabelRule::same; }

 protected:
  GRAFT_COLD void write_fields(ConfigFields& f) const override {
    CategoricalFocalCrossentropyOptions(options_).fields(f);
  }

  void forward_rows(const LossRows<Scalar>& rows, Scalar* losses) const override {
    for (Index r = 0; r < rows.rows; ++r) {
      const Row row(*this, rows, r);
      Scalar loss = 0;
      for (Index k = 0; k < rows.n; ++k) {
        const Scalar q = detail::clip_probability(row.probability(k));
        loss -= alpha_ * label(rows, r, k) * std::pow(1 - q, gamma_) * std::log(q);
      }
      losses[r] = loss;
    }
  }

  void backward_rows(const LossRows<Scalar>& rows, const Scalar* scale, Scalar* gradient) const override {
    for (Index r = 0; r < rows.rows; ++r) {
      const Row row(*this, rows, r);
      // The slopes by the normalised probabilities q, then back through the division by the sum or through the softmax:
      // both take back sum_k slope_k q_k.
      Scalar back = 0;
      for (Index k = 0; k < rows.n; ++k) {
        const Scalar q = row.probability(k);
        Scalar slope = 0;
        if (!detail::is_clipped(q)) {
          slope = -alpha_ * label(rows, r, k) *
                  (std::pow(1 - q, gamma_) / q - gamma_ * std::pow(1 - q, gamma_ - 1) * std::log(q));
        }
        gradient[rows.at(r, k)] = slope;
        back += slope * q;
      }
      for (Index k = 0; k < rows.n; ++k) {
        Scalar& g = gradient[rows.at(r, k)];
        g = scale[r] * (g - back) * (options_.from_logits ? row.probability(k) : 1 / row.norm);
      }
    }
  }

 private:
  // A row's probabilities: softmax of logits, or p divided by its sum.
  struct Row {
    Row(const CategoricalFocalCrossentropyImpl& loss, const LossRows<Scalar>& all, Index at)
        : rows(all), r(at), logits(loss.options_.from_logits) {
      norm = logits ? detail::log_sum_exp(rows, r) : detail::row_sum(rows, r);
    }
    Scalar probability(Index k) const { return logits ? std::exp(rows.y_pred(r, k) - norm) : rows.y_pred(r, k) / norm; }
    const LossRows<Scalar>& rows;
    Index r;
    bool logits;
    Scalar norm;
  };

  Scalar label(const LossRows<Scalar>& rows, Index r, Index k) const {
    const Scalar smoothing = static_cast<Scalar>(options_.label_smoothing);
    return rows.y_true(r, k) * (1 - smoothing) + smoothing / static_cast<Scalar>(rows.n);
  }

  CategoricalFocalCrossentropyOptions options_;
  Scalar alpha_, gamma_;
};

/// -alpha sum_k t_k (1 - p_k)^gamma log p_k for one-hot labels; p is divided by its sum and clipped to
/// [1e-7, 1 - 1e-7], where the gradient is 0. Logits go through a softmax first. Source: Lin et al. 2017.
template <class Scalar = float>
class CategoricalFocalCrossentropy : public Loss<Scalar> {
 public:
  using Options = CategoricalFocalCrossentropyOptions;
  explicit CategoricalFocalCrossentropy(const CategoricalFocalCrossentropyOptions& options = {})
      : Loss<Scalar>(new CategoricalFocalCrossentropyImpl<Scalar>(options)) {}
};

}  // namespace graft
