#pragma once

#include "graft/models/model.hpp"

namespace graft {

/// What belongs together when layers are unfrozen, or get their learning rates, one group after the other.
enum class GroupBy {
  automatic,  ///< by block when layers have names of blocks, else by layer
  block,      ///< "block5" of block5_conv1, "conv5_block3" of conv5_block3_2_bn, "block_13" of block_13_expand; the
              ///< layers between two blocks are a group, too
  layer       ///< each layer with a kernel, with the normalization layers behind it
};

namespace detail {

/// The part of a layer's name that names its block; empty when there is none.
GRAFT_COLD inline std::string block_of(const std::string& name) {
  const auto is_digit = [&](std::size_t i) { return i < name.size() && name[i] >= '0' && name[i] <= '9'; };
  for (const std::string_view word : {std::string_view("block"), std::string_view("stage")}) {
    for (std::size_t at = name.find(word); at != std::string::npos; at = name.find(word, at + 1)) {
      std::size_t end = at + word.size();
      if (end < name.size() && name[end] == '_') ++end;
      if (!is_digit(end)) continue;
      while (is_digit(end)) ++end;
      // A letter may follow, as in block2a_dwconv.
      const bool letter = end < name.size() && name[end] >= 'a' && name[end] <= 'z';
      if (letter && (end + 1 == name.size() || name[end + 1] == '_')) ++end;
      return name.substr(0, end);
    }
  }
  return {};
}

/// The leaf layers of a model that have weights, each once, from the inputs up. Throws StateError when it is not built.
template <class Scalar>
GRAFT_COLD std::vector<Layer<Scalar>> leaves_with_weights(const Model<Scalar>& model) {
  std::vector<Layer<Scalar>> result;
  PointerMap seen;
  for (const auto& node : flatten(model.impl().graph()).nodes) {
    if (node.layer->variables().empty() || !seen.emplace(node.layer.get(), 0).second) continue;
    result.push_back(Layer<Scalar>(node.layer));
  }
  return result;
}

template <class Scalar>
bool is_normalization(const Layer<Scalar>& layer) {
  return layer.class_name().find("Normalization") != std::string_view::npos;
}

template <class Scalar>
GRAFT_COLD std::vector<std::vector<Layer<Scalar>>> group_layers(const std::vector<Layer<Scalar>>& leaves, GroupBy by) {
  if (by == GroupBy::automatic) {
    by = GroupBy::layer;
    for (const auto& layer : leaves) {
      if (!block_of(layer.name()).empty()) by = GroupBy::block;
    }
  }
  std::vector<std::vector<Layer<Scalar>>> groups;
  std::vector<std::string> blocks;  // of the groups
  for (const auto& layer : leaves) {
    const std::string block = by == GroupBy::block ? block_of(layer.name()) : "";
    bool joins = !groups.empty() && (by == GroupBy::block ? blocks.back() == block : is_normalization(layer));
    std::size_t into = groups.size() - 1;
    // Branches of two blocks may be listed in turns.
    for (std::size_t i = 0; !joins && !block.empty() && i < groups.size(); ++i) {
      if (blocks[i] == block) joins = true, into = i;
    }
    if (joins) {
      groups[into].push_back(layer);
    } else {
      groups.push_back({layer});
      blocks.push_back(block);
    }
  }
  return groups;
}

}  // namespace detail

/// The layers of a model that have weights, nested models opened, in groups from the inputs up. Throws StateError when
/// the model is not built.
template <class Scalar>
GRAFT_COLD std::vector<std::vector<Layer<Scalar>>> layer_groups(const Model<Scalar>& model,
                                                                GroupBy by = GroupBy::automatic) {
  return detail::group_layers(detail::leaves_with_weights(model), by);
}

}  // namespace graft
