#pragma once

#include <mutex>

#include "graft/graph/executor.hpp"
#include "graft/graph/input.hpp"
#include "graft/models/compiled.hpp"
#include "graft/models/layer_list.hpp"
#include "graft/models/store_keys.hpp"

namespace graft {

template <class Scalar>
class Trainer;

struct ModelOptions {
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = std::nullopt;
};

/// A graph of layers with what `compile` left in it. Sequential and functional models differ in how the graph comes
/// about and in their config.
template <class Scalar>
class ModelImpl : public GraphLayerImpl<Scalar> {
 public:
  using GraphLayerImpl<Scalar>::GraphLayerImpl;

  /// Keras's `model.layers`.
  virtual std::vector<Layer<Scalar>> layers() const = 0;
  /// All layers as files list them: with the InputLayer of a Sequential, if it has one.
  virtual std::vector<Layer<Scalar>> layers_with_input() const { return layers(); }
  /// Builds for inputs of these shapes, batch included. Does nothing when built.
  virtual void build_model(std::span<const Shape> inputs) = 0;

  bool built() const override = 0;

  std::vector<Layer<Scalar>> sublayers() const override { return layers(); }

  /// "layers/dense_1/vars/0": see LayerImpl.
  GRAFT_COLD std::string store_path(std::size_t i) const override {
    const auto all = this->variables();
    const auto inside = layers();
    const auto keys = detail::store_keys(inside);
    for (std::size_t k = 0; k < inside.size(); ++k) {
      const auto own = inside[k].weights();
      for (std::size_t j = 0; j < own.size(); ++j) {
        if (own[j] == all[i]) return "layers/" + keys[k] + "/" + inside[k].impl().store_path(j);
      }
    }
    return LayerImpl<Scalar>::store_path(i);
  }

  std::vector<Shape> output_shapes(std::span<const Shape> inputs) const override {
    const Graph<Scalar>& g = graph_of_layers();
    if (inputs.size() != g.inputs().size()) {
      fail<ShapeError>(this->where(), std::to_string(g.inputs().size()) + " inputs", std::to_string(inputs.size()));
    }
    std::vector<std::vector<Shape>> shapes(g.nodes().size());  // of each node's outputs
    const auto shape_of = [&](const Symbol<Scalar>& symbol) { return shapes[g.position(symbol)][symbol.output()]; };
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!inputs[i].compatible(g.inputs()[i].shape())) {
        fail<ShapeError>(this->where(), "input shape " + g.inputs()[i].shape().str(), inputs[i].str());
      }
      auto& outputs = shapes[g.position(g.inputs()[i])];
      outputs.resize(std::max(outputs.size(), g.inputs()[i].output() + 1));
      outputs[g.inputs()[i].output()] = inputs[i];
    }
    for (std::size_t n = 0; n < g.nodes().size(); ++n) {
      const Node<Scalar>* node = g.nodes()[n];
      if (g.is_input(node)) continue;
      std::vector<Shape> from;
      for (const auto& input : node->inputs) from.push_back(shape_of(input));
      shapes[n] = node->layer.impl().output_shapes(from);
    }
    std::vector<Shape> result;
    for (const auto& output : g.outputs()) result.push_back(shape_of(output));
    return result;
  }

  const Graph<Scalar>& graph() const override { return graph_of_layers(); }

  /// nullptr before compile.
  const std::shared_ptr<Compiled<Scalar>>& compiled() const { return compiled_; }
  void set_compiled(std::shared_ptr<Compiled<Scalar>> compiled) {
    batch_trainer_.reset();
    compiled_ = std::move(compiled);
  }
  /// What train_on_batch keeps from call to call; empty after compile and after a change of the layers.
  std::shared_ptr<Trainer<Scalar>>& batch_trainer() { return batch_trainer_; }

  /// Names of the outputs: of the layers that make them.
  GRAFT_COLD std::vector<std::string> output_names() const {
    std::vector<std::string> names;
    for (const auto& output : graph().outputs()) names.push_back(output.layer().name());
    return names;
  }

  /// An executor for prediction on batches of these shapes, from the ones at rest or new. Give it back when done.
  std::unique_ptr<Executor<Scalar>> borrow_executor(const std::vector<Shape>& shapes) const {
    {
      const std::lock_guard lock(idle_mutex_);
      for (auto it = idle_.begin(); it != idle_.end(); ++it) {
        if (it->shapes != shapes) continue;
        auto executor = std::move(it->executor);
        idle_.erase(it);
        if (!executor->plan().current()) break;
        return executor;
      }
    }
    return std::make_unique<Executor<Scalar>>(Plan<Scalar>(flatten(graph()), shapes, {}));
  }
  void return_executor(std::vector<Shape> shapes, std::unique_ptr<Executor<Scalar>> executor, Index version) const {
    const std::lock_guard lock(idle_mutex_);
    if (version != graph_version_) return;
    if (idle_.size() >= kMaxIdle) idle_.erase(idle_.begin());
    idle_.push_back({std::move(shapes), std::move(executor)});
  }
  Index graph_version() const {
    const std::lock_guard lock(idle_mutex_);
    return graph_version_;
  }

 protected:
  virtual const Graph<Scalar>& graph_of_layers() const = 0;

  /// The layers changed: plans of before do not hold any more.
  void forget_plans() {
    batch_trainer_.reset();
    const std::lock_guard lock(idle_mutex_);
    ++graph_version_;
    idle_.clear();
  }

 private:
  struct Idle {
    std::vector<Shape> shapes;
    std::unique_ptr<Executor<Scalar>> executor;
  };
  static constexpr std::size_t kMaxIdle = 8;

  std::shared_ptr<Compiled<Scalar>> compiled_;
  std::shared_ptr<Trainer<Scalar>> batch_trainer_;
  mutable std::mutex idle_mutex_;
  mutable std::vector<Idle> idle_;
  Index graph_version_ = 0;
};

}  // namespace graft
