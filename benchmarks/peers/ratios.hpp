#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

namespace measure {

/// Geometric mean, smallest and largest of ratios.
struct Ratios {
  double log_sum = 0, least = INFINITY, most = 0;
  int count = 0;
  void add(double ratio) {
    log_sum += std::log(ratio);
    least = std::min(least, ratio);
    most = std::max(most, ratio);
    ++count;
  }
  double mean() const { return std::exp(log_sum / count); }
  std::string text() const {
    char line[80];
    std::snprintf(line, sizeof line, "%.2f × (%.2f to %.2f)", mean(), least, most);
    return line;
  }
};

}  // namespace measure
