#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "graft/kernels/elementwise.hpp"
#include "graft/nn/variable.hpp"
#include "graft/optimizers/optimizer_common.hpp"
#include "graft/optimizers/optimizer_state.hpp"

namespace graft {

/// A variable that is to be moved, and the gradient of the loss with respect to it. The optimizer scales and clips the
/// gradient where it lies.
template <class Scalar>
struct Gradient {
  Variable<Scalar>* variable = nullptr;
  TensorView<Scalar> gradient;
};

/// The optimizer contract. A derived optimizer names its slots (tensors, as a rule of the shape of the variable) and
/// updates one variable; unscaling, clipping, accumulation, weight decay, averages and constraints are done here, in
/// Keras's order.
///
/// A variable's learning_rate_multiplier multiplies the rate of its updates. Clipping comes before, over all gradients.
///
/// Slots are created when a variable is first seen, so that one optimizer serves a model through freezing and
/// unfreezing; after that a step allocates nothing.
template <class Scalar>
class OptimizerImpl {
 public:
  virtual ~OptimizerImpl() = default;
  OptimizerImpl(const OptimizerImpl&) = delete;
  OptimizerImpl& operator=(const OptimizerImpl&) = delete;

  /// Keras's class name: "SGD".
  std::string_view class_name() const { return class_name_; }
  const std::string& name() const { return common_.name; }

  /// Keras 3's form: {"class_name": …, "config": {"name": …, "learning_rate": …, …}}.
  GRAFT_COLD virtual Config config() const {
    Config inner = Config::object();
    ConfigFields writer = ConfigFields::writer(inner);
    OptimizerCommon(common_).fields(writer);
    write_fields(writer);
    Config result = Config::object();
    result["class_name"] = class_name();
    result["config"] = std::move(inner);
    return result;
  }

  /// The learning rate of the next step, in the precision of the weights.
  virtual double learning_rate() const { return rounded(common_.learning_rate.at(steps_)); }
  /// Throws StateError when a schedule sets the learning rate.
  virtual void set_learning_rate(double value) {
    if (common_.learning_rate.is_schedule()) {
      throw StateError(
          "optimizer " + std::string(class_name()) +
          ": the learning rate follows a schedule and cannot be set. Give the optimizer a number instead.");
    }
    common_.learning_rate = value;
  }
  /// Updates made so far (with gradient accumulation: fewer than calls of apply).
  virtual Index iterations() const {
    return common_.gradient_accumulation_steps ? steps_ / *common_.gradient_accumulation_steps : steps_;
  }
  /// By what the gradients are expected to be multiplied, so that small ones survive; apply divides by it.
  virtual double loss_scale() const { return common_.loss_scale_factor.value_or(1.0); }
  const OptimizerCommon& common() const { return common_; }
  void set_loss_scale_factor(std::optional<double> factor) { common_.loss_scale_factor = factor; }

  /// Variables whose name contains one of these are not decayed. Throws StateError once variables have been seen.
  GRAFT_COLD virtual void exclude_from_weight_decay(std::vector<std::string> names) {
    if (!slots_.empty()) {
      throw StateError("optimizer " + std::string(class_name()) +
                       ": call exclude_from_weight_decay before the first step.");
    }
    undecayed_ = std::move(names);
  }

  /// One step: unscale, accumulate, clip, decay, update, average, constrain, count. A variable may occur only once.
  virtual void apply(std::span<const Gradient<Scalar>> gradients) {
    if (gradients.empty()) return;
    seen_.clear();
    for (const Gradient<Scalar>& g : gradients) seen_.push_back(&slots_of(*g.variable, seen_.size()));
    unscale(gradients);
    if (accumulate(gradients)) {
      clip(gradients);
      const Index step = iterations() + 1;
      begin_step(step);
      const double base = common_.learning_rate.at(steps_);
      for (std::size_t i = 0; i < gradients.size(); ++i) {
        const double decay = seen_[i]->decays ? weight_decay(seen_[i]->own) : 0.0;
        Variable<Scalar>& variable = *gradients[i].variable;
        // The rate itself is multiplied, in front of everything that it takes part in: the numbers are those of an
        // optimizer of that rate, momentum and weight decay included.
        const double rate = rounded(base * variable.learning_rate_multiplier());
        Scalar* w = variable.mutable_value().data();
        const Index n = variable.size();
        if (decay != 0 && !fuses_weight_decay()) {
          kernels::scale(n, Scalar(1) - static_cast<Scalar>(decay) * static_cast<Scalar>(rate), w);
        }
        update({rate, decay, step, &variable}, n, gradients[i].gradient.data(), w, seen_[i]->own);
      }
    }
    if (common_.use_ema) average(gradients);
    for (const Gradient<Scalar>& g : gradients) {
      if (g.variable->constraint()) g.variable->constraint().apply(g.variable->mutable_value().view());
    }
    ++steps_;
  }

  /// With use_ema: puts the averages into the weights, as Keras does at the end of fit. Without it: nothing.
  GRAFT_COLD virtual void finalize_variable_values(std::span<const VariablePtr<Scalar>> variables) {
    if (!common_.use_ema) return;
    for (const auto& variable : variables) {
      if (const Slots* slots = find(variable->id())) variable->assign(slots->average.view());
    }
  }

  /// Copies of the counters and of the slots of these variables, variable by variable, for a file.
  GRAFT_COLD virtual OptimizerState<Scalar> state(std::span<const VariablePtr<Scalar>> variables) const {
    OptimizerState<Scalar> result;
    result.iterations = steps_;
    result.learning_rate = learning_rate();
    const auto names = slot_specs();
    for (const auto& variable : variables) {
      const Slots* slots = find(variable->id());
      if (!slots) continue;
      for (std::size_t i = 0; i < slots->own.size(); ++i) {
        if (slots->own[i].allocated()) result.slots.push_back({std::string(names[i].name), variable, slots->own[i]});
      }
      if (slots->average.allocated()) result.slots.push_back({"average", variable, slots->average});
      if (slots->accumulator.allocated())
        result.slots.push_back({"gradient_accumulator", variable, slots->accumulator});
    }
    return result;
  }

  /// The shape of a slot of this variable; none when this optimizer keeps no slot of this name for it.
  GRAFT_COLD virtual std::optional<Shape> slot_shape(std::string_view slot, const Variable<Scalar>& variable) const {
    const bool common = (slot == "average" && common_.use_ema) ||
                        (slot == "gradient_accumulator" && common_.gradient_accumulation_steps);
    if (common) return variable.shape();
    for (const auto& spec : slot_specs()) {
      if (spec.name == slot) return own_slot_shape(slot, variable);
    }
    return std::nullopt;
  }
  /// The slot as the first step would find it; empty when there is none.
  GRAFT_COLD virtual Tensor<Scalar> fresh_slot(std::string_view slot, const Variable<Scalar>& variable) const {
    if (slot == "average" && common_.use_ema) return variable.value();
    const auto shape = slot_shape(slot, variable);
    if (!shape) return {};
    for (const auto& spec : slot_specs()) {
      if (spec.name == slot) return spec.copies_variable ? variable.value() : Tensor<Scalar>(*shape, spec.initial);
    }
    return Tensor<Scalar>(*shape);
  }

  /// What set_state throws for a state that does not fit.
  GRAFT_COLD void check_state(const OptimizerState<Scalar>& state) const {
    for (const auto& entry : state.slots) {
      const std::string where = "optimizer " + std::string(class_name()) + ", slot \"" + entry.name + "\"";
      if (!entry.variable) fail<ConfigError>(where, "a variable", "none");
      const auto shape = slot_shape(entry.name, *entry.variable);
      if (!shape) {
        std::string list;
        for (const auto& spec : slot_specs()) list += (list.empty() ? "" : ", ") + std::string(spec.name);
        fail<ConfigError>(where, list.empty() ? "no such slot" : "one of: " + list, entry.name);
      }
      if (!(entry.value.shape() == *shape)) {
        fail<ShapeError>(where + " of variable \"" + entry.variable->name() + "\"", "shape " + shape->str(),
                         entry.value.shape().str());
      }
    }
  }

  /// Takes up a state: counters, learning rate (if it is a number and the state has one), and slots. Slots that the
  /// state does not have start anew. Throws ConfigError for a slot that this optimizer does not have and ShapeError for
  /// one of the wrong shape, with nothing changed.
  GRAFT_COLD virtual void set_state(const OptimizerState<Scalar>& state) {
    check_state(state);
    const auto names = slot_specs();
    steps_ = state.iterations;
    if (state.learning_rate && !common_.learning_rate.is_schedule()) common_.learning_rate = *state.learning_rate;
    slots_.clear();
    for (const auto& entry : state.slots) {
      Slots& slots = slots_of(*entry.variable);
      if (entry.name == "average") slots.average = entry.value;
      if (entry.name == "gradient_accumulator") slots.accumulator = entry.value;
      for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i].name == entry.name) slots.own[i] = entry.value;
      }
    }
  }

 protected:
  struct SlotSpec {
    std::string_view name;  ///< Keras 3's name of the slot: "momentum"
    Scalar initial = 0;
    bool copies_variable = false;  ///< begins with the value of the variable instead
  };
  struct Step {
    double learning_rate;
    double weight_decay;                         ///< 0 for variables that are not decayed
    Index step;                                  ///< 1 for the first update
    const Variable<Scalar>* variable = nullptr;  ///< what is moved, for those who ask for its shape
  };

  /// The names must be literals.
  GRAFT_COLD OptimizerImpl(const char* class_name, const char* default_name, const OptimizerCommon& common)
      : common_(common), class_name_(class_name) {
    common_.check("optimizer " + std::string(class_name));
    if (common_.name.empty()) common_.name = default_name;
  }

  virtual std::vector<SlotSpec> slot_specs() const { return {}; }
  /// For slots that are not of the shape of the variable (Adafactor), or that only some variables have (Muon).
  virtual std::optional<Shape> own_slot_shape(std::string_view /*slot*/, const Variable<Scalar>& variable) const {
    return variable.shape();
  }
  /// What a variable with these slots is decayed by.
  virtual double weight_decay(std::span<const Tensor<Scalar>> /*slots*/) const {
    return common_.weight_decay.value_or(0.0);
  }
  /// True when update applies step.weight_decay itself.
  virtual bool fuses_weight_decay() const { return false; }
  virtual void begin_step(Index /*step*/) {}
  /// Moves n weights by their gradient.
  virtual void update(const Step& step, Index n, const Scalar* g, Scalar* w, std::span<Tensor<Scalar>> slots) = 0;
  /// Adds the optimizer's own arguments to its config.
  virtual void write_fields(ConfigFields&) const {}

 private:
  struct Slots {
    std::uint64_t id = 0;  // of the variable
    std::vector<Tensor<Scalar>> own;
    Tensor<Scalar> average, accumulator;
    bool decays = true;
  };

  static double rounded(double rate) { return static_cast<double>(static_cast<Scalar>(rate)); }

  // Steps ask for the same variables in the same order, so the search starts where the last one found them.
  Slots* find(std::uint64_t id, std::size_t hint = 0) const {
    const std::size_t n = slots_.size();
    for (std::size_t i = 0; i < n; ++i) {
      Slots* slots = slots_[(hint + i) % n].get();
      if (slots->id == id) return slots;
    }
    return nullptr;
  }
  Slots& slots_of(const Variable<Scalar>& variable, std::size_t hint = 0) {
    Slots* slots = find(variable.id(), hint);
    return slots ? *slots : create_slots(variable);
  }
  GRAFT_COLD Slots& create_slots(const Variable<Scalar>& variable) {
    auto slots = std::make_unique<Slots>();
    slots->id = variable.id();
    for (const auto& spec : slot_specs()) slots->own.push_back(fresh_slot(spec.name, variable));
    if (common_.use_ema) slots->average = variable.value();
    if (common_.gradient_accumulation_steps) slots->accumulator = Tensor<Scalar>(variable.shape());
    for (const std::string& name : undecayed_) {
      if (variable.name().find(name) != std::string::npos) slots->decays = false;
    }
    slots_.push_back(std::move(slots));
    return *slots_.back();
  }

  void unscale(std::span<const Gradient<Scalar>> gradients) const {
    if (!common_.loss_scale_factor) return;
    const Scalar scale = static_cast<Scalar>(1 / *common_.loss_scale_factor);
    for (const Gradient<Scalar>& g : gradients) kernels::scale(g.gradient.size(), scale, g.gradient.data());
  }

  // True when this step updates; the gradients are then the mean of the accumulated ones.
  bool accumulate(std::span<const Gradient<Scalar>> gradients) {
    if (!common_.gradient_accumulation_steps) return true;
    const Index every = *common_.gradient_accumulation_steps;
    const bool updates = (steps_ + 1) % every == 0;
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      Scalar *sum = seen_[i]->accumulator.data(), *g = gradients[i].gradient.data();
      const Index n = gradients[i].gradient.size();
      if (!updates) {
        kernels::axpy(n, Scalar(1), g, sum);
      } else {
        kernels::axpy(n, Scalar(1), sum, g);
        kernels::scale(n, static_cast<Scalar>(1.0 / static_cast<double>(every)), g);
        seen_[i]->accumulator.fill(Scalar(0));
      }
    }
    return updates;
  }

  void clip(std::span<const Gradient<Scalar>> gradients) const {
    const auto shrink = [](const Gradient<Scalar>& g, double norm, double limit) {
      // Written so that a NaN norm makes the gradient NaN, as in Keras: an exploded step must not look like a good one.
      if (!(norm <= limit)) kernels::scale(g.gradient.size(), static_cast<Scalar>(limit / norm), g.gradient.data());
    };
    const auto squares = [](const Gradient<Scalar>& g) {
      return kernels::sum_of_squares(g.gradient.size(), static_cast<const Scalar*>(g.gradient.data()));
    };
    if (common_.clipnorm) {
      for (const Gradient<Scalar>& g : gradients) shrink(g, std::sqrt(squares(g)), *common_.clipnorm);
    } else if (common_.global_clipnorm) {
      double total = 0;
      for (const Gradient<Scalar>& g : gradients) total += squares(g);
      for (const Gradient<Scalar>& g : gradients) shrink(g, std::sqrt(total), *common_.global_clipnorm);
    } else if (common_.clipvalue) {
      const Scalar limit = static_cast<Scalar>(*common_.clipvalue);
      for (const Gradient<Scalar>& g : gradients) kernels::clip(g.gradient.size(), limit, g.gradient.data());
    }
  }

  void average(std::span<const Gradient<Scalar>> gradients) {
    const Scalar momentum = iterations() == 0 ? Scalar(0) : static_cast<Scalar>(common_.ema_momentum);
    const bool overwrite =
        common_.ema_overwrite_frequency && (iterations() + 1) % *common_.ema_overwrite_frequency == 0;
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      Variable<Scalar>& variable = *gradients[i].variable;
      Tensor<Scalar>& mean = seen_[i]->average;
      kernels::scale(mean.size(), momentum, mean.data());
      kernels::axpy(mean.size(), 1 - momentum, variable.value().data(), mean.data());
      if (overwrite) variable.assign(std::as_const(mean).view());
    }
  }

  OptimizerCommon common_;
  std::string_view class_name_;
  Index steps_ = 0;
  std::vector<std::unique_ptr<Slots>> slots_;
  std::vector<Slots*> seen_;
  std::vector<std::string> undecayed_;
};

}  // namespace graft
