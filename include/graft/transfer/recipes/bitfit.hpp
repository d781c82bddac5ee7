#pragma once

#include "graft/transfer/layer_groups.hpp"

namespace graft {

namespace detail {

/// Flags of variables that hold for a while: those from before come back at the end of its life.
template <class Scalar>
class RestingVariables {
 public:
  RestingVariables() = default;
  RestingVariables(const RestingVariables&) = delete;
  RestingVariables& operator=(const RestingVariables&) = delete;
  ~RestingVariables() { wake(); }

  /// All that train now and for which `trains` says no.
  template <class Predicate>
  Index rest(const std::vector<Layer<Scalar>>& leaves, const Predicate& trains) {
    Index left = 0;
    for (const auto& leaf : leaves) {
      for (const auto& variable : leaf.weights()) {
        if (!variable->trainable()) continue;
        if (trains(*variable)) {
          left += variable->size();
          continue;
        }
        variable->set_trainable(false);
        resting_.push_back(variable);
      }
    }
    return left;
  }
  GRAFT_COLD void wake() {
    for (const auto& variable : resting_) variable->set_trainable(true);
    resting_.clear();
  }

 private:
  std::vector<VariablePtr<Scalar>> resting_;
};

/// "bias", "attention_bias", the beta of a normalization.
template <class Scalar>
bool is_bias(const Variable<Scalar>& variable) {
  const std::string& name = variable.name();
  return name == "beta" || (name.size() >= 4 && name.compare(name.size() - 4, 4, "bias") == 0);
}

}  // namespace detail

/// Lets only the biases (and the betas of normalizations) of a layer, or of everything in a model, train where its
/// flags say that it trains; compile again. The inputs of Dense and convolutions are then not kept for the backward
/// pass. Returns how many parameters these are. Throws StateError when the layer is not built. Source: Ben Zaken,
/// Goldberg & Ravfogel 2022 (BitFit).
template <class Scalar>
GRAFT_COLD Index train_biases_only(const Layer<Scalar>& layer) {
  if (!layer.built()) throw StateError("train_biases_only of " + layer.impl().where() + ": the layer is not built.");
  Index count = 0;
  for (const auto& variable : layer.weights()) {
    if (variable->kind() != VariableKind::trainable) continue;
    variable->set_trainable(detail::is_bias(*variable));
    if (variable->trainable()) count += variable->size();
  }
  return count;
}

/// The opposite: everything trains, but kernels that have LoRA.
template <class Scalar>
GRAFT_COLD void train_all_weights(const Layer<Scalar>& layer) {
  for (const auto& variable : layer.weights()) variable->set_trainable(!variable->low_rank());
}

}  // namespace graft
