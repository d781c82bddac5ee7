#pragma once

#include <map>

#include "graft/io/keras/model_config_writer.hpp"
#include "graft/io/keras/op_writer.hpp"
#include "graft/io/keras/packaged_object.hpp"
#include "graft/models/model.hpp"
#include "graft/nn/builtin_layers.hpp"
#include "graft/nn/registry.hpp"

namespace graft::keras {

/// The architecture in Keras 3's words, as config.json of a .keras file has it. graft's own configs are in tf.keras
/// 2.15's; here they get modules, policies, build_config, and calls with __keras_tensor__.
template <class Scalar>
class Keras3ConfigWriter {
 public:
  GRAFT_COLD Config write(const Model<Scalar>& model) { return entry(model, model.impl().config()); }

 private:
  using Impl = ModelImpl<Scalar>;

  /// A layer, or a model, with everything inside of it. `config`: what it says of itself.
  GRAFT_COLD Config entry(const Layer<Scalar>& layer, const Config& config) {
    const auto* model = dynamic_cast<const Impl*>(&layer.impl());
    if (ops::is_operation(layer.class_name())) return ops::keras3_object(layer.class_name(), renamed(config));
    if (!model) {
      const bool attends = attention::is_attention(layer.class_name());
      Config made = packaged("keras.layers", layer.class_name(),
                             translate(layer.class_name(), attends ? attention::keras3_config(config) : config));
      // A wrapper's only layer is written as a layer of a model is: models have their calls in Keras 3's form, too.
      const auto inside = layer.impl().sublayers();
      if (const Config* inner = inside.size() == 1 ? config.find_set("layer") : nullptr)
        made["config"]["layer"] = entry(inside[0], inner->at("config"));
      if (!is_builtin_layer(layer.class_name()) ||
          LayerRegistry<Scalar>::instance().is_custom(std::string(layer.class_name()))) {
        made["module"] = nullptr;  // a class of the user's: Keras finds it in custom_objects
        made["registered_name"] = layer.class_name();
      }
      if (const Config shape = build_shape(layer); !shape.is_null()) made["build_config"]["input_shape"] = shape;
      return made;
    }
    const bool sequential = model->class_name() == "Sequential";
    Config inner = Config::object();
    inner["name"] = in_file(config.at("name"));
    inner["trainable"] = layer.trainable();
    if (sequential) inner["dtype"] = policy(LayerImpl<Scalar>::dtype());
    inner["layers"] = sequential ? chain(*model, config) : nodes(*model, config);
    Config made = packaged(sequential ? "keras" : "keras.src.models.functional", model->class_name(), Config());
    Config shape;
    if (sequential) {
      shape = shape_of(model->graph().inputs().front().shape());
      inner["build_input_shape"] = shape;
    } else {
      made["registered_name"] = "Functional";
      inner["input_layers"] = ends(config.at("input_layers"), {});
      inner["output_layers"] = ends(config.at("output_layers"), functional_in(*model));
    }
    made["config"] = std::move(inner);
    made["build_config"]["input_shape"] = shape;
    return made;
  }

  GRAFT_COLD Config chain(const Impl& model, const Config& config) {
    Config result = Config::array();
    const auto layers = model.layers_with_input();
    for (std::size_t i = 0; i < layers.size(); ++i) {
      result.push_back(entry(layers[i], config.at("layers").items()[i].at("config")));
    }
    return result;
  }

  GRAFT_COLD Config nodes(const Impl& model, const Config& config) {
    // Shapes of what each call of a layer gives, by the layer's name.
    std::map<std::string, std::vector<const Node<Scalar>*>> calls;
    for (const Node<Scalar>* node : model.graph().nodes()) calls[node->layer.name()].push_back(node);
    Config result = Config::array();
    const auto layers = model.layers();
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const Config& from = config.at("layers").items()[i];
      Config made = as_operation(layers[i], from.at("config"));
      if (made.is_null()) made = entry(layers[i], from.at("config"));
      made["name"] = in_file(from.at("name"));
      Config& inbound = made["inbound_nodes"] = Config::array();
      for (const Config& call : from.at("inbound_nodes").items()) {
        inbound.push_back(arguments(layers[i], from.at("config"), call, calls));
      }
      result.push_back(std::move(made));
    }
    return result;
  }

  // Activations with arguments that Keras 3 knows as operations alone; else null.
  GRAFT_COLD static Config as_operation(const Layer<Scalar>& layer, const Config& config) {
    const Config* activation = layer.class_name() == "Activation" ? config.find("activation") : nullptr;
    const std::string name = activation && activation->is_object() ? activation->get("class_name", "") : "";
    if (name != "gelu" && name != "log_softmax") return {};
    const char* class_name = name == "gelu" ? "Gelu" : "LogSoftmax";
    Config inner = activation->at("config");
    inner["name"] = in_file(config.at("name"));
    Config made = packaged("keras.src.ops.nn", class_name, std::move(inner));
    made["registered_name"] = class_name;
    return made;
  }

  // One call, of a list of [layer, call, output, kwargs], as {"args": […], "kwargs": {…}}.
  GRAFT_COLD static Config arguments(const Layer<Scalar>& layer, const Config& config, const Config& call,
                                     const std::map<std::string, std::vector<const Node<Scalar>*>>& calls) {
    std::vector<Config> tensors;
    Config kwargs = Config::object();
    for (const Config& reference : call.items()) {
      const auto& parts = reference.items();
      const auto at = static_cast<std::size_t>(parts[1].as_int()), output = static_cast<std::size_t>(parts[2].as_int());
      const Shape& shape = calls.at(parts[0].as_string()).at(at)->output_shapes.at(output);
      Config inner = Config::object();
      inner["shape"] = shape_of(shape);
      inner["dtype"] = LayerImpl<Scalar>::dtype();
      inner["keras_history"] = Config::array({in_file(parts[0]), parts[1], parts[2]});
      Config tensor = Config::object();
      tensor["class_name"] = "__keras_tensor__";
      tensor["config"] = std::move(inner);
      tensors.push_back(std::move(tensor));
      if (parts.size() > 3 && kwargs.members().empty()) kwargs = parts[3];
    }
    const std::string_view class_name = layer.class_name();
    if (ops::is_operation(class_name)) return ops::keras3_call(class_name, config, tensors);
    if (attention::is_attention(class_name))
      return attention::keras3_call(class_name, config, tensors, kwargs.find_set("training"));
    Config args = Config::array();
    const bool recurrent = has_state(class_name);
    if (tensors.size() == 1) {
      args = Config::array(tensors);
    } else if (recurrent) {
      args.push_back(tensors[0]);
      kwargs["initial_state"] = Config::array(std::vector<Config>(tensors.begin() + 1, tensors.end()));
    } else {
      args.push_back(Config::array(tensors));
    }
    Config result = Config::object();
    result["args"] = std::move(args);
    result["kwargs"] = std::move(kwargs);
    return result;
  }

  // Layers that may be called on a sequence and states.
  static bool has_state(std::string_view class_name) {
    for (const char* known :
         {"SimpleRNN", "LSTM", "GRU", "RNN", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"}) {
      if (class_name == known) return true;
    }
    return false;
  }

  // Nested functional models: Keras 3 counts their calls from 1 in output_layers.
  GRAFT_COLD static std::vector<std::string> functional_in(const Impl& model) {
    std::vector<std::string> names;
    for (const auto& layer : model.layers()) {
      if (layer.class_name() == "Functional") names.push_back(layer.name());
    }
    return names;
  }

  // input_layers and output_layers: one reference stands alone.
  GRAFT_COLD static Config ends(const Config& references, const std::vector<std::string>& from_one) {
    std::vector<Config> result;
    for (const Config& reference : references.items()) {
      std::vector<Config> parts = reference.items();
      if (std::find(from_one.begin(), from_one.end(), parts[0].as_string()) != from_one.end()) {
        parts[1] = parts[1].as_int() + 1;
      }
      parts[0] = in_file(parts[0]);
      result.push_back(Config::array(std::move(parts)));
    }
    return result.size() == 1 ? result[0] : Config::array(std::move(result));
  }

  GRAFT_COLD static Config shape_of(const Shape& shape) {
    Config result = Config::array();
    for (int axis = 0; axis < shape.rank(); ++axis) {
      result.push_back(shape[axis] == Shape::kUnknown ? Config() : Config(shape[axis]));
    }
    return result;
  }

  // Of layers with weights on one input; the others are built when they are called.
  GRAFT_COLD static Config build_shape(const Layer<Scalar>& layer) {
    const auto& shapes = layer.impl().build_shapes();
    if (shapes.size() != 1 || layer.weights().empty() || attention::is_projected(layer.class_name())) return nullptr;
    return shape_of(shapes[0].replace_batch(Shape::kUnknown));
  }

  static Config in_file(const Config& name) { return layer_name_in_file(name.as_string("name")); }

  GRAFT_COLD static Config renamed(Config config) {
    config["name"] = in_file(config.at("name"));
    return config;
  }

  GRAFT_COLD static Config policy(const Config& name) {
    Config inner = Config::object();
    inner["name"] = name;
    return packaged("keras", "DTypePolicy", std::move(inner));
  }

  GRAFT_COLD static bool ends_with(std::string_view text, std::string_view end) {
    return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
  }

  // The config of one layer.
  GRAFT_COLD static Config translate(std::string_view class_name, const Config& config) {
    Config result = Config::object();
    const bool input = class_name == "InputLayer";
    for (const auto& [key, value] : config.members()) {
      if (key == "name") {
        result[key] = in_file(value);
      } else if (key == "trainable" && !takes_trainable(class_name)) {
        continue;
      } else if (key == "batch_input_shape") {
        if (input) result["batch_shape"] = value;
      } else if (key == "dtype" && !input) {
        result[key] = policy(value);
      } else if (key == "alpha" && class_name == "LeakyReLU") {
        result["negative_slope"] = value;
      } else if (value.contains("class_name") && value.contains("config")) {
        result[key] = nested(key, value);
      } else if (value.is_array() && !value.items().empty() && value.items()[0].contains("class_name")) {
        Config& list = result[key] = Config::array();
        for (const Config& item : value.items()) list.push_back(nested(key, item));
      } else {
        result[key] = value;
      }
    }
    return result;
  }

  // An initializer, a regularizer, a constraint, or a layer inside of a wrapper.
  GRAFT_COLD static Config nested(const std::string& key, const Config& value) {
    const Config& class_name = value.at("class_name");
    const Config& config = value.at("config");
    if (ends_with(key, "_initializer")) return packaged("keras.initializers", class_name, config);
    if (ends_with(key, "_regularizer")) return packaged("keras.regularizers", class_name, config);
    if (ends_with(key, "_constraint")) return packaged("keras.constraints", class_name, config);
    if (!config.is_object()) return value;
    const std::string name = class_name.as_string();
    const char* module = name == "Sequential"   ? "keras"
                         : name == "Functional" ? "keras.src.models.functional"
                                                : "keras.layers";
    Config made = packaged(module, class_name, translate(name, config));
    for (const auto& [other, rest] : value.members()) {
      if (other != "class_name" && other != "config") made[other] = rest;  // name and calls of a layer in a model
    }
    return made;
  }
};

}  // namespace graft::keras
