#pragma once

#include <algorithm>

#include "graft/losses/row_loss.hpp"

namespace graft {

namespace detail {

template <class Scalar>
struct HingeTerm {
  Scalar value(Scalar t, Scalar p) const { return std::max(1 - t * p, Scalar(0)); }
  Scalar slope(Scalar t, Scalar p) const { return t * p < 1 ? -t : Scalar(0); }
};

}  // namespace detail

template <class Scalar>
class HingeImpl final : public ElementwiseLossImpl<Scalar, detail::HingeTerm<Scalar>> {
 public:
  using Base = ElementwiseLossImpl<Scalar, detail::HingeTerm<Scalar>>;
  explicit HingeImpl(const LossOptions& options) : Base("hinge", options.reduction, options.name) {}
  std::string_view class_name() const override { return "Hinge"; }
  LabelRule label_rule() const override { return LabelRule::broadcast; }

 protected:
  bool scans_labels() const override { return true; }
};

/// max(1 - t p, 0), mean over the last axis, for labels -1 and 1; labels that are all 0 or 1 are taken as -1 and 1.
template <class Scalar = float>
class Hinge : public Loss<Scalar> {
 public:
  using Options = LossOptions;
  explicit Hinge(const LossOptions& options = {}) : Loss<Scalar>(new HingeImpl<Scalar>(options)) {}
};

}  // namespace graft
