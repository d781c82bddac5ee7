#pragma once

#include "graft/optimizers/adam.hpp"

namespace graft {

/// The fields from weight_decay on are those of OptimizerCommon.
struct AdamWOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-7;
  bool amsgrad = false;
  std::optional<double> weight_decay = 0.004;
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

struct AdamWArgs : AdamArgs {
  static constexpr double kWeightDecay = 0.004;
};

}  // namespace detail

template <class Scalar>
class AdamWImpl final : public AdamImpl<Scalar> {
 public:
  AdamWImpl(const OptimizerCommon& common, const detail::AdamArgs& args)
      : AdamImpl<Scalar>(common, args, "AdamW", "adamw") {}
};

/// Adam with decoupled weight decay: w -= w weight_decay lr before the update. Source: Loshchilov & Hutter 2019.
template <class Scalar = float>
class AdamW : public Optimizer<Scalar> {
 public:
  using Options = AdamWOptions;
  explicit AdamW(const AdamWOptions& options = {})
      : Optimizer<Scalar>(new AdamWImpl<Scalar>(OptimizerCommon::of(options),
                                                {options.beta_1, options.beta_2, options.epsilon, options.amsgrad})) {}
};

}  // namespace graft
