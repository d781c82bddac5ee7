#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "graft/core/thread_pool.hpp"
#include "graft/kernels/isa.hpp"

namespace graft::testing {

/// Runs what follows under one instruction set and number of threads, and puts both back.
class Setting {
 public:
  Setting(kernels::Isa isa, int threads) : isa_(kernels::active_isa()), threads_(num_threads()) {
    kernels::set_active_isa(isa);
    set_num_threads(threads);
  }
  ~Setting() {
    kernels::set_active_isa(isa_);
    set_num_threads(threads_);
  }
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;

 private:
  kernels::Isa isa_;
  int threads_;
};

/// The vector paths that this machine can run.
inline std::vector<kernels::Isa> vector_isas() {
  std::vector<kernels::Isa> result;
  for (const kernels::Isa isa : {kernels::Isa::portable, kernels::Isa::avx2, kernels::Isa::avx512}) {
    if (isa <= kernels::detected_isa()) result.push_back(isa);
  }
  return result;
}

/// Numbers in [low, high), the same for a seed.
inline std::vector<float> numbers(Index n, std::uint32_t seed, float low = -1.0f, float high = 1.0f) {
  std::vector<float> result(static_cast<std::size_t>(n));
  std::uint32_t state = seed * 2654435761u + 12345u;
  for (float& x : result) {
    state = state * 1664525u + 1013904223u;
    x = low + (high - low) * static_cast<float>(state >> 8) * (1.0f / 16777216.0f);
  }
  return result;
}

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

/// Largest |a - b| / (1 + |b|); infinity if only one is NaN or they are different infinities.
inline double distance(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return INFINITY;
  double worst = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a[i], y = b[i];
    if (std::isnan(x) && std::isnan(y)) continue;
    if (x == y) continue;
    const double d = std::fabs(x - y) / (1.0 + std::fabs(y));
    worst = std::isnan(d) ? INFINITY : std::fmax(worst, d);
  }
  return worst;
}

inline constexpr Index kOddSizes[] = {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 127, 130};

}  // namespace graft::testing
