#pragma once

#include <optional>

#include "graft/losses/softmax_row.hpp"
#include "graft/losses/sparse_loss.hpp"

namespace graft {

struct SparseCategoricalCrossentropyOptions {
  bool from_logits = false;                ///< predictions are logits; false: probabilities
  std::optional<Index> ignore_class = {};  ///< samples of this class count neither in the loss nor in its mean
  int axis = -1;                           ///< the class axis
  Reduction reduction = {};
  std::string_view name = {};

  void fields(ConfigFields& f) {
    f("from_logits", from_logits);
    f("ignore_class", ignore_class);
    if (f.reading() || axis != -1) f("axis", axis);
  }
};

template <class Scalar>
class SparseCategoricalCrossentropyImpl final : public SparseLossImpl<Scalar> {
 public:
  explicit SparseCategoricalCrossentropyImpl(const SparseCategoricalCrossentropyOptions& options)
      : SparseLossImpl<Scalar>("sparse_categorical_crossentropy", options.reduction, options.name, options.axis,
                               options.ignore_class),
        options_(options) {}
  std::string_view class_name() const override { return "SparseCategoricalCrossentropy"; }

 protected:
  GRAFT_COLD void write_fields(ConfigFields& f) const override {
    SparseCategoricalCrossentropyOptions(options_).fields(f);
  }

  Scalar row_loss(const LossRows<Scalar>& rows, Index r, Index label) const override {
    if (options_.from_logits) return detail::log_sum_exp(rows, r) - rows.y_pred(r, label);
    return -std::log(detail::clip_probability(rows.y_pred(r, label) / detail::row_sum(rows, r)));
  }

  void row_gradient(const LossRows<Scalar>& rows, Index r, Index label, Scalar scale, Scalar* gradient) const override {
    if (options_.from_logits) {
      const Scalar log_sum = detail::log_sum_exp(rows, r);
      for (Index k = 0; k < rows.n; ++k) gradient[rows.at(r, k)] = scale * std::exp(rows.y_pred(r, k) - log_sum);
      gradient[rows.at(r, label)] -= scale;
      return;
    }
    const Scalar sum = detail::row_sum(rows, r), q = rows.y_pred(r, label) / sum;
    const bool clipped = detail::is_clipped(q);
    for (Index k = 0; k < rows.n; ++k) gradient[rows.at(r, k)] = clipped ? Scalar(0) : scale / sum;
    if (!clipped) gradient[rows.at(r, label)] -= scale / (sum * q);
  }

 private:
  SparseCategoricalCrossentropyOptions options_;
};

/// -log p_label for class indices 0 … K - 1, labels (N,) or (N, 1); p is divided by its sum and clipped to
/// [1e-7, 1 - 1e-7], where the gradient is 0. From logits: the log-softmax is used, which has no such limits. Throws
/// DataError for a label that is no class index.
template <class Scalar = float>
class SparseCategoricalCrossentropy : public Loss<Scalar> {
 public:
  using Options = SparseCategoricalCrossentropyOptions;
  explicit SparseCategoricalCrossentropy(const SparseCategoricalCrossentropyOptions& options = {})
      : Loss<Scalar>(new SparseCategoricalCrossentropyImpl<Scalar>(options)) {}
};

}  // namespace graft
