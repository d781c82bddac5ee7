#pragma once

#include "graft/io/keras/op_tables.hpp"
#include "graft/io/keras/plain_values.hpp"

// Arguments of operations: from a file's words and packaging to graft's.
namespace graft::keras::ops {

namespace detail {

constexpr const char* kReference = "__reference__";

/// A tensor among the arguments, as {"__reference__": [layer, call, output]}.
GRAFT_COLD inline Config reference(const Config& triple) {
  const auto& parts = triple.items("reference");
  if (parts.size() < 3) fail<ConfigError>("model_config", "references of a layer, a call and an output", "fewer parts");
  return Config::object({{kReference, Config::array({parts[0], parts[1], parts[2]})}});
}
GRAFT_COLD inline bool is_reference(const Config& value) { return value.contains(kReference); }

GRAFT_COLD inline bool has_class(const Config& value, std::string_view name) {
  const Config* class_name = value.find("class_name");
  return class_name && class_name->is_string() && class_name->as_string() == name;
}

/// An argument without packaging: tensors as references, constants as lists, slices as dictionaries, "...".
GRAFT_COLD inline Config argument(const Config& value, bool of_tf, int depth = 0) {
  if (depth > 32) throw ConfigError("model_config: arguments of an operation are nested more than 32 deep.");
  if (has_class(value, "__keras_tensor__")) return reference(value.at("config").at("keras_history"));
  if (has_class(value, "__tensor__") || has_class(value, "__numpy__")) return value.at("config").at("value");
  if (has_class(value, "__ellipsis__")) return Config("...");
  if (has_class(value, "__slice__")) return argument(value.at("config"), of_tf, depth + 1);
  if (value.is_array()) {
    const auto& items = value.items();
    const bool triple = of_tf && (items.size() == 3 || items.size() == 4) && items[0].is_string() &&
                        items[1].is_integer() && items[2].is_integer();
    if (triple) return reference(value);
    std::vector<Config> result;
    for (const Config& item : items) result.push_back(argument(item, of_tf, depth + 1));
    return Config::array(std::move(result));
  }
  if (value.is_object()) {
    std::vector<Config::Member> members;
    for (const auto& [key, member] : value.members()) members.emplace_back(key, argument(member, of_tf, depth + 1));
    return Config::object(std::move(members));
  }
  return value;
}

/// One call: the name of the operation or function and all its arguments by graft's names.
struct Call {
  const char* name = nullptr;
  Config arguments = Config::object();
};

/// Puts values by their positions and names into a call. Names that the list does not have are kept as they are.
GRAFT_COLD inline void bind(Call& call, const std::vector<Argument>& names, const std::vector<Config>& values,
                            const Config& by_name, const std::string& where) {
  if (values.size() > names.size()) {
    fail<ConfigError>(where, "at most " + std::to_string(names.size()) + " arguments", std::to_string(values.size()));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!values[i].is_null()) call.arguments[names[i].ours] = values[i];
  }
  for (const auto& [key, value] : by_name.members()) {
    if (value.is_null() || key == "name") continue;
    std::string ours = key;
    for (const Argument& name : names) {
      if (name.theirs == key) ours = name.ours;
    }
    call.arguments[ours] = value;
  }
}

GRAFT_COLD inline void rename(Config& config, const char* from, const char* to) {
  const Config* value = config.find(from);
  if (!value) return;
  Config copy = *value;
  config.erase(from);
  config[to] = std::move(copy);
}

[[noreturn]] GRAFT_COLD inline void refuse(const std::string& where, const std::string& word) {
  std::string known;
  for (const Operation& operation : kOperations) known += std::string(known.empty() ? "" : ", ") + operation.name;
  for (const Function& function : kFunctions) known += std::string(", ") + function.name;
  fail<ConfigError>(where, "an operation that graft has", "\"" + word + "\"",
                    "Operations: " + known + ". Replace it in Python by layers, or by these, and save again.");
}

/// Takes an argument out of a call; null when it is not there.
GRAFT_COLD inline Config take(Config& arguments, std::string_view key) {
  const Config* value = arguments.find(key);
  if (!value) return {};
  Config copy = *value;
  arguments.erase(key);
  return copy;
}

/// The config of the layer that does what a function does.
GRAFT_COLD inline Config layer_config(const Function& function, Config& arguments, const std::string& where) {
  const std::string_view name = function.name, layer = function.layer;
  Config config = Config::object();
  if (name == "Gelu") {
    const Config approximate = take(arguments, "approximate");
    config["activation"] = approximate.is_bool() && approximate.as_bool() ? "gelu_tanh" : "gelu";
  } else if (name == "LogSoftmax") {
    Config axis = take(arguments, "axis");
    if (axis.is_null()) axis = -1;
    config["activation"] =
        Config::object({{"class_name", "log_softmax"}, {"config", Config::object({{"axis", axis}})}});
  } else if (layer == "Activation") {
    config["activation"] = function.activation;
    const Config beta = take(arguments, "beta");
    if (beta.is_number() && beta.as_double() != 1)
      fail<ConfigError>(where, "beta of 1", std::to_string(beta.as_double()));
  } else if (name == "LeakyRelu") {
    Config slope = take(arguments, "negative_slope");
    if (slope.is_null()) slope = take(arguments, "alpha");
    config["alpha"] = slope.is_null() ? Config(0.2) : slope;
  } else if (name == "Elu") {
    const Config alpha = take(arguments, "alpha");
    config["alpha"] = alpha.is_null() ? Config(1.0) : alpha;
  } else if (name == "Softmax" || name == "Concatenate") {
    const Config axis = take(arguments, "axis");
    config["axis"] = axis.is_null() ? Config(name == "Softmax" ? -1 : 0) : axis;
  } else if (name == "L2Normalize" || name == "Normalize") {
    const Config axis = take(arguments, "axis"), order = take(arguments, "order");
    config["axis"] = axis.is_null() ? Config(-1) : axis;
    (void)take(arguments, "epsilon");
    if (order.is_number() && order.as_double() != 2)
      fail<ConfigError>(where, "order of 2", std::to_string(order.as_double()));
  } else if (name == "Resize") {
    const Config size = take(arguments, "size"), interpolation = take(arguments, "interpolation");
    if (!size.is_array() || size.items().size() != 2 || !size.items()[0].is_number() || !size.items()[1].is_number()) {
      fail<ConfigError>(where, "a size of two numbers", "another");
    }
    config["height"] = size.items()[0];
    config["width"] = size.items()[1];
    if (!interpolation.is_null()) config["interpolation"] = interpolation;
    const Config format = take(arguments, "data_format");
    if (!format.is_null()) config["data_format"] = format;
  }
  return config;
}

/// Brings the arguments of an operation into the form that its layer reads.
GRAFT_COLD inline void normalize(const std::string_view name, Config& arguments, bool of_tf) {
  if (name == "GetItem") {
    if (const Config* key = arguments.find("key"); !key || !key->is_array()) {
      const Config single = key ? *key : Config();
      arguments["key"] = Config::array({single});
    }
  } else if (name == "Split" && of_tf) {
    if (const Config* parts = arguments.find("indices_or_sections"); parts && parts->is_array()) {
      rename(arguments, "indices_or_sections", "size_splits");
    }
  } else if ((name == "Argmax" || name == "Argmin") && of_tf && !arguments.contains("axis")) {
    arguments["axis"] = 0;
  } else if (const Config* decimals = name == "Round" ? arguments.find("decimals") : nullptr) {
    if (*decimals == Config(0)) arguments.erase("decimals");
  }
  rename(arguments, "keep_dims", "keepdims");
}

/// Arguments that may be ignored: types, which are all floats here, and what is false.
GRAFT_COLD inline bool says_nothing(const std::string& key, const Config& value) {
  if (value.is_null() || (value.is_bool() && !value.as_bool())) return true;
  for (const char* neutral : {"dtype", "name", "output_type", "out_type", "optimize", "num", "sorted"}) {
    if (key == neutral) return true;
  }
  return false;
}

}  // namespace detail

}  // namespace graft::keras::ops
