#pragma once

#include "graft/core/config.hpp"

namespace graft::keras {

/// A config without Python's and Keras's packaging: tuples and TensorShapes become lists, {"module", "class_name",
/// "config", "registered_name"} becomes {"class_name", "config"}, a policy becomes its name, a function its name.
GRAFT_COLD inline Config plain_values(const Config& value) {
  if (value.is_array()) {
    std::vector<Config> items;
    items.reserve(value.items().size());
    for (const Config& item : value.items()) items.push_back(plain_values(item));
    return Config::array(std::move(items));
  }
  if (!value.is_object()) return value;

  const Config* class_name = value.find("class_name");
  const bool is_wrapped = class_name && class_name->is_string();
  if (is_wrapped) {
    const std::string& name = class_name->as_string();
    const Config* items = value.find("items");
    if (items && (name == "__tuple__" || name == "TensorShape")) return plain_values(*items);
    const Config* config = value.find("config");
    if (config && config->is_string() && (name == "function" || value.contains("registered_name"))) return *config;
    const bool is_policy =
        name == "Policy" || (name.size() >= 11 && name.compare(name.size() - 11, 11, "DTypePolicy") == 0);
    if (config && is_policy) return Config(config->get("name", "float32"));
  }
  std::vector<Config::Member> members;
  members.reserve(value.members().size());
  for (const auto& [key, member] : value.members()) {
    // Of operations the module tells that they are none of the layers with the same name.
    const bool of_ops = key == "module" && member.is_string() && member.as_string().find(".ops.") != std::string::npos;
    const bool packaging = is_wrapped && ((key == "module" && !of_ops) || key == "registered_name" || key == "build_config" ||
                                          key == "shared_object_id");
    if (!packaging) members.emplace_back(key, plain_values(member));
  }
  return Config::object(std::move(members));
}

}  // namespace graft::keras
