#pragma once

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "graft/core/thread_pool.hpp"

// Images that are rotated, zoomed, shifted or flipped. Positions are computed in float, as Keras does, so that the
// nearest pixel is the same one.
namespace graft::kernels {

/// Where a pixel of the output comes from: pixel (x, y) is the input at (a0 x + a1 y + a2, b0 x + b1 y + b2), x to the
/// right and y down, in pixels whose centres are the integers.
struct AffineTransform {
  float a0 = 1, a1 = 0, a2 = 0;
  float b0 = 0, b1 = 1, b2 = 0;

  float x_of(Index row, Index col) const { return static_cast<float>(row) * a1 + static_cast<float>(col) * a0 + a2; }
  float y_of(Index row, Index col) const { return static_cast<float>(row) * b1 + static_cast<float>(col) * b0 + b2; }
  /// True when a row comes from two rows.
  bool level() const { return b0 == 0.0f; }
};

/// The same of a projection: pixel (x, y) is the input at (a0 x + a1 y + a2, b0 x + b1 y + b2) / (c0 x + c1 y + 1).
struct ProjectiveTransform {
  AffineTransform numerator{};
  float c0 = 0, c1 = 0;

  float x_of(Index row, Index col) const { return within(numerator.x_of(row, col) / denominator(row, col)); }
  float y_of(Index row, Index col) const { return within(numerator.y_of(row, col) / denominator(row, col)); }

 private:
  float denominator(Index row, Index col) const {
    return c0 * static_cast<float>(col) + c1 * static_cast<float>(row) + 1;
  }
  // Far outside is outside; on the horizon there is no position at all.
  static float within(float position) { return position > -1e6f ? std::min(position, 1e6f) : -1e6f; }
};

/// What lies outside of an image.
enum class FillMode {
  reflect,   ///< d c b a | a b c d | d c b a
  constant,  ///< k k k k | a b c d | k k k k
  wrap,      ///< a b c d | a b c d | a b c d
  nearest,   ///< a a a a | a b c d | d d d d
  mirror     ///< d c b | a b c d | c b a
};

/// (images, height, width, channels); the output has the same shape.
struct AffineTransformDesc {
  Index images = 0;
  Index height = 0;
  Index width = 0;
  Index channels = 0;
  FillMode fill_mode = FillMode::reflect;
  bool bilinear = true;  ///< else the nearest pixel; of two equally near ones the even one
  double fill_value = 0;
};

namespace detail {

/// Pixel i of an axis of n pixels that goes on forever; -1 where there is none.
inline Index filled_index(FillMode mode, Index i, Index n) {
  if (i >= 0 && i < n) return i;
  switch (mode) {
    case FillMode::constant: return -1;
    case FillMode::nearest: return i < 0 ? 0 : n - 1;
    default: break;
  }
  const bool mirror = mode == FillMode::mirror;
  const Index period = mode == FillMode::reflect ? 2 * n : mirror ? std::max<Index>(1, 2 * n - 2) : n;
  const Index rest = (i % period + period) % period;
  if (mirror) return rest < n ? rest : period - rest;
  return rest < n ? rest : period - 1 - rest;
}

/// The two pixels of an axis that a position lies between: (1 - weight) * low + weight * high.
struct AffineTap {
  Index low = 0, high = 0;
  float weight = 0;
};

inline AffineTap affine_tap(const AffineTransformDesc& desc, float position, Index n) {
  if (!desc.bilinear) {
    const Index pixel = filled_index(desc.fill_mode, static_cast<Index>(std::nearbyint(position)), n);
    return {pixel, pixel, 0.0f};
  }
  Index low = static_cast<Index>(position);
  low -= static_cast<float>(low) > position;  // std::floor is a call where the instruction set has no rounding
  return {filled_index(desc.fill_mode, low, n), filled_index(desc.fill_mode, low + 1, n),
          position - static_cast<float>(low)};
}

/// Calls fn(where the pixel starts in its image, vertical tap, horizontal tap) for every pixel of a row of an output.
template <class Transform, class Fn>
void for_each_affine(const AffineTransformDesc& desc, const Transform& t, Index row, const Fn& fn) {
  bool level = false;
  if constexpr (requires { t.level(); }) level = t.level();
  AffineTap vertical = affine_tap(desc, t.y_of(row, 0), desc.height);
  for (Index i = 0; i < desc.width; ++i) {
    if (!level) vertical = affine_tap(desc, t.y_of(row, i), desc.height);
    fn((row * desc.width + i) * desc.channels, vertical, affine_tap(desc, t.x_of(row, i), desc.width));
  }
}

/// Offset of a pixel within its image, or -1 outside.
inline Index affine_pixel(const AffineTransformDesc& desc, Index y, Index x) {
  return y < 0 || x < 0 ? -1 : (y * desc.width + x) * desc.channels;
}

/// One row of an output image; kChannels: how many there are, 0 if that is not known before.
template <Index kChannels, class Scalar, class Transform>
void affine_transform_row(const AffineTransformDesc& desc, const Transform& transform, Index row, const Scalar* x,
                          Scalar* y) {
  const Index channels = kChannels > 0 ? kChannels : desc.channels;
  const Scalar fill = static_cast<Scalar>(desc.fill_value);
  for_each_affine(desc, transform, row, [&](Index at, const AffineTap& v, const AffineTap& h) {
    const Index a = affine_pixel(desc, v.low, h.low);
    if (v.weight == 0.0f && h.weight == 0.0f) {  // a flip, or the nearest pixel
      for (Index i = 0; i < channels; ++i) y[at + i] = a >= 0 ? x[a + i] : fill;
      return;
    }
    const Index b = affine_pixel(desc, v.low, h.high);
    const Index c = affine_pixel(desc, v.high, h.low), d = affine_pixel(desc, v.high, h.high);
    const Scalar wa = static_cast<Scalar>((1 - v.weight) * (1 - h.weight));
    const Scalar wb = static_cast<Scalar>((1 - v.weight) * h.weight);
    const Scalar wc = static_cast<Scalar>(v.weight * (1 - h.weight));
    const Scalar wd = static_cast<Scalar>(v.weight * h.weight);
    if ((a | b | c | d) >= 0) {
      for (Index i = 0; i < channels; ++i) y[at + i] = wa * x[a + i] + wb * x[b + i] + wc * x[c + i] + wd * x[d + i];
      return;
    }
    const auto pixel = [&](Index offset, Index i) { return offset >= 0 ? x[offset + i] : fill; };
    for (Index i = 0; i < channels; ++i) {
      y[at + i] = wa * pixel(a, i) + wb * pixel(b, i) + wc * pixel(c, i) + wd * pixel(d, i);
    }
  });
}

}  // namespace detail

/// y = x under transform_of(image): an AffineTransform for each image, or what else says x_of and y_of.
template <class Scalar, class TransformOf>
void affine_transform_forward(const AffineTransformDesc& desc, const TransformOf& transform_of, const Scalar* x,
                              Scalar* y) {
  const Index row_size = desc.width * desc.channels, image = desc.height * row_size;
  using Transform = std::decay_t<decltype(transform_of(Index{}))>;
  const auto rows = desc.channels == 3   ? detail::affine_transform_row<3, Scalar, Transform>
                    : desc.channels == 1 ? detail::affine_transform_row<1, Scalar, Transform>
                                         : detail::affine_transform_row<0, Scalar, Transform>;
  parallel_for(0, desc.images * desc.height, 65536 / (row_size * 4 + 1) + 1, [&](Index first, Index last) {
    auto transform = transform_of(first / desc.height);
    for (Index row = first; row < last; ++row) {
      const Index n = row / desc.height;
      if (row != first && row % desc.height == 0) transform = transform_of(n);
      rows(desc, transform, row % desc.height, x + n * image, y + n * image);
    }
  });
}

/// dx (+)= the gradient of affine_transform_forward: each pixel's gradient goes to the pixels that it came from.
template <class Scalar, class TransformOf>
void affine_transform_backward(const AffineTransformDesc& desc, const TransformOf& transform_of, const Scalar* dy,
                               Scalar* dx, bool accumulate) {
  const Index image = desc.height * desc.width * desc.channels;
  // One thread for an image: two pixels may come from the same one.
  parallel_for(0, desc.images, 65536 / (image * 4 + 1) + 1, [&](Index first, Index last) {
    for (Index n = first; n < last; ++n) {
      const auto transform = transform_of(n);
      const Scalar* from = dy + n * image;
      Scalar* to = dx + n * image;
      if (!accumulate) std::fill_n(to, image, Scalar(0));
      for (Index row = 0; row < desc.height; ++row) {
        detail::for_each_affine(desc, transform, row, [&](Index at, const auto& v, const auto& h) {
          const auto spread = [&](Index y, Index x, float weight) {
            const Index offset = detail::affine_pixel(desc, y, x);
            if (offset < 0 || weight == 0.0f) return;
            for (Index i = 0; i < desc.channels; ++i) to[offset + i] += static_cast<Scalar>(weight) * from[at + i];
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
