#pragma once

#include <algorithm>
#include <cmath>

#include "graft/core/thread_pool.hpp"
#include "graft/kernels/resize_desc.hpp"

// Resizing of images. Positions are computed in float, as TensorFlow does, so that the nearest pixel is the same one.
namespace graft::kernels {

namespace detail {

inline ResizeTap resize_tap(const ResizeAxis& axis, bool bilinear, Index i) {
  const float scale = static_cast<float>(axis.window) / static_cast<float>(axis.out);
  const float position = (static_cast<float>(i) + 0.5f) * scale - (bilinear ? 0.5f : 0.0f);
  const float below = std::floor(position);
  const Index last = axis.window - 1;
  const Index low = std::clamp<Index>(static_cast<Index>(below), 0, last);
  if (!bilinear) return {axis.start + low, axis.start + low, 0.0f};
  return {axis.start + low, axis.start + std::clamp<Index>(static_cast<Index>(std::ceil(position)), 0, last),
          position - below};
}

inline bool resize_inside(const ResizeAxis& axis, Index pixel) { return pixel >= 0 && pixel < axis.in; }

/// Calls fn(output offset, vertical tap, horizontal tap) for every pixel of an output row of an image.
template <class Fn>
void for_each_resized(const ResizeDesc& desc, Index row, const Fn& fn) {
  const ResizeTap vertical = resize_tap(desc.height, desc.bilinear, row % desc.height.out);
  for (Index i = 0; i < desc.width.out; ++i) {
    fn((row * desc.width.out + i) * desc.channels, vertical, resize_tap(desc.width, desc.bilinear, i));
  }
}

/// Offset of a pixel within its image, or -1 outside.
inline Index resize_pixel(const ResizeDesc& desc, Index y, Index x) {
  const bool inside = resize_inside(desc.height, y) && resize_inside(desc.width, x);
  return inside ? (y * desc.width.in + x) * desc.channels : -1;
}

}  // namespace detail

/// y: (images, height.out, width.out, channels).
template <class Scalar>
void resize_forward(const ResizeDesc& desc, const Scalar* x, Scalar* y) {
  const Index image = desc.height.in * desc.width.in * desc.channels, cost = desc.width.out * desc.channels * 4;
  const Scalar fill = static_cast<Scalar>(desc.fill);
  parallel_for(0, desc.images * desc.height.out, 65536 / (cost + 1) + 1, [&](Index first, Index last) {
    for (Index row = first; row < last; ++row) {
      const Scalar* from = x + row / desc.height.out * image;
      detail::for_each_resized(desc, row, [&](Index to, const ResizeTap& v, const ResizeTap& h) {
        const Index a = detail::resize_pixel(desc, v.low, h.low), b = detail::resize_pixel(desc, v.low, h.high);
        const Index c = detail::resize_pixel(desc, v.high, h.low), d = detail::resize_pixel(desc, v.high, h.high);
        const Scalar across = static_cast<Scalar>(h.weight), down = static_cast<Scalar>(v.weight);
        for (Index i = 0; i < desc.channels; ++i) {
          const auto pixel = [&](Index at) { return at >= 0 ? from[at + i] : fill; };
          if (!desc.bilinear) {
            y[to + i] = pixel(a);
            continue;
          }
          const Scalar top = pixel(a) + (pixel(b) - pixel(a)) * across;
          const Scalar bottom = pixel(c) + (pixel(d) - pixel(c)) * across;
          y[to + i] = top + (bottom - top) * down;
        }
      });
    }
  });
}

/// dx (+)= the gradient of resize_forward.
template <class Scalar>
void resize_backward(const ResizeDesc& desc, const Scalar* dy, Scalar* dx, bool accumulate) {
  const Index image = desc.height.in * desc.width.in * desc.channels, rows = desc.height.out;
  const Index cost = rows * desc.width.out * desc.channels * 4;
  parallel_for(0, desc.images, 65536 / (cost + 1) + 1, [&](Index first, Index last) {
    for (Index n = first; n < last; ++n) {
      Scalar* to = dx + n * image;
      if (!accumulate) std::fill_n(to, image, Scalar(0));
      for (Index row = n * rows; row < (n + 1) * rows; ++row) {
        detail::for_each_resized(desc, row, [&](Index from, const ResizeTap& v, const ResizeTap& h) {
          const auto spread = [&](Index y, Index x, float weight) {
            const Index at = detail::resize_pixel(desc, y, x);
            if (at < 0 || weight == 0.0f) return;
            for (Index i = 0; i < desc.channels; ++i) to[at + i] += static_cast<Scalar>(weight) * dy[from + i];
          };
          spread(v.low, h.low, (1 - v.weight) * (1 - h.weight));
          spread(v.low, h.high, (1 - v.weight) * h.weight);
          spread(v.high, h.low, v.weight * (1 - h.weight));
          spread(v.high, h.high, v.weight * h.weight);
        });
      }
    }
  });
}

}  // namespace graft::kernels
