#pragma once

#include <set>

#include "graft/io/keras/weight_matching.hpp"
#include "graft/models/model.hpp"

namespace graft::keras {

/// The weights of a model as files see them: one group per layer of the outermost model. ModelWeight::index is the
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
  /// Theano convolves where the others correlate; its depthwise and separable convolutions go the others' way.
  GRAFT_COLD static bool convolves(std::string_view class_name, const std::string& weight) {
    if (class_name == "ConvLSTM2D") return weight == "kernel" || weight == "recurrent_kernel";
    if (weight != "kernel") return false;
    for (const char* known : {"Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose"}) {
      if (class_name == known) return true;
    }
    return false;
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
    for (const auto& variable : layer.weights()) {
      leaf.weights.push_back({variable->name(), variable->shape(), variables.size(),
                              convolves(layer.class_name(), variable->name())});
      variables.push_back(variable);
    }
    group.leaves.push_back(std::move(leaf));
  }
};

}  // namespace graft::keras
