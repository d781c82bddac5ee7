#pragma once

#include <cmath>

#include "graft/optimizers/optimizer.hpp"

namespace graft {

/// The fields from weight_decay on are those of OptimizerCommon.
struct AdagradOptions {
  LearningRate learning_rate = 0.001;
  double initial_accumulator_value = 0.1;
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

/// The arguments that Adagrad alone has.
struct AdagradArgs {
  static constexpr double kLearningRate = 0.001, kWeightDecay = 0;
  double initial_accumulator_value = 0.1;
  double epsilon = 1e-7;

  void fields(ConfigFields& f) {
    f("initial_accumulator_value", initial_accumulator_value);
    f("epsilon", epsilon);
  }
};

}  // namespace detail

template <class Scalar>
class AdagradImpl final : public OptimizerImpl<Scalar> {
 public:
  AdagradImpl(const OptimizerCommon& common, const detail::AdagradArgs& args)
      : OptimizerImpl<Scalar>("Adagrad", "adagrad", common), args_(args) {}

 protected:
  using typename OptimizerImpl<Scalar>::SlotSpec;
  using typename OptimizerImpl<Scalar>::Step;

  std::vector<SlotSpec> slot_specs() const override {
    return {{"accumulator", static_cast<Scalar>(args_.initial_accumulator_value)}};
  }
  void update(const Step& step, Index n, const Scalar* g, Scalar* w, std::span<Tensor<Scalar>> slots) override {
    const Scalar lr = static_cast<Scalar>(step.learning_rate), epsilon = static_cast<Scalar>(args_.epsilon);
    Scalar* a = slots[0].data();
    for (Index i = 0; i < n; ++i) {
      a[i] += g[i] * g[i];
      w[i] -= lr * g[i] / std::sqrt(a[i] + epsilon);
    }
  }
  GRAFT_COLD void write_fields(ConfigFields& f) const override { detail::AdagradArgs(args_).fields(f); }

 private:
  detail::AdagradArgs args_;
};

/// a += g^2; w -= lr g / sqrt(a + epsilon). Source: Duchi et al. 2011.
template <class Scalar = float>
class Adagrad : public Optimizer<Scalar> {
 public:
  using Options = AdagradOptions;
  explicit Adagrad(const AdagradOptions& options = {})
      : Optimizer<Scalar>(new AdagradImpl<Scalar>(OptimizerCommon::of(options),
                                                  {options.initial_accumulator_value, options.epsilon})) {}
};

}  // namespace graft
