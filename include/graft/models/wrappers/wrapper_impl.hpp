#pragma once

#include <optional>

#include "graft/graph/graph.hpp"
#include "graft/graph/input.hpp"
#include "graft/nn/layers/layer_options.hpp"

namespace graft {

/// A layer around layers. It is a small graph of them, which plans look through; in files, names and flags it is a
/// layer with layers inside.
template <class Scalar>
class WrapperImpl : public GraphLayerImpl<Scalar> {
 public:
  const Graph<Scalar>& graph() const final {
    if (!graph_) throw StateError(this->where() + ": the layer is not built yet.");
    return *graph_;
  }

  /// That of the weight in its layer, behind the name that the wrapper has for it.
  GRAFT_COLD std::string store_path(std::size_t i) const override {
    const auto [k, j] = inside_at(i);
    return std::string(inner_key(k)) + "/" + this->sublayers()[k].impl().store_path(j);
  }
  GRAFT_COLD std::string store_copy(std::size_t i) const override {
    const auto [k, j] = inside_at(i);
    const std::string copy = this->sublayers()[k].impl().store_copy(j);
    return copy.empty() ? copy : std::string(inner_key(k)) + "/" + copy;
  }

 protected:
  using GraphLayerImpl<Scalar>::GraphLayerImpl;

  /// Calls the layers inside.
  virtual std::vector<Symbol<Scalar>> connect(const std::vector<Symbol<Scalar>>& inputs) const = 0;
  /// Keras's attribute that holds layer k of sublayers(): "layer".
  virtual const char* inner_key(std::size_t k) const = 0;

  GRAFT_COLD void build(std::span<const Shape> inputs, Rng&) override {
    std::vector<Symbol<Scalar>> symbols;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const InputLayer<Scalar> layer(inputs[i].without_batch(), {.name = inner_name("input_" + std::to_string(i))});
      symbols.push_back(input_symbol<Scalar>(layer));
    }
    graph_.emplace(symbols, connect(symbols));
  }

  /// Which weight of which layer inside variable i of the wrapper is.
  GRAFT_COLD std::pair<std::size_t, std::size_t> inside_at(std::size_t i) const {
    const VariablePtr<Scalar> variable = this->variables().at(i);
    const auto inside = this->sublayers();
    for (std::size_t k = 0; k < inside.size(); ++k) {
      const auto own = inside[k].weights();
      const auto at = static_cast<std::size_t>(std::find(own.begin(), own.end(), variable) - own.begin());
      if (at < own.size()) return {k, at};
    }
    throw StateError(this->where() + ": no layer inside has the weight \"" + variable->name() + "\".");
  }

  /// A name for what the wrapper puts beside the user's layers.
  GRAFT_COLD std::string inner_name(const std::string& part) const { return this->name() + "/" + part; }
  /// A layer that the wrapper puts beside the user's; Options begin with a name, if with nothing else.
  template <template <class> class Impl>
  GRAFT_COLD Layer<Scalar> helper(const std::string& part, const auto& options) const {
    auto named = options;
    named.name = inner_name(part);
    return Layer<Scalar>(std::make_shared<Impl<Scalar>>(named));
  }

  GRAFT_COLD static Config layer_config(const Layer<Scalar>& layer) {
    return Config::object({{"class_name", layer.class_name()}, {"config", layer.config()}});
  }

 private:
  std::optional<Graph<Scalar>> graph_;
};

namespace detail {

template <class Scalar>
Layer<Scalar> make_layer(const std::string& class_name, const Config& config, int depth);

/// The layer of {"class_name": …, "config": …}.
template <class Scalar>
GRAFT_COLD Layer<Scalar> make_inner_layer(const Config& entry) {
  return make_layer<Scalar>(entry.at("class_name").as_string("class_name"), entry.at("config"), 0);
}

}  // namespace detail
}  // namespace graft
