#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <type_traits>

#include "graft/core/config.hpp"
#include "graft/core/config_fields.hpp"

namespace graft {

/// A learning rate as a function of the number of updates made so far.
class LearningRateScheduleImpl {
 public:
  virtual ~LearningRateScheduleImpl() = default;
  /// Keras's class name: "ExponentialDecay".
  virtual std::string_view class_name() const = 0;
  virtual double at(Index step) const = 0;
  /// Names the arguments, for reading and for writing (see ConfigFields).
  virtual void fields(ConfigFields& f) = 0;
};

/// Handle of a schedule: `.learning_rate = graft::CosineDecay(0.1, 1000)`.
class LearningRateSchedule {
 public:
  LearningRateSchedule() = default;
  explicit LearningRateSchedule(std::shared_ptr<LearningRateScheduleImpl> impl) : impl_(std::move(impl)) {}
  /// Takes over what `new` made.
  explicit LearningRateSchedule(LearningRateScheduleImpl* impl) : impl_(impl) {}

  explicit operator bool() const { return impl_ != nullptr; }
  double operator()(Index step) const { return impl_->at(step); }
  std::string_view class_name() const { return impl_->class_name(); }
  /// {"class_name": …, "config": {…}}.
  GRAFT_COLD Config config() const {
    Config result = Config::object();
    result["class_name"] = impl_->class_name();
    Config& inner = result["config"] = Config::object();
    ConfigFields writer = ConfigFields::writer(inner);
    impl_->fields(writer);
    return result;
  }
  /// From what Keras writes; defined in schedules.hpp.
  static LearningRateSchedule from_config(const Config& config);

 private:
  std::shared_ptr<LearningRateScheduleImpl> impl_;
};

namespace detail {

class FunctionSchedule final : public LearningRateScheduleImpl {
 public:
  explicit FunctionSchedule(std::function<double(Index)> function) : function_(std::move(function)) {}
  std::string_view class_name() const override { return "LearningRateSchedule"; }
  double at(Index step) const override { return function_(step); }
  GRAFT_COLD void fields(ConfigFields&) override {
    throw ConfigError(
        "learning_rate: a schedule made from a function cannot be written to a file. Derive one from "
        "LearningRateScheduleImpl.");
  }

 private:
  std::function<double(Index)> function_;
};

}  // namespace detail

/// What `.learning_rate` takes: a number, a schedule, or a function of the step.
class LearningRate {
 public:
  template <class Number>
  requires std::is_arithmetic_v<Number> LearningRate(Number value) : value_(static_cast<double>(value)) {}
  LearningRate(LearningRateSchedule schedule) : schedule_(std::move(schedule)) {}
  template <class Function>
  requires(std::is_invocable_r_v<double, Function, Index> && !std::is_base_of_v<LearningRateSchedule, Function>)
      LearningRate(Function function)
      : LearningRate(LearningRateSchedule(new detail::FunctionSchedule(std::move(function)))) {}

  bool is_schedule() const { return static_cast<bool>(schedule_); }
  double at(Index step) const { return schedule_ ? schedule_(step) : value_; }

  /// A number, as Keras writes it (float32 seen as a double), or a schedule.
  GRAFT_COLD Config config() const {
    return schedule_ ? schedule_.config() : Config(static_cast<double>(static_cast<float>(value_)));
  }
  GRAFT_COLD static LearningRate from_config(const Config& config) {
    if (config.is_object()) return LearningRateSchedule::from_config(config);
    return config.as_double("learning_rate");
  }

 private:
  double value_ = 0;
  LearningRateSchedule schedule_;
};

}  // namespace graft
