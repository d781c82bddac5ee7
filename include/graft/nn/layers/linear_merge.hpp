#pragma once

#include "graft/nn/layers/merge_layer.hpp"

namespace graft::detail {

/// Base of Add, Subtract and Average: y = sum over i of factor(i) * x_i. Backward reads nothing but dy.
template <class Scalar>
class LinearMergeImpl : public MergeLayerImpl<Scalar> {
  using ConstView = TensorView<const Scalar>;

 public:
  Needs needs(std::span<const Shape> inputs, const Use&) const final { return this->merge_needs(inputs, false); }

  void forward(const ForwardArgs<Scalar>& args) const final {
    this->join_masks(args);
    const std::size_t count = args.inputs.size();
    const TensorView<Scalar>& y = args.y();
    if (count == 1) return kernels::scaled(y.size(), factor(0, 1), args.x().data(), y.data());
    combine(factor(0, count), args.x(0), factor(1, count), args.x(1), y);
    for (std::size_t i = 2; i < count; ++i) combine(1, y, factor(i, count), args.x(i), y);
  }

  /// dx_i = factor(i) * dy, summed over the axes along which x_i was repeated.
  void backward(const BackwardArgs<Scalar>& args) const final {
    const ConstView& dy = args.dy();
    // Input 0 last: its gradient may lie on dy.
    for (std::size_t i = args.input_gradients.size(); i-- > 0;) {
      const TensorView<Scalar>& dx = args.dx(i);
      if (!dx) continue;
      const Scalar a = factor(i, args.input_gradients.size());
      if (dx.size() != dy.size()) {
        const auto desc = laid_over(dy.shape(), dx.shape(), dx.shape());
        kernels::broadcast_sum(desc, a, dy.data(), dx.data(), args.add_to_input);
      } else if (args.add_to_input) {
        kernels::axpy(dx.size(), a, dy.data(), dx.data());
      } else if (dx.data() != dy.data() || a != Scalar(1)) {
        kernels::scaled(dx.size(), a, dy.data(), dx.data());
      }
    }
  }

 protected:
  using MergeLayerImpl<Scalar>::MergeLayerImpl;
  virtual Scalar factor(std::size_t input, std::size_t count) const = 0;

 private:
  static void combine(Scalar a, const ConstView& p, Scalar b, const ConstView& q, const TensorView<Scalar>& y) {
    if (p.size() == y.size() && q.size() == y.size()) {
      kernels::axpby(y.size(), a, p.data(), b, q.data(), y.data());
    } else {
      kernels::broadcast_axpby(laid_over(y.shape(), p.shape(), q.shape()), a, p.data(), b, q.data(), y.data());
    }
  }
};

}  // namespace graft::detail
