#pragma once

#include <functional>

#include "graft/io/keras/weight_matching.hpp"

// The names under which the Kerases keep what an optimizer remembers.
namespace graft::keras {

/// graft's (and Keras 3's) name of a slot, for the name that some Keras gave it; empty for what is no slot's name.
GRAFT_COLD inline std::string slot_from_file(const std::string& name, std::string_view optimizer) {
  struct Row {
    std::string_view file, slot;
  };
  constexpr Row kRows[] = {{"m", "momentum"},
                           {"v", "velocity"},
                           {"u", "norm"},
                           {"vhat", "velocity_hat"},
                           {"rms", "velocity"},
                           {"mg", "average_gradient"},
                           {"moment", "momentum"},
                           {"accum_grad", "accumulated_grad"},
                           {"accum_var", "accumulated_delta_var"}};
  if (name == "v" && optimizer == "Adamax") return "norm";
  if (name == "accumulator" && optimizer == "RMSprop") return "velocity";
  for (const Row& row : kRows) {
    if (name == row.file) return std::string(row.slot);
  }
  for (const char* same : {"momentum", "velocity", "velocity_hat", "norm", "average_gradient", "accumulator", "linear",
                           "accumulated_grad", "accumulated_delta_var", "average", "gradient_accumulator"}) {
    if (name == same) return name;
  }
  const bool factored = optimizer == "Adafactor" || optimizer == "MultiOptimizer";
  if (factored && (name == "r" || name == "c")) return name;
  return "";
}

/// The name that tf.keras 2.4 … 2.10, and the legacy optimizers of 2.11 … 2.15, give a slot.
GRAFT_COLD inline std::string slot_to_file(const std::string& slot, std::string_view optimizer) {
  if (optimizer == "SGD" || optimizer == "Lion" || optimizer == "MultiOptimizer") return slot;
  if (slot == "average_gradient") return "mg";
  if (optimizer == "RMSprop") return slot == "velocity" ? "rms" : slot;
  if (slot == "momentum") return "m";
  if (slot == "velocity" || slot == "norm") return "v";
  if (slot == "velocity_hat") return "vhat";
  if (slot == "accumulated_grad") return "accum_grad";
  if (slot == "accumulated_delta_var") return "accum_var";
  return slot;
}

/// The slots of an optimizer in the order in which Kerases without names, up to 2.2, list them.
GRAFT_COLD inline std::vector<std::string> slots_in_order(std::string_view optimizer) {
  if (optimizer == "SGD") return {"momentum"};
  if (optimizer == "RMSprop") return {"velocity"};
  if (optimizer == "Adagrad") return {"accumulator"};
  if (optimizer == "Adadelta") return {"accumulated_grad", "accumulated_delta_var"};
  if (optimizer == "Adamax") return {"momentum", "norm"};
  return {"momentum", "velocity", "velocity_hat"};
}

/// A weight that an optimizer may have slots for.
struct OptimizedWeight {
  std::vector<std::string> parents;  ///< models around the layer, outermost first
  std::string layer, weight;
  Shape shape;
  bool trainable;  ///< by the flags of now
};

/// Which array of optimizer_weights is which slot of which weight. Every naming of keras-files: by names where there
/// are any, else by order and shape.
class OptimizerPlan {
 public:
  struct Entry {
    std::size_t array, weight;
    std::string slot;
  };

  std::vector<Entry> entries;
  std::optional<std::size_t> iterations, learning_rate;      ///< positions of scalar arrays
  std::vector<std::pair<std::string, std::size_t>> scalars;  ///< further scalars
  std::string problem;  ///< why the slots cannot be told apart; then entries is empty

  /// The shape of a slot of a weight; none: the optimizer has no such slot.
  using SlotShape = std::function<std::optional<Shape>(const std::string& slot, std::size_t weight)>;

  GRAFT_COLD OptimizerPlan(const std::vector<FileWeight>& arrays, const std::vector<OptimizedWeight>& weights,
                           std::string_view optimizer, const SlotShape& slot_shape)
      : arrays_(arrays), weights_(weights), optimizer_(optimizer), slot_shape_(slot_shape) {
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      paths_.push_back(weight_path(arrays[i].name, Generation::keras2));
      if (arrays[i].data.shape().rank() == 0 && !is_slot_of_scalar(i)) add_scalar(i);
      else open_.push_back(i);
    }
    if (open_.empty() || by_name()) return;
    entries.clear();
    if (by_order()) return;
    entries.clear();
    problem = "the optimizer's state in the file does not fit the weights of the model; it starts anew";
  }

 private:
  GRAFT_COLD void add_scalar(std::size_t i) {
    const std::string name = paths_[i].substr(paths_[i].rfind('/') + 1);
    if (name.find("iter") != std::string::npos) iterations = i;
    else if (name == "learning_rate") learning_rate = i;
    else if (name.find("Variable") == 0 && !iterations) iterations = i;  // Keras 1 and 2.0 count in a nameless scalar
    else scalars.emplace_back(name, i);
  }

  // Weights that are scalars themselves have scalar slots; those have telling names.
  GRAFT_COLD bool is_slot_of_scalar(std::size_t i) const {
    std::string slot;
    const auto weight = find(i, slot);
    return weight && weights_[*weight].shape.rank() == 0;
  }

  GRAFT_COLD bool by_name() {
    NameIndex taken;
    for (const std::size_t i : open_) {
      std::string slot;
      const auto weight = find(i, slot);
      if (!weight) return false;
      const auto shape = slot_shape_(slot, *weight);
      if (!(arrays_[i].data.shape() == shape.value_or(weights_[*weight].shape))) return false;
      std::vector<std::size_t>& of_slot = taken[slot];
      if (std::find(of_slot.begin(), of_slot.end(), *weight) != of_slot.end()) return false;
      of_slot.push_back(*weight);
      entries.push_back({i, *weight, slot});
    }
    return true;
  }

  // The weight and the slot that the name of array `i` means.
  GRAFT_COLD std::optional<std::size_t> find(std::size_t i, std::string& slot) const {
    const std::string& path = paths_[i];
    const std::size_t last = path.rfind('/'), first = path.find('/');
    // Adam/dense/kernel/m
    if (last != std::string::npos && !(slot = slot_from_file(path.substr(last + 1), optimizer_)).empty()) {
      if (const auto weight = longest(path.substr(0, last), '/')) return weight;
    }
    // Adam/m/dense/kernel
    const std::size_t second = first == std::string::npos ? first : path.find('/', first + 1);
    if (second != std::string::npos &&
        !(slot = slot_from_file(path.substr(first + 1, second - first - 1), optimizer_)).empty()) {
      if (const auto weight = longest(path.substr(second + 1), '/')) return weight;
    }
    // adam/model_dense_kernel_momentum
    const std::string joined = last == std::string::npos ? path : path.substr(last + 1);
    for (std::size_t at = joined.rfind('_'); at != std::string::npos && at > 0; at = joined.rfind('_', at - 1)) {
      slot = slot_from_file(joined.substr(at + 1), optimizer_);
      if (slot.empty()) continue;
      if (const auto weight = longest(joined.substr(0, at), '_')) return weight;
    }
    return std::nullopt;
  }

  // The only weight whose path, with as many of its parents as possible, ends `text`.
  GRAFT_COLD std::optional<std::size_t> longest(const std::string& text, char separator) const {
    std::optional<std::size_t> best;
    std::size_t best_size = 0;
    bool unique = false;
    for (std::size_t w = 0; w < weights_.size(); ++w) {
      const OptimizedWeight& weight = weights_[w];
      std::string end = weight.layer + separator + weight.weight;
      if (separator == '_') std::replace(end.begin(), end.end(), '/', '_');
      if (!ends_in(text, end, separator)) continue;
      for (auto parent = weight.parents.rbegin(); parent != weight.parents.rend(); ++parent) {
        if (!ends_in(text, *parent + separator + end, separator)) break;
        end = *parent + separator + end;
      }
      if (end.size() < best_size) continue;
      unique = end.size() > best_size;
      best_size = end.size();
      best = w;
    }
    return unique ? best : std::nullopt;
  }
  // All weights of the first slot, then all of the second … (up to 2.10), or all slots of the first weight … (later).
  GRAFT_COLD bool by_order() {
    std::vector<std::size_t> trained;
    for (std::size_t w = 0; w < weights_.size(); ++w) {
      if (weights_[w].trainable) trained.push_back(w);
    }
    const std::vector<std::string> slots = slots_in_order(optimizer_);
    if (trained.empty()) return false;
    return in_order(trained, slots, false) || in_order(trained, slots, true);
  }

  GRAFT_COLD bool in_order(const std::vector<std::size_t>& trained, const std::vector<std::string>& slots,
                           bool by_weight) {
    entries.clear();
    // Placeholders of shape (1,) stand for a vhat that is not kept.
    std::size_t count = open_.size();
    if (count > trained.size() * 2 && !by_weight) {
      bool placeholders = true;
      for (std::size_t k = trained.size() * 2; k < count; ++k)
        placeholders = placeholders && arrays_[open_[k]].data.shape() == Shape{1};
      if (placeholders) count = trained.size() * 2;
    }
    if (count % trained.size() != 0) return false;
    const std::size_t kinds = count / trained.size();
    if (kinds > slots.size()) return false;
    for (std::size_t k = 0; k < count; ++k) {
      const std::size_t kind = by_weight ? k % kinds : k / trained.size();
      const std::size_t weight = trained[by_weight ? k / kinds : k % trained.size()];
      if (!(arrays_[open_[k]].data.shape() == weights_[weight].shape)) return false;
      entries.push_back({open_[k], weight, slots[kind]});
    }
    return true;
  }

  const std::vector<FileWeight>& arrays_;
  const std::vector<OptimizedWeight>& weights_;
  std::string optimizer_;
  const SlotShape& slot_shape_;
  std::vector<std::string> paths_;
  std::vector<std::size_t> open_;  // arrays that must be slots
};

}  // namespace graft::keras
