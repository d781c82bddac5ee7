#pragma once

#include <cmath>

#include "graft/optimizers/optimizer.hpp"

namespace graft {

struct LossScaleOptimizerOptions {
  double initial_scale = 32768.0;     ///< 2^15
  Index dynamic_growth_steps = 2000;  ///< double the scale after so many finite steps
  std::string name = {};

  void fields(ConfigFields& f) {
    f("initial_scale", initial_scale);
    f("dynamic_growth_steps", dynamic_growth_steps);
  }
};

template <class Scalar>
class LossScaleOptimizerImpl final : public OptimizerImpl<Scalar> {
 public:
  LossScaleOptimizerImpl(Optimizer<Scalar> inner, const LossScaleOptimizerOptions& options)
      : OptimizerImpl<Scalar>("LossScaleOptimizer", "loss_scale_optimizer", common_of(options)),
        inner_(std::move(inner)),
        options_(options),
        scale_(options.initial_scale) {
    if (!(scale_ > 0)) {
      fail<ConfigError>("optimizer LossScaleOptimizer", "initial_scale above 0", text::number("%g", scale_));
    }
  }
  const Optimizer<Scalar>& inner_optimizer() const { return inner_; }

  GRAFT_COLD Config config() const override {
    Config result = Config::object();
    result["class_name"] = this->class_name();
    Config& inner = result["config"];
    inner["name"] = this->name();
    ConfigFields writer = ConfigFields::writer(inner);
    LossScaleOptimizerOptions(options_).fields(writer);
    inner["inner_optimizer"] = inner_.config();
    return result;
  }

  double learning_rate() const override { return inner_.learning_rate(); }
  void set_learning_rate(double value) override { inner_.set_learning_rate(value); }
  Index iterations() const override { return inner_.iterations(); }
  double loss_scale() const override { return scale_; }
  void exclude_from_weight_decay(std::vector<std::string> names) override {
    inner_.exclude_from_weight_decay(std::move(names));
  }

  void apply(std::span<const Gradient<Scalar>> gradients) override {
    for (const Gradient<Scalar>& g : gradients) {
      // The sum of the magnitudes is finite if and only if all are (up to an overflow, which is rightly a failure too).
      Scalar sum = 0;
      for (Index i = 0; i < g.gradient.size(); ++i) sum += std::abs(g.gradient[i]);
      if (!std::isfinite(sum)) {
        finite_steps_ = 0;
        scale_ /= 2;
        return;
      }
    }
    const Scalar rate = static_cast<Scalar>(1 / scale_);
    for (const Gradient<Scalar>& g : gradients) kernels::scale(g.gradient.size(), rate, g.gradient.data());
    inner_.apply(gradients);
    if (++finite_steps_ == options_.dynamic_growth_steps) {
      finite_steps_ = 0;
      scale_ *= 2;
    }
  }

  void finalize_variable_values(std::span<const VariablePtr<Scalar>> variables) override {
    inner_.finalize_variable_values(variables);
  }
  GRAFT_COLD std::optional<Shape> slot_shape(std::string_view slot, const Variable<Scalar>& variable) const override {
    return inner_.slot_shape(slot, variable);
  }
  GRAFT_COLD Tensor<Scalar> fresh_slot(std::string_view slot, const Variable<Scalar>& variable) const override {
    return inner_.fresh_slot(slot, variable);
  }
  GRAFT_COLD OptimizerState<Scalar> state(std::span<const VariablePtr<Scalar>> variables) const override {
    auto result = inner_.state(variables);
    result.scalars.push_back({"step_counter", static_cast<double>(finite_steps_)});
    result.scalars.push_back({"dynamic_scale", scale_});
    return result;
  }
  GRAFT_COLD void set_state(const OptimizerState<Scalar>& state) override {
    inner_.set_state(state);
    for (const auto& [name, value] : state.scalars) {
      if (name == "step_counter") finite_steps_ = static_cast<Index>(value);
      if (name == "dynamic_scale") scale_ = value;
    }
  }

 protected:
  using typename OptimizerImpl<Scalar>::Step;
  void update(const Step&, Index, const Scalar*, Scalar*, std::span<Tensor<Scalar>>) override {}

 private:
  GRAFT_COLD static OptimizerCommon common_of(const LossScaleOptimizerOptions& options) {
    OptimizerCommon common;
    common.name = options.name;
    return common;
  }

  Optimizer<Scalar> inner_;
  LossScaleOptimizerOptions options_;
  double scale_;
  Index finite_steps_ = 0;
};

/// Multiplies the loss by a scale, so that small gradients survive a low precision, and divides the gradients by it. A
/// step with a gradient that is not finite is left out and halves the scale; dynamic_growth_steps good ones double it.
template <class Scalar = float>
class LossScaleOptimizer : public Optimizer<Scalar> {
 public:
  explicit LossScaleOptimizer(const Optimizer<Scalar>& inner_optimizer, const LossScaleOptimizerOptions& options = {})
      : Optimizer<Scalar>(new LossScaleOptimizerImpl<Scalar>(inner_optimizer, options)) {}
};

}  // namespace graft
