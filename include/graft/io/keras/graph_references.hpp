#pragma once

#include <map>

#include "graft/io/keras/generation.hpp"
#include "graft/io/keras/keras3.hpp"

// References between the layers of a functional model, of every era, as lists of [layer, call, output, kwargs] in which
// `call` counts the calls that the model itself makes, from 0.
namespace graft::keras {

namespace detail {

inline constexpr Index kMaxCalls = Index{1} << 32;

GRAFT_COLD inline bool is_reference(const Config& value) {
  return value.is_array() && !value.items().empty() && value.items()[0].is_string();
}

// Nested structures of references, flattened in order.
GRAFT_COLD inline void flatten_references(const Config& value, Config& into) {
  if (is_reference(value)) {
    if (value.items().size() < 3)
      fail<ConfigError>("model_config", "references of a layer, a call and an output", "fewer parts");
    if (const Index call = value.items()[1].as_int("node index"); call < -1 || call > kMaxCalls)
      fail<ConfigError>("model_config", "calls from 0 on", std::to_string(call));
    into.push_back(value);
  } else if (value.is_array()) {
    for (const Config& item : value.items()) flatten_references(item, into);
  } else if (value.is_object()) {
    for (const auto& member : value.members()) flatten_references(member.second, into);
  }
}

// States of a recurrent layer that are an argument of their own, {"initial_state": [[layer, call, output], …]}, become
// inputs behind the sequence.
GRAFT_COLD inline Config with_initial_state(const Config& call) {
  if (call.items().empty() || call.items()[0].items().size() < 4) return call;
  const Config* states = call.items()[0].items()[3].find_set("initial_state");
  if (!states) return call;
  Config flat = Config::array(), result = Config::array(), kwargs = call.items()[0].items()[3];
  flatten_references(*states, flat);
  kwargs.erase("initial_state");
  const auto add = [&](const Config& reference) {
    std::vector<Config> parts(reference.items().begin(), reference.items().begin() + 3);
    parts.push_back(kwargs);
    result.push_back(Config::array(std::move(parts)));
  };
  for (const Config& reference : call.items()) add(reference);
  for (const Config& reference : flat.items()) add(reference);
  return result;
}

GRAFT_COLD inline Config renumbered(const Config& reference, const std::map<std::string, Index>& shift) {
  const auto found = shift.find(reference.items()[0].as_string());
  if (found == shift.end()) return reference;
  std::vector<Config> parts = reference.items();
  parts[1] = parts[1].as_int("node index") - found->second;
  return Config::array(std::move(parts));
}

}  // namespace detail

/// input_layers and output_layers: one reference alone, a list of them, or a dictionary.
GRAFT_COLD inline Config canonical_references(const Config& value) {
  Config result = Config::array();
  detail::flatten_references(value, result);
  return result;
}

/// inbound_nodes of one layer: a list of calls.
GRAFT_COLD inline Config canonical_calls(const Config& calls) {
  Config result = Config::array();
  for (const Config& call : calls.items("inbound_nodes")) {
    if (call.is_object()) {
      result.push_back(detail::with_initial_state(keras3::translate_call(call)));
      continue;
    }
    // Operations of tf.keras leave the list out when they have one input.
    Config flat = canonical_references(call), complete = Config::array();
    for (const Config& reference : flat.items()) {
      Config copy = reference;
      if (copy.items().size() == 3) copy.push_back(Config::object());
      complete.push_back(std::move(copy));
    }
    result.push_back(detail::with_initial_state(complete));
  }
  return result;
}

/// Numbers the calls of nested models from 0. Keras 2 and tf.keras count the call that built a nested model as its
/// first, so that they begin at 1; which of the two a file does shows in the highest number. Keras 3, and graft, do so
/// in output_layers only, and for Functional models only.
GRAFT_COLD inline void renumber_nested_calls(Config& model, bool as_keras3) {
  std::map<std::string, Index> calls, shift, output_shift;
  for (const Config& layer : model.at("layers").items("layers")) {
    const std::string& class_name = layer.at("class_name").as_string("class_name");
    if (!layer.at("config").contains("layers")) continue;
    const std::string name = layer.get("name", "");
    if (as_keras3) {
      if (class_name == "Functional") output_shift[name] = 1;
    } else {
      calls[name] = static_cast<Index>(layer.at("inbound_nodes").items("inbound_nodes").size());
    }
  }
  const auto look = [&](const Config& references) {
    for (const Config& reference : references.items()) {
      const auto found = calls.find(reference.items()[0].as_string());
      if (found != calls.end() && reference.items()[1].as_int("node index") >= found->second) shift[found->first] = 1;
    }
  };
  if (!as_keras3) {
    for (const Config& layer : model.at("layers").items()) {
      for (const Config& call : layer.at("inbound_nodes").items()) look(call);
    }
    look(model.at("output_layers"));
    output_shift = shift;
  }
  if (shift.empty() && output_shift.empty()) return;

  const auto renumber = [](const Config& references, const std::map<std::string, Index>& by) {
    Config result = Config::array();
    for (const Config& reference : references.items()) result.push_back(detail::renumbered(reference, by));
    return result;
  };
  Config layers = Config::array();
  for (const Config& layer : model.at("layers").items()) {
    Config copy = layer, inbound = Config::array();
    for (const Config& call : layer.at("inbound_nodes").items()) inbound.push_back(renumber(call, shift));
    copy["inbound_nodes"] = std::move(inbound);
    layers.push_back(std::move(copy));
  }
  model["layers"] = std::move(layers);
  model["output_layers"] = renumber(Config(model.at("output_layers")), output_shift);
}

}  // namespace graft::keras
