#pragma once

#include <cmath>
#include <optional>

#include "graft/core/text.hpp"
#include "graft/losses/label_shapes.hpp"
#include "graft/losses/sample_weights.hpp"
#include "graft/metrics/metric.hpp"

namespace graft {

struct FBetaScoreOptions {
  std::string average = {};              ///< "" (a score for every class), "micro", "macro" or "weighted"
  double beta = 1.0;                     ///< recall counts beta times as much as precision
  std::optional<double> threshold = {};  ///< predictions above it are positive; none: the largest of each sample
  std::string_view name = {};

  void fields(ConfigFields& f) {
    std::string word = average;
    if (f.reading() || !word.empty()) f("average", word);
    else (*f.to())["average"] = nullptr;
    average = word;
    f("beta", beta);
    f("threshold", threshold);
  }
};

struct F1ScoreOptions {
  std::string average = {};              ///< "" (a score for every class), "micro", "macro" or "weighted"
  std::optional<double> threshold = {};  ///< predictions above it are positive; none: the largest of each sample
  std::string_view name = {};

  void fields(ConfigFields& f) {
    FBetaScoreOptions all{average, 1.0, threshold, {}};
    all.fields(f);
    if (f.to()) f.to()->erase("beta");
    average = all.average;
    threshold = all.threshold;
  }
};

template <class Scalar>
class FBetaScoreImpl final : public MetricImpl<Scalar> {
 public:
  using typename MetricImpl<Scalar>::In;

  GRAFT_COLD FBetaScoreImpl(bool f1, const FBetaScoreOptions& options)
      : MetricImpl<Scalar>(f1 ? "f1_score" : "fbeta_score", options.name), f1_(f1), options_(options) {
    const std::vector<std::string> known{"micro", "macro", "weighted"};
    bool good = options.average.empty();
    for (const auto& word : known) good = good || word == options.average;
    if (!good) {
      throw ConfigError(std::string(class_name()) + ": average \"" + options.average + "\" is not known. " +
                        text::did_you_mean(options.average, known));
    }
    if (!(options.beta > 0)) fail<ConfigError>("FBetaScore", "beta above 0", text::number("%g", options.beta));
  }
  std::string_view class_name() const override { return f1_ ? "F1Score" : "FBetaScore"; }

  void reset() override { counts_.assign(counts_.size(), Counts()); }
  GRAFT_COLD std::vector<double> gathered() const override {
    std::vector<double> all;
    for (const Counts& c : counts_) all.insert(all.end(), {c.tp, c.fp, c.fn, c.labels});
    return all;
  }
  GRAFT_COLD void set_gathered(std::span<const double> numbers) override {
    counts_.clear();
    for (std::size_t i = 0; i + 4 <= numbers.size(); i += 4) {
      counts_.push_back({numbers[i], numbers[i + 1], numbers[i + 2], numbers[i + 3]});
    }
  }
  GRAFT_COLD void update(In y_true, In y_pred, In sample_weight) override {
    (void)fit_label_shapes(class_name(), y_true.shape(), y_pred.shape(), LabelRule::same);
    if (y_pred.rank() != 2) fail<ShapeError>(std::string(class_name()), "predictions (N, K)", y_pred.shape().str());
    const Index classes = y_pred.dim(1);
    const bool micro = options_.average == "micro";
    counts_.resize(static_cast<std::size_t>(micro ? 1 : classes));
    const SampleWeights<Scalar> weights(class_name(), sample_weight, Shape{y_pred.dim(0)});
    for (Index i = 0; i < y_pred.dim(0); ++i) {
      const Scalar *t = y_true.data() + i * classes, *p = y_pred.data() + i * classes;
      Scalar top = p[0];
      for (Index k = 1; k < classes; ++k) top = std::max(top, p[k]);
      for (Index k = 0; k < classes; ++k) {
        const bool positive = options_.threshold ? p[k] > static_cast<Scalar>(*options_.threshold)
                                                 : p[k] >= top && std::abs(p[k]) > Scalar(1e-9);
        Counts& c = counts_[static_cast<std::size_t>(micro ? 0 : k)];
        const double label = static_cast<double>(t[k]), weight = weights[i], guess = positive ? 1 : 0;
        c.tp += weight * guess * label;
        c.fp += weight * guess * (1 - label);
        c.fn += weight * (1 - guess) * label;
        c.labels += weight * label;
      }
    }
  }

  GRAFT_COLD double result() const override {
    if (counts_.empty()) return 0;
    const auto scores = class_scores();
    double sum = 0, total = 0;
    for (const Counts& c : counts_) total += c.labels;
    for (std::size_t k = 0; k < scores.size(); ++k) {
      sum += options_.average == "weighted" ? scores[k] * counts_[k].labels / (total + kEpsilon)
                                            : scores[k] / static_cast<double>(scores.size());
    }
    return sum;
  }
  GRAFT_COLD std::vector<double> results() const override {
    return options_.average.empty() ? class_scores() : std::vector<double>{result()};
  }

 protected:
  GRAFT_COLD void write_fields(ConfigFields& f) const override {
    if (f1_) F1ScoreOptions{options_.average, options_.threshold, {}}.fields(f);
    else FBetaScoreOptions(options_).fields(f);
  }

 private:
  static constexpr double kEpsilon = 1e-7;
  struct Counts {
    double tp = 0, fp = 0, fn = 0, labels = 0;
  };

  GRAFT_COLD std::vector<double> class_scores() const {
    std::vector<double> scores;
    const double beta_2 = options_.beta * options_.beta;
    for (const Counts& c : counts_) {
      const double precision = c.tp / (c.tp + c.fp + kEpsilon), recall = c.tp / (c.tp + c.fn + kEpsilon);
      scores.push_back((1 + beta_2) * precision * recall / (beta_2 * precision + recall + kEpsilon));
    }
    return scores;
  }

  bool f1_;
  FBetaScoreOptions options_;
  std::vector<Counts> counts_;
};

/// (1 + beta^2) precision recall / (beta^2 precision + recall).
template <class Scalar = float>
class FBetaScore : public Metric<Scalar> {
 public:
  using Options = FBetaScoreOptions;
  explicit FBetaScore(const FBetaScoreOptions& options = {})
      : Metric<Scalar>(new FBetaScoreImpl<Scalar>(false, options)) {}
};

/// 2 precision recall / (precision + recall).
template <class Scalar = float>
class F1Score : public Metric<Scalar> {
 public:
  using Options = F1ScoreOptions;
  explicit F1Score(const F1ScoreOptions& options = {})
      : Metric<Scalar>(new FBetaScoreImpl<Scalar>(
            true, FBetaScoreOptions{options.average, 1.0, options.threshold, options.name})) {}
};

}  // namespace graft
