#pragma once

#include "graft/models/model_impl.hpp"

namespace graft {

/// Model(inputs, outputs): the graph is given.
template <class Scalar>
class FunctionalImpl final : public ModelImpl<Scalar> {
 public:
  GRAFT_COLD FunctionalImpl(std::vector<Symbol<Scalar>> inputs, std::vector<Symbol<Scalar>> outputs,
                            ModelOptions options)
      : ModelImpl<Scalar>("Model", options), graph_(std::move(inputs), std::move(outputs)) {}

  std::string_view class_name() const override { return "Functional"; }
  bool built() const override { return true; }
  void build_model(std::span<const Shape>) override {}
  std::vector<Layer<Scalar>> layers() const override { return graph_.layers(); }

  GRAFT_COLD Config config() const override {
    Config config = Config::object();
    config["name"] = this->name();
    config["trainable"] = this->trainable();
    // Keras refers to a value as [layer, which call of the layer, which output].
    PointerMap call_of, calls;
    for (const Node<Scalar>* node : graph_.nodes()) call_of[node] = calls[&node->layer.impl()]++;
    const auto reference = [&](const Symbol<Scalar>& symbol) {
      return Config::array({symbol.layer().name(), call_of[&symbol.node()], static_cast<Index>(symbol.output())});
    };
    Config layers = Config::array();
    for (const auto& layer : graph_.layers()) {
      Config entry = Config::object();
      entry["class_name"] = layer.class_name();
      entry["config"] = layer.config();
      entry["name"] = layer.name();
      Config inbound = Config::array();
      for (const Node<Scalar>* node : graph_.nodes()) {
        if (!(node->layer == layer) || graph_.is_input(node)) continue;
        Config call = Config::array(), kwargs = Config::object();
        if (node->training) kwargs["training"] = *node->training;
        for (const auto& input : node->inputs) {
          Config triple = reference(input);
          triple.push_back(kwargs);
          call.push_back(triple);
        }
        inbound.push_back(call);
      }
      entry["inbound_nodes"] = inbound;
      layers.push_back(entry);
    }
    config["layers"] = layers;
    Config inputs = Config::array(), outputs = Config::array();
    for (const auto& input : graph_.inputs()) inputs.push_back(reference(input));
    for (const auto& output : graph_.outputs()) outputs.push_back(reference(output));
    config["input_layers"] = inputs;
    config["output_layers"] = outputs;
    return config;
  }

 protected:
  const Graph<Scalar>& graph_of_layers() const override { return graph_; }

 private:
  Graph<Scalar> graph_;
};

}  // namespace graft
