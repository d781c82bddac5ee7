#pragma once

#include <cmath>

#include "graft/optimizers/optimizer.hpp"

namespace graft {

/// The fields from weight_decay on are those of OptimizerCommon.
struct LambOptions {
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

/// The arguments that Lamb alone has.
struct LambArgs {
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
class LambImpl final : public OptimizerImpl<Scalar> {
 public:
  LambImpl(const OptimizerCommon& common, const detail::LambArgs& args)
      : OptimizerImpl<Scalar>("Lamb", "lamb", common), args_(args) {}

 protected:
  using typename OptimizerImpl<Scalar>::SlotSpec;
  using typename OptimizerImpl<Scalar>::Step;

  std::vector<SlotSpec> slot_specs() const override { return {{"momentum", 0}, {"velocity", 0}}; }
  void update(const Step& step, Index n, const Scalar* g, Scalar* w, std::span<Tensor<Scalar>> slots) override {
    const double t = static_cast<double>(step.step);
    const Scalar rest_1 = static_cast<Scalar>(1 - args_.beta_1), rest_2 = static_cast<Scalar>(1 - args_.beta_2);
    const Scalar unbias_1 = static_cast<Scalar>(1 / (1 - std::pow(args_.beta_1, t)));
    const Scalar unbias_2 = static_cast<Scalar>(1 / (1 - std::pow(args_.beta_2, t)));
    const Scalar epsilon = static_cast<Scalar>(args_.epsilon);
    Scalar *m = slots[0].data(), *v = slots[1].data();
    const auto direction = [&](Index i) { return m[i] * unbias_1 / (std::sqrt(v[i] * unbias_2) + epsilon); };
    double weights = 0, directions = 0;
    for (Index i = 0; i < n; ++i) {
      m[i] += (g[i] - m[i]) * rest_1;
      v[i] += (g[i] * g[i] - v[i]) * rest_2;
      const double d = static_cast<double>(direction(i)), weight = static_cast<double>(w[i]);
      weights += weight * weight;
      directions += d * d;
    }
    const double trust = weights > 0 && directions > 0 ? std::sqrt(weights / directions) : 1;
    const Scalar rate = static_cast<Scalar>(trust * step.learning_rate);
    for (Index i = 0; i < n; ++i) w[i] -= rate * direction(i);
  }
  GRAFT_COLD void write_fields(ConfigFields& f) const override { detail::LambArgs(args_).fields(f); }

 private:
  detail::LambArgs args_;
};

/// Adam's direction d = m' / (sqrt(v') + epsilon), with m' and v' freed of their bias, in steps as long as the weights
/// are large: w -= lr |w| / |d| d. Source: You et al. 2020.
template <class Scalar = float>
class Lamb : public Optimizer<Scalar> {
 public:
  using Options = LambOptions;
  explicit Lamb(const LambOptions& options = {})
      : Optimizer<Scalar>(
            new LambImpl<Scalar>(OptimizerCommon::of(options), {options.beta_1, options.beta_2, options.epsilon})) {}
};

}  // namespace graft
