#pragma once

#include "graft/core/macros.hpp"
#include "graft/kernels/activation_kind.hpp"

namespace graft::kernels {

enum class Transpose : bool { no = false, yes = true };

/// C[m, n] = f(alpha * op(A)[m, k] * op(B)[k, n] (+ C) (+ bias[n])), all row-major. op(A) is A[m, k], or the transpose of
/// A[k, m] with trans_a; op(B) is B[k, n], or the transpose of B[n, k] with trans_b.
struct GemmDesc {
  Index m = 0;
  Index n = 0;
  Index k = 0;
  Transpose trans_a = Transpose::no;
  Transpose trans_b = Transpose::no;
  Index lda = 0;            ///< elements from one stored row of A to the next; 0: rows are contiguous
  Index ldb = 0;            ///< the same for B
  Index ldc = 0;            ///< the same for C
  bool accumulate = false;  ///< add to what is in C instead of overwriting it
  float alpha = 1.0f;       ///< factor of the product; with `accumulate` it is one fused multiply-add: with -rate, a step
                            ///< of plain SGD on C without the gradient ever being written
  ActivationParams activation{};  ///< f: one for which gemm_fuses() is true

  constexpr Index a_stride() const { return lda != 0 ? lda : trans_a == Transpose::yes ? m : k; }
  constexpr Index b_stride() const { return ldb != 0 ? ldb : trans_b == Transpose::yes ? k : n; }
  constexpr Index c_stride() const { return ldc != 0 ? ldc : n; }
};

template <class Scalar>
struct GemmArgs {
  const Scalar* a = nullptr;
  const Scalar* b = nullptr;
  Scalar* c = nullptr;
  const Scalar* bias = nullptr;  ///< n values, or null
};

template <class Scalar>
using GemmFunction = void(const GemmDesc&, const GemmArgs<Scalar>&);

}  // namespace graft::kernels
