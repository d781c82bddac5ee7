#pragma once

#include "graft/losses/losses.hpp"
#include "graft/metrics/metrics.hpp"
#include "graft/models/lints/lint.hpp"
#include "graft/optimizers/optimizers.hpp"

namespace graft {

/// What `fit` does when the trainable flags are not those that `compile` recorded.
enum class TrainableChange {
  error,  ///< throw StateError naming the layers (default)
  warn,   ///< say so on stderr and train the recorded set, as tf.keras does silently
};

/// `{"accuracy", "mae"}`: all of one output; of a model with several outputs, one entry an output. Several metrics for
/// each of several outputs: a vector of vectors.
template <class Scalar>
class MetricList {
 public:
  MetricList() = default;
  MetricList(std::initializer_list<Metric<Scalar>> metrics) : flat_(metrics) {}
  MetricList(std::vector<Metric<Scalar>> metrics) : flat_(std::move(metrics)) {}
  MetricList(std::vector<std::vector<Metric<Scalar>>> per_output) : per_output_(std::move(per_output)) {}

  bool empty() const { return flat_.empty() && per_output_.empty(); }
  /// Throws ConfigError when the list does not fit the number of outputs.
  GRAFT_COLD std::vector<std::vector<Metric<Scalar>>> by_output(std::size_t outputs) const {
    auto result = per_output_;
    if (result.empty() && outputs == 1) result = {flat_};
    if (result.empty()) {
      for (const auto& metric : flat_) result.push_back({metric});
    }
    if (empty()) result.assign(outputs, {});
    if (result.size() != outputs) {
      fail<ConfigError>("compile metrics", "a list for each of " + std::to_string(outputs) + " outputs",
                        std::to_string(result.size()));
    }
    return result;
  }
  GRAFT_COLD Config config() const {
    if (empty()) return nullptr;
    Config list = Config::array();
    for (const auto& metric : flat_) list.push_back(metric.config());
    for (const auto& output : per_output_) {
      Config inner = Config::array();
      for (const auto& metric : output) inner.push_back(metric.config());
      list.push_back(inner);
    }
    return list;
  }

 private:
  std::vector<Metric<Scalar>> flat_;
  std::vector<std::vector<Metric<Scalar>>> per_output_;
};

/// One loss, or one for each output.
template <class Scalar>
class LossList {
 public:
  LossList() = default;
  template <class T>
    requires std::is_constructible_v<Loss<Scalar>, const T&>
  LossList(const T& loss) : losses_{Loss<Scalar>(loss)} {}
  LossList(std::initializer_list<Loss<Scalar>> losses) : losses_(losses) {}
  LossList(std::vector<Loss<Scalar>> losses) : losses_(std::move(losses)) {}

  bool empty() const { return losses_.empty(); }
  std::size_t size() const { return losses_.size(); }
  const Loss<Scalar>& operator[](std::size_t i) const { return losses_[i]; }

 private:
  std::vector<Loss<Scalar>> losses_;
};

/// Arguments of `compile`, Keras's names and defaults.
template <class Scalar>
struct CompileOptions {
  Optimizer<Scalar> optimizer = "rmsprop";   ///< a name makes a new optimizer, an object keeps its state
  LossList<Scalar> loss = {};                ///< required
  std::vector<double> loss_weights = {};     ///< one per output; default 1
  MetricList<Scalar> metrics = {};           ///< without sample weights
  MetricList<Scalar> weighted_metrics = {};  ///< with sample and class weights
  TrainableChange on_trainable_change = TrainableChange::error;
  LintOptions lints = {};  ///< likely mistakes that compile and fit point at
};

}  // namespace graft
