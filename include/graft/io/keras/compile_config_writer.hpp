#pragma once

#include "graft/io/keras/training_config.hpp"

namespace graft::keras {

namespace detail {

/// Keras 3's packaging for what is given as {"class_name", "config"}, in lists and dictionaries too.
GRAFT_COLD inline Config with_module(const Config& value, const char* module) {
  if (value.is_array()) {
    Config result = Config::array();
    for (const Config& item : value.items()) result.push_back(with_module(item, module));
    return result;
  }
  if (!value.is_object()) return value;
  Config result = Config::object();
  if (!value.contains("class_name")) {
    for (const auto& [key, item] : value.members()) result[key] = with_module(item, module);
    return result;
  }
  result["module"] = module;
  result["class_name"] = value.at("class_name");
  Config inner = value.at("config");
  if (const Config* rate = inner.find("learning_rate"))
    inner["learning_rate"] = with_module(Config(*rate), "keras.optimizers.schedules");
  if (const Config* optimizer = inner.find("inner_optimizer"))
    inner["inner_optimizer"] = with_module(Config(*optimizer), "keras.optimizers");
  for (const char* key : {"optimizer_map", "default_optimizer"}) {
    if (const Config* optimizers = inner.find(key)) inner[key] = with_module(Config(*optimizers), "keras.optimizers");
  }
  result["config"] = std::move(inner);
  result["registered_name"] = nullptr;
  return result;
}

}  // namespace detail

/// compile_config of a .keras file: what was compiled, in Keras 3's words.
template <class Scalar>
GRAFT_COLD Config write_compile_config(const CompileOptions<Scalar>& options) {
  const Config training = write_training_config(options);
  Config result = Config::object();
  result["optimizer"] = detail::with_module(options.optimizer.config(), "keras.optimizers");
  result["loss"] = detail::with_module(training.at("loss"), "keras.losses");
  result["loss_weights"] = training.at("loss_weights");
  result["metrics"] = detail::with_module(training.at("metrics"), "keras.metrics");
  result["weighted_metrics"] = detail::with_module(training.at("weighted_metrics"), "keras.metrics");
  result["run_eagerly"] = false;
  result["steps_per_execution"] = 1;
  result["jit_compile"] = false;
  return result;
}

}  // namespace graft::keras
