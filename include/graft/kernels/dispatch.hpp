#pragma once

#include <cstddef>

#include "graft/kernels/isa.hpp"

namespace graft::kernels {

/// One way to compute something. `supported` says whether it can (and should) do the job that `desc` describes.
template <class Desc, class Function>
struct Kernel {
  const char* name;
  Isa isa;  ///< needs at least this
  bool (*supported)(const Desc& desc);
  Function* run;
};

/// The first of an ordered list, best first, that the instruction set can run and that supports `desc`. The list ends
/// with a reference kernel that supports everything.
template <class Desc, class Function, std::size_t kCount>
constexpr const Kernel<Desc, Function>& choose(const Kernel<Desc, Function> (&list)[kCount], const Desc& desc,
                                               Isa isa) {
  for (const Kernel<Desc, Function>& kernel : list) {
    if (kernel.isa <= isa && kernel.supported(desc)) return kernel;
  }
  return list[kCount - 1];
}

/// A kernel that every instruction set has, for every description: the choice is the instruction set alone.
template <class Function>
struct IsaTable {
  Function* reference;
  Function* portable;
  Function* avx2;
  Function* avx512;

  Function* operator[](Isa isa) const {
    switch (isa) {
      case Isa::avx512: return avx512;
      case Isa::avx2: return avx2;
      case Isa::portable: return portable;
      default: return reference;
    }
  }
};

}  // namespace graft::kernels

// The table of a simd function that stands, under one name, in every instruction set's namespace.
#if GRAFT_KERNELS_X86
#define GRAFT_ISA_TABLE(Function, function, reference_function)                                     \
  ::graft::kernels::IsaTable<Function> {                                                            \
    &reference_function, &::graft::kernels::portable::function, &::graft::kernels::avx2::function, \
        &::graft::kernels::avx512::function                                                         \
  }
#else
#define GRAFT_ISA_TABLE(Function, function, reference_function)                                         \
  ::graft::kernels::IsaTable<Function> {                                                                \
    &reference_function, &::graft::kernels::portable::function, &::graft::kernels::portable::function, \
        &::graft::kernels::portable::function                                                           \
  }
#endif
