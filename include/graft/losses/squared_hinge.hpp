#pragma once

#include <algorithm>

#include "graft/losses/row_loss.hpp"

namespace graft {

namespace detail {

template <class Scalar>
struct SquaredHingeTerm {
  Scalar value(Scalar t, Scalar p) const {
    const Scalar gap = std::max(1 - t * p, Scalar(0));
    return gap * gap;
  }
  Scalar slope(Scalar t, Scalar p) const { return -2 * t * std::max(1 - t * p, Scalar(0)); }
};

}  // namespace detail

template <class Scalar>
class SquaredHingeImpl final : public ElementwiseLossImpl<Scalar, detail::SquaredHingeTerm<Scalar>> {
 public:
  using Base = ElementwiseLossImpl<Scalar, detail::SquaredHingeTerm<Scalar>>;
  explicit SquaredHingeImpl(const LossOptions& options) : Base("squared_hinge", options.reduction, options.name) {}
  std::string_view class_name() const override { return "SquaredHinge"; }
  LabelRule label_rule() const override { return LabelRule::broadcast; }

 protected:
  bool scans_labels() const override { return true; }
};

/// max(1 - t p, 0)^2, mean over the last axis, for labels -1 and 1; labels that are all 0 or 1 are taken as -1 and 1.
template <class Scalar = float>
class SquaredHinge : public Loss<Scalar> {
 public:
  using Options = LossOptions;
  explicit SquaredHinge(const LossOptions& options = {}) : Loss<Scalar>(new SquaredHingeImpl<Scalar>(options)) {}
};

}  // namespace graft
