#pragma once

#include "graft/core/macros.hpp"

namespace graft::kernels {

/// A tensor seen as (outer, channels, inner), row-major: channels-last is inner = 1, channels-first (N, C, H, W) is
/// outer = N, inner = H * W. Every channel has outer * inner values.
struct BatchNormDesc {
  Index outer = 0;
  Index channels = 0;
  Index inner = 1;
  double epsilon = 1e-3;
};

}  // namespace graft::kernels
