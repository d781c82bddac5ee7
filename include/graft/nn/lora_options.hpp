#pragma once

#include <optional>

#include "graft/nn/initializers.hpp"

namespace graft {

/// Keras's keyword arguments of enable_lora.
struct LoraOptions {
  std::optional<double> lora_alpha = {};  ///< the change is (lora_alpha / rank) A B; default: rank
  Initializer a_initializer = "he_uniform";
  Initializer b_initializer = "zeros";  ///< the layer begins with what it computed before
};

}  // namespace graft
