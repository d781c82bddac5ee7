#pragma once

#include <type_traits>

#include "graft/core/thread_pool.hpp"
#include "graft/kernels/dispatch.hpp"
#include "graft/kernels/optimizer_params.hpp"
#include "graft/kernels/reference/optimizer_update.hpp"
#include "graft/kernels/simd/optimizer_update.hpp"

// One pass over gradient, state and weight: an update costs what reading and writing them costs.
namespace graft::kernels {

namespace detail {

using SgdUpdate = void(const SgdParams&, Index, const float*, float*, float*);
using RmspropUpdate = void(const RmspropParams&, Index, const float*, float*, float*, float*, float*);
using AdamUpdate = void(const AdamParams&, Index, const float*, float*, float*, float*, float*);

inline constexpr auto kSgdUpdate = GRAFT_ISA_TABLE(SgdUpdate, sgd_update, reference::sgd_update<float>);
inline constexpr auto kRmspropUpdate = GRAFT_ISA_TABLE(RmspropUpdate, rmsprop_update, reference::rmsprop_update<float>);
inline constexpr auto kAdamUpdate = GRAFT_ISA_TABLE(AdamUpdate, adam_update, reference::adam_update<float>);

inline constexpr Index kUpdateGrain = 32768;  // weights per thread

template <class Scalar>
Scalar* advance(Scalar* p, Index by) {
  return p != nullptr ? p + by : nullptr;
}

}  // namespace detail

/// SGD on n weights; `velocity` is null when params.momentum is 0.
template <class Scalar>
void sgd_update(const SgdParams& params, Index n, const Scalar* g, Scalar* w, Scalar* velocity) {
  parallel_for(0, n, detail::kUpdateGrain, [&](Index from, Index to) {
    if constexpr (std::is_same_v<Scalar, float>) {
      detail::kSgdUpdate[active_isa()](params, to - from, g + from, w + from, detail::advance(velocity, from));
    } else {
      reference::sgd_update(params, to - from, g + from, w + from, detail::advance(velocity, from));
    }
  });
}

/// RMSprop; `average_gradient` is null unless params.centered, `momentum` is null when params.momentum is 0.
template <class Scalar>
void rmsprop_update(const RmspropParams& params, Index n, const Scalar* g, Scalar* w, Scalar* velocity,
                    Scalar* average_gradient, Scalar* momentum) {
  parallel_for(0, n, detail::kUpdateGrain, [&](Index from, Index to) {
    Scalar* average = detail::advance(average_gradient, from);
    Scalar* m = detail::advance(momentum, from);
    if constexpr (std::is_same_v<Scalar, float>) {
      detail::kRmspropUpdate[active_isa()](params, to - from, g + from, w + from, velocity + from, average, m);
    } else {
      reference::rmsprop_update(params, to - from, g + from, w + from, velocity + from, average, m);
    }
  });
}

/// Adam, AdamW (through weight_decay) and AMSGrad; `v_max` is null unless params.amsgrad.
template <class Scalar>
void adam_update(const AdamParams& params, Index n, const Scalar* g, Scalar* w, Scalar* m, Scalar* v, Scalar* v_max) {
  parallel_for(0, n, detail::kUpdateGrain, [&](Index from, Index to) {
    Scalar* largest = detail::advance(v_max, from);
    if constexpr (std::is_same_v<Scalar, float>) {
      detail::kAdamUpdate[active_isa()](params, to - from, g + from, w + from, m + from, v + from, largest);
    } else {
      reference::adam_update(params, to - from, g + from, w + from, m + from, v + from, largest);
    }
  });
}

}  // namespace graft::kernels
