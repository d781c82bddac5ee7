#pragma once

#include <unistd.h>

#include "graft/core/folders.hpp"
#include "graft/models/callbacks/model_checkpoint.hpp"
#include "graft/models/callbacks/run_backup.hpp"

namespace graft {

struct BackupAndRestoreOptions {
  SaveFrequency save_freq = "epoch";
  bool delete_checkpoint = true;  ///< the backup goes when fit has come to its end
};

/// Makes fit go on where it was interrupted: the same program, started again, ends with the same weights, bit for bit,
/// as if nothing had happened. The first fit of a program that finds a backup in `backup_dir` takes up from it: all
/// weights, the optimizer's state and learning rate, epoch and batch, the key of all random numbers (shuffling,
/// dropout, augmentation), losses and metrics of the epoch so far, the history, and what the other callbacks remember
/// (EarlyStopping: best number, count and best weights; ReduceLROnPlateau: best number, count and cooldown;
/// ModelCheckpoint: best number; CSVLogger: its lines). Without a backup it begins at the beginning.
///
/// The backup is one file, replaced atomically: a kill at any moment leaves a whole one. The program must come to fit
/// in the same way as before: the same model, data, options and callbacks; of a fit whose random numbers no seed has
/// fixed the backup has the key. What stateful layers keep from call to call is not in it. Throws StateError when the
/// backup is of another model, another optimizer or other callbacks, or was made in the middle of an epoch of other
/// batches, and FileError.
template <class Scalar = float>
class BackupAndRestore : public Callback<Scalar> {
 public:
  GRAFT_COLD explicit BackupAndRestore(std::string backup_dir, BackupAndRestoreOptions options = {})
      : backup_dir_(std::move(backup_dir)), options_(options) {
    if (backup_dir_.empty()) fail<ConfigError>("BackupAndRestore", "the name of a folder", "an empty one");
  }

  /// The one file of the backup.
  std::string path() const { return backup_dir_ + "/latest.graft-backup"; }

  GRAFT_COLD void before_fit() override {
    make_folders(backup_dir_);
    batches_ = 0;
    found_.reset();
    std::string content;
    if (!read_file(content)) return;
    detail::BackupReader from(std::move(content), path());
    found_.emplace(read(from));
    if (!from.done()) from.damaged();
    restore(*found_);
  }
  GRAFT_COLD void on_start(FitRun<Scalar>& run) override {
    if (!found_) return;
    if (found_->position.step > 0 && (found_->steps != run.steps() || found_->samples != run.samples())) {
      refuse("an epoch of " + std::to_string(found_->steps) + " batches over " + std::to_string(found_->samples) +
                 " samples",
             std::to_string(run.steps()) + " over " + std::to_string(run.samples()));
    }
    if (found_->callbacks.size() != run.callbacks().size()) {
      refuse(std::to_string(found_->callbacks.size()) + " callbacks", std::to_string(run.callbacks().size()));
    }
    for (std::size_t i = 0; i < found_->callbacks.size(); ++i) run.callbacks()[i]->set_state(found_->callbacks[i]);
    run.resume(std::move(found_->position), found_->history);
    found_.reset();
  }
  GRAFT_COLD void on_settled(FitRun<Scalar>& run, bool end_of_epoch) override {
    const Index every = options_.save_freq.batches;
    if (every == 0 ? !end_of_epoch : end_of_epoch || ++batches_ < every) return;
    batches_ = 0;
    detail::BackupWriter to;
    write(run, to);
    write_file(to.content());
  }
  GRAFT_COLD void on_train_end() override {
    if (!options_.delete_checkpoint) return;
    (void)::unlink(path().c_str());
    (void)::rmdir(backup_dir_.c_str());  // if nothing else is in it
  }

 private:
  static constexpr std::string_view kMagic = "graft run backup 1";

  struct Found {
    FitPosition position;
    Index samples = 0, steps = 0;
    History history;
    std::vector<std::pair<std::string, Tensor<Scalar>>> weights;
    std::string optimizer;
    OptimizerState<Scalar> state;  // variables are set by `owners`
    std::vector<std::size_t> owners;
    std::vector<CallbackState<Scalar>> callbacks;
  };

  GRAFT_COLD void write(const FitRun<Scalar>& run, detail::BackupWriter& to) const {
    const FitPosition position = run.position();
    to.text(kMagic);
    to.integer(sizeof(Scalar));
    to.integer(position.key.value);
    for (const Index number : {position.epoch, position.step, run.samples(), run.steps()}) {
      to.integer(static_cast<std::uint64_t>(number));
    }
    to.integer(position.stopped);
    to.integer(position.gathered.size());
    for (const auto& list : position.gathered) to.numbers(list);
    const History& history = run.history();
    to.integer(history.epoch.size());
    for (const Index epoch : history.epoch) to.integer(static_cast<std::uint64_t>(epoch));
    const auto keys = history.keys();
    to.integer(keys.size());
    for (const std::string& key : keys) {
      to.text(key);
      to.numbers(history[key]);
    }
    const auto variables = this->model().weights();
    to.integer(variables.size());
    for (const auto& variable : variables) {
      to.text(variable->name());
      to.template tensor<Scalar>(std::as_const(*variable).value().view());
    }
    const auto optimizer = this->model().optimizer();
    const OptimizerState<Scalar> state = optimizer.state(variables);
    to.text(optimizer.class_name());
    to.integer(static_cast<std::uint64_t>(state.iterations));
    to.integer(state.learning_rate.has_value());
    to.number(state.learning_rate.value_or(0));
    to.integer(state.scalars.size());
    for (const auto& [name, value] : state.scalars) {
      to.text(name);
      to.number(value);
    }
    to.integer(state.slots.size());
    for (const auto& slot : state.slots) {
      to.text(slot.name);
      to.integer(
          static_cast<std::uint64_t>(std::find(variables.begin(), variables.end(), slot.variable) - variables.begin()));
      to.template tensor<Scalar>(slot.value.view());
    }
    to.integer(run.callbacks().size());
    for (const auto& callback : run.callbacks()) {
      const CallbackState<Scalar> remembered = callback->state();
      detail::write_values(to, remembered.values);
      to.integer(remembered.tensors.size());
      for (const auto& tensor : remembered.tensors) to.template tensor<Scalar>(tensor.view());
    }
  }

  GRAFT_COLD Found read(detail::BackupReader& from) const {
    if (from.text() != kMagic) from.damaged();
    if (from.integer() != sizeof(Scalar)) refuse("a model of the same precision", "another one");
    Found found;
    found.position.key.value = from.integer();
    for (Index* number : {&found.position.epoch, &found.position.step, &found.samples, &found.steps}) {
      *number = static_cast<Index>(from.integer());
    }
    found.position.stopped = from.integer() != 0;
    for (std::size_t left = from.count(8); left > 0; --left) found.position.gathered.push_back(from.numbers());
    for (std::size_t left = from.count(8); left > 0; --left) {
      found.history.epoch.push_back(static_cast<Index>(from.integer()));
    }
    for (std::size_t left = from.count(16); left > 0; --left) {
      const std::string key = from.text();
      found.history.set_series(key, from.numbers());
    }
    for (std::size_t left = from.count(16); left > 0; --left) {
      std::string name = from.text();
      found.weights.emplace_back(std::move(name), from.template tensor<Scalar>());
    }
    found.optimizer = from.text();
    found.state.iterations = static_cast<Index>(from.integer());
    const bool has_rate = from.integer() != 0;
    const double rate = from.number();
    if (has_rate) found.state.learning_rate = rate;
    for (std::size_t left = from.count(16); left > 0; --left) {
      std::string name = from.text();
      found.state.scalars.emplace_back(std::move(name), from.number());
    }
    for (std::size_t left = from.count(24); left > 0; --left) {
      std::string name = from.text();
      found.owners.push_back(static_cast<std::size_t>(from.integer()));
      if (found.owners.back() >= found.weights.size()) from.damaged();
      found.state.slots.push_back({std::move(name), nullptr, from.template tensor<Scalar>()});
    }
    found.callbacks.resize(from.count(16));
    for (auto& callback : found.callbacks) {
      callback.values = detail::read_values(from);
      for (std::size_t left = from.count(8); left > 0; --left) {
        callback.tensors.push_back(from.template tensor<Scalar>());
      }
    }
    return found;
  }

  GRAFT_COLD void restore(Found& found) const {
    const auto variables = this->model().weights();
    if (found.weights.size() != variables.size()) {
      refuse("a model of " + std::to_string(found.weights.size()) + " weights", std::to_string(variables.size()));
    }
    for (std::size_t i = 0; i < variables.size(); ++i) {
      if (!(found.weights[i].second.shape() == variables[i]->shape())) {
        refuse("weight " + std::to_string(i) + ", \"" + found.weights[i].first + "\", of shape " +
                   found.weights[i].second.shape().str(),
               "\"" + variables[i]->name() + "\" of shape " + variables[i]->shape().str());
      }
    }
    const auto optimizer = this->model().optimizer();
    if (found.optimizer != optimizer.class_name()) refuse(found.optimizer, std::string(optimizer.class_name()));
    for (std::size_t i = 0; i < found.state.slots.size(); ++i) {
      found.state.slots[i].variable = variables[found.owners[i]];
    }
    optimizer.set_state(found.state);
    for (std::size_t i = 0; i < variables.size(); ++i) {
      variables[i]->assign(std::as_const(found.weights[i].second).view());
    }
    found.weights.clear();
    found.state = {};
  }

  GRAFT_COLD bool read_file(std::string& content) const {
    std::FILE* file = std::fopen(path().c_str(), "rb");
    if (!file) {
      if (errno == ENOENT) return false;
      throw FileError("BackupAndRestore: \"" + path() + "\" cannot be read: " + std::strerror(errno) + ".");
    }
    std::vector<char> buffer(1 << 16);
    for (std::size_t n; (n = std::fread(buffer.data(), 1, buffer.size(), file)) > 0;) content.append(buffer.data(), n);
    std::fclose(file);
    // The last four bytes are the sum of the others.
    std::uint32_t sum = 0;
    const bool whole = content.size() >= 4;
    if (whole) std::memcpy(&sum, content.data() + content.size() - 4, 4);
    if (!whole || sum != crc32c(content.data(), content.size() - 4)) {
      detail::BackupReader(std::string(), path()).damaged();
    }
    content.resize(content.size() - 4);
    return true;
  }
  GRAFT_COLD void write_file(const std::string& content) const {
    AtomicFile target(path());
    std::FILE* file = std::fopen(target.temporary().c_str(), "wb");
    if (!file) target.fail_with("open the file", errno);
    const std::uint32_t sum = crc32c(content.data(), content.size());
    const bool written = std::fwrite(content.data(), 1, content.size(), file) == content.size() &&
                         std::fwrite(&sum, 1, sizeof sum, file) == sizeof sum;
    const int error = errno;
    const bool closed = std::fclose(file) == 0;
    if (!written || !closed) target.fail_with("write", written ? errno : error);
    target.commit();
  }
  [[noreturn]] GRAFT_COLD void refuse(const std::string& expected, const std::string& received) const {
    fail<StateError>("BackupAndRestore: the backup \"" + path() + "\"", expected, received,
                     "It is of another run: remove it, or give this run another backup_dir.");
  }

  std::string backup_dir_;
  BackupAndRestoreOptions options_;
  Index batches_ = 0;
  std::optional<Found> found_;
};

}  // namespace graft
