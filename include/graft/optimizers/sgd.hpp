#pragma once

#include "graft/kernels/optimizer_update.hpp"
#include "graft/optimizers/optimizer.hpp"

namespace graft {

/// The fields from weight_decay on are those of OptimizerCommon.
struct SGDOptions {
  LearningRate learning_rate = 0.01;
  double momentum = 0.0;
  bool nesterov = false;
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

/// The arguments that SGD alone has.
struct SGDArgs {
  static constexpr double kLearningRate = 0.01, kWeightDecay = 0;
  double momentum = 0.0;
  bool nesterov = false;

  void fields(ConfigFields& f) {
    f("momentum", momentum);
    f("nesterov", nesterov);
  }
};

}  // namespace detail

template <class Scalar>
class SGDImpl final : public OptimizerImpl<Scalar> {
 public:
  SGDImpl(const OptimizerCommon& common, const detail::SGDArgs& args)
      : OptimizerImpl<Scalar>("SGD", "SGD", common), args_(args) {}

 protected:
  using typename OptimizerImpl<Scalar>::SlotSpec;
  using typename OptimizerImpl<Scalar>::Step;

  std::vector<SlotSpec> slot_specs() const override {
    if (args_.momentum == 0) return {};
    return {{"momentum", 0}};
  }
  bool fuses_weight_decay() const override { return true; }
  void update(const Step& step, Index n, const Scalar* g, Scalar* w, std::span<Tensor<Scalar>> slots) override {
    const kernels::SgdParams params{step.learning_rate, args_.momentum, args_.nesterov, step.weight_decay};
    kernels::sgd_update(params, n, g, w, slots.empty() ? nullptr : slots[0].data());
  }
  GRAFT_COLD void write_fields(ConfigFields& f) const override { detail::SGDArgs(args_).fields(f); }

 private:
  detail::SGDArgs args_;
};

/// w -= lr g; with momentum m = momentum m - lr g, w += m; with nesterov w += momentum m - lr g.
template <class Scalar = float>
class SGD : public Optimizer<Scalar> {
 public:
  using Options = SGDOptions;
  explicit SGD(const SGDOptions& options = {})
      : Optimizer<Scalar>(new SGDImpl<Scalar>(OptimizerCommon::of(options), {options.momentum, options.nesterov})) {}
};

}  // namespace graft
