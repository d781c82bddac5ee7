#pragma once

#include "graft/models/trainer.hpp"

namespace graft::detail {

/// What every fit does around its passes over the data: epochs, callbacks, progress and history.
/// train_pass(epoch, key, before_batch, on_batch) runs the steps of an epoch; before_batch(step) and on_batch(step,
/// loss) are to be called around each, and on_batch says whether to go on. validate(logs) adds what validation found.
template <class Scalar, class TrainPass, class Validate>
void run_epochs(const Model<Scalar>& model, const FitOptions<Scalar>& options, Trainer<Scalar>& trainer, Index steps,
                History& history, TrainPass&& train_pass, Validate&& validate) {
  ProgressLine progress(options.verbose, steps);
  const RandomKey key = next_random_key();
  Model<Scalar> self = model;
  for (const auto& callback : options.callbacks) callback->set_model(&self);
  const auto stopped = [&] {
    for (const auto& callback : options.callbacks) {
      if (callback->stopped()) return true;
    }
    return false;
  };
  for (const auto& callback : options.callbacks) callback->on_train_begin();
  for (Index epoch = options.initial_epoch; epoch < options.epochs && !stopped(); ++epoch) {
    progress.begin_epoch(epoch, options.epochs);
    for (const auto& callback : options.callbacks) callback->on_epoch_begin(epoch);
    const auto on_batch = [&](Index step, double loss) {
      for (const auto& callback : options.callbacks) callback->on_train_batch_end(step, loss);
      if (progress.due()) {
        Logs logs;
        trainer.write_logs(logs);
        progress.update(step + 1, logs);
      }
      return options.callbacks.empty() || !stopped();
    };
    const auto before_batch = [&](Index step) {
      for (const auto& callback : options.callbacks) callback->on_train_batch_begin(step);
    };
    train_pass(epoch, key.fold(static_cast<std::uint64_t>(epoch)), before_batch, on_batch);
    Logs logs;
    trainer.write_logs(logs);
    if ((epoch + 1) % options.validation_freq == 0) validate(logs);
    for (const auto& callback : options.callbacks) callback->on_epoch_end(epoch, logs);
    progress.end_epoch(logs);
    history.append(epoch, logs);
  }
  trainer.finish();
  for (const auto& callback : options.callbacks) callback->on_train_end();
}

}  // namespace graft::detail
