#pragma once

#include <algorithm>

#include "graft/core/tensor.hpp"

namespace graft {

struct ImageGridOptions {
  Index columns = 0;      ///< 0: as many as make the grid about square
  Index gap = 2;          ///< pixels between two pictures
  double background = 0;  ///< value of the gaps, and of places without a picture
};

/// Pictures (n, height, width) or (n, height, width, channels) side by side, row by row, as one picture: for save_img.
/// Throws ShapeError for other shapes, ConfigError for a negative gap.
template <class Scalar>
GRAFT_COLD Tensor<Scalar> image_grid(const Tensor<Scalar>& images, const ImageGridOptions& options = {}) {
  const Shape& shape = images.shape();
  if ((shape.rank() != 3 && shape.rank() != 4) || images.size() == 0) {
    fail<ShapeError>("image_grid", "images (n, height, width) or (n, height, width, channels)", shape.str());
  }
  if (options.gap < 0 || options.gap > 1000)
    fail<ConfigError>("image_grid gap", "0 to 1000", std::to_string(options.gap));
  if (options.columns < 0) fail<ConfigError>("image_grid columns", "at least 0", std::to_string(options.columns));
  const Index count = shape[0], height = shape[1], width = shape[2], channels = shape.rank() == 4 ? shape[3] : 1;
  Index columns = options.columns;
  while (options.columns == 0 && columns * columns < count) ++columns;
  columns = std::min(columns, count);
  const Index rows = (count + columns - 1) / columns, gap = options.gap;
  const Index full_height = rows * (height + gap) - gap, full_width = columns * (width + gap) - gap;
  Tensor<Scalar> grid({full_height, full_width, channels}, static_cast<Scalar>(options.background));
  for (Index i = 0; i < count; ++i) {
    const Index top = i / columns * (height + gap), left = i % columns * (width + gap);
    for (Index y = 0; y < height; ++y) {
      std::copy_n(images.data() + (i * height + y) * width * channels, width * channels,
                  grid.data() + ((top + y) * full_width + left) * channels);
    }
  }
  return grid;
}

}  // namespace graft
