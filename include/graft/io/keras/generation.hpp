#pragma once

#include "graft/core/config.hpp"

namespace graft::keras {

/// Whose rules a file follows. tf.keras 2.x counts as Keras 2: its configs differ in what they leave out only.
enum class Generation { keras1, keras2, keras3 };

namespace detail {
// A key anywhere in the layers of a model_config, nested models included.
GRAFT_COLD inline bool any_layer_has(const Config& model, std::initializer_list<std::string_view> keys) {
  const Config* config = model.find("config");
  if (!config) return false;
  for (const std::string_view key : keys) {
    if (config->find(key)) return true;
  }
  const Config* layers = config->is_array() ? config : config->find("layers");
  if (!layers || !layers->is_array()) return false;
  for (const Config& layer : layers->items()) {
    if (any_layer_has(layer, keys)) return true;
  }
  return false;
}
}  // namespace detail

/// By the version that the file states; a file without one is judged by the words of its config.
GRAFT_COLD inline Generation generation_of(const std::string& keras_version, const Config& model_config) {
  if (!keras_version.empty()) {
    if (keras_version[0] <= '1') return Generation::keras1;
    return keras_version[0] == '2' ? Generation::keras2 : Generation::keras3;
  }
  if (detail::any_layer_has(model_config, {"batch_shape"})) return Generation::keras3;
  const bool old =
      detail::any_layer_has(model_config, {"output_dim", "nb_filter", "W_regularizer", "border_mode", "p"});
  return old && !detail::any_layer_has(model_config, {"kernel_initializer", "use_bias"}) ? Generation::keras1
                                                                                         : Generation::keras2;
}

}  // namespace graft::keras
