#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "graft/losses/label_shapes.hpp"
#include "graft/losses/sample_weights.hpp"
#include "graft/metrics/metric.hpp"

namespace graft {

namespace detail {

/// Weighted counts of true and false positives and negatives at every threshold (and for every label apart, if asked).
class Confusion {
 public:
  GRAFT_COLD void resize(std::vector<double> thresholds, Index labels) {
    thresholds_ = std::move(thresholds);
    const std::size_t size = thresholds_.size() * static_cast<std::size_t>(labels);
    for (auto* counts : {&tp_, &fp_, &tn_, &fn_, &positives_, &negatives_}) counts->assign(size, 0.0);
    const double steps = static_cast<double>(thresholds_.size()) - 1;
    even_ = thresholds_.size() >= 3;
    for (std::size_t i = 0; even_ && i < thresholds_.size(); ++i) {
      even_ = std::abs(thresholds_[i] - static_cast<double>(i) / steps) <= 1e-7 + 1e-9;
    }
  }
  GRAFT_COLD void reset() {
    for (auto* counts : {&tp_, &fp_, &tn_, &fn_, &positives_, &negatives_})
      std::fill(counts->begin(), counts->end(), 0.0);
  }

  /// One prediction of `label`, against a label that is positive or not.
  void add(double prediction, bool positive, double weight, std::size_t label = 0) {
    const std::size_t n = thresholds_.size(), first = label * n;
    if (even_) {
      // Thresholds 0, 1/(n-1), … 1: how many lie below the prediction is known at once. As in Keras, predictions
      // outside [0, 1] count as 0 and 1.
      const double clipped = std::fmin(std::fmax(prediction, 0.0), 1.0);
      const double above = std::fmax(std::ceil(clipped * static_cast<double>(n - 1)), 1.0);
      (positive ? positives_ : negatives_)[first + static_cast<std::size_t>(above) - 1] += weight;
      return;
    }
    for (std::size_t i = 0; i < n; ++i) {
      const bool predicted = prediction > thresholds_[i];
      (predicted ? positive ? tp_ : fp_ : positive ? fn_ : tn_)[first + i] += weight;
    }
  }

  /// After a batch: what add has put aside goes into the counts.
  void gather() {
    if (!even_) return;
    const std::size_t n = thresholds_.size();
    for (std::size_t first = 0; first < tp_.size(); first += n) {
      double positive = 0, negative = 0;
      for (std::size_t i = first; i < first + n; ++i) {
        fn_[i] += positive;
        tn_[i] += negative;
        positive += positives_[i];
        negative += negatives_[i];
      }
      positive = negative = 0;
      for (std::size_t i = first + n; i-- > first;) {
        tp_[i] += positive += positives_[i];
        fp_[i] += negative += negatives_[i];
        positives_[i] = negatives_[i] = 0;
      }
    }
  }

  /// All counts, one list behind the other; what add has put aside is in them after gather.
  GRAFT_COLD std::vector<double> counts() const {
    std::vector<double> all;
    for (const auto* list : {&tp_, &fp_, &tn_, &fn_}) all.insert(all.end(), list->begin(), list->end());
    return all;
  }
  GRAFT_COLD void set_counts(std::span<const double> all) {
    if (all.size() != 4 * tp_.size()) return;
    auto from = all.begin();
    for (auto* list : {&tp_, &fp_, &tn_, &fn_}) {
      for (double& count : *list) count = *from++;
    }
  }

  std::size_t size() const { return tp_.size(); }
  std::size_t thresholds() const { return thresholds_.size(); }
  double tp(std::size_t i) const { return tp_[i]; }
  double fp(std::size_t i) const { return fp_[i]; }
  double tn(std::size_t i) const { return tn_[i]; }
  double fn(std::size_t i) const { return fn_[i]; }
  double precision(std::size_t i) const { return ratio(tp_[i], tp_[i] + fp_[i]); }
  double recall(std::size_t i) const { return ratio(tp_[i], tp_[i] + fn_[i]); }
  double specificity(std::size_t i) const { return ratio(tn_[i], tn_[i] + fp_[i]); }

  static double ratio(double a, double b) { return b == 0 ? 0 : a / b; }

 private:
  std::vector<double> thresholds_, tp_, fp_, tn_, fn_;
  std::vector<double> positives_, negatives_;  // of even thresholds, by the last one below the prediction
  bool even_ = false;
};

/// 0, 1/(n-1), … 1; with `margin` the ends lie that much further out.
GRAFT_COLD inline std::vector<double> even_thresholds(const std::string& where, Index n, double margin) {
  if (n < 1) fail<ConfigError>(where, "num_thresholds of at least 1", std::to_string(n));
  if (n == 1) return {0.5};
  std::vector<double> result;
  for (Index i = 0; i < n; ++i) result.push_back(static_cast<double>(i) / static_cast<double>(n - 1));
  result.front() -= margin;
  result.back() += margin;
  return result;
}

}  // namespace detail

/// A metric of binary decisions: (prediction > threshold) against labels 0 and 1.
template <class Scalar>
class ConfusionMetricImpl : public MetricImpl<Scalar> {
 public:
  using typename MetricImpl<Scalar>::In;

  void reset() override { confusion_.reset(); }
  void update(In y_true, In y_pred, In sample_weight) override {
    const LabelShapes shapes = fit_label_shapes(this->class_name(), y_true.shape(), y_pred.shape(), LabelRule::same);
    const SampleWeights<Scalar> weights(this->class_name(), sample_weight, shapes.y_pred);
    const Index n = shapes.y_pred.rank() > 0 ? shapes.y_pred.back() : 1;
    if (class_id_ && (*class_id_ < 0 || *class_id_ >= n)) {
      fail<ConfigError>(std::string(this->class_name()), "class_id from 0 to " + std::to_string(n - 1),
                        std::to_string(*class_id_));
    }
    for (Index i = 0; i < y_pred.size(); ++i) {
      if (class_id_ && i % n != *class_id_) continue;
      double prediction = static_cast<double>(y_pred[i]);
      if (top_k_ && !in_top(y_pred.data() + i / n * n, n, i % n)) prediction = -1e10;
      add(prediction, y_true[i] != Scalar(0), weights[i], i % n);
    }
    confusion_.gather();
  }
  GRAFT_COLD std::vector<double> gathered() const override { return confusion_.counts(); }
  GRAFT_COLD void set_gathered(std::span<const double> numbers) override { confusion_.set_counts(numbers); }

 protected:
  using MetricImpl<Scalar>::MetricImpl;

  /// Thresholds are compared in the precision of the predictions.
  GRAFT_COLD void set_thresholds(std::vector<double> thresholds, Index labels = 1) {
    for (double& threshold : thresholds) threshold = static_cast<double>(static_cast<Scalar>(threshold));
    confusion_.resize(std::move(thresholds), labels);
  }
  virtual void add(double prediction, bool positive, double weight, Index /*column*/) {
    confusion_.add(prediction, positive, weight);
  }

  detail::Confusion confusion_;
  std::optional<Index> top_k_, class_id_;

 private:
  // Keras takes exactly k, of equal ones the first.
  bool in_top(const Scalar* row, Index n, Index column) const {
    Index before = 0;
    for (Index k = 0; k < n; ++k) before += row[k] > row[column] || (row[k] == row[column] && k < column);
    return before < *top_k_;
  }
};

}  // namespace graft
