#pragma once

#include <vector>

#include "graft/optimizers/learning_rate.hpp"

namespace graft {

struct PiecewiseConstantDecayOptions {
  std::string name = "PiecewiseConstant";
};

/// values[0] up to and with step boundaries[0], then values[1] up to and with boundaries[1], … Throws ConfigError
/// unless there is one value more than boundaries.
class PiecewiseConstantDecay : public LearningRateSchedule {
 public:
  PiecewiseConstantDecay(std::vector<double> boundaries, std::vector<double> values,
                         const PiecewiseConstantDecayOptions& options = {})
      : LearningRateSchedule(new Impl(std::move(boundaries), std::move(values), options)) {}

 private:
  friend class LearningRateSchedule;
  struct Impl final : LearningRateScheduleImpl {
    Impl() = default;
    GRAFT_COLD Impl(std::vector<double> boundaries, std::vector<double> values,
                    const PiecewiseConstantDecayOptions& options)
        : boundaries_(std::move(boundaries)), values_(std::move(values)), options_(options) {
      check();
    }
    std::string_view class_name() const override { return "PiecewiseConstantDecay"; }
    double at(Index step) const override {
      std::size_t i = 0;
      while (i < boundaries_.size() && static_cast<double>(step) > boundaries_[i]) ++i;
      return values_[i];
    }
    GRAFT_COLD void fields(ConfigFields& f) override {
      f("boundaries", boundaries_);
      f("values", values_);
      f("name", options_.name);
      check();
    }
    GRAFT_COLD void check() const {
      if (values_.size() != boundaries_.size() + 1) {
        fail<ConfigError>(
            "PiecewiseConstantDecay", "one value more than boundaries",
            std::to_string(boundaries_.size()) + " boundaries and " + std::to_string(values_.size()) + " values");
      }
    }
    std::vector<double> boundaries_, values_;
    PiecewiseConstantDecayOptions options_;
  };
};

}  // namespace graft
