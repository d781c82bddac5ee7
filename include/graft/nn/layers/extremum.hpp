#pragma once

#include "graft/nn/layers/merge_layer.hpp"

namespace graft::detail {

/// Base of Maximum and Minimum. Of equal inputs the first gets the gradient, which is TensorFlow's rule. NaN wins.
template <class Scalar, bool kMaximum>
class ExtremumImpl : public MergeLayerImpl<Scalar> {
  using ConstView = TensorView<const Scalar>;

 public:
  Needs needs(std::span<const Shape> inputs, const Use& use) const final {
    Needs needs = this->merge_needs(inputs, use.input_gradients);
    needs.outputs = use.input_gradients;
    if (use.input_gradients) needs.scratch_bytes = this->output_bytes(inputs);
    return needs;
  }

  void forward(const ForwardArgs<Scalar>& args) const final {
    this->join_masks(args);
    pick(args.x(0), args.x(args.inputs.size() > 1 ? 1 : 0), args.y());
    for (std::size_t i = 2; i < args.inputs.size(); ++i) pick(args.y(), args.x(i), args.y());
  }

  void backward(const BackwardArgs<Scalar>& args) const final {
    if (!args.use.input_gradients) return;
    const Scalar* y = args.y().data();
    Scalar* left = reinterpret_cast<Scalar*>(args.scratch);  // of dy, for the inputs that follow
    kernels::scaled(args.dy().size(), Scalar(1), args.dy().data(), left);
    for (std::size_t i = 0; i < args.inputs.size(); ++i) {
      const Scalar* x = args.x(i).data();
      Scalar* dx = args.dx(i).data();
      const auto desc = laid_over(args.dy().shape(), args.x(i).shape(), args.x(i).shape());
      if (dx && !args.add_to_input) std::fill_n(dx, args.dx(i).size(), Scalar(0));
      const Index cols = desc.cols(), step = desc.p_step();
      kernels::broadcast_rows_into_p(desc, [&](Index row, Index at, Index) {
        for (Index c = 0; c < cols; ++c) {
          const Index to = row * cols + c, from = at + c * step;
          if (loses(x[from], y[to])) continue;
          if (dx) dx[from] += left[to];
          left[to] = 0;
        }
      });
    }
  }

 protected:
  using MergeLayerImpl<Scalar>::MergeLayerImpl;

 private:
  static bool loses(Scalar a, Scalar b) { return kMaximum ? a < b : a > b; }
  static void pick(const ConstView& p, const ConstView& q, const TensorView<Scalar>& y) {
    const auto desc = laid_over(y.shape(), p.shape(), q.shape());
    const Index cols = desc.cols(), p_step = desc.p_step(), q_step = desc.q_step();
    kernels::broadcast_rows(desc, [&](Index row, Index at_p, Index at_q) {
      Scalar* to = y.data() + row * cols;
      for (Index c = 0; c < cols; ++c) {
        const Scalar a = p[at_p + c * p_step], b = q[at_q + c * q_step];
        to[c] = loses(b, a) || a == b || a != a ? a : b;
      }
    });
  }
};

}  // namespace graft::detail
