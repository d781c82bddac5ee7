#pragma once

#include <algorithm>

#include "graft/kernels/broadcast_desc.hpp"

namespace graft::kernels::reference {

/// fn(i, p offset, q offset) for every element i of the dense tensor.
template <class Fn>
void for_each_broadcast(const BroadcastDesc& desc, const Fn& fn) {
  const Index total = desc.rows() * desc.cols();
  for (Index i = 0; i < total; ++i) {
    Index rest = i, p = 0, q = 0;
    for (int axis = desc.rank - 1; axis >= 0; --axis) {
      p += rest % desc.dims[axis] * desc.p_strides[axis];
      q += rest % desc.dims[axis] * desc.q_strides[axis];
      rest /= desc.dims[axis];
    }
    fn(i, p, q);
  }
}

template <class Scalar>
void broadcast_axpby(const BroadcastDesc& desc, Scalar a, const Scalar* p, Scalar b, const Scalar* q, Scalar* y) {
  for_each_broadcast(desc, [&](Index i, Index at_p, Index at_q) { y[i] = a * p[at_p] + b * q[at_q]; });
}

template <class Scalar>
void broadcast_multiply(const BroadcastDesc& desc, const Scalar* p, const Scalar* q, Scalar* y) {
  for_each_broadcast(desc, [&](Index i, Index at_p, Index at_q) { y[i] = p[at_p] * q[at_q]; });
}

template <class Scalar>
void broadcast_sum(const BroadcastDesc& desc, Scalar a, const Scalar* x, Scalar* p, bool accumulate) {
  if (!accumulate) std::fill_n(p, desc.p_size(), Scalar(0));
  for_each_broadcast(desc, [&](Index i, Index at_p, Index) { p[at_p] += a * x[i]; });
}

template <class Scalar>
void broadcast_dot(const BroadcastDesc& desc, const Scalar* x, const Scalar* q, Scalar* p, bool accumulate) {
  if (!accumulate) std::fill_n(p, desc.p_size(), Scalar(0));
  for_each_broadcast(desc, [&](Index i, Index at_p, Index at_q) { p[at_p] += x[i] * q[at_q]; });
}

}  // namespace graft::kernels::reference
