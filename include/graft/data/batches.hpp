#pragma once

#include <algorithm>
#include <numeric>
#include <vector>

#include "graft/core/random.hpp"
#include "graft/core/tensor.hpp"

namespace graft {

/// The order in which an epoch visits the samples: 0, 1, 2 … or a permutation of a key.
class SampleOrder {
 public:
  explicit SampleOrder(Index samples) : order_(static_cast<std::size_t>(samples)) { reset(); }

  void reset() {
    std::iota(order_.begin(), order_.end(), std::uint64_t{0});
    shuffled_ = false;
  }
  /// Fisher and Yates, from the identity: the permutation depends on the key alone.
  void shuffle(RandomKey key) {
    reset();
    Rng rng(key);
    for (Index i = static_cast<Index>(order_.size()) - 1; i > 0; --i) {
      std::swap(order_[static_cast<std::size_t>(i)], order_[static_cast<std::size_t>(rng.below(i + 1))]);
    }
    shuffled_ = true;
  }
  bool shuffled() const { return shuffled_; }
  Index operator[](Index i) const { return static_cast<Index>(order_[static_cast<std::size_t>(i)]); }
  /// Where the numbers of the samples lie, from place `first` of the order on.
  const std::uint64_t* numbers(Index first) const { return order_.data() + first; }

 private:
  std::vector<std::uint64_t> order_;
  bool shuffled_ = false;
};

/// Batches of one array: consecutive samples are used where they lie, shuffled ones are gathered into a buffer that is
/// made once.
template <class Scalar>
class BatchReader {
 public:
  BatchReader(TensorView<const Scalar> array, Index batch_size)
      : array_(array), row_(array.shape().product(1, array.rank())), batch_size_(batch_size) {}

  /// Samples first … last-1 of the order.
  const Scalar* read(const SampleOrder& order, Index first, Index last) {
    if (!order.shuffled()) return array_.data() + first * row_;
    if (!buffer_) buffer_ = allocate_aligned<Scalar>(batch_size_ * row_);
    for (Index i = first; i < last; ++i) {
      std::copy_n(array_.data() + order[i] * row_, row_, buffer_.get() + (i - first) * row_);
    }
    return buffer_.get();
  }
  /// True when it reads this very array.
  bool reads(const TensorView<const Scalar>& array) const {
    return array.data() == array_.data() && array.shape() == array_.shape();
  }
  Shape shape(Index batch) const { return array_.shape().replace_batch(batch); }

 private:
  TensorView<const Scalar> array_;
  Index row_, batch_size_;
  std::unique_ptr<Scalar[], AlignedDelete> buffer_;
};

}  // namespace graft
