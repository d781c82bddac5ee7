#pragma once

#include "graft/core/array_like.hpp"
#include "graft/data/stages/stage.hpp"

namespace graft::detail {

/// The slices of arrays along their first axis.
template <class Scalar>
class TensorsSource final : public DatasetSource<Scalar> {
 public:
  GRAFT_COLD TensorsSource(Arrays<Scalar> x, Arrays<Scalar> y, ArrayLike<Scalar> sample_weight)
      : DatasetSource<Scalar>(x.samples()), x_(std::move(x)), y_(std::move(y)), weight_(std::move(sample_weight)) {
    const Index samples = x_.samples();
    const auto check = [samples](const char* what, const ArrayLike<Scalar>& array) {
      if (array.shape().rank() == 0 || array.samples() != samples) {
        fail<ShapeError>("Dataset from_tensors",
                         "as many " + std::string(what) + " as samples: " + std::to_string(samples),
                         array.shape().str());
      }
    };
    if (x_.empty() || x_[0].shape().rank() == 0) {
      fail<ShapeError>("Dataset from_tensors", "arrays whose first axis counts the samples",
                       x_.empty() ? "none" : x_[0].shape().str());
    }
    for (const auto& array : x_) check("inputs", array);
    for (const auto& array : y_) check("targets", array);
    if (!weight_) return;
    check("sample weights", weight_);
    if (weight_.shape().rank() != 1) {
      fail<ShapeError>("Dataset from_tensors, sample_weight", "shape " + Shape{samples}.str(), weight_.shape().str());
    }
  }

 protected:
  void read(Index position, DatasetWork&, Batch<Scalar>& out) const override {
    slice(x_, position, out.x);
    slice(y_, position, out.y);
    if (!weight_) return;
    ensure_shape(out.sample_weight, Shape{});
    out.sample_weight[0] = weight_.view()[position];
  }

 private:
  static void slice(const Arrays<Scalar>& arrays, Index position, std::vector<Tensor<Scalar>>& to) {
    to.resize(arrays.size());
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      const TensorView<const Scalar>& view = arrays[i].view();
      const Shape shape = view.shape().without_batch();
      copy_tensor<Scalar>({view.data() + position * shape.elements(), shape}, to[i]);
    }
  }

  Arrays<Scalar> x_, y_;
  ArrayLike<Scalar> weight_;
};

}  // namespace graft::detail
