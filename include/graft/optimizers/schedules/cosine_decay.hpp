#pragma once

#include <algorithm>
#include <cmath>
#include <optional>

#include "graft/optimizers/learning_rate.hpp"

namespace graft {

struct CosineDecayOptions {
  double alpha = 0.0;  ///< the lowest rate, as a fraction of the highest
  std::string name = "CosineDecay";
  std::optional<double> warmup_target = {};  ///< if set: climb linearly to this rate first
  double warmup_steps = 0;
};

/// top * ((1 - alpha) * (1 + cos(pi * min(t, d) / d)) / 2 + alpha) with d = decay_steps. Without warm-up t is the step
/// and top the initial rate; with it the rate first climbs from the initial one to warmup_target over warmup_steps,
/// then top is that target and t counts from there. Source: Loshchilov & Hutter 2017, SGDR.
class CosineDecay : public LearningRateSchedule {
 public:
  CosineDecay(double initial_learning_rate, double decay_steps, const CosineDecayOptions& options = {})
      : LearningRateSchedule(new Impl(initial_learning_rate, decay_steps, options)) {}

 private:
  friend class LearningRateSchedule;
  struct Impl final : LearningRateScheduleImpl {
    Impl() = default;
    Impl(double initial, double steps, const CosineDecayOptions& options)
        : initial_(initial), steps_(steps), options_(options) {}
    std::string_view class_name() const override { return "CosineDecay"; }
    double at(Index step) const override {
      double now = static_cast<double>(step), top = initial_;
      if (options_.warmup_target) {
        if (now < options_.warmup_steps) {
          return initial_ + (*options_.warmup_target - initial_) * now / options_.warmup_steps;
        }
        now -= options_.warmup_steps;
        top = *options_.warmup_target;
      }
      const double cosine = 0.5 * (1 + std::cos(3.14159265358979323846 * std::min(now, steps_) / steps_));
      return top * ((1 - options_.alpha) * cosine + options_.alpha);
    }
    GRAFT_COLD void fields(ConfigFields& f) override {
      f("initial_learning_rate", initial_);
      f("decay_steps", steps_);
      f("alpha", options_.alpha);
      f("name", options_.name);
      f("warmup_target", options_.warmup_target);
      f("warmup_steps", options_.warmup_steps);
    }
    double initial_ = 0, steps_ = 1;
    CosineDecayOptions options_;
  };
};

}  // namespace graft
