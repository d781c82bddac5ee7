#pragma once

#include "graft/core/named_factory.hpp"
#include "graft/metrics/accuracy.hpp"
#include "graft/metrics/auc.hpp"
#include "graft/metrics/f_score.hpp"
#include "graft/metrics/iou.hpp"
#include "graft/metrics/loss_metrics.hpp"
#include "graft/metrics/precision_recall.hpp"
#include "graft/metrics/regression_metrics.hpp"
#include "graft/metrics/resolve_metric.hpp"
#include "graft/metrics/top_k_accuracy.hpp"
#include "graft/metrics/trade_off_metrics.hpp"

namespace graft {

namespace detail {

template <class Scalar, class MetricHandle>
GRAFT_COLD Metric<Scalar> make_metric(const Config& config, std::string_view) {
  auto options = options_from_config<typename MetricHandle::Options>(config);
  const std::string name = config.get("name", "");
  options.name = name;
  return MetricHandle(options);
}

template <class Scalar>
inline constexpr NamedClass<Metric<Scalar>> kMetrics[] = {
    {"Accuracy accuracy", make_metric<Scalar, Accuracy<Scalar>>},
    {"BinaryAccuracy binary_accuracy", make_metric<Scalar, BinaryAccuracy<Scalar>>},
    {"CategoricalAccuracy categorical_accuracy", make_metric<Scalar, CategoricalAccuracy<Scalar>>},
    {"SparseCategoricalAccuracy sparse_categorical_accuracy", make_metric<Scalar, SparseCategoricalAccuracy<Scalar>>},
    {"TopKCategoricalAccuracy top_k_categorical_accuracy", make_metric<Scalar, TopKCategoricalAccuracy<Scalar>>},
    {"SparseTopKCategoricalAccuracy sparse_top_k_categorical_accuracy",
     make_metric<Scalar, SparseTopKCategoricalAccuracy<Scalar>>},
    {"BinaryCrossentropy binary_crossentropy bce", make_loss_metric<Scalar>},
    {"CategoricalCrossentropy categorical_crossentropy", make_loss_metric<Scalar>},
    {"CategoricalHinge categorical_hinge", make_loss_metric<Scalar>},
    {"CosineSimilarity cosine_similarity", make_loss_metric<Scalar>},
    {"Hinge hinge", make_loss_metric<Scalar>},
    {"KLDivergence kl_divergence kld kullback_leibler_divergence", make_loss_metric<Scalar>},
    {"LogCoshError logcosh log_cosh", make_loss_metric<Scalar>},
    {"MeanAbsoluteError mean_absolute_error mae", make_loss_metric<Scalar>},
    {"MeanAbsolutePercentageError mean_absolute_percentage_error mape", make_loss_metric<Scalar>},
    {"MeanSquaredError mean_squared_error mse", make_loss_metric<Scalar>},
    {"MeanSquaredLogarithmicError mean_squared_logarithmic_error msle", make_loss_metric<Scalar>},
    {"Poisson poisson", make_loss_metric<Scalar>},
    {"RootMeanSquaredError root_mean_squared_error rmse", make_loss_metric<Scalar>},
    {"SparseCategoricalCrossentropy sparse_categorical_crossentropy", make_loss_metric<Scalar>},
    {"SquaredHinge squared_hinge", make_loss_metric<Scalar>},
    {"AUC auc", make_metric<Scalar, AUC<Scalar>>},
    {"BinaryIoU binary_io_u", make_metric<Scalar, BinaryIoU<Scalar>>},
    {"ConcordanceCorrelation concordance_correlation", make_metric<Scalar, ConcordanceCorrelation<Scalar>>},
    {"F1Score f1_score", make_metric<Scalar, F1Score<Scalar>>},
    {"FBetaScore fbeta_score", make_metric<Scalar, FBetaScore<Scalar>>},
    {"FalseNegatives false_negatives", make_confusion_ratio<Scalar>},
    {"FalsePositives false_positives", make_confusion_ratio<Scalar>},
    {"IoU io_u", make_metric<Scalar, IoU<Scalar>>},
    {"MeanIoU mean_io_u", make_metric<Scalar, MeanIoU<Scalar>>},
    {"OneHotIoU one_hot_io_u", make_metric<Scalar, OneHotIoU<Scalar>>},
    {"OneHotMeanIoU one_hot_mean_io_u", make_metric<Scalar, OneHotMeanIoU<Scalar>>},
    {"PearsonCorrelation pearson_correlation", make_metric<Scalar, PearsonCorrelation<Scalar>>},
    {"Precision precision", make_confusion_ratio<Scalar>},
    {"PrecisionAtRecall precision_at_recall", make_trade_off<Scalar>},
    {"R2Score r2_score", make_metric<Scalar, R2Score<Scalar>>},
    {"Recall recall", make_confusion_ratio<Scalar>},
    {"RecallAtPrecision recall_at_precision", make_trade_off<Scalar>},
    {"SensitivityAtSpecificity sensitivity_at_specificity", make_trade_off<Scalar>},
    {"SpecificityAtSensitivity specificity_at_sensitivity", make_trade_off<Scalar>},
    {"TrueNegatives true_negatives", make_confusion_ratio<Scalar>},
    {"TruePositives true_positives", make_confusion_ratio<Scalar>},
};

/// Classes that register_metric has added.
template <class Scalar>
std::vector<NamedClass<Metric<Scalar>>>& own_metrics() {
  static std::vector<NamedClass<Metric<Scalar>>> list;
  return list;
}

/// The names whose meaning depends on shapes.
GRAFT_COLD inline bool is_ambiguous_metric(const std::string& name) {
  for (const char* known : {"accuracy", "acc", "crossentropy", "ce", "Accuracy", "Acc", "ACC", "CE", "Crossentropy"}) {
    if (name == known) return true;
  }
  return false;
}

}  // namespace detail

template <class Scalar>
GRAFT_COLD Metric<Scalar> Metric<Scalar>::from_config(const Config& config) {
  if (config.is_null()) return Metric();
  ObjectName object = read_object_name("metric", config);
  const bool is_name = object.config.members().empty();
  if (is_name && detail::is_ambiguous_metric(object.name)) return unresolved(object.name);
  // {"class_name": "MeanMetricWrapper", "config": {"name": "accuracy", "fn": "sparse_categorical_accuracy"}}
  if (const Config* fn = object.config.find_set("fn"); fn && object.name == "MeanMetricWrapper") {
    const std::string name = object.config.get("name", "");
    const ObjectName function = read_object_name("metric", *fn);
    if (!find_class<Metric>(function.name, detail::own_metrics<Scalar>(), detail::kMetrics<Scalar>)) {
      return MeanMetricWrapper<Scalar>(Loss<Scalar>::from_config(*fn), {.name = name});
    }
    Metric result = from_config(*fn);
    if (!result.resolved()) return result;
    if (!name.empty()) result.set_name(name);
    result.given_.clear();
    return result;
  }
  static constexpr std::string_view kMore[] = {"accuracy", "crossentropy"};
  const Metric result =
      make_named<Metric>("metric", object, detail::own_metrics<Scalar>(), detail::kMetrics<Scalar>, kMore);
  return is_name ? result.named(object.name) : result;
}

/// Makes a metric of your own known by name, to `compile` and to files: `MetricHandle::Options` has fields(), and the
/// handle is made from it. `class_name` must be a literal. Call it before other threads make metrics.
template <class MetricHandle, class Scalar = float>
GRAFT_COLD void register_metric(const char* class_name) {
  detail::own_metrics<Scalar>().push_back({class_name, detail::make_metric<Scalar, MetricHandle>});
}

}  // namespace graft
