#pragma once

#include "graft/nn/layer.hpp"

namespace graft {

/// One use of a layer: a layer that is called twice has two nodes and one set of variables.
template <class Scalar>
struct Node {
  Layer<Scalar> layer;
  std::vector<Symbol<Scalar>> inputs;
  std::vector<Shape> output_shapes;
  std::optional<bool> training = std::nullopt;  ///< see CallOptions
};

/// A value in a functional model before there are numbers: an output of a node. Made by graft::Input and by calling a
/// layer on symbols.
template <class Scalar = float>
class Symbol {
 public:
  Symbol() = default;
  Symbol(std::shared_ptr<const Node<Scalar>> node, std::size_t output) : node_(std::move(node)), output_(output) {}

  explicit operator bool() const { return node_ != nullptr; }
  friend bool operator==(const Symbol& a, const Symbol& b) { return a.node_ == b.node_ && a.output_ == b.output_; }

  /// Shape with the batch, which is unknown: (None, 28, 28).
  const Shape& shape() const { return node().output_shapes[output_]; }
  const Layer<Scalar>& layer() const { return node().layer; }
  std::size_t output() const { return output_; }
  const Node<Scalar>& node() const {
    if (!node_)
      throw StateError("Symbol: this symbol is empty; make one with graft::Input(shape) or by calling a layer.");
    return *node_;
  }

 private:
  std::shared_ptr<const Node<Scalar>> node_;
  std::size_t output_ = 0;
};

/// Calls a layer on symbols: builds it on the first call. All its outputs are returned.
template <class Scalar>
GRAFT_COLD std::vector<Symbol<Scalar>> call_layer(const Layer<Scalar>& layer, std::vector<Symbol<Scalar>> inputs,
                                                  const CallOptions& options = {}) {
  if (inputs.empty()) fail<ConfigError>(layer.impl().where(), "a call with at least one input", "one without");
  auto node = std::make_shared<Node<Scalar>>();
  std::vector<Shape> shapes;
  for (const auto& input : inputs) shapes.push_back(input.shape());
  layer.impl().ensure_built(shapes);
  node->layer = layer;
  node->inputs = std::move(inputs);
  node->training = options.training;
  node->output_shapes = layer.impl().output_shapes(shapes);
  layer.impl().note_call(node);
  std::vector<Symbol<Scalar>> outputs;
  for (std::size_t i = 0; i < node->output_shapes.size(); ++i) outputs.emplace_back(node, i);
  return outputs;
}

namespace detail {

template <class Scalar>
GRAFT_COLD std::shared_ptr<const Node<Scalar>> call_of(const LayerImpl<Scalar>& layer, Index call) {
  const auto calls = layer.calls();
  if (calls.empty()) {
    throw StateError(layer.where() + ": the layer has never been called, so it has no input and no output. " +
                     "Call it on a symbol, or put it into a model that is built.");
  }
  if (call < 0 || call >= static_cast<Index>(calls.size())) {
    fail<ConfigError>(layer.where(), "one of its " + std::to_string(calls.size()) + " calls", std::to_string(call));
  }
  return calls[static_cast<std::size_t>(call)];
}

}  // namespace detail

template <class Scalar>
GRAFT_COLD Symbol<Scalar> Layer<Scalar>::get_output_at(Index call) const {
  return Symbol<Scalar>(detail::call_of(impl(), call), 0);
}
template <class Scalar>
GRAFT_COLD Symbol<Scalar> Layer<Scalar>::get_input_at(Index call) const {
  const auto node = detail::call_of(impl(), call);
  return node->inputs.empty() ? Symbol<Scalar>(node, 0) : node->inputs[0];
}

template <class Scalar>
GRAFT_COLD Symbol<Scalar> Layer<Scalar>::operator()(const Symbol<Scalar>& input, const CallOptions& options) const {
  return call_layer<Scalar>(*this, {input}, options).front();
}

template <class Scalar>
GRAFT_COLD Symbol<Scalar> Layer<Scalar>::operator()(const std::vector<Symbol<Scalar>>& inputs,
                                                    const CallOptions& options) const {
  return call_layer<Scalar>(*this, inputs, options).front();
}

}  // namespace graft
