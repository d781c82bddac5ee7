#pragma once

#include "graft/core/config.hpp"
#include "graft/core/shape.hpp"

// Keras 1.x: recurrent layers and Embedding.
namespace graft::keras::keras1 {

namespace detail {

struct Renamed {
  const char *from, *to;
};
template <std::size_t kCount>
GRAFT_COLD void rename_keys(Config& config, const Renamed (&table)[kCount]) {
  for (const auto& [from, to] : table) {
    const Config* value = config.find(from);
    if (!value) continue;
    Config copy = *value;
    config.erase(from);
    if (!config.contains(to)) config[to] = std::move(copy);
  }
}

// A first layer may say its input in parts only: [null, input_length, input_dim].
GRAFT_COLD inline void join_input_shape(Config& config, bool with_features) {
  const Config* features = config.find_set("input_dim");
  if (!config.contains("batch_input_shape") && (features || !with_features)) {
    const Config* length = config.find("input_length");
    Config shape = Config::array({Config(), length ? *length : Config()});
    if (with_features) shape.push_back(*features);
    if (with_features || (length && !length->is_null())) config["batch_input_shape"] = std::move(shape);
  }
}

}  // namespace detail

/// Renames what recurrent layers and Embedding call by other names than the rest; true when the class is one of them.
GRAFT_COLD inline bool translate_recurrent(const std::string& class_name, Config& config) {
  using detail::Renamed;
  if (class_name == "Embedding") {
    static constexpr Renamed kTable[] = {{"init", "embeddings_initializer"},
                                         {"W_regularizer", "embeddings_regularizer"},
                                         {"W_constraint", "embeddings_constraint"}};
    detail::join_input_shape(config, false);
    detail::rename_keys(config, kTable);
    return true;
  }
  const bool convolves = class_name == "ConvLSTM2D";
  if (class_name != "SimpleRNN" && class_name != "LSTM" && class_name != "GRU" && !convolves) return false;
  static constexpr Renamed kTable[] = {{"inner_init", "recurrent_initializer"},
                                       {"inner_activation", "recurrent_activation"},
                                       {"U_regularizer", "recurrent_regularizer"},
                                       {"dropout_W", "dropout"},
                                       {"dropout_U", "recurrent_dropout"}};
  detail::rename_keys(config, kTable);
  // How the forget gate's bias starts: Keras 2 has a flag for "one", Keras 1's default.
  if (const Config* init = config.find_set("forget_bias_init")) {
    const bool one = !init->is_string() || init->as_string() == "one" || init->as_string() == "ones";
    config["unit_forget_bias"] = one;
    config.erase("forget_bias_init");
  }
  if (class_name != "SimpleRNN" && !config.contains("recurrent_activation")) {
    config["recurrent_activation"] = "hard_sigmoid";
  }
  if (class_name == "GRU") config["reset_after"] = false;
  if (convolves) {
    static constexpr Renamed kConv[] = {{"nb_filter", "filters"}, {"border_mode", "padding"}, {"subsample", "strides"}};
    detail::rename_keys(config, kConv);
    const Config *rows = config.find("nb_row"), *cols = config.find("nb_col");
    if (rows && cols) config["kernel_size"] = Config::array({*rows, *cols});
    if (const Config* order = config.find_set("dim_ordering")) {
      config["data_format"] = order->as_string("dim_ordering") == "th" ? "channels_first" : "channels_last";
      config.erase("dim_ordering");
    }
    return true;
  }
  static constexpr Renamed kUnits[] = {{"output_dim", "units"}};
  detail::rename_keys(config, kUnits);
  detail::join_input_shape(config, true);
  return true;
}

}  // namespace graft::keras::keras1
