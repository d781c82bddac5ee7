#pragma once

#include <cmath>

#include "graft/kernels/batch_norm_desc.hpp"

// Batch statistics of the elements that a mask lets count, as Keras 3 takes them. Plain loops: sequences are short, and
// masked BatchNormalization is rare. mask[i / repeat] belongs to element i.
namespace graft::kernels {

namespace detail {
/// fn(c, i) for every channel c and each of its elements i.
template <class Fn>
void for_each_channel_element(const BatchNormDesc& desc, Index c, const Fn& fn) {
  for (Index o = 0; o < desc.outer; ++o) {
    const Index start = (o * desc.channels + c) * desc.inner;
    for (Index i = start; i < start + desc.inner; ++i) fn(i);
  }
}
/// The number of elements that count, with Keras's epsilon, which keeps an empty batch finite.
template <class Scalar>
double masked_count(const BatchNormDesc& desc, Index c, const Scalar* mask, Index repeat) {
  double count = 1e-7;
  for_each_channel_element(desc, c, [&](Index i) { count += static_cast<double>(mask[i / repeat]); });
  return count;
}
}  // namespace detail

template <class Scalar>
void masked_batch_norm_statistics(const BatchNormDesc& desc, const Scalar* x, const Scalar* mask, Index repeat,
                                  Scalar* mean, Scalar* variance) {
  for (Index c = 0; c < desc.channels; ++c) {
    const double count = detail::masked_count(desc, c, mask, repeat);
    double sum = 0, squares = 0;
    detail::for_each_channel_element(desc, c, [&](Index i) { sum += static_cast<double>(mask[i / repeat] * x[i]); });
    const double center = sum / count;
    detail::for_each_channel_element(desc, c, [&](Index i) {
      const double d = static_cast<double>(x[i]) - center;
      squares += static_cast<double>(mask[i / repeat]) * d * d;
    });
    mean[c] = static_cast<Scalar>(center);
    variance[c] = static_cast<Scalar>(squares / count);
  }
}

/// The gradient through these statistics; every element is normalised, only those that count move the statistics:
/// dx_i = gamma / sigma (dy_i - mask_i / count (sum dy + xhat_i sum dy xhat)).
template <class Scalar>
void masked_batch_norm_backward(const BatchNormDesc& desc, const Scalar* x, const Scalar* dy, const Scalar* mask,
                                Index repeat, const Scalar* mean, const Scalar* variance, const Scalar* gamma,
                                Scalar* dx, Scalar* dgamma, Scalar* dbeta, bool accumulate) {
  for (Index c = 0; c < desc.channels; ++c) {
    const double count = detail::masked_count(desc, c, mask, repeat);
    const double center = static_cast<double>(mean[c]);
    const double inverse = 1 / std::sqrt(static_cast<double>(variance[c]) + desc.epsilon);
    const auto normalized = [&](Index i) { return (static_cast<double>(x[i]) - center) * inverse; };
    double sum = 0, product = 0;
    detail::for_each_channel_element(desc, c, [&](Index i) {
      sum += static_cast<double>(dy[i]);
      product += static_cast<double>(dy[i]) * normalized(i);
    });
    if (dgamma != nullptr) dgamma[c] = static_cast<Scalar>(product);
    if (dbeta != nullptr) dbeta[c] = static_cast<Scalar>(sum);
    if (dx == nullptr) continue;
    const double scale = (gamma != nullptr ? static_cast<double>(gamma[c]) : 1.0) * inverse;
    detail::for_each_channel_element(desc, c, [&](Index i) {
      const double part = static_cast<double>(mask[i / repeat]) / count;
      const double d = static_cast<double>(dy[i]) - part * (sum + normalized(i) * product);
      dx[i] = (accumulate ? dx[i] : Scalar(0)) + static_cast<Scalar>(scale * d);
    });
  }
}

}  // namespace graft::kernels
