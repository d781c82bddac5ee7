#pragma once

#include "graft/core/macros.hpp"

namespace graft::kernels::reference {

template <class Scalar>
void column_sums(Index rows, Index cols, const Scalar* x, Scalar* sums, bool accumulate) {
  for (Index c = 0; c < cols; ++c) {
    double sum = 0;
    for (Index r = 0; r < rows; ++r) sum += static_cast<double>(x[r * cols + c]);
    sums[c] = (accumulate ? sums[c] : Scalar(0)) + static_cast<Scalar>(sum);
  }
}

template <class Scalar>
double sum(Index n, const Scalar* x) {
  double result = 0;
  for (Index i = 0; i < n; ++i) result += static_cast<double>(x[i]);
  return result;
}

template <class Scalar>
double sum_of_squares(Index n, const Scalar* x) {
  double result = 0;
  for (Index i = 0; i < n; ++i) result += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return result;
}

template <class Scalar>
double dot(Index n, const Scalar* x, const Scalar* y) {
  double result = 0;
  for (Index i = 0; i < n; ++i) result += static_cast<double>(x[i]) * static_cast<double>(y[i]);
  return result;
}

template <class Scalar>
void axpy(Index n, Scalar a, const Scalar* x, Scalar* y) {
  for (Index i = 0; i < n; ++i) y[i] += a * x[i];
}

template <class Scalar>
void scale(Index n, Scalar a, Scalar* x) {
  for (Index i = 0; i < n; ++i) x[i] *= a;
}

template <class Scalar>
void scaled(Index n, Scalar a, const Scalar* x, Scalar* y) {
  for (Index i = 0; i < n; ++i) y[i] = a * x[i];
}

template <class Scalar>
void axpby(Index n, Scalar a, const Scalar* x, Scalar b, const Scalar* z, Scalar* y) {
  for (Index i = 0; i < n; ++i) y[i] = a * x[i] + b * z[i];
}

template <class Scalar>
void clip(Index n, Scalar limit, Scalar* x) {
  for (Index i = 0; i < n; ++i) x[i] = x[i] > limit ? limit : x[i] < -limit ? -limit : x[i];
}

template <class Scalar>
void add(Index n, const Scalar* a, const Scalar* b, Scalar* y) {
  for (Index i = 0; i < n; ++i) y[i] = a[i] + b[i];
}

template <class Scalar>
void multiply(Index n, const Scalar* a, const Scalar* b, Scalar* y) {
  for (Index i = 0; i < n; ++i) y[i] = a[i] * b[i];
}

template <class Scalar>
void multiply_add(Index n, const Scalar* a, const Scalar* b, Scalar* y) {
  for (Index i = 0; i < n; ++i) y[i] += a[i] * b[i];
}

template <class Scalar>
void add_bias(Index rows, Index cols, const Scalar* bias, Scalar* y) {
  for (Index r = 0; r < rows; ++r) {
    for (Index c = 0; c < cols; ++c) y[r * cols + c] += bias[c];
  }
}

}  // namespace graft::kernels::reference
