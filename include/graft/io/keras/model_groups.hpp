#pragma once

#include <set>

#include "graft/io/keras/weight_matching.hpp"
#include "graft/models/model.hpp"

namespace graft::keras {

/// The weights of a model as files see them: one group per layer of the outermost model, without LoRA's parts. ModelWeight::index is the
/// position in `variables`.
template <class Scalar>
struct ModelGroups {
  std::vector<ModelGroup> groups;
  std::vector<VariablePtr<Scalar>> variables;

  GRAFT_COLD explicit ModelGroups(const Model<Scalar>& model) {
    for (const auto& layer : model.layers()) {
      ModelGroup group{layer.name(), {}};
      std::set<const LayerImpl<Scalar>*> seen;
      collect(layer, {}, true, group, seen);
      groups.push_back(std::move(group));
    }
  }

  /// Where a leaf belongs: its name and those of the models around it, without the group's own.
  GRAFT_COLD static std::string path_of(const ModelGroup& group, const ModelLeaf& leaf) {
    std::string path;
    for (const std::string& parent : leaf.parents) path += parent + "/";
    return leaf.parents.empty() && leaf.name == group.name ? leaf.name : path + leaf.name;
  }

 private:
  /// Only kernels have an order of axes.
  GRAFT_COLD static KernelKind kind_of(KernelKind layer, const std::string& weight) {
    const bool kernel = weight == "kernel" || (layer == KernelKind::conv_lstm2d && weight == "recurrent_kernel");
    return kernel ? layer : KernelKind::other;
  }

  GRAFT_COLD void collect(const Layer<Scalar>& layer, std::vector<std::string> parents, bool outermost,
                          ModelGroup& group, std::set<const LayerImpl<Scalar>*>& seen) {
    if (!seen.insert(&layer.impl()).second) return;
    const auto inside = layer.impl().sublayers();
    if (!inside.empty()) {
      if (!outermost) parents.push_back(layer.name());
      for (const auto& inner : inside) collect(inner, parents, false, group, seen);
      return;
    }
    ModelLeaf leaf{layer.name(), std::move(parents), {}};
    const KernelKind kind = kernel_kind(layer.class_name());
    const bool channels_first =
        kind != KernelKind::other && layer.impl().config().get("data_format", "") == "channels_first";
    for (const auto& variable : layer.weights()) {
      if (variable->is_adapter()) continue;
      leaf.weights.push_back(
          {variable->name(), variable->shape(), variables.size(), kind_of(kind, variable->name()), channels_first});
      variables.push_back(variable);
    }
    group.leaves.push_back(std::move(leaf));
  }
};

}  // namespace graft::keras
