#pragma once

#include <array>

#include "graft/core/macros.hpp"
#include "graft/kernels/activation_kind.hpp"

namespace graft::kernels {

/// A convolution of up to three spatial axes, channels last; unused axes come first and have length 1.
///
///     y[n, o, f] = act(bias[f] + sum over taps t and channels c of x[n, o * stride - pad + t * dilation, c] * w[t, c,
///     f])
///
/// x (batch, in..., channels), w (kernel..., channels / groups, filters), y (batch, out..., filters). What lies outside
/// x is 0. Filter f belongs to group f / (filters / groups) and sees the channels of that group. Stride and dilation
/// are not both above 1 along an axis.
struct ConvDesc {
  using Axes = std::array<Index, 3>;

  Index batch = 1;
  Axes in{1, 1, 1};
  Axes out{1, 1, 1};
  Axes kernel{1, 1, 1};
  Axes stride{1, 1, 1};
  Axes dilation{1, 1, 1};
  Axes pad{0, 0, 0};  ///< in front of x
  Index channels = 1;
  Index filters = 1;
  Index groups = 1;
  bool accumulate = false;        ///< conv_backward_data adds to dx
  ActivationParams activation{};  ///< of the forward directions; one for which gemm_fuses() is true

  static constexpr Index product(const Axes& axes) { return axes[0] * axes[1] * axes[2]; }
  constexpr Index in_pixels() const { return product(in); }
  constexpr Index out_pixels() const { return product(out); }
  constexpr Index taps() const { return product(kernel); }
  constexpr Index group_channels() const { return channels / groups; }
  constexpr Index group_filters() const { return filters / groups; }

  /// Each channel by itself.
  constexpr bool depthwise() const { return groups == channels && filters == channels && channels > 1; }

  /// A product of matrices: one tap, every pixel.
  constexpr bool pointwise() const {
    return taps() == 1 && product(stride) == 1 && groups == 1 && pad[0] == 0 && pad[1] == 0 && pad[2] == 0 && in == out;
  }
};

/// Floats between the matrices that Winograd's algorithm makes of the weights.
inline constexpr Index kWinogradMatrixGap = 48;

template <class Scalar>
using ConvForward = void(const ConvDesc&, const Scalar* x, const Scalar* w, const Scalar* bias, Scalar* y);
template <class Scalar>
using ConvPrepare = void(const ConvDesc&, const Scalar* w, Scalar* prepared);
template <class Scalar>
using ConvBackwardData = void(const ConvDesc&, const Scalar* dy, const Scalar* w, const Scalar* bias, Scalar* dx);
template <class Scalar>
using ConvBackwardWeights = void(const ConvDesc&, const Scalar* x, const Scalar* dy, Scalar* dw);

}  // namespace graft::kernels
