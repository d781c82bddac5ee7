#pragma once

#include <cstddef>
#include <memory>

#include "graft/core/aligned.hpp"
#include "graft/core/macros.hpp"

namespace graft::kernels {

/// Scratch memory of the calling thread, 64-byte aligned, at least `count` floats; it grows and is kept, so that a
/// steady state allocates nothing. A kernel holds it only until it returns, and meanwhile calls no other that takes the
/// same slot: 0 is the products' and everybody's who calls nothing, 1 and 2 are those of algorithms around products.
template <int kSlot = 0>
float* workspace(Index count) {
  struct Buffer {
    std::unique_ptr<float[], AlignedDelete> memory;
    Index size = 0;
  };
  thread_local Buffer buffer;
  if (buffer.size < count) {
    buffer.memory.reset();
    buffer.size = 0;
    buffer.memory = allocate_aligned<float>(count);
    buffer.size = count;
  }
  return buffer.memory.get();
}

}  // namespace graft::kernels
