#pragma once

#include "graft/io/hdf5.hpp"
#include "graft/io/json.hpp"
#include "graft/io/keras/file_array.hpp"
#include "graft/io/keras/weight_names.hpp"

namespace graft::keras {

/// The weights of one layer of the outermost model, in the order of the file.
struct FileGroup {
  std::string name;
  std::vector<FileWeight> weights;
};

/// What a legacy .h5 file says, Keras 1.0 to 3.x, whole model or weights only. Opening it reads names and shapes; the
/// numbers stay on disk until they are asked for.
class LegacyH5 {
 public:
  /// Throws FileError.
  GRAFT_COLD explicit LegacyH5(const std::string& path)
      : where_("\"" + path + "\""), root_(hdf5::File::open(path).root()) {
    keras_version_ = root_.string("keras_version").value_or("");
    backend_ = root_.string("backend").value_or("");
    model_config_ = root_.string("model_config");
  }

  const std::string& where() const { return where_; }
  /// "2.4.0"; empty when the file does not say.
  const std::string& keras_version() const { return keras_version_; }
  /// "tensorflow", "theano", "torch" …; empty when the file does not say.
  const std::string& backend() const { return backend_; }

  Index bytes() const { return root_.file_bytes(); }
  /// Whether graft wrote the file.
  bool by_graft() const { return root_.has_attribute("graft_version"); }

  /// The architecture as the file has it. Throws FileError when it has none.
  GRAFT_COLD Config model_config() const {
    if (!model_config_) refuse_missing_model();
    return json::parse(*model_config_, where_ + ", model_config");
  }
  /// What was compiled, as the file has it; null when it was not.
  GRAFT_COLD Config training_config() const {
    const auto text = root_.string("training_config");
    return text ? json::parse(*text, where_ + ", training_config") : Config();
  }

  /// Whose words the weights use. Without a model_config and a version it is Keras 1, which wrote none.
  GRAFT_COLD Generation generation() const {
    std::string version = keras_version_;
    if (version.empty() && root_.is_group("model_weights"))
      version = root_.group("model_weights").string("keras_version").value_or("");
    if (version.empty() && !model_config_) return Generation::keras1;
    return generation_of(version, version.empty() ? model_config() : Config());
  }

  /// The layers in the order of `layer_names`, those without weights included. Throws FileError.
  GRAFT_COLD std::vector<FileGroup> groups() const {
    const hdf5::Group from = weights_root();
    if (from.has_attribute("nb_layers")) return groups_of_keras0(from);
    const auto names = from.strings("layer_names");
    if (!names) fail<FileError>(from.where(), "the attribute \"layer_names\"", "none", "The file is damaged.");
    std::vector<FileGroup> result;
    for (const std::string& name : *names) {
      const hdf5::Group group = from.group(name);
      result.push_back({name, weights_of(group)});
    }
    return result;
  }

  /// Arrays of the optimizer, in the order of the file; empty when there are none. Throws FileError.
  GRAFT_COLD std::vector<FileWeight> optimizer_weights() const {
    if (!root_.is_group("optimizer_weights")) return {};
    return weights_of(root_.group("optimizer_weights"));
  }

  /// Names of weights that belong to the model itself and to none of its layers: rare.
  GRAFT_COLD std::vector<std::string> top_level_weights() const {
    const hdf5::Group from = weights_root();
    if (!from.is_group("top_level_model_weights")) return {};
    return from.group("top_level_model_weights").strings("weight_names").value_or(std::vector<std::string>());
  }

 private:
  GRAFT_COLD static std::vector<FileWeight> weights_of(const hdf5::Group& group) {
    const auto names = group.strings("weight_names");
    if (!names) fail<FileError>(group.where(), "the attribute \"weight_names\"", "none", "The file is damaged.");
    std::vector<FileWeight> result;
    for (const std::string& name : *names) result.push_back({name, group.dataset(name)});
    return result;
  }

  // Keras 0.x: layer_0, layer_1 … with param_0, param_1 … in them, and no names.
  GRAFT_COLD static std::vector<FileGroup> groups_of_keras0(const hdf5::Group& from) {
    std::vector<FileGroup> result;
    const auto count = [](const hdf5::Group& group, const char* what) {
      const double number = group.number(what).value_or(-1);
      if (!(number >= 0 && number <= 1e6)) fail<FileError>(group.where(), std::string("the attribute ") + what, "none");
      return static_cast<Index>(number);
    };
    for (Index i = 0, layers = count(from, "nb_layers"); i < layers; ++i) {
      FileGroup layer{"layer_" + std::to_string(i), {}};
      const hdf5::Group group = from.group(layer.name);
      for (Index k = 0, params = count(group, "nb_params"); k < params; ++k) {
        const std::string name = "param_" + std::to_string(k);
        layer.weights.push_back({name, group.dataset(name)});
      }
      result.push_back(std::move(layer));
    }
    return result;
  }

  // Weights-only files have at the root what whole models have in model_weights.
  GRAFT_COLD hdf5::Group weights_root() const {
    if (has_layer_names(root_)) return root_.again();
    if (root_.is_group("model_weights")) return root_.group("model_weights");
    refuse_missing_model();
  }
  GRAFT_COLD static bool has_layer_names(const hdf5::Group& group) {
    return group.has_attribute("layer_names") || group.has_attribute("layer_names0") ||
           group.has_attribute("nb_layers");
  }

  [[noreturn]] GRAFT_COLD void refuse_missing_model() const {
    std::string hint;
    if (root_.is_group("model_weights") || has_layer_names(root_)) {
      fail<FileError>(where_, "a whole model (the attribute \"model_config\")", "weights only",
                      "Make the model in code and call model.load_weights on the file.");
    }
    if (root_.exists("layers") || root_.exists("_layer_checkpoint_dependencies")) {
      fail<FileError>(where_, "a whole model (the attribute \"model_config\")",
                      "the weights alone, as Keras 3 keeps them",
                      "Make the model in code and call model.load_weights on the file.");
    }
    if (root_.has_attribute("nb_layers")) {
      hint = "This is a file of Keras 0.x. Supported: Keras 1.0 and later.";
    } else {
      const auto names = root_.children();
      for (std::size_t i = 0; i < names.size() && i < 8; ++i) hint += (i ? ", " : "It holds: ") + names[i];
    }
    fail<FileError>(where_, "a Keras model", "an HDF5 file without one", hint);
  }

  std::string where_;
  hdf5::Group root_;
  std::string keras_version_, backend_;
  std::optional<std::string> model_config_;
};

}  // namespace graft::keras
