#pragma once

#include "graft/losses/row_loss.hpp"

namespace graft {

namespace detail {
template <class Scalar>
struct SquaredErrorTerm {
  Scalar value(Scalar t, Scalar p) const { return (p - t) * (p - t); }
  Scalar slope(Scalar t, Scalar p) const { return 2 * (p - t); }
};
}  // namespace detail

template <class Scalar>
class MeanSquaredErrorImpl final : public ElementwiseLossImpl<Scalar, detail::SquaredErrorTerm<Scalar>> {
 public:
  explicit MeanSquaredErrorImpl(const LossOptions& options)
      : ElementwiseLossImpl<Scalar, detail::SquaredErrorTerm<Scalar>>("mean_squared_error", options.reduction,
                                                                      options.name) {}
  std::string_view class_name() const override { return "MeanSquaredError"; }
  LabelRule label_rule() const override { return LabelRule::broadcast; }
};

/// (p - t)^2, mean over the last axis; "mse".
template <class Scalar = float>
class MeanSquaredError : public Loss<Scalar> {
 public:
  using Options = LossOptions;
  explicit MeanSquaredError(const LossOptions& options = {})
      : Loss<Scalar>(new MeanSquaredErrorImpl<Scalar>(options)) {}
};

}  // namespace graft
