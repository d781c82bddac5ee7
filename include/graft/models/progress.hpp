#pragma once

#include <chrono>
#include <cstdio>
#include <string>

#include "graft/models/history.hpp"

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

namespace graft {

/// 0 silent, 1 a progress bar, 2 one line an epoch; automatic is 1 on a terminal and 2 elsewhere.
enum class Verbose { automatic = -1, silent = 0, progress_bar = 1, line = 2 };

/// Keras's progress line (keras/src/utils/generic_utils.py of 2.x):
///
///     1719/1719 [==============================] - 2s 1ms/step - loss: 1.6314 - accuracy: 0.5054
class ProgressLine {
 public:
  GRAFT_COLD ProgressLine(Verbose verbose, Index steps, std::FILE* out = stdout)
      : out_(out), steps_(steps), started_(Clock::now()), shown_(started_) {
    if (verbose == Verbose::automatic) verbose = is_terminal(out) ? Verbose::progress_bar : Verbose::line;
    verbose_ = verbose;
  }

  Verbose verbose() const { return verbose_; }

  GRAFT_COLD void begin_epoch(Index epoch, Index epochs) {
    started_ = shown_ = Clock::now();
    if (verbose_ == Verbose::progress_bar || verbose_ == Verbose::line) {
      std::fprintf(out_, "Epoch %lld/%lld\n", static_cast<long long>(epoch + 1), static_cast<long long>(epochs));
    }
  }
  /// True when it is time to show the bar again: the caller then computes its logs and calls update.
  bool due() const {
    return verbose_ == Verbose::progress_bar && Clock::now() - shown_ > std::chrono::milliseconds(50);
  }
  GRAFT_COLD void update(Index step, const Logs& logs) {
    shown_ = Clock::now();
    std::fprintf(out_, "\r%s", text(step, logs, seconds()).c_str());
    std::fflush(out_);
  }
  GRAFT_COLD void end_epoch(const Logs& logs) {
    if (verbose_ == Verbose::progress_bar) std::fprintf(out_, "\r%s\n", text(steps_, logs, seconds()).c_str());
    if (verbose_ == Verbose::line) std::fprintf(out_, "%s\n", text(steps_, logs, seconds(), false).c_str());
    std::fflush(out_);
  }

  /// The line itself. `bar` is left out in the form of one line an epoch.
  GRAFT_COLD std::string text(Index step, const Logs& logs, double elapsed, bool bar = true) const {
    const std::string total = std::to_string(steps_);
    std::string count = std::to_string(step);
    count.insert(0, total.size() - std::min(total.size(), count.size()), ' ');
    std::string line = count + "/" + total;
    if (bar) {
      constexpr Index width = 30;
      const Index done = steps_ > 0 ? width * step / steps_ : width;
      std::string cells(static_cast<std::size_t>(done), '=');
      if (step < steps_ && done > 0) cells.back() = '>';
      cells.append(static_cast<std::size_t>(width - done), '.');
      line += " [" + cells + "]";
    }
    const double per_step = step > 0 ? elapsed / static_cast<double>(step) : 0;
    if (bar && step < steps_) {
      line += " - ETA: " + duration(per_step * static_cast<double>(steps_ - step));
    } else {
      line += " - " + duration(elapsed) + " " + step_time(per_step);
    }
    for (const auto& [name, value] : logs) {
      line += " - " + name + ": " +
              graft::text::number(value != 0 && value < 1e-3 && value > -1e-3 ? "%.4e" : "%.4f", value);
    }
    return line;
  }

 private:
  using Clock = std::chrono::steady_clock;

  double seconds() const { return std::chrono::duration<double>(Clock::now() - started_).count(); }

  GRAFT_COLD static std::string duration(double time) {
    const auto whole = static_cast<long long>(time);
    char buffer[48];
    if (whole >= 3600) {
      std::snprintf(buffer, sizeof buffer, "%lld:%02lld:%02lld", whole / 3600, whole % 3600 / 60, whole % 60);
    } else if (whole >= 60) {
      std::snprintf(buffer, sizeof buffer, "%lld:%02lld", whole / 60, whole % 60);
    } else {
      std::snprintf(buffer, sizeof buffer, "%llds", whole);
    }
    return buffer;
  }
  GRAFT_COLD static std::string step_time(double time) {
    if (time >= 1) return graft::text::number("%.0fs/step", time);
    if (time >= 1e-3) return graft::text::number("%.0fms/step", time * 1e3);
    return graft::text::number("%.0fus/step", time * 1e6);
  }
  static bool is_terminal(std::FILE* out) {
#if defined(__unix__) || defined(__APPLE__)
    return isatty(fileno(out)) != 0;
#else
    (void)out;
    return false;
#endif
  }

  std::FILE* out_;
  Verbose verbose_ = Verbose::silent;
  Index steps_;
  Clock::time_point started_, shown_;
};

}  // namespace graft
