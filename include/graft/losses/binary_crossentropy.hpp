#pragma once

#include <algorithm>

#include "graft/losses/row_loss.hpp"

namespace graft {

struct BinaryCrossentropyOptions {
  bool from_logits = false;      ///< predictions are logits; false: probabilities
  double label_smoothing = 0.0;  ///< s: labels become t (1 - s) + s / 2
  int axis = -1;
  Reduction reduction = {};
  std::string_view name = {};

  void fields(ConfigFields& f) {
    f("from_logits", from_logits);
    f("label_smoothing", label_smoothing);
    f("axis", axis);
  }
};

namespace detail {

template <class Scalar>
struct BinaryCrossentropyTerm {
  bool from_logits = false;
  Scalar smoothing = 0;

  Scalar smooth(Scalar t) const { return t * (1 - smoothing) + smoothing / 2; }
  Scalar value(Scalar label, Scalar p) const {
    const Scalar t = smooth(label);
    if (from_logits) return std::max(p, Scalar(0)) - p * t + std::log1p(std::exp(-std::abs(p)));
    const Scalar low = static_cast<Scalar>(kLossEpsilon), high = static_cast<Scalar>(1 - kLossEpsilon);
    const Scalar q = p < low ? low : p > high ? high : p;
    return -(t * std::log(q) + (1 - t) * std::log(1 - q));
  }
  Scalar slope(Scalar label, Scalar p) const {
    const Scalar t = smooth(label);
    if (from_logits) return 1 / (1 + std::exp(-p)) - t;
    const Scalar low = static_cast<Scalar>(kLossEpsilon), high = static_cast<Scalar>(1 - kLossEpsilon);
    return p < low || p > high ? Scalar(0) : (p - t) / (p * (1 - p));
  }
};

}  // namespace detail

template <class Scalar>
class BinaryCrossentropyImpl final : public ElementwiseLossImpl<Scalar, detail::BinaryCrossentropyTerm<Scalar>> {
 public:
  using Base = ElementwiseLossImpl<Scalar, detail::BinaryCrossentropyTerm<Scalar>>;
  explicit BinaryCrossentropyImpl(const BinaryCrossentropyOptions& options)
      : Base("binary_crossentropy", options.reduction, options.name,
             {options.from_logits, static_cast<Scalar>(options.label_smoothing)}, options.axis),
        options_(options) {}
  std::string_view class_name() const override { return "BinaryCrossentropy"; }
  LabelRule label_rule() const override { return LabelRule::same; }

 protected:
  GRAFT_COLD void write_fields(ConfigFields& f) const override { BinaryCrossentropyOptions(options_).fields(f); }

 private:
  BinaryCrossentropyOptions options_;
};

/// -(t log p + (1 - t) log(1 - p)), mean over the last axis; p is clipped to [1e-7, 1 - 1e-7], where the gradient is 0.
/// From logits z: max(z, 0) - z t + log(1 + exp(-|z|)), which has no such limits. Labels (N,) fit predictions (N, 1).
template <class Scalar = float>
class BinaryCrossentropy : public Loss<Scalar> {
 public:
  using Options = BinaryCrossentropyOptions;
  explicit BinaryCrossentropy(const BinaryCrossentropyOptions& options = {})
      : Loss<Scalar>(new BinaryCrossentropyImpl<Scalar>(options)) {}
};

}  // namespace graft
