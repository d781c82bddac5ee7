#pragma once

#include <cmath>

#include "graft/optimizers/learning_rate.hpp"

namespace graft {

struct CosineDecayRestartsOptions {
  double t_mul = 2.0;  ///< every period is this many times longer than the one before
  double m_mul = 1.0;  ///< and starts from this many times its rate
  double alpha = 0.0;  ///< the lowest rate, as a fraction of the initial one
  std::string name = "SGDRDecay";
};

/// initial * ((1 - alpha) * m_mul^i * (1 + cos(pi * f)) / 2 + alpha), f the fraction of the i-th period that has
/// passed; period i is first_decay_steps * t_mul^i steps long. Source: Loshchilov & Hutter 2017, SGDR.
class CosineDecayRestarts : public LearningRateSchedule {
 public:
  CosineDecayRestarts(double initial_learning_rate, double first_decay_steps,
                      const CosineDecayRestartsOptions& options = {})
      : LearningRateSchedule(new Impl(initial_learning_rate, first_decay_steps, options)) {}

 private:
  friend class LearningRateSchedule;
  struct Impl final : LearningRateScheduleImpl {
    Impl() = default;
    Impl(double initial, double steps, const CosineDecayRestartsOptions& options)
        : initial_(initial), steps_(steps), options_(options) {}
    std::string_view class_name() const override { return "CosineDecayRestarts"; }
    double at(Index step) const override {
      double fraction = static_cast<double>(step) / steps_, period = 0;
      if (options_.t_mul == 1.0) {
        period = std::floor(fraction);
        fraction -= period;
      } else {
        // In units of the first period, period i starts at (t_mul^i - 1) / (t_mul - 1).
        period = std::floor(std::log(1 - fraction * (1 - options_.t_mul)) / std::log(options_.t_mul));
        const double length = std::pow(options_.t_mul, period);
        fraction = (fraction - (1 - length) / (1 - options_.t_mul)) / length;
      }
      const double cosine = 0.5 * std::pow(options_.m_mul, period) * (1 + std::cos(3.14159265358979323846 * fraction));
      return initial_ * ((1 - options_.alpha) * cosine + options_.alpha);
    }
    GRAFT_COLD void fields(ConfigFields& f) override {
      f("initial_learning_rate", initial_);
      f("first_decay_steps", steps_);
      f("t_mul", options_.t_mul);
      f("m_mul", options_.m_mul);
      f("alpha", options_.alpha);
      f("name", options_.name);
    }
    double initial_ = 0, steps_ = 1;
    CosineDecayRestartsOptions options_;
  };
};

}  // namespace graft
