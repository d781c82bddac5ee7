#pragma once

#include <cmath>

#include "graft/losses/sparse_loss.hpp"

namespace graft {

struct CategoricalGeneralizedCrossEntropyOptions {
  double q = 0.5;  ///< in (0, 1): towards 0 the crossentropy, towards 1 the mean absolute error
  Reduction reduction = {};
  std::string_view name = {};

  void fields(ConfigFields& f) { f("q", q); }
};

template <class Scalar>
class CategoricalGeneralizedCrossEntropyImpl final : public SparseLossImpl<Scalar> {
 public:
  explicit CategoricalGeneralizedCrossEntropyImpl(const CategoricalGeneralizedCrossEntropyOptions& options)
      : SparseLossImpl<Scalar>("categorical_generalized_cross_entropy", options.reduction, options.name, -1,
                               std::nullopt),
        options_(options) {
    if (!(options.q > 0 && options.q < 1)) {
      fail<ConfigError>("CategoricalGeneralizedCrossEntropy", "q between 0 and 1", text::number("%g", options.q));
    }
  }
  std::string_view class_name() const override { return "CategoricalGeneralizedCrossEntropy"; }

 protected:
  GRAFT_COLD void write_fields(ConfigFields& f) const override {
    CategoricalGeneralizedCrossEntropyOptions(options_).fields(f);
  }

  Scalar row_loss(const LossRows<Scalar>& rows, Index r, Index label) const override {
    const Scalar q = static_cast<Scalar>(options_.q);
    return (1 - std::pow(rows.y_pred(r, label), q)) / q;
  }
  void row_gradient(const LossRows<Scalar>& rows, Index r, Index label, Scalar scale, Scalar* gradient) const override {
    for (Index k = 0; k < rows.n; ++k) gradient[rows.at(r, k)] = 0;
    gradient[rows.at(r, label)] = -scale * std::pow(rows.y_pred(r, label), static_cast<Scalar>(options_.q) - 1);
  }

 private:
  CategoricalGeneralizedCrossEntropyOptions options_;
};

/// (1 - p_label^q) / q for class indices: robust against wrong labels. Source: Zhang & Sabuncu 2018.
template <class Scalar = float>
class CategoricalGeneralizedCrossEntropy : public Loss<Scalar> {
 public:
  using Options = CategoricalGeneralizedCrossEntropyOptions;
  explicit CategoricalGeneralizedCrossEntropy(const CategoricalGeneralizedCrossEntropyOptions& options = {})
      : Loss<Scalar>(new CategoricalGeneralizedCrossEntropyImpl<Scalar>(options)) {}
};

}  // namespace graft
