#pragma once

#include "graft/core/named_factory.hpp"
#include "graft/optimizers/adadelta.hpp"
#include "graft/optimizers/adafactor.hpp"
#include "graft/optimizers/adagrad.hpp"
#include "graft/optimizers/adam.hpp"
#include "graft/optimizers/adamax.hpp"
#include "graft/optimizers/adamw.hpp"
#include "graft/optimizers/ftrl.hpp"
#include "graft/optimizers/lamb.hpp"
#include "graft/optimizers/lion.hpp"
#include "graft/optimizers/loss_scale_optimizer.hpp"
#include "graft/optimizers/multi_optimizer.hpp"
#include "graft/optimizers/muon.hpp"
#include "graft/optimizers/nadam.hpp"
#include "graft/optimizers/rmsprop.hpp"
#include "graft/optimizers/schedule_free_adamw.hpp"
#include "graft/optimizers/sgd.hpp"

namespace graft {

namespace detail {

GRAFT_COLD inline OptimizerCommon read_optimizer_common(const Config& config, double learning_rate,
                                                        double weight_decay) {
  OptimizerCommon common;
  common.learning_rate = learning_rate;
  if (weight_decay > 0) common.weight_decay = weight_decay;
  ConfigFields reader = ConfigFields::reader(config);
  common.fields(reader);
  return common;
}

template <class Scalar, class Impl, class Args>
GRAFT_COLD Optimizer<Scalar> make_optimizer(const Config& config, std::string_view) {
  return Optimizer<Scalar>(new Impl(read_optimizer_common(config, Args::kLearningRate, Args::kWeightDecay),
                                    options_from_config<Args>(config)));
}

template <class Scalar>
GRAFT_COLD Optimizer<Scalar> make_loss_scale_optimizer(const Config& config, std::string_view) {
  auto options = options_from_config<LossScaleOptimizerOptions>(config);
  options.name = config.get("name", "");
  return LossScaleOptimizer<Scalar>(Optimizer<Scalar>::from_config(config.at("inner_optimizer")), options);
}

template <class Scalar>
GRAFT_COLD Optimizer<Scalar> make_multi_optimizer(const Config& config, std::string_view) {
  MultiOptimizerOptions options;
  ConfigFields reader = ConfigFields::reader(config);
  reader("loss_scale_factor", options.loss_scale_factor);
  reader("name", options.name);
  return MultiOptimizer<Scalar>(OptimizerMap<Scalar>::from_config(config.at("optimizer_map")), options);
}

// For handles of users, whose options hold the common fields too.
template <class Scalar, class OptimizerHandle>
GRAFT_COLD Optimizer<Scalar> make_own_optimizer(const Config& config, std::string_view) {
  auto options = options_from_config<typename OptimizerHandle::Options>(config);
  OptimizerCommon common = OptimizerCommon::of(options);
  ConfigFields reader = ConfigFields::reader(config);
  common.fields(reader);
  common.put_into(options);
  return OptimizerHandle(options);
}

template <class Scalar>
inline constexpr NamedClass<Optimizer<Scalar>> kOptimizers[] = {
    {"SGD sgd", make_optimizer<Scalar, SGDImpl<Scalar>, SGDArgs>},
    {"RMSprop rmsprop", make_optimizer<Scalar, RMSpropImpl<Scalar>, RMSpropArgs>},
    {"Adam adam", make_optimizer<Scalar, AdamImpl<Scalar>, AdamArgs>},
    {"AdamW adamw", make_optimizer<Scalar, AdamWImpl<Scalar>, AdamWArgs>},
    {"Nadam nadam", make_optimizer<Scalar, NadamImpl<Scalar>, NadamArgs>},
    {"Adamax adamax", make_optimizer<Scalar, AdamaxImpl<Scalar>, AdamaxArgs>},
    {"Adagrad adagrad", make_optimizer<Scalar, AdagradImpl<Scalar>, AdagradArgs>},
    {"Adadelta adadelta", make_optimizer<Scalar, AdadeltaImpl<Scalar>, AdadeltaArgs>},
    {"Ftrl ftrl", make_optimizer<Scalar, FtrlImpl<Scalar>, FtrlArgs>},
    {"Lamb lamb", make_optimizer<Scalar, LambImpl<Scalar>, LambArgs>},
    {"Lion lion", make_optimizer<Scalar, LionImpl<Scalar>, LionArgs>},
    {"Adafactor adafactor", make_optimizer<Scalar, AdafactorImpl<Scalar>, AdafactorArgs>},
    {"Muon muon", make_optimizer<Scalar, MuonImpl<Scalar>, MuonArgs>},
    {"ScheduleFreeAdamW schedule_free_adam_w schedulefreeadamw",
     make_optimizer<Scalar, ScheduleFreeAdamWImpl<Scalar>, ScheduleFreeAdamWArgs>},
    {"MultiOptimizer multi_optimizer", make_multi_optimizer<Scalar>},
    {"LossScaleOptimizer loss_scale_optimizer", make_loss_scale_optimizer<Scalar>},
};

/// Classes that register_optimizer has added.
template <class Scalar>
std::vector<NamedClass<Optimizer<Scalar>>>& own_optimizers() {
  static std::vector<NamedClass<Optimizer<Scalar>>> list;
  return list;
}

}  // namespace detail

template <class Scalar>
GRAFT_COLD Optimizer<Scalar> Optimizer<Scalar>::from_config(const Config& config) {
  if (config.is_null()) return Optimizer();
  return make_named<Optimizer>("optimizer", read_object_name("optimizer", config), detail::own_optimizers<Scalar>(),
                               detail::kOptimizers<Scalar>);
}

/// Makes an optimizer of your own known by name, to `compile` and to files: `OptimizerHandle::Options` has the fields
/// of OptimizerCommon and fields() for its own, and the handle is made from it. `class_name` must be a literal. Call it
/// before other threads make optimizers.
template <class OptimizerHandle, class Scalar = float>
GRAFT_COLD void register_optimizer(const char* class_name) {
  detail::own_optimizers<Scalar>().push_back({class_name, detail::make_own_optimizer<Scalar, OptimizerHandle>});
}

}  // namespace graft
