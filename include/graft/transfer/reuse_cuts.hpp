#pragma once

#include "graft/models/model.hpp"
#include "graft/transfer/layer_groups.hpp"
#include "graft/transfer/pooled_features.hpp"

namespace graft::detail {

/// A place where a net can be cut: all that stands above depends on one value alone.
struct ReuseCut {
  Index depth = 0;        ///< layers with a kernel below it
  std::size_t nodes = 0;  ///< of the flat graph, below it
  std::size_t value = 0;
  std::string layer;  ///< the one that makes the value
};

/// The cuts of a net with one input, one for each depth: the highest in front of the next layer with a kernel, so that
/// normalization, activation and pooling go with the layer they follow. Depth 0 are the inputs.
template <class Scalar>
GRAFT_COLD std::vector<ReuseCut> reuse_cuts(const FlatGraph<Scalar>& graph) {
  const auto& nodes = graph.nodes;
  std::vector<std::size_t> last_use(graph.values, 0);  // one behind the last node that takes the value
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    for (const std::size_t input : nodes[n].inputs) last_use[input] = n + 1;
    for (const std::size_t mask : nodes[n].masks) {
      if (mask != FlatGraph<Scalar>::kNone) last_use[mask] = n + 1;
    }
  }
  for (const std::size_t output : graph.outputs) last_use[output] = nodes.size() + 1;
  std::vector<ReuseCut> cuts;
  PointerMap seen;
  Index depth = 0;
  std::vector<std::size_t> made = graph.inputs;
  for (std::size_t n = 0; n <= nodes.size(); ++n) {
    // Before node n: values that are there and are needed further on.
    std::size_t live = 0, value = 0;
    for (const std::size_t candidate : made) {
      if (last_use[candidate] > n) ++live, value = candidate;
    }
    if (live == 1) {
      ReuseCut cut{depth, n, value, n == 0 ? "(input)" : ""};
      for (std::size_t k = n; k-- > 0 && cut.layer.empty();) {
        const auto& outputs = nodes[k].outputs;
        if (std::find(outputs.begin(), outputs.end(), value) != outputs.end()) cut.layer = nodes[k].layer->name();
      }
      // A map is pooled or flattened by the new head, as it is told.
      const bool flat = n > 0 && nodes[n - 1].layer->class_name() == "Flatten";
      if (!cuts.empty() && cuts.back().depth == depth) cuts.back() = flat ? cuts.back() : cut;
      else cuts.push_back(cut);
    }
    if (n == nodes.size()) break;
    std::erase_if(made, [&](std::size_t candidate) { return last_use[candidate] <= n; });
    made.insert(made.end(), nodes[n].outputs.begin(), nodes[n].outputs.end());
    if (nodes[n].output_mask != FlatGraph<Scalar>::kNone) made.push_back(nodes[n].output_mask);
    const Layer<Scalar> layer(nodes[n].layer);
    const bool counts = !nodes[n].layer->variables().empty() && !is_normalization(layer);
    if (counts && seen.emplace(nodes[n].layer.get(), 0).second) ++depth;
  }
  return cuts;
}

/// The layers of a flat graph below a cut, called again on an input of their own: nested models are opened, and each
/// layer stands in the new model by itself.
template <class Scalar>
GRAFT_COLD std::pair<Symbol<Scalar>, Symbol<Scalar>> replay(const FlatGraph<Scalar>& graph, const Shape& sample,
                                                            const ReuseCut& cut) {
  const Symbol<Scalar> input = Input<Scalar>(sample);
  std::vector<Symbol<Scalar>> values(graph.values);
  values[graph.inputs[0]] = input;
  std::map<std::string, const LayerImpl<Scalar>*> names;
  for (std::size_t n = 0; n < cut.nodes; ++n) {
    const auto& node = graph.nodes[n];
    std::vector<Symbol<Scalar>> from;
    for (const std::size_t value : node.inputs) from.push_back(values[value]);
    // Layers of two wrappers may have one name.
    auto [named, fresh] = names.emplace(node.layer->name(), node.layer.get());
    if (!fresh && named->second != node.layer.get()) {
      node.layer->set_name(unique_name(node.layer->class_name()));
      names.emplace(node.layer->name(), node.layer.get());
    }
    const auto outputs = call_layer<Scalar>(Layer<Scalar>(node.layer), from, {.training = node.training});
    for (std::size_t i = 0; i < node.outputs.size(); ++i) values[node.outputs[i]] = outputs[i];
  }
  return {input, values[cut.value]};
}

/// What a training run costs, counted in forward and backward runs of a layer on a sample.
template <class Scalar>
class NodeSteps {
 public:
  GRAFT_COLD NodeSteps(const FlatGraph<Scalar>& graph, const std::vector<Shape>& samples)
      : NodeSteps(graph, samples, 0) {
    SplitGraph<Scalar> split = split_frozen_prefix(graph);
    const Plan<Scalar> plan(split.prefix, batches(samples), {});
    for (const auto& node : plan.nodes()) prefix_ += !node.needs.is_view;
  }

  double forward() const { return forward_; }
  /// Of `epochs` over `samples`: every layer in every epoch, or the frozen ones once.
  double training(Index samples, Index epochs, bool cached) const {
    const double n = static_cast<double>(samples), e = static_cast<double>(epochs);
    if (epochs == 0) return 0;
    return cached ? n * prefix_ + n * e * (forward_ - prefix_ + backward_) : n * e * (forward_ + backward_);
  }

 private:
  NodeSteps(const FlatGraph<Scalar>& graph, const std::vector<Shape>& samples, int) {
    const Plan<Scalar> plan(graph, batches(samples), {.training = true, .backward = true});
    for (const auto& node : plan.nodes()) {
      if (node.needs.is_view) continue;
      ++forward_;
      backward_ += node.use.backward();
    }
  }
  static std::vector<Shape> batches(const std::vector<Shape>& samples) {
    std::vector<Shape> result;
    for (const Shape& sample : samples) result.push_back(sample.with_batch(2));
    return result;
  }

  double forward_ = 0, backward_ = 0, prefix_ = 0;
};

}  // namespace graft::detail
