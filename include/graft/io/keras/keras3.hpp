#pragma once

#include "graft/core/config.hpp"

// Keras 3.x.
namespace graft::keras::keras3 {

/// Translates the config of one layer into tf.keras's words.
GRAFT_COLD inline void translate_layer(const std::string& class_name, Config& config) {
  const auto rename = [&](const char* from, const char* to) {
    if (const Config* value = config.find(from)) {
      Config copy = *value;
      config.erase(from);
      config[to] = std::move(copy);
    }
  };
  if (class_name == "InputLayer") rename("batch_shape", "batch_input_shape");
  if (class_name == "LeakyReLU") rename("negative_slope", "alpha");
}

namespace detail {

// ["layer", 0, 0] of {"class_name": "__keras_tensor__", "config": {"keras_history": ["layer", 0, 0]}}, or nothing.
GRAFT_COLD inline const Config* history_of(const Config& value) {
  const Config* class_name = value.find("class_name");
  if (!class_name || !class_name->is_string() || class_name->as_string() != "__keras_tensor__") return nullptr;
  return &value.at("config").at("keras_history");
}

GRAFT_COLD inline void collect_tensors(const Config& value, std::vector<Config>& into, bool& others) {
  if (const Config* history = history_of(value)) into.push_back(*history);
  else if (value.is_array()) {
    for (const Config& item : value.items()) collect_tensors(item, into, others);
  } else {
    others = true;
  }
}

// Tensors inside of keyword arguments become references as tf.keras writes them.
GRAFT_COLD inline Config replace_tensors(const Config& value) {
  if (const Config* history = history_of(value)) return *history;
  if (!value.is_array()) return value;
  std::vector<Config> items;
  for (const Config& item : value.items()) items.push_back(replace_tensors(item));
  return Config::array(std::move(items));
}

}  // namespace detail

/// One call of a layer, {"args": […], "kwargs": {…}}, as a list of [layer, call, output, kwargs]. Arguments that are
/// not tensors (operations have them) are kept in the keyword "__args__".
GRAFT_COLD inline Config translate_call(const Config& call) {
  Config kwargs = Config::object();
  if (const Config* given = call.find_set("kwargs")) {
    for (const auto& [key, value] : given->members("kwargs")) {
      if (!value.is_null()) kwargs[key] = detail::replace_tensors(value);
    }
  }
  std::vector<Config> tensors;
  bool others = false;
  const Config& args = call.at("args");
  for (const Config& argument : args.items("args")) detail::collect_tensors(argument, tensors, others);
  if (others) kwargs["__args__"] = detail::replace_tensors(args);
  Config result = Config::array();
  for (Config& tensor : tensors) {
    tensor.push_back(kwargs);
    result.push_back(std::move(tensor));
  }
  return result;
}

}  // namespace graft::keras::keras3
