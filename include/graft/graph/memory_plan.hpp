#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "graft/core/aligned.hpp"

namespace graft {

/// What is sorted by: number, tie-breaker, and what it stands for. One type for all, so that sorting is compiled once.
using SortKey = std::array<Index, 3>;

/// A piece of memory that is in use during the steps first … last of a run, both included.
struct Lifetime {
  Index bytes = 0;
  Index first = 0;
  Index last = 0;
  Index offset = 0;  ///< set by plan_memory
};

/// Places buffers in one arena so that those in use at the same time do not overlap: the largest first, each into the
/// smallest gap that fits (greedy by size; Pisarchyk and Lee 2020, arXiv:2001.03288). Returns the arena's size.
GRAFT_COLD inline Index plan_memory(std::vector<Lifetime>& buffers) {
  const auto aligned = [](Index bytes) {
    const auto unit = static_cast<Index>(kAlignment);
    return (bytes + unit - 1) / unit * unit;
  };
  std::vector<SortKey> order;
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    if (buffers[i].bytes > 0) order.push_back({-buffers[i].bytes, static_cast<Index>(i), 0});
  }
  std::sort(order.begin(), order.end());

  std::vector<const Lifetime*> placed;  // by offset
  Index arena = 0;
  for (const SortKey& key : order) {
    Lifetime* buffer = &buffers[static_cast<std::size_t>(key[1])];
    const Index size = aligned(buffer->bytes);
    Index best = -1, best_gap = 0, end = 0;
    for (const Lifetime* other : placed) {
      if (other->last < buffer->first || other->first > buffer->last) continue;
      const Index gap = other->offset - end;
      if (gap >= size && (best < 0 || gap < best_gap)) {
        best = end;
        best_gap = gap;
      }
      end = std::max(end, other->offset + aligned(other->bytes));
    }
    buffer->offset = best >= 0 ? best : end;
    arena = std::max(arena, buffer->offset + size);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), buffer,
                                   [](const Lifetime* a, const Lifetime* b) { return a->offset < b->offset; }),
                  buffer);
  }
  return arena;
}

}  // namespace graft
