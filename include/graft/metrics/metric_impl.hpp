#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graft/core/config.hpp"
#include "graft/core/config_fields.hpp"
#include "graft/core/tensor.hpp"

namespace graft {

/// Options of a metric that has no arguments of its own.
struct MetricOptions {
  std::string_view name = {};

  void fields(ConfigFields&) {}
};

/// The metric contract: numbers gathered over the batches of an epoch. `update` allocates nothing once it has seen the
/// largest batch.
template <class Scalar>
class MetricImpl {
 public:
  using In = TensorView<const Scalar>;

  virtual ~MetricImpl() = default;
  MetricImpl(const MetricImpl&) = delete;
  MetricImpl& operator=(const MetricImpl&) = delete;

  /// Keras's class name: "BinaryAccuracy".
  virtual std::string_view class_name() const = 0;
  /// The key in histories: "binary_accuracy", or what the user wrote.
  const std::string& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }

  /// Forgets everything: the start of an epoch.
  virtual void reset() = 0;
  /// Takes in a batch. `sample_weight` may be empty; else it has one weight per sample.
  virtual void update(In y_true, In y_pred, In sample_weight) = 0;
  /// The value over everything since the last reset; of a metric with several values, their mean.
  virtual double result() const = 0;
  /// All values: one for each threshold or class, where the metric has several.
  virtual std::vector<double> results() const { return {result()}; }
  /// All numbers that were gathered since the last reset, and the same put back: for a run that goes on after it was
  /// interrupted in the middle of an epoch. A metric without them starts the rest of that epoch anew.
  virtual std::vector<double> gathered() const { return {}; }
  virtual void set_gathered(std::span<const double> /*numbers*/) {}

  /// {"class_name": …, "config": {"name": …, "dtype": …, …}}.
  GRAFT_COLD Config config() const {
    Config inner = Config::object();
    inner["name"] = name_;
    inner["dtype"] = std::is_same_v<Scalar, double> ? "float64" : "float32";
    ConfigFields writer = ConfigFields::writer(inner);
    write_fields(writer);
    Config result = Config::object();
    result["class_name"] = class_name();
    result["config"] = std::move(inner);
    return result;
  }

 protected:
  GRAFT_COLD MetricImpl(std::string_view default_name, std::string_view name)
      : name_(name.empty() ? default_name : name) {}

  /// Adds the metric's own arguments to its config.
  virtual void write_fields(ConfigFields&) const {}

 private:
  std::string name_;
};

}  // namespace graft
