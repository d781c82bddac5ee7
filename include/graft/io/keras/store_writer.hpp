#pragma once

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
    Config config = optimizer.config();
    if (optimizer.class_name() == "LossScaleOptimizer") {
      // An optimizer around another one: its own counter and rate say nothing.
      const std::int64_t none = 0;
      const float rate = 0;
      write_scalar(path + "/0", none);
      write_scalar(path + "/1", rate);
      for (const auto& [name, value] : state.scalars) {
        if (name == "step_counter") write_scalar(path + "/2", static_cast<std::int64_t>(value));
        else write_scalar(path + "/3", static_cast<float>(value));
      }
      path = "optimizer/inner_optimizer/vars";
      config = Config(config.at("config").at("inner_optimizer"));
      write_group(path, config.at("config").get("name", ""));
    }
    const auto slots = stored_slots(config, variables.size());
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const std::string place = path + "/" + std::to_string(i);
      if (slots[i].slot == "iteration") write_scalar(place, static_cast<std::int64_t>(state.iterations));
      else if (slots[i].slot == "learning_rate")
        write_scalar(place, static_cast<float>(state.learning_rate.value_or(0)));
      else if (slots[i].slot == "u_product") write_scalar(place, nadam_product(config.at("config"), state.iterations));
      else write_slot(place, slots[i].slot, variables[slots[i].weight], state, config.at("config"));
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

  GRAFT_COLD void write_slot(const std::string& path, const std::string& slot, const VariablePtr<Scalar>& variable,
                             const OptimizerState<Scalar>& state, const Config& config) {
    for (const auto& entry : state.slots) {
      if (entry.name != slot || entry.variable != variable) continue;
      root_.write_dataset(path, variable->shape(), entry.value.data(), gzip_);
      return;
    }
    const bool accumulator = slot == "accumulator";
    const Tensor<Scalar> fresh =
        slot == "average"
            ? variable->value()
            : Tensor<Scalar>(variable->shape(),
                             static_cast<Scalar>(accumulator ? config.get("initial_accumulator_value", 0.1) : 0.0));
    root_.write_dataset(path, variable->shape(), fresh.data(), gzip_);
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
