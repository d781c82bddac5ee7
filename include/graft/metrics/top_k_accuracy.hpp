#pragma once

#include <cmath>

#include "graft/metrics/accuracy.hpp"

namespace graft {

struct TopKCategoricalAccuracyOptions {
  Index k = 5;
  std::string_view name = {};

  void fields(ConfigFields& f) { f("k", k); }
};

struct SparseTopKCategoricalAccuracyOptions {
  Index k = 5;
  bool from_sorted_ids = false;  ///< predictions are class indices, the likeliest first, instead of scores
  std::string_view name = {};

  void fields(ConfigFields& f) {
    f("k", k);
    f("from_sorted_ids", from_sorted_ids);
  }
};

namespace detail {

/// Are fewer than k scores above the one of `label`? Scores that are equal are on the same side.
template <class Scalar>
bool in_top_k(const Scalar* scores, Index n, Index label, Index k) {
  if (label < 0 || label >= n || !std::isfinite(scores[label])) return false;
  Index above = 0;
  for (Index i = 0; i < n; ++i) above += scores[i] > scores[label];
  return above < k;
}

}  // namespace detail

template <class Scalar>
class TopKCategoricalAccuracyImpl final : public MeanMetricImpl<Scalar> {
 public:
  using typename MetricImpl<Scalar>::In;
  explicit TopKCategoricalAccuracyImpl(const TopKCategoricalAccuracyOptions& options)
      : MeanMetricImpl<Scalar>("top_k_categorical_accuracy", options.name), options_(options) {}
  std::string_view class_name() const override { return "TopKCategoricalAccuracy"; }

 protected:
  LabelRule rule() const override { return LabelRule::same; }
  void fill(In y_true, In y_pred, TensorView<Scalar> values) const override {
    const Index n = y_pred.shape().back();
    for (Index i = 0; i < values.size(); ++i) {
      const Index label = detail::argmax(y_true.data() + i * n, n);
      values[i] = detail::in_top_k(y_pred.data() + i * n, n, label, options_.k) ? Scalar(1) : Scalar(0);
    }
  }
  GRAFT_COLD void write_fields(ConfigFields& f) const override { TopKCategoricalAccuracyOptions(options_).fields(f); }

 private:
  TopKCategoricalAccuracyOptions options_;
};

template <class Scalar>
class SparseTopKCategoricalAccuracyImpl final : public MeanMetricImpl<Scalar> {
 public:
  using typename MetricImpl<Scalar>::In;
  explicit SparseTopKCategoricalAccuracyImpl(const SparseTopKCategoricalAccuracyOptions& options)
      : MeanMetricImpl<Scalar>("sparse_top_k_categorical_accuracy", options.name), options_(options) {}
  std::string_view class_name() const override { return "SparseTopKCategoricalAccuracy"; }

 protected:
  LabelRule rule() const override { return LabelRule::sparse; }
  void fill(In y_true, In y_pred, TensorView<Scalar> values) const override {
    const Index n = y_pred.shape().back();
    for (Index i = 0; i < values.size(); ++i) {
      const Scalar *row = y_pred.data() + i * n, label = y_true[i];
      bool hit = false;
      if (options_.from_sorted_ids) {
        for (Index j = 0; j < n && j < options_.k; ++j) hit = hit || row[j] == label;
      } else if (label >= 0 && label < static_cast<Scalar>(n)) {
        hit = detail::in_top_k(row, n, static_cast<Index>(label), options_.k);
      }
      values[i] = hit ? Scalar(1) : Scalar(0);
    }
  }
  GRAFT_COLD void write_fields(ConfigFields& f) const override {
    SparseTopKCategoricalAccuracyOptions(options_).fields(f);
  }

 private:
  SparseTopKCategoricalAccuracyOptions options_;
};

/// How often the class of a one-hot label is among the k largest predictions.
template <class Scalar = float>
class TopKCategoricalAccuracy : public Metric<Scalar> {
 public:
  using Options = TopKCategoricalAccuracyOptions;
  explicit TopKCategoricalAccuracy(const TopKCategoricalAccuracyOptions& options = {})
      : Metric<Scalar>(new TopKCategoricalAccuracyImpl<Scalar>(options)) {}
};

/// How often a class index is among the k largest predictions.
template <class Scalar = float>
class SparseTopKCategoricalAccuracy : public Metric<Scalar> {
 public:
  using Options = SparseTopKCategoricalAccuracyOptions;
  explicit SparseTopKCategoricalAccuracy(const SparseTopKCategoricalAccuracyOptions& options = {})
      : Metric<Scalar>(new SparseTopKCategoricalAccuracyImpl<Scalar>(options)) {}
};

}  // namespace graft
