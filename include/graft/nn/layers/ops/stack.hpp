#pragma once

#include "graft/nn/layers/ops/strided_op.hpp"

namespace graft {

/// Joins tensors of one shape along a new axis, `axis` of the result.
template <class Scalar>
class StackOpImpl final : public detail::OpLayerImpl<Scalar> {
  using Base = detail::OpLayerImpl<Scalar>;

 public:
  static constexpr std::size_t kCount = 1;
  static const char* name_of(std::size_t) { return "ops.Stack"; }

  GRAFT_COLD StackOpImpl(std::size_t, const Config& config)
      : Base(name_of(0), config), axis_(config.get("axis", Index(0))) {}

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    if (inputs.empty()) this->expect_inputs(inputs, 1);
    Shape joined = inputs[0];
    for (const Shape& input : inputs) {
      if (!input.compatible(joined)) {
        fail<ShapeError>(this->where(), "tensors of one shape", inputs[0].str() + " and " + input.str());
      }
      for (int axis = 0; axis < joined.rank(); ++axis) {
        if (joined[axis] == Shape::kUnknown) joined[axis] = input[axis];
      }
    }
    const int at = detail::axis_of(axis_, joined.rank() + 1, this->where());
    Shape result;
    for (int axis = 0; axis <= joined.rank(); ++axis) {
      if (axis == at) result.push_back(static_cast<Index>(inputs.size()));
      if (axis < joined.rank()) result.push_back(joined[axis]);
    }
    return result;
  }
  Needs needs(std::span<const Shape>, const Use&) const override {
    Needs needs;
    needs.can_add = true;
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const override {
    for (std::size_t i = 0; i < args.inputs.size(); ++i) {
      kernels::scatter(place(args.y().shape(), i), args.x(i).data(), args.y().data());
    }
  }
  void backward(const BackwardArgs<Scalar>& args) const override {
    for (std::size_t i = 0; i < args.input_gradients.size(); ++i) {
      if (args.dx(i))
        kernels::gather(place(args.dy().shape(), i), args.dy().data(), args.dx(i).data(), args.add_to_input);
    }
  }
  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["axis"] = axis_;
    return config;
  }

 private:
  /// Where tensor i lies in the result.
  kernels::StridedDesc place(const Shape& result, std::size_t i) const {
    const int at = detail::axis_of(axis_, result.rank(), this->name());
    kernels::StridedDesc desc;
    desc.offset = static_cast<Index>(i) * detail::stride_of(result, at);
    for (int axis = 0; axis < result.rank(); ++axis) {
      if (axis != at) desc.push(result[axis], detail::stride_of(result, axis));
    }
    return desc;
  }

  Index axis_;
};

}  // namespace graft
