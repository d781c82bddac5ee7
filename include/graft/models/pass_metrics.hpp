#pragma once

#include "graft/models/compiled.hpp"
#include "graft/models/history.hpp"

namespace graft {

/// Losses and metrics of a pass over data: the running mean of the loss, weighted by the batch sizes, and all metrics.
template <class Scalar>
class PassMetrics {
 public:
  /// Resolves names by loss and shapes. Throws ConfigError.
  GRAFT_COLD PassMetrics(const Compiled<Scalar>& compiled, const std::vector<std::string>& output_names,
                         std::span<const Shape> targets, std::span<const Shape> outputs)
      : output_names_(output_names), output_loss_(outputs.size(), 0.0) {
    const auto plain = compiled.options().metrics.by_output(outputs.size());
    const auto weighted = compiled.options().weighted_metrics.by_output(outputs.size());
    for (std::size_t output = 0; output < outputs.size(); ++output) {
      const auto& loss = compiled.losses()[output];
      const auto resolve = [&](const Metric<Scalar>& metric) {
        return resolve_metric(metric, loss, targets[output], outputs[output]);
      };
      for (const auto& metric : plain[output]) add(resolve(metric), output, false);
      for (const auto& metric : weighted[output]) add(resolve(metric), output, true);
    }
  }

  void reset() {
    samples_ = loss_ = 0;
    std::fill(output_loss_.begin(), output_loss_.end(), 0.0);
    for (Entry& entry : entries_) entry.metric.reset();
  }
  void add_loss(double loss, Index batch) {
    loss_ += loss * static_cast<double>(batch);
    samples_ += static_cast<double>(batch);
  }
  void add_output_loss(std::size_t output, double loss, Index batch) {
    output_loss_[output] += loss * static_cast<double>(batch);
  }
  void update(std::size_t output, const TensorView<const Scalar>& y_true, const TensorView<const Scalar>& y_pred,
              const TensorView<const Scalar>& sample_weight) {
    for (Entry& entry : entries_) {
      if (entry.output == output) {
        entry.metric.update(y_true, y_pred, entry.weighted ? sample_weight : TensorView<const Scalar>{});
      }
    }
  }

  /// Everything gathered since reset, as lists of numbers; set_gathered takes it up again. Throws StateError when it is
  /// of other metrics.
  GRAFT_COLD std::vector<std::vector<double>> gathered() const {
    std::vector<std::vector<double>> all{{loss_, samples_}, output_loss_};
    for (const Entry& entry : entries_) all.push_back(entry.metric.impl().gathered());
    return all;
  }
  GRAFT_COLD void set_gathered(const std::vector<std::vector<double>>& all) {
    if (all.size() != entries_.size() + 2 || all[0].size() != 2 || all[1].size() != output_loss_.size()) {
      throw StateError("fit: the numbers of the interrupted epoch belong to other metrics.");
    }
    loss_ = all[0][0];
    samples_ = all[0][1];
    output_loss_ = all[1];
    for (std::size_t i = 0; i < entries_.size(); ++i) entries_[i].metric.impl().set_gathered(all[i + 2]);
  }
  /// Keras's class of the metric with this key in the logs; empty when there is none.
  GRAFT_COLD std::string class_of(const std::string& name) const {
    for (const Entry& entry : entries_) {
      if (entry.name == name) return std::string(entry.metric.class_name());
    }
    return {};
  }

  /// loss, the losses of several outputs, then the metrics, all with a prefix ("val_").
  GRAFT_COLD void write(Logs& logs, const std::string& prefix = {}) const {
    const double count = samples_ > 0 ? samples_ : 1;
    logs.set(prefix + "loss", loss_ / count);
    if (output_names_.size() > 1) {
      for (std::size_t i = 0; i < output_names_.size(); ++i) {
        logs.set(prefix + output_names_[i] + "_loss", output_loss_[i] / count);
      }
    }
    for (const Entry& entry : entries_) logs.set(prefix + entry.name, entry.metric.result());
  }

 private:
  struct Entry {
    Metric<Scalar> metric;
    std::size_t output;
    bool weighted;
    std::string name;
  };

  GRAFT_COLD void add(Metric<Scalar> metric, std::size_t output, bool weighted) {
    std::string name = (output_names_.size() > 1 ? output_names_[output] + "_" : "") + metric.name();
    for (const Entry& other : entries_) {
      if (other.name == name && weighted) name = "weighted_" + name;
    }
    entries_.push_back({std::move(metric), output, weighted, std::move(name)});
  }

  std::vector<std::string> output_names_;
  std::vector<double> output_loss_;
  std::vector<Entry> entries_;
  double loss_ = 0, samples_ = 0;
};

}  // namespace graft
