#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>

#include "graft/core/macros.hpp"

namespace graft {

/// Every tensor and every arena starts on a cache line, whatever flags the program is compiled with: objects may cross
/// from a file compiled with -mavx2 to one without.
inline constexpr std::size_t kAlignment = 64;

struct AlignedDelete {
  void operator()(void* memory) const { ::operator delete(memory, std::align_val_t{kAlignment}); }
};

/// Uninitialised, aligned memory for `count` elements of a trivial type. Throws std::bad_alloc.
template <class T>
std::unique_ptr<T[], AlignedDelete> allocate_aligned(Index count) {
  const std::size_t bytes = static_cast<std::size_t>(count > 0 ? count : 1) * sizeof(T);
  return std::unique_ptr<T[], AlignedDelete>(static_cast<T*>(::operator new(bytes, std::align_val_t{kAlignment})));
}

}  // namespace graft
