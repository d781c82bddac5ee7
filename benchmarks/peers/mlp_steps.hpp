#pragma once

#include <cstdio>
#include <cstdlib>

#include "measure.hpp"

// What the programs mlp_graft and mlp_torch have in common, so that both do the same work: a training step of
// Flatten-300-100-10 (relu, softmax, cross-entropy, plain SGD) over pictures of 28 x 28 in their given order. They are
// called with the number of threads, and wait: for each line "BATCH SECONDS" on standard input they train for about
// that long and answer with a line "WALL CPU", the microseconds of a step, until a line says "quit".
// So two of them can take turns.
namespace mlp {

constexpr std::int64_t kSamples = 12800;  // 40 MB: more than a cache holds, as the whole data set is
constexpr std::int64_t kPixels = 28 * 28, kHidden1 = 300, kHidden2 = 100, kClasses = 10;
constexpr double kLearningRate = 0.01;

/// Operations of a step: forward and weight gradient of all layers, data gradient of all but the first.
constexpr double flops(std::int64_t batch) {
  constexpr std::int64_t all = kPixels * kHidden1 + kHidden1 * kHidden2 + kHidden2 * kClasses;
  return 2.0 * static_cast<double>(batch * (2 * all + kHidden1 * kHidden2 + kHidden2 * kClasses));
}

inline std::vector<float> images() { return measure::numbers(kSamples * kPixels, 1, 0.0f, 1.0f); }
inline std::vector<std::int64_t> labels() {
  std::vector<std::int64_t> result;
  for (const float x : measure::numbers(kSamples, 2, 0.0f, 10.0f)) result.push_back(static_cast<std::int64_t>(x));
  return result;
}

/// train(batch, seconds) returns the time of a step.
template <class Train>
int serve(Train&& train) {
  char line[256];
  while (std::fgets(line, sizeof line, stdin) != nullptr) {
    if (line[0] == 'q') return 0;
    char* rest = nullptr;
    const long batch = std::strtol(line, &rest, 10);
    const double length = std::strtod(rest, nullptr);
    if (batch < 1 || batch > kSamples || !(length > 0)) {
      std::fprintf(stderr, "expected a batch size and seconds, received %s", line);
      return 2;
    }
    const measure::Time step = train(static_cast<std::int64_t>(batch), length);
    std::printf("%.3f %.3f\n", step.wall * 1e6, step.cpu * 1e6);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace mlp
