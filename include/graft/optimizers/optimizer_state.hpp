#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "graft/core/tensor.hpp"
#include "graft/nn/variable.hpp"

namespace graft {

/// What an optimizer remembers: what a checkpoint needs to go on as if nothing had happened.
template <class Scalar>
struct OptimizerState {
  struct Slot {
    std::string name;              ///< Keras 3's slot name: "momentum", "velocity", …
    VariablePtr<Scalar> variable;  ///< the weight that it belongs to
    Tensor<Scalar> value;
  };

  Index iterations = 0;  ///< steps made: calls of apply (Keras: iteration)
  std::optional<double> learning_rate;
  std::vector<Slot> slots;
  std::vector<std::pair<std::string, double>> scalars;  ///< further numbers by name: "dynamic_scale"
};

}  // namespace graft
