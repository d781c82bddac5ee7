#pragma once

#include <cstdint>
#include <vector>

#include "graft/core/tensor.hpp"

namespace graft {

/// What a dataset gives: some samples with their targets and weights, or, before `batch`, one sample without the batch
/// axis. A model with several inputs or outputs has several x or y.
template <class Scalar = float>
struct Batch {
  std::vector<Tensor<Scalar>> x, y;
  Tensor<Scalar> sample_weight{};  ///< one number a sample; not allocated(): all weigh 1
  std::vector<std::uint64_t>
      ids{};  ///< which samples: positions in the source (and the pass of `repeat`, above bit 40)

  /// Number of samples.
  Index size() const { return static_cast<Index>(ids.size()); }
};

namespace detail {

/// Memory of that shape: the tensor's own when it has it.
template <class Scalar>
void ensure_shape(Tensor<Scalar>& tensor, const Shape& shape) {
  if (!tensor.allocated() || !(tensor.shape() == shape)) tensor = Tensor<Scalar>::uninitialized(shape);
}

/// `shape` with another axis in front.
inline Shape with_front(Index size, const Shape& shape) {
  Shape result{size};
  for (int axis = 0; axis < shape.rank(); ++axis) result.push_back(shape[axis]);
  return result;
}

template <class Scalar>
void copy_tensor(const TensorView<const Scalar>& from, Tensor<Scalar>& to) {
  ensure_shape(to, from.shape());
  std::copy_n(from.data(), from.size(), to.data());
}

}  // namespace detail
}  // namespace graft
