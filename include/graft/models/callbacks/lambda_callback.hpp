#pragma once

#include <functional>

#include "graft/models/callbacks/callback.hpp"
#include "graft/models/fit_run.hpp"

namespace graft {

/// Functions for what fit calls; those that are not set do nothing. The logs of a batch are the losses and metrics of
/// the epoch so far, as in Keras.
struct LambdaCallbackOptions {
  std::function<void(Index epoch)> on_epoch_begin = {};
  std::function<void(Index epoch, Logs& logs)> on_epoch_end = {};
  std::function<void()> on_train_begin = {};
  std::function<void()> on_train_end = {};
  std::function<void(Index batch)> on_train_batch_begin = {};
  std::function<void(Index batch, const Logs& logs)> on_train_batch_end = {};
};

/// A callback made of functions.
template <class Scalar = float>
class LambdaCallback : public Callback<Scalar> {
 public:
  GRAFT_COLD explicit LambdaCallback(LambdaCallbackOptions options) : options_(std::move(options)) {}

  void on_train_begin() override { call(options_.on_train_begin); }
  void on_train_end() override { call(options_.on_train_end); }
  void on_epoch_begin(Index epoch) override { call(options_.on_epoch_begin, epoch); }
  void on_epoch_end(Index epoch, Logs& logs) override { call(options_.on_epoch_end, epoch, logs); }
  void on_train_batch_begin(Index batch) override { call(options_.on_train_batch_begin, batch); }
  void on_train_batch_end(Index batch, double) override {
    if (options_.on_train_batch_end) options_.on_train_batch_end(batch, this->batch_logs());
  }

 private:
  template <class Function, class... Args>
  static void call(const Function& function, Args&&... args) {
    if (function) function(args...);
  }

  LambdaCallbackOptions options_;
};

}  // namespace graft
