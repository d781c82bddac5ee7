#pragma once

#include "graft/core/array_like.hpp"

namespace graft {

/// counts[r][c]: how many samples of class r were predicted as class c; shape (classes, classes), as tf.math's.
///
/// y_true: class indices (n) or (n, 1), or one-hot (n, classes). y_pred: scores (n, classes), of which the largest
/// counts; for two classes also (n) or (n, 1), the probability of class 1. Throws ShapeError, and DataError for a label
/// outside 0 … classes-1.
GRAFT_COLD inline Tensor<float> confusion_matrix(const ArrayLike<float>& y_true, const ArrayLike<float>& y_pred,
                                                 Index classes) {
  const TensorView<const float> truth = y_true.view(), scores = y_pred.view();
  const auto columns = [](const TensorView<const float>& view) { return view.rank() > 1 ? view.dim(1) : 1; };
  const Index n = truth.rank() > 0 ? truth.dim(0) : 0;
  const bool fits = classes >= 2 && truth.rank() >= 1 && truth.rank() <= 2 && scores.rank() >= 1 &&
                    scores.rank() <= 2 && scores.dim(0) == n && (columns(truth) == 1 || columns(truth) == classes) &&
                    (columns(scores) == classes || (columns(scores) == 1 && classes == 2));
  if (!fits) {
    fail<ShapeError>("confusion_matrix of " + std::to_string(classes) + " classes",
                     "labels (n), (n, 1) or (n, classes) and scores (n, classes)",
                     truth.shape().str() + " and " + scores.shape().str());
  }
  const auto largest = [&](const float* row) { return static_cast<Index>(std::max_element(row, row + classes) - row); };
  Tensor<float> counts({classes, classes});
  for (Index i = 0; i < n; ++i) {
    Index r = 0;
    if (columns(truth) == 1) {
      if (!(truth[i] >= 0 && truth[i] < static_cast<float>(classes))) {
        fail<DataError>("confusion_matrix", "labels from 0 to " + std::to_string(classes - 1),
                        std::to_string(truth[i]));
      }
      r = static_cast<Index>(truth[i]);
    } else {
      r = largest(truth.data() + i * classes);
    }
    const Index c =
        columns(scores) == 1 ? static_cast<Index>(scores[i] > 0.5F) : largest(scores.data() + i * classes);
    ++counts[r * classes + c];
  }
  return counts;
}

}  // namespace graft
