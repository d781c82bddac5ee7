#pragma once

#include "graft/io/keras/packaged_object.hpp"
#include "graft/io/keras/training_config.hpp"

namespace graft::keras {

/// compile_config of a .keras file: what was compiled, in Keras 3's words.
template <class Scalar>
GRAFT_COLD Config write_compile_config(const CompileOptions<Scalar>& options) {
  const Config training = write_training_config(options);
  Config result = Config::object();
  result["optimizer"] = with_module(options.optimizer.config(), "keras.optimizers");
  result["loss"] = with_module(training.at("loss"), "keras.losses");
  result["loss_weights"] = training.at("loss_weights");
  result["metrics"] = with_module(training.at("metrics"), "keras.metrics");
  result["weighted_metrics"] = with_module(training.at("weighted_metrics"), "keras.metrics");
  result["run_eagerly"] = false;
  result["steps_per_execution"] = 1;
  result["jit_compile"] = false;
  return result;
}

}  // namespace graft::keras
