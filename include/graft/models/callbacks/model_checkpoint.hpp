#pragma once

#include "graft/core/folders.hpp"
#include "graft/models/callbacks/file_pattern.hpp"
#include "graft/models/callbacks/monitor.hpp"
#include "graft/models/model.hpp"

namespace graft {

/// When a callback saves: after every epoch, or after so many batches, counted across epochs.
struct SaveFrequency {
  Index batches = 0;  ///< 0: every epoch

  SaveFrequency() = default;
  /// "epoch". Throws ConfigError for another word.
  GRAFT_COLD SaveFrequency(const char* word) {
    if (std::string(word) != "epoch") fail<ConfigError>("save_freq", "\"epoch\" or a number of batches", word);
  }
  /// Throws ConfigError for less than 1.
  template <class Integer>
  requires std::is_integral_v<Integer> GRAFT_COLD SaveFrequency(Integer count) : batches(static_cast<Index>(count)) {
    if (batches < 1) fail<ConfigError>("save_freq", "\"epoch\" or at least 1 batch", std::to_string(batches));
  }
};

struct ModelCheckpointOptions {
  std::string monitor = "val_loss";
  int verbose = 0;
  bool save_best_only = false;     ///< only when the monitored number is better than ever before
  bool save_weights_only = false;  ///< save_weights in place of save
  std::string mode = "auto";       ///< "min", "max", or by the metric
  SaveFrequency save_freq = "epoch";
  std::optional<double> initial_value_threshold = {};  ///< what has to be better first
};

/// Saves the model, or its weights, now and then. The file name is a pattern: "{epoch:02d}-{val_loss:.4f}.keras", with
/// epoch from 1, batch from 1 where batches are counted, and all names of the logs. Folders are made. An interrupted
/// run goes on with its best number. Needs graft/graft.hpp: core.hpp writes no files. Throws ConfigError for a file
/// name that save (save_weights) does not take and for a pattern with other names than the logs have, and FileError.
template <class Scalar = float>
class ModelCheckpoint : public detail::MonitorCallback<Scalar> {
  using Base = detail::MonitorCallback<Scalar>;

 public:
  GRAFT_COLD explicit ModelCheckpoint(std::string filepath, ModelCheckpointOptions options = {})
      : Base("ModelCheckpoint", options.monitor, options.mode, 0, options.initial_value_threshold),
        filepath_(std::move(filepath)),
        options_(std::move(options)) {
    const bool weights = ends_in(".weights.h5"), h5 = ends_in(".h5") || ends_in(".hdf5");
    if (options_.save_weights_only ? !h5 : weights || !(h5 || ends_in(".keras"))) {
      fail<ConfigError>(
          "ModelCheckpoint, filepath",
          options_.save_weights_only ? "a name that ends in .weights.h5" : "a name that ends in .keras or .h5",
          "\"" + filepath_ + "\"");
    }
  }

  /// The files that were written, oldest first.
  const std::vector<std::string>& saved() const { return saved_; }

  void on_train_begin() override {
    batches_ = 0;
    saved_.clear();
  }
  GRAFT_COLD void on_train_batch_end(Index batch, double) override {
    if (options_.save_freq.batches == 0 || ++batches_ < options_.save_freq.batches) return;
    batches_ = 0;
    Logs logs = this->batch_logs();
    logs.set("batch", static_cast<double>(batch + 1));
    save(this->run().epoch(), logs);
  }
  GRAFT_COLD void on_epoch_end(Index epoch, Logs& logs) override {
    if (options_.save_freq.batches == 0) save(epoch, logs);
  }

  GRAFT_COLD CallbackState<Scalar> state() const override {
    CallbackState<Scalar> state = Base::state();
    state.values["batches"] = batches_;
    return state;
  }
  GRAFT_COLD void set_state(const CallbackState<Scalar>& state) override {
    Base::set_state(state);
    batches_ = state.values.get("batches", Index{0});
  }

 private:
  bool ends_in(std::string_view end) const {
    return filepath_.size() >= end.size() && filepath_.compare(filepath_.size() - end.size(), end.size(), end) == 0;
  }
  GRAFT_COLD void save(Index epoch, Logs logs) {
    if (options_.save_best_only) {
      const double* current = this->watched(logs);  // as in Keras: without the number every file is the best
      if (current) {
        if (!this->improves(*current, this->best())) return;
        this->set_best(*current);
      }
    }
    logs.set("epoch", static_cast<double>(epoch + 1));
    const std::string path = detail::format_pattern(filepath_, logs);
    make_folders(folder_of(path));
    if (options_.save_weights_only) this->model().save_weights(path);
    else this->model().save(path);
    saved_.push_back(path);
    if (options_.verbose > 0) {
      std::printf("Epoch %lld: saved the model to %s\n", static_cast<long long>(epoch + 1), path.c_str());
    }
  }

  std::string filepath_;
  ModelCheckpointOptions options_;
  Index batches_ = 0;
  std::vector<std::string> saved_;
};

}  // namespace graft
