#pragma once

#include <cmath>

// First: it includes the rest in an order of its own.
#include "graft/models/model.hpp"

#include "graft/models/dataset_cache.hpp"
#include "graft/models/dataset_passes.hpp"
#include "graft/models/fit_run.hpp"
#include "graft/models/lints/data_lints.hpp"
#include "graft/models/prefix_cache.hpp"
#include "graft/models/run_batches.hpp"
#include "graft/models/trainer.hpp"

namespace graft {

namespace detail {

/// Cuts the last fraction off, as Keras does before any shuffling.
template <class Scalar>
GRAFT_COLD PassData<Scalar> split_validation(PassData<Scalar>& data, double fraction) {
  if (!(fraction > 0 && fraction < 1)) {
    fail<ConfigError>("validation_split", "a number between 0 and 1", std::to_string(fraction));
  }
  const Index samples = data.samples();
  const auto cut = static_cast<Index>(std::floor(static_cast<double>(samples) * (1 - fraction)));
  if (cut == 0 || cut == samples) {
    fail<ConfigError>("validation_split", "samples on both sides of the cut",
                      std::to_string(fraction) + " of " + std::to_string(samples) + " samples");
  }
  PassData<Scalar> validation;
  for (auto& x : data.x) {
    validation.x.push_back(x.rows(cut, samples));
    x = x.rows(0, cut);
  }
  for (auto& y : data.y) {
    validation.y.push_back(y.rows(cut, samples));
    y = y.rows(0, cut);
  }
  if (data.sample_weight) {
    validation.sample_weight = data.sample_weight.rows(cut, samples);
    data.sample_weight = data.sample_weight.rows(0, cut);
  }
  return validation;
}

template <class Scalar>
std::vector<double> values_of(const Logs& logs) {
  std::vector<double> values;
  for (const auto& entry : logs) values.push_back(entry.second);
  return values;
}

template <class Scalar>
GRAFT_COLD void check_fit_options(const FitOptions<Scalar>& options) {
  const auto at_least = [](Index least, Index value, const char* what) {
    if (value < least) {
      fail<ConfigError>(std::string("fit ") + what, "at least " + std::to_string(least), std::to_string(value));
    }
  };
  at_least(1, options.batch_size, "batch_size");
  at_least(0, options.epochs, "epochs");
  at_least(0, options.initial_epoch, "initial_epoch");
  at_least(1, options.validation_freq, "validation_freq");
  at_least(0, options.steps_per_epoch, "steps_per_epoch");
  at_least(0, options.validation_steps, "validation_steps");
}

/// The passes over a dataset for validation, if there is one.
template <class Scalar>
GRAFT_COLD std::unique_ptr<DatasetPasses<Scalar>> validation_dataset(const ModelImpl<Scalar>& model,
                                                                     const Compiled<Scalar>& compiled,
                                                                     const FitOptions<Scalar>& options) {
  return std::make_unique<DatasetPasses<Scalar>>("fit validation_data", model, &compiled,
                                                 options.validation_data->dataset, options.validation_steps);
}

}  // namespace detail

template <class Scalar>
GRAFT_COLD History Model<Scalar>::fit(Arrays<Scalar> x, Arrays<Scalar> y, FitOptions<Scalar> options) const {
  const Compiled<Scalar>& compiled = compiled_or_throw("fit");
  // A callback may compile again; what this training uses must stay.
  const std::shared_ptr<Compiled<Scalar>> keep = impl().compiled();
  detail::check_fit_options(options);
  if (options.steps_per_epoch != 0) {
    throw ConfigError("fit steps_per_epoch is for datasets: Dataset<>::from_tensors(x, y).repeat().batch(32).");
  }
  detail::build_from_data(impl(), x);
  compiled.check_trainable(*this);

  auto data = detail::check_data("fit", impl(), compiled, x, y, options.sample_weight, options.class_weight);
  std::optional<detail::CheckedData<Scalar>> given_validation;
  std::unique_ptr<detail::DatasetPasses<Scalar>> validation_passes;
  PassData<Scalar> validation;
  if (options.validation_data && options.validation_data->dataset) {
    if (options.cache_frozen_prefix || !options.cache_file.empty()) {
      fail<ConfigError>("fit cache_frozen_prefix, validation_data", "arrays, as those of training", "a Dataset");
    }
    validation_passes = detail::validation_dataset(impl(), compiled, options);
  } else if (options.validation_data) {
    const auto& v = *options.validation_data;
    given_validation = detail::check_data("fit validation_data", impl(), compiled, v.x, v.y, v.sample_weight);
    validation = given_validation->pass;
  } else if (options.validation_split != 0) {
    validation = detail::split_validation(data.pass, options.validation_split);
  }

  lint_layers();
  keep->lints().add(impl().where(), detail::lint_data(*this, keep->losses(), data.pass.x, data.pass.y));
  Model self = *this;
  FitRun<Scalar> run(self, options);
  FlatGraph<Scalar> graph = flatten(impl().graph(), this->trainable());
  compiled.apply_recorded(graph);
  History history;
  std::optional<detail::PrefixCache<Scalar>> cache;
  const bool caches = options.cache_frozen_prefix || !options.cache_file.empty();
  if (caches && options.epochs > options.initial_epoch) {
    cache.emplace(
        graph, data.pass, validation,
        detail::CachePlace{options.cache_file, options.on_stale_cache, options.batch_size, options.cache_budget},
        history);
  }
  Trainer<Scalar> trainer(std::move(graph), compiled, impl().output_names());

  const Index steps = (data.pass.samples() + options.batch_size - 1) / options.batch_size;
  const Index validation_batch = options.validation_batch_size > 0 ? options.validation_batch_size : options.batch_size;
  SampleOrder order(data.pass.samples());
  run.run(
      trainer, data.pass.samples(), steps, history,
      [&](RandomKey epoch_key, const FitPosition& position, const auto& before_batch, const auto& on_batch) {
        if (options.shuffle) order.shuffle(epoch_key);
        trainer.train_epoch(data.pass, order, options.batch_size, epoch_key, before_batch, on_batch, position);
      },
      [&](Logs& logs) {
        if (validation.samples() > 0) trainer.evaluate(validation, validation_batch, logs, "val_");
        else if (validation_passes) validation_passes->evaluate(trainer, options.validation_steps, logs, "val_");
      });
  return history;
}

template <class Scalar>
GRAFT_COLD Logs Model<Scalar>::evaluate_logs(Arrays<Scalar> x, Arrays<Scalar> y,
                                             EvaluateOptions<Scalar> options) const {
  const Compiled<Scalar>& compiled = compiled_or_throw("evaluate");
  if (options.batch_size < 1)
    fail<ConfigError>("evaluate batch_size", "at least 1", std::to_string(options.batch_size));
  detail::build_from_data(impl(), x);
  const auto data = detail::check_data("evaluate", impl(), compiled, x, y, options.sample_weight);
  Trainer<Scalar> trainer(flatten(impl().graph(), this->trainable()), compiled, impl().output_names());
  ProgressLine progress(options.verbose, (data.pass.samples() + options.batch_size - 1) / options.batch_size);
  Logs logs;
  trainer.evaluate(data.pass, options.batch_size, logs);
  progress.end_epoch(logs);
  return logs;
}

template <class Scalar>
GRAFT_COLD History Model<Scalar>::fit(Dataset<Scalar> dataset, FitOptions<Scalar> options) const {
  const Compiled<Scalar>& compiled = compiled_or_throw("fit");
  const std::shared_ptr<Compiled<Scalar>> keep = impl().compiled();
  detail::check_fit_options(options);
  if (options.validation_split != 0) {
    throw ConfigError("fit validation_split is for arrays. Divide a dataset with take and skip.");
  }
  if (options.sample_weight) {
    throw ConfigError(
        "fit sample_weight is for arrays. A dataset has its own: Dataset<>::from_tensors(x, y, weights).");
  }
  detail::DatasetPasses<Scalar> passes("fit", impl(), &compiled, dataset, options.steps_per_epoch,
                                       options.class_weight);
  compiled.check_trainable(*this);
  lint_layers();
  keep->lints().add(impl().where(), detail::lint_dataset(*this, dataset));
  Model self = *this;
  FitRun<Scalar> run(self, options);
  FlatGraph<Scalar> graph = flatten(impl().graph(), this->trainable());
  compiled.apply_recorded(graph);
  History history;
  if ((options.cache_frozen_prefix || !options.cache_file.empty()) && options.epochs > options.initial_epoch) {
    const detail::DatasetCache<Scalar> cache("fit", impl(), compiled, graph, dataset, options, history);
    if (cache.active()) return fit_features(cache, std::move(graph), run, std::move(history));
  }
  std::optional<detail::CheckedData<Scalar>> arrays;
  std::unique_ptr<detail::DatasetPasses<Scalar>> validation;
  if (options.validation_data && options.validation_data->dataset) {
    validation = detail::validation_dataset(impl(), compiled, options);
  } else if (options.validation_data) {
    const auto& v = *options.validation_data;
    arrays = detail::check_data("fit validation_data", impl(), compiled, v.x, v.y, v.sample_weight);
  }
  Trainer<Scalar> trainer(std::move(graph), compiled, impl().output_names());
  const Index validation_batch = options.validation_batch_size > 0 ? options.validation_batch_size : options.batch_size;
  run.run(
      trainer, passes.samples(), passes.steps(), history,
      [&](RandomKey epoch_key, const FitPosition& position, const auto& before_batch, const auto& on_batch) {
        passes.train(trainer, position, epoch_key, before_batch, on_batch);
      },
      [&](Logs& logs) {
        if (arrays) trainer.evaluate(arrays->pass, validation_batch, logs, "val_");
        else if (validation) validation->evaluate(trainer, options.validation_steps, logs, "val_");
      });
  return history;
}

template <class Scalar>
GRAFT_COLD History Model<Scalar>::fit_features(const detail::DatasetCache<Scalar>& cache, FlatGraph<Scalar> graph,
                                               FitRun<Scalar>& run, History history) const {
  Trainer<Scalar> trainer(std::move(graph), *impl().compiled(), impl().output_names());
  const PassData<Scalar>& data = cache.training();
  const Index batch = cache.batch_size();
  SampleOrder order(data.samples());
  run.run(
      trainer, data.samples(), (data.samples() + batch - 1) / batch, history,
      [&](RandomKey epoch_key, const FitPosition& position, const auto& before_batch, const auto& on_batch) {
        if (run.options().shuffle) order.shuffle(epoch_key);
        trainer.train_epoch(data, order, batch, epoch_key, before_batch, on_batch, position);
      },
      [&](Logs& logs) {
        if (cache.validation().samples() > 0) trainer.evaluate(cache.validation(), batch, logs, "val_");
      });
  return history;
}

template <class Scalar>
GRAFT_COLD Logs Model<Scalar>::evaluate_logs(Dataset<Scalar> dataset, EvaluateOptions<Scalar> options) const {
  const Compiled<Scalar>& compiled = compiled_or_throw("evaluate");
  if (options.sample_weight) {
    throw ConfigError("evaluate sample_weight is for arrays. A dataset has its own.");
  }
  detail::DatasetPasses<Scalar> passes("evaluate", impl(), &compiled, dataset, options.steps);
  Trainer<Scalar> trainer(flatten(impl().graph(), this->trainable()), compiled, impl().output_names());
  ProgressLine progress(options.verbose, passes.steps());
  Logs logs;
  passes.evaluate(trainer, options.steps, logs, {});
  progress.end_epoch(logs);
  return logs;
}

template <class Scalar>
GRAFT_COLD std::vector<double> Model<Scalar>::evaluate(Dataset<Scalar> dataset, EvaluateOptions<Scalar> options) const {
  return detail::values_of<Scalar>(evaluate_logs(std::move(dataset), std::move(options)));
}

template <class Scalar>
GRAFT_COLD std::vector<double> Model<Scalar>::evaluate(Arrays<Scalar> x, Arrays<Scalar> y,
                                                       EvaluateOptions<Scalar> options) const {
  return detail::values_of<Scalar>(evaluate_logs(std::move(x), std::move(y), std::move(options)));
}

template <class Scalar>
GRAFT_COLD std::vector<double> Model<Scalar>::test_on_batch(Arrays<Scalar> x, Arrays<Scalar> y,
                                                            BatchOptions<Scalar> options) const {
  const Index batch = std::max<Index>(x.samples(), 1);
  return evaluate(std::move(x), std::move(y), {.batch_size = batch, .sample_weight = options.sample_weight});
}

template <class Scalar>
std::vector<double> Model<Scalar>::train_on_batch(Arrays<Scalar> x, Arrays<Scalar> y,
                                                  BatchOptions<Scalar> options) const {
  const Compiled<Scalar>& compiled = compiled_or_throw("train_on_batch");
  detail::build_from_data(impl(), x);
  compiled.check_trainable(*this);
  const auto data =
      detail::check_data("train_on_batch", impl(), compiled, x, y, options.sample_weight, options.class_weight);
  auto& trainer = impl().batch_trainer();
  if (!trainer) {
    FlatGraph<Scalar> graph = flatten(impl().graph(), this->trainable());
    compiled.apply_recorded(graph);
    trainer = std::make_shared<Trainer<Scalar>>(std::move(graph), compiled, impl().output_names());
  }
  const SampleOrder order(data.pass.samples());
  double loss = 0;
  trainer->train_epoch(
      data.pass, order, data.pass.samples(), next_random_key(), [](Index) {},
      [&](Index, double value) {
        loss = value;
        return true;
      });
  if (std::isnan(loss)) {
    detail::refuse_nan_loss("train_on_batch of " + impl().where(),
                            "step " + std::to_string(compiled.optimizer().iterations() + 1));
  }
  Logs logs;
  trainer->write_logs(logs);
  return detail::values_of<Scalar>(logs);
}

}  // namespace graft
