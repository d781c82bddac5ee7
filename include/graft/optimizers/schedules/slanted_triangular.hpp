#pragma once

#include <algorithm>
#include <cmath>

#include "graft/optimizers/learning_rate.hpp"

namespace graft {

struct SlantedTriangularOptions {
  double cut_fraction = 0.1;  ///< part of the steps in which the rate climbs
  double ratio = 32;          ///< how much smaller the lowest rate is than the highest
  std::string name = "SlantedTriangular";
};

/// A short climb and a long descent, both linear: max (1 + p (ratio - 1)) / ratio with p = t / cut until step cut =
/// floor(steps * cut_fraction), then 1 - (t - cut) / (steps - cut); behind the last step the lowest rate stays. Throws
/// ConfigError for a cut_fraction outside of (0, 1), a ratio below 1 and less than one step. Keras has no such
/// schedule. Source: Howard & Ruder 2018 (ULMFiT), section 3.2.
class SlantedTriangular : public LearningRateSchedule {
 public:
  SlantedTriangular(double max_learning_rate, double steps, const SlantedTriangularOptions& options = {})
      : LearningRateSchedule(new Impl(max_learning_rate, steps, options)) {}

 private:
  friend class LearningRateSchedule;
  struct Impl final : LearningRateScheduleImpl {
    Impl() = default;
    GRAFT_COLD Impl(double max, double steps, const SlantedTriangularOptions& options)
        : max_(max), steps_(steps), options_(options) {
      check();
    }
    std::string_view class_name() const override { return "SlantedTriangular"; }
    double at(Index step) const override {
      const double now = std::min(static_cast<double>(step), steps_);
      const double cut = std::floor(steps_ * options_.cut_fraction);
      const double part = now < cut ? now / cut : 1 - (now - cut) / (steps_ - cut);
      return max_ * (1 + part * (options_.ratio - 1)) / options_.ratio;
    }
    GRAFT_COLD void fields(ConfigFields& f) override {
      f("max_learning_rate", max_);
      f("steps", steps_);
      f("cut_fraction", options_.cut_fraction);
      f("ratio", options_.ratio);
      f("name", options_.name);
      check();
    }
    GRAFT_COLD void check() const {
      if (steps_ >= 1 && options_.cut_fraction > 0 && options_.cut_fraction < 1 && options_.ratio >= 1) return;
      fail<ConfigError>("SlantedTriangular", "at least one step, a cut_fraction in (0, 1) and a ratio of at least 1",
                        std::to_string(steps_) + ", " + std::to_string(options_.cut_fraction) + " and " +
                            std::to_string(options_.ratio));
    }
    double max_ = 0, steps_ = 1;
    SlantedTriangularOptions options_;
  };
};

}  // namespace graft
