#pragma once

#include <algorithm>
#include <cmath>

#include "graft/optimizers/optimizer.hpp"

namespace graft {

/// The fields from weight_decay on are those of OptimizerCommon.
struct FtrlOptions {
  LearningRate learning_rate = 0.001;
  double learning_rate_power = -0.5;  ///< at most 0
  double initial_accumulator_value = 0.1;
  double l1_regularization_strength = 0.0;
  double l2_regularization_strength = 0.0;
  double l2_shrinkage_regularization_strength = 0.0;
  double beta = 0.0;
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

/// The arguments that Ftrl alone has.
struct FtrlArgs {
  static constexpr double kLearningRate = 0.001, kWeightDecay = 0;
  double learning_rate_power = -0.5;
  double initial_accumulator_value = 0.1;
  double l1_regularization_strength = 0.0;
  double l2_regularization_strength = 0.0;
  double l2_shrinkage_regularization_strength = 0.0;
  double beta = 0.0;

  void fields(ConfigFields& f) {
    f("learning_rate_power", learning_rate_power);
    f("initial_accumulator_value", initial_accumulator_value);
    f("l1_regularization_strength", l1_regularization_strength);
    f("l2_regularization_strength", l2_regularization_strength);
    f("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength);
    f("beta", beta);
  }
};

}  // namespace detail

template <class Scalar>
class FtrlImpl final : public OptimizerImpl<Scalar> {
 public:
  FtrlImpl(const OptimizerCommon& common, const detail::FtrlArgs& args)
      : OptimizerImpl<Scalar>("Ftrl", "ftrl", common), args_(args) {}

 protected:
  using typename OptimizerImpl<Scalar>::SlotSpec;
  using typename OptimizerImpl<Scalar>::Step;

  std::vector<SlotSpec> slot_specs() const override {
    return {{"accumulator", static_cast<Scalar>(args_.initial_accumulator_value)}, {"linear", 0}};
  }
  void update(const Step& step, Index n, const Scalar* g, Scalar* w, std::span<Tensor<Scalar>> slots) override {
    const Scalar lr = static_cast<Scalar>(step.learning_rate),
                 l1 = static_cast<Scalar>(args_.l1_regularization_strength);
    const Scalar shrinkage = static_cast<Scalar>(2 * args_.l2_shrinkage_regularization_strength);
    const Scalar l2 =
        static_cast<Scalar>(args_.l2_regularization_strength) + static_cast<Scalar>(args_.beta) / (2 * lr);
    const Scalar power = static_cast<Scalar>(-args_.learning_rate_power);
    Scalar *accumulator = slots[0].data(), *z = slots[1].data();
    for (Index i = 0; i < n; ++i) {
      const Scalar before = accumulator[i], after = before + g[i] * g[i];
      const Scalar root = std::pow(after, power);
      z[i] += g[i] + shrinkage * w[i] - (root - std::pow(before, power)) / lr * w[i];
      w[i] = (std::clamp(z[i], -l1, l1) - z[i]) / (root / lr + 2 * l2);
      accumulator[i] = after;
    }
  }
  GRAFT_COLD void write_fields(ConfigFields& f) const override { detail::FtrlArgs(args_).fields(f); }

 private:
  detail::FtrlArgs args_;
};

/// Follow the regularised leader: n' = n + g^2; z += g + 2 l2_shrinkage w - (n'^-p - n^-p) / lr w with
/// p = learning_rate_power; w = (clip(z, -l1, l1) - z) / (n'^-p / lr + 2 (l2 + beta / (2 lr))).
/// Source: McMahan et al. 2013.
template <class Scalar = float>
class Ftrl : public Optimizer<Scalar> {
 public:
  using Options = FtrlOptions;
  explicit Ftrl(const FtrlOptions& options = {})
      : Optimizer<Scalar>(new FtrlImpl<Scalar>(
            OptimizerCommon::of(options),
            {options.learning_rate_power, options.initial_accumulator_value, options.l1_regularization_strength,
             options.l2_regularization_strength, options.l2_shrinkage_regularization_strength, options.beta})) {}
};

}  // namespace graft
