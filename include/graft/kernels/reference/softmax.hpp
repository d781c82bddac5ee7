#pragma once

#include <algorithm>
#include <cmath>

#include "graft/core/macros.hpp"

namespace graft::kernels::reference {

/// Largest element of a row; NaN if there is one, so that it spreads over the row as in Keras.
template <class Scalar>
Scalar row_maximum(Index cols, const Scalar* x) {
  Scalar largest = x[0];
  for (Index c = 1; c < cols; ++c) {
    if (x[c] > largest || x[c] != x[c]) largest = x[c];
  }
  return largest;
}

template <class Scalar>
void softmax_forward(Index rows, Index cols, const Scalar* x, Scalar* y) {
  for (Index r = 0; r < rows; ++r, x += cols, y += cols) {
    const Scalar largest = row_maximum(cols, x);
    Scalar sum = 0;
    for (Index c = 0; c < cols; ++c) sum += y[c] = std::exp(x[c] - largest);
    for (Index c = 0; c < cols; ++c) y[c] /= sum;
  }
}

template <class Scalar>
void softmax_backward(Index rows, Index cols, const Scalar* y, const Scalar* dy, Scalar* dx, bool accumulate) {
  for (Index r = 0; r < rows; ++r, y += cols, dy += cols, dx += cols) {
    Scalar sum = 0;
    for (Index c = 0; c < cols; ++c) sum += y[c] * dy[c];
    for (Index c = 0; c < cols; ++c) dx[c] = (accumulate ? dx[c] : Scalar(0)) + y[c] * (dy[c] - sum);
  }
}

template <class Scalar>
void log_softmax_forward(Index rows, Index cols, const Scalar* x, Scalar* y) {
  for (Index r = 0; r < rows; ++r, x += cols, y += cols) {
    const Scalar largest = row_maximum(cols, x);
    Scalar sum = 0;
    for (Index c = 0; c < cols; ++c) sum += std::exp(x[c] - largest);
    const Scalar log_sum = std::log(sum);
    for (Index c = 0; c < cols; ++c) y[c] = (x[c] - largest) - log_sum;
  }
}

template <class Scalar>
void log_softmax_backward(Index rows, Index cols, const Scalar* y, const Scalar* dy, Scalar* dx, bool accumulate) {
  for (Index r = 0; r < rows; ++r, y += cols, dy += cols, dx += cols) {
    Scalar sum = 0;
    for (Index c = 0; c < cols; ++c) sum += dy[c];
    for (Index c = 0; c < cols; ++c) dx[c] = (accumulate ? dx[c] : Scalar(0)) + (dy[c] - std::exp(y[c]) * sum);
  }
}

}  // namespace graft::kernels::reference
