#pragma once

#include "graft/kernels/optimizer_update.hpp"
#include "graft/optimizers/optimizer.hpp"

namespace graft {

/// The fields from weight_decay on are those of OptimizerCommon.
struct RMSpropOptions {
  LearningRate learning_rate = 0.001;
  double rho = 0.9;
  double momentum = 0.0;
  double epsilon = 1e-7;
  bool centered = false;
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

/// The arguments that RMSprop alone has.
struct RMSpropArgs {
  static constexpr double kLearningRate = 0.001, kWeightDecay = 0;
  double rho = 0.9;
  double momentum = 0.0;
  double epsilon = 1e-7;
  bool centered = false;

  void fields(ConfigFields& f) {
    f("rho", rho);
    f("momentum", momentum);
    f("epsilon", epsilon);
    f("centered", centered);
  }
};

}  // namespace detail

template <class Scalar>
class RMSpropImpl final : public OptimizerImpl<Scalar> {
 public:
  RMSpropImpl(const OptimizerCommon& common, const detail::RMSpropArgs& args)
      : OptimizerImpl<Scalar>("RMSprop", "rmsprop", common), args_(args) {}

 protected:
  using typename OptimizerImpl<Scalar>::SlotSpec;
  using typename OptimizerImpl<Scalar>::Step;

  std::vector<SlotSpec> slot_specs() const override {
    std::vector<SlotSpec> result{{"velocity", 0}};
    if (args_.momentum > 0) result.push_back({"momentum", 0});
    if (args_.centered) result.push_back({"average_gradient", 0});
    return result;
  }
  bool fuses_weight_decay() const override { return true; }
  void update(const Step& step, Index n, const Scalar* g, Scalar* w, std::span<Tensor<Scalar>> slots) override {
    kernels::RmspropParams params;
    params.learning_rate = step.learning_rate;
    params.rho = args_.rho;
    params.momentum = args_.momentum;
    params.epsilon = args_.epsilon;
    params.centered = args_.centered;
    params.weight_decay = step.weight_decay;
    Scalar* momentum = args_.momentum > 0 ? slots[1].data() : nullptr;
    Scalar* average_gradient = args_.centered ? slots.back().data() : nullptr;
    kernels::rmsprop_update(params, n, g, w, slots[0].data(), average_gradient, momentum);
  }
  GRAFT_COLD void write_fields(ConfigFields& f) const override { detail::RMSpropArgs(args_).fields(f); }

 private:
  detail::RMSpropArgs args_;
};

/// v = rho v + (1 - rho) g^2; w -= lr g / sqrt(v + epsilon). With centered the variance v - a^2 replaces v, a the
/// moving average of g; with momentum the step itself is accumulated. (Keras up to 2.10 has epsilon outside the root.)
/// Source: Tieleman & Hinton 2012.
template <class Scalar = float>
class RMSprop : public Optimizer<Scalar> {
 public:
  using Options = RMSpropOptions;
  explicit RMSprop(const RMSpropOptions& options = {})
      : Optimizer<Scalar>(new RMSpropImpl<Scalar>(
            OptimizerCommon::of(options), {options.rho, options.momentum, options.epsilon, options.centered})) {}
};

}  // namespace graft
