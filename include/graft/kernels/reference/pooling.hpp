#pragma once

#include <algorithm>

#include "graft/kernels/pooling_desc.hpp"

namespace graft::kernels::reference {

/// The elements of one window that exist: calls fn(place in the sample's input, number in the window) for each in
/// order.
struct PoolingTaps {
  const PoolingDesc& desc;
  Index start[3];

  Index low(int axis) const { return std::max<Index>(-start[axis], 0); }
  Index high(int axis) const { return std::min(desc.pool[axis], desc.in[axis] - start[axis]); }
  Index count() const { return (high(0) - low(0)) * (high(1) - low(1)) * (high(2) - low(2)); }

  template <class Fn>
  void each(const Fn& fn) const {
    for (Index z = low(0); z < high(0); ++z) {
      for (Index h = low(1); h < high(1); ++h) {
        for (Index w = low(2); w < high(2); ++w) {
          const Index place = ((start[0] + z) * desc.in[1] + start[1] + h) * desc.in[2] + start[2] + w;
          fn(place, (z * desc.pool[1] + h) * desc.pool[2] + w);
        }
      }
    }
  }
};

/// Calls fn(sample, place of the output, taps) for every window, in order.
template <class Fn>
void for_each_window(const PoolingDesc& desc, const Fn& fn) {
  for (Index b = 0; b < desc.batch; ++b) {
    for (Index o = 0; o < desc.out_places(); ++o) {
      const Index at[3] = {o / desc.out[2] / desc.out[1], o / desc.out[2] % desc.out[1], o % desc.out[2]};
      PoolingTaps taps{desc, {}};
      for (int axis = 0; axis < 3; ++axis) taps.start[axis] = at[axis] * desc.stride[axis] - desc.pad[axis];
      fn(b, b * desc.out_places() + o, taps);
    }
  }
}

template <class Scalar, class Offset>
void max_pool_forward(const PoolingDesc& desc, const Scalar* x, Scalar* y, Offset* offsets) {
  for_each_window(desc, [&](Index b, Index out, const PoolingTaps& taps) {
    for (Index c = 0; c < desc.channels; ++c) {
      Scalar best = 0;
      Index best_tap = -1;
      taps.each([&](Index in, Index tap) {
        const Scalar value = x[(b * desc.in_places() + in) * desc.channels + c];
        if (best_tap >= 0 && !(value > best || value != value)) return;
        best = value;
        best_tap = tap;
      });
      y[out * desc.channels + c] = best;
      if (offsets != nullptr) offsets[out * desc.channels + c] = static_cast<Offset>(best_tap);
    }
  });
}

template <class Scalar, class Offset>
void max_pool_backward(const PoolingDesc& desc, const Scalar* dy, const Offset* offsets, Scalar* dx, bool accumulate) {
  if (!accumulate) std::fill_n(dx, desc.batch * desc.in_places() * desc.channels, Scalar(0));
  for_each_window(desc, [&](Index b, Index out, const PoolingTaps& taps) {
    for (Index c = 0; c < desc.channels; ++c) {
      taps.each([&](Index in, Index tap) {
        const bool chosen = static_cast<Index>(offsets[out * desc.channels + c]) == tap;
        if (chosen) dx[(b * desc.in_places() + in) * desc.channels + c] += dy[out * desc.channels + c];
      });
    }
  });
}

template <class Scalar>
void average_pool_forward(const PoolingDesc& desc, const Scalar* x, Scalar* y) {
  for_each_window(desc, [&](Index b, Index out, const PoolingTaps& taps) {
    const double count = desc.sum ? 1.0 : static_cast<double>(taps.count());
    for (Index c = 0; c < desc.channels; ++c) {
      double sum = 0;
      taps.each(
          [&](Index in, Index) { sum += static_cast<double>(x[(b * desc.in_places() + in) * desc.channels + c]); });
      y[out * desc.channels + c] = static_cast<Scalar>(sum / count);
    }
  });
}

template <class Scalar>
void average_pool_backward(const PoolingDesc& desc, const Scalar* dy, Scalar* dx, bool accumulate) {
  if (!accumulate) std::fill_n(dx, desc.batch * desc.in_places() * desc.channels, Scalar(0));
  for_each_window(desc, [&](Index b, Index out, const PoolingTaps& taps) {
    const Scalar share = desc.sum ? Scalar(1) : Scalar(1) / static_cast<Scalar>(taps.count());
    taps.each([&](Index in, Index) {
      for (Index c = 0; c < desc.channels; ++c) {
        dx[(b * desc.in_places() + in) * desc.channels + c] += dy[out * desc.channels + c] * share;
      }
    });
  });
}

/// A NaN maximum is every element's: none is less.
template <class Scalar>
void global_max_backward(Index places, Index channels, const Scalar* x, const Scalar* y, const Scalar* dy, Scalar* dx,
                         bool accumulate) {
  for (Index c = 0; c < channels; ++c) {
    Index count = 0;
    for (Index p = 0; p < places; ++p) count += !(x[p * channels + c] < y[c]);
    const Scalar share = dy[c] / static_cast<Scalar>(count);
    for (Index p = 0; p < places; ++p) {
      const Scalar d = x[p * channels + c] < y[c] ? Scalar(0) : share;
      dx[p * channels + c] = (accumulate ? dx[p * channels + c] : Scalar(0)) + d;
    }
  }
}

}  // namespace graft::kernels::reference
