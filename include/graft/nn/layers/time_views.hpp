#pragma once

#include "graft/nn/layers/view_layer.hpp"

// What TimeDistributed and Bidirectional are made of. None of these is a layer of Keras, and files never name them.
namespace graft::detail {

struct InnerLayerOptions {
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

/// (batch, steps, …) → (batch * steps, …): every step is a sample of its own.
template <class Scalar>
class StepsAsSamplesImpl final : public ViewLayerImpl<Scalar> {
 public:
  GRAFT_COLD explicit StepsAsSamplesImpl(const InnerLayerOptions& options)
      : ViewLayerImpl<Scalar>("StepsAsSamples", options) {}
  std::string_view class_name() const override { return "StepsAsSamples"; }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    const Shape& x = inputs[0];
    const bool known = x[0] != Shape::kUnknown && x[1] != Shape::kUnknown;
    Shape result{known ? x.product(0, 2) : Shape::kUnknown};
    for (int axis = 2; axis < x.rank(); ++axis) result.push_back(x[axis]);
    return result;
  }
};

/// The way back: (batch * steps, …) and a (batch, steps, …) that lends its shape → (batch, steps, …).
template <class Scalar>
class SamplesAsStepsImpl final : public ViewLayerImpl<Scalar> {
 public:
  GRAFT_COLD explicit SamplesAsStepsImpl(const InnerLayerOptions& options)
      : ViewLayerImpl<Scalar>("SamplesAsSteps", options) {}
  std::string_view class_name() const override { return "SamplesAsSteps"; }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    Shape result = inputs[1].slice(0, 2);
    for (int axis = 1; axis < inputs[0].rank(); ++axis) result.push_back(inputs[0][axis]);
    return result;
  }
  bool differentiable(std::size_t input) const override { return input == 0; }
  MaskFlow mask_flow(const std::vector<bool>&) const override { return {MaskFlow::Kind::pass, 1}; }
};

/// (batch, steps, …) with the steps in reverse order. The mask is that of the order outside: it stays.
template <class Scalar>
class ReverseStepsImpl final : public LayerImpl<Scalar> {
 public:
  GRAFT_COLD explicit ReverseStepsImpl(const InnerLayerOptions& options) : LayerImpl<Scalar>("ReverseSteps", options) {}
  std::string_view class_name() const override { return "ReverseSteps"; }
  bool supports_masking() const override { return true; }

  Needs needs(std::span<const Shape>, const Use&) const override {
    Needs needs;
    needs.can_add = true;
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const override { reverse(args.x(), args.y(), false); }
  void backward(const BackwardArgs<Scalar>& args) const override {
    if (args.dx()) reverse(args.dy(), args.dx(), args.add_to_input);
  }

 private:
  static void reverse(const TensorView<const Scalar>& from, const TensorView<Scalar>& to, bool add) {
    const Shape& shape = from.shape();
    const Index steps = shape[1], length = shape.product(2, shape.rank());
    parallel_for(0, shape[0] * steps, 1 + 32768 / std::max<Index>(length, 1), [&](Index first, Index last) {
      for (Index i = first; i < last; ++i) {
        const Scalar* source = from.data() + (i - i % steps + steps - 1 - i % steps) * length;
        Scalar* target = to.data() + i * length;
        if (add) kernels::add(length, target, source, target);
        else std::copy_n(source, length, target);
      }
    });
  }
};

}  // namespace graft::detail
