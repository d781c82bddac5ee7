#pragma once

#include <algorithm>
#include <type_traits>

#include "graft/kernels/elementwise.hpp"
#include "graft/kernels/reference/broadcast.hpp"

// Algebra on tensors of different shapes, and its gradients: sums over the axes along which an operand was repeated.
// Rows go through the vectorised kernels of elementwise.hpp.
namespace graft::kernels {

/// Calls fn(row, p offset, q offset) for all rows of the dense tensor, shared out.
template <class Fn>
void broadcast_rows(const BroadcastDesc& desc, const Fn& fn) {
  parallel_for(0, desc.rows(), detail::kMemoryGrain / desc.cols() + 1,
               [&](Index from, Index to) { for_each_broadcast_row(desc, from, to, fn); });
}

/// The same for who writes p: only parts that share no element of p run at the same time.
template <class Fn>
void broadcast_rows_into_p(const BroadcastDesc& desc, const Fn& fn) {
  const bool split = desc.rank > 1 && desc.p_strides[0] != 0;
  const Index parts = split ? desc.dims[0] : 1, rows = desc.rows() / parts;
  parallel_for(0, parts, detail::kMemoryGrain / (rows * desc.cols()) + 1,
               [&](Index from, Index to) { for_each_broadcast_row(desc, from * rows, to * rows, fn); });
}

namespace detail {
inline bool broadcast_is_empty(const BroadcastDesc& desc) { return desc.rows() * desc.cols() <= 0; }

}  // namespace detail

/// y = a * p + b * q over the dense y, which may be an operand that is not repeated.
template <class Scalar>
void broadcast_axpby(const BroadcastDesc& desc, Scalar a, const Scalar* p, Scalar b, const Scalar* q, Scalar* y) {
  if (detail::broadcast_is_empty(desc)) return;
  if constexpr (std::is_same_v<Scalar, float>) {
    const auto run = detail::kAxpby[active_isa()];
    const Index cols = desc.cols(), p_step = desc.p_step(), q_step = desc.q_step();
    broadcast_rows(desc, [&](Index row, Index at_p, Index at_q) {
      float* to = y + row * cols;
      if (p_step == 1 && q_step == 1) return run(cols, a, p + at_p, b, q + at_q, to);
      for (Index c = 0; c < cols; ++c) to[c] = a * p[at_p + c * p_step] + b * q[at_q + c * q_step];
    });
  } else {
    reference::broadcast_axpby(desc, a, p, b, q, y);
  }
}

/// y = p * q over the dense y, which may be an operand that is not repeated.
template <class Scalar>
void broadcast_multiply(const BroadcastDesc& desc, const Scalar* p, const Scalar* q, Scalar* y) {
  if (detail::broadcast_is_empty(desc)) return;
  if constexpr (std::is_same_v<Scalar, float>) {
    const auto run = detail::kMultiply[active_isa()];
    const auto scaled_row = detail::kScaled[active_isa()];
    const Index cols = desc.cols(), p_step = desc.p_step(), q_step = desc.q_step();
    broadcast_rows(desc, [&](Index row, Index at_p, Index at_q) {
      float* to = y + row * cols;
      if (p_step == 1 && q_step == 1) return run(cols, p + at_p, q + at_q, to);
      if (p_step == 1) return scaled_row(cols, q[at_q], p + at_p, to);
      if (q_step == 1) return scaled_row(cols, p[at_p], q + at_q, to);
      std::fill_n(to, cols, p[at_p] * q[at_q]);
    });
  } else {
    reference::broadcast_multiply(desc, p, q, y);
  }
}

/// p (+)= a * the sum of the dense x over the axes along which p is repeated. q is not looked at.
template <class Scalar>
void broadcast_sum(const BroadcastDesc& desc, Scalar a, const Scalar* x, Scalar* p, bool accumulate) {
  if (detail::broadcast_is_empty(desc)) return;
  if constexpr (std::is_same_v<Scalar, float>) {
    if (!accumulate) std::fill_n(p, desc.p_size(), 0.0f);
    const auto row_sum = detail::kSum[active_isa()];
    const auto add_row = detail::kAxpy[active_isa()];
    const Index cols = desc.cols(), p_step = desc.p_step();
    broadcast_rows_into_p(desc, [&](Index row, Index at_p, Index) {
      const float* from = x + row * cols;
      if (p_step == 1) add_row(cols, a, from, p + at_p);
      else p[at_p] += a * static_cast<float>(row_sum(cols, from));
    });
  } else {
    reference::broadcast_sum(desc, a, x, p, accumulate);
  }
}

/// p (+)= the sum of x * q, x being dense, over the axes along which p is repeated.
template <class Scalar>
void broadcast_dot(const BroadcastDesc& desc, const Scalar* x, const Scalar* q, Scalar* p, bool accumulate) {
  if (detail::broadcast_is_empty(desc)) return;
  if constexpr (std::is_same_v<Scalar, float>) {
    if (!accumulate) std::fill_n(p, desc.p_size(), 0.0f);
    const Isa isa = active_isa();
    const auto row_sum = detail::kSum[isa];
    const auto row_dot = detail::kDot[isa];
    const auto add_row = detail::kAxpy[isa];
    const auto add_product = detail::kMultiplyAdd[isa];
    const Index cols = desc.cols(), p_step = desc.p_step(), q_step = desc.q_step();
    broadcast_rows_into_p(desc, [&](Index row, Index at_p, Index at_q) {
      const float* from = x + row * cols;
      if (p_step == 1 && q_step == 1) add_product(cols, from, q + at_q, p + at_p);
      else if (p_step == 1) add_row(cols, q[at_q], from, p + at_p);
      else if (q_step == 1) p[at_p] += static_cast<float>(row_dot(cols, from, q + at_q));
      else p[at_p] += q[at_q] * static_cast<float>(row_sum(cols, from));
    });
  } else {
    reference::broadcast_dot(desc, x, q, p, accumulate);
  }
}

}  // namespace graft::kernels
