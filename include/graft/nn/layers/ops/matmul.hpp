#pragma once

#include "graft/kernels/gemm.hpp"
#include "graft/nn/layers/ops/op_layer.hpp"

namespace graft {

/// Products of matrices, the last two axes; the axes in front broadcast as NumPy's. x2 may be a constant of the config.
/// transpose_a and transpose_b take the matrices of x1 and x2 transposed.
template <class Scalar>
class MatmulOpImpl final : public detail::OpLayerImpl<Scalar> {
  using Base = detail::OpLayerImpl<Scalar>;
  using ConstView = TensorView<const Scalar>;

 public:
  static constexpr std::size_t kCount = 1;
  static const char* name_of(std::size_t) { return "ops.Matmul"; }

  GRAFT_COLD MatmulOpImpl(std::size_t, const Config& config)
      : Base(name_of(0), config),
        second_(config, "x2"),
        transpose_{config.get("transpose_a", false), config.get("transpose_b", false)} {
    if (config.find_set("x1")) fail<ConfigError>(this->where(), "a tensor as x1", "a constant");
  }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    this->expect_inputs(inputs, second_.constant() ? 1 : 2);
    const Shape &a = inputs[0], &b = second_.constant() ? second_.shape() : inputs[1];
    if (a.rank() < 2 || b.rank() < 2) fail<ShapeError>(this->where(), "matrices", a.str() + " and " + b.str());
    const Index k = inner(a, 0), k2 = inner(b, 1);
    if (k != k2 && k != Shape::kUnknown && k2 != Shape::kUnknown) {
      fail<ShapeError>(this->where(), "matrices that can be multiplied", a.str() + " and " + b.str());
    }
    Shape result = detail::broadcast_shape(a.slice(0, a.rank() - 2), b.slice(0, b.rank() - 2), this->where());
    result.push_back(outer(a, 0));
    result.push_back(outer(b, 1));
    return result;
  }
  Needs needs(std::span<const Shape>, const Use& use) const override {
    Needs needs;
    needs.can_add = true;
    needs.inputs = use.input_gradients;
    return needs;
  }

  void forward(const ForwardArgs<Scalar>& args) const override {
    const ConstView &a = args.x(0), b = second(args.inputs);
    kernels::GemmDesc desc;
    desc.m = args.y().dim(-2), desc.n = args.y().dim(-1), desc.k = inner(a.shape(), 0);
    desc.trans_a = transposed(transpose_[0]);
    desc.trans_b = transposed(transpose_[1]);
    const Index size = desc.m * desc.n;
    each(args.y().shape(), a.shape(), b.shape(), [&](Index i, Index at_a, Index at_b) {
      kernels::gemm<Scalar>(desc, {a.data() + at_a, b.data() + at_b, args.y().data() + i * size});
    });
  }

  /// da = dy bᵀ and db = aᵀ dy, or their transposes, summed over the matrices along which an operand was repeated.
  void backward(const BackwardArgs<Scalar>& args) const override {
    if (!args.use.input_gradients) return;
    const ConstView &a = args.x(0), b = second(args.inputs), &dy = args.dy();
    const Index m = dy.dim(-2), n = dy.dim(-1), k = inner(a.shape(), 0);
    for (std::size_t input = 0; input < args.input_gradients.size(); ++input) {
      const TensorView<Scalar>& dx = args.dx(input);
      if (!dx) continue;
      if (!args.add_to_input) std::fill_n(dx.data(), dx.size(), Scalar(0));
      const bool first = input == 0, turned = transpose_[input];
      kernels::GemmDesc desc;
      desc.accumulate = true;
      const bool slope_first = first != turned;  // the slopes are the first factor
      desc.m = slope_first ? (first ? m : n) : k;
      desc.n = slope_first ? k : first ? m : n;
      desc.k = first ? n : m;
      const bool with_turned = transpose_[1 - input];
      desc.trans_a = transposed(slope_first ? turned : first == with_turned);
      desc.trans_b = transposed(slope_first ? first != with_turned : turned);
      each(dy.shape(), a.shape(), b.shape(), [&](Index i, Index at_a, Index at_b) {
        const Scalar* slope = dy.data() + i * m * n;
        const Scalar* with = first ? b.data() + at_b : a.data() + at_a;
        Scalar* into = dx.data() + (first ? at_a : at_b);
        kernels::gemm<Scalar>(desc, {slope_first ? slope : with, slope_first ? with : slope, into});
      });
    }
  }

  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    second_.write(config, "x2");
    if (transpose_[0]) config["transpose_a"] = true;
    if (transpose_[1]) config["transpose_b"] = true;
    return config;
  }

 private:
  static kernels::Transpose transposed(bool yes) { return yes ? kernels::Transpose::yes : kernels::Transpose::no; }
  /// The dimension that is summed over, and the other one, of the matrices of an operand.
  Index inner(const Shape& shape, std::size_t operand) const {
    return shape[(operand == 0) != transpose_[operand] ? -1 : -2];
  }
  Index outer(const Shape& shape, std::size_t operand) const {
    return shape[(operand == 0) != transpose_[operand] ? -2 : -1];
  }
  ConstView second(std::span<const ConstView> inputs) const { return second_.constant() ? second_.view() : inputs[1]; }

  /// fn(matrix of the result, where the matrix of a starts, where that of b starts)
  template <class Fn>
  static void each(const Shape& full, const Shape& a, const Shape& b, const Fn& fn) {
    const Shape p = detail::padded_in_front(a, full.rank()), q = detail::padded_in_front(b, full.rank());
    const Index count = full.product(0, full.rank() - 2);
    for (Index i = 0; i < count; ++i) {
      Index rest = i, at_p = 0, at_q = 0;
      Index p_stride = p.product(p.rank() - 2, p.rank()), q_stride = q.product(q.rank() - 2, q.rank());
      for (int axis = full.rank() - 3; axis >= 0; --axis) {
        const Index position = rest % full[axis];
        at_p += p[axis] == 1 ? 0 : position * p_stride;
        at_q += q[axis] == 1 ? 0 : position * q_stride;
        p_stride *= p[axis];
        q_stride *= q[axis];
        rest /= full[axis];
      }
      fn(i, at_p, at_q);
    }
  }

  detail::OpOperand<Scalar> second_;
  bool transpose_[2];
};

}  // namespace graft
