#pragma once

#include <string>

#include "graft/models/load_report.hpp"
#include "graft/models/model.hpp"

namespace graft {

struct LoadOptions {
  bool compile = true;           ///< take up optimizer, its state, loss and metrics, if the file has them
  LoadReport* report = nullptr;  ///< what was read, and what could not be
};

/// Reads a model that Keras (1.0 … 3.x) or graft wrote as .h5: architecture, weights and, if it was compiled,
/// optimizer, loss and metrics, so that training goes on where it stopped.
///
/// Throws FileError for a file that cannot be read or is damaged, ConfigError for a layer that graft does not know
/// (with its name, its class and how to register one). What was compiled and is not known is a warning in the report,
/// and the model then comes uncompiled.
template <class Scalar = float>
Model<Scalar> load_model(const std::string& path, const LoadOptions& options = {});

}  // namespace graft
