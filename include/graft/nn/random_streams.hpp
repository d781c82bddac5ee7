#pragma once

#include <algorithm>

#include "graft/core/random.hpp"

namespace graft {

/// Where one use of a layer gets its random numbers from: every sample of the batch has a stream of its own, which
/// depends on the key (of the run, the epoch and the node) and on the sample's id alone. So what sample i gets in epoch
/// e depends neither on the size or the order of the batches nor on threads.
///
/// Whatever has a multiple of the batch's size (the time steps of TimeDistributed, which stand for samples inside) is
/// divided evenly among the samples; anything else is drawn from the first one, as is what a batch shares.
struct RandomStreams {
  RandomKey key{};
  const std::uint64_t* samples = nullptr;  ///< ids of the batch's samples, which stay until backward; null: row numbers
  Index batch = 1;                         ///< number of samples

  RandomStreams(RandomKey from = {}, const std::uint64_t* ids = nullptr, Index size = 1)
      : key(from), samples(ids), batch(size) {}
  /// Other streams of the same samples.
  RandomStreams fold(std::uint64_t data) const { return {key.fold(data), samples, batch}; }
  /// The stream of sample i of the batch.
  RandomKey of(Index i) const { return key.fold(samples ? samples[i] : static_cast<std::uint64_t>(i)); }
  /// What all samples of the batch share.
  RandomKey shared() const { return of(0); }
  /// The stream of row i of `rows`.
  RandomKey row(Index i, Index rows) const {
    if (rows == batch) return of(i);
    const Index each = part(rows);
    return of(i / each).fold(static_cast<std::uint64_t>(i % each));
  }
  /// How many of `count` things belong to one sample.
  Index part(Index count) const { return batch > 0 && count % batch == 0 ? count / batch : std::max<Index>(count, 1); }
  /// Elements begin … end-1 of `count`, sample by sample: calls fn(stream, first, from, to) for elements from … to-1,
  /// where element i has number i - first of the stream.
  template <class Fn>
  void for_range(Index count, Index begin, Index end, Fn&& fn) const {
    const Index each = part(count);
    while (begin < end) {
      const Index i = begin / each, to = std::min(end, (i + 1) * each);
      fn(of(i), i * each, begin, to);
      begin = to;
    }
  }
};

}  // namespace graft
