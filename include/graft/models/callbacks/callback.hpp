#pragma once

#include "graft/core/config.hpp"
#include "graft/core/tensor.hpp"
#include "graft/models/history.hpp"

namespace graft {

template <class Scalar>
class Model;
template <class Scalar>
class FitRun;

/// What a callback has to remember when a run is interrupted.
template <class Scalar>
struct CallbackState {
  Config values{};
  std::vector<Tensor<Scalar>> tensors{};
};

/// Base of all callbacks: override what you need. `fit` calls them in the order of its list. Epochs and batches count
/// from 0. A callback may change the model's learning rate, add to the logs, and stop the training.
template <class Scalar = float>
class Callback {
 public:
  virtual ~Callback() = default;

  virtual void on_train_begin() {}
  virtual void on_train_end() {}
  /// Not called again for an epoch in whose middle an interrupted run goes on.
  virtual void on_epoch_begin(Index /*epoch*/) {}
  virtual void on_epoch_end(Index /*epoch*/, Logs& /*logs*/) {}
  virtual void on_train_batch_begin(Index /*batch*/) {}
  /// `loss` is that of this batch, regularisation included (Keras passes the running mean of the epoch, which is in
  /// batch_logs()).
  virtual void on_train_batch_end(Index /*batch*/, double /*loss*/) {}

  /// For BackupAndRestore and its like: before anything else of fit, when weights may still be exchanged …
  virtual void before_fit() {}
  /// … after on_train_begin of all callbacks, when the position of the run may be …
  virtual void on_start(FitRun<Scalar>& /*run*/) {}
  /// … and when all callbacks have seen the end of a batch or of an epoch.
  virtual void on_settled(FitRun<Scalar>& /*run*/, bool /*end_of_epoch*/) {}

  /// What it remembers from epoch to epoch; taken up again with set_state after on_train_begin.
  virtual CallbackState<Scalar> state() const { return {}; }
  virtual void set_state(const CallbackState<Scalar>& /*state*/) {}

  /// Ends the training after this batch or epoch.
  void stop_training() { stopped_ = true; }
  bool stopped() const { return stopped_; }

  /// Set by fit before before_fit.
  void set_model(Model<Scalar>* model) {
    model_ = model;
    stopped_ = false;
  }
  /// Set by fit before on_train_begin.
  void set_run(FitRun<Scalar>* run) { run_ = run; }

 protected:
  Model<Scalar>& model() const { return *model_; }
  FitRun<Scalar>& run() const { return *run_; }
  /// Losses and metrics of the epoch so far: the logs that Keras passes to on_train_batch_end.
  Logs batch_logs() const { return run_->batch_logs(); }

 private:
  Model<Scalar>* model_ = nullptr;
  FitRun<Scalar>* run_ = nullptr;
  bool stopped_ = false;
};

}  // namespace graft
