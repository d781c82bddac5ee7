#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "graft/core/tensor_view.hpp"
#include "graft/core/thread_pool.hpp"
#include "graft/nn/axis_slices.hpp"

// Activations along axes other than the last one, and those that are too rare for a kernel. Every slice is worked on by
// one thread alone; outputs may lie on inputs unless it says otherwise.
namespace graft::detail {

/// Calls fn(start) for the start of every slice, several at a time.
template <class Fn>
void for_each_slice(const AxisSlices& slices, Fn&& fn) {
  parallel_for(0, slices.slices(), std::max<Index>(1, 4096 / std::max<Index>(slices.count(), 1)),
               [&](Index begin, Index end) {
                 for (Index s = begin; s < end; ++s) fn(slices.start(s));
               });
}

/// softmax, or its logarithm, along the slices.
template <class Scalar>
void softmax_forward(const AxisSlices& slices, bool logarithm, const Scalar* x, Scalar* y) {
  for_each_slice(slices, [&](Index start) {
    const Scalar* in = x + start;
    Scalar* out = y + start;
    Scalar largest = -std::numeric_limits<Scalar>::infinity(), sum = 0;
    slices.for_each([&](Index i) { largest = in[i] > largest || in[i] != in[i] ? in[i] : largest; });
    slices.for_each([&](Index i) { sum += std::exp(in[i] - largest); });
    if (logarithm) {
      const Scalar shift = std::log(sum);
      slices.for_each([&](Index i) { out[i] = in[i] - largest - shift; });
    } else {
      slices.for_each([&](Index i) { out[i] = std::exp(in[i] - largest) / sum; });
    }
  });
}

template <class Scalar>
void softmax_backward(const AxisSlices& slices, bool logarithm, const Scalar* y, const Scalar* dy, Scalar* dx,
                      bool accumulate) {
  for_each_slice(slices, [&](Index start) {
    const Scalar *out = y + start, *slope = dy + start;
    Scalar* to = dx + start;
    Scalar sum = 0;
    slices.for_each([&](Index i) { sum += logarithm ? slope[i] : slope[i] * out[i]; });
    slices.for_each([&](Index i) {
      const Scalar d = logarithm ? slope[i] - std::exp(out[i]) * sum : out[i] * (slope[i] - sum);
      to[i] = accumulate ? to[i] + d : d;
    });
  });
}

/// Visits the support of a slice from the largest element down: visit(i, r, c) with the rank r = 1, 2, … and the sum c
/// of the r largest, as long as 1 + r x_i > c. Equal elements count in the order of their indices.
template <class Scalar, class Visit>
Index for_each_in_support(const AxisSlices& slices, const Scalar* in, Visit&& visit) {
  Scalar sum = 0, last = std::numeric_limits<Scalar>::infinity();
  Index rank = 0, last_index = -1;
  for (;;) {
    Index next = -1;
    slices.for_each([&](Index i) {
      const bool after = in[i] < last || (in[i] == last && i > last_index);
      if (after && (next < 0 || in[i] > in[next])) next = i;
    });
    if (next < 0 || !(1 + static_cast<Scalar>(rank + 1) * in[next] > sum + in[next])) return rank;
    last = in[next];
    last_index = next;
    sum += last;
    visit(next, ++rank, sum);
  }
}

/// Sparsemax as Keras 3 computes it: max(x - tau, 0) with tau = (sum of c_r over the support - 1) / its size, c_r the
/// sum of the r largest. Martins and Astudillo (2016) have the last c_r alone in the place of that sum: the two agree
/// where the support is a single element, and only there do Keras's outputs sum to 1. Files follow Keras.
template <class Scalar>
void sparsemax_forward(const AxisSlices& slices, const Scalar* x, Scalar* y) {
  for_each_slice(slices, [&](Index start) {
    const Scalar* in = x + start;
    Scalar* out = y + start;
    Scalar sum = 0;
    slices.for_each([&](Index i) { sum = in[i] != in[i] ? in[i] : sum; });  // NaN spreads over its slice, as in Keras
    const Index count = for_each_in_support(slices, in, [&](Index, Index, Scalar c) { sum += c; });
    const Scalar tau = (sum - 1) / static_cast<Scalar>(count);
    slices.for_each([&](Index i) {
      const Scalar p = in[i] - tau;
      out[i] = p < 0 ? Scalar(0) : p;
    });
  });
}

/// d tau / d x_i = (k - r + 1) / k for the element of rank r in a support of k.
template <class Scalar>
void sparsemax_backward(const AxisSlices& slices, const Scalar* x, const Scalar* y, const Scalar* dy, Scalar* dx,
                        bool accumulate) {
  for_each_slice(slices, [&](Index start) {
    const Scalar *in = x + start, *out = y + start, *slope = dy + start;
    Scalar* to = dx + start;
    Scalar sum = 0;
    slices.for_each([&](Index i) {
      const Scalar d = out[i] > 0 ? slope[i] : Scalar(0);
      sum += d;
      to[i] = accumulate ? to[i] + d : d;
    });
    const Index count = for_each_in_support(slices, in, [](Index, Index, Scalar) {});
    for_each_in_support(slices, in, [&](Index i, Index rank, Scalar) {
      to[i] -= sum * static_cast<Scalar>(count - rank + 1) / static_cast<Scalar>(count);
    });
  });
}

/// A tensor as (outer, 2 * half, inner): a gated half. y must not lie on x.
struct GluDesc {
  Index outer = 0, half = 0, inner = 1;

  static GluDesc of(const Shape& input, int axis) {
    if (axis < 0) axis += input.rank();
    return {input.product(0, axis), input[axis] / 2, input.product(axis + 1, input.rank())};
  }
};

template <class Scalar>
Scalar logistic(Scalar x) {
  if (x >= 0) return 1 / (1 + std::exp(-x));
  const Scalar e = std::exp(x);
  return e / (1 + e);
}

/// y = a * sigmoid(b), x = (a, b).
template <class Scalar>
void glu_forward(const GluDesc& desc, const Scalar* x, Scalar* y) {
  const Index block = desc.half * desc.inner;
  parallel_for(0, desc.outer, std::max<Index>(1, 4096 / std::max<Index>(block, 1)), [&](Index begin, Index end) {
    for (Index o = begin; o < end; ++o) {
      const Scalar *a = x + 2 * o * block, *b = a + block;
      for (Index i = 0; i < block; ++i) y[o * block + i] = a[i] * logistic(b[i]);
    }
  });
}

template <class Scalar>
void glu_backward(const GluDesc& desc, const Scalar* x, const Scalar* dy, Scalar* dx, bool accumulate) {
  const Index block = desc.half * desc.inner;
  parallel_for(0, desc.outer, std::max<Index>(1, 4096 / std::max<Index>(block, 1)), [&](Index begin, Index end) {
    for (Index o = begin; o < end; ++o) {
      const Scalar *a = x + 2 * o * block, *b = a + block;
      Scalar *da = dx + 2 * o * block, *db = da + block;
      for (Index i = 0; i < block; ++i) {
        const Scalar gate = logistic(b[i]), slope = dy[o * block + i];
        const Scalar to_a = slope * gate, to_b = slope * a[i] * gate * (1 - gate);
        da[i] = accumulate ? da[i] + to_a : to_a;
        db[i] = accumulate ? db[i] + to_b : to_b;
      }
    }
  });
}

}  // namespace graft::detail
