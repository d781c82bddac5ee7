#pragma once

#include <cmath>

#include "graft/nn/layers/ops/op_layer.hpp"
#include "graft/nn/layers/view_layer.hpp"

namespace graft {

/// Conversion to `target_dtype`. All numbers of a run are of its Scalar: a floating-point type changes nothing, an
/// integer type cuts the fraction off, "bool" asks for numbers other than 0. The latter two have no gradient.
template <class Scalar>
class CastOpImpl final : public detail::OpLayerImpl<Scalar> {
  using Base = detail::OpLayerImpl<Scalar>;

 public:
  static constexpr std::size_t kCount = 1;
  static const char* name_of(std::size_t) { return "ops.Cast"; }

  /// Throws ConfigError for an unknown type.
  GRAFT_COLD CastOpImpl(std::size_t, const Config& config)
      : Base(name_of(0), config), dtype_(config.get("target_dtype", "float32")) {
    if (dtype_.find("float") != std::string::npos || dtype_ == "double" || dtype_ == "half") kind_ = Kind::real;
    else if (dtype_.find("int") != std::string::npos) kind_ = Kind::integer;
    else if (dtype_ == "bool") kind_ = Kind::truth;
    else
      fail<ConfigError>(this->where(), "the name of a floating-point or integer type, or bool", "\"" + dtype_ + "\"");
  }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    this->expect_inputs(inputs, 1);
    return inputs[0];
  }
  bool differentiable(std::size_t) const override { return kind_ == Kind::real; }
  Needs needs(std::span<const Shape>, const Use&) const override {
    Needs needs;
    needs.can_add = needs.in_place = true;
    needs.is_view = kind_ == Kind::real;
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const override {
    if (kind_ == Kind::real) return detail::copy_or_add<Scalar>(args.x(), args.y());
    for (Index i = 0; i < args.y().size(); ++i) {
      const Scalar x = args.x()[i];
      args.y()[i] = kind_ == Kind::integer ? std::trunc(x) : x != 0 ? Scalar(1) : Scalar(0);
    }
  }
  void backward(const BackwardArgs<Scalar>& args) const override {
    if (!args.dx()) return;
    if (kind_ == Kind::real) detail::copy_or_add<Scalar>(args.dy(), args.dx(), args.add_to_input);
    else if (!args.add_to_input) std::fill_n(args.dx().data(), args.dx().size(), Scalar(0));
  }
  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["target_dtype"] = dtype_;
    return config;
  }

 private:
  enum class Kind { real, integer, truth };
  std::string dtype_;
  Kind kind_ = Kind::real;
};

}  // namespace graft
