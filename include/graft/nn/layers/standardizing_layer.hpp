#pragma once

#include <algorithm>

#include "graft/core/thread_pool.hpp"
#include "graft/kernels/broadcast_desc.hpp"
#include "graft/nn/layer.hpp"
#include "graft/nn/layers/layer_options.hpp"

namespace graft::detail {

/// Base of Rescaling and Normalization: y = (x - center) * factor + shift, with three numbers for each position on some
/// axes of the input.
template <class Scalar>
class StandardizingLayerImpl : public LayerImpl<Scalar> {
 public:
  bool supports_masking() const override { return true; }
  Needs needs(std::span<const Shape> inputs, const Use&) const final {
    Needs needs;
    needs.can_add = needs.in_place = true;
    needs.scratch_bytes = 3 * small_shape(inputs[0]).elements() * static_cast<Index>(sizeof(Scalar));
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const final {
    const Scalar* x = args.x().data();
    Scalar* y = args.y().data();
    each(args, args.x().shape(),
         [=](Index i, Scalar center, Scalar factor, Scalar shift) { y[i] = (x[i] - center) * factor + shift; });
  }
  void backward(const BackwardArgs<Scalar>& args) const final {
    if (!args.dx()) return;
    const Scalar* dy = args.dy().data();
    Scalar* dx = args.dx().data();
    const bool add = args.add_to_input;
    each(args, args.dy().shape(),
         [=](Index i, Scalar, Scalar factor, Scalar) { dx[i] = (add ? dx[i] : Scalar(0)) + dy[i] * factor; });
  }

 protected:
  using LayerImpl<Scalar>::LayerImpl;

  /// The input's shape with 1 for every axis along which the numbers do not change.
  virtual Shape small_shape(const Shape& input) const = 0;
  /// Writes the numbers, `count` of each.
  virtual void terms(Index count, Scalar* center, Scalar* factor, Scalar* shift) const = 0;

 private:
  template <class Args, class Fn>
  void each(const Args& args, const Shape& shape, const Fn& fn) const {
    const Shape small = small_shape(shape);
    const Index count = small.elements();
    Scalar* center = reinterpret_cast<Scalar*>(args.scratch);
    Scalar *factor = center + count, *shift = factor + count;
    terms(count, center, factor, shift);
    const auto desc = kernels::broadcast_desc(shape.rank(), shape.begin(), small.begin(), small.begin());
    const Index cols = desc.cols(), step = desc.p_step();
    parallel_for(0, desc.rows(), 65536 / std::max<Index>(cols, 1) + 1, [&](Index from, Index to) {
      kernels::for_each_broadcast_row(desc, from, to, [&](Index row, Index at, Index) {
        for (Index c = 0; c < cols; ++c) {
          const Index j = at + c * step;
          fn(row * cols + c, center[j], factor[j], shift[j]);
        }
      });
    });
  }
};

}  // namespace graft::detail
