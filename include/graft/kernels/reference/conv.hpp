#pragma once

#include "graft/kernels/conv_desc.hpp"
#include "graft/kernels/reference/activation.hpp"

namespace graft::kernels::reference {

/// Calls fn(x index, w index, y index) for every product of a convolution; indices of elements.
template <class Fn>
void for_each_conv_product(const ConvDesc& d, Fn&& fn) {
  const Index cg = d.group_channels(), fg = d.group_filters();
  for (Index n = 0; n < d.batch; ++n)
    for (Index oz = 0; oz < d.out[0]; ++oz)
      for (Index oy = 0; oy < d.out[1]; ++oy)
        for (Index ox = 0; ox < d.out[2]; ++ox)
          for (Index kz = 0; kz < d.kernel[0]; ++kz)
            for (Index ky = 0; ky < d.kernel[1]; ++ky)
              for (Index kx = 0; kx < d.kernel[2]; ++kx) {
                const Index iz = oz * d.stride[0] - d.pad[0] + kz * d.dilation[0];
                const Index iy = oy * d.stride[1] - d.pad[1] + ky * d.dilation[1];
                const Index ix = ox * d.stride[2] - d.pad[2] + kx * d.dilation[2];
                if (iz < 0 || iz >= d.in[0] || iy < 0 || iy >= d.in[1] || ix < 0 || ix >= d.in[2]) continue;
                const Index x = (((n * d.in[0] + iz) * d.in[1] + iy) * d.in[2] + ix) * d.channels;
                const Index w = ((kz * d.kernel[1] + ky) * d.kernel[2] + kx) * cg * d.filters;
                const Index y = (((n * d.out[0] + oz) * d.out[1] + oy) * d.out[2] + ox) * d.filters;
                for (Index f = 0; f < d.filters; ++f) {
                  const Index first = f / fg * cg;
                  for (Index c = 0; c < cg; ++c) fn(x + first + c, w + c * d.filters + f, y + f);
                }
              }
}

template <class Scalar>
void finish_conv(const ActivationParams& activation, Index pixels, Index channels, const Scalar* bias, Scalar* y) {
  for (Index i = 0; i < pixels * channels; ++i) {
    y[i] = activate(activation, bias != nullptr ? y[i] + bias[i % channels] : y[i]);
  }
}

template <class Scalar>
void conv_forward(const ConvDesc& d, const Scalar* x, const Scalar* w, const Scalar* bias, Scalar* y) {
  const Index pixels = d.batch * d.out_pixels();
  for (Index i = 0; i < pixels * d.filters; ++i) y[i] = 0;
  for_each_conv_product(d, [&](Index xi, Index wi, Index yi) { y[yi] += x[xi] * w[wi]; });
  finish_conv(d.activation, pixels, d.filters, bias, y);
}

template <class Scalar>
void conv_prepare(const ConvDesc& d, const Scalar* w, Scalar* prepared) {
  for (Index i = 0; i < d.taps() * d.group_channels() * d.filters; ++i) prepared[i] = w[i];
}

template <class Scalar>
void conv_backward_data(const ConvDesc& d, const Scalar* dy, const Scalar* w, const Scalar* bias, Scalar* dx) {
  const Index pixels = d.batch * d.in_pixels();
  if (!d.accumulate) {
    for (Index i = 0; i < pixels * d.channels; ++i) dx[i] = 0;
  }
  for_each_conv_product(d, [&](Index xi, Index wi, Index yi) { dx[xi] += dy[yi] * w[wi]; });
  finish_conv(d.activation, pixels, d.channels, bias, dx);
}

template <class Scalar>
void conv_backward_weights(const ConvDesc& d, const Scalar* x, const Scalar* dy, Scalar* dw) {
  for (Index i = 0; i < d.taps() * d.group_channels() * d.filters; ++i) dw[i] = 0;
  for_each_conv_product(d, [&](Index xi, Index wi, Index yi) { dw[wi] += x[xi] * dy[yi]; });
}

}  // namespace graft::kernels::reference
