#pragma once

#include <optional>

#include "graft/losses/row_loss.hpp"

namespace graft {

/// A loss of class indices: labels have the predictions' shape without the class axis. Every label is checked before it
/// is used as an index.
template <class Scalar>
class SparseLossImpl : public RowLossImpl<Scalar> {
 public:
  using typename LossImpl<Scalar>::In;

  LabelRule label_rule() const final { return LabelRule::sparse; }
  bool has_mask() const final { return ignore_class_.has_value(); }
  bool is_valid(In y_true, Index i) const final { return !ignored(y_true[i]); }

  GRAFT_COLD void check_labels(In y_true, const Shape& y_pred) const final {
    (void)this->fit_shapes(y_true.shape(), y_pred);
    const Index classes = y_pred[this->class_axis()];
    for (Index i = 0; i < y_true.size(); ++i) {
      if (!ignored(y_true[i]) && !is_index(y_true[i], classes)) this->bad_label(y_true, i, wanted(classes));
    }
  }

 protected:
  GRAFT_COLD SparseLossImpl(std::string_view default_name, Reduction reduction, std::string_view name, int axis,
                            std::optional<Index> ignore_class)
      : RowLossImpl<Scalar>(default_name, reduction, name, axis), ignore_class_(ignore_class) {}

  virtual Scalar row_loss(const LossRows<Scalar>& rows, Index r, Index label) const = 0;
  virtual void row_gradient(const LossRows<Scalar>& rows, Index r, Index label, Scalar scale,
                            Scalar* gradient) const = 0;

  void forward_rows(const LossRows<Scalar>& rows, Scalar* losses) const final {
    for (Index r = 0; r < rows.rows; ++r) {
      losses[r] = ignored(rows.y_true(r, 0)) ? Scalar(0) : row_loss(rows, r, label(rows, r));
    }
  }
  void backward_rows(const LossRows<Scalar>& rows, const Scalar* scale, Scalar* gradient) const final {
    for (Index r = 0; r < rows.rows; ++r) {
      if (ignored(rows.y_true(r, 0))) {
        for (Index k = 0; k < rows.n; ++k) gradient[rows.at(r, k)] = 0;
      } else {
        row_gradient(rows, r, label(rows, r), scale[r], gradient);
      }
    }
  }

 private:
  bool ignored(Scalar label) const { return ignore_class_ && label == static_cast<Scalar>(*ignore_class_); }
  static bool is_index(Scalar label, Index classes) {
    return label >= 0 && label < static_cast<Scalar>(classes) &&
           label == static_cast<Scalar>(static_cast<Index>(label));
  }
  static std::string wanted(Index classes) { return "class indices 0 to " + std::to_string(classes - 1); }

  Index label(const LossRows<Scalar>& rows, Index r) const {
    const Scalar value = rows.y_true(r, 0);
    if (!is_index(value, rows.n)) this->bad_label({rows.t, {rows.rows}}, r, wanted(rows.n));
    return static_cast<Index>(value);
  }

  std::optional<Index> ignore_class_;
};

}  // namespace graft
