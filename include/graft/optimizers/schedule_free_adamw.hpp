#pragma once

#include <algorithm>
#include <cmath>

#include "graft/optimizers/optimizer.hpp"

namespace graft {

/// The fields from weight_decay on are those of OptimizerCommon.
struct ScheduleFreeAdamWOptions {
  LearningRate learning_rate = 0.0025;
  double beta_1 = 0.9;  ///< above 0: how far the weights are on the way from z to their mean x
  double beta_2 = 0.999;
  double epsilon = 1e-8;
  Index warmup_steps = 0;  ///< the learning rate grows linearly over so many steps
  std::optional<double> weight_decay = {};
  std::optional<double> clipnorm = {};
  std::optional<double> clipvalue = {};
  std::optional<double> global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<Index> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<Index> gradient_accumulation_steps = {};
  std::string name = {};
};

namespace detail {

/// The arguments that ScheduleFreeAdamW alone has.
struct ScheduleFreeAdamWArgs {
  static constexpr double kLearningRate = 0.0025, kWeightDecay = 0;
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-8;
  Index warmup_steps = 0;

  void fields(ConfigFields& f) {
    f("beta_1", beta_1);
    f("beta_2", beta_2);
    f("epsilon", epsilon);
    f("warmup_steps", warmup_steps);
  }
};

}  // namespace detail

template <class Scalar>
class ScheduleFreeAdamWImpl final : public OptimizerImpl<Scalar> {
 public:
  ScheduleFreeAdamWImpl(const OptimizerCommon& common, const detail::ScheduleFreeAdamWArgs& args)
      : OptimizerImpl<Scalar>("ScheduleFreeAdamW", "schedule_free_adam_w", common), args_(args) {
    // x is what lies 1 / beta_1 of the way from z to the weights.
    if (!(args_.beta_1 > 0)) {
      fail<ConfigError>("optimizer ScheduleFreeAdamW", "beta_1 above 0", text::number("%g", args_.beta_1));
    }
  }

 protected:
  using typename OptimizerImpl<Scalar>::SlotSpec;
  using typename OptimizerImpl<Scalar>::Step;

  std::vector<SlotSpec> slot_specs() const override { return {{"momentum", 0, true}, {"velocity", 0}}; }
  void update(const Step& step, Index n, const Scalar* g, Scalar* w, std::span<Tensor<Scalar>> slots) override {
    const Scalar t = static_cast<Scalar>(step.step), weight = 1 / t;
    const Scalar beta_1 = static_cast<Scalar>(args_.beta_1), beta_2 = static_cast<Scalar>(args_.beta_2);
    const Scalar unbiased = 1 - std::pow(beta_2, t), epsilon = static_cast<Scalar>(args_.epsilon);
    Scalar rate = static_cast<Scalar>(step.learning_rate);
    if (args_.warmup_steps > 0) rate *= std::min(t / static_cast<Scalar>(args_.warmup_steps), Scalar(1));
    Scalar *z = slots[0].data(), *v = slots[1].data();
    for (Index i = 0; i < n; ++i) {
      v[i] += (g[i] * g[i] - v[i]) * (1 - beta_2);
      const Scalar x_before = (w[i] - (1 - beta_1) * z[i]) / beta_1;
      z[i] -= rate * g[i] / (std::sqrt(v[i] / unbiased) + epsilon);
      const Scalar x = (1 - weight) * x_before + weight * z[i];
      w[i] = (1 - beta_1) * z[i] + beta_1 * x;
    }
  }
  GRAFT_COLD void write_fields(ConfigFields& f) const override { detail::ScheduleFreeAdamWArgs(args_).fields(f); }

 private:
  detail::ScheduleFreeAdamWArgs args_;
};

/// Adam's steps z (slot "momentum", which begins as the weights) without momentum, and their running mean x in place of
/// a schedule: v += (g^2 - v)(1 - beta_2); z -= lr g / (sqrt(v / (1 - beta_2^t)) + epsilon); x += (z - x) / t;
/// w = (1 - beta_1) z + beta_1 x, which is where gradients are taken and, as in Keras, what the model has in the end.
/// Source: Defazio et al. 2024; Keras 3.14, with the z of before the step where Keras says it means that one (its
/// PyTorch backend reads the z of behind it).
template <class Scalar = float>
class ScheduleFreeAdamW : public Optimizer<Scalar> {
 public:
  using Options = ScheduleFreeAdamWOptions;
  explicit ScheduleFreeAdamW(const ScheduleFreeAdamWOptions& options = {})
      : Optimizer<Scalar>(new ScheduleFreeAdamWImpl<Scalar>(
            OptimizerCommon::of(options), {options.beta_1, options.beta_2, options.epsilon, options.warmup_steps})) {}
};

}  // namespace graft
