#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "graft/losses/loss.hpp"

namespace graft {

namespace detail {

/// Memory of a thread that losses over a whole batch share: it grows, and is not given back between steps.
template <class Scalar>
Scalar* loss_scratch(Index count) {
  thread_local std::vector<Scalar> memory;
  if (static_cast<Index>(memory.size()) < count) memory.resize(static_cast<std::size_t>(count));
  return memory.data();
}

}  // namespace detail

/// Losses that compare the embeddings (n, d) of a batch with each other: two rows belong together when their labels
/// (n,) are equal. There is a loss for every row; rows that have nothing to be compared with do not count.
template <class Scalar>
class EmbeddingLossImpl : public LossImpl<Scalar> {
 public:
  using typename LossImpl<Scalar>::In;

  Shape loss_shape(const Shape& y_true, const Shape& y_pred) const final {
    if (y_pred.rank() != 2 || y_true.elements() != y_pred[0] || y_pred[1] == 0) {
      fail<ShapeError>(std::string(this->class_name()), "embeddings (n, d) and labels (n,)",
                       y_pred.str() + " and " + y_true.str());
    }
    return {y_pred[0]};
  }
  bool has_mask() const override { return true; }
  bool is_valid(In y_true, Index i) const override { return has_partner(y_true, i) && has_other(y_true, i); }

  /// Throws DataError for labels of one class only, and for labels none of which comes twice.
  GRAFT_COLD void check_labels(In y_true, const Shape& y_pred) const override {
    LossImpl<Scalar>::check_labels(y_true, y_pred);
    std::vector<Scalar> sorted(y_true.data(), y_true.data() + y_true.size());
    std::sort(sorted.begin(), sorted.end());
    if (sorted.empty() || sorted.front() == sorted.back()) refuse(y_true, "all are of one");
    if (std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end()) refuse(y_true, "no two are of one");
  }

 protected:
  using LossImpl<Scalar>::LossImpl;

  static bool has_partner(In y_true, Index i) {
    for (Index j = 0; j < y_true.size(); ++j) {
      if (j != i && y_true[j] == y_true[i]) return true;
    }
    return false;
  }
  static bool has_other(In y_true, Index i) {
    for (Index j = 0; j < y_true.size(); ++j) {
      if (y_true[j] != y_true[i]) return true;
    }
    return false;
  }

  virtual std::string_view hint() const { return "balanced_batches makes batches that have both."; }

  [[noreturn]] GRAFT_COLD void refuse(In y_true, const char* received) const {
    fail<DataError>(this->class_name(), "samples of two classes or more, and two or more of one class",
                    std::to_string(y_true.size()) + " samples of which " + received, hint());
  }
};

}  // namespace graft
