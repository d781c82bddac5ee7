#pragma once

#include <cmath>

#include "graft/core/text.hpp"
#include "graft/metrics/mean_metric.hpp"

namespace graft {

struct R2ScoreOptions {
  std::string class_aggregation = "uniform_average";  ///< or "variance_weighted_average", or "": one for each column
  Index num_regressors = 0;                           ///< above 0: the adjusted score
  std::string_view name = {};

  void fields(ConfigFields& f) {
    if (f.to() && class_aggregation.empty()) {
      (*f.to())["class_aggregation"] = nullptr;
    } else if (f.reading() && f.from()->contains("class_aggregation") && !f.from()->find_set("class_aggregation")) {
      class_aggregation.clear();
    } else {
      f("class_aggregation", class_aggregation);
    }
    f("num_regressors", num_regressors);
  }
};

struct CorrelationOptions {
  int axis = -1;
  std::string_view name = {};

  void fields(ConfigFields& f) { f("axis", axis); }
};

template <class Scalar>
class R2ScoreImpl final : public MetricImpl<Scalar> {
 public:
  using typename MetricImpl<Scalar>::In;

  GRAFT_COLD explicit R2ScoreImpl(const R2ScoreOptions& options)
      : MetricImpl<Scalar>("r2_score", options.name), options_(options) {
    const std::vector<std::string> known{"uniform_average", "variance_weighted_average"};
    if (!options.class_aggregation.empty() && options.class_aggregation != known[0] &&
        options.class_aggregation != known[1]) {
      throw ConfigError("R2Score: class_aggregation \"" + options.class_aggregation + "\" is not known. " +
                        text::did_you_mean(options.class_aggregation, known));
    }
    if (options.num_regressors < 0) {
      fail<ConfigError>("R2Score", "num_regressors of at least 0", std::to_string(options.num_regressors));
    }
  }
  std::string_view class_name() const override { return "R2Score"; }

  void reset() override {
    columns_.assign(columns_.size(), Column());
    samples_ = 0;
  }
  GRAFT_COLD std::vector<double> gathered() const override {
    std::vector<double> all{static_cast<double>(samples_)};
    for (const Column& c : columns_) {
      all.insert(all.end(), {c.count, c.origin, c.sum, c.squares, c.errors, c.first_is_unset ? 1.0 : 0.0});
    }
    return all;
  }
  GRAFT_COLD void set_gathered(std::span<const double> numbers) override {
    if (numbers.empty()) return;
    samples_ = static_cast<Index>(numbers[0]);
    columns_.clear();
    for (std::size_t i = 1; i + 6 <= numbers.size(); i += 6) {
      columns_.push_back(
          {numbers[i], numbers[i + 1], numbers[i + 2], numbers[i + 3], numbers[i + 4], numbers[i + 5] != 0});
    }
  }
  GRAFT_COLD void update(In y_true, In y_pred, In sample_weight) override {
    const LabelShapes shapes = fit_label_shapes(class_name(), y_true.shape(), y_pred.shape(), LabelRule::same);
    const Index columns = shapes.y_pred.rank() > 1 ? shapes.y_pred.back() : 1;
    columns_.resize(static_cast<std::size_t>(columns));
    const SampleWeights<Scalar> weights(class_name(), sample_weight, shapes.y_pred);
    for (Index i = 0; i < y_pred.size(); ++i) {
      Column& c = columns_[static_cast<std::size_t>(i % columns)];
      const double t = static_cast<double>(y_true[i]), e = t - static_cast<double>(y_pred[i]), weight = weights[i];
      c.count += weight;
      // Around the first label: the variance must not drown in a large mean.
      if (c.first_is_unset) c.origin = t;
      c.first_is_unset = false;
      c.sum += weight * (t - c.origin);
      c.squares += weight * (t - c.origin) * (t - c.origin);
      c.errors += weight * e * e;
    }
    samples_ += y_pred.size();
  }

  GRAFT_COLD double result() const override {
    const auto scores = column_scores();
    if (scores.empty()) return 0;
    double sum = 0, total = 0;
    for (std::size_t k = 0; k < scores.size(); ++k) {
      const double weight = options_.class_aggregation == "variance_weighted_average" ? variance(columns_[k]) : 1.0;
      sum += weight * scores[k];
      total += weight;
    }
    return adjusted(sum / total);
  }
  GRAFT_COLD std::vector<double> results() const override {
    if (!options_.class_aggregation.empty()) return {result()};
    auto scores = column_scores();
    for (double& score : scores) score = adjusted(score);
    return scores;
  }

 protected:
  GRAFT_COLD void write_fields(ConfigFields& f) const override { R2ScoreOptions(options_).fields(f); }

 private:
  struct Column {
    double count = 0, origin = 0, sum = 0, squares = 0, errors = 0;
    bool first_is_unset = true;
  };

  static double variance(const Column& c) { return c.squares - c.sum * c.sum / c.count; }
  GRAFT_COLD std::vector<double> column_scores() const {
    std::vector<double> scores;
    for (const Column& c : columns_) {
      const double score = 1 - c.errors / variance(c);
      scores.push_back(std::isinf(score) ? 0 : score);
    }
    return scores;
  }
  GRAFT_COLD double adjusted(double score) const {
    const double n = static_cast<double>(samples_), p = static_cast<double>(options_.num_regressors);
    return p == 0 || p >= n - 1 ? score : 1 - (1 - score) * (n - 1) / (n - p - 1);
  }

  R2ScoreOptions options_;
  std::vector<Column> columns_;
  Index samples_ = 0;
};

template <class Scalar>
class CorrelationImpl final : public MeanMetricImpl<Scalar> {
 public:
  using typename MetricImpl<Scalar>::In;

  CorrelationImpl(bool concordance, const CorrelationOptions& options)
      : MeanMetricImpl<Scalar>(concordance ? "concordance_correlation" : "pearson_correlation", options.name),
        concordance_(concordance),
        axis_(options.axis) {}
  std::string_view class_name() const override {
    return concordance_ ? "ConcordanceCorrelation" : "PearsonCorrelation";
  }

 protected:
  LabelRule rule() const override { return LabelRule::same; }
  Shape values_shape(const Shape&, const Shape& y_pred) const override {
    return detail::drop_axis(y_pred, position(y_pred));
  }
  GRAFT_COLD void fill(In y_true, In y_pred, TensorView<Scalar> values) const override {
    const Shape& shape = y_pred.shape();
    const int axis = position(shape);
    const Index inner = shape.product(axis + 1, shape.rank()), n = shape[axis];
    for (Index i = 0; i < values.size(); ++i) {
      const Index first = i / inner * n * inner + i % inner;
      double t = 0, p = 0, tt = 0, pp = 0, tp = 0;
      for (Index k = 0; k < n; ++k) {
        t += static_cast<double>(y_true[first + k * inner]) / static_cast<double>(n);
        p += static_cast<double>(y_pred[first + k * inner]) / static_cast<double>(n);
      }
      for (Index k = 0; k < n; ++k) {
        const double a = static_cast<double>(y_true[first + k * inner]) - t;
        const double b = static_cast<double>(y_pred[first + k * inner]) - p;
        tt += a * a / static_cast<double>(n);
        pp += b * b / static_cast<double>(n);
        tp += a * b / static_cast<double>(n);
      }
      const double score = concordance_ ? 2 * tp / (tt + pp + (t - p) * (t - p) + 1e-7) : tp / std::sqrt(tt * pp);
      values[i] = static_cast<Scalar>(score);
    }
  }
  GRAFT_COLD void write_fields(ConfigFields& f) const override { CorrelationOptions{axis_, {}}.fields(f); }

 private:
  int position(const Shape& shape) const {
    const int axis = axis_ < 0 ? axis_ + shape.rank() : axis_;
    (void)shape[axis];
    return axis;
  }

  bool concordance_;
  int axis_;
};

/// 1 - sum of squared errors / variance of the labels, of every column, then the mean.
template <class Scalar = float>
class R2Score : public Metric<Scalar> {
 public:
  using Options = R2ScoreOptions;
  explicit R2Score(const R2ScoreOptions& options = {}) : Metric<Scalar>(new R2ScoreImpl<Scalar>(options)) {}
};

/// Mean over the samples of the linear correlation of labels and predictions along an axis.
template <class Scalar = float>
class PearsonCorrelation : public Metric<Scalar> {
 public:
  using Options = CorrelationOptions;
  explicit PearsonCorrelation(const CorrelationOptions& options = {})
      : Metric<Scalar>(new CorrelationImpl<Scalar>(false, options)) {}
};

/// As PearsonCorrelation, but differences in mean and scale count against it. Source: Lin 1989.
template <class Scalar = float>
class ConcordanceCorrelation : public Metric<Scalar> {
 public:
  using Options = CorrelationOptions;
  explicit ConcordanceCorrelation(const CorrelationOptions& options = {})
      : Metric<Scalar>(new CorrelationImpl<Scalar>(true, options)) {}
};

}  // namespace graft
