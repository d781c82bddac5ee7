#pragma once

#include <cstdlib>

#include "graft/io/keras/op_arguments.hpp"

// Operations in a model: Keras 3's nodes of keras.ops, tf.keras's TFOpLambda, SlicingOpLambda and TensorFlowOpLayer.
// They become graft's layers "ops.…", or the layers that do the same.
namespace graft::keras::ops {

/// An entry of a functional model, as the rest of graft reads it.
class OpReader {
 public:
  explicit OpReader(const Config& entry)
      : entry_(entry), class_name_(entry.at("class_name").as_string("class_name")), config_(entry.at("config")) {
    const Config* name = entry.find_set("name");
    name_ = name ? name->as_string("name") : config_.get("name", "");
    where_ = class_name_ + " \"" + name_ + "\"";
  }

  /// By the module; where a file does not say it (.h5), by a config without what all layers have.
  GRAFT_COLD static bool is_operation(const Config& entry, bool as_keras3) {
    const std::string class_name = entry.at("class_name").as_string("class_name");
    if (is_of_tf(class_name)) return true;
    if (!as_keras3) return false;
    if (const Config* module = entry.find_set("module"); module && module->is_string()) {
      return module->as_string().find(".ops.") != std::string::npos;
    }
    const Config& config = entry.at("config");
    if (!config.is_object() || config.contains("trainable")) return false;
    const Config* calls = entry.find_set("inbound_nodes");
    const bool called = calls && calls->is_array() && !calls->items().empty() && calls->items()[0].is_object();
    const std::string word = keras3_name(class_name);
    return called && (find_operation(word) || find_function(word)) && !merges(class_name, calls->items()[0]);
  }

  /// A layer of the same name takes its tensors as one list, the operation one by one.
  GRAFT_COLD static bool merges(const std::string& class_name, const Config& call) {
    for (const char* layer : {"Add", "Subtract", "Multiply", "Maximum", "Minimum", "Average"}) {
      const Config* args = class_name == layer ? call.find("args") : nullptr;
      if (args && args->is_array() && args->items().size() == 1) return args->items()[0].is_array();
    }
    return false;
  }

  /// Throws ConfigError for operations that graft does not have and arguments that it cannot compute.
  GRAFT_COLD Config read() const {
    Config result = Config::object(), inbound = Config::array(), made;
    for (const Config& call : entry_.at("inbound_nodes").items("inbound_nodes")) {
      detail::Call parsed = is_of_tf(class_name_) ? tf_call(call) : keras3_call(call);
      Config inputs = Config::array();
      Config layer = finish(parsed, inputs);
      if (!made.is_null() && !(made == layer)) {
        fail<ConfigError>(where_, "calls with the same constants", "others", "Give each call a layer of its own.");
      }
      made = std::move(layer);
      inbound.push_back(std::move(inputs));
    }
    if (made.is_null()) fail<ConfigError>(where_, "a call", "none");
    result["class_name"] = made.at("class_name");
    result["config"] = made.at("config");
    result["name"] = name_;
    result["inbound_nodes"] = std::move(inbound);
    return result;
  }

 private:
  GRAFT_COLD static bool is_of_tf(const std::string& class_name) {
    return class_name == "TFOpLambda" || class_name == "SlicingOpLambda" || class_name == "TensorFlowOpLayer";
  }
  GRAFT_COLD static std::string keras3_name(const std::string& class_name) {
    for (const Alias& alias : kKeras3Aliases) {
      if (class_name == alias.word) return alias.name;
    }
    return class_name;
  }

  // ---- Keras 3: {"args": […], "kwargs": {…}}, the rest in the config ----
  GRAFT_COLD detail::Call keras3_call(const Config& call) const {
    const std::string name = keras3_name(class_name_);
    const Operation* operation = find_operation(name);
    const Function* function = find_function(name);
    if (!operation && !function) detail::refuse(where_, class_name_);
    detail::Call result;
    result.name = operation ? operation->name : function->name;
    const bool joins = std::string_view(result.name) == "Concatenate";
    auto names = argument_list(operation ? operation->call : joins ? "xs" : "x");
    if (function && std::string_view(function->name) == "Gelu") result.arguments["approximate"] = true;
    std::vector<Config> values;
    for (const Config& value : call.at("args").items("args")) values.push_back(detail::argument(value, false));
    const Config* kwargs = call.find_set("kwargs");
    for (const Argument& init : argument_list(operation ? operation->init : "")) names.push_back(init);
    detail::bind(result, names, {}, config_, where_);
    detail::bind(result, names, values, kwargs ? detail::argument(*kwargs, false) : Config::object(), where_);
    return result;
  }

  // ---- tf.keras ----
  GRAFT_COLD detail::Call tf_call(const Config& call) const {
    std::vector<Config> tensors;
    Config kwargs = Config::object();
    collect(call, tensors, kwargs, 0);
    if (class_name_ == "TensorFlowOpLayer") return node_call(tensors);
    std::string word = config_.get("function", class_name_ == "SlicingOpLambda" ? "__operators__.getitem" : "");
    for (const std::string_view prefix : {"compat.v1.", "compat.v2.", "raw_ops.", "keras.backend."}) {
      if (word.compare(0, prefix.size(), prefix) == 0) word.erase(0, prefix.size());
    }
    detail::Call result;
    std::string_view arguments;
    bool swapped = false;
    const char* name = nullptr;
    for (const Alias& alias : kTfAliases) {
      if (word == alias.word) name = alias.name, swapped = alias.swapped;
    }
    for (const Operation& operation : kOperations) {
      if (name ? std::string_view(name) == operation.name : word == operation.function) {
        result.name = operation.name;
        arguments = operation.arguments;
      }
    }
    for (const Function& function : kFunctions) {
      if (name ? std::string_view(name) == function.name : word == function.function) {
        result.name = function.name;
        arguments = function.arguments;
      }
    }
    if (!result.name) detail::refuse(where_, word);
    const auto names = argument_list(arguments);
    const bool several = names[0].ours == "xs";
    std::vector<Config> values;
    if (several || tensors.size() > 1) values.push_back(Config::array(tensors));
    else values = tensors;
    detail::bind(result, names, values, detail::argument(kwargs, true), where_);
    if (swapped) {
      const Config first = detail::take(result.arguments, "x1");
      detail::rename(result.arguments, "x2", "x1");
      result.arguments["x2"] = first;
    }
    return result;
  }

  // The first argument: a reference, a constant, or lists of them. The last element of a reference has the others.
  GRAFT_COLD void collect(const Config& value, std::vector<Config>& tensors, Config& kwargs, int depth) const {
    if (depth > 32) fail<ConfigError>(where_, "arguments that are nested at most 32 deep", "deeper ones");
    const auto& items = value.items("inbound_nodes");
    if (items.empty() || !items[0].is_string()) {
      for (const Config& item : items) collect(item, tensors, kwargs, depth + 1);
      return;
    }
    if (items.size() < 3) fail<ConfigError>(where_, "references of a layer, a call and an output", "fewer parts");
    const bool constant = items[0].as_string() == "_CONSTANT_VALUE";
    tensors.push_back(constant ? detail::argument(items[2], true) : detail::reference(value));
    if (items.size() > 3 && items[3].is_object() && kwargs.members().empty()) kwargs = items[3];
  }

  // A node of a graph of TensorFlow: constants by the positions of its inputs, attributes.
  GRAFT_COLD detail::Call node_call(const std::vector<Config>& tensors) const {
    const Config& node = config_.at("node_def");
    const std::string op = node.at("op").as_string("op");
    detail::Call result;
    std::vector<Argument> names;
    for (const NodeOp& known : kNodeOps) {
      if (op == known.op) result.name = known.name, names = argument_list(known.inputs);
    }
    if (!result.name) detail::refuse(where_, op);
    const Config empty = Config::object();
    const Config* constants = config_.find_set("constants");
    if (!constants) constants = &empty;
    const std::size_t count = node.at("input").items("input").size();
    std::vector<Config> values;
    std::size_t next = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (const Config* constant = constants->find(std::to_string(i))) values.push_back(*constant);
      else if (next < tensors.size()) values.push_back(tensors[next++]);
    }
    if (names[0].ours == "xs") {
      const std::size_t others = names.size() - 1;
      if (values.size() <= others) fail<ConfigError>(where_, "tensors to join", "none");
      const auto end = values.end() - static_cast<std::ptrdiff_t>(others);
      std::vector<Config> joined(values.begin(), end), rest(end, values.end());
      values.assign(1, Config::array(std::move(joined)));
      values.insert(values.end(), rest.begin(), rest.end());
    }
    detail::bind(result, names, values, Config::object(), where_);
    read_attributes(result, op, node);
    return result;
  }

  GRAFT_COLD void read_attributes(detail::Call& call, const std::string& op, const Config& node) const {
    const Config* attributes = node.find_set("attr");
    const auto attribute = [&](const char* key, const char* kind) -> Config {
      const Config* found = attributes ? attributes->find_set(key) : nullptr;
      const Config* value = found ? found->find_set(kind) : nullptr;
      return value ? *value : Config();
    };
    // Protocol buffers write 64-bit integers as strings.
    const auto integer = [&](const char* key) -> Index {
      const Config value = attribute(key, "i");
      if (value.is_string()) return std::strtoll(value.as_string().c_str(), nullptr, 10);
      return value.is_null() ? 0 : value.as_int(key);
    };
    const auto flag = [&](const char* key) {
      const Config value = attribute(key, "b");
      return value.is_bool() && value.as_bool();
    };
    if (flag("keep_dims")) call.arguments["keepdims"] = true;
    if (op == "Pack" || op == "Unpack") call.arguments["axis"] = integer("axis");
    if (op == "Unpack") call.arguments["num"] = integer("num");
    if (op == "MatMul" || op == "BatchMatMul" || op == "BatchMatMulV2") {
      call.arguments["transpose_a"] = flag("transpose_a") || flag("adj_x");
      call.arguments["transpose_b"] = flag("transpose_b") || flag("adj_y");
    }
    if (op == "LeakyRelu") {
      const Config alpha = attribute("alpha", "f");
      if (!alpha.is_null()) call.arguments["alpha"] = alpha;
    }
    if (op == "Cast") {
      const Config type = attribute("DstT", "type");
      std::string name = type.is_string() ? type.as_string() : "DT_FLOAT";
      for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      call.arguments["target_dtype"] = name.compare(0, 3, "dt_") == 0 ? name.substr(3) : name;
    }
    if (op == "Squeeze") {
      const Config* list = attributes ? attributes->find_set("squeeze_dims") : nullptr;
      list = list ? list->find_set("list") : nullptr;
      list = list ? list->find_set("i") : nullptr;
      if (list && list->is_array() && !list->items().empty()) {
        Config axes = Config::array();
        for (const Config& item : list->items()) {
          axes.push_back(item.is_string() ? Index(std::strtoll(item.as_string().c_str(), nullptr, 10))
                                          : item.as_int("squeeze_dims"));
        }
        call.arguments["axis"] = axes;
      }
    }
    if (op == "BiasAdd" && attribute("data_format", "s") == Config("TkNIVw==")) {  // "NCHW"
      fail<ConfigError>(where_, "data_format NHWC", "NCHW");
    }
    if (op == "StridedSlice")
      read_slices(call, integer("begin_mask"), integer("end_mask"), integer("ellipsis_mask"), integer("new_axis_mask"),
                  integer("shrink_axis_mask"));
  }

  GRAFT_COLD void read_slices(detail::Call& call, Index begin_mask, Index end_mask, Index ellipsis_mask,
                              Index new_axis_mask, Index shrink_mask) const {
    const Config begin = detail::take(call.arguments, "begin"), end = detail::take(call.arguments, "end"),
                 strides = detail::take(call.arguments, "strides");
    const std::size_t count = begin.items("begin").size();
    if (end.items("end").size() != count || strides.items("strides").size() != count || count > 32) {
      fail<ConfigError>(where_, "begin, end and strides of one length", "others");
    }
    Config key = Config::array();
    for (std::size_t i = 0; i < count; ++i) {
      const auto set = [i](Index mask) { return (mask >> i & 1) != 0; };
      const Config &from = begin.items()[i], &to = end.items()[i], &step = strides.items()[i];
      if (set(ellipsis_mask)) key.push_back("...");
      else if (set(new_axis_mask)) key.push_back({});
      else if (set(shrink_mask)) key.push_back(from);
      else
        key.push_back(Config::object(
            {{"start", set(begin_mask) ? Config() : from}, {"stop", set(end_mask) ? Config() : to}, {"step", step}}));
    }
    call.arguments["key"] = key;
  }

  // ---- both ----

  // Tensors out of the arguments, into `inputs`; what remains is the config of the layer.
  GRAFT_COLD Config finish(detail::Call& call, Config& inputs) const {
    Config& arguments = call.arguments;
    detail::normalize(call.name, arguments, is_of_tf(class_name_));
    for (const char* key : {"condition", "x", "x1", "x2", "xs"}) {
      const Config value = detail::take(arguments, key);
      if (value.is_null()) continue;
      if (detail::is_reference(value)) {
        push(inputs, value);
        continue;
      }
      const bool list = value.is_array() && !value.items().empty() && contains_reference(value);
      if (!list) {
        arguments[key] = value;
        continue;
      }
      for (const Config& item : value.items()) {
        if (!detail::is_reference(item)) fail<ConfigError>(where_, "tensors to join", "a constant among them");
        push(inputs, item);
      }
    }
    if (inputs.items().empty()) fail<ConfigError>(where_, "a tensor among its arguments", "none");
    for (const auto& [key, value] : arguments.members()) {
      if (!contains_reference(value)) continue;
      fail<ConfigError>(where_, "a constant as " + key, "a tensor", "graft cannot compute this argument in the graph.");
    }
    Config made = Config::object(), config;
    const Function* function = find_function(call.name);
    if (function) {
      config = detail::layer_config(*function, arguments, where_);
      for (const auto& [key, value] : arguments.members()) check_neutral(key, value);
    } else {
      const Operation& operation = *find_operation(call.name);
      const std::string known = std::string(operation.call) + "," + operation.init + "," + operation.arguments;
      config = Config::object();
      for (const auto& [key, value] : arguments.members()) {
        if (is_known(key, known)) config[key] = value;
        else check_neutral(key, value);
      }
    }
    config["name"] = name_;
    made["class_name"] = function ? std::string(function->layer) : std::string("ops.") + call.name;
    made["config"] = std::move(config);
    return made;
  }

  GRAFT_COLD static void push(Config& inputs, const Config& value) {
    std::vector<Config> parts = value.at(detail::kReference).items();
    parts.push_back(Config::object());
    inputs.push_back(Config::array(std::move(parts)));
  }
  GRAFT_COLD static bool contains_reference(const Config& value) {
    if (detail::is_reference(value)) return true;
    if (value.is_array()) {
      for (const Config& item : value.items()) {
        if (contains_reference(item)) return true;
      }
    }
    if (value.is_object()) {
      for (const auto& [key, member] : value.members()) {
        if (contains_reference(member)) return true;
      }
    }
    return false;
  }
  GRAFT_COLD static bool is_known(const std::string& key, const std::string& known) {
    if (key == "size_splits") return known.find("indices_or_sections") != std::string::npos;
    for (const Argument& argument : argument_list(known)) {
      if (argument.ours == key) return true;
    }
    return false;
  }
  GRAFT_COLD void check_neutral(const std::string& key, const Config& value) const {
    if (!detail::says_nothing(key, value)) {
      fail<ConfigError>(where_, "arguments that graft computes", "\"" + key + "\"");
    }
  }

  const Config& entry_;
  std::string class_name_;
  const Config& config_;
  std::string name_, where_;
};

}  // namespace graft::keras::ops
