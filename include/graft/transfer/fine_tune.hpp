#pragma once

#include "graft/models/sequential.hpp"
#include "graft/transfer/freeze.hpp"

namespace graft {

/// One of the two phases of fine_tune.
template <class Scalar>
struct TuningPhase {
  Index epochs = 0;
  double learning_rate = 0;  ///< 0: the default of the phase
  std::vector<std::shared_ptr<Callback<Scalar>>> callbacks = {};
};

template <class Scalar>
struct FineTuneOptions {
  TuningPhase<Scalar> head = {.epochs = 4};     ///< reused layers frozen; default rate: that of `optimizer`
  TuningPhase<Scalar> tuning = {.epochs = 16};  ///< reused layers unfrozen; default rate: that of the head phase / 100
  std::optional<TrainingData<Scalar>> validation_data = std::nullopt;
  /// Kind and settings; each phase starts a fresh one. Default: that of the model's compile, else SGD with 1e-2.
  std::optional<Optimizer<Scalar>> optimizer = std::nullopt;
  LossList<Scalar> loss = {};       ///< default: those of the model's compile
  MetricList<Scalar> metrics = {};  ///< default: those of the model's compile
  Index batch_size = 32;
  Index head_layers = 1;     ///< layers at the top that are new
  Index unfreeze_top = 0;    ///< in phase 2, only that many reused layers with weights, from the top; 0: all
  bool keep_bn_frozen = true;
  Verbose verbose = Verbose::automatic;
  Index cache_budget = Index{1} << 30;  ///< bytes that cached features of the frozen prefix may take
};

struct FineTuneReport {
  History head, tuning;
  std::string text;  ///< what was frozen, cached and trained, in words
};

namespace detail {

template <class Scalar>
GRAFT_COLD Optimizer<Scalar> with_learning_rate(const Optimizer<Scalar>& optimizer, double learning_rate) {
  Config config = optimizer.config();
  if (learning_rate > 0) config["config"]["learning_rate"] = learning_rate;
  return Optimizer<Scalar>::from_config(config);
}

GRAFT_COLD inline std::string describe_phase(const char* name, const History& history, Index trainable, double rate) {
  std::string text = std::string(name) + ": " + std::to_string(history.epoch.size()) + " epochs at learning rate " +
                     text::number("%g", rate) + ", " + text::with_commas(trainable) + " trainable parameters";
  if (history.cached_layers > 0) {
    text += "; " + std::to_string(history.cached_layers) + " frozen layers ran once instead of once an epoch (" +
            text::with_commas(history.cached_bytes) + " bytes of features)";
  } else if (!history.uncached_reason.empty()) {
    text += "; nothing cached: " + history.uncached_reason;
  }
  return text + "\n";
}

}  // namespace detail

/// Trains a model with reused layers and a new head in two phases. Phase 1: everything but the head is frozen, so that
/// the large gradients of a random head do not wreck what was learned. Phase 2: the reused layers are unfrozen,
/// BatchNormalization stays frozen, and the learning rate is lowered. Each phase compiles anew with a fresh optimizer.
/// What is frozen and deterministic below the first layer that trains runs once; the numbers are those of the plain
/// loop. Throws what compile and fit throw.
///
///     auto report = graft::fine_tune(model_B, {x_train, y_train}, {.head = {.epochs = 4}, .tuning = {.epochs = 16}});
template <class Scalar>
GRAFT_COLD FineTuneReport fine_tune(const Model<Scalar>& model, const TrainingData<Scalar>& data,
                                    FineTuneOptions<Scalar> options = {}) {
  const auto& before = model.impl().compiled();
  if (options.loss.empty() && before) options.loss = before->losses();
  if (options.metrics.empty() && before) options.metrics = before->options().metrics;
  if (!options.optimizer) {
    options.optimizer = before ? before->optimizer() : Optimizer<Scalar>(SGD<Scalar>({.learning_rate = 1e-2}));
  }
  const auto count = static_cast<Index>(model.layers().size());
  if (options.head_layers < 1 || options.head_layers >= count) {
    fail<ConfigError>("fine_tune head_layers", "1 to " + std::to_string(count - 1), std::to_string(options.head_layers));
  }
  if (!model.built()) {
    detail::build_from_data(model.impl(), data.x);
  }
  const LayerList<Scalar> reused = model.layers().slice(0, count - options.head_layers);
  const LayerList<Scalar> head = model.layers().slice(count - options.head_layers);

  FineTuneReport report;
  const auto run = [&](const char* name, const TuningPhase<Scalar>& phase, double rate) {
    const Optimizer<Scalar> optimizer = detail::with_learning_rate(*options.optimizer, rate);
    model.compile({.optimizer = optimizer, .loss = options.loss, .metrics = options.metrics});
    Index trainable = 0;
    for (const auto& variable : model.trainable_weights()) trainable += variable->size();
    History history = model.fit(data.x, data.y,
                                {.batch_size = options.batch_size,
                                 .epochs = phase.epochs,
                                 .verbose = options.verbose,
                                 .callbacks = phase.callbacks,
                                 .validation_data = options.validation_data,
                                 .sample_weight = data.sample_weight,
                                 .cache_frozen_prefix = true,
                                 .cache_budget = options.cache_budget});
    report.text += detail::describe_phase(name, history, trainable, rate);
    return history;
  };

  const double head_rate =
      options.head.learning_rate > 0 ? options.head.learning_rate : options.optimizer->learning_rate();
  model.impl().set_own_trainable(true);
  freeze(reused);
  for (const auto& layer : head) layer.set_trainable(true);
  report.head = run("head", options.head, head_rate);

  if (options.unfreeze_top > 0) {
    Index remaining = options.unfreeze_top;
    for (Index i = static_cast<Index>(reused.size()) - 1; i >= 0; --i) {
      detail::unfreeze_from_top(reused[i], remaining, options.keep_bn_frozen);
    }
  } else {
    unfreeze(reused, {.keep_bn_frozen = options.keep_bn_frozen});
  }
  report.tuning = run("tuning", options.tuning,
                      options.tuning.learning_rate > 0 ? options.tuning.learning_rate : head_rate / 100);
  return report;
}

}  // namespace graft
