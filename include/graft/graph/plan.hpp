#pragma once

#include "graft/graph/flat_graph.hpp"
#include "graft/graph/memory_plan.hpp"

namespace graft {

/// What a run is for.
struct PlanOptions {
  bool training = false;         ///< random layers and batch statistics are active
  bool backward = false;         ///< gradients of the trainable variables are wanted
  bool input_gradients = false;  ///< with backward: gradients of the inputs too
  bool statistics = false;       ///< with training, without backward: layers move their state, and random ones rest
};

/// What a graph becomes for given batch shapes and a trainable set: the order, which gradients exist, and where each
/// value lives. Made once, run often (Executor).
///
/// Forward sweep: a value is *live* if a trainable variable feeds it. Nodes that are not live keep nothing for backward
/// and are never visited by it. Reverse sweep over the live nodes: a node computes gradients of its inputs only where
/// they are live, and gradients of its variables only where they are trainable.
///
/// Time runs over the steps: forward of node i at i, the loss at n, backward of node i at 2n - i, updates at 2n + 1.
template <class Scalar>
class Plan {
 public:
  static constexpr std::size_t kNone = FlatGraph<Scalar>::kNone;

  /// Where a gradient goes: straight into its buffer, on top of what is there, or into a buffer of its own that is
  /// added.
  enum class GradientMode { none, overwrite, add, add_through_buffer };

  struct PlannedNode {
    std::shared_ptr<LayerImpl<Scalar>> layer;
    std::vector<std::size_t> inputs, outputs;
    std::vector<std::size_t> masks;  // as in FlatNode
    std::size_t output_mask = kNone;
    std::uint64_t stream = 0;
    std::vector<Shape> input_shapes;
    Index structure = 0;                         // of the layer, when the plan was made
    std::vector<VariablePtr<Scalar>> variables;  // and those of the folded layers
    Use use;
    Needs needs;
    bool updates_state = false;
    std::vector<GradientMode> input_gradient;                                      // per input
    std::vector<GradientMode> variable_gradient;                                   // per variable
    std::vector<std::size_t> input_buffer, variable_buffer;                        // lifetimes, for add_through_buffer
    std::size_t cache = kNone, forward_scratch = kNone, backward_scratch = kNone;  // lifetimes
    std::vector<bool> zero_output_gradient;  // per output: only losses of the layer's own enter it
    // Layers behind this one that it computes along; they are views then.
    std::vector<std::shared_ptr<LayerImpl<Scalar>>> folded;
    kernels::ActivationParams activation{};
  };
  struct PlannedValue {
    Shape shape;
    bool live = false;
    bool external = false;              // memory of the caller
    std::size_t buffer = kNone;         // lifetime
    std::size_t gradient = kNone;       // lifetime
    std::size_t external_root = kNone;  // the input that this value is a view of
  };

  GRAFT_COLD Plan(const FlatGraph<Scalar>& graph, std::span<const Shape> input_shapes, const PlanOptions& options)
      : inputs_(graph.inputs), outputs_(graph.outputs), output_masks_(graph.output_masks), options_(options) {
    output_masks_.resize(outputs_.size(), kNone);
    values_.resize(graph.values);
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      values_[inputs_[i]].shape = input_shapes[i];
      values_[inputs_[i]].external = true;
      values_[inputs_[i]].external_root = i;
      values_[inputs_[i]].live = options_.backward && options_.input_gradients;
    }
    infer(graph);
    fold();
    place_values();
    if (options_.backward) place_gradients();
    place_extras();
    arena_bytes_ = plan_memory(lifetimes_);
  }

  const std::vector<PlannedNode>& nodes() const { return nodes_; }
  const std::vector<PlannedValue>& values() const { return values_; }
  const std::vector<std::size_t>& inputs() const { return inputs_; }
  const std::vector<std::size_t>& outputs() const { return outputs_; }
  /// Number of samples in a batch.
  Index samples() const {
    if (inputs_.empty()) return 1;
    const Shape& shape = values_[inputs_[0]].shape;
    return shape.rank() > 0 ? shape[0] : 1;
  }
  /// Of each output its mask, or kNone.
  const std::vector<std::size_t>& output_masks() const { return output_masks_; }
  const PlanOptions& options() const { return options_; }
  const Lifetime& lifetime(std::size_t i) const { return lifetimes_[i]; }
  /// Size of the one block of memory that holds all values, gradients of values, caches and scratch.
  Index arena_bytes() const { return arena_bytes_; }
  /// What forward draws random numbers from at inference: a new key where a call with training = true does so.
  GRAFT_COLD RandomStreams inference_streams() const {
    for (const auto& node : nodes_) {
      if (node.use.training && node.layer->is_random()) return {next_random_key()};
    }
    return {};
  }
  /// False when a layer has other variables now than when the plan was made.
  bool current() const {
    for (const PlannedNode& node : nodes_) {
      if (node.layer->structure() != node.structure) return false;
    }
    return true;
  }
  /// The variables whose gradients a run computes, each once, in the order of the graph.
  const std::vector<VariablePtr<Scalar>>& variables() const { return variables_; }

 private:
  Index count() const { return static_cast<Index>(nodes_.size()); }
  Index loss_time() const { return count(); }
  Index backward_time(std::size_t node) const { return 2 * count() - static_cast<Index>(node); }
  Index end_time() const { return 2 * count() + 1; }
  Index bytes_of(std::size_t value) const {
    return values_[value].shape.elements() * static_cast<Index>(sizeof(Scalar));
  }
  std::size_t add_lifetime(Index bytes, Index first, Index last) {
    lifetimes_.push_back({bytes, first, last, 0});
    return lifetimes_.size() - 1;
  }
  void extend(std::size_t lifetime, Index time) {
    lifetimes_[lifetime].last = std::max(lifetimes_[lifetime].last, time);
  }

  // Shapes, liveness and what each node is asked for.
  void infer(const FlatGraph<Scalar>& graph) {
    for (const auto& flat : graph.nodes) {
      PlannedNode node;
      node.layer = flat.layer;
      node.inputs = flat.inputs;
      node.outputs = flat.outputs;
      node.masks = flat.masks;
      node.output_mask = flat.output_mask;
      node.stream = flat.stream;
      node.variables = flat.layer->variables();
      node.structure = flat.layer->structure();
      const bool rests = options_.statistics && flat.layer->is_random();
      node.use.training = !rests && flat.training.value_or(options_.training);
      node.use.trainable = flat.trainable;
      node.use.masked = !node.masks.empty();
      for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        node.input_shapes.push_back(values_[node.inputs[i]].shape);
        node.use.input_gradients |= options_.backward && wants_gradient(node, i);
      }
      node.use.weight_gradients = options_.backward && FlatGraph<Scalar>::learns(flat);
      const std::vector<Shape> shapes = node.layer->output_shapes(node.input_shapes);
      for (std::size_t i = 0; i < node.outputs.size(); ++i) {
        values_[node.outputs[i]].shape = shapes[i];
        values_[node.outputs[i]].live = node.use.backward();
      }
      if (node.output_mask != kNone) values_[node.output_mask].shape = shapes[0].slice(0, 2);
      node.needs = node.layer->needs(node.input_shapes, node.use);
      node.updates_state = (options_.backward || options_.statistics) && node.layer->updates_state(node.use);
      if (options_.backward && node.use.backward() && node.layer->activity_regularizer()) node.needs.outputs = true;
      nodes_.push_back(std::move(node));
    }
  }

  bool wants_gradient(const PlannedNode& node, std::size_t input) const {
    return values_[node.inputs[input]].live && node.layer->differentiable(input);
  }

  // What runs as inference behind a layer that can take it up (BatchNormalization, an activation) costs nothing there
  // and a pass over memory alone.
  void fold() {
    std::vector<std::vector<std::size_t>> readers(values_.size());
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
      for (const std::size_t input : nodes_[n].inputs) readers[input].push_back(n);
    }
    for (const std::size_t output : outputs_) readers[output].push_back(kNone);
    for (auto& node : nodes_) {
      if (node.use.backward() || !node.layer->folds() || node.layer->activity_regularizer()) continue;
      for (std::size_t value = node.outputs[0]; readers[value].size() == 1 && readers[value][0] != kNone;) {
        PlannedNode& next = nodes_[readers[value][0]];
        if (next.use.backward() || next.inputs.size() != 1 || next.outputs.size() != 1 || next.needs.is_view ||
            next.layer->activity_regularizer()) {
          break;
        }
        const ActivationFunction* function = next.layer->elementwise();
        if (function) node.activation = function->params();
        else if (!next.layer->channel_affine(values_[value].shape, next.use, nullptr, nullptr)) break;
        else node.folded.push_back(next.layer);
        for (const auto& variable : next.variables) node.variables.push_back(variable);
        next.variables.clear();
        next.needs = {};
        next.needs.is_view = true;
        if (function) break;
        value = next.outputs[0];
      }
    }
  }

  // Buffers of values: lifetimes from the node that writes to the last node that reads, forward or backward.
  void place_values() {
    std::vector<std::size_t> readers(values_.size(), 0);
    for (const auto& node : nodes_) {
      for (const std::size_t input : node.inputs) ++readers[input];
    }
    for (const std::size_t output : outputs_) ++readers[output];

    std::vector<bool> kept(values_.size(), false);  // read again by backward
    for (const auto& node : nodes_) {
      if (!node.use.backward()) continue;
      for (const std::size_t input : node.inputs) kept[input] = kept[input] || node.needs.inputs;
      for (const std::size_t output : node.outputs) kept[output] = kept[output] || node.needs.outputs;
    }
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
      PlannedNode& node = nodes_[n];
      const auto now = static_cast<Index>(n);
      for (std::size_t i = 0; i < node.outputs.size(); ++i) {
        PlannedValue& output = values_[node.outputs[i]];
        PlannedValue* input = node.inputs.empty() ? nullptr : &values_[node.inputs[0]];
        if (i == 0 && input && node.needs.is_view) {
          output.buffer = input->buffer;
          output.external = input->external;
          output.external_root = input->external_root;
          // What is kept of one is kept of the other.
          kept[node.outputs[0]] = kept[node.outputs[0]] || kept[node.inputs[0]];
          readers[node.outputs[0]] += readers[node.inputs[0]] - 1;
        } else if (i == 0 && input && node.needs.in_place && !input->external && readers[node.inputs[0]] == 1 &&
                   !kept[node.inputs[0]] && bytes_of(node.inputs[0]) == bytes_of(node.outputs[0])) {
          output.buffer = input->buffer;
        } else {
          output.buffer = add_lifetime(bytes_of(node.outputs[i]), now, now);
        }
      }
      if (node.output_mask != kNone) {
        values_[node.output_mask].buffer = add_lifetime(bytes_of(node.output_mask), now, now);
      }
    }
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
      const PlannedNode& node = nodes_[n];
      const auto touch = [&](std::size_t value, Index time) {
        if (value != kNone && !values_[value].external) extend(values_[value].buffer, time);
      };
      for (const std::size_t mask : node.masks) {
        touch(mask, node.use.backward() ? backward_time(n) : static_cast<Index>(n));
      }
      for (const std::size_t input : node.inputs) touch(input, static_cast<Index>(n));
      for (const std::size_t output : node.outputs) touch(output, static_cast<Index>(n));
      if (!node.use.backward()) continue;
      for (const std::size_t input : node.inputs) {
        if (node.needs.inputs) touch(input, backward_time(n));
      }
      for (const std::size_t output : node.outputs) {
        if (node.needs.outputs) touch(output, backward_time(n));
      }
    }
    // The caller reads the outputs after the run; losses and metrics read them at the loss.
    const auto keep = [&](std::size_t value) {
      if (value != kNone && !values_[value].external) {
        extend(values_[value].buffer, options_.backward ? loss_time() : end_time());
      }
    };
    for (const std::size_t output : outputs_) keep(output);
    for (const std::size_t mask : output_masks_) keep(mask);
  }

  // Gradients: the first writer in the reverse sweep overwrites, the others add.
  void place_gradients() {
    std::vector<bool> written(values_.size(), false);
    for (const std::size_t output : outputs_) {
      PlannedValue& value = values_[output];
      if (!value.live || written[output]) continue;
      value.gradient = add_lifetime(bytes_of(output), loss_time(), loss_time());
      written[output] = true;
    }
    PointerMap variable_written;
    for (std::size_t n = nodes_.size(); n-- > 0;) {
      PlannedNode& node = nodes_[n];
      if (!node.use.backward()) continue;
      const Index now = backward_time(n);
      for (const std::size_t output : node.outputs) {
        // An output that nobody reads has no gradient but zero.
        node.zero_output_gradient.push_back(!written[output]);
        if (!written[output]) {
          values_[output].gradient = add_lifetime(bytes_of(output), loss_time(), now);
          written[output] = true;
        }
        extend(values_[output].gradient, now);
      }
      bool all_written = true;
      for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        all_written = all_written && (!wants_gradient(node, i) || written[node.inputs[i]]);
      }
      for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        const std::size_t input = node.inputs[i];
        node.input_buffer.push_back(kNone);
        if (!wants_gradient(node, i)) {
          node.input_gradient.push_back(GradientMode::none);
        } else if (!written[input]) {
          written[input] = true;
          node.input_gradient.push_back(GradientMode::overwrite);
          const bool shares = i == 0 && (node.needs.is_view || (node.needs.in_place && node.outputs.size() == 1));
          if (shares && bytes_of(input) == bytes_of(node.outputs[0])) {
            values_[input].gradient = values_[node.outputs[0]].gradient;
          } else {
            values_[input].gradient = add_lifetime(bytes_of(input), now, now);
          }
        } else if (all_written && node.needs.can_add && node.inputs.size() == 1) {
          node.input_gradient.push_back(GradientMode::add);
        } else {
          node.input_gradient.push_back(GradientMode::add_through_buffer);
          // A view's gradient is its output's: nothing to compute, only to add.
          if (!node.needs.is_view) node.input_buffer.back() = add_lifetime(bytes_of(input), now, now);
        }
        if (wants_gradient(node, i)) extend(values_[input].gradient, now);
      }
      for (std::size_t i = 0; i < node.variables.size(); ++i) {
        const auto& variable = node.variables[i];
        const bool learns = node.use.weight_gradients && variable->trainable() && node.layer->may_train(i);
        node.variable_buffer.push_back(kNone);
        if (!learns) {
          node.variable_gradient.push_back(GradientMode::none);
        } else if (variable_written.emplace(variable.get(), 0).second) {
          node.variable_gradient.push_back(GradientMode::overwrite);
        } else {
          node.variable_gradient.push_back(GradientMode::add_through_buffer);
          const Index bytes = variable->size() * static_cast<Index>(sizeof(Scalar));
          node.variable_buffer.back() = add_lifetime(bytes, now, now);
        }
      }
    }
    for (const std::size_t input : inputs_) {
      if (values_[input].gradient != kNone) extend(values_[input].gradient, end_time());
    }
    for (const auto& node : nodes_) {
      for (std::size_t i = 0; i < node.variable_gradient.size(); ++i) {
        if (node.variable_gradient[i] == GradientMode::overwrite) variables_.push_back(node.variables[i]);
      }
    }
  }

  void place_extras() {
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
      PlannedNode& node = nodes_[n];
      const auto now = static_cast<Index>(n);
      const bool backward = node.use.backward();
      if (node.needs.cache_bytes > 0) {
        const Index last = node.updates_state ? end_time() : backward ? backward_time(n) : now;
        node.cache = add_lifetime(node.needs.cache_bytes, now, last);
      }
      if (node.needs.scratch_bytes > 0) {
        node.forward_scratch = add_lifetime(node.needs.scratch_bytes, now, now);
        if (backward)
          node.backward_scratch = add_lifetime(node.needs.scratch_bytes, backward_time(n), backward_time(n));
      }
    }
  }

  std::vector<PlannedNode> nodes_;
  std::vector<PlannedValue> values_;
  std::vector<std::size_t> inputs_, outputs_, output_masks_;
  std::vector<Lifetime> lifetimes_;
  std::vector<VariablePtr<Scalar>> variables_;
  PlanOptions options_;
  Index arena_bytes_ = 0;
};

}  // namespace graft
