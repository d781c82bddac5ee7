#pragma once

#include <algorithm>
#include <cmath>

#include "graft/losses/row_loss.hpp"

namespace graft {

struct BinaryFocalCrossentropyOptions {
  bool apply_class_balancing = false;  ///< weight the classes by alpha
  double alpha = 0.25;                 ///< weight of class 1
  double gamma = 2.0;                  ///< how much easy samples are left aside
  bool from_logits = false;
  double label_smoothing = 0.0;  ///< s: labels become t (1 - s) + s / 2
  int axis = -1;
  Reduction reduction = {};
  std::string_view name = {};

  void fields(ConfigFields& f) {
    f("apply_class_balancing", apply_class_balancing);
    f("alpha", alpha);
    f("gamma", gamma);
    f("from_logits", from_logits);
    f("label_smoothing", label_smoothing);
    f("axis", axis);
  }
};

namespace detail {

template <class Scalar>
struct BinaryFocalCrossentropyTerm {
  bool balanced = false, from_logits = false;
  Scalar alpha = 0, gamma = 0, smoothing = 0;

  Scalar value(Scalar label, Scalar x) const {
    const Scalar t = smooth(label), p = probability(x), q = clip(p);
    return weight(t) * std::pow(miss(t, p), gamma) * -(t * std::log(q) + (1 - t) * std::log(1 - q));
  }
  Scalar slope(Scalar label, Scalar x) const {
    const Scalar t = smooth(label), p = probability(x), q = clip(p), m = miss(t, p);
    const Scalar entropy = -(t * std::log(q) + (1 - t) * std::log(1 - q));
    const Scalar entropy_slope = q == p ? (p - t) / (p * (1 - p)) : Scalar(0);
    const Scalar focus_slope = gamma == 0 ? Scalar(0) : gamma * std::pow(m, gamma - 1) * (1 - 2 * t);
    const Scalar slope_p = weight(t) * (focus_slope * entropy + std::pow(m, gamma) * entropy_slope);
    return from_logits ? slope_p * p * (1 - p) : slope_p;
  }

 private:
  static Scalar miss(Scalar t, Scalar p) { return 1 - (t * p + (1 - t) * (1 - p)); }
  Scalar smooth(Scalar t) const { return t * (1 - smoothing) + smoothing / 2; }
  Scalar probability(Scalar x) const { return from_logits ? 1 / (1 + std::exp(-x)) : x; }
  Scalar weight(Scalar t) const { return balanced ? t * alpha + (1 - t) * (1 - alpha) : Scalar(1); }
  static Scalar clip(Scalar p) {
    return std::clamp(p, static_cast<Scalar>(kLossEpsilon), static_cast<Scalar>(1 - kLossEpsilon));
  }
};

}  // namespace detail

template <class Scalar>
class BinaryFocalCrossentropyImpl final
    : public ElementwiseLossImpl<Scalar, detail::BinaryFocalCrossentropyTerm<Scalar>> {
 public:
  using Base = ElementwiseLossImpl<Scalar, detail::BinaryFocalCrossentropyTerm<Scalar>>;
  explicit BinaryFocalCrossentropyImpl(const BinaryFocalCrossentropyOptions& options)
      : Base("binary_focal_crossentropy", options.reduction, options.name,
             {options.apply_class_balancing, options.from_logits, static_cast<Scalar>(options.alpha),
              static_cast<Scalar>(options.gamma), static_cast<Scalar>(options.label_smoothing)},
             options.axis),
        options_(options) {}
  std::string_view class_name() const override { return "BinaryFocalCrossentropy"; }
  LabelRule label_rule() const override { return LabelRule::same; }

 protected:
  GRAFT_COLD void write_fields(ConfigFields& f) const override { BinaryFocalCrossentropyOptions(options_).fields(f); }

 private:
  BinaryFocalCrossentropyOptions options_;
};

/// (1 - p_t)^gamma times the binary crossentropy, mean over the last axis, with p_t = t p + (1 - t)(1 - p); with
/// apply_class_balancing also times t alpha + (1 - t)(1 - alpha). Logits go through a sigmoid first.
/// Source: Lin et al. 2017.
template <class Scalar = float>
class BinaryFocalCrossentropy : public Loss<Scalar> {
 public:
  using Options = BinaryFocalCrossentropyOptions;
  explicit BinaryFocalCrossentropy(const BinaryFocalCrossentropyOptions& options = {})
      : Loss<Scalar>(new BinaryFocalCrossentropyImpl<Scalar>(options)) {}
};

}  // namespace graft
