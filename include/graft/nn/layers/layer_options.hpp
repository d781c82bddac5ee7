#pragma once

#include <optional>
#include <string>

#include "graft/core/config.hpp"
#include "graft/core/shape.hpp"
#include "graft/nn/activations.hpp"
#include "graft/nn/constraints.hpp"
#include "graft/nn/initializers.hpp"
#include "graft/nn/regularizers.hpp"

// How from_config reads options: a key that is missing, or null, leaves the default; keys nobody asks for are ignored.
namespace graft::detail {

GRAFT_COLD inline void read(const Config& config, const char* key, bool& into) { into = config.get(key, into); }
GRAFT_COLD inline void read(const Config& config, const char* key, Index& into) { into = config.get(key, into); }
GRAFT_COLD inline void read(const Config& config, const char* key, double& into) { into = config.get(key, into); }
GRAFT_COLD inline void read(const Config& config, const char* key, std::string& into) {
  into = config.get(key, into.c_str());
}
GRAFT_COLD inline void read(const Config& config, const char* key, Initializer& into) {
  if (const Config* value = config.find_set(key)) into = Initializer::from_config(*value);
}
GRAFT_COLD inline void read(const Config& config, const char* key, Regularizer& into) {
  if (const Config* value = config.find_set(key)) into = Regularizer::from_config(*value);
}
GRAFT_COLD inline void read(const Config& config, const char* key, Constraint& into) {
  if (const Config* value = config.find_set(key)) into = Constraint::from_config(*value);
}
GRAFT_COLD inline void read(const Config& config, const char* key, ActivationFunction& into) {
  if (const Config* value = config.find_set(key)) into = ActivationFunction::from_config(*value);
}

/// [null, 28, 28] → (-1, 28, 28)
GRAFT_COLD inline Shape read_shape(const Config& list, const char* what) {
  Shape shape;
  for (const Config& item : list.items(what)) shape.push_back(item.is_null() ? Shape::kUnknown : item.as_int(what));
  return shape;
}
/// (-1, 28, 28) → [null, 28, 28]
GRAFT_COLD inline Config shape_config(const Shape& shape) {
  Config list = Config::array();
  for (const Index dim : shape) list.push_back(dim == Shape::kUnknown ? Config() : Config(dim));
  return list;
}

/// The shape of one sample that a first layer names: batch_input_shape (Keras 2) or batch_shape (Keras 3), both with a
/// batch in front, or input_shape, without.
GRAFT_COLD inline std::optional<Shape> read_input_shape(const Config& config) {
  for (const char* key : {"batch_input_shape", "batch_shape"}) {
    if (const Config* value = config.find_set(key)) return read_shape(*value, key).without_batch();
  }
  if (const Config* value = config.find_set("input_shape")) return read_shape(*value, "input_shape");
  return std::nullopt;
}

/// name, trainable and input_shape, with which every options struct ends.
template <class Options>
GRAFT_COLD void read_base(const Config& config, Options& options) {
  read(config, "name", options.name);
  read(config, "trainable", options.trainable);
  options.input_shape = read_input_shape(config);
}

/// For keys that change what a layer computes and that graft does not have: throws ConfigError when one is set.
GRAFT_COLD inline void reject(const Config& config, const char* class_name, const char* key) {
  const Config* value = config.find_set(key);
  if (!value || (value->is_bool() && !value->as_bool())) return;
  throw ConfigError(std::string(class_name) + " \"" + config.get("name", "") + "\": its config sets \"" + key +
                    "\", which graft cannot compute.");
}

GRAFT_COLD inline Config seed_config_of(const std::optional<Index>& seed) { return seed ? Config(*seed) : Config(); }

/// The dimension of an axis that a layer must know when it is built. Throws ShapeError.
GRAFT_COLD inline Index known_dim(const Shape& shape, int axis, const std::string& where) {
  if (shape.rank() < 2) fail<ShapeError>(where, "an input with a batch and at least one more dimension", shape.str());
  const Index dim = shape[axis];
  if (dim == Shape::kUnknown) {
    fail<ShapeError>(where, "a known dimension at axis " + std::to_string(axis), shape.str(),
                     "Give the first layer an input_shape without None, or put a layer in front that fixes the size.");
  }
  return dim;
}

/// Throws ShapeError when a dimension besides the batch is unknown.
GRAFT_COLD inline void require_known_sample(const Shape& shape, const std::string& where) {
  for (int axis = 1; axis < shape.rank(); ++axis) (void)known_dim(shape, axis, where);
}

inline Index round_up_64(Index bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace graft::detail
