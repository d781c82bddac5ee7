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

inline constexpr auto kConvForward = GRAFT_ISA_TABLE(ConvForward<float>, conv_forward, reference::conv_forward<float>);
inline constexpr auto kConvPrepare = GRAFT_ISA_TABLE(ConvPrepare<float>, conv_prepare, reference::conv_prepare<float>);
inline constexpr auto kConvForwardPrepared =
    GRAFT_ISA_TABLE(ConvForward<float>, conv_forward_prepared, reference::conv_forward<float>);
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

/// Elements of what conv_prepare writes, under any instruction set.
inline Index conv_prepared_elements(const ConvDesc& desc) {
  const Index as_they_are = desc.taps() * desc.group_channels() * desc.filters;
  const Index filters = (desc.filters + 15) / 16 * 16;  // whole vectors of the widest set
  if (desc.groups != 1) return as_they_are;
  if (portable::winograd_applies(desc)) return 36 * (desc.channels * filters + kWinogradMatrixGap);
  return desc.taps() * desc.channels * filters;
}

/// The weights in the form that conv_forward_prepared reads them in fastest: for those that stay as they are over many
/// calls. The form depends on the instruction set in use, and not on the batch.
template <class Scalar>
void conv_prepare(const ConvDesc& desc, const Scalar* w, Scalar* prepared) {
  if constexpr (std::is_same_v<Scalar, float>) {
    detail::kConvPrepare[active_isa()](desc, w, prepared);
  } else {
    reference::conv_prepare(desc, w, prepared);
  }
}

/// conv_forward, the same bits, with weights from conv_prepare.
template <class Scalar>
void conv_forward_prepared(const ConvDesc& desc, const Scalar* x, const Scalar* prepared, const Scalar* bias,
                           Scalar* y) {
  if constexpr (std::is_same_v<Scalar, float>) {
    detail::kConvForwardPrepared[active_isa()](desc, x, prepared, bias, y);
  } else {
    reference::conv_forward(desc, x, prepared, bias, y);
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
