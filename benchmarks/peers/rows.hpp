#pragma once

#include <cstdio>
#include <functional>
#include <string>

#include "measure.hpp"

// What programs that time whole networks share: turns, and the lines of benchmarks/compare.
namespace measure {

inline std::string plural(int threads) { return threads == 1 ? "1 thread" : std::to_string(threads) + " threads"; }

/// Medians of each peer's time for one kind of work, in turns.
inline std::vector<double> in_turns(const std::vector<std::function<void()>>& work, int rounds, int threads) {
  std::vector<std::vector<double>> times(work.size());
  for (int round = -1; round < rounds; ++round) {  // the first does not count
    for (std::size_t i = 0; i < work.size(); ++i) {
      if (threads > 1) let_others_rest();
      const double time = of_a_call(round < 0 ? 0 : 0.05, work[i]).wall;
      if (round >= 0) times[i].push_back(time);
    }
  }
  std::vector<double> result;
  for (const auto& of_peer : times) result.push_back(median(of_peer));
  return result;
}

/// A line of the table: graft's time comes first, then those of LibTorch's layouts, if it is installed.
inline void print_row(const std::string& what, int threads, const std::vector<double>& times, const char* target,
                      bool in_seconds = false) {
  double torch = 0;
  for (std::size_t i = 1; i < times.size(); ++i) torch = torch == 0 ? times[i] : std::min(torch, times[i]);
  const char* unit = in_seconds ? "s" : "ms";
  const double each = in_seconds ? 1 : 1e3;
  std::printf("summary | %s, %s | %.1f %s |", what.c_str(), plural(threads).c_str(), each * times[0], unit);
  if (torch > 0) std::printf(" LibTorch %.1f %s | %.2f × |", each * torch, unit, torch / times[0]);
  else std::printf(" LibTorch is not installed: apt install libtorch-dev | – |");
  std::printf(" %s |\n", threads == 1 ? target : "–");
  std::fflush(stdout);
}

}  // namespace measure
