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

template <class Scalar>
GRAFT_COLD void collect_flags(const Layer<Scalar>& layer, std::vector<std::pair<Layer<Scalar>, bool>>& into) {
  into.emplace_back(layer, layer.trainable());
  for (const auto& inner : layer.impl().sublayers()) collect_flags(inner, into);
}
// Outer layers come first, so that what they do to inner ones is undone.
template <class Scalar>
GRAFT_COLD void restore_flags(const std::vector<std::pair<Layer<Scalar>, bool>>& flags) {
  for (const auto& [layer, flag] : flags) layer.set_trainable(flag);
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

namespace detail {

// Walks the layers of a model in their order; from the named one on they are unfrozen.
template <class Scalar>
GRAFT_COLD bool unfreeze_from(const Layer<Scalar>& layer, const std::string& name, bool found, bool keep_bn_frozen,
                              std::vector<std::string>& known) {
  if (found || layer.name() == name) {
    set_trainable(layer, true, keep_bn_frozen);
    return true;
  }
  known.push_back(layer.name());
  if (!is_model(layer)) return false;
  static_cast<ModelImpl<Scalar>&>(layer.impl()).set_own_trainable(true);
  for (const auto& inner : layer.impl().sublayers()) found = unfreeze_from(inner, name, found, keep_bn_frozen, known);
  return found;
}

// "block_1" begins block_1_expand, not block_16_expand.
GRAFT_COLD inline bool begins_with_block(const std::string& name, const std::string& block) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (name.compare(0, block.size(), block) != 0) return false;
  return name.size() == block.size() || !is_digit(block.back()) || !is_digit(name[block.size()]);
}

template <class Scalar>
GRAFT_COLD Index unfreeze_block(const Layer<Scalar>& layer, const std::string& block, bool keep_bn_frozen,
                                std::vector<std::string>& known) {
  if (begins_with_block(layer.name(), block)) {
    set_trainable(layer, true, keep_bn_frozen);
    return 1;
  }
  known.push_back(layer.name());
  if (!is_model(layer)) return 0;
  Index count = 0;
  for (const auto& inner : layer.impl().sublayers()) count += unfreeze_block(inner, block, keep_bn_frozen, known);
  if (count > 0) static_cast<ModelImpl<Scalar>&>(layer.impl()).set_own_trainable(true);
  return count;
}

}  // namespace detail

/// Freezes the model and unfreezes the layer of that name and all behind it, in the order of `layers()`, nested models
/// opened: `unfreeze_from(base, "block5_conv1")`. Throws ConfigError, with nothing changed, when there is no such
/// layer.
template <class Scalar>
GRAFT_COLD void unfreeze_from(const Model<Scalar>& model, const std::string& name,
                              const UnfreezeOptions& options = {}) {
  std::vector<std::pair<Layer<Scalar>, bool>> before;
  detail::collect_flags<Scalar>(model, before);
  model.set_trainable(false);
  model.impl().set_own_trainable(true);
  std::vector<std::string> known;
  bool found = false;
  for (const auto& layer : model.layers()) {
    found = detail::unfreeze_from(layer, name, found, options.keep_bn_frozen, known);
  }
  if (found) return;
  detail::restore_flags(before);
  throw ConfigError("unfreeze_from of " + model.impl().where() + ": no layer has the name \"" + name + "\". " +
                    text::did_you_mean(name, text::nearest_few(name, known)));
}

/// Unfreezes the layers whose names begin with that of a block, and leaves the others as they are:
/// `freeze(base); unfreeze_block(base, "block5")`. A number is not cut in two: "block_1" is not block_16. Returns how
/// many layers that were. Throws ConfigError when there are none.
template <class Scalar>
GRAFT_COLD Index unfreeze_block(const Model<Scalar>& model, const std::string& block,
                                const UnfreezeOptions& options = {}) {
  std::vector<std::string> known;
  Index count = 0;
  for (const auto& layer : model.layers()) {
    if (block.empty()) break;
    count += detail::unfreeze_block(layer, block, options.keep_bn_frozen, known);
  }
  if (count == 0) {
    throw ConfigError("unfreeze_block of " + model.impl().where() + ": no layer has a name that begins with \"" +
                      block + "\". " + text::did_you_mean(block, text::nearest_few(block, known)));
  }
  model.impl().set_own_trainable(true);
  return count;
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
