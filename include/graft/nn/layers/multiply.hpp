#pragma once

#include "graft/nn/layers/merge_layer.hpp"

namespace graft {

using MultiplyOptions = MergeOptions;

template <class Scalar>
class MultiplyImpl final : public detail::MergeLayerImpl<Scalar> {
  using ConstView = TensorView<const Scalar>;

 public:
  GRAFT_COLD explicit MultiplyImpl(const MultiplyOptions& options)
      : detail::MergeLayerImpl<Scalar>("Multiply", options) {}
  std::string_view class_name() const override { return "Multiply"; }

  Needs needs(std::span<const Shape> inputs, const Use& use) const override {
    Needs needs = this->merge_needs(inputs, use.input_gradients);
    if (use.input_gradients && inputs.size() > 2) needs.scratch_bytes = this->output_bytes(inputs);
    return needs;
  }

  void forward(const ForwardArgs<Scalar>& args) const override {
    this->join_masks(args);
    if (args.inputs.size() == 1) return kernels::scaled(args.y().size(), Scalar(1), args.x().data(), args.y().data());
    product(args.x(0), args.x(1), args.y());
    for (std::size_t i = 2; i < args.inputs.size(); ++i) product(args.y(), args.x(i), args.y());
  }

  /// dx_i = dy * product of the other inputs, summed over the axes along which x_i was repeated.
  void backward(const BackwardArgs<Scalar>& args) const override {
    const std::size_t count = args.input_gradients.size();
    const TensorView<Scalar> aside(reinterpret_cast<Scalar*>(args.scratch), args.dy().shape());
    for (std::size_t i = 0; i < count; ++i) {
      const TensorView<Scalar>& dx = args.dx(i);
      if (!dx) continue;
      ConstView slope = args.dy();
      const std::size_t last = i + 1 == count ? count - 2 : count - 1;  // the factor that is left for the end
      for (std::size_t j = 0; count > 2 && j < last; ++j) {
        if (j == i) continue;
        product(slope, args.x(j), aside);
        slope = aside;
      }
      if (count > 1) accumulate(slope, args.x(last), dx, args.add_to_input);
      else if (args.add_to_input) kernels::add(dx.size(), dx.data(), slope.data(), dx.data());
      else kernels::scaled(dx.size(), Scalar(1), slope.data(), dx.data());
    }
  }

 private:
  static void product(const ConstView& p, const ConstView& q, const TensorView<Scalar>& y) {
    if (p.size() == y.size() && q.size() == y.size()) {
      kernels::multiply(y.size(), p.data(), q.data(), y.data());
    } else {
      kernels::broadcast_multiply(detail::laid_over(y.shape(), p.shape(), q.shape()), p.data(), q.data(), y.data());
    }
  }
  /// dx (+)= sum of slope * x
  static void accumulate(const ConstView& slope, const ConstView& x, const TensorView<Scalar>& dx, bool add) {
    if (dx.size() == slope.size() && !add) return product(slope, x, dx);
    const auto desc = detail::laid_over(slope.shape(), dx.shape(), x.shape());
    kernels::broadcast_dot(desc, slope.data(), x.data(), dx.data(), add);
  }
};

/// The product of its inputs, element by element: `Multiply()({a, b})`. Shapes are broadcast behind the batch: missing
/// axes are put right behind it, and axes of size 1 are repeated; (batch, 1, 1, C) against (batch, H, W, C) is the
/// squeeze-and-excite of many networks. Throws ShapeError for inputs that do not fit.
template <class Scalar = float>
class Multiply : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Multiply(const MultiplyOptions& options = {})
      : Layer<Scalar>(new MultiplyImpl<Scalar>(options)) {}

  GRAFT_COLD static Multiply from_config(const Config& config) { return Multiply(detail::read_merge_options(config)); }
};

}  // namespace graft
