#pragma once

#include <type_traits>

#include "graft/core/thread_pool.hpp"
#include "graft/kernels/dispatch.hpp"
#include "graft/kernels/reference/softmax.hpp"
#include "graft/kernels/simd/softmax.hpp"

namespace graft::kernels {

namespace detail {

using SoftmaxForward = void(Index, Index, const float*, float*);
using SoftmaxBackward = void(Index, Index, const float*, const float*, float*, bool);

inline constexpr auto kSoftmaxForward =
    GRAFT_ISA_TABLE(SoftmaxForward, softmax_forward, reference::softmax_forward<float>);
inline constexpr auto kSoftmaxBackward =
    GRAFT_ISA_TABLE(SoftmaxBackward, softmax_backward, reference::softmax_backward<float>);
inline constexpr auto kLogSoftmaxForward =
    GRAFT_ISA_TABLE(SoftmaxForward, log_softmax_forward, reference::log_softmax_forward<float>);
inline constexpr auto kLogSoftmaxBackward =
    GRAFT_ISA_TABLE(SoftmaxBackward, log_softmax_backward, reference::log_softmax_backward<float>);

inline Index softmax_grain(Index cols) { return cols > 0 ? 8192 / cols + 1 : 1; }  // in rows

}  // namespace detail

/// y[r, c] = exp(x[r, c]) / sum_c exp(x[r, c]) over the last axis of a (rows, cols) array. x and y may be the same.
template <class Scalar>
void softmax_forward(Index rows, Index cols, const Scalar* x, Scalar* y) {
  if (cols <= 0) return;
  parallel_for(0, rows, detail::softmax_grain(cols), [&](Index begin, Index end) {
    const Index at = begin * cols;
    if constexpr (std::is_same_v<Scalar, float>) {
      detail::kSoftmaxForward[active_isa()](end - begin, cols, x + at, y + at);
    } else {
      reference::softmax_forward(end - begin, cols, x + at, y + at);
    }
  });
}

/// dx[r, c] (+)= y[r, c] * (dy[r, c] - sum_c y[r, c] * dy[r, c]), from the output y. dx may be dy (not accumulating).
template <class Scalar>
void softmax_backward(Index rows, Index cols, const Scalar* y, const Scalar* dy, Scalar* dx, bool accumulate = false) {
  if (cols <= 0) return;
  parallel_for(0, rows, detail::softmax_grain(cols), [&](Index begin, Index end) {
    const Index at = begin * cols;
    if constexpr (std::is_same_v<Scalar, float>) {
      detail::kSoftmaxBackward[active_isa()](end - begin, cols, y + at, dy + at, dx + at, accumulate);
    } else {
      reference::softmax_backward(end - begin, cols, y + at, dy + at, dx + at, accumulate);
    }
  });
}

/// y[r, c] = x[r, c] - log(sum_c exp(x[r, c])). x and y may be the same.
template <class Scalar>
void log_softmax_forward(Index rows, Index cols, const Scalar* x, Scalar* y) {
  if (cols <= 0) return;
  parallel_for(0, rows, detail::softmax_grain(cols), [&](Index begin, Index end) {
    const Index at = begin * cols;
    if constexpr (std::is_same_v<Scalar, float>) {
      detail::kLogSoftmaxForward[active_isa()](end - begin, cols, x + at, y + at);
    } else {
      reference::log_softmax_forward(end - begin, cols, x + at, y + at);
    }
  });
}

/// dx[r, c] (+)= dy[r, c] - exp(y[r, c]) * sum_c dy[r, c], from the output y. dx may be dy (not accumulating).
template <class Scalar>
void log_softmax_backward(Index rows, Index cols, const Scalar* y, const Scalar* dy, Scalar* dx,
                          bool accumulate = false) {
  if (cols <= 0) return;
  parallel_for(0, rows, detail::softmax_grain(cols), [&](Index begin, Index end) {
    const Index at = begin * cols;
    if constexpr (std::is_same_v<Scalar, float>) {
      detail::kLogSoftmaxBackward[active_isa()](end - begin, cols, y + at, dy + at, dx + at, accumulate);
    } else {
      reference::log_softmax_backward(end - begin, cols, y + at, dy + at, dx + at, accumulate);
    }
  });
}

}  // namespace graft::kernels
