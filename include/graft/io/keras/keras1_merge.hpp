#pragma once

#include "graft/core/config.hpp"

namespace graft::keras::keras1 {

/// Keras 1's Merge, which Keras 2.0 still reads and writes, becomes the merge layer that does what its mode says.
/// Throws ConfigError for a mode that is Python code, and for the models inside of a Merge that begins a Sequential.
GRAFT_COLD inline void translate_merge(std::string& class_name, Config& config, const std::string& where) {
  if (class_name != "Merge") return;
  if (const Config* branches = config.find_set("layers");
      branches && branches->is_array() && !branches->items().empty()) {
    fail<ConfigError>(where, "a Merge that is called on layers of a functional model", "one with models inside of it",
                      "Build the model with the functional API and save it again.");
  }
  struct Mode {
    const char* name;
    const char* class_name;
  };
  constexpr Mode kModes[] = {{"sum", "Add"},     {"mul", "Multiply"}, {"concat", "Concatenate"},
                             {"ave", "Average"}, {"max", "Maximum"},  {"dot", "Dot"},
                             {"cos", "Dot"}};
  const std::string mode = config.get("mode_type", "raw") == "raw" ? config.get("mode", "sum") : "Python code";
  const Mode* found = nullptr;
  for (const Mode& known : kModes) {
    if (mode == known.name) found = &known;
  }
  if (!found) fail<ConfigError>(where, "mode sum, mul, concat, ave, max, dot or cos", "\"" + mode + "\"");
  class_name = found->class_name;
  Config made = Config::object();
  made["name"] = config.get("name", "");
  made["trainable"] = config.get("trainable", true);
  if (mode == "concat") made["axis"] = config.get("concat_axis", -1);
  if (class_name == "Dot") {
    // One axis for both, or one of each, each perhaps in a list of its own.
    const Config* axes = config.find_set("dot_axes");
    const auto first = [](const Config& axis) {
      return axis.is_array() && axis.items().size() == 1 ? axis.items()[0] : axis;
    };
    if (!axes || !axes->is_array()) made["axes"] = axes ? *axes : Config(-1);
    else if (axes->items().size() == 2)
      made["axes"] = Config::array({first(axes->items()[0]), first(axes->items()[1])});
    else made["axes"] = first(*axes);
    made["normalize"] = mode == "cos";
  }
  config = std::move(made);
}

}  // namespace graft::keras::keras1
