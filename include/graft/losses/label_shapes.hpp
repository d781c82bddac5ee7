#pragma once

#include <string>
#include <string_view>

#include "graft/core/shape.hpp"

namespace graft {

/// What shape a loss wants its labels in.
enum class LabelRule {
  any,        ///< whatever there is
  same,       ///< the shape of the predictions
  broadcast,  ///< the shape of the predictions, with 1 allowed in place of any dimension
  sparse,     ///< the shape of the predictions without the class axis
};

struct LabelShapes {
  Shape y_true, y_pred;
};

namespace detail {

inline Shape drop_axis(const Shape& shape, int axis) {
  Shape result;
  for (int i = 0; i < shape.rank(); ++i) {
    if (i != axis) result.push_back(shape[i]);
  }
  return result;
}

inline bool fits(const Shape& y_true, const Shape& y_pred, bool ones_too) {
  if (y_true.rank() != y_pred.rank()) return false;
  for (int i = 0; i < y_true.rank(); ++i) {
    const Index t = y_true[i], p = y_pred[i];
    if (t != p && t != Shape::kUnknown && p != Shape::kUnknown && !(ones_too && t == 1)) return false;
  }
  return true;
}

[[noreturn]] GRAFT_COLD inline void bad_label_shape(std::string_view where, const Shape& y_true, const Shape& y_pred,
                                                    LabelRule rule) {
  std::string hint;
  const Index classes = y_pred.rank() > 0 ? y_pred.back() : 1;
  if (y_true.rank() > 0 && y_pred.rank() > 0 && y_true[0] != y_pred[0] && y_true[0] >= 0 && y_pred[0] >= 0) {
    hint = "Inputs and labels have different numbers of samples.";
  } else if (rule == LabelRule::sparse && y_true.rank() == y_pred.rank()) {
    hint = "Are the labels one-hot? Then use categorical_crossentropy; this loss wants class indices.";
  } else if (rule == LabelRule::same && classes > 1 && (y_true.rank() < y_pred.rank() || y_true.back() == 1)) {
    hint = "Are the labels class indices? Then use sparse_categorical_crossentropy, or make them one-hot.";
  } else if (y_true.rank() > 0 && classes != y_true.back()) {
    hint = "Does the last layer have as many units as the labels have columns?";
  }
  std::string wanted = y_pred.str();
  if (rule == LabelRule::sparse) wanted = drop_axis(y_pred, y_pred.rank() - 1).str();
  fail<ShapeError>(std::string(where), "labels of shape " + wanted + " for predictions of shape " + y_pred.str(),
                   "labels of shape " + y_true.str(), hint);
}

}  // namespace detail

/// Labels and predictions brought to one rank as Keras does it: where the ranks differ by one and the last dimension of
/// the longer is 1, a one-dimensional partner gets a last dimension of 1 (labels (N,) for predictions (N, 1)), and
/// otherwise the 1 is dropped. For sparse labels a last dimension of 1 is dropped. Only shapes change, never numbers.
/// Throws ShapeError, naming `where`, when the result breaks the rule.
inline LabelShapes fit_label_shapes(std::string_view where, Shape y_true, Shape y_pred, LabelRule rule,
                                    int class_axis = -1) {
  const Shape given_true = y_true, given_pred = y_pred;
  const auto align = [](Shape& longer, Shape& shorter) {
    if (longer.rank() != shorter.rank() + 1 || longer.back() != 1) return;
    if (shorter.rank() == 1) shorter.push_back(1);
    else longer = longer.slice(0, -1);
  };
  if (rule == LabelRule::sparse) {
    if (y_pred.rank() == 0) detail::bad_label_shape(where, given_true, given_pred, rule);
    const int axis = class_axis < 0 ? class_axis + y_pred.rank() : class_axis;
    const Shape wanted = detail::drop_axis(y_pred, axis);
    if (y_true.rank() == y_pred.rank() && y_true.back() == 1) y_true = y_true.slice(0, -1);
    if (!detail::fits(y_true, wanted, false)) detail::bad_label_shape(where, given_true, given_pred, rule);
    return {y_true, y_pred};
  }
  align(y_true, y_pred);
  align(y_pred, y_true);
  if (rule != LabelRule::any && !detail::fits(y_true, y_pred, rule == LabelRule::broadcast)) {
    detail::bad_label_shape(where, given_true, given_pred, rule);
  }
  return {y_true, y_pred};
}

}  // namespace graft
