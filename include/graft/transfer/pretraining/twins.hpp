#pragma once

#include "graft/graph/ops.hpp"
#include "graft/models/sequential.hpp"

namespace graft {

/// |a - b| of two embeddings (batch, d): (batch, 1). Squares below 1e-7 count as that, where the distance has no
/// gradient.
template <class Scalar>
GRAFT_COLD Symbol<Scalar> euclidean_distance(const Symbol<Scalar>& a, const Symbol<Scalar>& b) {
  return ops::sqrt(ops::maximum(ops::sum(ops::square(ops::subtract(a, b)), {1}, true), NumberOrList(1e-7)));
}

namespace detail {

/// The inputs of `count` twins, and what the embedding makes of each.
template <class Scalar>
GRAFT_COLD std::vector<Symbol<Scalar>> call_twins(const char* what, const Model<Scalar>& embedding, int count,
                                                  std::vector<Symbol<Scalar>>& inputs) {
  if (embedding.inputs().size() != 1 || embedding.outputs().size() != 1 || embedding.output_shape().rank() != 2) {
    fail<ShapeError>(what, "an embedding with one input and one output (batch, d)",
                     embedding.outputs().size() == 1 ? "output " + embedding.output_shape().str() : "several outputs",
                     "Flatten or GlobalAveragePooling2D makes rows of maps.");
  }
  std::vector<Symbol<Scalar>> outputs;
  for (int i = 0; i < count; ++i) {
    inputs.push_back(Input<Scalar>(embedding.input_shape().without_batch()));
    outputs.push_back(embedding(inputs.back()));
  }
  return outputs;
}

}  // namespace detail

/// Siamese twins: two inputs, one embedding that both go through (one set of variables), and the distance of the two
/// embeddings (batch, 1), for ContrastiveLoss and pair_dataset. Training it trains the embedding. Source: Bromley et
/// al. 1993; Hadsell, Chopra, LeCun 2006. Throws ShapeError for an embedding that does not put out rows.
template <class Scalar>
GRAFT_COLD Model<Scalar> siamese_model(const Model<Scalar>& embedding) {
  std::vector<Symbol<Scalar>> inputs;
  const auto z = detail::call_twins<Scalar>("siamese_model", embedding, 2, inputs);
  return Model<Scalar>(inputs, {euclidean_distance(z[0], z[1])});
}

/// Three inputs (anchor, positive, negative), one embedding, and the distances of the anchor to the other two (batch,
/// 2), for TripletLoss and triplet_dataset.
template <class Scalar>
GRAFT_COLD Model<Scalar> triplet_model(const Model<Scalar>& embedding) {
  std::vector<Symbol<Scalar>> inputs;
  const auto z = detail::call_twins<Scalar>("triplet_model", embedding, 3, inputs);
  const std::vector<Symbol<Scalar>> distances{euclidean_distance(z[0], z[1]), euclidean_distance(z[0], z[2])};
  return Model<Scalar>(inputs, {ops::concatenate(distances)});
}

}  // namespace graft
