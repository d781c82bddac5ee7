#pragma once

#include <type_traits>

#include "graft/kernels/conv_desc.hpp"
#include "graft/kernels/dispatch.hpp"
#include "graft/kernels/reference/conv.hpp"
#include "graft/kernels/simd/conv.hpp"

// Convolution in its three directions. A transposed convolution is one with the directions exchanged: its forward is
// conv_backward_data (hence the bias and the activation there), its data gradient conv_forward.
namespace graft::kernels {

namespace detail {

inline constexpr auto kConvForward =
    GRAFT_ISA_TABLE(ConvForward<float>, conv_forward, reference::conv_forward<float>);
inline constexpr auto kConvBackwardData =
    GRAFT_ISA_TABLE(ConvBackwardData<float>, conv_backward_data, reference::conv_backward_data<float>);
inline constexpr auto kConvBackwardWeights =
    GRAFT_ISA_TABLE(ConvBackwardWeights<float>, conv_backward_weights, reference::conv_backward_weights<float>);

}  // namespace detail

/// y = act(x * w + bias); bias may be null.
template <class Scalar>
void conv_forward(const ConvDesc& desc, const Scalar* x, const Scalar* w, const Scalar* bias, Scalar* y) {
  if constexpr (std::is_same_v<Scalar, float>) {
    detail::kConvForward[active_isa()](desc, x, w, bias, y);
  } else {
    reference::conv_forward(desc, x, w, bias, y);
  }
}

/// dx (+)= the gradient of the sum of dy * y with respect to x, before the activation; then dx = act(dx + bias), where
/// the bias (of `channels` values, or null) and the activation are those of a transposed convolution.
template <class Scalar>
void conv_backward_data(const ConvDesc& desc, const Scalar* dy, const Scalar* w, const Scalar* bias, Scalar* dx) {
  if constexpr (std::is_same_v<Scalar, float>) {
    detail::kConvBackwardData[active_isa()](desc, dy, w, bias, dx);
  } else {
    reference::conv_backward_data(desc, dy, w, bias, dx);
  }
}

/// dw = the gradient with respect to w.
template <class Scalar>
void conv_backward_weights(const ConvDesc& desc, const Scalar* x, const Scalar* dy, Scalar* dw) {
  if constexpr (std::is_same_v<Scalar, float>) {
    detail::kConvBackwardWeights[active_isa()](desc, x, dy, dw);
  } else {
    reference::conv_backward_weights(desc, x, dy, dw);
  }
}

}  // namespace graft::kernels
