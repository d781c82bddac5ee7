#pragma once

#include <cmath>
#include <cstdio>
#include <optional>

#include "graft/models/callbacks/callback.hpp"
#include "graft/models/fit_run.hpp"

namespace graft::detail {

/// Base of the callbacks that watch one number of the logs and know when it got better.
template <class Scalar>
class MonitorCallback : public Callback<Scalar> {
 public:
  CallbackState<Scalar> state() const override {
    CallbackState<Scalar> state{Config::object()};
    state.values["best"] = best_ ? Config(*best_) : Config();
    return state;
  }
  void set_state(const CallbackState<Scalar>& state) override {
    const Config* best = state.values.find_set("best");
    best_ = best ? std::optional<double>(best->as_double("best")) : std::nullopt;
  }

 protected:
  /// Throws ConfigError for a mode other than auto, min and max.
  GRAFT_COLD MonitorCallback(const char* class_name, std::string monitor, std::string mode, double min_delta,
                             std::optional<double> best = {})
      : class_name_(class_name), monitor_(std::move(monitor)), min_delta_(std::abs(min_delta)), best_(best) {
    if (mode == "min") larger_ = false;
    else if (mode == "max") larger_ = true;
    else if (mode != "auto") fail<ConfigError>(class_name, "mode auto, min or max", "\"" + mode + "\"");
  }

  const std::string& monitor() const { return monitor_; }
  const char* class_name() const { return class_name_; }
  /// The number of these logs, or null: then a warning has said once what there is.
  GRAFT_COLD const double* watched(const Logs& logs) {
    const double* value = logs.find(monitor_);
    if (!value && !warned_) {
      std::vector<std::string> names;
      for (const auto& entry : logs) names.push_back(entry.first);
      std::fprintf(stderr, "graft: %s watches \"%s\", which the logs do not have. %s\n", class_name_, monitor_.c_str(),
                   text::did_you_mean(monitor_, names).c_str());
      warned_ = true;
    }
    return value;
  }
  /// By min_delta better than that. Throws ConfigError when mode auto cannot know what better is.
  bool improves(double value, std::optional<double> than) {
    if (!larger_) larger_ = find_direction();
    if (!than) return true;
    return *larger_ ? value - min_delta_ > *than : value + min_delta_ < *than;
  }
  const std::optional<double>& best() const { return best_; }
  void set_best(double value) { best_ = value; }

 private:
  // By the metric's class, as Keras.
  GRAFT_COLD bool find_direction() const {
    const std::string name = monitor_.rfind("val_", 0) == 0 ? monitor_.substr(4) : monitor_;
    const auto ends_in = [](const std::string& text, std::string_view end) {
      return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
    };
    if (name == "loss" || ends_in(name, "_loss")) return false;
    const std::string metric = this->run().metric_class(name);
    if (metric.empty()) {
      fail<ConfigError>(std::string(class_name_) + ", monitor \"" + monitor_ + "\"",
                        "the name of a loss or of a metric of compile, with mode auto", "another name",
                        "Say mode \"max\" or \"min\": whether more is better is not known.");
    }
    for (const char* more : {"Accuracy", "Precision", "Recall", "AUC", "Score", "IoU", "TruePositives", "TrueNegatives",
                             "Sensitivity", "Specificity", "Similarity", "Correlation"}) {
      if (metric.find(more) != std::string::npos) return true;
    }
    return false;
  }

  const char* class_name_;
  std::string monitor_;
  double min_delta_;
  std::optional<bool> larger_;
  std::optional<double> best_;
  bool warned_ = false;
};

}  // namespace graft::detail
