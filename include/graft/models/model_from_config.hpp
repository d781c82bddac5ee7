#pragma once

#include <utility>

#include "graft/models/functional_impl.hpp"
#include "graft/models/model.hpp"
#include "graft/models/sequential_impl.hpp"
#include "graft/models/wrappers/wrappers.hpp"
#include "graft/nn/layers.hpp"
#include "graft/nn/registry.hpp"

namespace graft {

namespace detail {

template <class Scalar>
Layer<Scalar> make_layer(const std::string& class_name, const Config& config, int depth);

constexpr int kMaxModelDepth = 64;

/// For the message about a layer that is not known: what it is called on.
GRAFT_COLD inline std::string input_text(const std::string& inputs) {
  return inputs.empty() ? "" : " Its inputs: " + inputs.substr(0, 200) + ".";
}

template <class Scalar>
GRAFT_COLD std::shared_ptr<ModelImpl<Scalar>> make_sequential(const Config& config, int depth) {
  auto impl = std::make_shared<SequentialImpl<Scalar>>(ModelOptions{.name = config.get("name", "")});
  std::vector<Layer<Scalar>> layers;
  std::string before;
  for (const Config& entry : config.at("layers").items("layers")) {
    try {
      layers.push_back(make_layer<Scalar>(entry.at("class_name").as_string("class_name"), entry.at("config"), depth));
    } catch (const UnknownLayer& error) {
      throw UnknownLayer(error.what() + input_text(before.empty() ? before : "\"" + before + "\""));
    }
    before = entry.at("config").get("name", "");
  }
  impl->add_all(layers);
  impl->set_own_trainable(config.get("trainable", true));
  return impl;
}

/// Puts a functional model together: layers first, then their calls, each as soon as its inputs are there.
template <class Scalar>
class FunctionalReader {
 public:
  GRAFT_COLD FunctionalReader(const Config& config, int depth) : config_(config) {
    for (const Config& entry : config.at("layers").items("layers")) {
      const std::string class_name = entry.at("class_name").as_string("class_name");
      const Config& layer_config = entry.at("config");
      const std::string name = entry.get("name", layer_config.get("name", "").c_str());
      if (layers_.count(name)) throw ConfigError("Model: two layers have the name \"" + name + "\".");
      try {
        layers_[name] = make_layer<Scalar>(class_name, layer_config, depth);
      } catch (const UnknownLayer& error) {
        throw UnknownLayer(error.what() + input_text(inputs_of(entry)));
      }
      layers_[name].impl().set_name(name);
      order_.push_back(name);
      const Config* calls = entry.find_set("inbound_nodes");
      if (class_name == "InputLayer") make_input(name);
      else if (calls) calls_[name] = &calls->items("inbound_nodes");
    }
  }

  GRAFT_COLD std::shared_ptr<ModelImpl<Scalar>> read() {
    for (const auto& [name, calls] : calls_) {
      for (const Config& call : *calls) note_references(call);
    }
    note_references(config_.at("output_layers"));
    // Each layer makes its calls as far as it can; one that waits for a value is taken up again when that is there.
    std::vector<const std::string*> ready;
    for (const std::string& name : order_) ready.push_back(&name);
    for (std::size_t at = 0; at < ready.size(); ++at) advance(*ready[at], ready);
    bool open = false;
    for (const auto& [name, calls] : calls_) open = open || progress_[name].done < calls->size();
    if (open) throw ConfigError("Model \"" + config_.get("name", "") + "\": " + unresolved());
    auto impl = std::make_shared<FunctionalImpl<Scalar>>(references("input_layers"), references("output_layers"),
                                                         ModelOptions{.name = config_.get("name", "")});
    impl->set_own_trainable(config_.get("trainable", true));
    return impl;
  }

 private:
  void make_input(const std::string& name) { values_[{name, 0}] = {input_symbol(layers_[name])}; }

  // Names of the layers in front of one: for messages.
  GRAFT_COLD static std::string inputs_of(const Config& entry) {
    std::string names;
    const Config* calls = entry.find_set("inbound_nodes");
    if (!calls || !calls->is_array()) return names;
    for (const Config& call : calls->items()) {
      if (!call.is_array()) continue;
      for (const Config& reference : call.items()) {
        if (!reference.is_array() || reference.items().empty() || !reference.items()[0].is_string()) continue;
        names += (names.empty() ? "\"" : ", \"") + reference.items()[0].as_string() + "\"";
      }
    }
    return names;
  }

  using ValueKey = std::pair<std::string, Index>;  // a layer, and which of its calls

  struct Progress {
    std::size_t done = 0;                // calls made
    std::vector<Symbol<Scalar>> inputs;  // of the next one, as far as they are there
  };

  // The calls of a layer, each [[name, call, output, {}], …], up to the first with an input that is not there yet.
  GRAFT_COLD void advance(const std::string& name, std::vector<const std::string*>& ready) {
    const auto calls = calls_.find(name);
    if (calls == calls_.end()) return;
    Progress& at = progress_[name];
    while (at.done < calls->second->size()) {
      const auto& references = (*calls->second)[at.done].items("inbound_nodes");
      while (at.inputs.size() < references.size()) {
        ValueKey missing;
        const auto symbol = find(references[at.inputs.size()], &missing);
        if (!symbol) {
          waiting_[missing].push_back(&calls->first);
          return;
        }
        at.inputs.push_back(*symbol);
      }
      const ValueKey made{name, static_cast<Index>(at.done++)};
      values_[made] = call_layer<Scalar>(layers_[name], std::exchange(at.inputs, {}), options_of(references));
      if (const auto woken = waiting_.find(made); woken != waiting_.end()) {
        ready.insert(ready.end(), woken->second.begin(), woken->second.end());
        waiting_.erase(woken);
      }
    }
  }

  // Of the arguments of a call, the fourth part of its references, only the mode is told to layers.
  static CallOptions options_of(const std::vector<Config>& references) {
    CallOptions options;
    if (references.empty() || references[0].items().size() < 4) return options;
    const Config* training = references[0].items()[3].find_set("training");
    if (training && training->is_bool()) options.training = training->as_bool();
    return options;
  }

  // tf.keras counts the call that built a nested model as its first, so that its own calls begin at 1; others begin at
  // 0.
  void note_references(const Config& references) {
    for (const Config& reference : references.items("references")) {
      const auto& parts = reference.items("reference");
      if (parts.size() < 2 || !parts[0].is_string()) continue;
      const auto layer = layers_.find(parts[0].as_string());
      if (layer == layers_.end() || !dynamic_cast<const ModelImpl<Scalar>*>(&layer->second.impl())) continue;
      const Index number = parts[1].as_int("node index");
      const auto [first, is_new] = first_call_.emplace(layer->first, number);
      if (!is_new) first->second = std::min(first->second, number);
    }
  }

  // Nothing when the value is not there (yet); `missing` then says which.
  std::optional<Symbol<Scalar>> find(const Config& reference, ValueKey* missing = nullptr) const {
    const auto& parts = reference.items("inbound node");
    if (parts.size() < 3) throw ConfigError("Model: a reference to a layer has fewer than three parts.");
    const std::string name = parts[0].as_string("layer name");
    const auto layer = layers_.find(name);
    if (layer == layers_.end())
      throw ConfigError("Model: a layer \"" + name + "\" is referred to, but does not exist.");
    const auto first = first_call_.find(name);
    const Index index = parts[1].as_int("node index");
    if (index < 0) fail<ConfigError>("Model: layer \"" + name + "\"", "a call from 0 on", std::to_string(index));
    const Index number = index - (first == first_call_.end() ? 0 : first->second);
    const auto found = values_.find({name, number});
    if (found == values_.end()) {
      if (missing) *missing = {name, number};
      return std::nullopt;
    }
    const Index output = parts[2].as_int("tensor index");
    if (output < 0 || output >= static_cast<Index>(found->second.size())) {
      fail<ConfigError>("Model: layer \"" + name + "\"", "an output below " + std::to_string(found->second.size()),
                        std::to_string(output));
    }
    return found->second[static_cast<std::size_t>(output)];
  }

  std::vector<Symbol<Scalar>> references(const char* key) const {
    std::vector<Symbol<Scalar>> symbols;
    for (const Config& reference : config_.at(key).items(key)) {
      const auto symbol = find(reference);
      if (!symbol) throw ConfigError(std::string("Model: ") + key + " refer to a call that does not exist.");
      symbols.push_back(*symbol);
    }
    return symbols;
  }

  std::string unresolved() const {
    std::string names;
    for (const std::string& name : order_) {
      const auto calls = calls_.find(name);
      if (calls == calls_.end() || progress_.at(name).done == calls->second->size()) continue;
      if (names.size() < 200) names += (names.empty() ? "\"" : ", \"") + name + "\"";
    }
    return "the inputs of " + names + " never become available: the graph has a cycle or a missing node.";
  }

  const Config& config_;
  std::map<std::string, Layer<Scalar>> layers_;
  std::vector<std::string> order_;
  std::map<std::string, const std::vector<Config>*> calls_;
  std::map<std::string, Progress> progress_;
  std::map<ValueKey, std::vector<const std::string*>> waiting_;
  std::map<std::string, Index> first_call_;
  std::map<ValueKey, std::vector<Symbol<Scalar>>> values_;
};

template <class Scalar>
GRAFT_COLD std::shared_ptr<ModelImpl<Scalar>> make_model(const std::string& class_name, const Config& config,
                                                         int depth) {
  if (depth > kMaxModelDepth) throw ConfigError("Model: models are nested more than 64 deep.");
  if (class_name == "Sequential") return make_sequential<Scalar>(config, depth + 1);
  if (class_name == "Functional" || class_name == "Model") return FunctionalReader<Scalar>(config, depth + 1).read();
  return nullptr;
}

template <class Scalar>
GRAFT_COLD Layer<Scalar> make_layer(const std::string& class_name, const Config& config, int depth) {
  if (auto model = make_model<Scalar>(class_name, config, depth)) return Layer<Scalar>(std::move(model));
  register_builtin_layers<Scalar>();
  register_builtin_wrappers<Scalar>();
  Layer<Scalar> layer = LayerRegistry<Scalar>::instance().make(class_name, config);
  LayersOfModel<Scalar>::note(layer);
  return layer;
}

}  // namespace detail

template <class Scalar>
GRAFT_COLD Model<Scalar> Model<Scalar>::from_config(const Config& config) {
  const std::string class_name = config.at("class_name").as_string("class_name");
  const typename LayersOfModel<Scalar>::Scope layers;
  auto impl = detail::make_model<Scalar>(class_name, config.at("config"), 0);
  if (!impl) fail<ConfigError>("Model::from_config", "class Sequential or Functional", "\"" + class_name + "\"");
  return Model(std::move(impl));
}

}  // namespace graft
