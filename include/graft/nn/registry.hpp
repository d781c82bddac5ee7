#pragma once

#include <map>
#include <mutex>

#include "graft/nn/layer.hpp"

namespace graft {

/// Which class name makes which layer from a config. graft's own layers are listed in nn/layers.hpp; your own are added
/// with register_layer.
template <class Scalar>
class LayerRegistry {
 public:
  using Factory = Layer<Scalar> (*)(const Config&);

  static LayerRegistry& instance() {
    static LayerRegistry registry;
    return registry;
  }

  GRAFT_COLD void add(const std::string& class_name, Factory factory) {
    const std::lock_guard lock(mutex_);
    factories_[class_name] = factory;
  }
  GRAFT_COLD bool contains(const std::string& class_name) const {
    const std::lock_guard lock(mutex_);
    return factories_.count(class_name) != 0;
  }
  GRAFT_COLD std::vector<std::string> class_names() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& entry : factories_) names.push_back(entry.first);
    return names;
  }
  /// Throws ConfigError for an unknown class, with the nearest name and how to register one's own.
  GRAFT_COLD Layer<Scalar> make(const std::string& class_name, const Config& config) const {
    Factory factory = nullptr;
    {
      const std::lock_guard lock(mutex_);
      const auto found = factories_.find(class_name);
      if (found != factories_.end()) factory = found->second;
    }
    if (!factory) {
      const auto names = class_names();
      throw ConfigError("layer \"" + config.get("name", "") + "\" is of class \"" + class_name +
                        "\", which is not known. " + text::did_you_mean(class_name, names) +
                        " A class of your own is added with graft::register_layer<" + class_name + ">(\"" + class_name +
                        "\").");
    }
    return factory(config);
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Factory> factories_;
};

/// Makes files that name `class_name` loadable: `LayerHandle::from_config(config)` makes the layer.
template <class LayerHandle, class Scalar = float>
GRAFT_COLD void register_layer(const std::string& class_name) {
  LayerRegistry<Scalar>::instance().add(
      class_name, [](const Config& config) -> Layer<Scalar> { return LayerHandle::from_config(config); });
}

}  // namespace graft
