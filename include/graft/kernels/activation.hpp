#pragma once

#include <type_traits>

#include "graft/core/thread_pool.hpp"
#include "graft/kernels/activation_kind.hpp"
#include "graft/kernels/dispatch.hpp"
#include "graft/kernels/reference/activation.hpp"
#include "graft/kernels/simd/activation.hpp"

// Float goes through vector code for relu, relu6, leaky_relu, elu, selu, celu, sigmoid, tanh, exponential, silu,
// softplus and log_sigmoid; the rest, and double, are scalar loops.
//
// Largest error of the vector code against double, over a sample of 4.3 million of all floats (denormals, infinities and
// NaNs included), in units in the last place of the result: relu, relu6 0; leaky_relu 0.6; exponential, elu, celu 1;
// selu, sigmoid, tanh 2.4; softplus, log_sigmoid 2.5; silu 2.9 for x >= -87, below that sigmoid(x) is denormal and the
// result (smaller than 1e-36) keeps fewer digits. Infinities and NaNs are exact.
namespace graft::kernels {

namespace detail {

using ActivationForward = void(const ActivationParams&, Index, const float*, float*);
using ActivationBackward = void(const ActivationParams&, Index, const float*, const float*, const float*, float*, bool);

inline constexpr auto kActivationForward =
    GRAFT_ISA_TABLE(ActivationForward, activation_forward, reference::activation_forward<float>);
inline constexpr auto kActivationBackward =
    GRAFT_ISA_TABLE(ActivationBackward, activation_backward, reference::activation_backward<float>);

/// Elements worth a thread of their own; a multiple of every vector.
inline constexpr Index kElementGrain = 16384;

inline bool cheap(const ActivationParams& params) {
  return params.kind == ActivationKind::linear || params.kind == ActivationKind::relu ||
         params.kind == ActivationKind::relu6 || params.kind == ActivationKind::leaky_relu;
}

}  // namespace detail

/// y[i] = f(x[i]), i < n. x and y may be the same array.
template <class Scalar>
void activation_forward(const ActivationParams& params, Index n, const Scalar* x, Scalar* y) {
  if (params.kind == ActivationKind::linear && x == y) return;
  parallel_for(0, n, detail::cheap(params) ? 4 * detail::kElementGrain : detail::kElementGrain,
               [&](Index begin, Index end) {
                 if constexpr (std::is_same_v<Scalar, float>) {
                   detail::kActivationForward[active_isa()](params, end - begin, x + begin, y + begin);
                 } else {
                   reference::activation_forward(params, end - begin, x + begin, y + begin);
                 }
               });
}

/// dx[i] = dy[i] * f'(x[i]), or dx[i] += … with `accumulate`. Reads x or y as backward_needs(params) says; the other
/// may be null. dx may be the same array as dy (without `accumulate`), x or y.
template <class Scalar>
void activation_backward(const ActivationParams& params, Index n, const Scalar* x, const Scalar* y, const Scalar* dy,
                         Scalar* dx, bool accumulate = false) {
  parallel_for(0, n, detail::cheap(params) ? 4 * detail::kElementGrain : detail::kElementGrain,
               [&](Index begin, Index end) {
                 const Scalar* part_x = x != nullptr ? x + begin : nullptr;
                 const Scalar* part_y = y != nullptr ? y + begin : nullptr;
                 if constexpr (std::is_same_v<Scalar, float>) {
                   detail::kActivationBackward[active_isa()](params, end - begin, part_x, part_y, dy + begin,
                                                             dx + begin, accumulate);
                 } else {
                   reference::activation_backward(params, end - begin, part_x, part_y, dy + begin, dx + begin,
                                                  accumulate);
                 }
               });
}

}  // namespace graft::kernels
