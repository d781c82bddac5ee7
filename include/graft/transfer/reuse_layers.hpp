#pragma once

#include "graft/models/clone.hpp"

namespace graft {

template <class Scalar>
struct ReuseOptions {
  Index drop_top =
      1;              ///< layers of the source that are left away: its head, which has the wrong outputs for a new task
  bool clone = true;  ///< work on a copy; without it the new model trains the source's own layers
  std::string name = {};
};

template <class Scalar>
struct ReusedModel {
  Sequential<Scalar> model;
  std::string report;  ///< what was done, in words
};

/// A new Sequential from the lower layers of a trained one and a new head:
///
///     auto reused = graft::reuse_layers(model_A, {graft::Dense(1, {.activation = "sigmoid"})});
///
/// The source is cloned, weights included, so that training the new model leaves it as it is. Throws ConfigError when
/// nothing would be left to reuse, ShapeError when the head does not fit.
template <class Scalar>
GRAFT_COLD ReusedModel<Scalar> reuse_layers(const Model<Scalar>& source, const std::vector<Layer<Scalar>>& head,
                                            const ReuseOptions<Scalar>& options = {}) {
  const auto count = static_cast<Index>(source.layers().size());
  if (options.drop_top < 0 || options.drop_top >= count) {
    fail<ConfigError>("reuse_layers drop_top",
                      "0 to " + std::to_string(count - 1) + " of the " + std::to_string(count) + " layers of \"" +
                          source.name() + "\"",
                      std::to_string(options.drop_top));
  }
  Model<Scalar> base = source;
  if (options.clone) {
    base = clone_model(source);
    base.set_weights(source.get_weights());
  }
  Sequential<Scalar> model(base.layers().slice(0, count - options.drop_top), {.name = options.name});
  // A head layer may carry the name of a reused one, as the automatic names of two programs do.
  for (const auto& layer : head) {
    const auto taken = [&] {
      for (const auto& other : model.layers()) {
        if (other.name() == layer.name()) return true;
      }
      return false;
    };
    while (taken()) layer.impl().set_name(unique_name(layer.class_name()));
    model.add(layer);
  }
  std::string report =
      "reused " + std::to_string(count - options.drop_top) + " of " + std::to_string(count) + " layers of \"" +
      source.name() + "\" (" +
      (options.clone ? "cloned: the source stays as it is" : "shared: training the new model changes the source") +
      "), new head:";
  for (const auto& layer : head) report += " " + layer.name();
  return {model, report};
}

}  // namespace graft
