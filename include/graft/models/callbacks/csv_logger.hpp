#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "graft/core/atomic_file.hpp"
#include "graft/core/folders.hpp"
#include "graft/models/callbacks/callback.hpp"
#include "graft/models/fit_run.hpp"

namespace graft {

struct CSVLoggerOptions {
  std::string separator = ",";
  bool append = false;  ///< writes behind what the file has
};

/// Writes a line of numbers for every epoch: the epoch (from 0), then what the logs have in alphabetical order, "NA"
/// for what is missing; the first line names them. Every line is on disk when its epoch is over. A run that goes on
/// after it was interrupted keeps the lines of the epochs before and writes the others again. Throws FileError.
template <class Scalar = float>
class CSVLogger : public Callback<Scalar> {
 public:
  GRAFT_COLD explicit CSVLogger(std::string filename, CSVLoggerOptions options = {})
      : filename_(std::move(filename)), options_(std::move(options)) {}

  void on_train_begin() override { keys_.clear(); }
  GRAFT_COLD void on_epoch_end(Index epoch, Logs& logs) override {
    std::string text;
    if (keys_.empty()) {
      text = begin(epoch);
      name_columns(logs);
      if (text.empty()) {
        text = "epoch";
        for (const std::string& key : keys_) text += options_.separator + key;
        text += "\n";
      }
      begin_file(text);
      text.clear();
    }
    text += std::to_string(epoch);
    for (const std::string& key : keys_) {
      const double* value = logs.find(key);
      text += options_.separator + (value ? shortest(*value) : "NA");
    }
    std::FILE* file = std::fopen(filename_.c_str(), "a");
    write(file, text + "\n");
  }

  /// The shortest text that reads back as the same number.
  GRAFT_COLD static std::string shortest(double value) {
    std::string text;
    for (int digits = 6; digits <= 17; ++digits) {
      char buffer[40];
      std::snprintf(buffer, sizeof buffer, "%.*g", digits, value);
      text = buffer;
      if (std::strtod(buffer, nullptr) == value) break;
    }
    return text;
  }

 private:
  // Keras's columns: without validation in the first epoch there is room for one.
  GRAFT_COLD void name_columns(const Logs& logs) {
    bool validated = false;
    for (const auto& entry : logs) {
      keys_.push_back(entry.first);
      validated = validated || entry.first.rfind("val_", 0) == 0;
    }
    std::sort(keys_.begin(), keys_.end());
    const std::size_t count = keys_.size();
    for (std::size_t i = 0; !validated && i < count; ++i) keys_.push_back("val_" + keys_[i]);
  }
  // What of an old file stays.
  GRAFT_COLD std::string begin(Index epoch) const {
    if (!options_.append && !this->run().resumed()) return {};
    std::string kept;
    std::FILE* file = std::fopen(filename_.c_str(), "rb");
    if (!file) return {};
    char buffer[4096];
    for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, file)) > 0;) kept.append(buffer, n);
    std::fclose(file);
    if (!this->run().resumed()) return kept;
    // Lines of epochs that are trained again go, and what a kill has left of a line.
    std::size_t at = kept.find('\n');
    while (at != std::string::npos && at + 1 < kept.size()) {
      const std::size_t end = kept.find('\n', at + 1);
      char* number_end = nullptr;
      const long long line_epoch = std::strtoll(kept.c_str() + at + 1, &number_end, 10);
      if (end == std::string::npos || line_epoch >= epoch) break;
      at = end;
    }
    return at == std::string::npos ? "" : kept.substr(0, at + 1);
  }
  GRAFT_COLD void begin_file(const std::string& text) const {
    make_folders(folder_of(filename_));
    AtomicFile target(filename_);
    write(std::fopen(target.temporary().c_str(), "w"), text);
    target.commit();
  }
  GRAFT_COLD void write(std::FILE* file, const std::string& text) const {
    const bool written = file && std::fwrite(text.data(), 1, text.size(), file) == text.size();
    const int error = errno;
    if ((file && std::fclose(file) != 0) || !written) {
      throw FileError("CSVLogger: \"" + filename_ + "\" cannot be written: " + std::strerror(error) + ".");
    }
  }

  std::string filename_;
  CSVLoggerOptions options_;
  std::vector<std::string> keys_;
};

}  // namespace graft
