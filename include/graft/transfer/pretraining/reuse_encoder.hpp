#pragma once

#include "graft/models/clone.hpp"

namespace graft {

struct ReuseEncoderOptions {
  bool clone = true;  ///< work on a copy; without it the encoder shares the layers of the autoencoder
  /// Leaves away what only corrupts the inputs of a denoising autoencoder: GaussianNoise and the Dropout family in
  /// front of the first layer with weights. They would make every epoch of fine-tuning another one, so that nothing is
  /// cached.
  bool drop_noise = true;
  std::string name = {};
};

namespace detail {

/// The flat node that makes the output of a layer: a leaf, or a model inside. kNone when there is none of this name.
template <class Scalar>
GRAFT_COLD std::size_t node_of_layer(const FlatGraph<Scalar>& graph, const Layer<Scalar>& model,
                                     const std::string& name, std::vector<std::string>& names) {
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    if (graph.nodes[n].layer->name() == name) return n;
    names.push_back(graph.nodes[n].layer->name());
  }
  std::vector<Layer<Scalar>> open = model.impl().sublayers();
  for (std::size_t i = 0; i < open.size(); ++i) {
    const Layer<Scalar> layer = open[i];
    for (const auto& inner : layer.impl().sublayers()) open.push_back(inner);
    const auto* container = dynamic_cast<const GraphLayerImpl<Scalar>*>(&layer.impl());
    if (!container) continue;
    names.push_back(layer.name());
    if (layer.name() != name) continue;
    Layer<Scalar> last = layer;
    while (const auto* inside = dynamic_cast<const GraphLayerImpl<Scalar>*>(&last.impl())) {
      last = inside->graph().outputs()[0].layer();
    }
    for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
      if (graph.nodes[n].layer.get() == &last.impl()) return n;
    }
  }
  return FlatGraph<Scalar>::kNone;
}

GRAFT_COLD inline bool only_corrupts(std::string_view class_name) {
  for (const std::string_view noise : {"GaussianNoise", "GaussianDropout", "Dropout", "AlphaDropout",
                                       "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"}) {
    if (class_name == noise) return true;
  }
  return false;
}

/// The nodes that output 0 of node `until` depends on, that one included, in order.
template <class Scalar>
GRAFT_COLD std::vector<const typename FlatGraph<Scalar>::FlatNode*> nodes_below(const FlatGraph<Scalar>& graph,
                                                                                std::size_t until) {
  std::vector<bool> needed(graph.values, false);
  needed[graph.nodes[until].outputs[0]] = true;
  std::vector<const typename FlatGraph<Scalar>::FlatNode*> result;
  for (std::size_t n = until + 1; n-- > 0;) {
    const auto& node = graph.nodes[n];
    bool wanted = false;
    for (const std::size_t output : node.outputs) wanted = wanted || needed[output];
    if (!wanted) continue;
    for (const std::size_t input : node.inputs) needed[input] = true;
    result.insert(result.begin(), &node);
  }
  return result;
}

}  // namespace detail

/// The lower layers of a trained model, up to and with the layer of this name, as a Sequential that is ready for a
/// head:
///
///     auto model = graft::reuse_encoder(autoencoder, "codings");
///     model.add(graft::Dense(10, {.activation = "softmax"}));
///     graft::fine_tune(model, {x_train, y_train}, …);
///
/// Models inside (an encoder and a decoder) are opened; `until` may be the name of one: the whole encoder. A lower part
/// with branches becomes one layer. Weights are copied, so that training leaves the autoencoder as it is. Throws
/// ConfigError, with the nearest name, when there is no such layer, StateError when the model is not built.
template <class Scalar>
GRAFT_COLD Sequential<Scalar> reuse_encoder(const Model<Scalar>& autoencoder, const std::string& until,
                                            const ReuseEncoderOptions& options = {}) {
  const std::string where = "reuse_encoder of " + autoencoder.impl().where();
  Model<Scalar> source = autoencoder;
  if (options.clone) {
    (void)autoencoder.impl().graph();  // built, or an error that says so
    source = clone_model(autoencoder);
    source.set_weights(autoencoder.get_weights());
  }
  const FlatGraph<Scalar> graph = flatten(source.impl().graph());
  std::vector<std::string> names;
  const std::size_t last = detail::node_of_layer<Scalar>(graph, source, until, names);
  if (last == FlatGraph<Scalar>::kNone) {
    throw ConfigError(where + ": no layer has the name \"" + until + "\". " + text::did_you_mean(until, names));
  }
  std::vector<Symbol<Scalar>> values(graph.values);
  std::vector<Layer<Scalar>> chain;
  std::optional<std::size_t> top;  // the value that a chain has come to
  Symbol<Scalar> input;
  bool is_chain = true, weights = false;
  PointerMap listed;
  std::map<std::string, Index> taken;
  for (const auto* node : detail::nodes_below(graph, last)) {
    const Layer<Scalar> layer(node->layer);
    if (listed.emplace(node->layer.get(), 0).second) {
      // Layers of two models inside may have one name.
      while (!taken.emplace(layer.name(), 0).second) node->layer->set_name(unique_name(layer.class_name()));
    } else {
      is_chain = false;
    }
    std::vector<Symbol<Scalar>> from;
    for (const std::size_t value : node->inputs) {
      for (std::size_t i = 0; i < graph.inputs.size() && !values[value]; ++i) {
        if (graph.inputs[i] != value) continue;
        if (input)
          fail<ConfigError>(where, "a layer that depends on one input", "\"" + until + "\", which needs several");
        input = values[value] = Input<Scalar>(source.impl().graph().inputs()[i].shape().without_batch());
        top = value;
      }
      from.push_back(values[value]);
    }
    is_chain = is_chain && from.size() == 1 && node->outputs.size() == 1 && top == node->inputs[0] && !node->training;
    top = node->outputs[0];
    weights = weights || !layer.weights().empty();
    if (options.drop_noise && !weights && from.size() == 1 && detail::only_corrupts(layer.class_name())) {
      values[node->outputs[0]] = from[0];
      continue;
    }
    const auto outputs = call_layer<Scalar>(layer, from, {.training = node->training});
    for (std::size_t i = 0; i < outputs.size(); ++i) values[node->outputs[i]] = outputs[i];
    chain.push_back(layer);
  }
  if (chain.empty()) fail<ConfigError>(where, "a layer that is more than noise", "\"" + until + "\"");
  Sequential<Scalar> encoder({.name = options.name, .input_shape = input.shape().without_batch()});
  if (is_chain) {
    for (const auto& layer : chain) encoder.add(layer);
  } else {
    encoder.add(Model<Scalar>(input, values[graph.nodes[last].outputs[0]]));
  }
  return encoder;
}

}  // namespace graft
