#pragma once

#include <algorithm>

#include "graft/models/callbacks/monitor.hpp"
#include "graft/models/model.hpp"

namespace graft {

struct ReduceLROnPlateauOptions {
  std::string monitor = "val_loss";
  double factor = 0.1;  ///< new rate = factor * old rate
  Index patience = 10;  ///< epochs without anything better before the rate is lowered
  int verbose = 0;
  std::string mode = "auto";  ///< "min", "max", or by the metric
  double min_delta = 1e-4;    ///< what is less better than that is not better
  Index cooldown = 0;         ///< epochs after a change in which nothing is counted
  double min_lr = 0;          ///< the rate does not fall below it
};

/// Lowers the learning rate when a number has stopped getting better; logs "learning_rate". An interrupted run goes on
/// with its best number and its counts. Throws ConfigError for a factor of 1 or more and an unknown mode, and
/// StateError when the rate follows a schedule.
template <class Scalar = float>
class ReduceLROnPlateau : public detail::MonitorCallback<Scalar> {
  using Base = detail::MonitorCallback<Scalar>;

 public:
  GRAFT_COLD explicit ReduceLROnPlateau(ReduceLROnPlateauOptions options = {})
      : Base("ReduceLROnPlateau", options.monitor, options.mode, options.min_delta), options_(std::move(options)) {
    if (!(options_.factor > 0 && options_.factor < 1)) {
      fail<ConfigError>("ReduceLROnPlateau", "factor between 0 and 1", std::to_string(options_.factor));
    }
  }

  void on_train_begin() override { cooldown_ = wait_ = 0; }
  GRAFT_COLD void on_epoch_end(Index epoch, Logs& logs) override {
    const auto optimizer = this->model().optimizer();
    logs.set("learning_rate", optimizer.learning_rate());
    const double* current = this->watched(logs);
    if (!current) return;
    if (cooldown_ > 0) --cooldown_, wait_ = 0;
    if (this->improves(*current, this->best())) {
      this->set_best(*current);
      wait_ = 0;
      return;
    }
    if (cooldown_ > 0 || ++wait_ < options_.patience) return;
    const double old = optimizer.learning_rate();
    if (!(old > static_cast<double>(static_cast<float>(options_.min_lr)))) return;
    optimizer.set_learning_rate(std::max(old * options_.factor, options_.min_lr));
    if (options_.verbose > 0) {
      std::printf("Epoch %lld: ReduceLROnPlateau reducing learning rate to %g.\n", static_cast<long long>(epoch + 1),
                  optimizer.learning_rate());
    }
    cooldown_ = options_.cooldown;
    wait_ = 0;
  }

  GRAFT_COLD CallbackState<Scalar> state() const override {
    CallbackState<Scalar> state = Base::state();
    state.values["wait"] = wait_;
    state.values["cooldown"] = cooldown_;
    return state;
  }
  GRAFT_COLD void set_state(const CallbackState<Scalar>& state) override {
    Base::set_state(state);
    wait_ = state.values.get("wait", Index{0});
    cooldown_ = state.values.get("cooldown", Index{0});
  }

 private:
  ReduceLROnPlateauOptions options_;
  Index wait_ = 0, cooldown_ = 0;
};

}  // namespace graft
