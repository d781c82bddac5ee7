#pragma once

#include <atomic>
#include <cmath>
#include <random>

#include "graft/core/macros.hpp"

namespace graft {

/// A key of the counter-based random numbers: number `i` of a key depends on the key and on `i` alone, so that results
/// do not depend on the number of threads or on the order in which they work. `fold` derives an independent key.
struct RandomKey {
  std::uint64_t value = 0;

  RandomKey fold(std::uint64_t data) const { return {mix(value ^ mix(data + 0x9E3779B97F4A7C15u))}; }
  /// 64 random bits.
  std::uint64_t bits(std::uint64_t counter) const { return mix(value + (counter + 1) * 0x9E3779B97F4A7C15u); }
  /// Uniform in [0, 1), 53 bits.
  double uniform(std::uint64_t counter) const { return static_cast<double>(bits(counter) >> 11) * 0x1p-53; }
  /// Standard normal, by Box and Muller; uses counters 2i and 2i+1.
  double normal(std::uint64_t counter) const {
    const double radius = std::sqrt(-2.0 * std::log1p(-uniform(2 * counter)));
    return radius * std::cos(6.283185307179586 * uniform(2 * counter + 1));
  }

  // The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
  static constexpr std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
};

/// A sequence over a key, for code that draws one number after the other.
class Rng {
 public:
  explicit Rng(RandomKey key) : key_(key) {}
  explicit Rng(std::uint64_t seed) : key_{RandomKey::mix(seed ^ 0x6A09E667F3BCC909u)} {}

  std::uint64_t bits() { return key_.bits(counter_++); }
  double uniform() { return key_.uniform(counter_++); }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  double normal() {
    const double radius = std::sqrt(-2.0 * std::log1p(-uniform()));
    return radius * std::cos(6.283185307179586 * uniform());
  }
  /// Uniform in 0 … n-1.
  Index below(Index n) { return static_cast<Index>(uniform() * static_cast<double>(n)); }
  /// A key for a part of the work, independent of what this sequence draws later.
  RandomKey split() { return RandomKey{bits()}.fold(0x5851F42D4C957F2Du); }

 private:
  RandomKey key_;
  std::uint64_t counter_ = 0;
};

namespace detail {
struct GlobalRandom {
  std::atomic<std::uint64_t> seed;
  std::atomic<std::uint64_t> draws{0};
  GlobalRandom() {
    std::random_device device;
    seed = (static_cast<std::uint64_t>(device()) << 32) | device();
  }
};
inline GlobalRandom& global_random() {
  static GlobalRandom state;
  return state;
}
}  // namespace detail

/// Makes everything that follows repeatable: initial weights, shuffling, dropout. Without it every run differs, as in Keras.
inline void set_random_seed(std::uint64_t seed) {
  detail::global_random().seed = seed;
  detail::global_random().draws = 0;
}

/// The next key of the program's own sequence.
inline RandomKey next_random_key() {
  auto& state = detail::global_random();
  return Rng(state.seed.load()).split().fold(state.draws.fetch_add(1));
}

}  // namespace graft
