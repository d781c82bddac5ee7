#pragma once

#include <algorithm>

#include "graft/losses/row_loss.hpp"

namespace graft {

struct ContrastiveLossOptions {
  double margin = 1.0;  ///< pairs of different classes this far apart, or farther, cost nothing
  Reduction reduction = {};
  std::string_view name = {};

  void fields(ConfigFields& f) { f("margin", margin); }
};

namespace detail {

GRAFT_COLD inline double positive_margin(std::string_view where, double margin) {
  if (!(margin > 0 && margin < 1e30)) {
    fail<ConfigError>(where, "a margin above 0", text::number("%g", margin));
  }
  return margin;
}

template <class Scalar>
struct ContrastiveTerm {
  Scalar margin = 1;

  Scalar gap(Scalar d) const { return std::max<Scalar>(margin - d, 0); }
  Scalar value(Scalar same, Scalar d) const { return same * d * d + (1 - same) * gap(d) * gap(d); }
  Scalar slope(Scalar same, Scalar d) const { return 2 * same * d - 2 * (1 - same) * gap(d); }
};

}  // namespace detail

template <class Scalar>
class ContrastiveLossImpl final : public ElementwiseLossImpl<Scalar, detail::ContrastiveTerm<Scalar>> {
 public:
  explicit ContrastiveLossImpl(const ContrastiveLossOptions& options)
      : ElementwiseLossImpl<Scalar, detail::ContrastiveTerm<Scalar>>(
            "contrastive_loss", options.reduction, options.name,
            {static_cast<Scalar>(detail::positive_margin("ContrastiveLoss", options.margin))}),
        options_(options) {}
  std::string_view class_name() const override { return "ContrastiveLoss"; }
  LabelRule label_rule() const override { return LabelRule::same; }

  GRAFT_COLD void check_labels(TensorView<const Scalar> y_true, const Shape& y_pred) const override {
    (void)this->fit_shapes(y_true.shape(), y_pred);
    for (Index i = 0; i < y_true.size(); ++i) {
      if (!(y_true[i] >= 0 && y_true[i] <= 1)) this->bad_label(y_true, i, "1 (the same) or 0 (different)");
    }
  }

 protected:
  GRAFT_COLD void write_fields(ConfigFields& f) const override { ContrastiveLossOptions(options_).fields(f); }

 private:
  ContrastiveLossOptions options_;
};

/// For pairs: y d^2 + (1 - y) max(margin - d, 0)^2, where d (n, 1) is the distance of the two embeddings, which the
/// model puts out, and y (n,) is 1 when both are of one class and 0 when not. Source: Hadsell, Chopra, LeCun 2006,
/// without their factor 1/2. Throws ConfigError for a margin that is not above 0, DataError for labels outside of [0,
/// 1].
template <class Scalar = float>
class ContrastiveLoss : public Loss<Scalar> {
 public:
  using Options = ContrastiveLossOptions;
  explicit ContrastiveLoss(const ContrastiveLossOptions& options = {})
      : Loss<Scalar>(new ContrastiveLossImpl<Scalar>(options)) {}
};

}  // namespace graft
