#pragma once

#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

// Clocks and medians. Needs nothing of graft: the peers' programs use it too.
namespace measure {

inline double seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Time on the wall, and what this process had of all processors: where, with one thread, wall time exceeds CPU time by
/// much, something else was running.
struct Time {
  double wall = 0, cpu = 0;

  static Time now() { return {seconds(CLOCK_MONOTONIC), seconds(CLOCK_PROCESS_CPUTIME_ID)}; }
  Time operator-(const Time& other) const { return {wall - other.wall, cpu - other.cpu}; }
};

inline double median(std::vector<double> values) {
  if (values.empty()) return std::nan("");
  const std::size_t half = values.size() / 2;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(half), values.end());
  const double high = values[half];
  if (values.size() % 2 == 1) return high;
  return (high + *std::max_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(half))) / 2;
}

/// Time of one call of `work`, from as many calls as fill `length` seconds; 0: of one call.
template <class Work>
Time of_a_call(double length, Work&& work) {
  const Time start = Time::now();
  std::int64_t calls = 0;
  Time spent;
  do {
    // As many calls as there were: the clock is read seldom, and the last calls take no longer than all before.
    const std::int64_t more = spent.wall > length / 4 ? 1 : std::max<std::int64_t>(1, calls);
    for (std::int64_t i = 0; i < more; ++i) work();
    calls += more;
    spent = Time::now() - start;
  } while (spent.wall < length);
  return {spent.wall / static_cast<double>(calls), spent.cpu / static_cast<double>(calls)};
}

/// Between the turns of peers that share a process: OpenMP's threads go on spinning for some milliseconds when their work
/// is done, on the cores that the next one is to have.
inline void let_others_rest() {
  const timespec pause{0, 50'000'000};
  nanosleep(&pause, nullptr);
}

/// Numbers in [low, high), the same for a seed everywhere.
inline std::vector<float> numbers(std::int64_t count, std::uint32_t seed, float low = -1.0f, float high = 1.0f) {
  std::vector<float> result(static_cast<std::size_t>(count));
  std::uint32_t state = seed * 2654435761u + 12345u;
  for (float& x : result) {
    state = state * 1664525u + 1013904223u;
    x = low + (high - low) * static_cast<float>(state >> 8) * (1.0f / 16777216.0f);
  }
  return result;
}

}  // namespace measure
