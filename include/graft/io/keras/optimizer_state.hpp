#pragma once

#include "graft/io/keras/model_groups.hpp"
#include "graft/io/keras/optimizer_names.hpp"

// Optimizer state to and from the group optimizer_weights.
namespace graft::keras {

namespace detail {

template <class Scalar>
GRAFT_COLD std::vector<OptimizedWeight> optimized_weights(const Model<Scalar>& model, const ModelGroups<Scalar>& groups,
                                                          std::vector<VariablePtr<Scalar>>& variables) {
  std::set<const Variable<Scalar>*> trained, seen;
  for (const auto& variable : model.trainable_weights()) trained.insert(variable.get());
  std::vector<OptimizedWeight> result;
  for (const ModelGroup& group : groups.groups) {
    for (const ModelLeaf& leaf : group.leaves) {
      for (const ModelWeight& weight : leaf.weights) {
        const auto& variable = groups.variables[weight.index];
        if (!variable->trainable() || !seen.insert(variable.get()).second) continue;
        std::vector<std::string> parents{model.name()};
        if (!(leaf.parents.empty() && leaf.name == group.name)) parents.push_back(group.name);
        parents.insert(parents.end(), leaf.parents.begin(), leaf.parents.end());
        result.push_back(
            {std::move(parents), leaf.name, weight.name, weight.shape, trained.count(variable.get()) != 0});
        variables.push_back(variable);
      }
    }
  }
  return result;
}

}  // namespace detail

/// Puts the state that the file has into the model's optimizer. What cannot be used becomes a warning.
template <class Scalar>
GRAFT_COLD void read_optimizer_state(const LegacyH5& file, const Model<Scalar>& model,
                                     std::vector<std::string>& warnings) {
  const std::vector<FileWeight> arrays = file.optimizer_weights();
  if (arrays.empty()) return;
  const Optimizer<Scalar> optimizer = model.optimizer();
  const ModelGroups<Scalar> groups(model);
  std::vector<VariablePtr<Scalar>> variables;
  const auto weights = detail::optimized_weights(model, groups, variables);
  const OptimizerPlan::SlotShape slot_shape = [&](const std::string& slot, std::size_t weight) {
    return optimizer.slot_shape(slot, *variables[weight]);
  };
  const OptimizerPlan plan(arrays, weights, optimizer.class_name(), slot_shape);
  if (!plan.problem.empty()) warnings.push_back(plan.problem);

  const auto scalar = [&](std::size_t array) {
    double value = 0;
    arrays[array].data.read(&value);
    return value;
  };
  OptimizerState<Scalar> state;
  if (plan.iterations) state.iterations = static_cast<Index>(std::clamp(scalar(*plan.iterations), 0.0, 9e15));
  if (plan.learning_rate) state.learning_rate = scalar(*plan.learning_rate);
  for (const auto& [name, array] : plan.scalars) state.scalars.emplace_back(name, scalar(array));
  for (const OptimizerPlan::Entry& entry : plan.entries) {
    const auto shape = slot_shape(entry.slot, entry.weight);
    // Slots that this configuration does not use (the momentum that Keras 2 keeps for a plain SGD) are left out.
    if (!shape) continue;
    auto value = Tensor<Scalar>::uninitialized(*shape);
    arrays[entry.array].data.read(value.data());
    state.slots.push_back({entry.slot, variables[entry.weight], std::move(value)});
  }
  optimizer.set_state(state);
}

/// Writes the group optimizer_weights, in the order and with the names of tf.keras 2.4 … 2.10: the counter, then slot
/// by slot all variables. That is what the optimizers expect which tf.keras 2.11 … 2.15 make from the configuration
/// that graft writes.
template <class Scalar>
GRAFT_COLD void write_optimizer_state(const Model<Scalar>& model, const ModelGroups<Scalar>& groups,
                                      const hdf5::Group& root, int gzip) {
  const Optimizer<Scalar> optimizer = model.optimizer();
  const std::string prefix = std::string(optimizer.class_name()) + "/";
  std::vector<VariablePtr<Scalar>> variables;
  const auto weights = detail::optimized_weights(model, groups, variables);
  const OptimizerState<Scalar> state = optimizer.state(variables);

  std::vector<std::string> names{prefix + "iter:0"};
  std::vector<const typename OptimizerState<Scalar>::Slot*> values{nullptr};
  std::vector<std::string> slots;
  for (const auto& slot : state.slots) {
    if (std::find(slots.begin(), slots.end(), slot.name) == slots.end()) slots.push_back(slot.name);
  }
  for (const std::string& name : slots) {
    for (const auto& slot : state.slots) {
      if (slot.name != name) continue;
      const auto w =
          static_cast<std::size_t>(std::find(variables.begin(), variables.end(), slot.variable) - variables.begin());
      std::string path;
      // The first parent is the model itself; nested layers are told apart by the models around them.
      for (std::size_t i = 1; i < weights[w].parents.size(); ++i) path += weights[w].parents[i] + "/";
      names.push_back(prefix + path + weights[w].layer + "/" + weights[w].weight + "/" +
                      slot_to_file(name, optimizer.class_name()) + ":0");
      values.push_back(&slot);
    }
  }
  for (const auto& entry : state.scalars) names.push_back(prefix + entry.first + ":0");

  const hdf5::Group group = root.create_group("optimizer_weights");
  group.write("weight_names", names);
  group.write_dataset(names[0], Shape(), &state.iterations);
  for (std::size_t i = 1; i < values.size(); ++i)
    group.write_dataset(names[i], values[i]->value.shape(), values[i]->value.data(), gzip);
  for (std::size_t i = 0; i < state.scalars.size(); ++i) {
    group.write_dataset(names[values.size() + i], Shape(), &state.scalars[i].second);
  }
}

}  // namespace graft::keras
