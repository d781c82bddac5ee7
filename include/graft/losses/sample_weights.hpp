#pragma once

#include <string>
#include <string_view>

#include "graft/core/tensor_view.hpp"

namespace graft {

/// Sample weights, spread over losses (or metric values) that may have more dimensions than they: the weights' shape is
/// the beginning of the losses' shape. No weights mean a weight of 1 each. Throws ShapeError.
template <class Scalar>
class SampleWeights {
 public:
  SampleWeights(std::string_view where, TensorView<const Scalar> weights, const Shape& losses) : data_(weights.data()) {
    if (!weights) return;
    size_ = weights.size();
    if (losses.rank() == 0) {
      for (Index i = 0; i < size_; ++i) total_ += static_cast<double>(data_[i]);
      return;
    }
    Shape shape = weights.shape();
    while (shape.rank() > 1 && shape.back() == 1 &&
           (shape.rank() > losses.rank() || shape.back() != losses[shape.rank() - 1])) {
      shape = shape.slice(0, -1);
    }
    bool fits = shape.rank() <= losses.rank();
    for (int axis = 0; fits && axis < shape.rank(); ++axis) fits = shape[axis] == losses[axis];
    if (!fits) {
      fail<ShapeError>(std::string(where), "sample_weight of shape " + losses.slice(0, 1).str(), weights.shape().str(),
                       "There is one weight per sample.");
    }
    spread_ = losses.product(shape.rank(), losses.rank());
  }

  explicit operator bool() const { return data_ != nullptr; }
  /// One loss for the whole batch, but weights for its samples: Keras multiplies and sums.
  bool per_batch() const { return data_ && spread_ == 0; }
  Index size() const { return size_; }
  /// Weight of loss i; the sum of all weights if per_batch().
  double operator[](Index i) const {
    if (!data_) return 1.0;
    return spread_ == 0 ? total_ : static_cast<double>(data_[spread_ == 1 ? i : i / spread_]);
  }

 private:
  const Scalar* data_;
  Index size_ = 0, spread_ = 0;
  double total_ = 0;
};

}  // namespace graft
