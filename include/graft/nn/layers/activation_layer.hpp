#pragma once

#include "graft/nn/layer.hpp"
#include "graft/nn/layers/layer_options.hpp"

namespace graft::detail {

/// Base of the layers without weights that apply an activation function.
template <class Scalar>
class ActivationLayerImpl : public LayerImpl<Scalar> {
 public:
  Shape output_shape(std::span<const Shape> inputs) const override {
    return function_.output_shape(inputs[0], this->where());
  }
  bool supports_masking() const override { return true; }
  Needs needs(std::span<const Shape>, const Use& use) const override {
    Needs needs;
    needs.can_add = true;
    needs.inputs = use.backward() && function_.needs_input();
    needs.outputs = use.backward() && function_.needs_output();
    needs.in_place = function_.in_place() && !needs.inputs;
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const override { function_.forward(args.x(), args.y()); }
  void backward(const BackwardArgs<Scalar>& args) const override {
    if (args.dx()) function_.backward(args.x(), args.y(), args.dy(), args.dx(), args.add_to_input);
  }

  const ActivationFunction* elementwise() const override { return function_.fusable() ? &function_ : nullptr; }

  const ActivationFunction& function() const { return function_; }

 protected:
  template <class Options>
  GRAFT_COLD ActivationLayerImpl(std::string_view class_name, const Options& options, ActivationFunction function)
      : LayerImpl<Scalar>(class_name, options), function_(std::move(function)) {}

 private:
  ActivationFunction function_;
};

}  // namespace graft::detail
