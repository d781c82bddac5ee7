#pragma once

#include "graft/core/macros.hpp"

namespace graft::kernels {

/// A window that walks over (batch, depth, height, width, channels); fewer dimensions are 1 in front. Window o of an
/// axis holds the elements o * stride - pad … + pool - 1, of which those outside the input do not exist. Every window
/// holds at least one element.
///
/// channels_first is the same with batch * channels samples of one channel.
struct PoolingDesc {
  Index batch = 1;
  Index channels = 1;
  Index in[3] = {1, 1, 1};
  Index out[3] = {1, 1, 1};
  Index pool[3] = {1, 1, 1};
  Index stride[3] = {1, 1, 1};
  Index pad[3] = {0, 0, 0};  ///< in front; what follows is implied by `out`
  bool sum = false;          ///< average pooling does not divide

  Index window() const { return pool[0] * pool[1] * pool[2]; }
  Index in_places() const { return in[0] * in[1] * in[2]; }
  Index out_places() const { return out[0] * out[1] * out[2]; }
};

}  // namespace graft::kernels
