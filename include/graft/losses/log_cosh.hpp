#pragma once

#include <cmath>

#include "graft/losses/row_loss.hpp"

namespace graft {

namespace detail {

template <class Scalar>
struct LogCoshTerm {
  Scalar value(Scalar t, Scalar p) const {
    const Scalar e = std::abs(p - t);
    return e + std::log1p(std::exp(-2 * e)) - static_cast<Scalar>(0.69314718055994530942);
  }
  Scalar slope(Scalar t, Scalar p) const { return std::tanh(p - t); }
};

}  // namespace detail

template <class Scalar>
class LogCoshImpl final : public ElementwiseLossImpl<Scalar, detail::LogCoshTerm<Scalar>> {
 public:
  using Base = ElementwiseLossImpl<Scalar, detail::LogCoshTerm<Scalar>>;
  explicit LogCoshImpl(const LossOptions& options) : Base("log_cosh", options.reduction, options.name) {}
  std::string_view class_name() const override { return "LogCosh"; }
  LabelRule label_rule() const override { return LabelRule::broadcast; }
};

/// log(cosh(p - t)), mean over the last axis; computed so that large errors do not overflow.
template <class Scalar = float>
class LogCosh : public Loss<Scalar> {
 public:
  using Options = LossOptions;
  explicit LogCosh(const LossOptions& options = {}) : Loss<Scalar>(new LogCoshImpl<Scalar>(options)) {}
};

}  // namespace graft
