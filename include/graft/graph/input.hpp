#pragma once

#include "graft/graph/symbol.hpp"
#include "graft/nn/layers/input_layer.hpp"

namespace graft {

struct InputOptions {
  std::string name = {};
};

/// An input of a functional model, or the first entry of a Sequential: `shape` is that of one sample, without the batch.
template <class Scalar = float>
GRAFT_COLD Symbol<Scalar> Input(const Shape& shape, const InputOptions& options = {}) {
  const InputLayer<Scalar> layer(shape, {.name = options.name});
  auto node = std::make_shared<Node<Scalar>>();
  node->layer = layer;
  node->output_shapes = {shape.with_batch()};
  const Shape batched = shape.with_batch();
  layer.impl().ensure_built({&batched, 1});
  return Symbol<Scalar>(std::move(node), 0);
}

}  // namespace graft
