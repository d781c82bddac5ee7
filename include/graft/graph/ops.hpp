#pragma once

#include "graft/graph/symbol.hpp"
#include "graft/nn/layers.hpp"

// keras.ops on the symbols of a functional model: graft::ops::add(x, y), graft::ops::mean(x, {1, 2}), 2.0 * x - y. Each
// call makes a layer without weights. Where a function is what a layer of Keras does, it makes that layer.
namespace graft::ops {

namespace detail {

/// Calls an operation, or a layer, by its class name.
template <class Scalar>
GRAFT_COLD Symbol<Scalar> call(const char* class_name, const Config& config, std::vector<Symbol<Scalar>> inputs) {
  return call_layer<Scalar>(make_layer<Scalar>(class_name, config), std::move(inputs)).front();
}
GRAFT_COLD inline Config one(const char* key, Config value) { return Config::object({{key, std::move(value)}}); }

GRAFT_COLD inline Config list(const std::vector<Index>& values) { return graft::detail::integers_config(values); }

}  // namespace detail

// ---- two operands, with NumPy's broadcasting; one of them may be a number or a list ----

#define GRAFT_BINARY_OP(function, class_name)                                      \
  template <class Scalar>                                                          \
  Symbol<Scalar> function(const Symbol<Scalar>& x1, const Symbol<Scalar>& x2) {    \
    return detail::call<Scalar>(class_name, Config::object(), {x1, x2});           \
  }                                                                                \
  template <class Scalar>                                                          \
  Symbol<Scalar> function(const Symbol<Scalar>& x1, const NumberOrList& x2) {      \
    return detail::call<Scalar>(class_name, detail::one("x2", x2.config()), {x1}); \
  }                                                                                \
  template <class Scalar>                                                          \
  Symbol<Scalar> function(const NumberOrList& x1, const Symbol<Scalar>& x2) {      \
    return detail::call<Scalar>(class_name, detail::one("x1", x1.config()), {x2}); \
  }

GRAFT_BINARY_OP(add, "ops.Add")
GRAFT_BINARY_OP(subtract, "ops.Subtract")
GRAFT_BINARY_OP(multiply, "ops.Multiply")
GRAFT_BINARY_OP(true_divide, "ops.TrueDivide")
GRAFT_BINARY_OP(divide, "ops.TrueDivide")
GRAFT_BINARY_OP(floor_divide, "ops.FloorDivide")
GRAFT_BINARY_OP(mod, "ops.Mod")
GRAFT_BINARY_OP(power, "ops.Power")
GRAFT_BINARY_OP(maximum, "ops.Maximum")
GRAFT_BINARY_OP(minimum, "ops.Minimum")
GRAFT_BINARY_OP(arctan2, "ops.Arctan2")
// 1 where it is so, else 0; without a gradient
GRAFT_BINARY_OP(equal, "ops.Equal")
GRAFT_BINARY_OP(not_equal, "ops.NotEqual")
GRAFT_BINARY_OP(less, "ops.Less")
GRAFT_BINARY_OP(less_equal, "ops.LessEqual")
GRAFT_BINARY_OP(greater, "ops.Greater")
GRAFT_BINARY_OP(greater_equal, "ops.GreaterEqual")
GRAFT_BINARY_OP(logical_and, "ops.LogicalAnd")
GRAFT_BINARY_OP(logical_or, "ops.LogicalOr")
#undef GRAFT_BINARY_OP

// ---- one operand, element by element ----

#define GRAFT_UNARY_OP(function, class_name)                        \
  template <class Scalar>                                           \
  Symbol<Scalar> function(const Symbol<Scalar>& x) {                \
    return detail::call<Scalar>(class_name, Config::object(), {x}); \
  }

GRAFT_UNARY_OP(negative, "ops.Negative")
GRAFT_UNARY_OP(abs, "ops.Absolute")
GRAFT_UNARY_OP(exp, "ops.Exp")
GRAFT_UNARY_OP(expm1, "ops.Expm1")
GRAFT_UNARY_OP(log, "ops.Log")
GRAFT_UNARY_OP(log1p, "ops.Log1p")
GRAFT_UNARY_OP(log10, "ops.Log10")
GRAFT_UNARY_OP(log2, "ops.Log2")
GRAFT_UNARY_OP(sqrt, "ops.Sqrt")
GRAFT_UNARY_OP(rsqrt, "ops.Rsqrt")
GRAFT_UNARY_OP(square, "ops.Square")
GRAFT_UNARY_OP(reciprocal, "ops.Reciprocal")
GRAFT_UNARY_OP(sin, "ops.Sin")
GRAFT_UNARY_OP(cos, "ops.Cos")
GRAFT_UNARY_OP(tan, "ops.Tan")
GRAFT_UNARY_OP(arctan, "ops.Arctan")
GRAFT_UNARY_OP(sinh, "ops.Sinh")
GRAFT_UNARY_OP(cosh, "ops.Cosh")
GRAFT_UNARY_OP(erf, "ops.Erf")
GRAFT_UNARY_OP(floor, "ops.Floor")
GRAFT_UNARY_OP(ceil, "ops.Ceil")
GRAFT_UNARY_OP(round, "ops.Round")
GRAFT_UNARY_OP(sign, "ops.Sign")
GRAFT_UNARY_OP(logical_not, "ops.LogicalNot")
GRAFT_UNARY_OP(isnan, "ops.Isnan")
GRAFT_UNARY_OP(zeros_like, "ops.ZerosLike")
GRAFT_UNARY_OP(ones_like, "ops.OnesLike")
GRAFT_UNARY_OP(stop_gradient, "ops.StopGradient")
#undef GRAFT_UNARY_OP

template <class Scalar>
Symbol<Scalar> clip(const Symbol<Scalar>& x, double x_min, double x_max) {
  return detail::call<Scalar>("ops.Clip", Config::object({{"x_min", x_min}, {"x_max", x_max}}), {x});
}
template <class Scalar>
Symbol<Scalar> cast(const Symbol<Scalar>& x, const std::string& dtype) {
  return detail::call<Scalar>("ops.Cast", detail::one("target_dtype", dtype), {x});
}
template <class Scalar>
Symbol<Scalar> where(const Symbol<Scalar>& condition, const Symbol<Scalar>& x1, const Symbol<Scalar>& x2) {
  return detail::call<Scalar>("ops.Where", Config::object(), {condition, x1, x2});
}

/// An activation by its name: ops::activation(x, "gelu"). Makes the layer Activation.
template <class Scalar>
Symbol<Scalar> activation(const Symbol<Scalar>& x, const ActivationFunction& function) {
  return Activation<Scalar>(function)(x);
}
template <class Scalar>
Symbol<Scalar> relu(const Symbol<Scalar>& x) {
  return activation(x, "relu");
}
template <class Scalar>
Symbol<Scalar> relu6(const Symbol<Scalar>& x) {
  return activation(x, "relu6");
}
template <class Scalar>
Symbol<Scalar> sigmoid(const Symbol<Scalar>& x) {
  return activation(x, "sigmoid");
}
template <class Scalar>
Symbol<Scalar> tanh(const Symbol<Scalar>& x) {
  return activation(x, "tanh");
}
template <class Scalar>
Symbol<Scalar> silu(const Symbol<Scalar>& x) {
  return activation(x, "silu");
}
template <class Scalar>
Symbol<Scalar> gelu(const Symbol<Scalar>& x, bool approximate = true) {
  return activation(x, activations::gelu(approximate));
}
template <class Scalar>
Symbol<Scalar> softmax(const Symbol<Scalar>& x, int axis = -1) {
  return Softmax<Scalar>({.axis = {axis}})(x);
}

// ---- reductions: along the axes that are given, else along all of them, the batch included ----

#define GRAFT_REDUCE_OP(function, class_name)                                                                    \
  template <class Scalar>                                                                                        \
  Symbol<Scalar> function(const Symbol<Scalar>& x, const std::vector<Index>& axis = {}, bool keepdims = false) { \
    const Config axes = axis.empty() ? Config() : detail::list(axis);                                            \
    return detail::call<Scalar>(class_name, Config::object({{"axis", axes}, {"keepdims", keepdims}}), {x});      \
  }

GRAFT_REDUCE_OP(sum, "ops.Sum")
GRAFT_REDUCE_OP(mean, "ops.Mean")
GRAFT_REDUCE_OP(prod, "ops.Prod")
GRAFT_REDUCE_OP(max, "ops.Max")
GRAFT_REDUCE_OP(min, "ops.Min")
GRAFT_REDUCE_OP(var, "ops.Var")
GRAFT_REDUCE_OP(std, "ops.Std")
GRAFT_REDUCE_OP(logsumexp, "ops.Logsumexp")
GRAFT_REDUCE_OP(any, "ops.Any")
GRAFT_REDUCE_OP(all, "ops.All")
GRAFT_REDUCE_OP(argmax, "ops.Argmax")
GRAFT_REDUCE_OP(argmin, "ops.Argmin")
#undef GRAFT_REDUCE_OP

template <class Scalar>
Symbol<Scalar> cumsum(const Symbol<Scalar>& x, Index axis) {
  return detail::call<Scalar>("ops.Cumsum", detail::one("axis", axis), {x});
}

// ---- shapes ----

/// `newshape` has the batch: {-1, 7, 7, 3}.
template <class Scalar>
Symbol<Scalar> reshape(const Symbol<Scalar>& x, const std::vector<Index>& newshape) {
  return detail::call<Scalar>("ops.Reshape", detail::one("newshape", detail::list(newshape)), {x});
}
template <class Scalar>
Symbol<Scalar> expand_dims(const Symbol<Scalar>& x, Index axis) {
  return detail::call<Scalar>("ops.ExpandDims", detail::one("axis", axis), {x});
}
template <class Scalar>
Symbol<Scalar> squeeze(const Symbol<Scalar>& x, const std::vector<Index>& axis = {}) {
  return detail::call<Scalar>("ops.Squeeze", detail::one("axis", axis.empty() ? Config() : detail::list(axis)), {x});
}
/// Axes count with the batch as 0; none given: in reverse order.
template <class Scalar>
Symbol<Scalar> transpose(const Symbol<Scalar>& x, const std::vector<Index>& axes = {}) {
  return detail::call<Scalar>("ops.Transpose", detail::one("axes", axes.empty() ? Config() : detail::list(axes)), {x});
}
template <class Scalar>
Symbol<Scalar> swapaxes(const Symbol<Scalar>& x, Index axis1, Index axis2) {
  return detail::call<Scalar>("ops.Swapaxes", Config::object({{"axis1", axis1}, {"axis2", axis2}}), {x});
}
template <class Scalar>
Symbol<Scalar> flip(const Symbol<Scalar>& x, const std::vector<Index>& axis = {}) {
  return detail::call<Scalar>("ops.Flip", detail::one("axis", axis.empty() ? Config() : detail::list(axis)), {x});
}
template <class Scalar>
Symbol<Scalar> tile(const Symbol<Scalar>& x, const std::vector<Index>& repeats) {
  return detail::call<Scalar>("ops.Tile", detail::one("repeats", detail::list(repeats)), {x});
}
template <class Scalar>
Symbol<Scalar> repeat(const Symbol<Scalar>& x, Index repeats, Index axis) {
  return detail::call<Scalar>("ops.Repeat", Config::object({{"repeats", repeats}, {"axis", axis}}), {x});
}
/// -1 leaves an axis as it is.
template <class Scalar>
Symbol<Scalar> broadcast_to(const Symbol<Scalar>& x, const std::vector<Index>& shape) {
  return detail::call<Scalar>("ops.BroadcastTo", detail::one("shape", detail::list(shape)), {x});
}
/// `pad_width` has a pair {before, after} for each axis, the batch included.
template <class Scalar>
Symbol<Scalar> pad(const Symbol<Scalar>& x, const std::vector<std::array<Index, 2>>& pad_width,
                   const std::string& mode = "constant", double constant_values = 0) {
  Config widths = Config::array(), config = Config::object();
  for (const auto& width : pad_width) widths.push_back(detail::list({width[0], width[1]}));
  config["pad_width"] = widths;
  config["mode"] = mode;
  config["constant_values"] = constant_values;
  return detail::call<Scalar>("ops.Pad", config, {x});
}

template <class Scalar>
Symbol<Scalar> concatenate(const std::vector<Symbol<Scalar>>& xs, int axis = -1) {
  return Concatenate<Scalar>({.axis = axis})(xs);
}
template <class Scalar>
Symbol<Scalar> stack(const std::vector<Symbol<Scalar>>& xs, Index axis = 0) {
  return detail::call<Scalar>("ops.Stack", detail::one("axis", axis), xs);
}
/// Parts of equal size.
template <class Scalar>
std::vector<Symbol<Scalar>> split(const Symbol<Scalar>& x, Index sections, Index axis) {
  const Config config = Config::object({{"indices_or_sections", sections}, {"axis", axis}});
  return call_layer<Scalar>(make_layer<Scalar>("ops.Split", config), {x});
}
template <class Scalar>
std::vector<Symbol<Scalar>> unstack(const Symbol<Scalar>& x, Index axis) {
  return call_layer<Scalar>(make_layer<Scalar>("ops.Unstack", detail::one("axis", axis)), {x});
}
template <class Scalar>
Symbol<Scalar> matmul(const Symbol<Scalar>& x1, const Symbol<Scalar>& x2) {
  return detail::call<Scalar>("ops.Matmul", Config::object(), {x1, x2});
}

// ---- slices ----

/// One part of a key: an index, a slice, newaxis or ellipsis.
class KeyPart {
 public:
  KeyPart(Index index) : config_(index) {}
  KeyPart(int index) : config_(index) {}
  GRAFT_COLD explicit KeyPart(Config config) : config_(std::move(config)) {}
  const Config& config() const { return config_; }

 private:
  Config config_;
};

/// All axes that the other parts of a key do not name.
inline KeyPart ellipsis() { return KeyPart(Config("...")); }
inline KeyPart newaxis() { return KeyPart(Config()); }
/// start:stop:step; what is not given is as in Python.
GRAFT_COLD inline KeyPart slice(std::optional<Index> start = {}, std::optional<Index> stop = {},
                                std::optional<Index> step = {}) {
  const auto value = [](const std::optional<Index>& part) { return part ? Config(*part) : Config(); };
  return KeyPart(Config::object({{"start", value(start)}, {"stop", value(stop)}, {"step", value(step)}}));
}

/// x[key]: get_item(x, {ellipsis(), 2}) is x[..., 2].
template <class Scalar>
Symbol<Scalar> get_item(const Symbol<Scalar>& x, const std::vector<KeyPart>& key) {
  Config parts = Config::array();
  for (const KeyPart& part : key) parts.push_back(part.config());
  return detail::call<Scalar>("ops.GetItem", detail::one("key", parts), {x});
}

}  // namespace graft::ops

namespace graft {

template <class Scalar>
Symbol<Scalar> operator+(const Symbol<Scalar>& a, const Symbol<Scalar>& b) {
  return ops::add(a, b);
}
template <class Scalar>
Symbol<Scalar> operator+(const Symbol<Scalar>& a, double b) {
  return ops::add(a, NumberOrList(b));
}
template <class Scalar>
Symbol<Scalar> operator+(double a, const Symbol<Scalar>& b) {
  return ops::add(NumberOrList(a), b);
}
template <class Scalar>
Symbol<Scalar> operator-(const Symbol<Scalar>& a, const Symbol<Scalar>& b) {
  return ops::subtract(a, b);
}
template <class Scalar>
Symbol<Scalar> operator-(const Symbol<Scalar>& a, double b) {
  return ops::subtract(a, NumberOrList(b));
}
template <class Scalar>
Symbol<Scalar> operator-(double a, const Symbol<Scalar>& b) {
  return ops::subtract(NumberOrList(a), b);
}
template <class Scalar>
Symbol<Scalar> operator-(const Symbol<Scalar>& x) {
  return ops::negative(x);
}
template <class Scalar>
Symbol<Scalar> operator*(const Symbol<Scalar>& a, const Symbol<Scalar>& b) {
  return ops::multiply(a, b);
}
template <class Scalar>
Symbol<Scalar> operator*(const Symbol<Scalar>& a, double b) {
  return ops::multiply(a, NumberOrList(b));
}
template <class Scalar>
Symbol<Scalar> operator*(double a, const Symbol<Scalar>& b) {
  return ops::multiply(NumberOrList(a), b);
}
template <class Scalar>
Symbol<Scalar> operator/(const Symbol<Scalar>& a, const Symbol<Scalar>& b) {
  return ops::true_divide(a, b);
}
template <class Scalar>
Symbol<Scalar> operator/(const Symbol<Scalar>& a, double b) {
  return ops::true_divide(a, NumberOrList(b));
}
template <class Scalar>
Symbol<Scalar> operator/(double a, const Symbol<Scalar>& b) {
  return ops::true_divide(NumberOrList(a), b);
}

}  // namespace graft
