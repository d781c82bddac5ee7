#pragma once

#include <limits>
#include <span>
#include <string>
#include <vector>

#include "graft/core/text.hpp"
#include "graft/nn/activations/activation_function.hpp"

namespace graft {

/// Keras's activation functions with their arguments, to be given to a layer: `.activation = activations::elu(0.5)`.
/// Those without arguments are named by a string.
namespace activations {

using kernels::ActivationKind;
using kernels::ActivationParams;

inline ActivationFunction relu(double negative_slope = 0.0, double max_value = std::numeric_limits<double>::infinity(),
                               double threshold = 0.0) {
  return ActivationParams{ActivationKind::relu, negative_slope, max_value, threshold, 0.0};
}

namespace detail {
inline ActivationFunction with_alpha(ActivationKind kind, double alpha) {
  ActivationParams params = ActivationParams::of(kind);
  params.alpha = alpha;
  return params;
}
inline ActivationFunction with_threshold(ActivationKind kind, double threshold, double value = 0.0) {
  ActivationParams params = ActivationParams::of(kind);
  params.threshold = threshold;
  params.value = value;
  return params;
}
}  // namespace detail

/// x if x >= 0, else negative_slope * x. The layer LeakyReLU has another default: 0.3.
inline ActivationFunction leaky_relu(double negative_slope = 0.2) {
  return detail::with_alpha(ActivationKind::leaky_relu, negative_slope);
}
inline ActivationFunction elu(double alpha = 1.0) { return detail::with_alpha(ActivationKind::elu, alpha); }
inline ActivationFunction celu(double alpha = 1.0) { return detail::with_alpha(ActivationKind::celu, alpha); }
inline ActivationFunction gelu(bool approximate = false) {
  return ActivationParams::of(approximate ? ActivationKind::gelu_tanh : ActivationKind::gelu);
}
inline ActivationFunction squareplus(double b = 4.0) { return detail::with_alpha(ActivationKind::squareplus, b); }
inline ActivationFunction soft_shrink(double threshold = 0.5) {
  return detail::with_threshold(ActivationKind::soft_shrink, threshold);
}
inline ActivationFunction hard_shrink(double threshold = 0.5) {
  return detail::with_threshold(ActivationKind::hard_shrink, threshold);
}
/// x if x > threshold, else default_value.
inline ActivationFunction threshold(double threshold, double default_value) {
  return detail::with_threshold(ActivationKind::threshold, threshold, default_value);
}
inline ActivationFunction softmax(std::vector<int> axes) {
  return {ActivationFunction::Form::softmax, std::move(axes)};
}
inline ActivationFunction softmax(int axis = -1) { return softmax(std::vector<int>{axis}); }
inline ActivationFunction log_softmax(int axis = -1) { return {ActivationFunction::Form::log_softmax, {axis}}; }
inline ActivationFunction sparsemax(int axis = -1) { return {ActivationFunction::Form::sparsemax, {axis}}; }
/// Halves the axis: the first half times the sigmoid of the second (Dauphin et al. 2017).
inline ActivationFunction glu(int axis = -1) { return {ActivationFunction::Form::glu, {axis}}; }

}  // namespace activations

namespace detail {

struct ActivationName {
  const char* name;
  ActivationFunction::Form form;
  kernels::ActivationKind kind;
};

/// The first name of a function is the one that config() writes: what both tf.keras and Keras 3 read, where they
/// differ.
GRAFT_COLD inline std::span<const ActivationName> activation_names() {
  using Form = ActivationFunction::Form;
  using Kind = kernels::ActivationKind;
  constexpr Form each = Form::elementwise;
  static constexpr ActivationName names[] = {
      {"linear", each, Kind::linear},
      {"relu", each, Kind::relu},
      {"relu6", each, Kind::relu6},
      {"leaky_relu", each, Kind::leaky_relu},
      {"elu", each, Kind::elu},
      {"selu", each, Kind::selu},
      {"celu", each, Kind::celu},
      {"gelu", each, Kind::gelu},
      {"gelu_tanh", each, Kind::gelu_tanh},
      {"swish", each, Kind::silu},
      {"silu", each, Kind::silu},
      {"mish", each, Kind::mish},
      {"sigmoid", each, Kind::sigmoid},
      {"log_sigmoid", each, Kind::log_sigmoid},
      {"hard_sigmoid", each, Kind::hard_sigmoid},
      {"hard_sigmoid_keras2", each, Kind::hard_sigmoid_keras2},
      {"hard_silu", each, Kind::hard_silu},
      {"hard_swish", each, Kind::hard_silu},
      {"tanh", each, Kind::tanh},
      {"hard_tanh", each, Kind::hard_tanh},
      {"tanh_shrink", each, Kind::tanh_shrink},
      {"softplus", each, Kind::softplus},
      {"softsign", each, Kind::softsign},
      {"exponential", each, Kind::exponential},
      {"soft_shrink", each, Kind::soft_shrink},
      {"hard_shrink", each, Kind::hard_shrink},
      {"threshold", each, Kind::threshold},
      {"squareplus", each, Kind::squareplus},
      {"sparse_plus", each, Kind::sparse_plus},
      {"sparse_sigmoid", each, Kind::sparse_sigmoid},
      {"softmax", Form::softmax, Kind::linear},
      {"log_softmax", Form::log_softmax, Kind::linear},
      {"sparsemax", Form::sparsemax, Kind::linear},
      {"glu", Form::glu, Kind::linear},
  };
  return names;
}

GRAFT_COLD inline std::vector<int> read_axes(const Config* axis) {
  std::vector<int> axes;
  if (axis && axis->is_array()) {
    for (const Config& item : axis->items()) axes.push_back(static_cast<int>(item.as_int("axis")));
  } else {
    axes.push_back(axis ? static_cast<int>(axis->as_int("axis")) : -1);
  }
  if (axes.empty()) throw ConfigError("config \"axis\": expected an axis or a list of axes, received an empty list.");
  return axes;
}

GRAFT_COLD inline Config axes_config(const std::vector<int>& axes) {
  if (axes.size() == 1) return Config(axes.front());
  Config list = Config::array();
  for (const int axis : axes) list.push_back(Config(axis));
  return list;
}

/// A function with arguments: a layer of Keras used as a function, or a function's own name.
GRAFT_COLD inline ActivationFunction activation_from_object(const std::string& class_name, const Config& c) {
  const double infinity = std::numeric_limits<double>::infinity();
  const auto slope = [&](double otherwise) { return c.get("negative_slope", c.get("alpha", otherwise)); };
  if (class_name == "LeakyReLU") return activations::leaky_relu(slope(0.3));
  if (class_name == "ELU") return activations::elu(c.get("alpha", 1.0));
  if (class_name == "ReLU" || class_name == "relu") {
    return activations::relu(slope(0.0), c.get("max_value", infinity), c.get("threshold", 0.0));
  }
  if (class_name == "Softmax") return activations::softmax(read_axes(c.find_set("axis")));
  if (class_name == "Activation") {
    const Config* inner = c.find_set("activation");
    return inner ? ActivationFunction::from_config(*inner) : ActivationFunction();
  }
  const ActivationFunction plain(class_name);
  if (!plain.elementwise()) return {plain.form(), read_axes(c.find_set("axis"))};
  if (class_name == "gelu") return activations::gelu(c.get("approximate", false));
  kernels::ActivationParams params = plain.params();
  params.alpha = slope(c.get("b", params.alpha));
  params.threshold = c.get("threshold", params.threshold);
  params.value = c.get("default_value", params.value);
  return params;
}

}  // namespace detail

GRAFT_COLD inline ActivationFunction::ActivationFunction(const std::string& name) {
  std::vector<std::string> known;
  for (const detail::ActivationName& entry : detail::activation_names()) {
    if (name == entry.name) {
      form_ = entry.form;
      params_ = kernels::ActivationParams::of(entry.kind);
      return;
    }
    known.push_back(entry.name);
  }
  throw ConfigError("activation \"" + name + "\" is not known. " + text::did_you_mean(name, known));
}

GRAFT_COLD inline std::string ActivationFunction::name() const {
  for (const detail::ActivationName& entry : detail::activation_names()) {
    if (entry.form == form_ && (!elementwise() || entry.kind == params_.kind)) return entry.name;
  }
  return "linear";
}

GRAFT_COLD inline Config ActivationFunction::config() const {
  using kernels::ActivationKind;
  const std::string own = name();
  if (own == "gelu_tanh") {
    return Config::object({{"class_name", "gelu"}, {"config", Config::object({{"approximate", true}})}});
  }
  if (*this == ActivationFunction(own)) return own;
  const auto layer = [](const char* class_name, Config options) {
    return Config::object({{"module", "keras.layers"},
                           {"class_name", class_name},
                           {"config", std::move(options)},
                           {"registered_name", Config()}});
  };
  const auto function = [&](Config options) {
    return Config::object({{"class_name", own}, {"config", std::move(options)}});
  };
  if (form_ == Form::softmax) return layer("Softmax", Config::object({{"axis", detail::axes_config(axes_)}}));
  if (!elementwise()) return function(Config::object({{"axis", detail::axes_config(axes_)}}));
  switch (params_.kind) {
    case ActivationKind::relu: {
      const bool limited = params_.max_value < std::numeric_limits<double>::infinity();
      return layer("ReLU", Config::object({{"max_value", limited ? Config(params_.max_value) : Config()},
                                           {"negative_slope", params_.alpha},
                                           {"threshold", params_.threshold}}));
    }
    case ActivationKind::leaky_relu: return layer("LeakyReLU", Config::object({{"negative_slope", params_.alpha}}));
    case ActivationKind::elu: return layer("ELU", Config::object({{"alpha", params_.alpha}}));
    case ActivationKind::celu: return function(Config::object({{"alpha", params_.alpha}}));
    case ActivationKind::squareplus: return function(Config::object({{"b", params_.alpha}}));
    case ActivationKind::threshold:
      return function(Config::object({{"threshold", params_.threshold}, {"default_value", params_.value}}));
    default: return function(Config::object({{"threshold", params_.threshold}}));
  }
}

GRAFT_COLD inline ActivationFunction ActivationFunction::from_config(const Config& config) {
  if (config.is_null()) return {};
  if (config.is_string()) return ActivationFunction(config.as_string());
  const Config* inner = config.find_set("config");
  // Keras 3 writes a plain function as {"class_name": "function", "config": "relu"}.
  if (inner && inner->is_string()) return ActivationFunction(inner->as_string());
  return detail::activation_from_object(config.at("class_name").as_string("class_name"),
                                        inner ? *inner : Config::object());
}

}  // namespace graft
