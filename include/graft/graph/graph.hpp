#pragma once

#include <map>

#include "graft/graph/memory_plan.hpp"
#include "graft/graph/symbol.hpp"

namespace graft {

/// Numbers for objects by their addresses. One type for all kinds of objects: it is compiled once.
using PointerMap = std::map<const void*, Index>;

/// The nodes between given inputs and outputs, in Keras's order: by decreasing distance from the outputs, and among
/// equals as a walk from the outputs meets their layers (keras/src/ops/function.py). `layers` has each layer once.
template <class Scalar>
class Graph {
 public:
  using NodePtr = const Node<Scalar>*;

  Graph() = default;
  /// Throws ConfigError when an output does not depend on the inputs alone, or when two layers have one name.
  GRAFT_COLD Graph(std::vector<Symbol<Scalar>> inputs, std::vector<Symbol<Scalar>> outputs)
      : inputs_(std::move(inputs)), outputs_(std::move(outputs)) {
    std::vector<NodePtr> order;
    PointerMap met, finished;
    for (const auto& input : inputs_) boundary_.emplace(&input.node(), 0);
    for (const auto& output : outputs_) visit(&output.node(), order, met, finished);
    sort(order, met);
    for (std::size_t i = 0; i < nodes_.size(); ++i) position_[nodes_[i]] = static_cast<Index>(i);
    check_names();
  }

  const std::vector<Symbol<Scalar>>& inputs() const { return inputs_; }
  const std::vector<Symbol<Scalar>>& outputs() const { return outputs_; }
  /// Topological order, input nodes first where they belong.
  const std::vector<NodePtr>& nodes() const { return nodes_; }
  const std::vector<Layer<Scalar>>& layers() const { return layers_; }
  bool is_input(NodePtr node) const { return boundary_.count(node) != 0; }
  /// Position in nodes() of the node that makes a value.
  std::size_t position(const Symbol<Scalar>& value) const {
    return static_cast<std::size_t>(position_.at(&value.node()));
  }

  std::vector<Shape> input_shapes() const { return shapes(inputs_); }
  std::vector<Shape> output_shapes() const { return shapes(outputs_); }

 private:
  // An explicit stack: graphs of files may be thousands of nodes deep.
  void visit(NodePtr root, std::vector<NodePtr>& order, PointerMap& met, PointerMap& finished) {
    struct Frame {
      NodePtr node;
      std::size_t next;
    };
    std::vector<Frame> stack;
    const auto enter = [&](NodePtr node) {
      if (finished.count(node)) return;
      met.emplace(&node->layer.impl(), static_cast<Index>(met.size()));
      stack.push_back({node, is_input(node) ? node->inputs.size() : 0});
    };
    enter(root);
    while (!stack.empty()) {
      Frame& top = stack.back();
      if (top.next < top.node->inputs.size()) {
        enter(&top.node->inputs[top.next++].node());
        continue;
      }
      const NodePtr node = top.node;
      stack.pop_back();
      if (!finished.emplace(node, 0).second) continue;
      if (node->inputs.empty() && !is_input(node)) {
        throw ConfigError("Model: the graph is disconnected: " + node->layer.impl().where() +
                          " is reached from the outputs but is not among the inputs of the model.");
      }
      order.push_back(node);
    }
  }

  void sort(const std::vector<NodePtr>& order, const PointerMap& met) {
    PointerMap node_depth, layer_depth;
    for (auto it = order.rbegin(); it != order.rend(); ++it) {
      const NodePtr node = *it;
      Index& of_layer = layer_depth[&node->layer.impl()];
      const Index depth = std::max(node_depth[node], of_layer);
      of_layer = node_depth[node] = depth;
      if (is_input(node)) continue;
      for (const auto& input : node->inputs) {
        Index& below = node_depth[&input.node()];
        below = std::max(below, depth + 1);
      }
    }
    std::vector<SortKey> keys;
    for (std::size_t i = 0; i < order.size(); ++i) keys.push_back({-node_depth[order[i]], static_cast<Index>(i), 0});
    std::sort(keys.begin(), keys.end());
    for (const SortKey& key : keys) nodes_.push_back(order[static_cast<std::size_t>(key[1])]);
    PointerMap listed;
    std::vector<Layer<Scalar>> found;
    const auto list = [&](const Layer<Scalar>& layer) {
      if (listed.emplace(&layer.impl(), 0).second) found.push_back(layer);
    };
    for (const NodePtr node : order) list(node->layer);
    // An input that no output needs still belongs to the model.
    for (const auto& input : inputs_) {
      list(input.layer());
      if (node_depth.emplace(&input.node(), 0).second) nodes_.push_back(&input.node());
    }
    keys.clear();
    for (std::size_t i = 0; i < found.size(); ++i) {
      const auto at = met.find(&found[i].impl());
      const Index when = at == met.end() ? static_cast<Index>(met.size()) : at->second;
      keys.push_back({-layer_depth[&found[i].impl()], when, static_cast<Index>(i)});
    }
    std::sort(keys.begin(), keys.end());
    for (const SortKey& key : keys) layers_.push_back(found[static_cast<std::size_t>(key[2])]);
  }

  void check_names() const {
    std::map<std::string, Index> names;
    for (const auto& layer : layers_) {
      if (names[layer.name()]++ == 0) continue;
      throw ConfigError("Model: two layers have the name \"" + layer.name() + "\". All layer names should be unique.");
    }
  }

  static std::vector<Shape> shapes(const std::vector<Symbol<Scalar>>& symbols) {
    std::vector<Shape> result;
    for (const auto& symbol : symbols) result.push_back(symbol.shape());
    return result;
  }

  std::vector<Symbol<Scalar>> inputs_, outputs_;
  PointerMap boundary_, position_;
  std::vector<NodePtr> nodes_;
  std::vector<Layer<Scalar>> layers_;
};

/// A layer that is a graph of layers: a model used as a layer, a wrapper. Plans look through it; it computes nothing
/// itself. Its weights and flags are those of its sublayers().
template <class Scalar>
class GraphLayerImpl : public LayerImpl<Scalar> {
 public:
  using LayerImpl<Scalar>::LayerImpl;

  /// Throws StateError when the model is not built.
  virtual const Graph<Scalar>& graph() const = 0;

  std::vector<VariablePtr<Scalar>> variables() const override {
    std::vector<VariablePtr<Scalar>> result;
    PointerMap seen;
    for (const auto& layer : this->sublayers()) {
      for (const auto& variable : layer.impl().variables()) {
        if (seen.emplace(variable.get(), 0).second) result.push_back(variable);
      }
    }
    return result;
  }
  void set_trainable(bool trainable) override {
    LayerImpl<Scalar>::set_trainable(trainable);
    for (const auto& layer : this->sublayers()) layer.set_trainable(trainable);
  }
  /// Its own flag alone: the layers inside have theirs from their configs.
  void set_own_trainable(bool trainable) { LayerImpl<Scalar>::set_trainable(trainable); }

  void forward(const ForwardArgs<Scalar>&) const final { refuse(); }
  void backward(const BackwardArgs<Scalar>&) const final { refuse(); }

 private:
  [[noreturn]] GRAFT_COLD void refuse() const {
    throw StateError(this->where() + ": a model runs through a plan, not by itself.");
  }
};

}  // namespace graft
