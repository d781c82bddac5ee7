#pragma once

#include <map>
#include <string>

#include "graft/io/keras/graph_references.hpp"

// Calls of attention layers. Keras passes what graft's layers have as inputs and options: query, value and key as
// arguments of their own, and use_causal_mask and return_attention_scores in every call.
namespace graft::keras::attention {

/// Layers whose call takes its tensors one by one: query, value, key.
GRAFT_COLD inline bool is_projected(std::string_view class_name) {
  return class_name == "MultiHeadAttention" || class_name == "GroupQueryAttention" ||
         class_name == "GroupedQueryAttention";
}
GRAFT_COLD inline bool is_attention(std::string_view class_name) {
  return is_projected(class_name) || class_name == "Attention" || class_name == "AdditiveAttention";
}

namespace detail {

constexpr const char* kFlags[] = {"use_causal_mask", "return_attention_scores"};
constexpr const char* kMasks[] = {"mask", "query_mask", "value_mask", "key_mask"};

GRAFT_COLD inline bool is_triple(const Config& value) {
  if (!value.is_array()) return false;
  const auto& items = value.items();
  return items.size() >= 3 && items[0].is_string() && items[1].is_integer() && items[2].is_integer();
}

/// The tensors of a value, in order, as [layer, call, output].
GRAFT_COLD inline void collect(const Config& value, std::vector<Config>& into) {
  if (const Config* history = keras3::detail::history_of(value)) {
    into.push_back(*history);
  } else if (is_triple(value)) {
    const auto& parts = value.items();
    into.push_back(Config::array({parts[0], parts[1], parts[2]}));
  } else if (value.is_array()) {
    for (const Config& item : value.items()) collect(item, into);
  }
}

GRAFT_COLD inline Config without_flags(const Config& config) {
  Config result = config;
  for (const char* flag : kFlags) result.erase(flag);
  return result;
}
/// The flags that are set, as arguments of the call.
GRAFT_COLD inline Config flags_of(const Config& config) {
  Config kwargs = Config::object();
  for (const char* flag : kFlags) {
    if (config.get(flag, false)) kwargs[flag] = true;
  }
  return kwargs;
}

}  // namespace detail

namespace detail {
GRAFT_COLD inline const Config* mode_of(const std::vector<Config>& references) {
  if (references.empty() || references[0].items().size() < 4) return nullptr;
  return references[0].items()[3].find_set("training");
}
}  // namespace detail

/// inbound_nodes of an attention layer as lists of inputs in graft's order; flags of the calls go into `config`. Throws
/// ConfigError when a mask is an input of the model: graft takes masks from the layers that make them.
GRAFT_COLD inline Config read_calls(const std::string& class_name, const Config& inbound, Config& config,
                                    const std::map<std::string, std::string>& classes) {
  const std::string where = class_name + " \"" + config.get("name", "") + "\"";
  Config result = Config::array();
  bool first_call = true;
  for (const Config& call : inbound.items("inbound_nodes")) {
    std::vector<Config> tensors;
    Config kwargs = Config::object();
    if (call.is_object()) {
      detail::collect(call.at("args"), tensors);
      if (const Config* given = call.find_set("kwargs")) kwargs = *given;
    } else {
      const Config flat = canonical_references(call);
      detail::collect(flat, tensors);
      for (const Config& reference : flat.items()) {
        if (reference.items().size() > 3 && reference.items()[3].is_object() && kwargs.members().empty()) {
          kwargs = reference.items()[3];
        }
      }
    }
    std::map<std::string, Config> named;
    for (const char* name : {"query", "inputs", "value", "key", "attention_mask"}) {
      std::vector<Config> found;
      if (const Config* value = kwargs.find_set(name)) detail::collect(*value, found);
      if (std::string_view(name) == "inputs") tensors.insert(tensors.end(), found.begin(), found.end());
      else if (!found.empty()) named[name] = found[0];
    }
    if (const auto query = named.find("query"); query != named.end()) tensors.insert(tensors.begin(), query->second);
    if (const auto value = named.find("value"); value != named.end()) tensors.push_back(value->second);
    if (const auto key = named.find("key"); key != named.end()) tensors.push_back(key->second);
    if (const auto mask = named.find("attention_mask"); mask != named.end()) {
      if (tensors.size() == 2) tensors.push_back(Config(tensors[1]));
      tensors.push_back(mask->second);
    }
    for (const char* name : detail::kMasks) {
      std::vector<Config> masks;
      if (const Config* value = kwargs.find_set(name)) detail::collect(*value, masks);
      for (const Config& mask : masks) {
        const auto from = classes.find(mask.items()[0].as_string());
        if (from == classes.end() || from->second != "InputLayer") continue;
        fail<ConfigError>(where, "masks of Embedding or Masking, or an attention_mask",
                          std::string(name) + " of its own");
      }
    }
    for (const char* flag : detail::kFlags) {
      const bool set = kwargs.get(flag, false);
      if (!first_call && set != config.get(flag, false)) {
        fail<ConfigError>(where, std::string(flag) + " alike in all calls", "different ones");
      }
      if (set) config[flag] = true;
    }
    first_call = false;
    Config inputs = Config::array();
    Config mode = Config::object();
    if (const Config* training = kwargs.find_set("training")) mode["training"] = *training;
    for (Config& tensor : tensors) {
      tensor.push_back(mode);
      inputs.push_back(std::move(tensor));
    }
    result.push_back(std::move(inputs));
  }
  return result;
}

/// An entry of a functional model, its inputs as lists of references, as tf.keras writes it.
GRAFT_COLD inline Config tf_entry(Config entry) {
  const Config config = entry.at("config");
  const bool projected = is_projected(entry.at("class_name").as_string());
  entry["config"] = detail::without_flags(config);
  if (!entry.contains("inbound_nodes")) return entry;
  Config inbound = Config::array();
  for (const Config& call : entry.at("inbound_nodes").items()) {
    const auto& references = call.items();
    Config kwargs = detail::flags_of(config), written = Config::array();
    if (const Config* training = detail::mode_of(references)) kwargs["training"] = *training;
    if (projected) {
      const char* names[] = {"", "value", "key", "attention_mask"};
      for (std::size_t i = 1; i < references.size() && i < 4; ++i) {
        const auto& parts = references[i].items();
        kwargs[names[i]] = Config::array({parts[0], parts[1], parts[2]});
      }
    }
    for (const Config& reference : references) {
      std::vector<Config> parts = reference.items();
      parts.resize(3);
      parts.push_back(kwargs);
      written.push_back(Config::array(std::move(parts)));
      if (projected) break;
    }
    inbound.push_back(std::move(written));
  }
  entry["inbound_nodes"] = std::move(inbound);
  return entry;
}

/// The config without what Keras 3 passes in calls.
GRAFT_COLD inline Config keras3_config(const Config& config) { return detail::without_flags(config); }

/// One call as Keras 3 writes it, from its tensors in Keras 3's form and the mode, if it has one of its own.
GRAFT_COLD inline Config keras3_call(std::string_view class_name, const Config& config, std::vector<Config> tensors,
                                     const Config* training) {
  Config kwargs = detail::flags_of(config), result = Config::object();
  if (training) kwargs["training"] = *training;
  if (is_projected(class_name) && tensors.size() == 4) {
    kwargs["attention_mask"] = tensors[3];
    tensors.pop_back();
  }
  Config list = Config::array(std::move(tensors));
  result["args"] = is_projected(class_name) ? list : Config::array({list});
  result["kwargs"] = std::move(kwargs);
  return result;
}

}  // namespace graft::keras::attention
