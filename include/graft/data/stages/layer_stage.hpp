#pragma once

#include <mutex>

#include "graft/core/random.hpp"
#include "graft/data/stages/stage.hpp"
#include "graft/graph/executor.hpp"

namespace graft::detail {

/// Runs a layer or a whole model over x of every element.
template <class Scalar>
class LayerStage final : public DatasetStage<Scalar> {
 public:
  LayerStage(DatasetStagePtr<Scalar> source, Layer<Scalar> layer, bool training, RandomKey key)
      : source_(std::move(source)), layer_(std::move(layer)), training_(training), key_(key) {}

  Index sources() const override { return source_->sources(); }
  Index cardinality() const override { return source_->cardinality(); }
  bool batched() const override { return source_->batched(); }
  Index slots_per_sample() const override { return source_->slots_per_sample(); }
  SlotStreamPtr open(std::uint64_t epoch) const override { return source_->open(epoch); }

  void make(std::span<const DatasetSlot> slots, DatasetWork& work, Batch<Scalar>& out) const override {
    source_->make(slots, work, out);
    Work& mine = work.of<Work>(this);
    const auto samples = static_cast<Index>(slots.size()) / slots_per_sample();
    mine.shapes.clear();
    for (const auto& x : out.x) {
      mine.shapes.push_back(batched() ? x.shape() : with_front(1, x.shape()));
    }
    Executor<Scalar>& executor = executor_for(mine);
    mine.inputs.clear();
    for (const auto& x : out.x) mine.inputs.push_back(x.data());
    run(executor, mine, slots);
    // The outputs first go to memory of their own: they may be views of the inputs.
    const std::size_t outputs = executor.plan().outputs().size();
    mine.results.resize(outputs);
    for (std::size_t i = 0; i < outputs; ++i) {
      const TensorView<const Scalar> y = executor.output(i);
      if (batched() && y.dim(0) != samples) {
        fail<ShapeError>("Dataset map with " + layer_.impl().where(), std::to_string(samples) + " samples out of it",
                         y.shape().str());
      }
      copy_tensor<Scalar>(batched() ? y : y.reshaped(y.shape().without_batch()), mine.results[i]);
    }
    out.x.swap(mine.results);
  }

 private:
  struct Planned {
    std::vector<Shape> shapes;
    std::unique_ptr<Executor<Scalar>> executor;
  };
  struct Work {
    std::vector<Shape> shapes;
    std::vector<const Scalar*> inputs;
    std::vector<std::uint64_t> ids;
    std::vector<Tensor<Scalar>> results;
    std::vector<Planned> planned;
  };

  // What is random about a sample depends on the seed, the pass and the sample's id.
  void run(Executor<Scalar>& executor, Work& mine, std::span<const DatasetSlot> slots) const {
    mine.ids.clear();
    const auto step = static_cast<std::size_t>(slots_per_sample());
    for (std::size_t i = 0; i < slots.size(); i += step) mine.ids.push_back(slots[i].id);
    executor.forward(mine.inputs, {key_.fold(slots[0].epoch), mine.ids.data()});
  }

  Executor<Scalar>& executor_for(Work& mine) const {
    for (const Planned& planned : mine.planned) {
      if (planned.shapes == mine.shapes) return *planned.executor;
    }
    return plan(mine);
  }
  GRAFT_COLD Executor<Scalar>& plan(Work& mine) const {
    constexpr std::size_t kMost = 4;  // pictures that were not resized have many shapes
    if (mine.planned.size() >= kMost) mine.planned.erase(mine.planned.begin());
    FlatGraph<Scalar> graph;
    {
      const std::lock_guard lock(mutex_);  // building, once
      graph = flat_graph(mine.shapes);
    }
    mine.planned.push_back(
        {mine.shapes, std::make_unique<Executor<Scalar>>(Plan<Scalar>(graph, mine.shapes, {.training = training_}))});
    return *mine.planned.back().executor;
  }
  FlatGraph<Scalar> flat_graph(const std::vector<Shape>& shapes) const {
    if (const auto* model = dynamic_cast<const GraphLayerImpl<Scalar>*>(&layer_.impl())) {
      if (model->graph().inputs().size() != shapes.size()) {
        fail<ShapeError>("Dataset map with " + layer_.impl().where(),
                         std::to_string(model->graph().inputs().size()) + " inputs", std::to_string(shapes.size()));
      }
      return flatten(model->graph(), false);
    }
    layer_.impl().ensure_built(shapes);
    FlatGraph<Scalar> graph;
    typename FlatGraph<Scalar>::FlatNode node;
    node.layer = layer_.shared();
    node.trainable = false;
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      graph.inputs.push_back(graph.values);
      node.inputs.push_back(graph.values++);
    }
    for (std::size_t i = 0; i < layer_.impl().output_shapes(shapes).size(); ++i) {
      graph.outputs.push_back(graph.values);
      node.outputs.push_back(graph.values++);
    }
    graph.output_masks.assign(graph.outputs.size(), FlatGraph<Scalar>::kNone);
    graph.nodes.push_back(std::move(node));
    return graph;
  }

  DatasetStagePtr<Scalar> source_;
  Layer<Scalar> layer_;
  bool training_;
  RandomKey key_;
  mutable std::mutex mutex_;
};

}  // namespace graft::detail
