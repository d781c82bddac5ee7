#pragma once

#include "graft/kernels/gemm_desc.hpp"
#include "graft/kernels/reference/activation.hpp"

namespace graft::kernels::reference {

/// Three loops, the sum in double. The oracle, and the way of double, where only gradient checks need it.
template <class Scalar>
void gemm(const GemmDesc& desc, const GemmArgs<Scalar>& args) {
  const Index lda = desc.a_stride(), ldb = desc.b_stride(), ldc = desc.c_stride();
  const Index a_row = desc.trans_a == Transpose::yes ? 1 : lda, a_col = desc.trans_a == Transpose::yes ? lda : 1;
  const Index b_row = desc.trans_b == Transpose::yes ? 1 : ldb, b_col = desc.trans_b == Transpose::yes ? ldb : 1;
  for (Index i = 0; i < desc.m; ++i) {
    for (Index j = 0; j < desc.n; ++j) {
      double sum = 0.0;
      for (Index p = 0; p < desc.k; ++p) {
        sum += static_cast<double>(args.a[i * a_row + p * a_col]) * static_cast<double>(args.b[p * b_row + j * b_col]);
      }
      sum *= static_cast<double>(desc.alpha);
      if (desc.accumulate) sum += static_cast<double>(args.c[i * ldc + j]);
      if (args.bias != nullptr) sum += static_cast<double>(args.bias[j]);
      args.c[i * ldc + j] = activate(desc.activation, static_cast<Scalar>(sum));
    }
  }
}

}  // namespace graft::kernels::reference
