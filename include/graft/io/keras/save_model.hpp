#pragma once

#include "graft/core/version.hpp"
#include "graft/io/json.hpp"
#include "graft/io/keras/optimizer_state.hpp"
#include "graft/io/keras/training_config.hpp"

namespace graft::keras {

/// The architecture as files have it: graft's own config in the words that tf.keras 2.15 and Keras 3 both read.
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

  /// Keras 3 does not allow '/' in names of layers.
  GRAFT_COLD static std::string layer_name(std::string name) {
    std::replace(name.begin(), name.end(), '/', '_');
    return name;
  }

 private:
  GRAFT_COLD Config model(const Config& config) {
    Config result = Config::object();
    for (const auto& [key, value] : config.members()) {
      if (key == "layers") result[key] = layers(value);
      else if (key == "input_layers") result[key] = references(value, false);
      else if (key == "output_layers") result[key] = references(value, true);
      else if (key == "name") result[key] = layer_name(value.as_string());
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
        if (key == "config") made[key] = value.contains("layers") ? model(value) : layer(value);
        else if (key == "name") made[key] = layer_name(value.as_string());
        else if (key == "inbound_nodes") {
          Config calls = Config::array();
          for (const Config& call : value.items()) calls.push_back(references(call, false));
          made[key] = calls;
        } else {
          made[key] = value;
        }
      }
      result.push_back(std::move(made));
    }
    functional_ = std::move(functional);  // of the model that is being written: its output_layers come next
    return result;
  }

  GRAFT_COLD Config layer(const Config& config) {
    Config result = config;
    for (const auto& [key, value] : config.members()) {
      if (key == "name") {
        result[key] = layer_name(value.as_string());
      } else if (value.is_string() && key.size() >= 10 && key.compare(key.size() - 10, 10, "activation") == 0) {
        if (value.as_string() == "hard_sigmoid") uses_keras3_ = true;
        if (value.as_string() == "hard_sigmoid_keras2") {
          uses_keras2_ = true;
          result[key] = "hard_sigmoid";
        }
      } else if (value.contains("class_name") && value.contains("config")) {
        Config inner = value;
        const Config& config_inside = value.at("config");
        if (config_inside.is_object()) {
          inner["config"] = config_inside.contains("layers") ? model(config_inside) : layer(config_inside);
        }
        result[key] = std::move(inner);
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
      parts[0] = layer_name(name);
      result.push_back(Config::array(std::move(parts)));
    }
    return result;
  }

  bool uses_keras2_ = false, uses_keras3_ = false;
  std::set<std::string> functional_;
};

/// Throws FileError for names of formats that graft cannot write (yet).
GRAFT_COLD inline void check_extension(const std::string& path, const char* what) {
  const auto ends = [&](std::string_view end) {
    return path.size() >= end.size() && path.compare(path.size() - end.size(), end.size(), end) == 0;
  };
  if (ends(".keras") || ends(".weights.h5")) {
    fail<FileError>(std::string(what) + " to \"" + path + "\"", "a file name that ends in .h5",
                    ends(".keras") ? ".keras" : ".weights.h5",
                    "This format of Keras 3 is not supported yet. Supported: .h5.");
  }
  if (!ends(".h5") && !ends(".hdf5")) {
    fail<FileError>(std::string(what) + " to \"" + path + "\"", "a file name that ends in .h5", "another",
                    "Supported: .h5.");
  }
}

/// layer_names and one group per layer. In a group, the weights that train come before the others, as Keras writes
/// them: it reads nested models by position, under the flags that it finds in the file. graft reads by name.
template <class Scalar>
GRAFT_COLD void write_weights(const Model<Scalar>& model, const ModelGroups<Scalar>& groups, const hdf5::Group& into,
                              const char* keras_version) {
  std::vector<std::string> layer_names;
  for (const ModelGroup& group : groups.groups) layer_names.push_back(ModelConfigWriter::layer_name(group.name));
  into.write("layer_names", layer_names);
  into.write("backend", std::string("tensorflow"));
  into.write("keras_version", std::string(keras_version));

  const auto layers = model.layers();
  for (std::size_t g = 0; g < groups.groups.size(); ++g) {
    const ModelGroup& group = groups.groups[g];
    std::map<const Variable<Scalar>*, std::string> name_of;
    std::set<std::string> taken;
    for (const ModelLeaf& leaf : group.leaves) {
      for (const ModelWeight& weight : leaf.weights) {
        std::string name = ModelGroups<Scalar>::path_of(group, leaf) + "/" + weight.name;
        while (!taken.insert(name).second) name += "_1";
        name_of[groups.variables[weight.index].get()] = name + ":0";
      }
    }
    const Layer<Scalar> layer = layers[static_cast<Index>(g)];
    auto variables = layer.trainable_weights();
    for (const auto& variable : layer.non_trainable_weights()) variables.push_back(variable);
    std::vector<std::string> names;
    for (const auto& variable : variables) names.push_back(name_of.at(variable.get()));

    const hdf5::Group group_in_file = into.create_group(layer_names[g]);
    group_in_file.write("weight_names", names);
    for (std::size_t i = 0; i < variables.size(); ++i) {
      group_in_file.write_dataset(names[i], variables[i]->shape(), variables[i]->value().data());
    }
  }
  into.create_group("top_level_model_weights").write("weight_names", std::vector<std::string>());
}

template <class Scalar>
GRAFT_COLD void require_built(const Model<Scalar>& model, const char* what) {
  if (model.built()) return;
  throw StateError(std::string(what) + " of " + model.impl().where() +
                   ": the model is not built, so it has no weights yet. Give the first layer an input_shape, or call "
                   "build(shape).");
}

}  // namespace graft::keras

namespace graft {

template <class Scalar>
GRAFT_COLD void Model<Scalar>::save(const std::string& path) const {
  keras::check_extension(path, "save");
  keras::require_built(*this, "save");
  // Everything that can fail for other reasons than the disk comes first.
  keras::ModelConfigWriter writer;
  const std::string model_config = json::dump(writer.write(impl().class_name(), impl().config()));
  std::string training_config;
  if (compiled()) training_config = json::dump(keras::write_training_config(compiled_or_throw("save").options()));
  const keras::ModelGroups<Scalar> groups(*this);
  hdf5::write_file(path, [&](const hdf5::Group& root) {
    root.write("keras_version", std::string(writer.keras_version()));
    root.write("backend", std::string("tensorflow"));
    root.write("graft_version", std::string(GRAFT_VERSION));
    root.write("model_config", model_config);
    if (compiled()) root.write("training_config", training_config);
    keras::write_weights(*this, groups, root.create_group("model_weights"), writer.keras_version());
    if (compiled()) keras::write_optimizer_state(*this, groups, root);
  });
}

template <class Scalar>
GRAFT_COLD void Model<Scalar>::save_weights(const std::string& path) const {
  keras::check_extension(path, "save_weights");
  keras::require_built(*this, "save_weights");
  const keras::ModelGroups<Scalar> groups(*this);
  hdf5::write_file(path, [&](const hdf5::Group& root) {
    root.write("graft_version", std::string(GRAFT_VERSION));
    keras::write_weights(*this, groups, root, "2.15.0");
  });
}

}  // namespace graft
