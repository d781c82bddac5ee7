#pragma once

#include <cmath>

#include "graft/optimizers/optimizer.hpp"

namespace graft {

/// The fields from weight_decay on are those of OptimizerCommon.
struct AdadeltaOptions {
  LearningRate learning_rate = 0.001;
  double rho = 0.95;
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

/// The arguments that Adadelta alone has.
struct AdadeltaArgs {
  static constexpr double kLearningRate = 0.001, kWeightDecay = 0;
  double rho = 0.95;
  double epsilon = 1e-7;

  void fields(ConfigFields& f) {
    f("rho", rho);
    f("epsilon", epsilon);
  }
};

}  // namespace detail

template <class Scalar>
class AdadeltaImpl final : public OptimizerImpl<Scalar> {
 public:
  AdadeltaImpl(const OptimizerCommon& common, const detail::AdadeltaArgs& args)
      : OptimizerImpl<Scalar>("Adadelta", "adadelta", common), args_(args) {}

 protected:
  using typename OptimizerImpl<Scalar>::SlotSpec;
  using typename OptimizerImpl<Scalar>::Step;

  std::vector<SlotSpec> slot_specs() const override { return {{"accumulated_grad", 0}, {"accumulated_delta_var", 0}}; }
  void update(const Step& step, Index n, const Scalar* g, Scalar* w, std::span<Tensor<Scalar>> slots) override {
    const Scalar lr = static_cast<Scalar>(step.learning_rate), epsilon = static_cast<Scalar>(args_.epsilon);
    const Scalar rho = static_cast<Scalar>(args_.rho), rest = static_cast<Scalar>(1 - args_.rho);
    Scalar *a = slots[0].data(), *d = slots[1].data();
    for (Index i = 0; i < n; ++i) {
      a[i] = rho * a[i] + rest * g[i] * g[i];
      const Scalar delta = std::sqrt(d[i] + epsilon) / std::sqrt(a[i] + epsilon) * g[i];
      d[i] = rho * d[i] + rest * delta * delta;
      w[i] -= lr * delta;
    }
  }
  GRAFT_COLD void write_fields(ConfigFields& f) const override { detail::AdadeltaArgs(args_).fields(f); }

 private:
  detail::AdadeltaArgs args_;
};

/// a = rho a + (1 - rho) g^2; step = sqrt(d + epsilon) / sqrt(a + epsilon) g; d = rho d + (1 - rho) step^2;
/// w -= lr step. (The paper, and Keras up to 2.2.4, use lr = 1.) Source: Zeiler 2012.
template <class Scalar = float>
class Adadelta : public Optimizer<Scalar> {
 public:
  using Options = AdadeltaOptions;
  explicit Adadelta(const AdadeltaOptions& options = {})
      : Optimizer<Scalar>(new AdadeltaImpl<Scalar>(OptimizerCommon::of(options), {options.rho, options.epsilon})) {}
};

}  // namespace graft
