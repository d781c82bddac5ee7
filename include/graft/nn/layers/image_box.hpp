#pragma once

#include <cmath>

#include "graft/core/random.hpp"

namespace graft::detail {

/// A rectangle of pixels: those with x0 <= x < x1 and y0 <= y < y1.
struct ImageBox {
  double x0 = 0, x1 = 0, y0 = 0, y1 = 0;

  bool contains(Index row, Index col) const {
    const double y = static_cast<double>(row), x = static_cast<double>(col);
    return x >= x0 && x < x1 && y >= y0 && y < y1;
  }
  double area() const { return (x1 - x0) * (y1 - y0); }
};

/// A box of the given parts of width and height, somewhere in the image; takes numbers `counter` and `counter` + 1.
inline ImageBox draw_box(RandomKey stream, std::uint64_t counter, Index height, Index width, double of_width,
                         double of_height) {
  const double wide = of_width * static_cast<double>(width), high = of_height * static_cast<double>(height);
  const double x = stream.uniform(counter) * (static_cast<double>(width) - wide);
  const double y = stream.uniform(counter + 1) * (static_cast<double>(height) - high);
  return {x, x + wide, y, y + high};
}

}  // namespace graft::detail
