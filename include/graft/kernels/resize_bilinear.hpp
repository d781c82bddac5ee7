#pragma once

#include <algorithm>
#include <cmath>

#include "graft/core/thread_pool.hpp"

namespace graft::kernels {

struct ResizeDesc {
  Index batch = 1;
  Index channels = 1;
  Index in[2] = {1, 1};  ///< height and width
  Index out[2] = {1, 1};
};

namespace detail {

/// The two elements of an axis between which element o of the output lies, and the weight of the second one. Centres of
/// elements lie at halves; beyond the outermost ones the border is repeated.
struct ResizeTap {
  Index low, high;
  double weight;
};
inline ResizeTap resize_tap(Index in, Index out, Index o) {
  const double at = (static_cast<double>(o) + 0.5) * static_cast<double>(in) / static_cast<double>(out) - 0.5;
  const double floor = std::floor(at);
  const Index low = static_cast<Index>(floor);
  return {std::clamp<Index>(low, 0, in - 1), std::clamp<Index>(low + 1, 0, in - 1), at - floor};
}

/// Calls fn(place of the output, four places of the input, four weights) for a row of outputs of one sample.
template <class Scalar, class Fn>
void for_each_bilinear(const ResizeDesc& desc, Index row, const Fn& fn) {
  const ResizeTap h = resize_tap(desc.in[0], desc.out[0], row);
  for (Index column = 0; column < desc.out[1]; ++column) {
    const ResizeTap w = resize_tap(desc.in[1], desc.out[1], column);
    const Index top = h.low * desc.in[1], bottom = h.high * desc.in[1];
    const Index places[4] = {top + w.low, top + w.high, bottom + w.low, bottom + w.high};
    const Scalar weights[4] = {
        static_cast<Scalar>((1 - h.weight) * (1 - w.weight)), static_cast<Scalar>((1 - h.weight) * w.weight),
        static_cast<Scalar>(h.weight * (1 - w.weight)), static_cast<Scalar>(h.weight * w.weight)};
    fn(row * desc.out[1] + column, places, weights);
  }
}

}  // namespace detail

/// y = x (batch, height, width, channels) at another size: each element is interpolated between its four neighbours,
/// with half-pixel centres and without smoothing, as TensorFlow's resize(method="bilinear").
template <class Scalar>
void resize_bilinear_forward(const ResizeDesc& desc, const Scalar* x, Scalar* y) {
  const Index in = desc.in[0] * desc.in[1] * desc.channels, out = desc.out[0] * desc.out[1] * desc.channels;
  const Index work = desc.out[1] * desc.channels;
  parallel_for(0, desc.batch * desc.out[0], 16384 / (work + 1) + 1, [&](Index from, Index to) {
    for (Index r = from; r < to; ++r) {
      const Scalar* xs = x + r / desc.out[0] * in;
      Scalar* ys = y + r / desc.out[0] * out;
      const auto mix = [&](Index at, const Index(&places)[4], const Scalar(&weights)[4]) {
        const Scalar *a = xs + places[0] * desc.channels, *b = xs + places[1] * desc.channels;
        const Scalar *c = xs + places[2] * desc.channels, *d = xs + places[3] * desc.channels;
        for (Index i = 0; i < desc.channels; ++i) {
          ys[at * desc.channels + i] = weights[0] * a[i] + weights[1] * b[i] + weights[2] * c[i] + weights[3] * d[i];
        }
      };
      detail::for_each_bilinear<Scalar>(desc, r % desc.out[0], mix);
    }
  });
}

/// dx (+)= the transpose of that, applied to dy. Threads share samples, since neighbours add to the same elements.
template <class Scalar>
void resize_bilinear_backward(const ResizeDesc& desc, const Scalar* dy, Scalar* dx, bool accumulate = false) {
  const Index in = desc.in[0] * desc.in[1] * desc.channels, out = desc.out[0] * desc.out[1] * desc.channels;
  parallel_for(0, desc.batch, 16384 / (out + 1) + 1, [&](Index from, Index to) {
    for (Index b = from; b < to; ++b) {
      Scalar* dxs = dx + b * in;
      const Scalar* dys = dy + b * out;
      if (!accumulate) std::fill_n(dxs, in, Scalar(0));
      const auto spread = [&](Index at, const Index(&places)[4], const Scalar(&weights)[4]) {
        for (int corner = 0; corner < 4; ++corner) {
          Scalar* to_x = dxs + places[corner] * desc.channels;
          for (Index i = 0; i < desc.channels; ++i) to_x[i] += weights[corner] * dys[at * desc.channels + i];
        }
      };
      for (Index row = 0; row < desc.out[0]; ++row) detail::for_each_bilinear<Scalar>(desc, row, spread);
    }
  });
}

}  // namespace graft::kernels
