#pragma once

#include <algorithm>
#include <cmath>

#include "graft/losses/row_loss.hpp"

namespace graft {

namespace detail {

template <class Scalar>
struct MeanSquaredLogarithmicErrorTerm {
  Scalar value(Scalar t, Scalar p) const { return difference(t, p) * difference(t, p); }
  Scalar slope(Scalar t, Scalar p) const {
    return p < static_cast<Scalar>(kLossEpsilon) ? Scalar(0) : 2 * difference(t, p) / (p + 1);
  }
  static Scalar difference(Scalar t, Scalar p) {
    const Scalar low = static_cast<Scalar>(kLossEpsilon);
    return std::log(std::max(p, low) + 1) - std::log(std::max(t, low) + 1);
  }
};

}  // namespace detail

template <class Scalar>
class MeanSquaredLogarithmicErrorImpl final
    : public ElementwiseLossImpl<Scalar, detail::MeanSquaredLogarithmicErrorTerm<Scalar>> {
 public:
  using Base = ElementwiseLossImpl<Scalar, detail::MeanSquaredLogarithmicErrorTerm<Scalar>>;
  explicit MeanSquaredLogarithmicErrorImpl(const LossOptions& options)
      : Base("mean_squared_logarithmic_error", options.reduction, options.name) {}
  std::string_view class_name() const override { return "MeanSquaredLogarithmicError"; }
  LabelRule label_rule() const override { return LabelRule::broadcast; }
};

/// (log(max(p, 1e-7) + 1) - log(max(t, 1e-7) + 1))^2, mean over the last axis; "msle". The gradient is 0 below 1e-7.
template <class Scalar = float>
class MeanSquaredLogarithmicError : public Loss<Scalar> {
 public:
  using Options = LossOptions;
  explicit MeanSquaredLogarithmicError(const LossOptions& options = {})
      : Loss<Scalar>(new MeanSquaredLogarithmicErrorImpl<Scalar>(options)) {}
};

}  // namespace graft
