#pragma once

#include "graft/core/macros.hpp"

namespace graft::kernels {

/// A (batch, positions, channels) array whose channels form `groups` groups of neighbours. Each group of each sample is
/// normalised for itself, over its positions and channels.
struct GroupNormDesc {
  Index batch = 0;
  Index positions = 0;
  Index channels = 0;
  Index groups = 1;
  double epsilon = 1e-3;

  Index group_channels() const { return channels / groups; }
  Index sample() const { return positions * channels; }
  /// Elements of a group.
  double count() const { return static_cast<double>(positions * group_channels()); }
};

}  // namespace graft::kernels
