#pragma once

#include <algorithm>
#include <cmath>

#include "graft/optimizers/learning_rate.hpp"

namespace graft {

struct PolynomialDecayOptions {
  double end_learning_rate = 0.0001;
  double power = 1.0;
  bool cycle = false;  ///< start a longer decay whenever one has ended
  std::string name = "PolynomialDecay";
};

/// (initial - end) * (1 - min(step, d) / d)^power + end with d = decay_steps; with cycle d is decay_steps times
/// ceil(step / decay_steps), at least once.
class PolynomialDecay : public LearningRateSchedule {
 public:
  PolynomialDecay(double initial_learning_rate, double decay_steps, const PolynomialDecayOptions& options = {})
      : LearningRateSchedule(new Impl(initial_learning_rate, decay_steps, options)) {}

 private:
  friend class LearningRateSchedule;
  struct Impl final : LearningRateScheduleImpl {
    Impl() = default;
    Impl(double initial, double steps, const PolynomialDecayOptions& options)
        : initial_(initial), steps_(steps), options_(options) {}
    std::string_view class_name() const override { return "PolynomialDecay"; }
    double at(Index step) const override {
      double now = static_cast<double>(step), steps = steps_;
      if (options_.cycle) steps *= std::max(1.0, std::ceil(now / steps));
      else now = std::min(now, steps);
      return (initial_ - options_.end_learning_rate) * std::pow(1 - now / steps, options_.power) +
             options_.end_learning_rate;
    }
    GRAFT_COLD void fields(ConfigFields& f) override {
      f("initial_learning_rate", initial_);
      f("decay_steps", steps_);
      f("end_learning_rate", options_.end_learning_rate);
      f("power", options_.power);
      f("cycle", options_.cycle);
      f("name", options_.name);
    }
    double initial_ = 0, steps_ = 1;
    PolynomialDecayOptions options_;
  };
};

}  // namespace graft
