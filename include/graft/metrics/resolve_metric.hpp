#pragma once

#include <optional>

#include "graft/losses/loss.hpp"
#include "graft/metrics/metric.hpp"

namespace graft {

namespace detail {

enum class LabelKind { binary, categorical, sparse };

/// Keras 3: one output column is binary; labels of lower rank than the predictions, or of one column, are sparse; else
/// categorical. The loss decides only where the labels' shape is not known yet.
template <class Scalar>
GRAFT_COLD LabelKind label_kind(const Loss<Scalar>& loss, const std::optional<Shape>& y_true, const Shape& y_pred) {
  const Index columns = y_pred.rank() > 0 ? y_pred.back() : 1;
  if (columns == 1) return LabelKind::binary;
  if (y_true) {
    const bool sparse = y_true->rank() < y_pred.rank() || (y_true->rank() > 0 && y_true->back() == 1);
    return sparse ? LabelKind::sparse : LabelKind::categorical;
  }
  return loss && loss.impl().label_rule() == LabelRule::sparse ? LabelKind::sparse : LabelKind::categorical;
}

}  // namespace detail

/// The metric that "accuracy", "acc", "crossentropy" or "ce" means for labels and predictions of these shapes; every
/// other metric is returned as it is. The shapes include the batch, whose size does not matter. The result keeps the
/// name that the user wrote.
template <class Scalar>
GRAFT_COLD Metric<Scalar> resolve_metric(const Metric<Scalar>& metric, const Loss<Scalar>& loss,
                                         const std::optional<Shape>& y_true, const Shape& y_pred) {
  if (!metric || metric.resolved()) return metric;
  const std::string& name = metric.name();
  const bool accuracy = name[0] == 'a' || name[0] == 'A';
  const char* class_name = "";
  switch (detail::label_kind(loss, y_true, y_pred)) {
    case detail::LabelKind::binary: class_name = accuracy ? "BinaryAccuracy" : "BinaryCrossentropy"; break;
    case detail::LabelKind::categorical:
      class_name = accuracy ? "CategoricalAccuracy" : "CategoricalCrossentropy";
      break;
    case detail::LabelKind::sparse:
      class_name = accuracy ? "SparseCategoricalAccuracy" : "SparseCategoricalCrossentropy";
      break;
  }
  return Metric<Scalar>(class_name).named(name);
}

}  // namespace graft
