#pragma once

#include "graft/models/model.hpp"

namespace graft {

struct UnfreezeOptions {
  /// BatchNormalization layers stay frozen: their statistics belong to the data that the base was trained on (and a
  /// frozen one computes with its moving statistics, in training too).
  bool keep_bn_frozen = true;
};

namespace detail {

template <class Scalar>
bool is_model(const Layer<Scalar>& layer) {
  return dynamic_cast<const ModelImpl<Scalar>*>(&layer.impl()) != nullptr;
}

/// The flag of a layer; of a model or wrapper, its own and, leaf by leaf, those inside.
template <class Scalar>
GRAFT_COLD void set_trainable(const Layer<Scalar>& layer, bool trainable, bool keep_bn_frozen) {
  if (auto* container = dynamic_cast<GraphLayerImpl<Scalar>*>(&layer.impl())) {
    container->set_own_trainable(trainable);
    for (const auto& inner : layer.impl().sublayers()) set_trainable(inner, trainable, keep_bn_frozen);
  } else {
    layer.set_trainable(trainable && !(keep_bn_frozen && layer.class_name() == "BatchNormalization"));
  }
}

/// Unfreezes from the top down until `remaining` layers with weights are reached.
template <class Scalar>
GRAFT_COLD void unfreeze_from_top(const Layer<Scalar>& layer, Index& remaining, bool keep_bn_frozen) {
  if (remaining <= 0) return;
  if (is_model(layer)) {
    static_cast<ModelImpl<Scalar>&>(layer.impl()).set_own_trainable(true);
    const auto inside = layer.impl().sublayers();
    for (auto it = inside.rbegin(); it != inside.rend(); ++it) unfreeze_from_top(*it, remaining, keep_bn_frozen);
    return;
  }
  if (keep_bn_frozen && layer.class_name() == "BatchNormalization") return;
  set_trainable(layer, true, keep_bn_frozen);
  if (!layer.weights().empty()) --remaining;
}

}  // namespace detail

// All of these change flags only. What trains is decided by the next compile.

/// Freezes a layer, or a model with everything in it.
template <class Scalar>
void freeze(const Layer<Scalar>& layer) {
  layer.set_trainable(false);
}

/// `freeze(model.layers().slice(0, -1))`
template <class Scalar>
void freeze(const LayerList<Scalar>& layers) {
  for (const auto& layer : layers) layer.set_trainable(false);
}

/// Unfreezes a layer, or a model with everything in it but its BatchNormalization layers (see UnfreezeOptions).
template <class Scalar>
void unfreeze(const Layer<Scalar>& layer, const UnfreezeOptions& options = {}) {
  detail::set_trainable(layer, true, options.keep_bn_frozen);
}

template <class Scalar>
void unfreeze(const LayerList<Scalar>& layers, const UnfreezeOptions& options = {}) {
  for (const auto& layer : layers) unfreeze(layer, options);
}

/// Freezes the model and unfreezes its top `count` layers that have weights, nested models opened. With keep_bn_frozen,
/// BatchNormalization layers neither count nor thaw. Throws ConfigError for a negative count.
template <class Scalar>
GRAFT_COLD void unfreeze_top(const Model<Scalar>& model, Index count, const UnfreezeOptions& options = {}) {
  if (count < 0) fail<ConfigError>("unfreeze_top", "a count of at least 0", std::to_string(count));
  model.set_trainable(false);
  model.impl().set_own_trainable(true);
  detail::unfreeze_from_top<Scalar>(model, count, options.keep_bn_frozen);
}

}  // namespace graft
