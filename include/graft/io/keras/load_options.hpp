#pragma once

#include <string>

#include "graft/models/load_report.hpp"
#include "graft/models/model.hpp"
#include "graft/nn/registry.hpp"

namespace graft {

template <class Scalar>
struct LoadOptions {
  bool compile = true;  ///< take up optimizer, its state, loss and metrics, if the file has them
  /// Classes of layers for this load alone, which register_layer would add for all: {{"Scale", &Scale<>::from_config}}.
  std::map<std::string, LayerFactory<Scalar>> custom_layers = {};
  /// What stands in for Lambda layers, by the name of the function or of the layer, as with register_function.
  std::map<std::string, LayerFactory<Scalar>> functions = {};
  LoadReport* report = nullptr;  ///< what was read, and what could not be
};

/// Reads a model that Keras (1.0 … 3.x), TensorFlow.js or graft wrote: architecture, weights and, if it was compiled,
/// optimizer, loss and metrics, so that training goes on where it stopped. What the file is, its content says: .h5,
/// .keras (where libzip is), or the model.json of a TensorFlow.js layers model with its weights beside it.
///
/// Throws FileError for a file that cannot be read or is damaged, ConfigError for a layer that graft does not know
/// (with its name, its class, its inputs and how to register one). What was compiled and is not known is a warning in
/// the report, and the model then comes uncompiled.
template <class Scalar = float>
Model<Scalar> load_model(const std::string& path, const LoadOptions<Scalar>& options = {});

/// Keras's model_from_json: a model with fresh weights from the text that model.to_json() gave, in any Keras from 1.0 on.
/// Throws FileError for text that is no such JSON, ConfigError for a layer that graft does not know.
template <class Scalar = float>
Model<Scalar> model_from_json(const std::string& json, const LoadOptions<Scalar>& options = {});

}  // namespace graft
