#pragma once

#include "graft/io/keras/graph_references.hpp"
#include "graft/io/keras/keras1.hpp"
#include "graft/io/keras/keras2.hpp"
#include "graft/io/keras/op_reader.hpp"
#include "graft/io/keras/plain_values.hpp"
#include "graft/nn/unique_name.hpp"

namespace graft::keras {

/// Turns the model_config of any Keras into the one form that the rest of graft knows, that of tf.keras 2.15:
///  * {"class_name": "Sequential" | "Functional", "config": {"name", "layers", …}};
///  * a Sequential's layers begin with an InputLayer, wherever the file said the shape of the input;
///  * a functional model's layers have "name" and "inbound_nodes" as lists of [layer, call, output, kwargs];
///  * layers have tf.keras's argument names, batch_input_shape, and dtypes as strings;
///  * the hard_sigmoid of Keras 1 and 2 is called hard_sigmoid_keras2.
class ModelConfigReader {
 public:
  /// `by_graft`: the file was written by graft, which numbers calls of nested models as Keras 3 does.
  ModelConfigReader(Generation generation, bool by_graft, std::vector<std::string>& warnings)
      : generation_(generation), calls_as_keras3_(by_graft || generation == Generation::keras3), warnings_(warnings) {}

  /// Throws ConfigError.
  GRAFT_COLD Config read(const Config& raw) {
    const Config plain = plain_values(raw);
    const std::string class_name = plain.at("class_name").as_string("class_name");
    if (!is_model(plain)) {
      throw ConfigError("model_config: the model is of class \"" + class_name +
                        "\", which is neither Sequential nor Functional: its layers are in Python code that the file "
                        "does not hold.");
    }
    return layer(plain, 0);
  }

 private:
  static constexpr int kMaxDepth = 64;

  GRAFT_COLD static bool is_model(const Config& entry) {
    const std::string& name = entry.at("class_name").as_string("class_name");
    const Config& config = entry.at("config");
    return name == "Sequential" || ((name == "Functional" || name == "Model") && config.contains("layers"));
  }

  GRAFT_COLD Config layer(const Config& entry, int depth) {
    if (depth > kMaxDepth) throw ConfigError("model_config: models and wrappers are nested more than 64 deep.");
    if (is_model(entry)) return model(entry, depth);
    std::string class_name = entry.at("class_name").as_string("class_name");
    Config config = entry.at("config");
    (void)config.members("config of " + class_name);
    const std::string where = class_name + " \"" + config.get("name", "") + "\"";
    if (generation_ == Generation::keras1) keras1::translate_layer(class_name, config, where);
    if (generation_ == Generation::keras3) keras3::translate_layer(class_name, config);
    else keras2::translate_layer(class_name, config);
    translate_dtype(config);
    check_neutral(class_name, config, where);
    for (const char* inner : {"layer", "forward_layer", "backward_layer", "cell"}) {
      if (const Config* wrapped = config.find_set(inner); wrapped && wrapped->contains("class_name")) {
        config[inner] = layer(Config(*wrapped), depth + 1);
      }
    }
    Config result = Config::object();
    result["class_name"] = class_name;
    result["config"] = std::move(config);
    return result;
  }

  GRAFT_COLD Config model(const Config& entry, int depth) {
    const Config& raw = entry.at("config");
    const bool sequential = entry.at("class_name").as_string() == "Sequential";
    std::string name = raw.get("name", "");
    if (name.empty()) name = entry.get("name", "");
    if (name.empty()) name = unique_name(sequential ? "Sequential" : "Model");
    Config config = Config::object();
    config["name"] = name;
    if (const Config* trainable = raw.find_set("trainable")) config["trainable"] = *trainable;
    config["layers"] = sequential ? chain(raw, depth) : nodes(raw, depth);
    if (!sequential) {
      config["input_layers"] = canonical_references(raw.at("input_layers"));
      config["output_layers"] = canonical_references(raw.at("output_layers"));
      renumber_nested_calls(config, calls_as_keras3_);
    }
    Config result = Config::object();
    result["class_name"] = sequential ? "Sequential" : "Functional";
    result["config"] = std::move(config);
    return result;
  }

  // The config of a Sequential is a list until Keras 2.2.2, a dictionary later.
  GRAFT_COLD Config chain(const Config& raw, int depth) {
    Config layers = Config::array();
    for (const Config& entry : (raw.is_array() ? raw : raw.at("layers")).items("layers"))
      layers.push_back(layer(entry, depth + 1));
    if (layers.items().empty() || layers.items()[0].at("class_name").as_string() == "InputLayer") return layers;
    const Config* shape = shape_of_first(layers);
    if (!shape) shape = raw.find_set("build_input_shape");
    if (!shape || !shape->is_array()) return layers;
    Config input = Config::object();
    input["batch_input_shape"] = *shape;
    input["dtype"] = layers.items()[0].at("config").get("dtype", "float32");
    input["name"] = layers.items()[0].at("config").get("name", "sequential") + "_input";
    Config first = Config::object(), result = Config::array();
    first["class_name"] = "InputLayer";
    first["config"] = std::move(input);
    result.push_back(std::move(first));
    for (const Config& entry : layers.items()) result.push_back(entry);
    return result;
  }

  // batch_input_shape of the first layer, or of the first layer of the nested model that stands first.
  GRAFT_COLD static const Config* shape_of_first(const Config& layers) {
    if (layers.items().empty()) return nullptr;
    const Config& config = layers.items()[0].at("config");
    if (const Config* shape = config.find_set("batch_input_shape")) return shape;
    const Config* inner = config.find("layers");
    return inner && inner->is_array() ? shape_of_first(*inner) : nullptr;
  }

  GRAFT_COLD Config nodes(const Config& raw, int depth) {
    Config layers = Config::array();
    for (const Config& entry : raw.at("layers").items("layers")) {
      if (ops::OpReader::is_operation(entry, generation_ == Generation::keras3)) {
        layers.push_back(ops::OpReader(entry).read());
        continue;
      }
      Config made = layer(entry, depth + 1);
      const Config* name = entry.find_set("name");
      made["name"] = name ? *name : made.at("config").at("name");
      const Config* calls = entry.find_set("inbound_nodes");
      made["inbound_nodes"] = calls ? canonical_calls(*calls) : Config::array();
      layers.push_back(std::move(made));
    }
    return layers;
  }

  // 16-bit policies are run in float32.
  GRAFT_COLD void translate_dtype(Config& config) {
    const Config* dtype = config.find_set("dtype");
    if (!dtype || !dtype->is_string()) return;
    const std::string name = dtype->as_string();
    if (name.find("float16") == std::string::npos && name != "half") return;
    config["dtype"] = "float32";
    const std::string warning = "dtype \"" + name + "\" is computed in float32";
    for (const std::string& known : warnings_) {
      if (known == warning) return;
    }
    warnings_.push_back(warning);
  }

  // Keys that some Keras writes and that graft's layers do not have: silently dropped while they say nothing.
  GRAFT_COLD static void check_neutral(const std::string& class_name, Config& config, const std::string& where) {
    struct Neutral {
      const char* class_name;  // nullptr: of every class
      const char* key;
      Config value;
    };
    static const Neutral table[] = {
        {nullptr, "quantization_config", nullptr}, {nullptr, "lora_rank", nullptr},  {nullptr, "time_major", false},
        {"BatchNormalization", "renorm", false},   {"DepthwiseConv2D", "groups", 1}, {"Conv2DTranspose", "groups", 1},
        {"SeparableConv1D", "groups", 1},          {"SeparableConv2D", "groups", 1}, {"InputLayer", "sparse", false},
        {"InputLayer", "ragged", false},
    };
    for (const Neutral& row : table) {
      if (row.class_name && class_name != row.class_name) continue;
      const Config* value = config.find(row.key);
      if (!value) continue;
      if (!value->is_null() && !(*value == row.value)) {
        fail<ConfigError>(where, std::string(row.key) + " that says nothing", "one that changes the result",
                          "graft does not have it.");
      }
      config.erase(row.key);
    }
  }

  Generation generation_;
  bool calls_as_keras3_;
  std::vector<std::string>& warnings_;
};

/// Layers whose weights cannot be in a file of this size: found before memory is asked for. Throws ConfigError.
GRAFT_COLD inline void check_sizes(const Config& model, Index file_bytes) {
  const Config* layers = model.at("config").find("layers");
  if (!layers) return;
  // Packed arrays of equal numbers may be a thousand times smaller than what they hold.
  const Index most = std::max<Index>(file_bytes, 1 << 20) * 1000;
  for (const Config& layer : layers->items("layers")) {
    const Config& config = layer.at("config");
    for (const char* key : {"units", "filters", "output_dim", "input_dim"}) {
      const Config* size = config.find_set(key);
      if (!size || !size->is_integer() || size->as_int() <= most) continue;
      fail<ConfigError>("layer \"" + config.get("name", "") + "\"",
                        std::string(key) + " that fits a file of " + std::to_string(file_bytes) + " bytes, and memory",
                        std::to_string(size->as_int()), "The file is damaged or hostile.");
    }
    check_sizes(layer, file_bytes);
  }
}

}  // namespace graft::keras
