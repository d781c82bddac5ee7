#pragma once

#include "graft/graph/symbol.hpp"
#include "graft/nn/layers/input_layer.hpp"

namespace graft {

struct InputOptions {
  std::string name = {};
};

/// The value of an InputLayer: a node without inputs.
template <class Scalar>
GRAFT_COLD Symbol<Scalar> input_symbol(const Layer<Scalar>& layer) {
  const Shape shape = layer.impl().input_shape()->with_batch();
  layer.impl().ensure_built({&shape, 1});
  auto node = std::make_shared<Node<Scalar>>();
  node->layer = layer;
  node->output_shapes = {shape};
  layer.impl().note_call(node);
  return Symbol<Scalar>(std::move(node), 0);
}

/// An input of a functional model, or the first entry of a Sequential: `shape` is that of one sample, without the
/// batch.
template <class Scalar = float>
GRAFT_COLD Symbol<Scalar> Input(const Shape& shape, const InputOptions& options = {}) {
  return input_symbol<Scalar>(InputLayer<Scalar>(shape, {.name = options.name}));
}

}  // namespace graft
