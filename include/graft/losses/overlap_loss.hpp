#pragma once

#include <vector>

#include "graft/losses/loss.hpp"

namespace graft {

/// Losses that compare sums over whole areas of the labels and predictions: Dice and Tversky. With no axis one loss
/// covers the whole batch, as in Keras; with axes there is one for every position of the others.
template <class Scalar>
class OverlapLossImpl : public LossImpl<Scalar> {
 public:
  using typename LossImpl<Scalar>::In;
  using typename LossImpl<Scalar>::Out;

  LabelRule label_rule() const override { return LabelRule::same; }
  Shape loss_shape(const Shape& /*y_true*/, const Shape& y_pred) const override {
    Shape result;
    for (int axis = 0; axis < y_pred.rank(); ++axis) {
      if (!summed(axis, y_pred)) result.push_back(y_pred[axis]);
    }
    return result;
  }

  void forward(In y_true, In y_pred, Out losses) const override {
    for (Index i = 0; i < losses.shape().elements(); ++i) losses[i] = loss(sums(y_true, y_pred, i));
  }
  void backward(In y_true, In y_pred, In scale, Out gradient) const override {
    for (Index i = 0; i < scale.shape().elements(); ++i) {
      const Sums s = sums(y_true, y_pred, i);
      Scalar by_overlap = 0, by_pred = 0;
      slopes(s, by_overlap, by_pred);
      for_each(y_pred.shape(), i, [&](Index at) { gradient[at] = scale[i] * (by_overlap * y_true[at] + by_pred); });
    }
  }

 protected:
  /// sum t p, sum t, sum p over one area.
  struct Sums {
    Scalar overlap = 0, y_true = 0, y_pred = 0;
  };

  GRAFT_COLD OverlapLossImpl(std::string_view default_name, Reduction reduction, std::string_view name,
                             std::vector<Index> axes)
      : LossImpl<Scalar>(default_name, reduction, name), axes_(std::move(axes)) {}

  virtual Scalar loss(const Sums& sums) const = 0;
  /// d loss / d overlap and d loss / d y_pred.
  virtual void slopes(const Sums& sums, Scalar& by_overlap, Scalar& by_pred) const = 0;

 private:
  bool summed(int axis, const Shape& shape) const {
    if (axes_.empty()) return true;
    for (const Index a : axes_) {
      if (a == axis || a + shape.rank() == axis) return true;
    }
    return false;
  }

  // The elements of the i-th area: all that have its position on the axes that are not summed.
  template <class Visit>
  void for_each(const Shape& shape, Index i, const Visit& visit) const {
    Index start = 0, stride = 1;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      if (!summed(axis, shape)) {
        start += i % shape[axis] * stride;
        i /= shape[axis];
      }
      stride *= shape[axis];
    }
    Index at[Shape::kMaxRank] = {};
    for (Index position = start;;) {
      visit(position);
      int axis = shape.rank() - 1;
      for (stride = 1; axis >= 0; --axis) {
        if (summed(axis, shape)) {
          position += stride;
          if (++at[axis] < shape[axis]) break;
          position -= stride * shape[axis];
          at[axis] = 0;
        }
        stride *= shape[axis];
      }
      if (axis < 0) return;
    }
  }

  Sums sums(In y_true, In y_pred, Index i) const {
    Sums result;
    for_each(y_pred.shape(), i, [&](Index at) {
      result.overlap += y_true[at] * y_pred[at];
      result.y_true += y_true[at];
      result.y_pred += y_pred[at];
    });
    return result;
  }

  std::vector<Index> axes_;
};

}  // namespace graft
