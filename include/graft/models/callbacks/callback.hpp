#pragma once

#include "graft/models/history.hpp"

namespace graft {

template <class Scalar>
class Model;

/// Base of all callbacks: override what you need. `fit` calls them in the order of its list. Epochs and batches count
/// from 0. A callback may change the model's learning rate, add to the logs, and stop the training.
template <class Scalar = float>
class Callback {
 public:
  virtual ~Callback() = default;

  virtual void on_train_begin() {}
  virtual void on_train_end() {}
  virtual void on_epoch_begin(Index /*epoch*/) {}
  virtual void on_epoch_end(Index /*epoch*/, Logs& /*logs*/) {}
  virtual void on_train_batch_begin(Index /*batch*/) {}
  /// `loss` is that of this batch, regularisation included (Keras passes the running mean of the epoch).
  virtual void on_train_batch_end(Index /*batch*/, double /*loss*/) {}

  /// Ends the training after this batch or epoch.
  void stop_training() { stopped_ = true; }
  bool stopped() const { return stopped_; }

  /// Set by fit before on_train_begin.
  void set_model(Model<Scalar>* model) {
    model_ = model;
    stopped_ = false;
  }

 protected:
  Model<Scalar>& model() const { return *model_; }

 private:
  Model<Scalar>* model_ = nullptr;
  bool stopped_ = false;
};

}  // namespace graft
