#pragma once

#include <map>

#include "graft/io/hdf5.hpp"
#include "graft/io/keras/file_value.hpp"
#include "graft/io/keras/model_config_writer.hpp"
#include "graft/io/keras/store_optimizer.hpp"
#include "graft/models/store_keys.hpp"

// Keras 3's tree of weights: see WeightStore.
namespace graft::keras {

namespace detail {

template <class Scalar>
class StoreWriter {
 public:
  StoreWriter(const hdf5::Group& root, int gzip) : root_(root), gzip_(gzip) {}

  GRAFT_COLD void write_model(const ModelImpl<Scalar>& model, const std::string& prefix) {
    write_group(prefix + "vars", model.name());
    const auto layers = model.layers();
    const auto keys = graft::detail::store_keys(layers);
    for (std::size_t i = 0; i < layers.size(); ++i) {
      // Operations of the graph are no layers in Keras. What is shared is stored at every place: a model that is made
      // from a config again shares nothing between nested models.
      if (layers[i].class_name().find('.') != std::string_view::npos) continue;
      const std::string path = prefix + "layers/" + keys[i] + "/";
      if (const auto* inner = dynamic_cast<const ModelImpl<Scalar>*>(&layers[i].impl())) {
        write_model(*inner, path);
        continue;
      }
      write_group(path + "vars", layers[i].name());
      const auto variables = layers[i].weights();
      for (std::size_t k = 0; k < variables.size(); ++k) {
        for (const std::string& place : {layers[i].impl().store_path(k), layers[i].impl().store_copy(k)}) {
          if (place.empty() || variables[k]->is_adapter()) continue;
          root_.write_dataset(path + place, variables[k]->shape(), file_value(*variables[k]).data(), gzip_);
        }
      }
    }
  }

  /// optimizer/vars, with all slots: those that no step has made yet are as a first step would make them.
  GRAFT_COLD void write_optimizer(const Optimizer<Scalar>& optimizer,
                                  const std::vector<VariablePtr<Scalar>>& variables) {
    std::string path = "optimizer/vars";
    write_group(path, optimizer.name());
    OptimizerState<Scalar> state = optimizer.state(variables);
    Optimizer<Scalar> slotted = optimizer;  // the one that has the slots
    if (const auto* scaled = dynamic_cast<const LossScaleOptimizerImpl<Scalar>*>(&optimizer.impl())) {
      // An optimizer around another one: its own counter and rate say nothing.
      const std::int64_t none = 0;
      const float rate = 0;
      write_scalar(path + "/0", none);
      write_scalar(path + "/1", rate);
      for (const auto& [name, value] : state.scalars) {
        if (name == "step_counter") write_scalar(path + "/2", static_cast<std::int64_t>(value));
        else if (name == "dynamic_scale") write_scalar(path + "/3", static_cast<float>(value));
      }
      path = "optimizer/inner_optimizer/vars";
      slotted = scaled->inner_optimizer();
      write_group(path, slotted.name());
    }
    const auto slots = shaped_slots(slotted, variables);
    write_slots(path, slotted, slots, variables, state);
    // Keras has the variables of a MultiOptimizer a second time, in a group for each of its optimizers.
    const auto* multi = dynamic_cast<const MultiOptimizerImpl<Scalar>*>(&slotted.impl());
    if (!multi) return;
    std::map<std::string, int> used;
    const auto inner = multi->optimizers();
    for (std::size_t k = 0; k < inner.size(); ++k) {
      const std::string name = text::to_snake_case(inner[k].class_name());
      const int count = used[name]++;
      const std::string group = path.substr(0, path.size() - 4) + "_inner_optimizers/" + name +
                                (count == 0 ? "" : "_" + std::to_string(count)) + "/vars";
      write_group(group, inner[k].name());
      std::vector<StoredSlot> own;
      for (const StoredSlot& slot : slots) {
        if (slot.inner == k) own.push_back(slot);
      }
      write_slots(group, slotted, own, variables, state);
    }
  }

 private:
  GRAFT_COLD void write_group(const std::string& path, const std::string& name) {
    root_.create_group(path).write("name", layer_name_in_file(name));
  }
  template <class T>
  GRAFT_COLD void write_scalar(const std::string& path, T value) {
    root_.write_dataset(path, Shape(), &value);
  }

  GRAFT_COLD void write_slots(const std::string& path, const Optimizer<Scalar>& optimizer,
                              const std::vector<StoredSlot>& slots, const std::vector<VariablePtr<Scalar>>& variables,
                              const OptimizerState<Scalar>& state) {
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const std::string place = path + "/" + std::to_string(i);
      const StoredSlot& slot = slots[i];
      if (of_a_weight(slot)) {
        write_slot(place, slot, variables[slot.weight], optimizer, state);
        continue;
      }
      Index steps = state.iterations;
      double rate = state.learning_rate.value_or(0);
      Optimizer<Scalar> owner = optimizer;
      if (slot.inner) {
        owner = static_cast<const MultiOptimizerImpl<Scalar>&>(optimizer.impl()).optimizers()[*slot.inner];
        for (const auto& [name, value] : state.scalars) {
          if (name == "steps_" + std::to_string(*slot.inner)) steps = static_cast<Index>(value);
          if (name == "rate_" + std::to_string(*slot.inner)) rate = value;
        }
      }
      if (slot.slot == "iteration") write_scalar(place, static_cast<std::int64_t>(steps));
      else if (slot.slot == "learning_rate") write_scalar(place, static_cast<float>(rate));
      else write_scalar(place, nadam_product(owner.config().at("config"), steps));
    }
  }
  GRAFT_COLD void write_slot(const std::string& path, const StoredSlot& slot, const VariablePtr<Scalar>& variable,
                             const Optimizer<Scalar>& optimizer, const OptimizerState<Scalar>& state) {
    for (const auto& entry : state.slots) {
      if (entry.name != slot.slot || entry.variable != variable) continue;
      root_.write_dataset(path, slot.shape, entry.value.data(), gzip_);
      return;
    }
    const Tensor<Scalar> fresh = optimizer.fresh_slot(slot.slot, *variable);
    root_.write_dataset(path, slot.shape, fresh.data(), gzip_);
  }

  // The product of Nadam's momenta over the steps made.
  GRAFT_COLD static float nadam_product(const Config& config, Index steps) {
    double product = 1, decay = 1;
    const double beta = config.get("beta_1", 0.9);
    for (Index t = 1; t <= steps && product > 0; ++t) {
      decay *= 0.96;
      product *= beta * (1 - 0.5 * decay);
    }
    return static_cast<float>(product);
  }

  const hdf5::Group& root_;
  int gzip_;
};

}  // namespace detail

/// Writes the weights of a model (kernels with their LoRA, as Keras does), and the state of its optimizer if asked.
template <class Scalar>
GRAFT_COLD void write_store(const Model<Scalar>& model, const hdf5::Group& root, bool with_optimizer, int gzip) {
  detail::StoreWriter<Scalar> writer(root, gzip);
  writer.write_model(model.impl(), "");
  if (with_optimizer) writer.write_optimizer(model.optimizer(), model.trainable_weights());
}

}  // namespace graft::keras
