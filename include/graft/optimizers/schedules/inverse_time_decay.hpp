#pragma once

#include <cmath>

#include "graft/optimizers/learning_rate.hpp"

namespace graft {

struct InverseTimeDecayOptions {
  bool staircase = false;  ///< decay in jumps, every decay_steps
  std::string name = "InverseTimeDecay";
};

/// initial_learning_rate / (1 + decay_rate * step / decay_steps); with staircase step / decay_steps is rounded down.
/// decay_steps = 1 is the argument `decay` of the optimizers of Keras before 2.11.
class InverseTimeDecay : public LearningRateSchedule {
 public:
  InverseTimeDecay(double initial_learning_rate, double decay_steps, double decay_rate,
                   const InverseTimeDecayOptions& options = {})
      : LearningRateSchedule(new Impl(initial_learning_rate, decay_steps, decay_rate, options)) {}

 private:
  friend class LearningRateSchedule;
  struct Impl final : LearningRateScheduleImpl {
    Impl() = default;
    Impl(double initial, double steps, double rate, const InverseTimeDecayOptions& options)
        : initial_(initial), steps_(steps), rate_(rate), options_(options) {}
    std::string_view class_name() const override { return "InverseTimeDecay"; }
    double at(Index step) const override {
      const double time = static_cast<double>(step) / steps_;
      return initial_ / (1 + rate_ * (options_.staircase ? std::floor(time) : time));
    }
    GRAFT_COLD void fields(ConfigFields& f) override {
      f("initial_learning_rate", initial_);
      f("decay_steps", steps_);
      f("decay_rate", rate_);
      f("staircase", options_.staircase);
      f("name", options_.name);
    }
    double initial_ = 0, steps_ = 1, rate_ = 0;
    InverseTimeDecayOptions options_;
  };
};

}  // namespace graft
