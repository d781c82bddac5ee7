#pragma once

#include <csetjmp>

#include "graft/core/macros.hpp"

namespace graft::detail {

/// Where libjpeg and libpng, written in C, leave to when they meet an error, and what they said.
struct Escape {
  std::jmp_buf point;
  char message[256] = {};

  [[noreturn]] void leave() { std::longjmp(point, 1); }
};

/// Runs step(object), which may leave through `escape`; false when it did. Between here and there nothing may have a
/// destructor: a step is a plain function that owns nothing and only calls the C library. What it needs is allocated by
/// its caller, and errors are thrown by its caller.
template <class Object>
#if defined(__GNUC__) || defined(__clang__)
[[gnu::noinline]]
#endif
bool guarded(Escape& escape, void (*step)(Object&), Object& object) {
  if (setjmp(escape.point) != 0) return false;
  step(object);
  return true;
}

}  // namespace graft::detail
