#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

#include "graft/graft.hpp"
#include "measure.hpp"

// What a comparison of times begins with: that the peers compute the same numbers.
namespace peers {

/// Numbers in place of the zeros and ones that biases and normalizations begin with, which would hide mistakes.
inline void make_typical(const graft::Model<float>& model) {
  std::uint32_t seed = 1;
  for (const auto& variable : model.weights()) {
    const std::string& name = variable->name();
    const bool factor = name == "gamma" || name == "moving_variance" || name == "variance";
    const bool summand = name == "beta" || name == "bias" || name == "moving_mean" || name == "mean";
    if (!factor && !summand) continue;
    const auto values = measure::numbers(variable->size(), ++seed, factor ? 0.5f : -0.1f, factor ? 1.5f : 0.1f);
    std::copy(values.begin(), values.end(), variable->mutable_value().data());
  }
}

inline float largest(const std::vector<float>& values) {
  float most = 0;
  for (const float value : values) most = std::isfinite(value) ? std::max(most, std::abs(value)) : INFINITY;
  return most;
}

inline std::vector<float> difference(std::vector<float> a, const std::vector<float>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
  return a;
}

/// Ends the program unless the two agree to `tolerance`, relative to the largest number.
inline void require_agreement(const std::string& what, const std::vector<float>& mine, const std::vector<float>& theirs,
                              float tolerance = 1e-3f) {
  const float scale = largest(mine);
  const bool comparable = !mine.empty() && mine.size() == theirs.size() && scale > 0 && std::isfinite(scale);
  const float error = comparable ? largest(difference(mine, theirs)) / scale : INFINITY;
  if (error <= tolerance) return;
  std::fprintf(stderr, "%s: graft's numbers and LibTorch's differ by %g of the largest, %g (%zu and %zu numbers)\n",
               what.c_str(), static_cast<double>(error), static_cast<double>(scale), mine.size(), theirs.size());
  std::exit(1);
}

}  // namespace peers
