#pragma once

#include <limits>

#include "graft/kernels/activation.hpp"
#include "graft/nn/layers/ops/op_layer.hpp"

namespace graft {

/// y = min(max(x, x_min), x_max). The gradient passes where x is inside, ends included.
template <class Scalar>
class ClipOpImpl final : public detail::OpLayerImpl<Scalar> {
  using Base = detail::OpLayerImpl<Scalar>;

 public:
  static constexpr std::size_t kCount = 1;
  static const char* name_of(std::size_t) { return "ops.Clip"; }

  /// Throws ConfigError unless x_min <= x_max.
  GRAFT_COLD ClipOpImpl(std::size_t, const Config& config) : Base(name_of(0), config) {
    x_min_ = config.get("x_min", -std::numeric_limits<double>::infinity());
    x_max_ = config.get("x_max", std::numeric_limits<double>::infinity());
    if (!(x_min_ <= x_max_)) {
      fail<ConfigError>(this->where(), "x_min <= x_max", std::to_string(x_min_) + " and " + std::to_string(x_max_));
    }
  }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    this->expect_inputs(inputs, 1);
    return inputs[0];
  }
  Needs needs(std::span<const Shape>, const Use& use) const override {
    Needs needs;
    needs.can_add = true;
    needs.inputs = use.input_gradients;
    needs.in_place = !needs.inputs;
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const override {
    const Scalar low = static_cast<Scalar>(x_min_), high = static_cast<Scalar>(x_max_);
    const Scalar* x = args.x().data();
    Scalar* y = args.y().data();
    parallel_for(0, args.y().size(), kernels::detail::kElementGrain, [&](Index from, Index to) {
      for (Index i = from; i < to; ++i) y[i] = x[i] < low ? low : x[i] > high ? high : x[i];
    });
  }
  void backward(const BackwardArgs<Scalar>& args) const override {
    if (!args.dx()) return;
    const Scalar low = static_cast<Scalar>(x_min_), high = static_cast<Scalar>(x_max_);
    const Scalar *x = args.x().data(), *dy = args.dy().data();
    Scalar* dx = args.dx().data();
    parallel_for(0, args.dx().size(), kernels::detail::kElementGrain, [&](Index from, Index to) {
      for (Index i = from; i < to; ++i) {
        const Scalar d = x[i] >= low && x[i] <= high ? dy[i] : Scalar(0);
        dx[i] = args.add_to_input ? dx[i] + d : d;
      }
    });
  }
  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    if (x_min_ > -std::numeric_limits<double>::infinity()) config["x_min"] = x_min_;
    if (x_max_ < std::numeric_limits<double>::infinity()) config["x_max"] = x_max_;
    return config;
  }

 private:
  double x_min_, x_max_;
};

}  // namespace graft
