#pragma once

#include "graft/io/keras/attention_calls.hpp"
#include "graft/io/keras/graph_references.hpp"
#include "graft/io/keras/keras1.hpp"
#include "graft/io/keras/keras1_merge.hpp"
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
      : generation_(generation),
        calls_as_keras3_(by_graft || generation == Generation::keras3),
        defaults_in_calls_(generation == Generation::keras3 && !by_graft),
        warnings_(warnings) {}

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
  static constexpr std::size_t kMaxKeys = 1024;

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
    if (config.members("config of " + class_name).size() > kMaxKeys)
      fail<ConfigError>("config of " + class_name, "at most 1,024 keys", std::to_string(config.members().size()));
    const std::string where = class_name + " \"" + config.get("name", "") + "\"";
    if (generation_ != Generation::keras3) keras1::translate_merge(class_name, config, where);
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
    std::map<std::string, std::string> classes;
    for (const Config& entry : raw.at("layers").items("layers")) {
      classes[entry.get("name", "")] = entry.at("class_name").as_string("class_name");
    }
    for (const Config& entry : raw.at("layers").items("layers")) {
      if (ops::OpReader::is_operation(entry, generation_ == Generation::keras3)) {
        layers.push_back(ops::OpReader(entry).read());
        continue;
      }
      Config made = layer(entry, depth + 1);
      const Config* name = entry.find_set("name");
      made["name"] = name ? *name : made.at("config").at("name");
      const Config* calls = entry.find_set("inbound_nodes");
      const std::string class_name = made.at("class_name").as_string();
      const bool says_training = !defaults_in_calls_ || is_model(made) || class_name == "BatchNormalization";
      if (calls && attention::is_attention(class_name)) {
        made["inbound_nodes"] = attention::read_calls(class_name, *calls, made["config"], classes);
      } else {
        made["inbound_nodes"] = calls ? canonical_calls(*calls) : Config::array();
      }
      made["inbound_nodes"] = with_mode(made["inbound_nodes"], says_training);
      layers.push_back(std::move(made));
    }
    return layers;
  }

  // Keras 3 writes the default that Dropout, recurrent and other layers have for "training" into every call of theirs:
  // there it means nothing. 0 and 1 are what Keras 2 may say for the two modes.
  GRAFT_COLD static Config with_mode(const Config& calls, bool says_training) {
    Config result = Config::array();
    for (const Config& call : calls.items()) {
      Config made = Config::array();
      for (const Config& reference : call.items()) {
        std::vector<Config> parts = reference.items();
        const Config* training = parts.size() > 3 ? parts[3].find("training") : nullptr;
        if (training && training->is_number() && says_training) parts[3]["training"] = training->as_double() != 0;
        else if (training && !(training->is_bool() && says_training)) parts[3].erase("training");
        made.push_back(Config::array(std::move(parts)));
      }
      result.push_back(std::move(made));
    }
    return result;
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
        {nullptr, "quantization_config", nullptr}, {nullptr, "time_major", false},
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
  bool calls_as_keras3_, defaults_in_calls_;
  std::vector<std::string>& warnings_;
};

/// Bytes of weights that a model from a file may have: packed arrays of equal numbers may be a thousand times smaller
/// than what they hold, and a small file may hold 16-bit numbers, or a weight of little else.
inline Index weight_budget(Index file_bytes) { return 1000 * file_bytes + (Index{64} << 20); }

}  // namespace graft::keras
