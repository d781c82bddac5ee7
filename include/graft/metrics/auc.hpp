#pragma once

#include <algorithm>

#include "graft/core/text.hpp"
#include "graft/metrics/confusion.hpp"

namespace graft {

struct AUCOptions {
  Index num_thresholds = 200;
  std::string curve = "ROC";                       ///< or "PR"
  std::string summation_method = "interpolation";  ///< or "minoring", "majoring"
  std::vector<double> thresholds = {};             ///< in (0, 1), in place of num_thresholds even ones
  bool multi_label = false;                        ///< every column apart, then the mean
  std::vector<double> label_weights = {};          ///< with multi_label: a weighted mean
  bool from_logits = false;                        ///< predictions go through a sigmoid first
  std::string_view name = {};

  void fields(ConfigFields& f) {
    f("num_thresholds", num_thresholds);
    f("curve", curve);
    f("summation_method", summation_method);
    f("multi_label", multi_label);
    f("label_weights", label_weights);
    f("thresholds", thresholds);
    f("from_logits", from_logits);
  }
};

template <class Scalar>
class AUCImpl final : public ConfusionMetricImpl<Scalar> {
 public:
  using typename MetricImpl<Scalar>::In;

  GRAFT_COLD explicit AUCImpl(const AUCOptions& options)
      : ConfusionMetricImpl<Scalar>("auc", options.name), options_(options) {
    const auto one_of = [](const char* what, const std::string& value, std::vector<std::string> known) {
      for (const auto& word : known) {
        if (word == value) return;
      }
      throw ConfigError(std::string("AUC: ") + what + " \"" + value + "\" is not known. " +
                        text::did_you_mean(value, known));
    };
    one_of("curve", options.curve, {"ROC", "PR"});
    one_of("summation_method", options.summation_method, {"interpolation", "minoring", "majoring"});
    thresholds_ = options.thresholds;
    if (thresholds_.empty()) {
      thresholds_ = detail::even_thresholds("AUC", options.num_thresholds, 1e-7);
    } else {
      std::sort(thresholds_.begin(), thresholds_.end());
      if (thresholds_.front() > 0) thresholds_.insert(thresholds_.begin(), 0.0);
      if (thresholds_.back() < 1) thresholds_.push_back(1.0);
      thresholds_.front() -= 1e-7;
      thresholds_.back() += 1e-7;
    }
    if (thresholds_.size() < 2) {
      fail<ConfigError>("AUC", "num_thresholds above 1", std::to_string(options.num_thresholds));
    }
    this->set_thresholds(thresholds_);
  }
  std::string_view class_name() const override { return "AUC"; }

  void update(In y_true, In y_pred, In sample_weight) override {
    set_labels(options_.multi_label && y_pred.rank() > 0 ? y_pred.shape().back() : 1);
    ConfusionMetricImpl<Scalar>::update(y_true, y_pred, sample_weight);
  }
  GRAFT_COLD void set_gathered(std::span<const double> numbers) override {
    const auto labels = static_cast<Index>(numbers.size() / (4 * thresholds_.size()));
    if (labels > 0) set_labels(labels);
    ConfusionMetricImpl<Scalar>::set_gathered(numbers);
  }

  GRAFT_COLD double result() const override {
    const std::size_t labels = static_cast<std::size_t>(labels_);
    double sum = 0, weights = 0;
    for (std::size_t label = 0; label < labels; ++label) {
      const double weight = label < options_.label_weights.size() ? options_.label_weights[label] : 1.0;
      sum += weight * area(label * this->confusion_.thresholds());
      weights += weight;
    }
    return detail::Confusion::ratio(sum, weights);
  }

 protected:
  void add(double prediction, bool positive, double weight, Index column) override {
    if (options_.from_logits) prediction = 1 / (1 + std::exp(-prediction));
    this->confusion_.add(prediction, positive, weight, options_.multi_label ? static_cast<std::size_t>(column) : 0);
  }
  GRAFT_COLD void write_fields(ConfigFields& f) const override { AUCOptions(options_).fields(f); }

 private:
  void set_labels(Index labels) {
    if (labels == labels_) return;
    labels_ = labels;
    this->set_thresholds(thresholds_, labels);
  }
  // Area under the curve of one label, whose counts begin at `first`.
  GRAFT_COLD double area(std::size_t first) const {
    const detail::Confusion& c = this->confusion_;
    const auto ratio = detail::Confusion::ratio;
    const bool precision_recall = options_.curve == "PR";
    double sum = 0;
    for (std::size_t i = first; i + 1 < first + c.thresholds(); ++i) {
      if (precision_recall && options_.summation_method == "interpolation") {
        // Between two thresholds true positives grow in proportion to all positives (Davis & Goadrich 2006).
        const double p = c.tp(i) + c.fp(i), p_next = c.tp(i + 1) + c.fp(i + 1);
        const double slope = ratio(c.tp(i) - c.tp(i + 1), std::fmax(p - p_next, 0.0));
        const double intercept = c.tp(i + 1) - slope * p_next;
        const double growth = p > 0 && p_next > 0 ? p / p_next : 1.0;
        sum += ratio(slope * (c.tp(i) - c.tp(i + 1) + intercept * std::log(growth)), c.tp(i + 1) + c.fn(i + 1));
        continue;
      }
      const auto x = [&](std::size_t k) { return precision_recall ? c.recall(k) : ratio(c.fp(k), c.fp(k) + c.tn(k)); };
      const auto y = [&](std::size_t k) { return precision_recall ? c.precision(k) : c.recall(k); };
      double height = (y(i) + y(i + 1)) / 2;
      if (options_.summation_method == "minoring") height = std::fmin(y(i), y(i + 1));
      if (options_.summation_method == "majoring") height = std::fmax(y(i), y(i + 1));
      sum += (x(i) - x(i + 1)) * height;
    }
    return sum;
  }

  AUCOptions options_;
  std::vector<double> thresholds_;
  Index labels_ = 1;
};

/// Area under the ROC curve (recall over false-positive rate) or the precision-recall curve, by a sum over thresholds.
template <class Scalar = float>
class AUC : public Metric<Scalar> {
 public:
  using Options = AUCOptions;
  explicit AUC(const AUCOptions& options = {}) : Metric<Scalar>(new AUCImpl<Scalar>(options)) {}
};

}  // namespace graft
