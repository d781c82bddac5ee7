#pragma once

#include <cmath>

#include "graft/transfer/layer_groups.hpp"

namespace graft {

/// Multiplies the learning rate of a layer, or of everything in a model, weight decay included. Multipliers act at the
/// next step, without a new compile; 0 stops the updates (to save their cost, freeze the layer). They belong to the
/// weights, are not saved in files, and are not cloned. With global_clipnorm, the norm is that of all gradients, as
/// they are. Throws ConfigError for a negative multiplier or one that is not finite, StateError when the layer is not
/// built.
template <class Scalar>
GRAFT_COLD void set_learning_rate_multiplier(const Layer<Scalar>& layer, double multiplier) {
  if (!layer.built()) {
    throw StateError("set_learning_rate_multiplier of " + layer.impl().where() +
                     ": the layer is not built, so its weights do not exist yet. Build the model first.");
  }
  for (const auto& variable : layer.weights()) variable->set_learning_rate_multiplier(multiplier);
}

struct DiscriminativeOptions {
  GroupBy groups = GroupBy::automatic;
  Index head_layers = 1;  ///< layers of the model, from the top, that keep the full rate
};

/// Discriminative learning rates: the lower a layer, the more general what it knows, and the smaller its steps. The
/// groups of the reused layers get rate / decay, rate / decay^2, … from the top down; the head keeps the rate. Returns
/// the multipliers of the groups, lowest first. Throws ConfigError for a decay below 1, StateError when the model is
/// not built. Source: Howard & Ruder 2018 (ULMFiT), where decay is 2.6 and a group is one layer.
template <class Scalar>
GRAFT_COLD std::vector<double> discriminative_learning_rates(const Model<Scalar>& model, double decay = 2.6,
                                                             const DiscriminativeOptions& options = {}) {
  if (!(decay >= 1 && std::isfinite(decay))) {
    fail<ConfigError>("discriminative_learning_rates of " + model.impl().where(), "a decay of at least 1",
                      text::number("%g", decay));
  }
  const auto count = static_cast<Index>(model.layers().size());
  if (options.head_layers < 0 || options.head_layers > count) {
    fail<ConfigError>("discriminative_learning_rates head_layers", "0 to " + std::to_string(count),
                      std::to_string(options.head_layers));
  }
  PointerMap head;
  for (const auto& layer : model.layers().slice(count - options.head_layers)) {
    set_learning_rate_multiplier(layer, 1);
    for (const auto& variable : layer.weights()) head.emplace(variable.get(), 0);
  }
  std::vector<Layer<Scalar>> reused;
  for (const auto& layer : detail::leaves_with_weights(model)) {
    if (!head.count(layer.weights().front().get())) reused.push_back(layer);
  }
  const auto groups = detail::group_layers(reused, options.groups);
  std::vector<double> multipliers;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    multipliers.push_back(std::pow(decay, -static_cast<double>(groups.size() - i)));
    for (const auto& layer : groups[i]) set_learning_rate_multiplier(layer, multipliers.back());
  }
  return multipliers;
}

/// All multipliers of a model back to 1.
template <class Scalar>
void reset_learning_rates(const Layer<Scalar>& layer) {
  set_learning_rate_multiplier(layer, 1);
}

}  // namespace graft
