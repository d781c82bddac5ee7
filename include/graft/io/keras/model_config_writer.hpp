#pragma once

#include <algorithm>
#include <set>

#include "graft/core/config.hpp"
#include "graft/io/keras/attention_calls.hpp"
#include "graft/io/keras/op_writer.hpp"
#include "graft/io/keras/packaged_object.hpp"

namespace graft::keras {

/// Keras 3 does not allow '/' in names of layers.
GRAFT_COLD inline std::string layer_name_in_file(std::string name) {
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

/// The architecture as an .h5 file has it: graft's own config in the words that tf.keras 2.15 and Keras 3 both read.
class ModelConfigWriter {
 public:
  /// Throws ConfigError when the model uses both kinds of hard_sigmoid: no Keras knows both.
  GRAFT_COLD Config write(std::string_view class_name, const Config& config) {
    Config result = Config::object();
    result["class_name"] = class_name;
    result["config"] = model(config);
    if (uses_keras2_ && uses_keras3_) {
      throw ConfigError(
          "save: the model uses both hard_sigmoid (Keras 3) and hard_sigmoid_keras2; no version of Keras knows both.");
    }
    return result;
  }

  /// hard_sigmoid is another function in Keras 3, so the version follows from which of the two is in the model.
  const char* keras_version() const { return uses_keras3_ ? "3.0.0" : "2.15.0"; }

 private:
  GRAFT_COLD Config model(const Config& config) {
    Config result = Config::object();
    for (const auto& [key, value] : config.members()) {
      if (key == "layers") result[key] = layers(value);
      else if (key == "input_layers") result[key] = references(value, false);
      else if (key == "output_layers") result[key] = references(value, true);
      else if (key == "name") result[key] = layer_name_in_file(value.as_string());
      else result[key] = value;
    }
    return result;
  }

  GRAFT_COLD Config layers(const Config& list) {
    Config result = Config::array();
    // Keras 3 counts the calls of a nested functional model from 1 in output_layers.
    std::set<std::string> functional;
    for (const Config& entry : list.items()) {
      if (entry.at("class_name").as_string() == "Functional") functional.insert(entry.at("config").get("name", ""));
    }
    for (const Config& entry : list.items()) {
      Config made = Config::object();
      for (const auto& [key, value] : entry.members()) {
        if (key == "config") made[key] = inside(entry.at("class_name").as_string(), value);
        else if (key == "name") made[key] = layer_name_in_file(value.as_string());
        else if (key == "inbound_nodes") {
          Config calls = Config::array();
          for (const Config& call : value.items()) calls.push_back(references(call, false));
          made[key] = calls;
        } else {
          made[key] = value;
        }
      }
      if (ops::is_operation(made.at("class_name"))) made = ops::tf_entry(made);
      else if (attention::is_attention(made.at("class_name").as_string())) made = attention::tf_entry(made);
      result.push_back(std::move(made));
    }
    functional_ = std::move(functional);  // of the model that is being written: its output_layers come next
    return result;
  }

  GRAFT_COLD Config inside(const std::string& class_name, const Config& config) {
    return config.contains("layers") ? model(config) : layer(class_name, config);
  }

  // What a wrapper holds. A functional model goes by the name that both tf.keras and Keras 3 find without its module,
  // and its only input is no list: Keras 3 would have the wrapper hand it one.
  GRAFT_COLD Config wrapped(const Config& value) {
    const std::string class_name = value.at("class_name").as_string();
    Config config = inside(class_name, value.at("config"));
    if (class_name == "Sequential") return packaged("keras", class_name, std::move(config));
    if (class_name == "Functional") {
      for (const char* key : {"input_layers", "output_layers"}) {
        if (config.at(key).items().size() == 1) config[key] = Config(config.at(key).items()[0]);
      }
      return packaged("keras", "Model", std::move(config));
    }
    Config result = packaged("keras.layers", class_name, std::move(config));
    if (!is_builtin_layer(class_name)) result["module"] = nullptr, result["registered_name"] = class_name;
    return result;
  }

  GRAFT_COLD Config layer(const std::string& class_name, const Config& config) {
    Config result = config;
    if (!takes_trainable(class_name) && result.contains("trainable")) result.erase("trainable");
    // The file has the sum of kernel and LoRA; tf.keras knows no other way.
    for (const char* key : {"lora_rank", "lora_alpha"}) {
      if (result.contains(key)) result.erase(key);
    }
    for (const auto& [key, value] : config.members()) {
      if (key == "name") {
        result[key] = layer_name_in_file(value.as_string());
      } else if (value.is_string() && key.size() >= 10 && key.compare(key.size() - 10, 10, "activation") == 0) {
        if (value.as_string() == "hard_sigmoid") uses_keras3_ = true;
        if (value.as_string() == "hard_sigmoid_keras2") {
          uses_keras2_ = true;
          result[key] = "hard_sigmoid";
        }
      } else if (value.contains("class_name") && value.contains("config") && value.at("config").is_object()) {
        if (key == "layer" || key == "backward_layer") result[key] = wrapped(value);
        else result[key]["config"] = inside(value.at("class_name").as_string(), value.at("config"));
      }
    }
    return result;
  }

  GRAFT_COLD Config references(const Config& list, bool outputs) const {
    Config result = Config::array();
    for (const Config& reference : list.items()) {
      std::vector<Config> parts = reference.items();
      const std::string name = parts[0].as_string();
      if (outputs && functional_.count(name)) parts[1] = parts[1].as_int() + 1;
      parts[0] = layer_name_in_file(name);
      result.push_back(Config::array(std::move(parts)));
    }
    return result;
  }

  bool uses_keras2_ = false, uses_keras3_ = false;
  std::set<std::string> functional_;
};

}  // namespace graft::keras
