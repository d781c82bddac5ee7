#pragma once

#include <cmath>

#include "graft/losses/row_loss.hpp"

namespace graft {

namespace detail {

template <class Scalar>
struct MeanAbsoluteErrorTerm {
  Scalar value(Scalar t, Scalar p) const { return std::abs(p - t); }
  Scalar slope(Scalar t, Scalar p) const { return p > t ? Scalar(1) : p < t ? Scalar(-1) : Scalar(0); }
};

}  // namespace detail

template <class Scalar>
class MeanAbsoluteErrorImpl final : public ElementwiseLossImpl<Scalar, detail::MeanAbsoluteErrorTerm<Scalar>> {
 public:
  using Base = ElementwiseLossImpl<Scalar, detail::MeanAbsoluteErrorTerm<Scalar>>;
  explicit MeanAbsoluteErrorImpl(const LossOptions& options)
      : Base("mean_absolute_error", options.reduction, options.name) {}
  std::string_view class_name() const override { return "MeanAbsoluteError"; }
  LabelRule label_rule() const override { return LabelRule::broadcast; }
};

/// |p - t|, mean over the last axis; "mae". The gradient at p = t is 0.
template <class Scalar = float>
class MeanAbsoluteError : public Loss<Scalar> {
 public:
  using Options = LossOptions;
  explicit MeanAbsoluteError(const LossOptions& options = {})
      : Loss<Scalar>(new MeanAbsoluteErrorImpl<Scalar>(options)) {}
};

}  // namespace graft
