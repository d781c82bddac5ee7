#pragma once

#include <algorithm>
#include <cmath>

#include "graft/losses/row_loss.hpp"

namespace graft {

namespace detail {

template <class Scalar>
struct MeanAbsolutePercentageErrorTerm {
  Scalar value(Scalar t, Scalar p) const { return 100 * std::abs(t - p) / size(t); }
  Scalar slope(Scalar t, Scalar p) const { return (p > t ? Scalar(100) : p < t ? Scalar(-100) : Scalar(0)) / size(t); }
  static Scalar size(Scalar t) { return std::max(std::abs(t), static_cast<Scalar>(kLossEpsilon)); }
};

}  // namespace detail

template <class Scalar>
class MeanAbsolutePercentageErrorImpl final
    : public ElementwiseLossImpl<Scalar, detail::MeanAbsolutePercentageErrorTerm<Scalar>> {
 public:
  using Base = ElementwiseLossImpl<Scalar, detail::MeanAbsolutePercentageErrorTerm<Scalar>>;
  explicit MeanAbsolutePercentageErrorImpl(const LossOptions& options)
      : Base("mean_absolute_percentage_error", options.reduction, options.name) {}
  std::string_view class_name() const override { return "MeanAbsolutePercentageError"; }
  LabelRule label_rule() const override { return LabelRule::broadcast; }
};

/// 100 |t - p| / max(|t|, 1e-7), mean over the last axis; "mape".
template <class Scalar = float>
class MeanAbsolutePercentageError : public Loss<Scalar> {
 public:
  using Options = LossOptions;
  explicit MeanAbsolutePercentageError(const LossOptions& options = {})
      : Loss<Scalar>(new MeanAbsolutePercentageErrorImpl<Scalar>(options)) {}
};

}  // namespace graft
