#pragma once

#include "graft/core/config.hpp"

// Keras 2.x and tf.keras 2.x.
namespace graft::keras::keras2 {

namespace detail {
GRAFT_COLD inline bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}
}  // namespace detail

/// Translates the config of one layer that Keras 1, Keras 2 or tf.keras wrote.
GRAFT_COLD inline void translate_layer(const std::string& class_name, Config& config) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : config.members()) keys.push_back(key);
  for (const std::string& key : keys) {
    Config& value = config[key];
    // The same word, another function: clip(0.2x + 0.5, 0, 1) here, relu6(x + 3) / 6 in Keras 3.
    const bool hard_sigmoid = value.is_string() && value.as_string() == "hard_sigmoid";
    if (hard_sigmoid && detail::ends_with(key, "activation")) value = "hard_sigmoid_keras2";
    // tf.keras 2.2.4-tf writes the type into initializers.
    if (detail::ends_with(key, "_initializer") && value.is_object() && value.contains("config"))
      value["config"].erase("dtype");
  }
  if (class_name.compare(0, 8, "ConvLSTM") == 0 && !config.contains("recurrent_activation")) {
    config["recurrent_activation"] = "hard_sigmoid_keras2";
  }
  if (class_name == "GRU" && !config.contains("reset_after")) config["reset_after"] = false;
  if (class_name == "BatchNormalization") {
    const Config* axis = config.find("axis");
    if (axis && axis->is_array() && axis->items().size() == 1) config["axis"] = Config(axis->items()[0]);
  }
}

}  // namespace graft::keras::keras2
