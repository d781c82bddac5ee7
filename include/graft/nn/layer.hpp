#pragma once

#include <algorithm>

#include "graft/nn/layer_impl.hpp"

namespace graft {

template <class Scalar>
class Symbol;

/// Keras's keyword arguments of a call.
struct CallOptions {
  /// The mode of this use of the layer, and of all that is inside, whatever the run is: base(x, {.training = false})
  /// keeps the BatchNormalization layers of a base at inference when they are unfrozen; {.training = true} keeps
  /// Dropout active in predict. Not given: the mode of the run. State (moving statistics) moves in training steps only.
  std::optional<bool> training = std::nullopt;
};

/// Handle of a layer: copying it shares the layer, as assignment does in Python.
template <class Scalar = float>
class Layer {
 public:
  using Impl = LayerImpl<Scalar>;

  Layer() = default;
  explicit Layer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

  explicit operator bool() const { return impl_ != nullptr; }
  /// The same layer, not merely an equal one.
  friend bool operator==(const Layer& a, const Layer& b) { return a.impl_ == b.impl_; }

  const std::string& name() const { return impl().name(); }
  std::string_view class_name() const { return impl().class_name(); }
  Config config() const { return impl().config(); }
  bool built() const { return impl().built(); }

  bool trainable() const { return impl().trainable(); }
  /// Recursive: sets the flag of every layer inside too. Compile again before you fit.
  void set_trainable(bool trainable) const { impl().set_trainable(trainable); }

  std::vector<VariablePtr<Scalar>> weights() const { return impl().variables(); }
  /// The variables that training would move, by the flags of the layer and of the layers inside.
  std::vector<VariablePtr<Scalar>> trainable_weights() const {
    std::vector<VariablePtr<Scalar>> result;
    collect_trainable(result);
    return result;
  }
  std::vector<VariablePtr<Scalar>> non_trainable_weights() const {
    const auto moved = trainable_weights();
    std::vector<VariablePtr<Scalar>> result;
    for (const auto& variable : weights()) {
      if (std::find(moved.begin(), moved.end(), variable) == moved.end()) result.push_back(variable);
    }
    return result;
  }

  /// Copies of all weights, in an order that does not depend on the trainable flags.
  std::vector<Tensor<Scalar>> get_weights() const {
    std::vector<Tensor<Scalar>> result;
    for (const auto& variable : weights()) result.push_back(variable->value());
    return result;
  }
  /// Sets all weights, in the order of get_weights. Throws ShapeError, with nothing changed, when the count or a shape
  /// is another.
  GRAFT_COLD void set_weights(const std::vector<Tensor<Scalar>>& values) const {
    const auto variables = weights();
    if (values.size() != variables.size()) {
      throw ShapeError("set_weights of " + impl().where() + ": you called it with a weight list of length " +
                       std::to_string(values.size()) + ", but the layer was expecting " +
                       std::to_string(variables.size()) + " weights." + (built() ? "" : " It is not built yet."));
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!(values[i].shape() == variables[i]->shape())) {
        fail<ShapeError>(
            "set_weights of " + impl().where() + ", weight " + std::to_string(i) + " \"" + variables[i]->name() + "\"",
            "shape " + variables[i]->shape().str(), values[i].shape().str());
      }
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      variables[i]->assign(values[i].view());
      // What was trained elsewhere is pretrained here; a model that takes its own weights back is as it was.
      const bool taken = values[i].origin() != Origin::fresh && variables[i]->origin() != Origin::trained;
      if (taken) variables[i]->set_origin(Origin::pretrained);
    }
  }

  /// Keras's enable_lora, for Dense and convolutions: training moves the kernel by (lora_alpha / rank) A B only, A (…,
  /// rank), B (rank, filters). Compile again. Throws ConfigError for other layers, a layer with a kernel constraint and
  /// a rank below 1, StateError when the layer is not built or has LoRA already. See add_lora for whole models.
  void enable_lora(Index rank, const LoraOptions& options = {}) const { impl().enable_lora(rank, options); }

  /// Number of weights. Throws StateError when the layer is not built.
  GRAFT_COLD Index count_params() const {
    if (!built()) {
      throw StateError("count_params of " + impl().where() +
                       ": the layer is not built, so its weights do not exist yet. Build the model, or give the first "
                       "layer an input_shape.");
    }
    Index total = 0;
    for (const auto& variable : weights()) total += variable->size();
    return total;
  }

  /// Stateful recurrent layers, this one or those inside, begin the next batch with zeros. Others have nothing to
  /// forget.
  void reset_states() const { impl().reset_states(); }

  // Using a layer in a functional model; defined in graph/symbol.hpp.
  Symbol<Scalar> operator()(const Symbol<Scalar>& input, const CallOptions& options = {}) const;
  Symbol<Scalar> operator()(const std::vector<Symbol<Scalar>>& inputs, const CallOptions& options = {}) const;
  /// What the layer gave back, and what it was given, in its first call: where a model is cut. Model(model.inputs(),
  /// {model.get_layer("block4_pool").output()}). Throws StateError when it was never called.
  Symbol<Scalar> output() const { return get_output_at(0); }
  Symbol<Scalar> input() const { return get_input_at(0); }
  /// The same of call `call` (Keras's node index), for a layer that is used more than once.
  Symbol<Scalar> get_output_at(Index call) const;
  Symbol<Scalar> get_input_at(Index call) const;

  Impl& impl() const {
    if (!impl_) throw StateError("Layer: this handle is empty; make it from a layer, for example graft::Dense(10).");
    return *impl_;
  }
  const std::shared_ptr<Impl>& shared() const { return impl_; }

 protected:
  /// Takes over a layer just made with `new`. A shared_ptr of each implementation class would show in compile time.
  explicit Layer(Impl* fresh) : impl_(fresh) {}

 private:
  void collect_trainable(std::vector<VariablePtr<Scalar>>& into) const {
    if (!trainable()) return;
    const auto inside = impl().sublayers();
    for (const Layer& layer : inside) layer.collect_trainable(into);
    if (!inside.empty()) return;
    const auto own = impl().variables();
    for (std::size_t i = 0; i < own.size(); ++i) {
      const bool listed = std::find(into.begin(), into.end(), own[i]) != into.end();
      if (own[i]->trainable() && impl().may_train(i) && !listed) into.push_back(own[i]);
    }
  }

  std::shared_ptr<Impl> impl_;
};

}  // namespace graft
