#pragma once

#include <type_traits>

#include "graft/nn/layers/activation.hpp"
#include "graft/nn/registry.hpp"

// Keras's Lambda layers hold Python code, which is never executed here. A layer in C++ stands in for one: it is found
// by the name of the function, or by the name of the Lambda layer itself.
namespace graft {

namespace detail {

template <class Scalar>
std::map<std::string, LayerFactory<Scalar>>& known_functions() {
  static std::map<std::string, LayerFactory<Scalar>> functions;
  return functions;
}

template <class Scalar>
GRAFT_COLD const LayerFactory<Scalar>* find_function(const std::string& name) {
  if (name.empty()) return nullptr;
  if (const auto* custom = CustomLayers<Scalar>::current()) {
    const auto found = custom->functions.find(name);
    if (found != custom->functions.end()) return &found->second;
  }
  const auto found = known_functions<Scalar>().find(name);
  return found == known_functions<Scalar>().end() ? nullptr : &found->second;
}

// The name of a named function; empty when the file has code alone.
GRAFT_COLD inline std::string function_name(const Config& config) {
  const Config* function = config.find_set("function");
  if (!function || config.get("function_type", "function") == "lambda") return "";
  if (function->is_string()) return function->as_string();
  const Config* inner = function->find_set("config");
  return inner && inner->is_string() ? inner->as_string() : "";
}

// Keras's and TensorFlow's own activations may stand in a Lambda: Lambda(tf.nn.relu).
template <class Scalar>
GRAFT_COLD Layer<Scalar> activation_of(const std::string& function, const Config& config) {
  const std::string module = config.get("module", "");
  const bool known = module.find("keras") == 0 || module.find("tensorflow") == 0 || module.find("tf_keras") == 0;
  if (!known || function.empty()) return {};
  try {
    return Activation<Scalar>(ActivationFunction(function), {.name = config.get("name", "")});
  } catch (const ConfigError&) {
    return {};
  }
}

/// What stands in for a Lambda layer. Throws UnknownLayer.
template <class Scalar>
GRAFT_COLD Layer<Scalar> make_lambda(const Config& config) {
  const std::string name = config.get("name", ""), function = function_name(config);
  const LayerFactory<Scalar>* factory = find_function<Scalar>(name);
  if (!factory) factory = find_function<Scalar>(function);
  if (factory) {
    Layer<Scalar> layer = (*factory)(config);
    layer.impl().set_name(name);
    return layer;
  }
  if (Layer<Scalar> layer = activation_of<Scalar>(function, config)) return layer;
  std::vector<std::string> names;
  for (const auto& entry : known_functions<Scalar>()) names.push_back(entry.first);
  if (const auto* custom = CustomLayers<Scalar>::current()) {
    for (const auto& entry : custom->functions) names.push_back(entry.first);
  }
  const std::string& wanted = function.empty() ? name : function;
  throw UnknownLayer("layer \"" + name + "\" is of class \"Lambda\"" +
                     (function.empty() ? " with Python code, which is never executed. "
                                       : " with the function \"" + function + "\", which is not known. ") +
                     (names.empty() ? "" : text::did_you_mean(wanted, text::nearest_few(wanted, names)) + " ") +
                     "A layer that does the same is put in its place with graft::register_function(\"" + wanted +
                     "\", make), or for one file with load_model(path, {.functions = {{\"" + wanted +
                     "\", make}}}), where make(config) returns the layer: see docs/custom_layer.md.");
}

}  // namespace detail

/// Says which layer stands in for a Lambda layer: `name` is that of its function or of the layer itself, and
/// `make(config)` makes the layer from the config of the Lambda layer, in which "arguments" may stand.
template <class Scalar = float>
GRAFT_COLD void register_function(const std::string& name, std::type_identity_t<LayerFactory<Scalar>> make) {
  detail::known_functions<Scalar>()[name] = std::move(make);
}

}  // namespace graft
