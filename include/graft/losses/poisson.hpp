#pragma once

#include <cmath>

#include "graft/losses/row_loss.hpp"

namespace graft {

namespace detail {

template <class Scalar>
struct PoissonTerm {
  Scalar value(Scalar t, Scalar p) const { return p - t * std::log(p + static_cast<Scalar>(kLossEpsilon)); }
  Scalar slope(Scalar t, Scalar p) const { return 1 - t / (p + static_cast<Scalar>(kLossEpsilon)); }
};

}  // namespace detail

template <class Scalar>
class PoissonImpl final : public ElementwiseLossImpl<Scalar, detail::PoissonTerm<Scalar>> {
 public:
  using Base = ElementwiseLossImpl<Scalar, detail::PoissonTerm<Scalar>>;
  explicit PoissonImpl(const LossOptions& options) : Base("poisson", options.reduction, options.name) {}
  std::string_view class_name() const override { return "Poisson"; }
  LabelRule label_rule() const override { return LabelRule::broadcast; }
};

/// p - t log(p + 1e-7), mean over the last axis.
template <class Scalar = float>
class Poisson : public Loss<Scalar> {
 public:
  using Options = LossOptions;
  explicit Poisson(const LossOptions& options = {}) : Loss<Scalar>(new PoissonImpl<Scalar>(options)) {}
};

}  // namespace graft
