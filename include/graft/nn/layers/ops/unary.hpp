#pragma once

#include "graft/kernels/activation.hpp"
#include "graft/nn/layers/ops/op_layer.hpp"
#include "graft/nn/layers/ops/unary_functions.hpp"

namespace graft {

/// y = f(x), element by element. Rounding, signs and tests have no gradient.
template <class Scalar>
class UnaryOpImpl final : public detail::OpLayerImpl<Scalar> {
  using Base = detail::OpLayerImpl<Scalar>;

 public:
  static constexpr std::size_t kCount = detail::kUnaryFunctions;
  static const char* name_of(std::size_t kind) { return detail::unary_functions<Scalar>()[kind].class_name; }

  GRAFT_COLD UnaryOpImpl(std::size_t kind, const Config& config) : Base(name_of(kind), config), kind_(kind) {}

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    this->expect_inputs(inputs, 1);
    return inputs[0];
  }
  bool differentiable(std::size_t) const override { return function().slope != nullptr; }

  Needs needs(std::span<const Shape>, const Use& use) const override {
    Needs needs;
    needs.can_add = true;
    needs.inputs = use.input_gradients && function().slope;
    needs.in_place = !needs.inputs;
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const override {
    const Scalar* x = args.x().data();
    Scalar* y = args.y().data();
    parallel_for(0, args.y().size(), kernels::detail::kElementGrain,
                 [&](Index from, Index to) { function().value(to - from, x + from, y + from); });
  }
  void backward(const BackwardArgs<Scalar>& args) const override {
    if (!args.dx()) return;
    Scalar* dx = args.dx().data();
    if (!function().slope) {
      if (!args.add_to_input) std::fill_n(dx, args.dx().size(), Scalar(0));
      return;
    }
    const Scalar *x = args.x().data(), *dy = args.dy().data();
    parallel_for(0, args.dx().size(), kernels::detail::kElementGrain, [&](Index from, Index to) {
      function().slope(to - from, x + from, dy + from, dx + from, args.add_to_input);
    });
  }

 private:
  const detail::UnaryFunction<Scalar>& function() const { return detail::unary_functions<Scalar>()[kind_]; }

  std::size_t kind_;
};

}  // namespace graft
