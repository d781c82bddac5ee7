#pragma once

#include <optional>
#include <vector>

#include "graft/losses/sample_weights.hpp"
#include "graft/metrics/accuracy.hpp"

namespace graft {

struct IoUOptions {
  Index num_classes = 2;                     ///< required in Keras
  std::vector<Index> target_class_ids = {};  ///< required in Keras; empty: all classes
  std::optional<Index> ignore_class = {};    ///< labels of this class are left out
  bool sparse_y_true = true;                 ///< labels are class indices; false: one-hot
  bool sparse_y_pred = true;                 ///< predictions are class indices; false: scores
  std::string_view name = {};

  void fields(ConfigFields& f) {
    f("num_classes", num_classes);
    f("target_class_ids", target_class_ids);
    f("ignore_class", ignore_class);
    f("sparse_y_true", sparse_y_true);
    f("sparse_y_pred", sparse_y_pred);
  }
};

struct MeanIoUOptions {
  Index num_classes = 2;                   ///< required in Keras
  std::optional<Index> ignore_class = {};  ///< labels of this class are left out
  bool sparse_y_true = true;               ///< labels are class indices; false: one-hot
  bool sparse_y_pred = true;               ///< predictions are class indices; false: scores
  std::string_view name = {};

  void fields(ConfigFields& f) {
    f("num_classes", num_classes);
    f("ignore_class", ignore_class);
    f("sparse_y_true", sparse_y_true);
    f("sparse_y_pred", sparse_y_pred);
  }
};

struct OneHotIoUOptions {
  Index num_classes = 2;                     ///< required in Keras
  std::vector<Index> target_class_ids = {};  ///< required in Keras; empty: all classes
  std::optional<Index> ignore_class = {};    ///< labels of this class are left out
  bool sparse_y_pred = false;                ///< predictions are class indices; false: scores
  std::string_view name = {};

  void fields(ConfigFields& f) {
    f("num_classes", num_classes);
    f("target_class_ids", target_class_ids);
    f("ignore_class", ignore_class);
    f("sparse_y_pred", sparse_y_pred);
  }
};

struct OneHotMeanIoUOptions {
  Index num_classes = 2;                   ///< required in Keras
  std::optional<Index> ignore_class = {};  ///< labels of this class are left out
  bool sparse_y_pred = false;              ///< predictions are class indices; false: scores
  std::string_view name = {};

  void fields(ConfigFields& f) {
    f("num_classes", num_classes);
    f("ignore_class", ignore_class);
    f("sparse_y_pred", sparse_y_pred);
  }
};

struct BinaryIoUOptions {
  std::vector<Index> target_class_ids = {0, 1};
  double threshold = 0.5;  ///< predictions of at least this are class 1
  std::string_view name = {};

  void fields(ConfigFields& f) {
    f("target_class_ids", target_class_ids);
    f("threshold", threshold);
  }
};

template <class Scalar>
class IoUImpl final : public MetricImpl<Scalar> {
 public:
  using typename MetricImpl<Scalar>::In;
  using WriteFields = void (*)(const IoUImpl&, ConfigFields&);

  GRAFT_COLD IoUImpl(const char* class_name, const char* default_name, const IoUOptions& options, WriteFields write,
                     std::optional<double> threshold = {})
      : MetricImpl<Scalar>(default_name, options.name),
        class_name_(class_name),
        options_(options),
        write_(write),
        threshold_(threshold) {
    if (options.num_classes < 1) {
      fail<ConfigError>(class_name, "num_classes of at least 1", std::to_string(options.num_classes));
    }
    for (const Index id : options.target_class_ids) {
      if (id < 0 || id >= options.num_classes) {
        fail<ConfigError>(class_name, "target_class_ids from 0 to " + std::to_string(options.num_classes - 1),
                          std::to_string(id));
      }
    }
    counts_.assign(static_cast<std::size_t>(options.num_classes * options.num_classes), 0.0);
  }
  std::string_view class_name() const override { return class_name_; }
  const IoUOptions& options() const { return options_; }
  double threshold() const { return threshold_.value_or(0); }

  void reset() override { std::fill(counts_.begin(), counts_.end(), 0.0); }
  GRAFT_COLD std::vector<double> gathered() const override { return counts_; }
  GRAFT_COLD void set_gathered(std::span<const double> numbers) override {
    if (numbers.size() == counts_.size()) counts_.assign(numbers.begin(), numbers.end());
  }
  GRAFT_COLD void update(In y_true, In y_pred, In sample_weight) override {
    const Index t_step = options_.sparse_y_true ? 1 : y_true.shape().back();
    const Index p_step = options_.sparse_y_pred ? 1 : y_pred.shape().back();
    const Index n = y_pred.size() / p_step;
    if (y_true.size() / t_step != n) {
      fail<ShapeError>(class_name_, "as many labels as predictions " + y_pred.shape().str(), y_true.shape().str());
    }
    Shape shape = options_.sparse_y_pred ? y_pred.shape() : y_pred.shape().slice(0, -1);
    const SampleWeights<Scalar> weights(class_name_, sample_weight, shape);
    for (Index i = 0; i < n; ++i) {
      const Index label = class_of(y_true.data() + i * t_step, options_.sparse_y_true ? 0 : t_step, false);
      const Index guess = class_of(y_pred.data() + i * p_step, options_.sparse_y_pred ? 0 : p_step, true);
      if (options_.ignore_class && label == *options_.ignore_class) continue;
      // Keras counts in integers, so it cuts the fraction off a weight.
      counts_[static_cast<std::size_t>(label * options_.num_classes + guess)] += std::trunc(weights[i]);
    }
  }

  GRAFT_COLD double result() const override {
    double sum = 0;
    Index valid = 0;
    const Index classes = options_.num_classes;
    const Index targets =
        options_.target_class_ids.empty() ? classes : static_cast<Index>(options_.target_class_ids.size());
    for (Index i = 0; i < targets; ++i) {
      const Index id = options_.target_class_ids.empty() ? i : options_.target_class_ids[static_cast<std::size_t>(i)];
      double row = 0, column = 0;
      for (Index k = 0; k < classes; ++k) {
        row += at(id, k);
        column += at(k, id);
      }
      const double both = row + column - at(id, id);
      if (both <= 1e-9) continue;
      sum += at(id, id) / (both + 1e-7);
      ++valid;
    }
    return valid == 0 ? 0 : sum / static_cast<double>(valid);
  }

 protected:
  GRAFT_COLD void write_fields(ConfigFields& f) const override { write_(*this, f); }

 private:
  double at(Index label, Index guess) const {
    return counts_[static_cast<std::size_t>(label * options_.num_classes + guess)];
  }
  // The class that one entry names: `scores` numbers, or an index if that is 0.
  Index class_of(const Scalar* x, Index scores, bool prediction) const {
    if (prediction && threshold_) return *x >= static_cast<Scalar>(*threshold_) ? 1 : 0;
    const Index id = scores > 0                                                  ? detail::argmax(x, scores)
                     : *x >= 0 && *x < static_cast<Scalar>(options_.num_classes) ? static_cast<Index>(*x)
                                                                                 : options_.num_classes;
    if (id >= options_.num_classes) {
      if (!prediction && options_.ignore_class && *x == static_cast<Scalar>(*options_.ignore_class)) {
        return *options_.ignore_class;
      }
      throw DataError(std::string(class_name_) + ": expected class indices 0 to " +
                      std::to_string(options_.num_classes - 1) + ", received " +
                      std::to_string(scores > 0 ? static_cast<double>(id) : static_cast<double>(*x)) + ".");
    }
    return id;
  }

  const char* class_name_;
  IoUOptions options_;
  WriteFields write_;
  std::optional<double> threshold_;
  std::vector<double> counts_;
};

/// Intersection over union: |label and prediction| / |label or prediction| of every target class, then the mean over
/// those that occur. Sample weights are cut to whole numbers, as in Keras 3.
template <class Scalar = float>
class IoU : public Metric<Scalar> {
 public:
  using Options = IoUOptions;
  explicit IoU(const IoUOptions& options) : Metric<Scalar>(new IoUImpl<Scalar>("IoU", "io_u", options, write)) {}

 private:
  static void write(const IoUImpl<Scalar>& impl, ConfigFields& f) { IoUOptions(impl.options()).fields(f); }
};

/// IoU of all classes.
template <class Scalar = float>
class MeanIoU : public Metric<Scalar> {
 public:
  using Options = MeanIoUOptions;
  explicit MeanIoU(const MeanIoUOptions& o)
      : Metric<Scalar>(new IoUImpl<Scalar>(
            "MeanIoU", "mean_io_u",
            IoUOptions{o.num_classes, {}, o.ignore_class, o.sparse_y_true, o.sparse_y_pred, o.name}, write)) {}

 private:
  static void write(const IoUImpl<Scalar>& impl, ConfigFields& f) {
    const IoUOptions& o = impl.options();
    MeanIoUOptions{o.num_classes, o.ignore_class, o.sparse_y_true, o.sparse_y_pred, {}}.fields(f);
  }
};

/// IoU of one-hot labels and scores.
template <class Scalar = float>
class OneHotIoU : public Metric<Scalar> {
 public:
  using Options = OneHotIoUOptions;
  explicit OneHotIoU(const OneHotIoUOptions& o)
      : Metric<Scalar>(new IoUImpl<Scalar>(
            "OneHotIoU", "one_hot_io_u",
            IoUOptions{o.num_classes, o.target_class_ids, o.ignore_class, false, o.sparse_y_pred, o.name}, write)) {}

 private:
  static void write(const IoUImpl<Scalar>& impl, ConfigFields& f) {
    const IoUOptions& o = impl.options();
    OneHotIoUOptions{o.num_classes, o.target_class_ids, o.ignore_class, o.sparse_y_pred, {}}.fields(f);
  }
};

/// IoU of all classes, of one-hot labels and scores.
template <class Scalar = float>
class OneHotMeanIoU : public Metric<Scalar> {
 public:
  using Options = OneHotMeanIoUOptions;
  explicit OneHotMeanIoU(const OneHotMeanIoUOptions& o)
      : Metric<Scalar>(new IoUImpl<Scalar>(
            "OneHotMeanIoU", "one_hot_mean_io_u",
            IoUOptions{o.num_classes, {}, o.ignore_class, false, o.sparse_y_pred, o.name}, write)) {}

 private:
  static void write(const IoUImpl<Scalar>& impl, ConfigFields& f) {
    const IoUOptions& o = impl.options();
    OneHotMeanIoUOptions{o.num_classes, o.ignore_class, o.sparse_y_pred, {}}.fields(f);
  }
};

/// IoU of two classes, told apart by a threshold.
template <class Scalar = float>
class BinaryIoU : public Metric<Scalar> {
 public:
  using Options = BinaryIoUOptions;
  explicit BinaryIoU(const BinaryIoUOptions& o = {})
      : Metric<Scalar>(new IoUImpl<Scalar>("BinaryIoU", "binary_io_u",
                                           IoUOptions{2, o.target_class_ids, {}, true, true, o.name}, write,
                                           o.threshold)) {}

 private:
  static void write(const IoUImpl<Scalar>& impl, ConfigFields& f) {
    BinaryIoUOptions{impl.options().target_class_ids, impl.threshold(), {}}.fields(f);
  }
};

}  // namespace graft
