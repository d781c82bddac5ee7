#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "graft/kernels/resize_desc.hpp"

// Resizing by filters of more than two taps, as TensorFlow's image.resize computes them with antialias false: forward
// only, for pictures on their way into a dataset.
namespace graft::kernels {

enum class ResizeFilter {
  bicubic,       ///< Keys 1981, a = -1/2, from a table of 1024 positions; 4 taps
  area,          ///< the mean of the pixels that an output pixel covers
  lanczos3,      ///< 6 taps
  lanczos5,      ///< 10 taps
  gaussian,      ///< standard deviation 1/2, cut off at 3/2
  mitchellcubic  ///< Mitchell and Netravali 1988, B = C = 1/3
};

/// The taps of one axis: output pixel i is the sum of weights[k] times input pixel first(i) + k - begin[i].
struct ResizeWeights {
  std::vector<Index> start;  ///< per output pixel: its first input pixel
  std::vector<Index> begin;  ///< per output pixel, and the end: where its weights lie
  std::vector<float> weights;
};

namespace detail {

inline float resize_radius(ResizeFilter filter) {
  switch (filter) {
    case ResizeFilter::lanczos3: return 3.0f;
    case ResizeFilter::lanczos5: return 5.0f;
    case ResizeFilter::gaussian: return 1.5f;
    default: return 2.0f;
  }
}

inline float resize_weight(ResizeFilter filter, float x) {
  x = std::abs(x);
  const float radius = resize_radius(filter);
  switch (filter) {
    case ResizeFilter::lanczos3:
    case ResizeFilter::lanczos5: {
      if (x > radius) return 0.0f;
      if (x <= 1e-3f) return 1.0f;
      const float pi = 3.14159265358979f;
      return radius * std::sin(pi * x) * std::sin(pi * x / radius) / (pi * pi * x * x);
    }
    case ResizeFilter::gaussian: {
      const float deviation = radius / 3.0f;
      return x >= radius ? 0.0f : std::exp(-x * x / (2.0f * deviation * deviation));
    }
    default:
      if (x >= 2.0f) return 0.0f;
      if (x >= 1.0f) return (((-7.0f / 18.0f) * x + 2.0f) * x - 10.0f / 3.0f) * x + 16.0f / 9.0f;
      return (((7.0f / 6.0f) * x - 2.0f) * x) * x + 8.0f / 9.0f;
  }
}

/// Keys's cubic at `x`, which lies on the grid of a table of 1024 steps.
inline float keys_cubic(float x) {
  constexpr float a = -0.5f;
  if (x <= 1.0f) return ((a + 2.0f) * x - (a + 3.0f)) * x * x + 1.0f;
  return ((a * x - 5.0f * a) * x + 8.0f * a) * x - 4.0f * a;
}

}  // namespace detail

/// The taps of an axis whose window lies inside the input.
inline ResizeWeights resize_weights(const ResizeAxis& axis, ResizeFilter filter) {
  ResizeWeights result;
  const Index n = axis.window;
  const float scale = static_cast<float>(n) / static_cast<float>(axis.out);
  std::vector<float> taps;
  for (Index i = 0; i < axis.out; ++i) {
    taps.clear();
    Index first = 0;
    const auto position = static_cast<float>(i);
    bool normalise = true;
    if (filter == ResizeFilter::area) {
      normalise = false;
      const float from = position * scale, to = (position + 1.0f) * scale;
      first = std::min(static_cast<Index>(std::floor(from)), n - 1);
      const Index end = std::clamp<Index>(static_cast<Index>(std::ceil(to)), first + 1, n);
      for (Index k = first; k < end; ++k) {
        const auto pixel = static_cast<float>(k);
        const float covered = std::min(to, pixel + 1.0f) - std::max(from, pixel);
        taps.push_back(covered / scale);
      }
    } else if (filter == ResizeFilter::bicubic) {
      const float at = (position + 0.5f) * scale - 0.5f, below = std::floor(at);
      const auto pixel = static_cast<Index>(below);
      const float offset = static_cast<float>(std::lrint((at - below) * 1024.0f)) / 1024.0f;
      const float four[4] = {detail::keys_cubic(1.0f + offset), detail::keys_cubic(offset),
                             detail::keys_cubic(1.0f - offset), detail::keys_cubic(2.0f - offset)};
      first = std::max<Index>(pixel - 1, 0);
      for (Index k = first; k <= std::min(pixel + 2, n - 1); ++k) taps.push_back(four[k - pixel + 1]);
    } else {
      const float at = (position + 0.5f) * scale, radius = detail::resize_radius(filter);
      first = std::clamp<Index>(static_cast<Index>(std::ceil(at - radius - 0.5f)), 0, n - 1);
      const Index last = std::clamp<Index>(static_cast<Index>(std::floor(at + radius - 0.5f)), 0, n - 1);
      for (Index k = first; k <= last; ++k) {
        taps.push_back(detail::resize_weight(filter, static_cast<float>(k) + 0.5f - at));
      }
    }
    float sum = 0;
    for (const float tap : taps) sum += tap;
    result.start.push_back(axis.start + first);
    result.begin.push_back(static_cast<Index>(result.weights.size()));
    for (const float tap : taps) result.weights.push_back(normalise && std::abs(sum) > 1e-30f ? tap / sum : tap);
  }
  result.begin.push_back(static_cast<Index>(result.weights.size()));
  return result;
}

/// One image (height.in, width.in, channels) to y (height.out, width.out, channels): rows first, then columns.
template <class In, class Scalar>
void resize_filtered(const ResizeDesc& desc, ResizeFilter filter, const In* x, Scalar* y) {
  const ResizeWeights down = resize_weights(desc.height, filter), across = resize_weights(desc.width, filter);
  const Index channels = desc.channels, row_size = desc.width.in * channels;
  std::vector<float> line(static_cast<std::size_t>(row_size));
  for (Index row = 0; row < desc.height.out; ++row) {
    const auto r = static_cast<std::size_t>(row);
    std::fill(line.begin(), line.end(), 0.0f);
    for (Index k = down.begin[r]; k < down.begin[r + 1]; ++k) {
      const float weight = down.weights[static_cast<std::size_t>(k)];
      const In* from = x + (down.start[r] + k - down.begin[r]) * row_size;
      for (Index i = 0; i < row_size; ++i) line[static_cast<std::size_t>(i)] += weight * static_cast<float>(from[i]);
    }
    for (Index column = 0; column < desc.width.out; ++column) {
      const auto c = static_cast<std::size_t>(column);
      for (Index i = 0; i < channels; ++i) {
        float sum = 0;
        for (Index k = across.begin[c]; k < across.begin[c + 1]; ++k) {
          const Index at = (across.start[c] + k - across.begin[c]) * channels + i;
          sum += across.weights[static_cast<std::size_t>(k)] * line[static_cast<std::size_t>(at)];
        }
        y[(row * desc.width.out + column) * channels + i] = static_cast<Scalar>(sum);
      }
    }
  }
}

}  // namespace graft::kernels
