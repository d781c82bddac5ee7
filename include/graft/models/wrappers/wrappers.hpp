#pragma once

#include "graft/models/wrappers/bidirectional.hpp"
#include "graft/models/wrappers/spectral_normalization.hpp"
#include "graft/models/wrappers/time_distributed.hpp"
#include "graft/nn/layers.hpp"

namespace graft {

/// Makes the layers that hold layers known to LayerRegistry<Scalar>; only the first call does something.
template <class Scalar>
GRAFT_COLD void register_builtin_wrappers() {
#define GRAFT_REGISTER(Class) detail::register_builtin<Class, Scalar>(#Class),
  static const bool done = (GRAFT_BUILTIN_WRAPPERS(GRAFT_REGISTER) true);
#undef GRAFT_REGISTER
  (void)done;
}

}  // namespace graft
