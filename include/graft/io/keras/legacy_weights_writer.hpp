#pragma once

#include "graft/io/hdf5.hpp"
#include "graft/io/keras/file_value.hpp"
#include "graft/io/keras/model_config_writer.hpp"
#include "graft/io/keras/model_groups.hpp"

namespace graft::keras {

/// layer_names and one group per layer. In a group, the weights that train come before the others, as Keras writes
/// them: it reads nested models by position, under the flags that it finds in the file. graft reads by name.
template <class Scalar>
GRAFT_COLD void write_weights(const Model<Scalar>& model, const ModelGroups<Scalar>& groups, const hdf5::Group& into,
                              const char* keras_version, int gzip) {
  std::vector<std::string> layer_names;
  for (const ModelGroup& group : groups.groups) layer_names.push_back(layer_name_in_file(group.name));
  into.write("layer_names", layer_names);
  into.write("backend", std::string("tensorflow"));
  into.write("keras_version", std::string(keras_version));

  const auto layers = model.layers();
  for (std::size_t g = 0; g < groups.groups.size(); ++g) {
    const ModelGroup& group = groups.groups[g];
    std::map<const Variable<Scalar>*, std::string> name_of;
    std::set<std::string> taken;
    for (const ModelLeaf& leaf : group.leaves) {
      for (const ModelWeight& weight : leaf.weights) {
        std::string name = ModelGroups<Scalar>::path_of(group, leaf) + "/" + weight.name;
        while (!taken.insert(name).second) name += "_1";
        name_of[groups.variables[weight.index].get()] = name + ":0";
      }
    }
    const Layer<Scalar> layer = layers[static_cast<Index>(g)];
    auto variables = layer.trainable_weights();
    for (const auto& variable : layer.non_trainable_weights()) variables.push_back(variable);
    std::erase_if(variables, [](const auto& variable) { return variable->is_adapter(); });
    std::vector<std::string> names;
    for (const auto& variable : variables) names.push_back(name_of.at(variable.get()));

    const hdf5::Group group_in_file = into.create_group(layer_names[g]);
    group_in_file.write("weight_names", names);
    for (std::size_t i = 0; i < variables.size(); ++i) {
      group_in_file.write_dataset(names[i], variables[i]->shape(), file_value(*variables[i]).data(), gzip);
    }
  }
  into.create_group("top_level_model_weights").write("weight_names", std::vector<std::string>());
}

}  // namespace graft::keras
