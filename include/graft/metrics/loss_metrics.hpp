#pragma once

#include "graft/losses/losses.hpp"
#include "graft/metrics/mean_metric.hpp"

// Metrics that are the mean of a loss. They live in graft::metrics, as in keras.metrics, because most share the name of
// their loss.
namespace graft {

/// The mean of any loss as a metric.
template <class Scalar = float>
class MeanMetricWrapper : public Metric<Scalar> {
 public:
  explicit MeanMetricWrapper(const Loss<Scalar>& fn, const MetricOptions& options = {})
      : Metric<Scalar>(new LossMetricImpl<Scalar>("MeanMetricWrapper", fn.name(), options.name, fn)) {}
};

namespace detail {

/// What each metric of this file is: its default name, the loss, and what becomes of the mean. Keras's metric of the
/// cosine has the sign that Keras's loss has not.
struct LossMetric {
  std::string_view class_name, default_name, loss;
  MeanTransform transform;
};
inline constexpr LossMetric kLossMetrics[] = {
    {"BinaryCrossentropy", "binary_crossentropy", "BinaryCrossentropy", MeanTransform::plain},
    {"CategoricalCrossentropy", "categorical_crossentropy", "CategoricalCrossentropy", MeanTransform::plain},
    {"CategoricalHinge", "categorical_hinge", "CategoricalHinge", MeanTransform::plain},
    {"CosineSimilarity", "cosine_similarity", "CosineSimilarity", MeanTransform::negated},
    {"Hinge", "hinge", "Hinge", MeanTransform::plain},
    {"KLDivergence", "kl_divergence", "KLDivergence", MeanTransform::plain},
    {"LogCoshError", "logcosh", "LogCosh", MeanTransform::plain},
    {"MeanAbsoluteError", "mean_absolute_error", "MeanAbsoluteError", MeanTransform::plain},
    {"MeanAbsolutePercentageError", "mean_absolute_percentage_error", "MeanAbsolutePercentageError",
     MeanTransform::plain},
    {"MeanSquaredError", "mean_squared_error", "MeanSquaredError", MeanTransform::plain},
    {"MeanSquaredLogarithmicError", "mean_squared_logarithmic_error", "MeanSquaredLogarithmicError",
     MeanTransform::plain},
    {"Poisson", "poisson", "Poisson", MeanTransform::plain},
    {"RootMeanSquaredError", "root_mean_squared_error", "MeanSquaredError", MeanTransform::root},
    {"SparseCategoricalCrossentropy", "sparse_categorical_crossentropy", "SparseCategoricalCrossentropy",
     MeanTransform::plain},
    {"SquaredHinge", "squared_hinge", "SquaredHinge", MeanTransform::plain},
};

GRAFT_COLD inline const LossMetric& loss_metric(std::string_view class_name) {
  for (const LossMetric& metric : kLossMetrics) {
    if (metric.class_name == class_name) return metric;
  }
  fail<ConfigError>("metric", "a metric that is the mean of a loss", std::string(class_name));
}

template <class Scalar>
GRAFT_COLD MetricImpl<Scalar>* new_loss_metric(std::string_view class_name, std::string_view name, Loss<Scalar> loss) {
  const LossMetric& metric = loss_metric(class_name);
  return new LossMetricImpl<Scalar>(metric.class_name, metric.default_name, name, std::move(loss), metric.transform);
}

/// A metric's config holds its loss's arguments.
template <class Scalar>
GRAFT_COLD Metric<Scalar> make_loss_metric(const Config& config, std::string_view class_name) {
  Config loss = Config::object();
  loss["class_name"] = loss_metric(class_name).loss;
  loss["config"] = config;
  return Metric<Scalar>(new_loss_metric<Scalar>(class_name, config.get("name", ""), Loss<Scalar>::from_config(loss)));
}

}  // namespace detail

namespace metrics {

/// Mean binary crossentropy.
template <class Scalar = float>
class BinaryCrossentropy : public Metric<Scalar> {
 public:
  using Options = BinaryCrossentropyOptions;
  explicit BinaryCrossentropy(const BinaryCrossentropyOptions& options = {})
      : Metric<Scalar>(detail::new_loss_metric<Scalar>("BinaryCrossentropy", options.name,
                                                       graft::BinaryCrossentropy<Scalar>(options))) {}
};

/// Mean crossentropy of one-hot labels.
template <class Scalar = float>
class CategoricalCrossentropy : public Metric<Scalar> {
 public:
  using Options = CategoricalCrossentropyOptions;
  explicit CategoricalCrossentropy(const CategoricalCrossentropyOptions& options = {})
      : Metric<Scalar>(detail::new_loss_metric<Scalar>("CategoricalCrossentropy", options.name,
                                                       graft::CategoricalCrossentropy<Scalar>(options))) {}
};

/// Mean categorical hinge loss.
template <class Scalar = float>
class CategoricalHinge : public Metric<Scalar> {
 public:
  using Options = MetricOptions;
  explicit CategoricalHinge(const MetricOptions& options = {})
      : Metric<Scalar>(
            detail::new_loss_metric<Scalar>("CategoricalHinge", options.name, graft::CategoricalHinge<Scalar>())) {}
};

/// Mean cosine of the angle between labels and predictions: unlike the loss of this name, 1 is the same direction.
template <class Scalar = float>
class CosineSimilarity : public Metric<Scalar> {
 public:
  using Options = CosineSimilarityOptions;
  explicit CosineSimilarity(const CosineSimilarityOptions& options = {})
      : Metric<Scalar>(detail::new_loss_metric<Scalar>("CosineSimilarity", options.name,
                                                       graft::CosineSimilarity<Scalar>(options))) {}
};

/// Mean hinge loss.
template <class Scalar = float>
class Hinge : public Metric<Scalar> {
 public:
  using Options = MetricOptions;
  explicit Hinge(const MetricOptions& options = {})
      : Metric<Scalar>(detail::new_loss_metric<Scalar>("Hinge", options.name, graft::Hinge<Scalar>())) {}
};

/// Mean Kullback-Leibler divergence.
template <class Scalar = float>
class KLDivergence : public Metric<Scalar> {
 public:
  using Options = MetricOptions;
  explicit KLDivergence(const MetricOptions& options = {})
      : Metric<Scalar>(detail::new_loss_metric<Scalar>("KLDivergence", options.name, graft::KLDivergence<Scalar>())) {}
};

/// Mean log(cosh(error)).
template <class Scalar = float>
class LogCoshError : public Metric<Scalar> {
 public:
  using Options = MetricOptions;
  explicit LogCoshError(const MetricOptions& options = {})
      : Metric<Scalar>(detail::new_loss_metric<Scalar>("LogCoshError", options.name, graft::LogCosh<Scalar>())) {}
};

/// Mean |error|; "mae".
template <class Scalar = float>
class MeanAbsoluteError : public Metric<Scalar> {
 public:
  using Options = MetricOptions;
  explicit MeanAbsoluteError(const MetricOptions& options = {})
      : Metric<Scalar>(
            detail::new_loss_metric<Scalar>("MeanAbsoluteError", options.name, graft::MeanAbsoluteError<Scalar>())) {}
};

/// Mean 100 |error / label|; "mape".
template <class Scalar = float>
class MeanAbsolutePercentageError : public Metric<Scalar> {
 public:
  using Options = MetricOptions;
  explicit MeanAbsolutePercentageError(const MetricOptions& options = {})
      : Metric<Scalar>(detail::new_loss_metric<Scalar>("MeanAbsolutePercentageError", options.name,
                                                       graft::MeanAbsolutePercentageError<Scalar>())) {}
};

/// Mean error^2; "mse".
template <class Scalar = float>
class MeanSquaredError : public Metric<Scalar> {
 public:
  using Options = MetricOptions;
  explicit MeanSquaredError(const MetricOptions& options = {})
      : Metric<Scalar>(
            detail::new_loss_metric<Scalar>("MeanSquaredError", options.name, graft::MeanSquaredError<Scalar>())) {}
};

/// Mean squared difference of logarithms; "msle".
template <class Scalar = float>
class MeanSquaredLogarithmicError : public Metric<Scalar> {
 public:
  using Options = MetricOptions;
  explicit MeanSquaredLogarithmicError(const MetricOptions& options = {})
      : Metric<Scalar>(detail::new_loss_metric<Scalar>("MeanSquaredLogarithmicError", options.name,
                                                       graft::MeanSquaredLogarithmicError<Scalar>())) {}
};

/// Mean Poisson loss.
template <class Scalar = float>
class Poisson : public Metric<Scalar> {
 public:
  using Options = MetricOptions;
  explicit Poisson(const MetricOptions& options = {})
      : Metric<Scalar>(detail::new_loss_metric<Scalar>("Poisson", options.name, graft::Poisson<Scalar>())) {}
};

/// Square root of the mean error^2, over everything seen.
template <class Scalar = float>
class RootMeanSquaredError : public Metric<Scalar> {
 public:
  using Options = MetricOptions;
  explicit RootMeanSquaredError(const MetricOptions& options = {})
      : Metric<Scalar>(
            detail::new_loss_metric<Scalar>("RootMeanSquaredError", options.name, graft::MeanSquaredError<Scalar>())) {}
};

/// Mean crossentropy of class indices.
template <class Scalar = float>
class SparseCategoricalCrossentropy : public Metric<Scalar> {
 public:
  using Options = SparseCategoricalCrossentropyOptions;
  explicit SparseCategoricalCrossentropy(const SparseCategoricalCrossentropyOptions& options = {})
      : Metric<Scalar>(detail::new_loss_metric<Scalar>("SparseCategoricalCrossentropy", options.name,
                                                       graft::SparseCategoricalCrossentropy<Scalar>(options))) {}
};

/// Mean squared hinge loss.
template <class Scalar = float>
class SquaredHinge : public Metric<Scalar> {
 public:
  using Options = MetricOptions;
  explicit SquaredHinge(const MetricOptions& options = {})
      : Metric<Scalar>(detail::new_loss_metric<Scalar>("SquaredHinge", options.name, graft::SquaredHinge<Scalar>())) {}
};

}  // namespace metrics
}  // namespace graft
