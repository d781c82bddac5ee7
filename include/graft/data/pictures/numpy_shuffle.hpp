#pragma once

#include <random>
#include <utility>
#include <vector>

#include "graft/core/macros.hpp"

namespace graft::detail {

/// Shuffles as numpy.random.RandomState(seed).shuffle does (Mersenne Twister; Fisher and Yates from the end; numbers in
/// 0 … i by masked rejection). Keras orders files with it before it cuts the validation split off, so the same seed
/// gives the same pictures to training and validation as in Keras.
template <class T>
GRAFT_COLD void numpy_shuffle(std::vector<T>& items, std::uint32_t seed) {
  std::mt19937 twister(seed);
  for (std::size_t i = items.size(); i-- > 1;) {
    std::uint64_t mask = i;
    for (int shift = 1; shift < 64; shift *= 2) mask |= mask >> shift;
    std::uint64_t j;
    do {
      std::uint64_t bits = twister();
      if (i > 0xFFFFFFFFu) bits = bits << 32 | twister();
      j = bits & mask;
    } while (j > i);
    std::swap(items[i], items[static_cast<std::size_t>(j)]);
  }
}

}  // namespace graft::detail
