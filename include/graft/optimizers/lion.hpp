#pragma once

#include "graft/optimizers/optimizer.hpp"

namespace graft {

/// The fields from weight_decay on are those of OptimizerCommon.
struct LionOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9;
  double beta_2 = 0.99;
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

/// The arguments that Lion alone has.
struct LionArgs {
  static constexpr double kLearningRate = 0.001, kWeightDecay = 0;
  double beta_1 = 0.9;
  double beta_2 = 0.99;

  void fields(ConfigFields& f) {
    f("beta_1", beta_1);
    f("beta_2", beta_2);
  }
};

}  // namespace detail

template <class Scalar>
class LionImpl final : public OptimizerImpl<Scalar> {
 public:
  LionImpl(const OptimizerCommon& common, const detail::LionArgs& args)
      : OptimizerImpl<Scalar>("Lion", "lion", common), args_(args) {}

 protected:
  using typename OptimizerImpl<Scalar>::SlotSpec;
  using typename OptimizerImpl<Scalar>::Step;

  std::vector<SlotSpec> slot_specs() const override { return {{"momentum", 0}}; }
  void update(const Step& step, Index n, const Scalar* g, Scalar* w, std::span<Tensor<Scalar>> slots) override {
    const Scalar lr = static_cast<Scalar>(step.learning_rate);
    const Scalar beta_1 = static_cast<Scalar>(args_.beta_1), rest_1 = static_cast<Scalar>(1 - args_.beta_1);
    const Scalar beta_2 = static_cast<Scalar>(args_.beta_2), rest_2 = static_cast<Scalar>(1 - args_.beta_2);
    Scalar* m = slots[0].data();
    for (Index i = 0; i < n; ++i) {
      const Scalar direction = beta_1 * m[i] + rest_1 * g[i];
      w[i] -= direction > 0 ? lr : direction < 0 ? -lr : Scalar(0);
      m[i] = beta_2 * m[i] + rest_2 * g[i];
    }
  }
  GRAFT_COLD void write_fields(ConfigFields& f) const override { detail::LionArgs(args_).fields(f); }

 private:
  detail::LionArgs args_;
};

/// w -= lr sign(beta_1 m + (1 - beta_1) g); m = beta_2 m + (1 - beta_2) g. Source: Chen et al. 2023.
template <class Scalar = float>
class Lion : public Optimizer<Scalar> {
 public:
  using Options = LionOptions;
  explicit Lion(const LionOptions& options = {})
      : Optimizer<Scalar>(new LionImpl<Scalar>(OptimizerCommon::of(options), {options.beta_1, options.beta_2})) {}
};

}  // namespace graft
