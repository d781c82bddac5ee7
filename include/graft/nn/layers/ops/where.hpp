#pragma once

#include "graft/kernels/strided.hpp"
#include "graft/nn/layers/ops/op_layer.hpp"

namespace graft {

/// y = x1 where the condition is not 0, else x2, with NumPy's broadcasting. Each of the three may be a constant of the
/// config. The condition has no gradient.
template <class Scalar>
class WhereOpImpl final : public detail::OpLayerImpl<Scalar> {
  using Base = detail::OpLayerImpl<Scalar>;
  using ConstView = TensorView<const Scalar>;
  static constexpr const char* kKeys[] = {"condition", "x1", "x2"};

 public:
  static constexpr std::size_t kCount = 1;
  static const char* name_of(std::size_t) { return "ops.Where"; }

  /// Throws ConfigError when all are constants.
  GRAFT_COLD WhereOpImpl(std::size_t, const Config& config)
      : Base(name_of(0), config), constants_{{config, kKeys[0]}, {config, kKeys[1]}, {config, kKeys[2]}} {
    for (const auto& constant : constants_) count_ += constant.constant() ? 0 : 1;
    if (count_ == 0) fail<ConfigError>(this->where(), "at least one tensor", "three constants");
  }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    this->expect_inputs(inputs, count_);
    std::size_t next = 0;
    Shape shapes[3];
    for (std::size_t place = 0; place < 3; ++place) {
      shapes[place] = constants_[place].constant() ? constants_[place].shape() : inputs[next++];
    }
    const Shape values = detail::broadcast_shape(shapes[1], shapes[2], this->where());
    return detail::broadcast_shape(shapes[0], values, this->where());
  }
  bool differentiable(std::size_t input) const override { return input != 0 || constants_[0].constant(); }
  Needs needs(std::span<const Shape>, const Use& use) const override {
    Needs needs;
    needs.can_add = true;
    needs.inputs = use.input_gradients;  // the condition
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const override {
    const Reader condition(operand(0, args.inputs), args.y().shape()), a(operand(1, args.inputs), args.y().shape()),
        b(operand(2, args.inputs), args.y().shape());
    Scalar* y = args.y().data();
    parallel_for(0, args.y().size(), 4096, [&](Index from, Index to) {
      for (Index i = from; i < to; ++i) y[i] = condition.at(i) != 0 ? a.at(i) : b.at(i);
    });
  }
  void backward(const BackwardArgs<Scalar>& args) const override {
    const Shape& full = args.dy().shape();
    std::size_t next = constants_[0].constant() ? 0 : 1;
    if (next == 1 && args.dx(0) && !args.add_to_input) std::fill_n(args.dx(0).data(), args.dx(0).size(), Scalar(0));
    for (std::size_t place = 1; place < 3; ++place) {
      if (constants_[place].constant()) continue;
      const TensorView<Scalar>& dx = args.dx(next++);
      if (!dx) continue;
      if (!args.add_to_input) std::fill_n(dx.data(), dx.size(), Scalar(0));
      const Reader condition(operand(0, args.inputs), full), to(ConstView(dx), full);
      for (Index i = 0; i < args.dy().size(); ++i) {
        if ((condition.at(i) != 0) == (place == 1)) dx[to.offset(i)] += args.dy()[i];
      }
    }
  }
  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    for (std::size_t place = 0; place < 3; ++place) constants_[place].write(config, kKeys[place]);
    return config;
  }

 private:
  /// An operand repeated to a larger shape.
  class Reader {
   public:
    Reader(const ConstView& view, const Shape& full) : data_(view.data()) {
      const Shape own = detail::padded_in_front(view.shape(), full.rank());
      Index stride = view.shape().elements();
      for (int axis = 0; axis < full.rank(); ++axis) {
        if (own[axis] > 0) stride /= own[axis];
        desc_.push(full[axis], own[axis] == 1 ? 0 : stride);
      }
    }
    Index offset(Index i) const {
      Index at = 0;
      for (int axis = desc_.rank - 1; axis >= 0; --axis) {
        at += i % desc_.dims[axis] * desc_.strides[axis];
        i /= desc_.dims[axis];
      }
      return at;
    }
    Scalar at(Index i) const { return data_[offset(i)]; }

   private:
    const Scalar* data_;
    kernels::StridedDesc desc_;
  };

  ConstView operand(std::size_t place, std::span<const ConstView> inputs) const {
    if (constants_[place].constant()) return constants_[place].view();
    std::size_t input = 0;
    for (std::size_t before = 0; before < place; ++before) input += constants_[before].constant() ? 0 : 1;
    return inputs[input];
  }

  std::size_t count_ = 0;
  detail::OpOperand<Scalar> constants_[3];
};

}  // namespace graft
