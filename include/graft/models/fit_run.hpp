#pragma once

#include <memory>

#include "graft/models/callbacks/callback.hpp"
#include "graft/models/fit_options.hpp"
#include "graft/models/fit_position.hpp"
#include "graft/models/trainer.hpp"

namespace graft {

namespace detail {
/// A step's loss is NaN: throws DataError.
[[noreturn]] GRAFT_COLD inline void refuse_nan_loss(const std::string& where, const std::string& step) {
  fail<DataError>(
      where, "a loss that is a number", "NaN at " + step,
      "The weights are those of before this step. Is there a NaN in the data, or in a loss of your own? Else "
      "try a smaller learning rate, or clipnorm; the callback TerminateOnNaN ends a training quietly.");
}
}  // namespace detail

/// One run of fit, seen by its callbacks: the epochs, the order of calls, and where it stands. What is trained in an
/// epoch is up to the caller of `run`.
template <class Scalar>
class FitRun {
 public:
  using Callbacks = std::vector<std::shared_ptr<Callback<Scalar>>>;

  /// Lets callbacks exchange the weights: before anything is computed from them.
  GRAFT_COLD FitRun(Model<Scalar>& model, const FitOptions<Scalar>& options)
      : options_(options), where_("fit of " + model.impl().where()) {
    for (const auto& callback : callbacks()) callback->set_model(&model);
    for (const auto& callback : callbacks()) callback->before_fit();
  }

  const FitOptions<Scalar>& options() const { return options_; }
  const Callbacks& callbacks() const { return options_.callbacks; }
  Index samples() const { return samples_; }
  /// Batches in an epoch.
  Index steps() const { return steps_; }
  Index epoch() const { return position_.epoch; }
  /// True when it goes on where another one was interrupted.
  bool resumed() const { return resumed_; }
  /// What was recorded so far.
  const History& history() const { return *history_; }

  /// Losses and metrics of the epoch so far.
  GRAFT_COLD Logs batch_logs() const {
    Logs logs;
    trainer_->write_logs(logs);
    return logs;
  }
  /// Keras's class of the metric with this key in the logs, without "val_"; empty when there is none.
  GRAFT_COLD std::string metric_class(const std::string& name) const { return trainer_->metric_class(name); }

  /// Where the run stands, after on_settled a place to go on from.
  GRAFT_COLD FitPosition position() const {
    FitPosition position = position_;
    position.stopped = stopped();
    if (position.step > 0) position.gathered = trainer_->gathered();
    return position;
  }
  /// Goes on from there; within on_start only. Epochs that were recorded are in `history`.
  GRAFT_COLD void resume(FitPosition position, const History& history) {
    position_ = std::move(position);
    history_->take_epochs(history);
    resumed_ = true;
  }

  /// Trains. `train_epoch(epoch key, position, before_batch, on_batch)` does the steps of an epoch from position.step
  /// on; before_batch(step) and on_batch(step, loss) are to be called around each, and on_batch says whether to go on.
  /// `validate(logs)` adds what validation finds. `samples`: of an epoch, as far as known.
  template <class TrainEpoch, class Validate>
  GRAFT_COLD void run(Trainer<Scalar>& trainer, Index samples, Index steps, History& history,
                      const TrainEpoch& train_epoch, const Validate& validate) {
    trainer_ = &trainer;
    samples_ = samples;
    steps_ = steps;
    history_ = &history;
    position_ = {next_random_key(), options_.initial_epoch};
    for (const auto& callback : callbacks()) callback->set_run(this);
    for (const auto& callback : callbacks()) callback->on_train_begin();
    for (const auto& callback : callbacks()) callback->on_start(*this);
    ProgressLine progress(options_.verbose, steps);
    for (; position_.epoch < options_.epochs && !stopped() && !position_.stopped; ++position_.epoch) {
      const Index epoch = position_.epoch;
      progress.begin_epoch(epoch, options_.epochs);
      if (position_.step == 0) {
        for (const auto& callback : callbacks()) callback->on_epoch_begin(epoch);
      }
      train_epoch(
          position_.key.fold(static_cast<std::uint64_t>(epoch)), position_,
          [&](Index step) {
            for (const auto& callback : callbacks()) callback->on_train_batch_begin(step);
          },
          [&](Index step, double loss) { return end_batch(progress, step, loss); });
      Logs logs = batch_logs();
      if ((epoch + 1) % options_.validation_freq == 0) validate(logs);
      for (const auto& callback : callbacks()) callback->on_epoch_end(epoch, logs);
      progress.end_epoch(logs);
      history.append(epoch, logs);
      settle(true);
    }
    trainer.finish();
    for (const auto& callback : callbacks()) callback->on_train_end();
  }

 private:
  bool stopped() const {
    for (const auto& callback : callbacks()) {
      if (callback->stopped()) return true;
    }
    return false;
  }
  bool end_batch(ProgressLine& progress, Index step, double loss) {
    for (const auto& callback : callbacks()) callback->on_train_batch_end(step, loss);
    if (std::isnan(loss) && !stopped()) detail::refuse_nan_loss(where_, step_text(step));
    if (progress.due()) progress.update(step + 1, batch_logs());
    if (callbacks().empty()) return true;
    if (stopped()) return false;  // what follows is the end of this epoch: no place to go on from
    position_.step = step + 1;
    settle(false);
    return true;
  }
  GRAFT_COLD std::string step_text(Index step) const {
    std::string text = "step " + std::to_string(step + 1);
    if (steps_ > 0) text += " of " + std::to_string(steps_);
    return text + " in epoch " + std::to_string(position_.epoch + 1);
  }
  void settle(bool end_of_epoch) {
    if (end_of_epoch) {
      // A place to go on from: the beginning of the next epoch.
      position_.step = 0;
      ++position_.epoch;
    }
    for (const auto& callback : callbacks()) callback->on_settled(*this, end_of_epoch);
    if (end_of_epoch) --position_.epoch;
  }

  const FitOptions<Scalar>& options_;
  std::string where_;
  Trainer<Scalar>* trainer_ = nullptr;
  History* history_ = nullptr;
  FitPosition position_;
  Index samples_ = 0, steps_ = 0;
  bool resumed_ = false;
};

}  // namespace graft
