#pragma once

#include "graft/nn/layer.hpp"
#include "graft/nn/layers/layer_options.hpp"

namespace graft::detail {

/// What a layer with an argument `activation` does around its linear part z: y = f(z). Decides where z lies, what
/// backward needs, and turns dy into dz. Its memory comes first in cache and scratch; the layer's own follows.
template <class Scalar>
class Activated {
 public:
  Activated(const ActivationFunction& f, const Shape& z_shape) : f_(f), z_shape_(z_shape) {}

  void require(Needs& needs, const Use& use) const {
    needs.outputs = needs.outputs || (use.backward() && f_.needs_output());
    needs.cache_bytes += cache_bytes(use);
    needs.scratch_bytes += scratch_bytes(use);
  }
  Index cache_bytes(const Use& use) const { return use.backward() && f_.needs_input() ? bytes() : 0; }
  Index scratch_bytes(const Use& use) const {
    const bool forward_aside = !use.backward() && !f_.in_place();
    return forward_aside || (use.backward() && !f_.linear()) ? bytes() : 0;
  }

  /// Where forward puts z: where backward will look for it, or where f can read it while it writes y, else on y.
  Scalar* z(const ForwardArgs<Scalar>& args) const {
    std::byte* aside = this->aside(args);
    return aside ? reinterpret_cast<Scalar*>(aside) : args.y().data();
  }
  /// What the linear part applies itself, if it can: f, when z is never looked at, else nothing.
  kernels::ActivationParams fused(const ForwardArgs<Scalar>& args) const {
    return fuses(args) ? f_.params() : kernels::ActivationParams{};
  }
  void finish(const ForwardArgs<Scalar>& args) const {
    if (fuses(args) || (f_.linear() && !aside(args))) return;
    f_.forward(TensorView<const Scalar>(z(args), z_shape_), args.y());
  }

  /// dz = dy f'(z)
  const Scalar* dz(const BackwardArgs<Scalar>& args) const {
    if (f_.linear()) return args.dy().data();
    const TensorView<Scalar> into(reinterpret_cast<Scalar*>(args.scratch), z_shape_);
    const TensorView<const Scalar> z(reinterpret_cast<const Scalar*>(f_.needs_input() ? args.cache : nullptr),
                                     z_shape_);
    f_.backward(z, args.y(), args.dy(), into);
    return into.data();
  }

 private:
  Index bytes() const { return round_up_64(z_shape_.elements() * static_cast<Index>(sizeof(Scalar))); }
  std::byte* aside(const ForwardArgs<Scalar>& args) const {
    return args.use.backward() && f_.needs_input() ? args.cache : f_.in_place() ? nullptr : args.scratch;
  }
  bool fuses(const ForwardArgs<Scalar>& args) const { return !aside(args) && f_.fusable(); }

  const ActivationFunction& f_;
  Shape z_shape_;
};

}  // namespace graft::detail
