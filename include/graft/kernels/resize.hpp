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

/// A horizontal tap as offsets within a row, or -1 outside.
struct ResizeColumn {
  Index low = 0, high = 0;
  float weight = 0;
};

constexpr Index kResizeColumns = 64;  // taps of that many columns are found once for all rows of a part

/// One pixel from its four neighbours, a null pointer outside: `fill`.
template <class In, class Scalar>
void resize_one(Index channels, const In* a, const In* b, const In* c, const In* d, Scalar across, Scalar down,
                Scalar fill, Scalar* y) {
  const auto value = [fill](const In* at, Index i) { return at ? static_cast<Scalar>(at[i]) : fill; };
  for (Index i = 0; i < channels; ++i) {
    const Scalar top = value(a, i) + (value(b, i) - value(a, i)) * across;
    const Scalar bottom = value(c, i) + (value(d, i) - value(c, i)) * across;
    y[i] = top + (bottom - top) * down;
  }
}

/// The pixels of some columns of an output row, all of them inside; Channels 0: as many as `channels` says.
template <Index Channels, class In, class Scalar>
void resize_inner(Index channels, const ResizeColumn* columns, Index count, const In* top, const In* bottom,
                  Scalar down, Scalar* y) {
  const Index n = Channels ? Channels : channels;
  for (Index k = 0; k < count; ++k, y += n) {
    const In *a = top + columns[k].low, *b = top + columns[k].high;
    const In *c = bottom + columns[k].low, *d = bottom + columns[k].high;
    const Scalar across = static_cast<Scalar>(columns[k].weight);
    for (Index i = 0; i < n; ++i) {
      const Scalar left = static_cast<Scalar>(a[i]), below = static_cast<Scalar>(c[i]);
      const Scalar upper = left + (static_cast<Scalar>(b[i]) - left) * across;
      const Scalar lower = below + (static_cast<Scalar>(d[i]) - below) * across;
      y[i] = upper + (lower - upper) * down;
    }
  }
}

/// Columns `left` … left + count - 1 of the output rows first … last - 1.
template <class In, class Scalar>
void resize_columns(const ResizeDesc& desc, const In* x, Scalar* y, Index first, Index last, Index left, Index count) {
  const Index row_size = desc.width.in * desc.channels, image = desc.height.in * row_size;
  const Scalar fill = static_cast<Scalar>(desc.fill);
  ResizeColumn columns[kResizeColumns];
  bool inner = true;
  for (Index k = 0; k < count; ++k) {
    const ResizeTap tap = resize_tap(desc.width, desc.bilinear, left + k);
    columns[k] = {resize_inside(desc.width, tap.low) ? tap.low * desc.channels : -1,
                  resize_inside(desc.width, tap.high) ? tap.high * desc.channels : -1, tap.weight};
    inner = inner && columns[k].low >= 0 && columns[k].high >= 0;
  }
  for (Index row = first; row < last; ++row) {
    const ResizeTap tap = resize_tap(desc.height, desc.bilinear, row % desc.height.out);
    const In* from = x + row / desc.height.out * image;
    const In* top = resize_inside(desc.height, tap.low) ? from + tap.low * row_size : nullptr;
    const In* bottom = resize_inside(desc.height, tap.high) ? from + tap.high * row_size : nullptr;
    const Scalar down = static_cast<Scalar>(tap.weight);
    Scalar* to = y + (row * desc.width.out + left) * desc.channels;
    if (!desc.bilinear) {
      for (Index k = 0; k < count; ++k, to += desc.channels) {
        const bool inside = top && columns[k].low >= 0;
        for (Index i = 0; i < desc.channels; ++i) {
          to[i] = inside ? static_cast<Scalar>(top[columns[k].low + i]) : fill;
        }
      }
    } else if (inner && top && bottom) {
      if (desc.channels == 3) resize_inner<3>(desc.channels, columns, count, top, bottom, down, to);
      else resize_inner<0>(desc.channels, columns, count, top, bottom, down, to);
    } else {
      const auto at = [](const In* of_row, Index offset) { return of_row && offset >= 0 ? of_row + offset : nullptr; };
      for (Index k = 0; k < count; ++k, to += desc.channels) {
        const auto [low, high, weight] = columns[k];
        resize_one(desc.channels, at(top, low), at(top, high), at(bottom, low), at(bottom, high),
                   static_cast<Scalar>(weight), down, fill, to);
      }
    }
  }
}

}  // namespace detail

/// y: (images, height.out, width.out, channels). The input may be bytes: pictures as they are decoded.
template <class In, class Scalar>
void resize_forward(const ResizeDesc& desc, const In* x, Scalar* y) {
  const Index cost = desc.width.out * desc.channels * 4;
  parallel_for(0, desc.images * desc.height.out, 65536 / (cost + 1) + 1, [&](Index first, Index last) {
    for (Index left = 0; left < desc.width.out; left += detail::kResizeColumns) {
      const Index count = std::min(detail::kResizeColumns, desc.width.out - left);
      detail::resize_columns(desc, x, y, first, last, left, count);
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
