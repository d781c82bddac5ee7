#pragma once

#include "graft/core/macros.hpp"

namespace graft::kernels {

/// Two operands p and q laid over a dense tensor of `dims`, as few axes as possible. A stride of 0: the operand is
/// repeated along the axis. On the last axis a stride is 0 or 1.
struct BroadcastDesc {
  static constexpr int kMaxRank = 8;
  int rank = 1;
  Index dims[kMaxRank] = {1};
  Index p_strides[kMaxRank] = {1};
  Index q_strides[kMaxRank] = {1};

  Index cols() const { return dims[rank - 1]; }
  Index rows() const {
    Index total = 1;
    for (int axis = 0; axis < rank - 1; ++axis) total *= dims[axis];
    return total;
  }
  Index p_step() const { return p_strides[rank - 1]; }
  Index q_step() const { return q_strides[rank - 1]; }
  Index p_size() const {
    Index total = 1;
    for (int axis = 0; axis < rank; ++axis) total *= p_strides[axis] != 0 ? dims[axis] : 1;
    return total;
  }
};

/// From three shapes of one rank (up to 8); the dimensions of p and q are those of `full`, or 1.
inline BroadcastDesc broadcast_desc(int rank, const Index* full, const Index* p, const Index* q) {
  struct Axis {
    Index dim, p, q;
  };
  Axis axes[BroadcastDesc::kMaxRank];  // the fastest first
  int count = 0;
  Index p_stride = 1, q_stride = 1;
  for (int axis = rank - 1; axis >= 0; --axis) {
    if (full[axis] == 1) continue;
    const Axis next{full[axis], p[axis] == 1 ? 0 : p_stride, q[axis] == 1 ? 0 : q_stride};
    p_stride *= p[axis];
    q_stride *= q[axis];
    Axis* last = count > 0 ? &axes[count - 1] : nullptr;
    if (last && next.p == last->p * last->dim && next.q == last->q * last->dim) last->dim *= next.dim;
    else axes[count++] = next;
  }
  BroadcastDesc desc;
  if (count > 0) desc.rank = count;
  for (int i = 0; i < count; ++i) {
    desc.dims[count - 1 - i] = axes[i].dim;
    desc.p_strides[count - 1 - i] = axes[i].p;
    desc.q_strides[count - 1 - i] = axes[i].q;
  }
  return desc;
}

/// Calls fn(row, p offset, q offset) for the rows first … last-1; a row is the last axis of the dense tensor.
template <class Fn>
void for_each_broadcast_row(const BroadcastDesc& desc, Index first, Index last, const Fn& fn) {
  Index at[BroadcastDesc::kMaxRank] = {}, p = 0, q = 0;
  Index rest = first;
  for (int axis = desc.rank - 2; axis >= 0; --axis) {
    at[axis] = rest % desc.dims[axis];
    rest /= desc.dims[axis];
    p += at[axis] * desc.p_strides[axis];
    q += at[axis] * desc.q_strides[axis];
  }
  for (Index row = first; row < last; ++row) {
    fn(row, p, q);
    for (int axis = desc.rank - 2; axis >= 0; --axis) {
      p += desc.p_strides[axis];
      q += desc.q_strides[axis];
      if (++at[axis] < desc.dims[axis]) break;
      p -= at[axis] * desc.p_strides[axis];
      q -= at[axis] * desc.q_strides[axis];
      at[axis] = 0;
    }
  }
}

}  // namespace graft::kernels
