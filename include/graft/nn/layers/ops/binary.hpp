#pragma once

#include "graft/kernels/broadcast.hpp"
#include "graft/nn/layers/ops/binary_functions.hpp"
#include "graft/nn/layers/ops/op_layer.hpp"

namespace graft {

/// y = f(x1, x2), element by element, with NumPy's broadcasting. x1 or x2 may be a constant of the config, a number or
/// lists of them; then the other is the only input. Comparisons give 0 and 1 and have no gradient.
template <class Scalar>
class BinaryOpImpl final : public detail::OpLayerImpl<Scalar> {
  using Base = detail::OpLayerImpl<Scalar>;
  using ConstView = TensorView<const Scalar>;

 public:
  static constexpr std::size_t kCount = detail::kBinaryFunctions;
  static const char* name_of(std::size_t kind) { return detail::binary_functions<Scalar>()[kind].class_name; }

  /// Throws ConfigError when both are constants.
  GRAFT_COLD BinaryOpImpl(std::size_t kind, const Config& config)
      : Base(name_of(kind), config), kind_(kind), constants_{{config, "x1"}, {config, "x2"}} {
    if (constants_[0].constant() && constants_[1].constant()) {
      fail<ConfigError>(this->where(), "at least one tensor", "two constants");
    }
  }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    this->expect_inputs(inputs, constants_[0].constant() || constants_[1].constant() ? 1 : 2);
    return detail::broadcast_shape(shape_of(0, inputs), shape_of(1, inputs), this->where());
  }
  bool differentiable(std::size_t) const override { return function().slopes[0] != nullptr; }

  Needs needs(std::span<const Shape> inputs, const Use& use) const override {
    Needs needs;
    needs.can_add = true;
    needs.inputs = use.input_gradients && reads_inputs();
    needs.in_place = !needs.inputs && inputs[0].elements() == output_shape(inputs).elements();
    return needs;
  }

  void forward(const ForwardArgs<Scalar>& args) const override {
    const ConstView a = operand(0, args.inputs), b = operand(1, args.inputs);
    const TensorView<Scalar>& y = args.y();
    if (kind_ <= detail::kBinaryMultiply) return fast_forward(a, b, y);
    const auto desc = laid_over(y.shape(), a.shape(), b.shape());
    if (is_empty(desc)) return;
    const auto run = function().value;
    const Index cols = desc.cols(), a_step = desc.p_step(), b_step = desc.q_step();
    if (desc.rank == 1) {
      parallel_for(0, cols, kernels::detail::kElementGrain, [&](Index from, Index to) {
        run(to - from, a.data() + from * a_step, a_step, b.data() + from * b_step, b_step, y.data() + from);
      });
      return;
    }
    kernels::broadcast_rows(desc, [&](Index row, Index at_a, Index at_b) {
      run(cols, a.data() + at_a, a_step, b.data() + at_b, b_step, y.data() + row * cols);
    });
  }

  /// dx = dy * slope, summed over the axes along which x was repeated.
  void backward(const BackwardArgs<Scalar>& args) const override {
    // Input 0 last: its gradient may lie on dy.
    for (int place = 1; place >= 0; --place) {
      if (constants_[place].constant()) continue;
      const TensorView<Scalar>& dx = args.dx(input_of(place));
      if (dx) differentiate(args, place, dx);
    }
  }

  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    constants_[0].write(config, "x1");
    constants_[1].write(config, "x2");
    return config;
  }

 private:
  const detail::BinaryFunction<Scalar>& function() const { return detail::binary_functions<Scalar>()[kind_]; }
  /// The input that stands at place 0 or 1.
  std::size_t input_of(int place) const { return place == 1 && !constants_[0].constant() ? 1 : 0; }
  Shape shape_of(int place, std::span<const Shape> inputs) const {
    return constants_[place].constant() ? constants_[place].shape() : inputs[input_of(place)];
  }
  ConstView operand(int place, std::span<const ConstView> inputs) const {
    return constants_[place].constant() ? constants_[place].view() : inputs[input_of(place)];
  }
  bool reads_inputs() const {
    if (kind_ == detail::kBinaryAdd || kind_ == detail::kBinarySubtract || !function().slopes[0]) return false;
    return kind_ != detail::kBinaryMultiply || !(constants_[0].constant() || constants_[1].constant());
  }

  static kernels::BroadcastDesc laid_over(const Shape& full, const Shape& p, const Shape& q) {
    const Shape a = detail::padded_in_front(p, full.rank()), b = detail::padded_in_front(q, full.rank());
    return kernels::broadcast_desc(full.rank(), full.begin(), a.begin(), b.begin());
  }
  static bool is_empty(const kernels::BroadcastDesc& desc) { return desc.rows() * desc.cols() <= 0; }

  /// Addition, subtraction and multiplication have vectorised kernels.
  void fast_forward(const ConstView& a, const ConstView& b, const TensorView<Scalar>& y) const {
    const bool dense = a.size() == y.size() && b.size() == y.size();
    if (kind_ == detail::kBinaryMultiply) {
      if (dense) kernels::multiply(y.size(), a.data(), b.data(), y.data());
      else if (a.size() == 1 && b.size() == y.size()) kernels::scaled(y.size(), a[0], b.data(), y.data());
      else if (b.size() == 1 && a.size() == y.size()) kernels::scaled(y.size(), b[0], a.data(), y.data());
      else kernels::broadcast_multiply(laid_over(y.shape(), a.shape(), b.shape()), a.data(), b.data(), y.data());
      return;
    }
    const Scalar sign = kind_ == detail::kBinaryAdd ? Scalar(1) : Scalar(-1);
    if (dense) kernels::axpby(y.size(), Scalar(1), a.data(), sign, b.data(), y.data());
    else
      kernels::broadcast_axpby(laid_over(y.shape(), a.shape(), b.shape()), Scalar(1), a.data(), sign, b.data(),
                               y.data());
  }

  void differentiate(const BackwardArgs<Scalar>& args, int place, const TensorView<Scalar>& dx) const {
    const ConstView& dy = args.dy();
    const auto slope = function().slopes[place];
    if (!slope) {
      if (!args.add_to_input) std::fill_n(dx.data(), dx.size(), Scalar(0));
      return;
    }
    if (kind_ == detail::kBinaryAdd || kind_ == detail::kBinarySubtract) {
      const Scalar sign = place == 1 && kind_ == detail::kBinarySubtract ? Scalar(-1) : Scalar(1);
      if (dx.size() != dy.size()) {
        kernels::broadcast_sum(laid_over(dy.shape(), dx.shape(), dx.shape()), sign, dy.data(), dx.data(),
                               args.add_to_input);
      } else if (args.add_to_input) {
        kernels::axpy(dx.size(), sign, dy.data(), dx.data());
      } else if (dx.data() != dy.data() || sign != Scalar(1)) {
        kernels::scaled(dx.size(), sign, dy.data(), dx.data());
      }
      return;
    }
    const ConstView other = operand(1 - place, args.inputs);
    const auto desc = laid_over(dy.shape(), dx.shape(), other.shape());
    if (kind_ == detail::kBinaryMultiply) {
      const bool dense = dx.size() == dy.size() && !args.add_to_input;
      if (dense && other.size() == 1) kernels::scaled(dx.size(), other[0], dy.data(), dx.data());
      else if (dense) kernels::broadcast_multiply(desc, dy.data(), other.data(), dx.data());
      else kernels::broadcast_dot(desc, dy.data(), other.data(), dx.data(), args.add_to_input);
      return;
    }
    if (!args.add_to_input) std::fill_n(dx.data(), dx.size(), Scalar(0));
    if (is_empty(desc)) return;
    const Scalar *own = operand(place, args.inputs).data(), *with = other.data();
    const Index cols = desc.cols(), own_step = desc.p_step(), with_step = desc.q_step();
    const auto run = [&](Index n, Index at_own, Index at_with, const Scalar* from) {
      if (place == 0) slope(n, own + at_own, own_step, with + at_with, with_step, from, dx.data() + at_own, own_step);
      else slope(n, with + at_with, with_step, own + at_own, own_step, from, dx.data() + at_own, own_step);
    };
    if (desc.rank == 1 && own_step == 1) {
      parallel_for(0, cols, kernels::detail::kElementGrain,
                   [&](Index from, Index to) { run(to - from, from, from * with_step, dy.data() + from); });
      return;
    }
    kernels::broadcast_rows_into_p(
        desc, [&](Index row, Index at_own, Index at_with) { run(cols, at_own, at_with, dy.data() + row * cols); });
  }

  std::size_t kind_;
  detail::OpOperand<Scalar> constants_[2];
};

}  // namespace graft
