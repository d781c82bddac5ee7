#pragma once

#include "graft/kernels/strided.hpp"
#include "graft/nn/layers/ops/op_layer.hpp"

namespace graft::detail {

/// Where the elements of an output stand in the input.
struct StridedMap {
  Shape shape;  ///< of the output
  kernels::StridedDesc desc;
};

/// Elements from one position of an axis to the next. Of no meaning in shapes that are not known.
inline Index stride_of(const Shape& shape, int axis) {
  Index stride = 1;
  for (int a = axis + 1; a < shape.rank(); ++a) stride *= shape[a];
  return stride;
}

/// Base of the operations whose output elements are input elements: slices, transposes, repetitions. Backward adds up.
template <class Scalar>
class StridedOpImpl : public OpLayerImpl<Scalar> {
 public:
  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const final {
    this->expect_inputs(inputs, 1);
    Shape known;
    for (const Index dim : inputs[0]) known.push_back(dim == Shape::kUnknown ? 1 : dim);
    (void)known.elements();  // throws where strides would overflow
    return map(inputs[0]).shape;
  }
  Needs needs(std::span<const Shape>, const Use&) const final {
    Needs needs;
    needs.can_add = true;
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const final {
    kernels::gather(map(args.x().shape()).desc, args.x().data(), args.y().data());
  }
  void backward(const BackwardArgs<Scalar>& args) const final {
    if (!args.dx()) return;
    if (!args.add_to_input) std::fill_n(args.dx().data(), args.dx().size(), Scalar(0));
    kernels::scatter(map(args.dx().shape()).desc, args.dy().data(), args.dx().data(), true);
  }

 protected:
  using OpLayerImpl<Scalar>::OpLayerImpl;

  /// The desc is looked at when the input's shape is known only. Throws ShapeError. Allocates nothing.
  virtual StridedMap map(const Shape& input) const = 0;
};

}  // namespace graft::detail
