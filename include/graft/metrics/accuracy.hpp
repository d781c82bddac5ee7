#pragma once

#include "graft/metrics/mean_metric.hpp"

namespace graft {

struct BinaryAccuracyOptions {
  double threshold = 0.5;  ///< predictions above it count as 1
  std::string_view name = {};

  void fields(ConfigFields& f) { f("threshold", threshold); }
};

namespace detail {

/// First position of the largest of n numbers.
template <class Scalar>
Index argmax(const Scalar* x, Index n) {
  Index best = 0;
  for (Index k = 1; k < n; ++k) {
    if (x[k] > x[best]) best = k;
  }
  return best;
}

}  // namespace detail

template <class Scalar>
class AccuracyImpl final : public MeanMetricImpl<Scalar> {
 public:
  using typename MetricImpl<Scalar>::In;
  explicit AccuracyImpl(const MetricOptions& options) : MeanMetricImpl<Scalar>("accuracy", options.name) {}
  std::string_view class_name() const override { return "Accuracy"; }

 protected:
  LabelRule rule() const override { return LabelRule::same; }
  Shape values_shape(const Shape&, const Shape& y_pred) const override { return y_pred; }
  void fill(In y_true, In y_pred, TensorView<Scalar> values) const override {
    for (Index i = 0; i < values.size(); ++i) values[i] = y_true[i] == y_pred[i] ? Scalar(1) : Scalar(0);
  }
};

template <class Scalar>
class BinaryAccuracyImpl final : public MeanMetricImpl<Scalar> {
 public:
  using typename MetricImpl<Scalar>::In;
  explicit BinaryAccuracyImpl(const BinaryAccuracyOptions& options)
      : MeanMetricImpl<Scalar>("binary_accuracy", options.name), threshold_(options.threshold) {}
  std::string_view class_name() const override { return "BinaryAccuracy"; }

 protected:
  LabelRule rule() const override { return LabelRule::same; }
  Shape values_shape(const Shape&, const Shape& y_pred) const override { return y_pred; }
  void fill(In y_true, In y_pred, TensorView<Scalar> values) const override {
    const Scalar threshold = static_cast<Scalar>(threshold_);
    for (Index i = 0; i < values.size(); ++i) {
      values[i] = y_true[i] == (y_pred[i] > threshold ? Scalar(1) : Scalar(0)) ? Scalar(1) : Scalar(0);
    }
  }
  GRAFT_COLD void write_fields(ConfigFields& f) const override { BinaryAccuracyOptions{threshold_, {}}.fields(f); }

 private:
  double threshold_;
};

template <class Scalar>
class CategoricalAccuracyImpl final : public MeanMetricImpl<Scalar> {
 public:
  using typename MetricImpl<Scalar>::In;
  explicit CategoricalAccuracyImpl(const MetricOptions& options)
      : MeanMetricImpl<Scalar>("categorical_accuracy", options.name) {}
  std::string_view class_name() const override { return "CategoricalAccuracy"; }

 protected:
  LabelRule rule() const override { return LabelRule::same; }
  void fill(In y_true, In y_pred, TensorView<Scalar> values) const override {
    const Index n = y_pred.shape().back();
    for (Index i = 0; i < values.size(); ++i) {
      const bool hit = detail::argmax(y_true.data() + i * n, n) == detail::argmax(y_pred.data() + i * n, n);
      values[i] = hit ? Scalar(1) : Scalar(0);
    }
  }
};

template <class Scalar>
class SparseCategoricalAccuracyImpl final : public MeanMetricImpl<Scalar> {
 public:
  using typename MetricImpl<Scalar>::In;
  explicit SparseCategoricalAccuracyImpl(const MetricOptions& options)
      : MeanMetricImpl<Scalar>("sparse_categorical_accuracy", options.name) {}
  std::string_view class_name() const override { return "SparseCategoricalAccuracy"; }

 protected:
  LabelRule rule() const override { return LabelRule::sparse; }
  void fill(In y_true, In y_pred, TensorView<Scalar> values) const override {
    const Index n = y_pred.shape().back();
    for (Index i = 0; i < values.size(); ++i) {
      const Index guess = detail::argmax(y_pred.data() + i * n, n);
      values[i] = y_true[i] == static_cast<Scalar>(guess) ? Scalar(1) : Scalar(0);
    }
  }
};

/// How often the prediction equals the label exactly.
template <class Scalar = float>
class Accuracy : public Metric<Scalar> {
 public:
  using Options = MetricOptions;
  explicit Accuracy(const MetricOptions& options = {}) : Metric<Scalar>(new AccuracyImpl<Scalar>(options)) {}
};

/// How often (prediction > threshold) equals the label.
template <class Scalar = float>
class BinaryAccuracy : public Metric<Scalar> {
 public:
  using Options = BinaryAccuracyOptions;
  explicit BinaryAccuracy(const BinaryAccuracyOptions& options = {})
      : Metric<Scalar>(new BinaryAccuracyImpl<Scalar>(options)) {}
};

/// How often the largest prediction is where the largest label is.
template <class Scalar = float>
class CategoricalAccuracy : public Metric<Scalar> {
 public:
  using Options = MetricOptions;
  explicit CategoricalAccuracy(const MetricOptions& options = {})
      : Metric<Scalar>(new CategoricalAccuracyImpl<Scalar>(options)) {}
};

/// How often the largest prediction is the one that the class index names.
template <class Scalar = float>
class SparseCategoricalAccuracy : public Metric<Scalar> {
 public:
  using Options = MetricOptions;
  explicit SparseCategoricalAccuracy(const MetricOptions& options = {})
      : Metric<Scalar>(new SparseCategoricalAccuracyImpl<Scalar>(options)) {}
};

}  // namespace graft
