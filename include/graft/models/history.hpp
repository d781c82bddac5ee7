#pragma once

#include <string>
#include <vector>

#include "graft/core/error.hpp"
#include "graft/core/text.hpp"

namespace graft {

/// Named numbers in the order in which they were first set: the logs of a batch or an epoch.
class Logs {
 public:
  using Entry = std::pair<std::string, double>;

  void set(const std::string& name, double value) {
    for (Entry& entry : entries_) {
      if (entry.first == name) {
        entry.second = value;
        return;
      }
    }
    entries_.emplace_back(name, value);
  }
  /// The value, or nullptr.
  const double* find(const std::string& name) const {
    for (const Entry& entry : entries_) {
      if (entry.first == name) return &entry.second;
    }
    return nullptr;
  }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }
  bool empty() const { return entries_.empty(); }

 private:
  std::vector<Entry> entries_;
};

/// What `fit` returns: one number per epoch for each name: loss, accuracy, val_loss, val_accuracy …
class History {
 public:
  std::vector<Index> epoch;          ///< numbers of the epochs, from initial_epoch on
  Index cached_layers = 0;           ///< with cache_frozen_prefix: layers that ran once
  Index cached_bytes = 0;            ///< and the size of what they computed
  std::string uncached_reason = {};  ///< why nothing was cached though asked for

  /// The numbers of one name. Throws ConfigError with the nearest name when there is none.
  GRAFT_COLD const std::vector<double>& operator[](const std::string& name) const {
    std::vector<std::string> known;
    for (const auto& entry : series_) {
      if (entry.first == name) return entry.second;
      known.push_back(entry.first);
    }
    fail<ConfigError>("history", "a recorded name", "\"" + name + "\"", text::did_you_mean(name, known));
  }
  bool contains(const std::string& name) const {
    for (const auto& entry : series_) {
      if (entry.first == name) return true;
    }
    return false;
  }
  /// Writes the curves as a page that needs no other file; HtmlReport makes richer ones. Include
  /// graft/io/report/html_report.hpp (graft.hpp does). Throws FileError.
  void save_html(const std::string& path, const std::string& title = "Training") const;
  GRAFT_COLD std::vector<std::string> keys() const {
    std::vector<std::string> names;
    for (const auto& entry : series_) names.push_back(entry.first);
    return names;
  }
  GRAFT_COLD void append(Index number, const Logs& logs) {
    epoch.push_back(number);
    for (const auto& [name, value] : logs) {
      auto it = series_.begin();
      while (it != series_.end() && it->first != name) ++it;
      if (it == series_.end()) it = series_.insert(it, {name, {}});
      it->second.push_back(value);
    }
  }
  /// Replaces the epochs by those of another one; the rest stays.
  GRAFT_COLD void take_epochs(const History& other) {
    epoch = other.epoch;
    series_ = other.series_;
  }
  /// A whole series, for who reads a history from a file.
  GRAFT_COLD void set_series(const std::string& name, std::vector<double> values) {
    series_.emplace_back(name, std::move(values));
  }

 private:
  std::vector<std::pair<std::string, std::vector<double>>> series_;
};

}  // namespace graft
