#pragma once

#include "graft/nn/axis_slices.hpp"
#include "graft/nn/layers/ops/op_layer.hpp"

namespace graft {

/// y_i = x_0 + … + x_i along `axis`.
template <class Scalar>
class CumsumOpImpl final : public detail::OpLayerImpl<Scalar> {
  using Base = detail::OpLayerImpl<Scalar>;

 public:
  static constexpr std::size_t kCount = 1;
  static const char* name_of(std::size_t) { return "ops.Cumsum"; }

  GRAFT_COLD CumsumOpImpl(std::size_t, const Config& config)
      : Base(name_of(0), config), axis_(config.at("axis").as_int("axis")) {}

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    this->expect_inputs(inputs, 1);
    (void)detail::axis_of(axis_, inputs[0].rank(), this->where());
    return inputs[0];
  }
  Needs needs(std::span<const Shape>, const Use&) const override {
    Needs needs;
    needs.can_add = needs.in_place = true;
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const override {
    each(args.x().shape(), [&](Index at, Index step, Index count) {
      Scalar sum = 0;
      for (Index i = 0; i < count; ++i) args.y()[at + i * step] = sum += args.x()[at + i * step];
    });
  }
  void backward(const BackwardArgs<Scalar>& args) const override {
    if (!args.dx()) return;
    each(args.dx().shape(), [&](Index at, Index step, Index count) {
      Scalar sum = 0;
      for (Index i = count; i-- > 0;) {
        sum += args.dy()[at + i * step];
        Scalar& dx = args.dx()[at + i * step];
        dx = args.add_to_input ? dx + sum : sum;
      }
    });
  }
  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["axis"] = axis_;
    return config;
  }

 private:
  template <class Fn>
  void each(const Shape& shape, const Fn& fn) const {
    const detail::AxisSlices slices(shape, detail::axis_of(axis_, shape.rank(), this->name()));
    parallel_for(0, slices.slices(), 4096 / std::max<Index>(slices.count(), 1) + 1, [&](Index from, Index to) {
      for (Index s = from; s < to; ++s) fn(slices.start(s), slices.step(), slices.count());
    });
  }

  Index axis_;
};

}  // namespace graft
