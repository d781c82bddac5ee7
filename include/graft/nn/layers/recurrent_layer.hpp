#pragma once

#include <cstring>

#include "graft/nn/layers/random_mask.hpp"
#include "graft/nn/layers/recurrent_options.hpp"
#include "graft/nn/layers/recurrent_order.hpp"
#include "graft/nn/layers/recurrent_run.hpp"

namespace graft::detail {

/// Base of the recurrent layers: sequences, masks, states, dropout and backward through time. What a step computes is
/// the derived class's business; products with x and the gradients of all weights are taken over all steps at once.
///
/// A step that the mask skips keeps the states, and the output repeats that of the step before it (zeros before the
/// first, and with zero_output_for_mask). Dropout zeroes the same inputs, and the same numbers of the state that the
/// recurrent product sees, in all steps.
template <class Scalar>
class RecurrentLayerImpl : public LayerImpl<Scalar> {
 public:
  using Run = RecurrentRun<Scalar>;

  GRAFT_COLD std::vector<Shape> output_shapes(std::span<const Shape> inputs) const override {
    const Shape state = state_shape(inputs[0]);
    const auto states = static_cast<std::size_t>(state_count());
    if (inputs.size() != 1 && inputs.size() != 1 + states) {
      fail<ShapeError>(this->where(), "a sequence, or a sequence and " + std::to_string(states) + " initial states",
                       std::to_string(inputs.size()) + " inputs");
    }
    for (std::size_t i = 1; i < inputs.size(); ++i) {
      if (!inputs[i].compatible(state)) {
        fail<ShapeError>(this->where(), "an initial state of shape " + state.str(), inputs[i].str());
      }
    }
    std::vector<Shape> result = {state};
    if (settings_.return_sequences) {
      result[0] = {state[0], inputs[0][1]};
      for (int axis = 1; axis < state.rank(); ++axis) result[0].push_back(state[axis]);
    }
    if (settings_.return_state) result.insert(result.end(), states, state);
    return result;
  }
  Shape output_shape(std::span<const Shape> inputs) const override { return output_shapes(inputs)[0]; }

  MaskFlow mask_flow(const std::vector<bool>&) const override {
    return {settings_.return_sequences ? MaskFlow::Kind::pass : MaskFlow::Kind::none, 0};
  }
  bool uses_masks() const override { return true; }
  /// What a stateful layer computes depends on the calls before.
  bool is_random() const override {
    return settings_.stateful || settings_.dropout > 0 || settings_.recurrent_dropout > 0;
  }

  Needs needs(std::span<const Shape> inputs, const Use& use) const override {
    const RecurrentSizes size = sizes_of(inputs[0]);
    Needs needs;
    needs.inputs = use.weight_gradients;
    Carver<Scalar> kept(static_cast<std::byte*>(nullptr)), forward = kept, backward = kept;
    Run run;
    keep(run, size, use, kept);
    lay_out_forward(run, use, forward);
    if (use.backward()) {
      lay_out_backward(run, use, backward);
      needs.cache_bytes = kept.bytes();
      needs.scratch_bytes = std::max(forward.bytes(), backward.bytes());
    } else {
      needs.scratch_bytes = kept.bytes() + forward.bytes();
    }
    return needs;
  }

  void forward(const ForwardArgs<Scalar>& args) const override {
    const RecurrentSizes size = sizes_of(args.x().shape());
    Carver<Scalar> scratch(args.scratch), cache(args.cache);
    Run run;
    run.mask = args.mask();
    Header* header = keep(run, size, args.use, args.use.backward() ? cache : scratch);
    header->size = size;
    header->random = seeded(args.random, settings_.seed);
    const Memory memory = lay_out_forward(run, args.use, scratch);
    draw(run, header->random);

    const Scalar* x = args.x().data();
    if (memory.x) order().to_steps(run, x, memory.x), x = memory.x;
    input_forward(size, x, run.z);
    begin(run, args);
    for (Index s = 0; s < size.steps; ++s) {
      step(run, s);
      if (run.mask) hold(run, s);
    }
    emit(run, args);
  }

  void backward(const BackwardArgs<Scalar>& args) const override {
    Carver<Scalar> scratch(args.scratch), cache(args.cache);
    Run run;
    run.mask = args.mask();
    const RecurrentSizes size = reinterpret_cast<const Header*>(args.cache)->size;
    const Header* header = keep(run, size, args.use, cache);
    const Memory memory = lay_out_backward(run, args.use, scratch);
    draw(run, header->random);
    find_first(run, memory.first);

    end(run, args);
    for (Index s = size.steps; s-- > 0;) {
      add_output_gradient(run, s, args.dy().data(), memory.first);
      step_backward(run, s);
      std::swap(run.dh, run.dh_prev);
    }
    if (args.dw(0)) {
      const Scalar* x = args.x().data();
      if (memory.x) order().to_steps(run, x, memory.x), x = memory.x;
      kernel_gradient(size, x, run.dz, args.dw(0).data());
    }
    if (args.dw(1)) {
      for (Index s = 0; run.h_drop && s < size.steps; ++s) {
        kernels::multiply(size.state(), run.h + s * size.state(), run.h_drop, run.state(memory.all_dropped, s));
      }
      recurrent_gradient(run, run.h_drop ? memory.all_dropped : run.h, args.dw(1).data());
    }
    if (settings_.use_bias && args.dw(2)) bias_gradient(run, args.dw(2).data());
    if (args.dx()) {
      Scalar* dx = memory.x ? memory.x : args.dx().data();
      input_backward(size, run.dz, dx);
      if (memory.x) order().from_steps(run, dx, args.dx().data());
    }
    if (args.input_gradients.size() > 1) {
      if (args.dx(1)) order().move_state(size, run.dh, args.dx(1).data(), false);
      if (run.dc && args.dx(2)) order().move_state(size, run.dc, args.dx(2).data(), false);
    }
  }

  /// Forgets the states that a stateful layer keeps from call to call: the next one starts from zeros.
  void reset_states() override {
    for (auto& state : states_) state = Tensor<Scalar>();
  }

  GRAFT_COLD std::string store_path(std::size_t i) const override { return "cell/vars/" + std::to_string(i); }

 protected:
  template <class Options>
  GRAFT_COLD RecurrentLayerImpl(std::string_view class_name, Index units, const char* units_name,
                                const Options& options)
      : LayerImpl<Scalar>(class_name, options), units_(units), settings_(options) {
    const std::string where = std::string(class_name) + " \"" + this->name() + "\"";
    if (units <= 0 || units > std::numeric_limits<std::int32_t>::max()) {
      fail<ConfigError>(where, std::string(units_name) + " above 0 and below 2^31", std::to_string(units));
    }
    check_rate(where, "dropout", settings_.dropout);
    check_rate(where, "recurrent_dropout", settings_.recurrent_dropout);
    for (const ActivationFunction* f : {&settings_.activation, &settings_.recurrent_activation}) {
      if (f->elementwise() || (f->form() != ActivationFunction::Form::glu && f->axes() == std::vector<int>{-1}))
        continue;
      fail<ConfigError>(where, "an activation of each number, or one along the last axis that keeps its size",
                        "\"" + f->name() + "\"");
    }
  }

  // What a cell is.
  virtual Index gates() const = 0;
  virtual Index state_count() const { return 1; }
  /// Numbers a step that the cell keeps in run.kept besides gates and states.
  virtual Index kept_elements(const RecurrentSizes&) const { return 0; }
  /// Numbers of run.work.
  virtual Index work_elements(const RecurrentSizes&) const { return 0; }
  /// Whether the gradient of h U differs from that of x W.
  virtual bool splits_gradient() const { return false; }
  /// From run.z, which holds x W + b, and the states of s to the gates and the states of s + 1.
  virtual void step(const Run& run, Index s) const = 0;
  /// From run.dh and run.dc to run.dz, run.dv and run.dh_prev; run.dc in place.
  virtual void step_backward(const Run& run, Index s) const = 0;

  // How it is fed. x is (steps, batch, inputs), z and dz (steps, rows, gates * units).
  virtual RecurrentSizes sizes_of(const Shape& x) const = 0;
  /// (batch, units), or (batch, …, filters). Throws ShapeError for an x that does not fit.
  virtual Shape state_shape(const Shape& x) const = 0;
  virtual void input_forward(const RecurrentSizes& size, const Scalar* x, Scalar* z) const = 0;
  virtual void input_backward(const RecurrentSizes& size, const Scalar* dz, Scalar* dx) const = 0;
  virtual void kernel_gradient(const RecurrentSizes& size, const Scalar* x, const Scalar* dz, Scalar* dw) const = 0;
  /// `states`: (steps, rows, units), what each step's recurrent product saw.
  virtual void recurrent_gradient(const Run& run, const Scalar* states, Scalar* dw) const = 0;
  virtual void bias_gradient(const Run& run, Scalar* db) const {
    kernels::column_sums(run.size.steps * run.size.rows(), run.row_gates(), run.dz, db);
  }
  /// Channels stand in front of the pixels in the tensors that the user sees.
  virtual bool channels_first() const { return false; }

  Index units() const { return units_; }
  const RecurrentSettings& settings() const { return settings_; }

  /// Variables kernel, recurrent_kernel and bias. `unit_forget`: ones for the second gate.
  template <class Options>
  GRAFT_COLD void add_weights(const Shape& kernel, const Shape& recurrent, const Shape& bias, const Options& o,
                              Rng& rng, bool unit_forget = false) {
    constexpr auto kind = VariableKind::trainable;
    kernel_ = this->add_variable("kernel", kernel, o.kernel_initializer, rng, kind, o.kernel_regularizer,
                                 o.kernel_constraint);
    recurrent_ = this->add_variable("recurrent_kernel", recurrent, o.recurrent_initializer, rng, kind,
                                    o.recurrent_regularizer, o.recurrent_constraint);
    if (!settings_.use_bias) return;
    bias_ = this->add_variable("bias", bias, o.bias_initializer, rng, kind, o.bias_regularizer, o.bias_constraint);
    if (unit_forget) std::fill_n(bias_->mutable_value().data() + units_, units_, Scalar(1));
  }
  const Scalar* kernel() const { return std::as_const(*kernel_).value().data(); }
  const Scalar* recurrent() const { return std::as_const(*recurrent_).value().data(); }
  const Scalar* bias() const { return bias_ ? std::as_const(*bias_).value().data() : nullptr; }
  const Shape& kernel_shape() const { return kernel_->shape(); }

 private:
  struct Header {
    RecurrentSizes size;
    RandomStreams random;
  };
  struct Memory {
    Scalar* x = nullptr;  // x by steps; null when it is so already
    Scalar* all_dropped = nullptr;
    Index* first = nullptr;  // the first step that counts, of each sample
  };

  GRAFT_COLD static void check_rate(const std::string& where, const char* what, double rate) {
    if (!(rate >= 0 && rate < 1)) fail<ConfigError>(where, std::string(what) + " in [0, 1)", std::to_string(rate));
  }

  // What backward reads again.
  Header* keep(Run& run, const RecurrentSizes& size, const Use& use, Carver<Scalar>& memory) const {
    run.size = size;
    run.gates = gates();
    run.backwards = settings_.go_backwards;
    auto* header = memory.template take<Header>(1);
    const bool asks = settings_.activation.needs_input() || settings_.recurrent_activation.needs_input();
    run.z = memory.take(size.steps * run.block());
    if (use.backward() && asks) run.before = memory.take(size.steps * run.block());
    run.h = memory.take((size.steps + 1) * size.state());
    if (state_count() > 1) run.c = memory.take((size.steps + 1) * size.state());
    if (const Index kept = kept_elements(size)) run.kept = memory.take(size.steps * kept);
    return header;
  }
  void lay_out_shared(Run& run, Memory& where, const Use& use, Carver<Scalar>& memory) const {
    const RecurrentSizes& size = run.size;
    const bool drops = use.training && settings_.dropout > 0;
    if (drops) run.x_drop = memory.take(size.batch * size.inputs());
    if (drops_state(use)) {
      run.h_drop = memory.take(size.state());
      run.dropped = memory.take(size.state());
    }
    if (drops || !ordered(run)) where.x = memory.take(size.steps * size.batch * size.inputs());
    if (const Index work = work_elements(size)) run.work = memory.take(work);
  }
  Memory lay_out_forward(Run& run, const Use& use, Carver<Scalar>& memory) const {
    Memory where;
    lay_out_shared(run, where, use, memory);
    return where;
  }
  Memory lay_out_backward(Run& run, const Use& use, Carver<Scalar>& memory) const {
    const RecurrentSizes& size = run.size;
    Memory where;
    lay_out_shared(run, where, use, memory);
    run.dz = memory.take(size.steps * run.block());
    if (splits_gradient()) run.dv = memory.take(size.steps * run.block());
    run.dh = memory.take(size.state());
    run.dh_prev = memory.take(size.state());
    if (state_count() > 1) run.dc = memory.take(size.state());
    where.first = memory.template take<Index>(size.batch);
    if (drops_state(use)) {
      run.d_dropped = memory.take(size.state());
      where.all_dropped = memory.take(size.steps * size.state());
    }
    return where;
  }

  RecurrentOrder<Scalar> order() const { return RecurrentOrder<Scalar>(channels_first()); }
  bool drops_state(const Use& use) const { return use.training && settings_.recurrent_dropout > 0; }
  // Whether x lies step by step as it is.
  bool ordered(const Run& run) const {
    const RecurrentSizes& size = run.size;
    const bool one_order = size.steps == 1 || (size.batch == 1 && !run.backwards);
    return one_order && !(channels_first() && size.in_pixels() > 1 && size.channels > 1);
  }

  void draw(const Run& run, const RandomStreams& random) const {
    const auto factors = [](const RandomStreams& streams, double rate, Index count, Scalar* to) {
      std::fill_n(to, count, Scalar(1));
      streams.for_range(count, 0, count, [&](RandomKey stream, Index first, Index from, Index end) {
        kernels::random_mask(dropout_mask<Scalar>(stream, rate), from - first, end - from, to + from, to + from);
      });
    };
    if (run.x_drop) factors(random.fold(1), settings_.dropout, run.size.batch * run.size.inputs(), run.x_drop);
    if (run.h_drop) factors(random.fold(2), settings_.recurrent_dropout, run.size.state(), run.h_drop);
  }

  // The states before the first step: given, kept from the call before, or zeros.
  void begin(const Run& run, const ForwardArgs<Scalar>& args) const {
    Scalar* first[] = {run.h, run.c};
    for (std::size_t i = 0; i < static_cast<std::size_t>(state_count()); ++i) {
      if (args.inputs.size() > 1) {
        order().move_state(run.size, args.x(i + 1).data(), first[i], true);
      } else if (settings_.stateful && states_[i].allocated()) {
        if (states_[i].size() != run.size.state()) refuse_batch(run.size);
        std::copy_n(std::as_const(states_[i]).data(), run.size.state(), first[i]);
      } else {
        std::fill_n(first[i], run.size.state(), Scalar(0));
      }
    }
  }
  [[noreturn]] GRAFT_COLD void refuse_batch(const RecurrentSizes& size) const {
    const Index before = states_[0].size() / std::max<Index>(size.state() / size.batch, 1);
    fail<StateError>(this->where(), "a batch of " + std::to_string(before) + " samples, whose states it keeps",
                     std::to_string(size.batch),
                     "A stateful layer needs batches of one size; to begin anew, call reset_states().");
  }

  // Samples that skip this step keep their states.
  void hold(const Run& run, Index s) const {
    const Index sample = run.size.pixels() * run.size.units;
    for (Index b = 0; b < run.size.batch; ++b) {
      if (run.counts(s, b)) continue;
      for (Scalar* states : {run.h, run.c}) {
        if (states) std::copy_n(run.state(states, s) + b * sample, sample, run.state(states, s + 1) + b * sample);
      }
    }
  }

  void find_first(const Run& run, Index* first) const {
    for (Index b = 0; b < run.size.batch; ++b) {
      Index s = 0;
      while (s < run.size.steps && !run.counts(s, b)) ++s;
      first[b] = s;
    }
  }
  // Whether the output of a step is the state after it, and not zeros.
  bool shows(const Run& run, Index s, Index sample, Index first) const {
    return settings_.zero_output_for_mask ? run.counts(s, sample) : s >= first;
  }

  void emit(const Run& run, const ForwardArgs<Scalar>& args) const {
    const RecurrentSizes& size = run.size;
    const Index sample = size.pixels() * size.units;
    Scalar* y = args.y().data();
    parallel_for(0, size.batch, 1 + 32768 / (sample * size.steps), [&](Index from, Index to) {
      for (Index b = from; b < to; ++b) {
        Index first = 0;
        while (first < size.steps && !run.counts(first, b)) ++first;
        for (Index s = settings_.return_sequences ? 0 : size.steps - 1; s < size.steps; ++s) {
          Scalar* target = y + (settings_.return_sequences ? b * size.steps + s : b) * sample;
          if (!shows(run, s, b, first)) std::fill_n(target, sample, Scalar(0));
          else order().move_sample(size.pixels(), size.units, run.state(run.h, s + 1) + b * sample, target, false);
        }
      }
    });
    const Scalar* last[] = {run.state(run.h, size.steps), run.c ? run.state(run.c, size.steps) : nullptr};
    for (std::size_t i = 0; i < static_cast<std::size_t>(state_count()); ++i) {
      if (settings_.return_state) order().move_state(size, last[i], args.y(1 + i).data(), false);
      if (!settings_.stateful) continue;
      if (!states_[i].allocated() || states_[i].size() != size.state()) states_[i] = Tensor<Scalar>({size.state()});
      std::copy_n(last[i], size.state(), states_[i].data());
    }
  }

  // Gradients of the states after the last step.
  void end(const Run& run, const BackwardArgs<Scalar>& args) const {
    Scalar* gradients[] = {run.dh, run.dc};
    for (std::size_t i = 0; i < static_cast<std::size_t>(state_count()); ++i) {
      if (settings_.return_state) order().move_state(run.size, args.dy(1 + i).data(), gradients[i], true);
      else std::fill_n(gradients[i], run.size.state(), Scalar(0));
    }
  }
  // What the output of step s adds to the gradient of the state behind it.
  void add_output_gradient(const Run& run, Index s, const Scalar* dy, const Index* first) const {
    const RecurrentSizes& size = run.size;
    if (!settings_.return_sequences && s + 1 < size.steps) return;
    const Index pixels = size.pixels(), sample = pixels * size.units;
    const bool moves = channels_first() && pixels > 1 && size.units > 1;
    for (Index b = 0; b < size.batch; ++b) {
      if (!shows(run, s, b, first[b])) continue;
      const Scalar* from = dy + (settings_.return_sequences ? b * size.steps + s : b) * sample;
      Scalar* to = run.dh + b * sample;
      if (!moves) kernels::add(sample, to, from, to);
      else
        for (Index i = 0; i < sample; ++i) to[i] += from[i % size.units * pixels + i / size.units];
    }
  }

  Index units_;
  RecurrentSettings settings_;
  VariablePtr<Scalar> kernel_, recurrent_, bias_;
  mutable Tensor<Scalar> states_[2];  // of a stateful layer
};

}  // namespace graft::detail
