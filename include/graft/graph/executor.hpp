#pragma once

#include <cstring>

#include "graft/graph/plan.hpp"
#include "graft/kernels/elementwise.hpp"
#include "graft/kernels/isa.hpp"

namespace graft {

/// A plan with memory: runs it. One arena, made once; a run allocates nothing. An executor serves one run at a time;
/// several executors of one model may run at the same time.
template <class Scalar>
class Executor {
  using View = TensorView<Scalar>;
  using ConstView = TensorView<const Scalar>;
  using PlanT = Plan<Scalar>;

 public:
  GRAFT_COLD explicit Executor(Plan<Scalar> plan)
      : plan_(std::move(plan)), arena_(allocate_aligned<std::byte>(plan_.arena_bytes())) {
    const auto& values = plan_.values();
    for (const auto& node : plan_.nodes()) {
      Step& step = steps_.emplace_back();
      for (const std::size_t input : node.inputs) step.inputs.push_back(value_view(input));
      for (const std::size_t output : node.outputs) {
        step.outputs.push_back(value_view(output));
        step.const_outputs.push_back(step.outputs.back());
      }
      for (const std::size_t mask : node.masks) step.masks.push_back(mask_view(mask));
      if (node.output_mask != PlanT::kNone) step.output_mask = value_view(node.output_mask);
      step.no_inputs.resize(node.inputs.size());
      step.no_outputs.resize(node.outputs.size());
      if (!node.use.backward()) continue;
      for (const std::size_t output : node.outputs) {
        step.output_gradients.push_back(buffer_view(values[output].gradient, values[output].shape));
        step.const_output_gradients.push_back(step.output_gradients.back());
      }
      for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        const Shape& shape = values[node.inputs[i]].shape;
        const bool wanted = node.input_gradient[i] != PlanT::GradientMode::none;
        const View gradient = wanted ? buffer_view(values[node.inputs[i]].gradient, shape) : View{};
        step.sums.push_back(gradient);
        step.input_gradients.push_back(node.input_gradient[i] == PlanT::GradientMode::add_through_buffer
                                           ? buffer_view(node.input_buffer[i], shape)
                                           : gradient);
      }
      step.weight_gradients.resize(node.variables.size());
      step.weight_sums.resize(node.variables.size());
    }
  }

  const Plan<Scalar>& plan() const { return plan_; }

  /// Where the gradient of each of plan().variables() goes. The memory belongs to the caller.
  GRAFT_COLD void bind_gradients(std::span<const View> gradients) {
    const auto& variables = plan_.variables();
    for (std::size_t n = 0; n < steps_.size(); ++n) {
      const auto& node = plan_.nodes()[n];
      for (std::size_t i = 0; i < node.variable_gradient.size(); ++i) {
        if (node.variable_gradient[i] == PlanT::GradientMode::none) continue;
        const auto at = std::find(variables.begin(), variables.end(), node.variables[i]) - variables.begin();
        const View& gradient = gradients[static_cast<std::size_t>(at)];
        steps_[n].weight_sums[i] = gradient;
        steps_[n].weight_gradients[i] = node.variable_gradient[i] == PlanT::GradientMode::overwrite
                                            ? gradient
                                            : buffer_view(node.variable_buffer[i], gradient.shape());
      }
    }
  }

  /// Runs all nodes; with a plan for training this begins a step. `inputs` point to the batches, which must stay until
  /// backward is done, as must the ids of the samples in `random`; the number of samples is the plan's.
  void forward(std::span<const Scalar* const> inputs, RandomStreams random = {}) {
#ifdef GRAFT_POISON_ARENA
    // For tests. Every bit set is a NaN: who reads what nobody wrote is seen.
    std::memset(arena_.get(), 0xFF, static_cast<std::size_t>(plan_.arena_bytes()));
#endif
    if (!plan_.current()) {
      throw StateError("the weights of a layer were exchanged (enable_lora, merge_lora) while a model with it runs.");
    }
    inputs_.assign(inputs.begin(), inputs.end());
    random.batch = plan_.samples();
    layer_losses_ = 0;
    for (const auto& node : plan_.nodes()) {
      if (node.updates_state) node.layer->begin_step(memory(node.cache));
    }
    for (std::size_t n = 0; n < steps_.size(); ++n) {
      const auto& node = plan_.nodes()[n];
      Step& step = steps_[n];
      for (std::size_t i = 0; i < node.inputs.size(); ++i) refresh(node.inputs[i], step.inputs[i]);
      for (std::size_t i = 0; i < node.masks.size(); ++i) refresh(node.masks[i], step.masks[i]);
      if (node.needs.is_view) {
        step.outputs[0] = {const_cast<Scalar*>(step.inputs[0].data()), step.outputs[0].shape()};
        step.const_outputs[0] = step.outputs[0];
      } else {
        if (node.needs.prepared_bytes > 0) prepare(node, step);
        node.layer->forward({.inputs = step.inputs,
                             .outputs = step.outputs,
                             .use = node.use,
                             .masks = step.masks,
                             .output_mask = step.output_mask,
                             .cache = memory(node.cache),
                             .scratch = memory(node.forward_scratch),
                             .random = random.fold(node.stream),
                             .prepared = step.prepared.get(),
                             .activation = node.activation,
                             .losses = &layer_losses_});
      }
      if (node.layer->activity_regularizer()) add_activity_loss(node, step);
    }
  }

  ConstView output(std::size_t i) const {
    const std::size_t value = plan_.outputs()[i];
    ConstView view = value_view(value);
    refresh(value, view);
    return view;
  }
  /// The mask of output i; empty when it has none.
  ConstView output_mask(std::size_t i) const {
    const std::size_t value = plan_.output_masks()[i];
    ConstView view = mask_view(value);
    refresh(value, view);
    return view;
  }
  /// To be filled with d loss / d output before backward; empty where no trainable variable feeds the output.
  View output_gradient(std::size_t i) {
    const auto& value = plan_.values()[plan_.outputs()[i]];
    return value.live ? buffer_view(value.gradient, value.shape) : View{};
  }
  /// After backward of a plan with input_gradients; empty when nothing depends on the input.
  ConstView input_gradient(std::size_t i) const {
    const auto& value = plan_.values()[plan_.inputs()[i]];
    return buffer_view(value.gradient, value.shape);
  }
  /// What layers added to the loss in the last forward run: activity regularizers, and add_loss.
  double layer_losses() const { return layer_losses_; }

  /// Gradients of plan().variables() into the bound memory. `loss_scale` is the factor that is already in the output
  /// gradients; those of the layers' own losses get it too.
  void backward(double loss_scale = 1) {
    using Mode = typename PlanT::GradientMode;
    for (std::size_t n = steps_.size(); n-- > 0;) {
      const auto& node = plan_.nodes()[n];
      if (!node.use.backward()) continue;
      Step& step = steps_[n];
      for (std::size_t i = 0; i < step.output_gradients.size(); ++i) {
        const View& gradient = step.output_gradients[i];
        if (node.zero_output_gradient[i]) std::fill_n(gradient.data(), gradient.size(), Scalar(0));
      }
      if (const auto& regularizer = node.layer->activity_regularizer()) {
        regularizer.value_and_gradient(step.const_outputs[0], step.output_gradients[0],
                                       static_cast<Scalar>(loss_scale));
      }
      if (node.needs.is_view) {
        const Mode mode = node.input_gradient[0];
        const bool adds = mode == Mode::add || mode == Mode::add_through_buffer;
        if (adds) add(step.const_output_gradients[0], step.sums[0]);
        continue;
      }
      bool adds = false;
      for (const Mode mode : node.input_gradient) adds = adds || mode == Mode::add;
      node.layer->backward({.inputs = node.needs.inputs ? step.inputs : step.no_inputs,
                            .outputs = node.needs.outputs ? step.const_outputs : step.no_outputs,
                            .output_gradients = step.const_output_gradients,
                            .input_gradients = step.input_gradients,
                            .weight_gradients = step.weight_gradients,
                            .use = node.use,
                            .masks = step.masks,
                            .cache = memory(node.cache),
                            .scratch = memory(node.backward_scratch),
                            .add_to_input = adds,
                            .loss_scale = loss_scale});
      for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        if (node.input_gradient[i] == Mode::add_through_buffer) add(step.input_gradients[i], step.sums[i]);
      }
      for (std::size_t i = 0; i < node.variables.size(); ++i) {
        if (node.variable_gradient[i] == Mode::add_through_buffer) add(step.weight_gradients[i], step.weight_sums[i]);
      }
    }
  }

  /// After the optimizer's step: layers move their own state, or take the batch's in its place.
  void update_state(bool replace = false) {
    for (const auto& node : plan_.nodes()) {
      if (node.updates_state) {
        node.layer->update_state(
            {.input_shapes = node.input_shapes, .use = node.use, .cache = memory(node.cache), .replace = replace});
      }
    }
  }

 private:
  struct Step {
    std::vector<ConstView> inputs, const_outputs, const_output_gradients, no_inputs, no_outputs, masks;
    View output_mask;
    std::vector<View> outputs, output_gradients, input_gradients, sums, weight_gradients, weight_sums;
    std::unique_ptr<std::byte[], AlignedDelete> prepared;
    std::uint64_t prepared_from = 0;  // the state of the variables then
  };

  void prepare(const typename PlanT::PlannedNode& node, Step& step) {
    // Versions only grow, so their sum tells any change; what is prepared depends on the instruction set too.
    std::uint64_t state = 1 + static_cast<std::uint64_t>(kernels::active_isa());
    for (const auto& variable : node.variables) state += variable->version() << 3;
    if (step.prepared && step.prepared_from == state) return;
    prepare_now(node, step);
    step.prepared_from = state;
  }
  GRAFT_COLD void prepare_now(const typename PlanT::PlannedNode& node, Step& step) {
    if (!step.prepared) step.prepared = allocate_aligned<std::byte>(node.needs.prepared_bytes);
    std::vector<Scalar> scale, shift;
    const auto channels = static_cast<std::size_t>(plan_.values()[node.outputs[0]].shape.back());
    for (const auto& layer : node.folded) {
      std::vector<Scalar> more_scale(channels), more_shift(channels);
      layer->channel_affine(plan_.values()[node.outputs[0]].shape, node.use, more_scale.data(), more_shift.data());
      if (scale.empty()) scale.assign(channels, Scalar(1)), shift.assign(channels, Scalar(0));
      for (std::size_t c = 0; c < channels; ++c) {
        scale[c] *= more_scale[c];
        shift[c] = shift[c] * more_scale[c] + more_shift[c];
      }
    }
    node.layer->prepare({.inputs = node.input_shapes,
                         .scale = scale.empty() ? nullptr : scale.data(),
                         .shift = scale.empty() ? nullptr : shift.data(),
                         .into = step.prepared.get()});
  }

  std::byte* memory(std::size_t lifetime) const {
    return lifetime == PlanT::kNone ? nullptr : arena_.get() + plan_.lifetime(lifetime).offset;
  }
  View buffer_view(std::size_t lifetime, const Shape& shape) const {
    return lifetime == PlanT::kNone ? View{} : View{reinterpret_cast<Scalar*>(memory(lifetime)), shape};
  }
  View value_view(std::size_t value) const {
    const auto& planned = plan_.values()[value];
    return planned.external ? View{nullptr, planned.shape} : buffer_view(planned.buffer, planned.shape);
  }
  ConstView mask_view(std::size_t value) const { return value == PlanT::kNone ? ConstView{} : value_view(value); }
  // Values in the caller's memory move from run to run.
  void refresh(std::size_t value, ConstView& view) const {
    if (value == PlanT::kNone) return;
    const auto& planned = plan_.values()[value];
    if (planned.external) view = {inputs_[planned.external_root], planned.shape};
  }

  static void add(const ConstView& from, const View& to) { kernels::add(to.size(), to.data(), from.data(), to.data()); }

  void add_activity_loss(const typename PlanT::PlannedNode& node, const Step& step) {
    // The sum over the batch, as in Keras 3; tf.keras divides it by the batch size.
    layer_losses_ += node.layer->activity_regularizer().value_and_gradient(step.const_outputs[0], View{});
  }

  Plan<Scalar> plan_;
  std::unique_ptr<std::byte[], AlignedDelete> arena_;
  std::vector<Step> steps_;
  std::vector<const Scalar*> inputs_;
  double layer_losses_ = 0;
};

}  // namespace graft
