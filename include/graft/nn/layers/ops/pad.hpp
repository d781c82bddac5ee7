#pragma once

#include "graft/nn/layers/ops/strided_op.hpp"

namespace graft {

/// Puts elements around a tensor: `pad_width` is a list [before, after] for each axis, one for all axes, or a number.
/// mode "constant": constant_values (0); "reflect": the inside mirrored without its border; "symmetric": with it.
template <class Scalar>
class PadOpImpl final : public detail::OpLayerImpl<Scalar> {
  using Base = detail::OpLayerImpl<Scalar>;

 public:
  static constexpr std::size_t kCount = 1;
  static const char* name_of(std::size_t) { return "ops.Pad"; }

  /// Throws ConfigError for negative widths and other modes.
  GRAFT_COLD PadOpImpl(std::size_t, const Config& config)
      : Base(name_of(0), config), mode_name_(config.get("mode", "constant")) {
    for (char& c : mode_name_) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (mode_name_ == "constant") mode_ = Mode::constant;
    else if (mode_name_ == "reflect") mode_ = Mode::reflect;
    else if (mode_name_ == "symmetric") mode_ = Mode::symmetric;
    else fail<ConfigError>(this->where(), "mode constant, reflect or symmetric", "\"" + mode_name_ + "\"");
    constant_ = config.get("constant_values", 0.0);
    const NumberOrList given = NumberOrList::from_config(config.at("pad_width"), "pad_width");
    const Shape& shape = given.shape();
    const bool fits =
        given.given() && shape.rank() <= 2 && (shape.rank() == 0 || shape.back() == 2 || shape.back() == 1);
    if (!fits) fail<ConfigError>(this->where(), "pad_width as a number, a pair, or pairs", "something else");
    for (const double value : given.values()) {
      if (!(value >= 0 && value <= 1e9)) fail<ConfigError>(this->where(), "widths of 0 or more", std::to_string(value));
      // A number stands for both sides.
      for (int i = shape.rank() == 0 || shape.back() == 1 ? 2 : 1; i > 0; --i)
        widths_.push_back(static_cast<Index>(value));
    }
  }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    this->expect_inputs(inputs, 1);
    const Shape& input = inputs[0];
    if (widths_.size() != 2 && widths_.size() != 2 * static_cast<std::size_t>(input.rank())) {
      fail<ShapeError>(this->where(), "a tensor of rank " + std::to_string(widths_.size() / 2), input.str());
    }
    Shape result;
    for (int axis = 0; axis < input.rank(); ++axis) {
      const Index dim = input[axis], room = mode_ == Mode::reflect ? dim - 1 : dim;
      const bool mirrors = mode_ != Mode::constant && dim != Shape::kUnknown;
      if (mirrors && std::max(before(axis), after(axis)) > std::max<Index>(room, 0)) {
        fail<ShapeError>(this->where(), "widths that the inside can fill", input.str());
      }
      const Index width = before(axis) + after(axis);
      result.push_back(dim == Shape::kUnknown ? dim : dim + width);
    }
    return result;
  }
  Needs needs(std::span<const Shape>, const Use&) const override {
    Needs needs;
    needs.can_add = true;
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const override {
    if (mode_ == Mode::constant) {
      std::fill_n(args.y().data(), args.y().size(), static_cast<Scalar>(constant_));
      return kernels::scatter(inside(args.x().shape(), args.y().shape()), args.x().data(), args.y().data());
    }
    const Scalar* x = args.x().data();
    each(args.x().shape(), args.y().shape(), [&](Index i, Index from) { args.y()[i] = x[from]; });
  }
  void backward(const BackwardArgs<Scalar>& args) const override {
    if (!args.dx()) return;
    Scalar* dx = args.dx().data();
    if (mode_ == Mode::constant) {
      return kernels::gather(inside(args.dx().shape(), args.dy().shape()), args.dy().data(), dx, args.add_to_input);
    }
    if (!args.add_to_input) std::fill_n(dx, args.dx().size(), Scalar(0));
    each(args.dx().shape(), args.dy().shape(), [&](Index i, Index from) { dx[from] += args.dy()[i]; });
  }
  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    Config& widths = config["pad_width"] = Config::array();
    for (std::size_t i = 0; i < widths_.size(); i += 2) widths.push_back(Config::array({widths_[i], widths_[i + 1]}));
    config["mode"] = mode_name_;
    if (mode_ == Mode::constant) config["constant_values"] = constant_;
    return config;
  }

 private:
  enum class Mode { constant, reflect, symmetric };

  Index before(int axis) const { return widths_[widths_.size() == 2 ? 0 : static_cast<std::size_t>(2 * axis)]; }
  Index after(int axis) const { return widths_[widths_.size() == 2 ? 1 : static_cast<std::size_t>(2 * axis + 1)]; }

  /// Where the input lies in the output.
  kernels::StridedDesc inside(const Shape& input, const Shape& output) const {
    kernels::StridedDesc desc;
    for (int axis = 0; axis < input.rank(); ++axis) {
      const Index stride = detail::stride_of(output, axis);
      desc.offset += before(axis) * stride;
      desc.push(input[axis], stride);
    }
    return desc;
  }
  /// fn(element of the output, the element of the input that it mirrors), one after the other.
  template <class Fn>
  void each(const Shape& input, const Shape& output, const Fn& fn) const {
    const Index total = output.elements();
    for (Index i = 0; i < total; ++i) {
      Index rest = i, from = 0;
      for (int axis = input.rank() - 1; axis >= 0; --axis) {
        const Index dim = input[axis], at = rest % output[axis] - before(axis);
        const Index border = mode_ == Mode::reflect ? 0 : 1;
        from += (at < 0 ? -at - border : at >= dim ? 2 * dim - at - 2 + border : at) * detail::stride_of(input, axis);
        rest /= output[axis];
      }
      fn(i, from);
    }
  }

  std::string mode_name_;
  Mode mode_ = Mode::constant;
  double constant_ = 0;
  std::vector<Index> widths_;
};

}  // namespace graft
