#pragma once

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "graft/core/macros.hpp"

#if (defined(__x86_64__) || defined(__i386__)) && (defined(__GNUC__) || defined(__clang__))
#define GRAFT_KERNELS_X86 1
#else
#define GRAFT_KERNELS_X86 0
#endif

namespace graft::kernels {

/// Instruction sets, each a superset of the one before in what it can run. `portable` is 16-byte vectors of the
/// compiler: SSE2, NEON or whatever the target's baseline has.
enum class Isa { reference, portable, avx2, avx512 };

inline constexpr const char* name(Isa isa) {
  switch (isa) {
    case Isa::reference: return "reference";
    case Isa::portable: return "portable";
    case Isa::avx2: return "avx2";
    case Isa::avx512: return "avx512";
  }
  return "";
}

/// The best one that processor and operating system have.
inline Isa detected_isa() {
#if GRAFT_KERNELS_X86
  static const Isa found = [] {
    __builtin_cpu_init();  // also asks the operating system whether it saves the wide registers
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
      return Isa::avx512;
    }
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? Isa::avx2 : Isa::portable;
  }();
  return found;
#else
  return Isa::portable;
#endif
}

namespace detail {

GRAFT_COLD inline Isa isa_from_environment() {
  const char* text = std::getenv("GRAFT_ISA");
  if (text == nullptr || *text == '\0') return detected_isa();
  for (const Isa isa : {Isa::reference, Isa::portable, Isa::avx2, Isa::avx512}) {
    if (std::string_view(text) == name(isa)) return isa < detected_isa() ? isa : detected_isa();
  }
  std::fprintf(stderr, "graft: GRAFT_ISA=%s is ignored: expected reference, portable, avx2 or avx512; using %s\n", text,
               name(detected_isa()));
  return detected_isa();
}

inline std::atomic<Isa>& active_isa_cell() {
  static std::atomic<Isa> cell{isa_from_environment()};
  return cell;
}

}  // namespace detail

/// The one in use: GRAFT_ISA=reference|portable|avx2|avx512 in the environment forces a path, never above what the
/// machine has.
inline Isa active_isa() { return detail::active_isa_cell().load(std::memory_order_relaxed); }

/// For tests: forces a path for kernels chosen from now on. Returns what it was set to.
inline Isa set_active_isa(Isa isa) {
  const Isa possible = isa < detected_isa() ? isa : detected_isa();
  detail::active_isa_cell().store(possible, std::memory_order_relaxed);
  return possible;
}

}  // namespace graft::kernels
