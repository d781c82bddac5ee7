#pragma once

#include <algorithm>
#include <cmath>
#include <utility>

#include "graft/nn/axis_slices.hpp"
#include "graft/nn/constraints/constraint.hpp"

namespace graft {

namespace detail {

/// w ← w * desired(norm) / (norm + 1e-7) for every slice along the axes.
template <class Scalar, class Desired>
void rescale_norms(TensorView<Scalar> w, const NormAxes& axes, const char* where, Desired&& desired) {
  const AxisSlices slices(w.shape(), mark_axes(w.shape(), axes.list(), where));
  for (Index s = 0; s < slices.slices(); ++s) {
    Scalar* slice = w.data() + slices.start(s);
    double squares = 0;
    slices.for_each([&](Index i) { squares += static_cast<double>(slice[i]) * static_cast<double>(slice[i]); });
    const double norm = std::sqrt(squares);
    const Scalar factor = static_cast<Scalar>(desired(norm) / (1e-7 + norm));
    slices.for_each([&](Index i) { slice[i] *= factor; });
  }
}

class MaxNormConstraint final : public ConstraintOf<MaxNormConstraint> {
 public:
  MaxNormConstraint(double max_value, NormAxes axis) : max_value_(max_value), axis_(std::move(axis)) {}
  GRAFT_COLD Config config() const override {
    return Config::object(
        {{"class_name", "MaxNorm"}, {"config", Config::object({{"max_value", max_value_}, {"axis", axis_.config()}})}});
  }
  template <class Scalar>
  void enforce(TensorView<Scalar> w) const {
    rescale_norms(w, axis_, "MaxNorm", [&](double norm) { return std::min(norm, max_value_); });
  }

 private:
  double max_value_;
  NormAxes axis_;
};

class UnitNormConstraint final : public ConstraintOf<UnitNormConstraint> {
 public:
  explicit UnitNormConstraint(NormAxes axis) : axis_(std::move(axis)) {}
  GRAFT_COLD Config config() const override {
    return Config::object({{"class_name", "UnitNorm"}, {"config", Config::object({{"axis", axis_.config()}})}});
  }
  template <class Scalar>
  void enforce(TensorView<Scalar> w) const {
    rescale_norms(w, axis_, "UnitNorm", [](double) { return 1.0; });
  }

 private:
  NormAxes axis_;
};

class MinMaxNormConstraint final : public ConstraintOf<MinMaxNormConstraint> {
 public:
  MinMaxNormConstraint(double min_value, double max_value, double rate, NormAxes axis)
      : min_value_(min_value), max_value_(max_value), rate_(rate), axis_(std::move(axis)) {}
  GRAFT_COLD Config config() const override {
    return Config::object(
        {{"class_name", "MinMaxNorm"},
         {"config",
          Config::object(
              {{"min_value", min_value_}, {"max_value", max_value_}, {"rate", rate_}, {"axis", axis_.config()}})}});
  }
  template <class Scalar>
  void enforce(TensorView<Scalar> w) const {
    rescale_norms(w, axis_, "MinMaxNorm", [&](double norm) {
      return rate_ * std::min(std::max(norm, min_value_), max_value_) + (1 - rate_) * norm;
    });
  }

 private:
  double min_value_, max_value_, rate_;
  NormAxes axis_;
};

}  // namespace detail

/// Norms along `axis` of at most `max_value` (Srivastava et al. 2014).
class MaxNorm : public Constraint {
 public:
  GRAFT_COLD explicit MaxNorm(double max_value = 2.0, NormAxes axis = 0)
      : Constraint(std::make_shared<detail::MaxNormConstraint>(max_value, std::move(axis))) {}
};

/// Norms along `axis` of one.
class UnitNorm : public Constraint {
 public:
  GRAFT_COLD explicit UnitNorm(NormAxes axis = 0)
      : Constraint(std::make_shared<detail::UnitNormConstraint>(std::move(axis))) {}
};

/// Moves norms along `axis` the part `rate` of the way into [min_value, max_value].
class MinMaxNorm : public Constraint {
 public:
  GRAFT_COLD explicit MinMaxNorm(double min_value = 0.0, double max_value = 1.0, double rate = 1.0, NormAxes axis = 0)
      : Constraint(std::make_shared<detail::MinMaxNormConstraint>(min_value, max_value, rate, std::move(axis))) {}
};

}  // namespace graft
