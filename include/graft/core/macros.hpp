#pragma once

#include <cstdint>

// Cold code (configuration, errors, files) is compiled for size: it costs users' compile time, not their run time.
#if defined(__GNUC__) || defined(__clang__)
#define GRAFT_COLD [[gnu::cold, gnu::noinline]]
#else
#define GRAFT_COLD
#endif

namespace graft {

/// Signed 64-bit: sizes, offsets and class indices. Signed as in Eigen, so that differences need no casts.
using Index = std::int64_t;

}  // namespace graft
