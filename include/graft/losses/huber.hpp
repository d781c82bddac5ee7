#pragma once

#include <algorithm>
#include <cmath>

#include "graft/losses/row_loss.hpp"

namespace graft {

struct HuberOptions {
  double delta = 1.0;  ///< where the square turns into a straight line
  Reduction reduction = {};
  std::string_view name = {};

  void fields(ConfigFields& f) { f("delta", delta); }
};

namespace detail {

template <class Scalar>
struct HuberTerm {
  Scalar delta = 1;

  Scalar value(Scalar t, Scalar p) const {
    const Scalar e = std::abs(p - t);
    return e <= delta ? e * e / 2 : delta * e - delta * delta / 2;
  }
  Scalar slope(Scalar t, Scalar p) const { return std::clamp(p - t, -delta, delta); }
};

}  // namespace detail

template <class Scalar>
class HuberImpl final : public ElementwiseLossImpl<Scalar, detail::HuberTerm<Scalar>> {
 public:
  using Base = ElementwiseLossImpl<Scalar, detail::HuberTerm<Scalar>>;
  explicit HuberImpl(const HuberOptions& options)
      : Base("huber_loss", options.reduction, options.name, {static_cast<Scalar>(options.delta)}), options_(options) {}
  std::string_view class_name() const override { return "Huber"; }
  LabelRule label_rule() const override { return LabelRule::broadcast; }

 protected:
  GRAFT_COLD void write_fields(ConfigFields& f) const override { HuberOptions(options_).fields(f); }

 private:
  HuberOptions options_;
};

/// With e = p - t: e^2 / 2 where |e| <= delta, else delta |e| - delta^2 / 2; mean over the last axis.
template <class Scalar = float>
class Huber : public Loss<Scalar> {
 public:
  using Options = HuberOptions;
  explicit Huber(const HuberOptions& options = {}) : Loss<Scalar>(new HuberImpl<Scalar>(options)) {}
};

}  // namespace graft
