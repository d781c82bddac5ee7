#pragma once

#include "graft/metrics/confusion.hpp"

namespace graft {

struct PrecisionOptions {
  std::vector<double> thresholds = {};  ///< one value each; empty: 0.5, or none at all with top_k
  std::optional<Index> top_k = {};      ///< only the k largest predictions of a sample count as positive
  std::optional<Index> class_id = {};   ///< look at this column only
  std::string_view name = {};

  void fields(ConfigFields& f) {
    f("thresholds", thresholds);
    f("top_k", top_k);
    f("class_id", class_id);
  }
};
using RecallOptions = PrecisionOptions;

struct ConfusionCountOptions {
  std::vector<double> thresholds = {};  ///< one value each; empty: 0.5
  std::string_view name = {};

  void fields(ConfigFields& f) { f("thresholds", thresholds); }
};

namespace detail {

/// Which number of a confusion matrix a metric reports. The counts have no top_k and no class_id.
struct ConfusionRatio {
  std::string_view class_name, default_name;
  double (Confusion::*value)(std::size_t) const;
  bool is_count;
};
inline constexpr ConfusionRatio kConfusionRatios[] = {
    {"Precision", "precision", &Confusion::precision, false},
    {"Recall", "recall", &Confusion::recall, false},
    {"TruePositives", "true_positives", &Confusion::tp, true},
    {"FalsePositives", "false_positives", &Confusion::fp, true},
    {"TrueNegatives", "true_negatives", &Confusion::tn, true},
    {"FalseNegatives", "false_negatives", &Confusion::fn, true},
};

}  // namespace detail

template <class Scalar>
class ConfusionRatioImpl final : public ConfusionMetricImpl<Scalar> {
 public:
  GRAFT_COLD ConfusionRatioImpl(const detail::ConfusionRatio& ratio, const PrecisionOptions& options)
      : ConfusionMetricImpl<Scalar>(ratio.default_name, options.name), ratio_(ratio), thresholds_(options.thresholds) {
    this->top_k_ = options.top_k;
    this->class_id_ = options.class_id;
    auto thresholds = thresholds_;
    if (thresholds.empty()) thresholds.push_back(options.top_k ? -1e10 : 0.5);
    this->set_thresholds(thresholds);
  }
  std::string_view class_name() const override { return ratio_.class_name; }
  GRAFT_COLD double result() const override {
    double sum = 0;
    for (std::size_t i = 0; i < this->confusion_.size(); ++i) sum += (this->confusion_.*ratio_.value)(i);
    return sum / static_cast<double>(this->confusion_.size());
  }
  GRAFT_COLD std::vector<double> results() const override {
    std::vector<double> list;
    for (std::size_t i = 0; i < this->confusion_.size(); ++i) list.push_back((this->confusion_.*ratio_.value)(i));
    return list;
  }

 protected:
  GRAFT_COLD void write_fields(ConfigFields& f) const override {
    PrecisionOptions options{thresholds_, this->top_k_, this->class_id_, {}};
    if (ratio_.is_count) f("thresholds", options.thresholds);
    else options.fields(f);
  }

 private:
  const detail::ConfusionRatio& ratio_;
  std::vector<double> thresholds_;
};

namespace detail {

template <class Scalar>
GRAFT_COLD MetricImpl<Scalar>* new_confusion_ratio(std::string_view class_name, const PrecisionOptions& options) {
  for (const ConfusionRatio& ratio : kConfusionRatios) {
    if (ratio.class_name == class_name) return new ConfusionRatioImpl<Scalar>(ratio, options);
  }
  fail<ConfigError>("metric", "a metric of a confusion matrix", std::string(class_name));
}

template <class Scalar>
GRAFT_COLD Metric<Scalar> make_confusion_ratio(const Config& config, std::string_view class_name) {
  auto options = options_from_config<PrecisionOptions>(config);
  const std::string name = config.get("name", "");
  options.name = name;
  return Metric<Scalar>(new_confusion_ratio<Scalar>(class_name, options));
}

}  // namespace detail

/// True positives / predicted positives.
template <class Scalar = float>
class Precision : public Metric<Scalar> {
 public:
  using Options = PrecisionOptions;
  explicit Precision(const PrecisionOptions& options = {})
      : Metric<Scalar>(detail::new_confusion_ratio<Scalar>("Precision", options)) {}
};

/// True positives / actual positives.
template <class Scalar = float>
class Recall : public Metric<Scalar> {
 public:
  using Options = PrecisionOptions;
  explicit Recall(const PrecisionOptions& options = {})
      : Metric<Scalar>(detail::new_confusion_ratio<Scalar>("Recall", options)) {}
};

/// Sum of the weights of the positives that were predicted.
template <class Scalar = float>
class TruePositives : public Metric<Scalar> {
 public:
  using Options = ConfusionCountOptions;
  explicit TruePositives(const ConfusionCountOptions& options = {})
      : Metric<Scalar>(
            detail::new_confusion_ratio<Scalar>("TruePositives", {options.thresholds, {}, {}, options.name})) {}
};

/// Sum of the weights of the negatives that were predicted positive.
template <class Scalar = float>
class FalsePositives : public Metric<Scalar> {
 public:
  using Options = ConfusionCountOptions;
  explicit FalsePositives(const ConfusionCountOptions& options = {})
      : Metric<Scalar>(
            detail::new_confusion_ratio<Scalar>("FalsePositives", {options.thresholds, {}, {}, options.name})) {}
};

/// Sum of the weights of the negatives that were predicted.
template <class Scalar = float>
class TrueNegatives : public Metric<Scalar> {
 public:
  using Options = ConfusionCountOptions;
  explicit TrueNegatives(const ConfusionCountOptions& options = {})
      : Metric<Scalar>(
            detail::new_confusion_ratio<Scalar>("TrueNegatives", {options.thresholds, {}, {}, options.name})) {}
};

/// Sum of the weights of the positives that were predicted negative.
template <class Scalar = float>
class FalseNegatives : public Metric<Scalar> {
 public:
  using Options = ConfusionCountOptions;
  explicit FalseNegatives(const ConfusionCountOptions& options = {})
      : Metric<Scalar>(
            detail::new_confusion_ratio<Scalar>("FalseNegatives", {options.thresholds, {}, {}, options.name})) {}
};

}  // namespace graft
