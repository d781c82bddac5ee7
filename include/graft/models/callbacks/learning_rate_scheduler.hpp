#pragma once

#include <functional>

#include "graft/models/callbacks/callback.hpp"

namespace graft {

/// Sets the learning rate at the beginning of every epoch: schedule(epoch, current rate) → rate; logs "learning_rate".
template <class Scalar = float>
class LearningRateScheduler : public Callback<Scalar> {
 public:
  explicit LearningRateScheduler(std::function<double(Index, double)> schedule) : schedule_(std::move(schedule)) {}

  void on_epoch_begin(Index epoch) override {
    auto optimizer = this->model().optimizer();
    optimizer.set_learning_rate(schedule_(epoch, optimizer.learning_rate()));
  }
  void on_epoch_end(Index, Logs& logs) override {
    logs.set("learning_rate", this->model().optimizer().learning_rate());
  }

 private:
  std::function<double(Index, double)> schedule_;
};

}  // namespace graft
