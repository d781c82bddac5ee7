#pragma once

#include "graft/losses/overlap_loss.hpp"

namespace graft {

struct TverskyOptions {
  double alpha = 0.5;            ///< weight of t (1 - p), as Keras computes it
  double beta = 0.5;             ///< weight of p (1 - t), as Keras computes it
  std::vector<Index> axis = {};  ///< axes that are summed over; empty: all, the batch too
  Reduction reduction = {};
  std::string_view name = {};

  void fields(ConfigFields& f) {
    f("alpha", alpha);
    f("beta", beta);
    f("axis", axis);
  }
};

template <class Scalar>
class TverskyImpl final : public OverlapLossImpl<Scalar> {
 public:
  explicit TverskyImpl(const TverskyOptions& options)
      : OverlapLossImpl<Scalar>("tversky", options.reduction, options.name, options.axis), options_(options) {}
  std::string_view class_name() const override { return "Tversky"; }

 protected:
  using typename OverlapLossImpl<Scalar>::Sums;

  GRAFT_COLD void write_fields(ConfigFields& f) const override { TverskyOptions(options_).fields(f); }
  Scalar loss(const Sums& s) const override { return 1 - s.overlap / size(s); }
  void slopes(const Sums& s, Scalar& by_overlap, Scalar& by_pred) const override {
    const Scalar alpha = static_cast<Scalar>(options_.alpha), beta = static_cast<Scalar>(options_.beta);
    const Scalar rate = s.overlap / (size(s) * size(s));
    by_overlap = -1 / size(s) + rate * (1 - alpha - beta);
    by_pred = rate * beta;
  }

 private:
  Scalar size(const Sums& s) const {
    const Scalar alpha = static_cast<Scalar>(options_.alpha), beta = static_cast<Scalar>(options_.beta);
    return s.overlap + alpha * (s.y_true - s.overlap) + beta * (s.y_pred - s.overlap) + Scalar(1e-7);
  }

  TverskyOptions options_;
};

/// 1 - sum(t p) / (sum(t p) + alpha sum(t (1 - p)) + beta sum(p (1 - t)) + 1e-7). Source: Salehi et al. 2017.
template <class Scalar = float>
class Tversky : public Loss<Scalar> {
 public:
  using Options = TverskyOptions;
  explicit Tversky(const TverskyOptions& options = {}) : Loss<Scalar>(new TverskyImpl<Scalar>(options)) {}
};

}  // namespace graft
