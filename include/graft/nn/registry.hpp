#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>

#include "graft/nn/layer.hpp"

namespace graft {

/// Makes a layer from its config.
template <class Scalar>
using LayerFactory = std::function<Layer<Scalar>(const Config&)>;

/// A file has a layer of a class, or with a function, that is not known.
class UnknownLayer : public ConfigError {
 public:
  using ConfigError::ConfigError;
};

/// Classes, and functions of Lambda layers, for one load: see LoadOptions. They go before those of the registries.
template <class Scalar>
struct CustomLayers {
  std::map<std::string, LayerFactory<Scalar>> classes, functions;

  /// Those of the load that this thread is at; nullptr outside of one.
  static const CustomLayers*& current() {
    thread_local const CustomLayers* instance = nullptr;
    return instance;
  }
  /// Makes them current as long as it lives.
  class Scope {
   public:
    explicit Scope(const CustomLayers& layers) : before_(std::exchange(current(), &layers)) {}
    ~Scope() { current() = before_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    const CustomLayers* before_;
  };
};

/// The layers of the model that this thread is making from a config, by name: a layer that uses another one (tied
/// weights) finds it here.
template <class Scalar>
class LayersOfModel {
 public:
  /// The last one that was made under this name; empty when there is none, and outside of a model.
  static Layer<Scalar> find(const std::string& name) {
    if (!current()) return {};
    const auto found = current()->find(name);
    return found == current()->end() ? Layer<Scalar>() : found->second;
  }
  static void note(const Layer<Scalar>& layer) {
    if (current()) (*current())[layer.name()] = layer;
  }
  /// While a model is made, the models inside included.
  class Scope {
   public:
    Scope() : before_(current()) {
      if (!before_) current() = &layers_;
    }
    ~Scope() { current() = before_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    std::map<std::string, Layer<Scalar>> layers_;
    std::map<std::string, Layer<Scalar>>* before_;
  };

 private:
  static std::map<std::string, Layer<Scalar>>*& current() {
    thread_local std::map<std::string, Layer<Scalar>>* instance = nullptr;
    return instance;
  }
};

/// Which class name makes which layer from a config. graft's own layers are listed in nn/builtin_layers.hpp; your own
/// are added with register_layer.
template <class Scalar>
class LayerRegistry {
 public:
  using Factory = Layer<Scalar> (*)(const Config&);

  static LayerRegistry& instance() {
    static LayerRegistry registry;
    return registry;
  }

  GRAFT_COLD void add(const std::string& class_name, Factory factory, bool builtin = false) {
    const std::lock_guard lock(mutex_);
    factories_[class_name] = factory;
    if (builtin) builtin_.insert(class_name);
    else builtin_.erase(class_name);
  }
  GRAFT_COLD bool contains(const std::string& class_name) const {
    const std::lock_guard lock(mutex_);
    return factories_.count(class_name) != 0;
  }
  /// Whether the program has put a class of its own under this name.
  GRAFT_COLD bool is_custom(const std::string& class_name) const {
    const std::lock_guard lock(mutex_);
    return factories_.count(class_name) != 0 && builtin_.count(class_name) == 0;
  }
  GRAFT_COLD std::vector<std::string> class_names() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& entry : factories_) names.push_back(entry.first);
    return names;
  }
  /// Throws UnknownLayer for an unknown class, with the nearest names and how to register one's own.
  GRAFT_COLD Layer<Scalar> make(const std::string& class_name, const Config& config) const {
    // Keras's register_keras_serializable puts the package in front: "Custom>Scale".
    const std::string plain = class_name.substr(class_name.rfind('>') + 1);
    for (const std::string& name : {class_name, plain}) {
      if (const auto* custom = CustomLayers<Scalar>::current()) {
        const auto found = custom->classes.find(name);
        if (found != custom->classes.end()) return found->second(config);
      }
      if (const Factory factory = find(name)) return factory(config);
    }
    throw UnknownLayer("layer \"" + config.get("name", "") + "\" is of class \"" + class_name +
                       "\", which is not known. " +
                       text::did_you_mean(class_name, text::nearest_few(class_name, class_names())) +
                       " A class of your own is added with graft::register_layer<" + plain + "<>>(\"" + plain +
                       "\"), or for one file with load_model(path, {.custom_layers = {{\"" + plain + "\", &" + plain +
                       "<>::from_config}}}): see docs/custom_layer.md.");
  }

 private:
  GRAFT_COLD Factory find(const std::string& class_name) const {
    const std::lock_guard lock(mutex_);
    const auto found = factories_.find(class_name);
    return found == factories_.end() ? nullptr : found->second;
  }

  mutable std::mutex mutex_;
  std::map<std::string, Factory> factories_;
  std::set<std::string> builtin_;
};

/// Makes files that name `class_name` loadable: `LayerHandle::from_config(config)` makes the layer.
template <class LayerHandle, class Scalar = float>
GRAFT_COLD void register_layer(const std::string& class_name) {
  LayerRegistry<Scalar>::instance().add(
      class_name, [](const Config& config) -> Layer<Scalar> { return LayerHandle::from_config(config); });
}

}  // namespace graft
