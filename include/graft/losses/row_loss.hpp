#pragma once

#include "graft/losses/loss.hpp"

namespace graft {

namespace detail {
/// Keras's epsilon: probabilities are kept this far from 0 and 1.
inline constexpr double kLossEpsilon = 1e-7;
}  // namespace detail

/// Rows of labels and predictions along the class axis: element k of row r lies at [r * next + k * step].
template <class Scalar>
struct LossRows {
  const Scalar* t = nullptr;
  const Scalar* p = nullptr;
  Index rows = 0, n = 0;
  Index t_next = 0, t_step = 0;
  Index p_next = 0, p_step = 0;  ///< the gradient lies as the predictions do
  bool binary_labels = false;    ///< all labels of the call are 0 or 1; set where scans_labels() says so

  Scalar y_true(Index row, Index k) const { return t[row * t_next + k * t_step]; }
  Scalar y_pred(Index row, Index k) const { return p[row * p_next + k * p_step]; }
  Index at(Index row, Index k) const { return row * p_next + k * p_step; }
};

/// A loss that makes one number of every row of predictions along one axis. This class finds the rows, for any axis
/// and with broadcast labels; a derived class sees rows only.
template <class Scalar>
class RowLossImpl : public LossImpl<Scalar> {
 public:
  using typename LossImpl<Scalar>::In;
  using typename LossImpl<Scalar>::Out;

  int class_axis() const override { return axis_; }
  Shape loss_shape(const Shape& /*y_true*/, const Shape& y_pred) const override {
    return detail::drop_axis(y_pred, position(y_pred));
  }
  void forward(In y_true, In y_pred, Out losses) const override {
    walk(y_true, y_pred, [&](const LossRows<Scalar>& rows, Index first_loss, Index) {
      forward_rows(rows, losses.data() + first_loss);
    });
  }
  void backward(In y_true, In y_pred, In scale, Out y_pred_gradient) const override {
    walk(y_true, y_pred, [&](const LossRows<Scalar>& rows, Index first_loss, Index first) {
      backward_rows(rows, scale.data() + first_loss, y_pred_gradient.data() + first);
    });
  }

 protected:
  GRAFT_COLD RowLossImpl(std::string_view default_name, Reduction reduction, std::string_view name, int axis = -1)
      : LossImpl<Scalar>(default_name, reduction, name), axis_(axis) {}

  virtual bool scans_labels() const { return false; }
  virtual void forward_rows(const LossRows<Scalar>& rows, Scalar* losses) const = 0;
  virtual void backward_rows(const LossRows<Scalar>& rows, const Scalar* scale, Scalar* gradient) const = 0;

 private:
  int position(const Shape& y_pred) const {
    const int axis = axis_ < 0 ? axis_ + y_pred.rank() : axis_;
    if (axis < 0 || axis >= y_pred.rank()) {
      fail<ShapeError>(std::string(this->class_name()), "predictions with an axis " + std::to_string(axis_),
                       y_pred.str());
    }
    return axis;
  }

  // Calls visit(rows, index of their first loss, index of their first prediction).
  template <class Visit>
  void walk(In y_true, In y_pred, const Visit& visit) const {
    const Shape &shape = y_pred.shape(), &labels = y_true.shape();
    const int axis = position(shape);
    const Index outer = shape.product(0, axis), inner = shape.product(axis + 1, shape.rank());
    LossRows<Scalar> rows;
    rows.n = shape[axis];
    if (rows.n == 0) fail<ShapeError>(std::string(this->class_name()), "predictions that are not empty", shape.str());
    rows.p_step = inner;
    rows.binary_labels = scans_labels() && all_binary(y_true);
    const bool sparse = this->label_rule() == LabelRule::sparse;
    if (sparse || labels == shape) {
      // With the last axis all rows follow each other; otherwise those that share the outer position do.
      const Index calls = inner == 1 ? 1 : outer;
      rows.rows = inner == 1 ? outer : inner;
      rows.p_next = inner == 1 ? rows.n : 1;
      rows.t_next = sparse ? 1 : rows.p_next;
      rows.t_step = sparse ? 0 : rows.p_step;
      for (Index o = 0; o < calls; ++o) {
        rows.p = y_pred.data() + o * rows.n * inner;
        rows.t = y_true.data() + o * inner * (sparse ? 1 : rows.n);
        visit(rows, o * inner, o * rows.n * inner);
      }
      return;
    }
    // Broadcast labels: row by row, with a stride of 0 along dimensions of 1.
    rows.rows = 1;
    rows.t_step = labels[axis] == 1 ? 0 : labels.product(axis + 1, labels.rank());
    for (Index row = 0; row < outer * inner; ++row) {
      Index rest = row, label = 0, stride = 1;
      for (int d = shape.rank() - 1; d >= 0; --d) {
        if (d != axis) {
          if (labels[d] != 1) label += rest % shape[d] * stride;
          rest /= shape[d];
        }
        stride *= labels[d];
      }
      const Index first = row / inner * rows.n * inner + row % inner;
      rows.p = y_pred.data() + first;
      rows.t = y_true.data() + label;
      visit(rows, row, first);
    }
  }

  static bool all_binary(In labels) {
    for (Index i = 0; i < labels.size(); ++i) {
      if (labels[i] != Scalar(0) && labels[i] != Scalar(1)) return false;
    }
    return true;
  }

  int axis_;
};

/// Rows whose loss is the mean of a term of every element. `Term` has value(t, p) and slope(t, p) = d value / d p; for
/// labels of hinge losses it is asked with 0 and 1 made -1 and 1.
template <class Scalar, class Term>
class ElementwiseLossImpl : public RowLossImpl<Scalar> {
 protected:
  GRAFT_COLD ElementwiseLossImpl(std::string_view default_name, Reduction reduction, std::string_view name,
                                 Term term = {}, int axis = -1)
      : RowLossImpl<Scalar>(default_name, reduction, name, axis), term_(term) {}

  void forward_rows(const LossRows<Scalar>& rows, Scalar* losses) const final {
    const Scalar count = static_cast<Scalar>(rows.n);
    for (Index r = 0; r < rows.rows; ++r) {
      Scalar sum = 0;
      for (Index k = 0; k < rows.n; ++k) sum += term_.value(label(rows, r, k), rows.y_pred(r, k));
      losses[r] = sum / count;
    }
  }
  void backward_rows(const LossRows<Scalar>& rows, const Scalar* scale, Scalar* gradient) const final {
    for (Index r = 0; r < rows.rows; ++r) {
      const Scalar rate = scale[r] / static_cast<Scalar>(rows.n);
      for (Index k = 0; k < rows.n; ++k) {
        gradient[rows.at(r, k)] = rate * term_.slope(label(rows, r, k), rows.y_pred(r, k));
      }
    }
  }

 private:
  static Scalar label(const LossRows<Scalar>& rows, Index r, Index k) {
    const Scalar t = rows.y_true(r, k);
    return rows.binary_labels ? 2 * t - 1 : t;
  }

  Term term_;
};

}  // namespace graft
