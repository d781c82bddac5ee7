#pragma once

#include <cmath>

#include "graft/optimizers/optimizer.hpp"

namespace graft {

/// The fields from weight_decay on are those of OptimizerCommon.
struct NadamOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-7;
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

/// The arguments that Nadam alone has.
struct NadamArgs {
  static constexpr double kLearningRate = 0.001, kWeightDecay = 0;
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-7;

  void fields(ConfigFields& f) {
    f("beta_1", beta_1);
    f("beta_2", beta_2);
    f("epsilon", epsilon);
  }
};

}  // namespace detail

template <class Scalar>
class NadamImpl final : public OptimizerImpl<Scalar> {
 public:
  NadamImpl(const OptimizerCommon& common, const detail::NadamArgs& args)
      : OptimizerImpl<Scalar>("Nadam", "nadam", common), args_(args) {}

 protected:
  using typename OptimizerImpl<Scalar>::SlotSpec;
  using typename OptimizerImpl<Scalar>::Step;

  std::vector<SlotSpec> slot_specs() const override { return {{"momentum", 0}, {"velocity", 0}}; }
  void begin_step(Index step) override {
    // The product depends on the step alone: after a jump, as when a file is loaded, it is computed anew.
    if (step != last_step_ + 1) {
      product_ = 1;
      for (Index t = 1; t < step; ++t) product_ *= u(t);
    }
    product_ *= u(step);
    last_step_ = step;
  }
  void update(const Step& step, Index n, const Scalar* g, Scalar* w, std::span<Tensor<Scalar>> slots) override {
    const Scalar u_now = u(step.step), u_next = u(step.step + 1), lr = static_cast<Scalar>(step.learning_rate);
    const Scalar rate_1 = static_cast<Scalar>(1 - args_.beta_1), rate_2 = static_cast<Scalar>(1 - args_.beta_2);
    const Scalar momentum_factor = u_next / (1 - product_ * u_next), gradient_factor = (1 - u_now) / (1 - product_);
    const Scalar power_2 = std::pow(static_cast<Scalar>(args_.beta_2), static_cast<Scalar>(step.step));
    const Scalar epsilon = static_cast<Scalar>(args_.epsilon);
    Scalar *m = slots[0].data(), *v = slots[1].data();
    for (Index i = 0; i < n; ++i) {
      m[i] += (g[i] - m[i]) * rate_1;
      v[i] += (g[i] * g[i] - v[i]) * rate_2;
      const Scalar direction = momentum_factor * m[i] + gradient_factor * g[i];
      w[i] -= lr * direction / (std::sqrt(v[i] / (1 - power_2)) + epsilon);
    }
  }
  GRAFT_COLD void write_fields(ConfigFields& f) const override { detail::NadamArgs(args_).fields(f); }

 private:
  Scalar u(Index t) const {
    const Scalar decay = std::pow(Scalar(0.96), static_cast<Scalar>(t));
    return static_cast<Scalar>(args_.beta_1) * (1 - Scalar(0.5) * decay);
  }

  Scalar product_ = 1;
  Index last_step_ = 0;
  detail::NadamArgs args_;
};

/// Adam with Nesterov momentum: u_t = beta_1 (1 - 0.96^t / 2), P = the product of all u so far;
/// w -= lr (u_{t+1} m / (1 - P u_{t+1}) + (1 - u_t) g / (1 - P)) / (sqrt(v / (1 - beta_2^t)) + epsilon).
/// Source: Dozat 2016.
template <class Scalar = float>
class Nadam : public Optimizer<Scalar> {
 public:
  using Options = NadamOptions;
  explicit Nadam(const NadamOptions& options = {})
      : Optimizer<Scalar>(
            new NadamImpl<Scalar>(OptimizerCommon::of(options), {options.beta_1, options.beta_2, options.epsilon})) {}
};

}  // namespace graft
