#pragma once

#include "graft/graph/graph.hpp"

namespace graft {

/// A graph as plans want it: numbered values, leaf layers only (nested models inlined), every node with its effective
/// trainable flag (its own and that of every model around it). Masks are values, too.
template <class Scalar>
struct FlatGraph {
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  struct FlatNode {
    std::shared_ptr<LayerImpl<Scalar>> layer;
    std::vector<std::size_t> inputs, outputs;  ///< values
    bool trainable = true;
    std::optional<bool> training = {};    ///< the mode, when a call around it says one
    std::vector<std::size_t> masks = {};  ///< of the inputs, or kNone; empty when the layer uses none
    std::size_t output_mask = kNone;      ///< the mask that the layer makes
    std::uint64_t stream = 0;             ///< number of its random streams, which a cut of the graph leaves as it is
  };

  std::vector<FlatNode> nodes;  ///< topological order
  std::size_t values = 0;
  std::vector<std::size_t> inputs, outputs;  ///< values
  std::vector<std::size_t> output_masks;     ///< of the outputs, or kNone

  /// True when training would move a variable of this node.
  static bool learns(const FlatNode& node) {
    if (!node.trainable) return false;
    const auto variables = node.layer->variables();
    for (std::size_t i = 0; i < variables.size(); ++i) {
      if (variables[i]->trainable() && node.layer->may_train(i)) return true;
    }
    return false;
  }
  /// True when the node draws random numbers, or moves its own state, in training.
  static bool draws(const FlatNode& node) { return node.training.value_or(true) && node.layer->is_random(); }
  static bool moves_state(const FlatNode& node) {
    return node.layer->updates_state({.training = node.training.value_or(true), .trainable = node.trainable});
  }
};

namespace detail {

template <class Scalar>
class Flattener {
 public:
  /// Inlines `graph` with `inputs` (values) as its inputs; returns the values of its outputs.
  std::vector<std::size_t> inline_graph(const Graph<Scalar>& graph, const std::vector<std::size_t>& inputs,
                                        bool trainable, std::optional<bool> training = {}) {
    std::vector<std::vector<std::size_t>> values(graph.nodes().size());  // of each node's outputs
    const auto value_of = [&](const Symbol<Scalar>& symbol) { return values[graph.position(symbol)][symbol.output()]; };
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      auto& outputs = values[graph.position(graph.inputs()[i])];
      outputs.resize(std::max(outputs.size(), graph.inputs()[i].output() + 1));
      outputs[graph.inputs()[i].output()] = inputs[i];
    }
    for (std::size_t n = 0; n < graph.nodes().size(); ++n) {
      const Node<Scalar>* node = graph.nodes()[n];
      if (graph.is_input(node)) continue;
      std::vector<std::size_t> from;
      for (const auto& input : node->inputs) from.push_back(value_of(input));
      const auto& layer = node->layer;
      const bool learns = trainable && layer.trainable();
      const std::optional<bool> mode = node->training ? node->training : training;
      std::vector<std::size_t> to;
      if (const auto* model = dynamic_cast<const GraphLayerImpl<Scalar>*>(&layer.impl())) {
        to = inline_graph(model->graph(), from, learns, mode);
      } else {
        for (std::size_t i = 0; i < node->output_shapes.size(); ++i) to.push_back(flat.values++);
        flat.nodes.push_back({layer.shared(), from, to, learns, mode});
        flat.nodes.back().stream = flat.nodes.size() - 1;
        pass_masks(flat.nodes.back());
      }
      values[n] = std::move(to);
    }
    std::vector<std::size_t> outputs;
    for (const auto& output : graph.outputs()) outputs.push_back(value_of(output));
    return outputs;
  }

  std::size_t mask_of(std::size_t value) const {
    const auto found = masks_.find(value);
    return found == masks_.end() ? FlatGraph<Scalar>::kNone : found->second;
  }

  FlatGraph<Scalar> flat;

 private:
  void pass_masks(typename FlatGraph<Scalar>::FlatNode& node) {
    std::vector<std::size_t> masks;
    std::vector<bool> masked;
    for (const std::size_t input : node.inputs) {
      masks.push_back(mask_of(input));
      masked.push_back(masks.back() != FlatGraph<Scalar>::kNone);
    }
    const MaskFlow flow = node.layer->mask_flow(masked);
    if (flow.kind == MaskFlow::Kind::make) {
      node.output_mask = masks_[node.outputs[0]] = flat.values++;
    } else if (flow.kind == MaskFlow::Kind::pass && flow.from < masks.size() && masked[flow.from]) {
      masks_[node.outputs[0]] = masks[flow.from];
    }
    const bool any = std::find(masked.begin(), masked.end(), true) != masked.end();
    if (any && node.layer->uses_masks()) node.masks = std::move(masks);
  }

  std::map<std::size_t, std::size_t> masks_;
};

}  // namespace detail

/// Inlines all nested models. Flags are read at this moment.
template <class Scalar>
GRAFT_COLD FlatGraph<Scalar> flatten(const Graph<Scalar>& graph, bool trainable = true) {
  detail::Flattener<Scalar> flattener;
  for (std::size_t i = 0; i < graph.inputs().size(); ++i) flattener.flat.inputs.push_back(flattener.flat.values++);
  flattener.flat.outputs = flattener.inline_graph(graph, flattener.flat.inputs, trainable);
  for (const std::size_t output : flattener.flat.outputs) {
    flattener.flat.output_masks.push_back(flattener.mask_of(output));
  }
  return std::move(flattener.flat);
}

/// A graph cut in two: `prefix` is what is frozen and deterministic from the inputs on, `rest` starts from what the
/// prefix computes. The outputs of one are the inputs of the other, in order.
template <class Scalar>
struct SplitGraph {
  FlatGraph<Scalar> prefix, rest;
};

/// Splits off the longest frozen prefix: no node in it learns, moves its own state or draws random numbers in training.
/// A value that the rest also needs directly is passed through.
template <class Scalar>
GRAFT_COLD SplitGraph<Scalar> split_frozen_prefix(const FlatGraph<Scalar>& graph) {
  std::vector<bool> frozen(graph.values, false);
  for (const std::size_t input : graph.inputs) frozen[input] = true;
  SplitGraph<Scalar> split;
  split.prefix.inputs = graph.inputs;
  split.prefix.values = split.rest.values = graph.values;
  for (const auto& node : graph.nodes) {
    bool stays = !FlatGraph<Scalar>::learns(node) && !FlatGraph<Scalar>::draws(node) &&
                 !node.layer->activity_regularizer() && !node.layer->adds_loss() &&
                 !FlatGraph<Scalar>::moves_state(node);
    for (const std::size_t input : node.inputs) stays = stays && frozen[input];
    for (const std::size_t mask : node.masks) stays = stays && (mask == FlatGraph<Scalar>::kNone || frozen[mask]);
    if (stays) {
      for (const std::size_t output : node.outputs) frozen[output] = true;
      if (node.output_mask != FlatGraph<Scalar>::kNone) frozen[node.output_mask] = true;
    }
    (stays ? split.prefix : split.rest).nodes.push_back(node);
  }
  std::vector<bool> passed(graph.values, false);
  const auto pass = [&](std::size_t value) {
    if (value == FlatGraph<Scalar>::kNone || !frozen[value] || passed[value]) return;
    passed[value] = true;
    split.prefix.outputs.push_back(value);
  };
  for (const auto& node : split.rest.nodes) {
    for (const std::size_t input : node.inputs) pass(input);
    for (const std::size_t mask : node.masks) pass(mask);
  }
  for (const std::size_t output : graph.outputs) pass(output);
  for (const std::size_t mask : graph.output_masks) pass(mask);
  split.prefix.output_masks.assign(split.prefix.outputs.size(), FlatGraph<Scalar>::kNone);
  split.rest.inputs = split.prefix.outputs;
  split.rest.outputs = graph.outputs;
  split.rest.output_masks = graph.output_masks;
  return split;
}

}  // namespace graft
