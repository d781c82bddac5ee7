#pragma once

#include <string_view>

#include "graft/core/config.hpp"
#include "graft/nn/builtin_layers.hpp"

// Objects inside of configs as Keras 3 serializes them: with the module that it looks for the class in. Older Kerases
// pass over the module, so that .h5 files have it where Keras 3 asks for it: in wrappers and in optimizers.
namespace graft::keras {

/// {"module": …, "class_name": …, "config": …, "registered_name": null}. With the module null Keras looks for the class
/// in custom_objects.
GRAFT_COLD inline Config packaged(Config module, Config class_name, Config config) {
  Config result = Config::object();
  result["module"] = std::move(module);
  result["class_name"] = std::move(class_name);
  result["config"] = std::move(config);
  result["registered_name"] = nullptr;
  return result;
}

/// Whether the class's constructor in Keras 3 takes "trainable"; it is given every key of the config.
GRAFT_COLD inline bool takes_trainable(std::string_view class_name) {
  return class_name != "Discretization" && class_name.substr(0, 14) != "SpatialDropout";
}

/// What is given as {"class_name", "config"}, in lists and dictionaries too, packaged; in optimizers also what they
/// hold.
GRAFT_COLD inline Config with_module(const Config& value, const char* module) {
  if (value.is_array()) {
    Config result = Config::array();
    for (const Config& item : value.items()) result.push_back(with_module(item, module));
    return result;
  }
  if (!value.is_object()) return value;
  if (!value.contains("class_name")) {
    Config result = Config::object();
    for (const auto& [key, item] : value.members()) result[key] = with_module(item, module);
    return result;
  }
  Config inner = value.at("config");
  if (const Config* rate = inner.find("learning_rate"))
    inner["learning_rate"] = with_module(Config(*rate), "keras.optimizers.schedules");
  for (const char* key : {"inner_optimizer", "optimizer_map", "default_optimizer"}) {
    if (const Config* optimizers = inner.find(key)) inner[key] = with_module(Config(*optimizers), "keras.optimizers");
  }
  return packaged(module, value.at("class_name"), std::move(inner));
}

}  // namespace graft::keras
