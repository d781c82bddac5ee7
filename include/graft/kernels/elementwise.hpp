#pragma once

#include <algorithm>
#include <type_traits>

#include "graft/core/thread_pool.hpp"
#include "graft/kernels/dispatch.hpp"
#include "graft/kernels/reference/elementwise.hpp"
#include "graft/kernels/simd/elementwise.hpp"
#include "graft/kernels/workspace.hpp"

// Sums, and small algebra on contiguous arrays. Sums are cut into pieces that depend on the size alone, so they are
// bitwise the same for any number of threads.
namespace graft::kernels {

namespace detail {

inline constexpr Index kMemoryGrain = 65536;  // elements per thread of what only moves memory
inline constexpr Index kMaxPieces = 64;

inline Index piece_count(Index n, Index smallest) { return std::clamp<Index>(n / smallest, 1, kMaxPieces); }

using Sum = double(Index, const float*);
using Dot = double(Index, const float*, const float*);
using Axpy = void(Index, float, const float*, float*);
using Scale = void(Index, float, float*);
using Scaled = void(Index, float, const float*, float*);
using Axpby = void(Index, float, const float*, float, const float*, float*);
using Binary = void(Index, const float*, const float*, float*);
using AddBias = void(Index, Index, const float*, float*);
using ColumnSums = void(Index, Index, const float*, float*, bool);

inline constexpr auto kSum = GRAFT_ISA_TABLE(Sum, sum, reference::sum<float>);
inline constexpr auto kDot = GRAFT_ISA_TABLE(Dot, dot, reference::dot<float>);
inline constexpr auto kAxpy = GRAFT_ISA_TABLE(Axpy, axpy, reference::axpy<float>);
inline constexpr auto kScale = GRAFT_ISA_TABLE(Scale, scale, reference::scale<float>);
inline constexpr auto kScaled = GRAFT_ISA_TABLE(Scaled, scaled, reference::scaled<float>);
inline constexpr auto kAxpby = GRAFT_ISA_TABLE(Axpby, axpby, reference::axpby<float>);
inline constexpr auto kClip = GRAFT_ISA_TABLE(Scale, clip, reference::clip<float>);
inline constexpr auto kAdd = GRAFT_ISA_TABLE(Binary, add, reference::add<float>);
inline constexpr auto kMultiply = GRAFT_ISA_TABLE(Binary, multiply, reference::multiply<float>);
inline constexpr auto kMultiplyAdd = GRAFT_ISA_TABLE(Binary, multiply_add, reference::multiply_add<float>);
inline constexpr auto kAddBias = GRAFT_ISA_TABLE(AddBias, add_bias, reference::add_bias<float>);
inline constexpr auto kColumnSums = GRAFT_ISA_TABLE(ColumnSums, column_sums, reference::column_sums<float>);

/// Adds piece(from, to) over pieces of [0, n), in order.
template <class Piece>
double sum_pieces(Index n, const Piece& piece) {
  if (n <= 0) return 0.0;
  const Index pieces = piece_count(n, 16384);
  double results[kMaxPieces];
  parallel_for(0, pieces, std::max<Index>(1, kMemoryGrain * pieces / n), [&](Index begin, Index end) {
    for (Index p = begin; p < end; ++p) results[p] = piece(n * p / pieces, n * (p + 1) / pieces);
  });
  double total = 0.0;
  for (Index p = 0; p < pieces; ++p) total += results[p];
  return total;
}

}  // namespace detail

/// sums[c] (+)= sum_r x[r, c] of a (rows, cols) array: the gradient of a bias.
template <class Scalar>
void column_sums(Index rows, Index cols, const Scalar* x, Scalar* sums, bool accumulate = false) {
  if constexpr (std::is_same_v<Scalar, float>) {
    const auto run = detail::kColumnSums[active_isa()];
    // Short pieces also keep a sum of many rows accurate.
    const Index pieces = detail::piece_count(rows, 256);
    if (pieces == 1) return run(rows, cols, x, sums, accumulate);
    float* partial = workspace(pieces * cols);
    const Index grain = std::max<Index>(1, detail::kMemoryGrain * pieces / (rows * std::max<Index>(cols, 1)));
    parallel_for(0, pieces, grain, [&](Index begin, Index end) {
      for (Index p = begin; p < end; ++p) {
        const Index first = rows * p / pieces, last = rows * (p + 1) / pieces;
        run(last - first, cols, x + first * cols, partial + p * cols, false);
      }
    });
    run(pieces, cols, partial, sums, accumulate);
  } else {
    reference::column_sums(rows, cols, x, sums, accumulate);
  }
}

/// sum_i x[i].
template <class Scalar>
double sum(Index n, const Scalar* x) {
  if constexpr (std::is_same_v<Scalar, float>) {
    const auto run = detail::kSum[active_isa()];
    return detail::sum_pieces(n, [&](Index from, Index to) { return run(to - from, x + from); });
  } else {
    return reference::sum(n, x);
  }
}

/// sum_i x[i] * y[i].
template <class Scalar>
double dot(Index n, const Scalar* x, const Scalar* y) {
  if constexpr (std::is_same_v<Scalar, float>) {
    const auto run = detail::kDot[active_isa()];
    return detail::sum_pieces(n, [&](Index from, Index to) { return run(to - from, x + from, y + from); });
  } else {
    return reference::dot(n, x, y);
  }
}

/// sum_i x[i]^2.
template <class Scalar>
double sum_of_squares(Index n, const Scalar* x) {
  return dot(n, x, x);
}

/// y[i] += a * x[i].
template <class Scalar>
void axpy(Index n, Scalar a, const Scalar* x, Scalar* y) {
  if constexpr (std::is_same_v<Scalar, float>) {
    const auto run = detail::kAxpy[active_isa()];
    parallel_for(0, n, detail::kMemoryGrain, [&](Index from, Index to) { run(to - from, a, x + from, y + from); });
  } else {
    reference::axpy(n, a, x, y);
  }
}

/// x[i] *= a.
template <class Scalar>
void scale(Index n, Scalar a, Scalar* x) {
  if constexpr (std::is_same_v<Scalar, float>) {
    const auto run = detail::kScale[active_isa()];
    parallel_for(0, n, detail::kMemoryGrain, [&](Index from, Index to) { run(to - from, a, x + from); });
  } else {
    reference::scale(n, a, x);
  }
}

/// y[i] = a * x[i]; x and y may be the same.
template <class Scalar>
void scaled(Index n, Scalar a, const Scalar* x, Scalar* y) {
  if constexpr (std::is_same_v<Scalar, float>) {
    const auto run = detail::kScaled[active_isa()];
    parallel_for(0, n, detail::kMemoryGrain, [&](Index from, Index to) { run(to - from, a, x + from, y + from); });
  } else {
    reference::scaled(n, a, x, y);
  }
}

/// y[i] = a * x[i] + b * z[i]; any two of the arrays may be the same.
template <class Scalar>
void axpby(Index n, Scalar a, const Scalar* x, Scalar b, const Scalar* z, Scalar* y) {
  if constexpr (std::is_same_v<Scalar, float>) {
    const auto run = detail::kAxpby[active_isa()];
    parallel_for(0, n, detail::kMemoryGrain,
                 [&](Index from, Index to) { run(to - from, a, x + from, b, z + from, y + from); });
  } else {
    reference::axpby(n, a, x, b, z, y);
  }
}

/// x[i] into [-limit, limit], limit >= 0; NaN stays NaN.
template <class Scalar>
void clip(Index n, Scalar limit, Scalar* x) {
  if constexpr (std::is_same_v<Scalar, float>) {
    const auto run = detail::kClip[active_isa()];
    parallel_for(0, n, detail::kMemoryGrain, [&](Index from, Index to) { run(to - from, limit, x + from); });
  } else {
    reference::clip(n, limit, x);
  }
}

/// y[i] = a[i] + b[i]; any two of the arrays may be the same.
template <class Scalar>
void add(Index n, const Scalar* a, const Scalar* b, Scalar* y) {
  if constexpr (std::is_same_v<Scalar, float>) {
    const auto run = detail::kAdd[active_isa()];
    parallel_for(0, n, detail::kMemoryGrain,
                 [&](Index from, Index to) { run(to - from, a + from, b + from, y + from); });
  } else {
    reference::add(n, a, b, y);
  }
}

/// y[i] = a[i] * b[i]; any two of the arrays may be the same.
template <class Scalar>
void multiply(Index n, const Scalar* a, const Scalar* b, Scalar* y) {
  if constexpr (std::is_same_v<Scalar, float>) {
    const auto run = detail::kMultiply[active_isa()];
    parallel_for(0, n, detail::kMemoryGrain,
                 [&](Index from, Index to) { run(to - from, a + from, b + from, y + from); });
  } else {
    reference::multiply(n, a, b, y);
  }
}

/// y[i] += a[i] * b[i]; a and b may be the same.
template <class Scalar>
void multiply_add(Index n, const Scalar* a, const Scalar* b, Scalar* y) {
  if constexpr (std::is_same_v<Scalar, float>) {
    const auto run = detail::kMultiplyAdd[active_isa()];
    parallel_for(0, n, detail::kMemoryGrain,
                 [&](Index from, Index to) { run(to - from, a + from, b + from, y + from); });
  } else {
    reference::multiply_add(n, a, b, y);
  }
}

/// y[r, c] += bias[c] of a (rows, cols) array.
template <class Scalar>
void add_bias(Index rows, Index cols, const Scalar* bias, Scalar* y) {
  if constexpr (std::is_same_v<Scalar, float>) {
    const auto run = detail::kAddBias[active_isa()];
    parallel_for(0, rows, detail::kMemoryGrain / std::max<Index>(cols, 1) + 1,
                 [&](Index from, Index to) { run(to - from, cols, bias, y + from * cols); });
  } else {
    reference::add_bias(rows, cols, bias, y);
  }
}

}  // namespace graft::kernels
