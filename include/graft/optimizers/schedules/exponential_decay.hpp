#pragma once

#include <cmath>

#include "graft/optimizers/learning_rate.hpp"

namespace graft {

struct ExponentialDecayOptions {
  bool staircase = false;  ///< decay in jumps, every decay_steps
  std::string name = "ExponentialDecay";
};

/// initial_learning_rate * decay_rate^(step / decay_steps); with staircase the exponent is rounded down.
class ExponentialDecay : public LearningRateSchedule {
 public:
  ExponentialDecay(double initial_learning_rate, double decay_steps, double decay_rate,
                   const ExponentialDecayOptions& options = {})
      : LearningRateSchedule(new Impl(initial_learning_rate, decay_steps, decay_rate, options)) {}

 private:
  friend class LearningRateSchedule;
  struct Impl final : LearningRateScheduleImpl {
    Impl() = default;
    Impl(double initial, double steps, double rate, const ExponentialDecayOptions& options)
        : initial_(initial), steps_(steps), rate_(rate), options_(options) {}
    std::string_view class_name() const override { return "ExponentialDecay"; }
    double at(Index step) const override {
      const double exponent = static_cast<double>(step) / steps_;
      return initial_ * std::pow(rate_, options_.staircase ? std::floor(exponent) : exponent);
    }
    GRAFT_COLD void fields(ConfigFields& f) override {
      f("initial_learning_rate", initial_);
      f("decay_steps", steps_);
      f("decay_rate", rate_);
      f("staircase", options_.staircase);
      f("name", options_.name);
    }
    double initial_ = 0, steps_ = 1, rate_ = 0;
    ExponentialDecayOptions options_;
  };
};

}  // namespace graft
