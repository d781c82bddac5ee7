#pragma once

#include "graft/kernels/optimizer_update.hpp"
#include "graft/optimizers/optimizer.hpp"

namespace graft {

/// The fields from weight_decay on are those of OptimizerCommon.
struct AdamOptions {
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-7;
  bool amsgrad = false;
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

/// The arguments that Adam alone has.
struct AdamArgs {
  static constexpr double kLearningRate = 0.001, kWeightDecay = 0;
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-7;
  bool amsgrad = false;

  void fields(ConfigFields& f) {
    f("beta_1", beta_1);
    f("beta_2", beta_2);
    f("epsilon", epsilon);
    f("amsgrad", amsgrad);
  }
};

}  // namespace detail

template <class Scalar>
class AdamImpl : public OptimizerImpl<Scalar> {
 public:
  AdamImpl(const OptimizerCommon& common, const detail::AdamArgs& args, const char* class_name = "Adam",
           const char* default_name = "adam")
      : OptimizerImpl<Scalar>(class_name, default_name, common), args_(args) {}

 protected:
  using typename OptimizerImpl<Scalar>::SlotSpec;
  using typename OptimizerImpl<Scalar>::Step;

  std::vector<SlotSpec> slot_specs() const override {
    std::vector<SlotSpec> result{{"momentum", 0}, {"velocity", 0}};
    if (args_.amsgrad) result.push_back({"velocity_hat", 0});
    return result;
  }
  bool fuses_weight_decay() const override { return true; }
  void update(const Step& step, Index n, const Scalar* g, Scalar* w, std::span<Tensor<Scalar>> slots) override {
    const kernels::AdamParams params{step.learning_rate, args_.beta_1,      args_.beta_2, args_.epsilon,
                                     args_.amsgrad,      step.weight_decay, step.step};
    kernels::adam_update(params, n, g, w, slots[0].data(), slots[1].data(), args_.amsgrad ? slots[2].data() : nullptr);
  }
  GRAFT_COLD void write_fields(ConfigFields& f) const override { detail::AdamArgs(args_).fields(f); }

 private:
  detail::AdamArgs args_;
};

/// alpha = lr sqrt(1 - beta_2^t) / (1 - beta_1^t); m += (g - m)(1 - beta_1); v += (g^2 - v)(1 - beta_2);
/// w -= alpha m / (sqrt(v) + epsilon). With amsgrad the largest v so far replaces v. Epsilon is Kingma & Ba's "epsilon
/// hat", as in Keras. Sources: Kingma & Ba 2015; Reddi et al. 2018.
template <class Scalar = float>
class Adam : public Optimizer<Scalar> {
 public:
  using Options = AdamOptions;
  explicit Adam(const AdamOptions& options = {})
      : Optimizer<Scalar>(new AdamImpl<Scalar>(OptimizerCommon::of(options),
                                               {options.beta_1, options.beta_2, options.epsilon, options.amsgrad})) {}
};

}  // namespace graft
