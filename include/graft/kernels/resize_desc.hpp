#pragma once

#include "graft/core/macros.hpp"

namespace graft::kernels {

/// One axis of a resized image: a window of the input, which may reach beyond it, becomes `out` pixels.
struct ResizeAxis {
  Index in = 0;      ///< pixels of the input
  Index start = 0;   ///< where the window starts; negative: in front of the input
  Index window = 0;  ///< pixels of the window
  Index out = 0;
};

/// (images, height, width, channels) to another height and width. Pixel centres lie at halves, as in TensorFlow 2 and
/// Keras: source = (i + 0.5) * window / out - 0.5. Nothing is smoothed when the image gets smaller.
struct ResizeDesc {
  Index images = 0;
  Index channels = 0;
  ResizeAxis height, width;
  bool bilinear = true;  ///< else the nearest pixel
  double fill = 0;       ///< value of pixels outside the input
};

/// The two pixels of an axis that an output pixel lies between: (1 - weight) * low + weight * high.
struct ResizeTap {
  Index low = 0;
  Index high = 0;
  float weight = 0;
};

}  // namespace graft::kernels
