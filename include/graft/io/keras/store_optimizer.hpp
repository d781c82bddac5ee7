#pragma once

#include "graft/io/keras/weight_store.hpp"
#include "graft/models/model.hpp"

// Optimizer state in Keras 3's tree: optimizer/vars/0 … without names, in the order in which Keras makes the variables.
namespace graft::keras {

/// A variable of an optimizer: the counter, the learning rate, or a slot of a weight.
struct StoredSlot {
  std::string slot;    ///< "momentum"; "iteration", "learning_rate" and "u_product" belong to no weight
  std::size_t weight;  ///< position in the list of trained weights
  Shape shape = {};
  std::optional<std::size_t> inner = {};  ///< of a MultiOptimizer: which of its optimizers has it; none: itself
};

/// How Keras's versions order the slots: 3.0 … 3.8 and 3.11 keep those of one weight together, some between them those
/// of one kind; Nadam's product of momenta stands behind the slots, in old versions in front of them.
struct SlotOrder {
  bool by_kind = false, product_first = false;
};

/// The variables of an optimizer of this config for `weights` trained weights, in Keras 3's order.
GRAFT_COLD inline std::vector<StoredSlot> stored_slots(const Config& optimizer, std::size_t weights,
                                                       SlotOrder order = {}) {
  const std::string name = optimizer.at("class_name").as_string("class_name");
  const Config& config = optimizer.at("config");
  std::vector<StoredSlot> result{{"iteration", 0}};
  const auto add = [&](const std::vector<const char*>& slots) {
    const std::size_t count = weights * slots.size();
    for (std::size_t i = 0; i < count; ++i) {
      if (order.by_kind) result.push_back({slots[i / weights], i % weights});
      else result.push_back({slots[i % slots.size()], i / slots.size()});
    }
  };
  const Config* rate = config.find("learning_rate");
  if (rate && rate->is_number()) result.push_back({"learning_rate", 0});
  const bool averages = config.get("use_ema", false), accumulates = config.find_set("gradient_accumulation_steps");
  if (averages && accumulates) add({"average", "gradient_accumulator"});
  else if (averages || accumulates) add({averages ? "average" : "gradient_accumulator"});
  if (name == "Nadam" && order.product_first) result.push_back({"u_product", 0});
  if (name == "SGD") {
    if (config.get("momentum", 0.0) != 0) add({"momentum"});
  } else if (name == "RMSprop") {
    add({"velocity"});
    if (config.get("momentum", 0.0) > 0) add({"momentum"});
    if (config.get("centered", false)) add({"average_gradient"});
  } else if (name == "Adam" || name == "AdamW" || name == "Nadam" || name == "Lamb") {
    add({"momentum", "velocity"});
    if (config.get("amsgrad", false)) add({"velocity_hat"});
  } else if (name == "Adamax") {
    add({"momentum", "norm"});
  } else if (name == "Adagrad") {
    add({"accumulator"});
  } else if (name == "Adadelta") {
    add({"accumulated_grad", "accumulated_delta_var"});
  } else if (name == "Ftrl") {
    add({"accumulator", "linear"});
  } else if (name == "Lion") {
    add({"momentum"});
  } else if (name == "Adafactor") {
    add({"r", "c", "velocity"});
  } else if (name == "Muon" || name == "ScheduleFreeAdamW") {
    add({"momentum", "velocity"});
  }
  if (name == "Nadam" && !order.product_first) result.push_back({"u_product", 0});
  return result;
}

namespace detail {

GRAFT_COLD inline bool of_a_weight(const StoredSlot& slot) {
  return slot.slot != "iteration" && slot.slot != "learning_rate" && slot.slot != "u_product";
}

/// The same with shapes, and only those that the weights really have.
template <class Scalar>
GRAFT_COLD std::vector<StoredSlot> shaped_slots(const Optimizer<Scalar>& optimizer,
                                                const std::vector<VariablePtr<Scalar>>& variables,
                                                SlotOrder order = {}) {
  std::vector<StoredSlot> result;
  if (const auto* multi = dynamic_cast<const MultiOptimizerImpl<Scalar>*>(&optimizer.impl())) {
    // Its own counter and rate, then all variables of one optimizer after the other.
    result = {{"iteration", 0}, {"learning_rate", 0}};
    const auto inner = multi->optimizers();
    for (std::size_t k = 0; k < inner.size(); ++k) {
      std::vector<VariablePtr<Scalar>> own;
      std::vector<std::size_t> positions;
      for (std::size_t w = 0; w < variables.size(); ++w) {
        if (multi->optimizer_of(*variables[w]) == k) own.push_back(variables[w]), positions.push_back(w);
      }
      for (StoredSlot& slot : shaped_slots(inner[k], own, order)) {
        if (of_a_weight(slot)) slot.weight = positions[slot.weight];
        slot.inner = k;
        result.push_back(std::move(slot));
      }
    }
    return result;
  }
  for (StoredSlot& slot : stored_slots(optimizer.config(), variables.size(), order)) {
    if (of_a_weight(slot)) {
      const auto shape = optimizer.slot_shape(slot.slot, *variables[slot.weight]);
      if (!shape) continue;
      slot.shape = *shape;
    }
    result.push_back(std::move(slot));
  }
  return result;
}

GRAFT_COLD inline bool slots_fit(const std::vector<StoredSlot>& slots, const std::vector<FileWeight>& arrays) {
  if (slots.size() != arrays.size()) return false;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (!(arrays[i].data.shape() == slots[i].shape)) return false;
  }
  return true;
}

/// The order that fits the arrays of a file; empty when none does.
template <class Scalar>
GRAFT_COLD std::vector<StoredSlot> fitting_slots(const Optimizer<Scalar>& optimizer,
                                                 const std::vector<VariablePtr<Scalar>>& variables,
                                                 const std::vector<FileWeight>& arrays) {
  for (const SlotOrder order : {SlotOrder{false, false}, SlotOrder{true, false}, SlotOrder{false, true}}) {
    std::vector<StoredSlot> slots = shaped_slots(optimizer, variables, order);
    if (slots_fit(slots, arrays)) return slots;
    const bool has_rate = slots.size() > 1 && slots[1].slot == "learning_rate";
    if (arrays.size() == (has_rate ? 2 : 1)) {  // of before the first step
      slots.resize(arrays.size());
    } else if (has_rate) {  // tf.keras keeps no learning rate
      slots.erase(slots.begin() + 1);
    }
    if (slots_fit(slots, arrays)) return slots;
  }
  return {};
}

}  // namespace detail

/// Puts the state that the tree has into the model's optimizer. What cannot be used becomes a warning.
template <class Scalar>
GRAFT_COLD void read_optimizer_state(const WeightStore& store, const Model<Scalar>& model,
                                     std::vector<std::string>& warnings) {
  const auto variables = model.trainable_weights();
  const Optimizer<Scalar> optimizer = model.optimizer();
  Optimizer<Scalar> slotted = optimizer;  // the one that has the slots
  OptimizerState<Scalar> state;
  std::string path = "optimizer/vars/";
  if (const auto* scaled = dynamic_cast<const LossScaleOptimizerImpl<Scalar>*>(&optimizer.impl())) {
    const char* names[] = {"step_counter", "dynamic_scale"};
    for (int i = 0; i < 2; ++i) {
      const std::string place = path + std::to_string(i + 2);
      double value = 0;
      if (!store.contains(place) || !(store.open(place).data.shape() == Shape())) continue;
      store.open(place).data.read(&value);
      state.scalars.emplace_back(names[i], value);
    }
    slotted = scaled->inner_optimizer();
    path = "optimizer/inner_optimizer/vars/";
  }
  std::vector<FileWeight> arrays;
  while (store.contains(path + std::to_string(arrays.size()))) {
    arrays.push_back(store.open(path + std::to_string(arrays.size())));
  }
  if (arrays.empty()) return;
  const std::vector<StoredSlot> slots = detail::fitting_slots(slotted, variables, arrays);
  if (slots.empty()) {
    warnings.push_back("the optimizer's state in the file (" + std::to_string(arrays.size()) +
                       " arrays) does not fit the weights that train; it starts anew");
    return;
  }
  for (std::size_t i = 0; i < slots.size(); ++i) {
    double number = 0;
    if (slots[i].inner && !detail::of_a_weight(slots[i])) {
      arrays[i].data.read(&number);
      const std::string which = slots[i].slot == "iteration"       ? "steps_"
                                : slots[i].slot == "learning_rate" ? "rate_"
                                                                   : "";
      if (!which.empty()) state.scalars.emplace_back(which + std::to_string(*slots[i].inner), number);
    } else if (slots[i].slot == "iteration") {
      arrays[i].data.read(&number);
      state.iterations = static_cast<Index>(std::clamp(number, 0.0, 9e15));
    } else if (slots[i].slot == "learning_rate") {
      arrays[i].data.read(&number);
      state.learning_rate = number;
    } else if (detail::of_a_weight(slots[i])) {
      const auto& variable = variables[slots[i].weight];
      auto value = Tensor<Scalar>::uninitialized(slots[i].shape);
      arrays[i].data.read(value.data());
      state.slots.push_back({slots[i].slot, variable, std::move(value)});
    }
  }
  optimizer.set_state(state);
}

}  // namespace graft::keras
