#pragma once

#include <algorithm>
#include <cmath>

#include "graft/optimizers/optimizer.hpp"

namespace graft {

/// The fields from weight_decay on are those of OptimizerCommon.
struct AdamaxOptions {
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

/// The arguments that Adamax alone has.
struct AdamaxArgs {
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
class AdamaxImpl final : public OptimizerImpl<Scalar> {
 public:
  AdamaxImpl(const OptimizerCommon& common, const detail::AdamaxArgs& args)
      : OptimizerImpl<Scalar>("Adamax", "adamax", common), args_(args) {}

 protected:
  using typename OptimizerImpl<Scalar>::SlotSpec;
  using typename OptimizerImpl<Scalar>::Step;

  std::vector<SlotSpec> slot_specs() const override { return {{"momentum", 0}, {"norm", 0}}; }
  void update(const Step& step, Index n, const Scalar* g, Scalar* w, std::span<Tensor<Scalar>> slots) override {
    const Scalar power_1 = std::pow(static_cast<Scalar>(args_.beta_1), static_cast<Scalar>(step.step));
    const Scalar lr = static_cast<Scalar>(step.learning_rate), rate_1 = static_cast<Scalar>(1 - args_.beta_1);
    const Scalar beta_2 = static_cast<Scalar>(args_.beta_2), epsilon = static_cast<Scalar>(args_.epsilon);
    Scalar *m = slots[0].data(), *u = slots[1].data();
    for (Index i = 0; i < n; ++i) {
      m[i] += (g[i] - m[i]) * rate_1;
      u[i] = std::max(beta_2 * u[i], std::abs(g[i]));
      w[i] -= lr * m[i] / ((1 - power_1) * (u[i] + epsilon));
    }
  }
  GRAFT_COLD void write_fields(ConfigFields& f) const override { detail::AdamaxArgs(args_).fields(f); }

 private:
  detail::AdamaxArgs args_;
};

/// m += (g - m)(1 - beta_1); u = max(beta_2 u, |g|); w -= lr m / ((1 - beta_1^t)(u + epsilon)).
/// Source: Kingma & Ba 2015.
template <class Scalar = float>
class Adamax : public Optimizer<Scalar> {
 public:
  using Options = AdamaxOptions;
  explicit Adamax(const AdamaxOptions& options = {})
      : Optimizer<Scalar>(
            new AdamaxImpl<Scalar>(OptimizerCommon::of(options), {options.beta_1, options.beta_2, options.epsilon})) {}
};

}  // namespace graft
