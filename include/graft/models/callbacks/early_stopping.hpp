#pragma once

#include "graft/models/callbacks/monitor.hpp"
#include "graft/models/model.hpp"

namespace graft {

struct EarlyStoppingOptions {
  std::string monitor = "val_loss";
  double min_delta = 0;  ///< what is less better than that is not better
  Index patience = 0;    ///< epochs without anything better before the training ends
  int verbose = 0;
  std::string mode = "auto";            ///< "min", "max", or by the metric
  std::optional<double> baseline = {};  ///< epochs that are not better than this one count as without anything better
  bool restore_best_weights = false;    ///< at the end of fit the weights of the best epoch come back
  Index start_from_epoch = 0;           ///< epochs before this one do not count
};

/// Ends the training when a number has stopped getting better. As in Keras 3, restore_best_weights puts the best
/// weights back at the end of any fit. An interrupted run goes on with its best number, its count and its best weights.
/// Throws ConfigError for an unknown mode.
template <class Scalar = float>
class EarlyStopping : public detail::MonitorCallback<Scalar> {
  using Base = detail::MonitorCallback<Scalar>;

 public:
  GRAFT_COLD explicit EarlyStopping(EarlyStoppingOptions options = {})
      : Base("EarlyStopping", options.monitor, options.mode, options.min_delta), options_(std::move(options)) {
    if (options_.patience < 0) {
      fail<ConfigError>("EarlyStopping", "patience of at least 0", std::to_string(options_.patience));
    }
  }

  /// The epoch after which the training ended; none while it did not.
  std::optional<Index> stopped_epoch() const { return stopped_epoch_; }
  Index best_epoch() const { return best_epoch_; }

  void on_train_begin() override {
    wait_ = best_epoch_ = 0;
    stopped_epoch_.reset();
    best_weights_.clear();
  }
  GRAFT_COLD void on_epoch_end(Index epoch, Logs& logs) override {
    const double* current = this->watched(logs);
    if (!current || epoch < options_.start_from_epoch) return;
    if (options_.restore_best_weights && best_weights_.empty()) remember(epoch);
    ++wait_;
    if (this->improves(*current, this->best())) {
      this->set_best(*current);
      remember(epoch);
      if (!options_.baseline || this->improves(*current, options_.baseline)) wait_ = 0;
      return;
    }
    if (wait_ < options_.patience || epoch == 0) return;
    stopped_epoch_ = epoch;
    this->stop_training();
    if (options_.verbose > 0) std::printf("Epoch %lld: early stopping\n", static_cast<long long>(epoch + 1));
  }
  GRAFT_COLD void on_train_end() override {
    if (best_weights_.empty()) return;
    if (options_.verbose > 0) {
      std::printf("Restoring model weights from the end of the best epoch: %lld.\n",
                  static_cast<long long>(best_epoch_ + 1));
    }
    this->model().set_weights(best_weights_);
  }

  GRAFT_COLD CallbackState<Scalar> state() const override {
    CallbackState<Scalar> state = Base::state();
    state.values["wait"] = wait_;
    state.values["best_epoch"] = best_epoch_;
    state.values["stopped_epoch"] = stopped_epoch_ ? Config(*stopped_epoch_) : Config();
    state.tensors = best_weights_;
    return state;
  }
  GRAFT_COLD void set_state(const CallbackState<Scalar>& state) override {
    Base::set_state(state);
    wait_ = state.values.get("wait", Index{0});
    best_epoch_ = state.values.get("best_epoch", Index{0});
    if (const Config* epoch = state.values.find_set("stopped_epoch")) stopped_epoch_ = epoch->as_int("stopped_epoch");
    best_weights_ = state.tensors;
  }

 private:
  GRAFT_COLD void remember(Index epoch) {
    best_epoch_ = epoch;
    if (options_.restore_best_weights) best_weights_ = this->model().get_weights();
  }

  EarlyStoppingOptions options_;
  Index wait_ = 0, best_epoch_ = 0;
  std::optional<Index> stopped_epoch_;
  std::vector<Tensor<Scalar>> best_weights_;
};

}  // namespace graft
