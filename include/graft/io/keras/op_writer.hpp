#pragma once

#include <limits>

#include "graft/core/config.hpp"
#include "graft/io/keras/op_tables.hpp"

// Operations as files have them: in an .h5 as tf.keras 2.15 writes TensorFlow's functions, in a .keras as Keras 3
// writes its own.
namespace graft::keras::ops {

GRAFT_COLD inline bool is_operation(const Config& class_name) {
  return class_name.is_string() && class_name.as_string().compare(0, 4, "ops.") == 0;
}

namespace detail {

/// Throws ConfigError for a layer "ops.…" that is not in the table.
GRAFT_COLD inline const Operation& operation_of(const Config& class_name) {
  const Operation* operation = find_operation(std::string_view(class_name.as_string()).substr(4));
  if (!operation) fail<ConfigError>("save", "operations that files know", "\"" + class_name.as_string() + "\"");
  return *operation;
}

[[noreturn]] GRAFT_COLD inline void refuse_to_write(const Config& config, const std::string& what, const char* where) {
  fail<ConfigError>("save of \"" + config.get("name", "") + "\"", std::string("what ") + where + " knows", what,
                    "Save the model in the other format.");
}

GRAFT_COLD inline bool belongs_to_all_layers(const std::string& key) {
  return key == "name" || key == "trainable" || key == "dtype" || key == "batch_input_shape";
}

/// What there is of an argument that takes tensors: a constant of the config, or one or all of the tensors left.
GRAFT_COLD inline Config tensor_or_constant(const Config& config, const std::string& name,
                                            const std::vector<Config>& tensors, std::size_t& next) {
  if (const Config* constant = config.find_set(name)) return *constant;
  if (name == "xs") {
    next = tensors.size();
    return Config::array(tensors);
  }
  return next < tensors.size() ? tensors[next++] : Config();
}
GRAFT_COLD inline bool takes_tensors(const std::string& name) {
  return name == "x" || name == "x1" || name == "x2" || name == "xs" || name == "condition";
}

GRAFT_COLD inline Config tf_slice_spec(const Config& key) {
  Config items = Config::array();
  for (const Config& item : key.items("key")) {
    items.push_back(item.is_string() ? Config::object({{"class_name", "__ellipsis__"}}) : item);
  }
  return Config::object({{"class_name", "__tuple__"}, {"items", items}});
}

/// Splits as positions: Keras 3 knows no sizes.
GRAFT_COLD inline Config positions_of(const Config& sizes) {
  Config positions = Config::array();
  Index at = 0;
  const auto& items = sizes.items("size_splits");
  for (std::size_t i = 0; i + 1 < items.size(); ++i) positions.push_back(at += items[i].as_int("size_splits"));
  return positions;
}

}  // namespace detail

/// An entry {"class_name": "ops.…", "config", "name", "inbound_nodes"} as tf.keras writes a TFOpLambda, or a
/// SlicingOpLambda. Throws ConfigError for what TensorFlow does not have.
GRAFT_COLD inline Config tf_entry(const Config& entry) {
  const Operation& operation = detail::operation_of(entry.at("class_name"));
  const std::string_view name = operation.name;
  const Config& config = entry.at("config");
  if (*operation.function == 0) detail::refuse_to_write(config, "the operation " + std::string(name), "tf.keras");
  const auto arguments = argument_list(operation.arguments);
  Config inbound = Config::array();
  for (const Config& call : entry.at("inbound_nodes").items("inbound_nodes")) {
    std::vector<Config> tensors;
    for (const Config& reference : call.items()) {
      const auto& parts = reference.items();
      tensors.push_back(Config::array({parts[0], parts[1], parts[2]}));
    }
    std::size_t next = 0;
    Config first, kwargs = Config::object();
    // The tensors in graft's order, whatever the order of the function's arguments.
    std::vector<Config::Member> places;
    for (const char* place : {"condition", "x", "x1", "x2", "xs"}) {
      for (const Argument& argument : arguments) {
        if (argument.ours == place) {
          places.emplace_back(place, detail::tensor_or_constant(config, argument.ours, tensors, next));
        }
      }
    }
    const Config values = Config::object(std::move(places));
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const auto& [theirs, ours] = arguments[i];
      const Config* value = detail::takes_tensors(ours) ? values.find(ours) : config.find(ours);
      Config written = value ? *value : Config();
      if (ours == "key") written = detail::tf_slice_spec(written);
      if (ours == "indices_or_sections" && config.contains("size_splits")) written = config.at("size_splits");
      if (ours == "num" && written == Config(0)) written = {};
      if (ours == "mode") {
        std::string upper = written.as_string();
        for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        written = upper;
      }
      if (ours == "constant_values" && written.is_null()) written = 0.0;
      if (ours == "x_min" && written.is_null()) written = -double(std::numeric_limits<float>::max());
      if (ours == "x_max" && written.is_null()) written = double(std::numeric_limits<float>::max());
      if (i == 0) first = written;
      else kwargs[theirs] = written;
    }
    for (const auto& [key, value] : config.members()) {
      bool known = detail::belongs_to_all_layers(key) || key == "size_splits" || value.is_null() ||
                   (value.is_bool() && !value.as_bool());
      for (const Argument& argument : arguments) known = known || argument.ours == key;
      if (!known) detail::refuse_to_write(config, "the argument " + key + " of " + std::string(name), "tf.keras");
    }
    if (name == "Flip" && !config.find_set("axis")) detail::refuse_to_write(config, "Flip without an axis", "tf.keras");
    if (name != "GetItem") kwargs["name"] = Config();
    const auto with_kwargs = [&](const Config& triple) {
      std::vector<Config> parts = triple.items();
      parts.push_back(kwargs);
      return Config::array(std::move(parts));
    };
    if (arguments[0].ours == "xs") {
      Config list = Config::array();
      for (const Config& tensor : first.items()) list.push_back(with_kwargs(tensor));
      inbound.push_back(std::move(list));
    } else {
      const bool tensor = first.is_array() && first.items().size() == 3 && first.items()[0].is_string();
      inbound.push_back(with_kwargs(tensor ? first : Config::array({"_CONSTANT_VALUE", -1, first})));
    }
  }
  Config inner = Config::object();
  inner["name"] = config.at("name");
  inner["trainable"] = config.get("trainable", true);
  inner["dtype"] = config.get("dtype", "float32");
  inner["function"] = operation.function;
  Config result = Config::object();
  result["class_name"] = name == "GetItem" ? "SlicingOpLambda" : "TFOpLambda";
  result["config"] = std::move(inner);
  result["name"] = entry.at("name");
  result["inbound_nodes"] = std::move(inbound);
  return result;
}

/// The config of an operation in Keras 3's words: {"module", "class_name", "config", "registered_name"}. Throws
/// ConfigError for what Keras 3 does not have.
GRAFT_COLD inline Config keras3_object(const Config& class_name, const Config& config) {
  const Operation& operation = detail::operation_of(class_name);
  if (*operation.module == 0) {
    detail::refuse_to_write(config, "the operation " + std::string(operation.name), "Keras 3");
  }
  Config inner = Config::object();
  inner["name"] = config.at("name");
  for (const auto& [theirs, ours] : argument_list(operation.init)) {
    const Config* value = config.find(ours);
    if (value) inner[theirs] = ours == "num" && *value == Config(0) ? Config() : *value;
    else if (ours == "indices_or_sections") inner[theirs] = detail::positions_of(config.at("size_splits"));
    else inner[theirs] = Config();
  }
  for (const char* flag : {"transpose_a", "transpose_b"}) {
    if (config.get(flag, false)) detail::refuse_to_write(config, std::string(flag) + " of Matmul", "Keras 3");
  }
  Config result = Config::object();
  result["module"] = std::string("keras.src.ops.") + operation.module;
  result["class_name"] = operation.name;
  result["config"] = std::move(inner);
  result["registered_name"] = operation.name;
  return result;
}

/// One call of an operation as Keras 3 writes it, {"args": […], "kwargs": {…}}, from its tensors in Keras 3's form
/// (__keras_tensor__), in order.
GRAFT_COLD inline Config keras3_call(const Config& class_name, const Config& config,
                                     const std::vector<Config>& tensors) {
  const Operation& operation = detail::operation_of(class_name);
  Config args = Config::array(), kwargs = Config::object();
  std::size_t next = 0;
  for (const auto& [theirs, ours] : argument_list(operation.call)) {
    if (detail::takes_tensors(ours)) {
      Config value = detail::tensor_or_constant(config, ours, tensors, next);
      const bool constants = value.is_array() && ours != "xs";
      if (constants) {
        const Config inner = Config::object({{"value", value}, {"dtype", config.get("dtype", "float32")}});
        value = Config::object({{"class_name", "__tensor__"}, {"config", inner}});
      }
      args.push_back(std::move(value));
    } else if (ours == "key") {
      Config key = Config::array();
      for (const Config& item : config.at("key").items("key")) {
        const bool ellipsis = item.is_string(), slice = item.is_object();
        if (!ellipsis && !slice) key.push_back(item);
        else
          key.push_back(Config::object({{"class_name", ellipsis ? "__ellipsis__" : "__slice__"},
                                        {"config", ellipsis ? Config::object() : item}}));
      }
      args.push_back(std::move(key));
    } else if (const Config* value = config.find_set(ours)) {
      kwargs[theirs] = *value;
    }
  }
  Config result = Config::object();
  result["args"] = std::move(args);
  result["kwargs"] = std::move(kwargs);
  return result;
}

}  // namespace graft::keras::ops
