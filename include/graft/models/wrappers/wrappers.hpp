#pragma once

#include "graft/models/wrappers/bidirectional.hpp"
#include "graft/models/wrappers/spectral_normalization.hpp"
#include "graft/models/wrappers/time_distributed.hpp"
#include "graft/nn/layers.hpp"

namespace graft {

/// Makes the layers that hold layers known to LayerRegistry<Scalar>; only the first call does something.
template <class Scalar>
GRAFT_COLD void register_builtin_wrappers() {
  static const bool done = (detail::register_builtin<Bidirectional, Scalar>("Bidirectional"),
                            detail::register_builtin<SpectralNormalization, Scalar>("SpectralNormalization"),
                            detail::register_builtin<TimeDistributed, Scalar>("TimeDistributed"), true);
  (void)done;
}

}  // namespace graft
