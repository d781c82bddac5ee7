#pragma once

#include <map>
#include <memory>

#include "graft/models/callbacks/event_file.hpp"
#include "graft/models/callbacks/model_checkpoint.hpp"

namespace graft {

struct TensorBoardOptions {
  SaveFrequency update_freq = "epoch";  ///< a number of batches: the batches' logs are written, too, that often
};

/// Writes losses and metrics for TensorBoard, into log_dir/train and, those of the validation, into log_dir/validation:
/// "epoch_loss", "epoch_accuracy", "epoch_learning_rate" … over the epochs, and "batch_loss" … over the batches if
/// asked for. Folders are made. Throws FileError.
template <class Scalar = float>
class TensorBoard : public Callback<Scalar> {
 public:
  GRAFT_COLD explicit TensorBoard(std::string log_dir = "logs", TensorBoardOptions options = {})
      : log_dir_(std::move(log_dir)), options_(options) {}

  GRAFT_COLD void on_train_batch_end(Index batch, double) override {
    const Index every = options_.update_freq.batches;
    if (every == 0) return;
    const Index step = this->run().epoch() * this->run().steps() + batch;
    if (step % every != 0) return;
    for (const auto& [name, value] : this->batch_logs()) write("train", "batch_" + name, value, step);
  }
  GRAFT_COLD void on_epoch_end(Index epoch, Logs& logs) override {
    for (const auto& [name, value] : logs) {
      const bool validation = name.rfind("val_", 0) == 0;
      write(validation ? "validation" : "train", "epoch_" + (validation ? name.substr(4) : name), value, epoch);
    }
    if (!logs.find("learning_rate")) {
      write("train", "epoch_learning_rate", this->model().optimizer().learning_rate(), epoch);
    }
    for (auto& entry : files_) entry.second->flush();
  }
  void on_train_end() override { files_.clear(); }

 private:
  GRAFT_COLD void write(const char* part, const std::string& tag, double value, Index step) {
    auto& file = files_[part];
    if (!file) file = std::make_unique<EventFile>(log_dir_ + "/" + part);
    file->scalar(tag, value, step);
  }

  std::string log_dir_;
  TensorBoardOptions options_;
  std::map<std::string, std::unique_ptr<EventFile>> files_;
};

}  // namespace graft
