#pragma once

#include <algorithm>

#include "graft/core/content_hash.hpp"
#include "graft/core/version.hpp"
#include "graft/graph/flat_graph.hpp"

namespace graft {

/// What features were computed from, as three hashes of 128 bits: a change of any makes kept features stale. Names of
/// layers and trainable flags do not count; the code of layers of the user's own cannot be seen.
struct FeatureKey {
  std::string layers;   ///< classes and configurations of the layers, how they hang together, version of graft
  std::string weights;  ///< of these layers
  std::string data;     ///< all samples, in order, and their shape

  friend bool operator==(const FeatureKey&, const FeatureKey&) = default;
};

namespace detail {

GRAFT_COLD inline void hash_config(const Config& config, ContentHash& hash) {
  hash.add(static_cast<int>(config.kind()));
  switch (config.kind()) {
    case Config::Kind::null: return;
    case Config::Kind::boolean: return hash.add(config.as_bool());
    case Config::Kind::integer: return hash.add(config.as_int());
    case Config::Kind::real: return hash.add(config.as_double());
    case Config::Kind::string: return hash.add(config.as_string());
    case Config::Kind::array:
      hash.add(static_cast<Index>(config.items().size()));
      for (const Config& item : config.items()) hash_config(item, hash);
      return;
    case Config::Kind::object:
      for (const auto& [key, value] : config.members()) {
        if (key == "name" || key == "trainable" || key == "batch_input_shape") continue;
        hash.add(key);
        hash_config(value, hash);
      }
      hash.add(std::string_view("}"));
  }
}

GRAFT_COLD inline void hash_shape(const Shape& shape, ContentHash& hash) {
  hash.add(static_cast<Index>(shape.rank()));
  for (const Index dim : shape) hash.add(dim);
}

/// Of the layers of a prefix, for samples of these shapes. `tag` is the user's own part of the key.
template <class Scalar>
GRAFT_COLD std::string layers_hash(const FlatGraph<Scalar>& prefix, const std::vector<Shape>& samples,
                                   const std::string& tag) {
  ContentHash hash;
  hash.add(std::string_view(GRAFT_VERSION));
  hash.add(static_cast<Index>(sizeof(Scalar)));
  hash.add(tag);
  for (const Shape& shape : samples) hash_shape(shape, hash);
  std::vector<std::size_t> numbers(prefix.values, FlatGraph<Scalar>::kNone);  // of values, in order of appearance
  std::size_t next = 0;
  const auto number = [&](std::size_t value) {
    if (value == FlatGraph<Scalar>::kNone) return value;
    if (numbers[value] == FlatGraph<Scalar>::kNone) numbers[value] = next++;
    return numbers[value];
  };
  for (const std::size_t input : prefix.inputs) hash.add(number(input));
  for (const auto& node : prefix.nodes) {
    hash.add(node.layer->class_name());
    hash_config(node.layer->config(), hash);
    hash.add(node.training ? 1 + *node.training : 0);
    for (const auto* list : {&node.inputs, &node.outputs, &node.masks}) {
      hash.add(list->size());
      for (const std::size_t value : *list) hash.add(number(value));
    }
    hash.add(number(node.output_mask));
  }
  for (const std::size_t output : prefix.outputs) hash.add(number(output));
  return hash.hex();
}

template <class Scalar>
GRAFT_COLD std::string weights_hash(const FlatGraph<Scalar>& prefix) {
  ContentHash hash;
  PointerMap seen;
  for (const auto& node : prefix.nodes) {
    for (const auto& variable : node.layer->variables()) {
      const auto [at, fresh] = seen.emplace(variable.get(), static_cast<Index>(seen.size()));
      hash.add(at->second);
      if (!fresh) continue;
      const Tensor<Scalar>& value = std::as_const(*variable).value();
      hash.add(variable->name());
      hash_shape(value.shape(), hash);
      hash.add_bytes(value.data(), static_cast<std::size_t>(value.size()) * sizeof(Scalar));
    }
  }
  return hash.hex();
}

/// Of arrays that follow each other; parts[p][i] is input i of part p.
template <class Scalar>
GRAFT_COLD std::string data_hash(const std::vector<std::vector<TensorView<const Scalar>>>& parts) {
  ContentHash hash;
  for (std::size_t i = 0; i < parts.front().size(); ++i) {
    hash_shape(parts.front()[i].shape().without_batch(), hash);
    Index samples = 0;
    for (const auto& part : parts) {
      const TensorView<const Scalar>& x = part[i];
      hash.add_bytes(x.data(), static_cast<std::size_t>(x.size()) * sizeof(Scalar));
      samples += x.dim(0);
    }
    hash.add(samples);
  }
  return hash.hex();
}

}  // namespace detail
}  // namespace graft
