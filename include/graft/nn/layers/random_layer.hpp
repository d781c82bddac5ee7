#pragma once

#include <cstring>
#include <vector>

#include "graft/core/thread_pool.hpp"
#include "graft/nn/layers/layer_options.hpp"
#include "graft/nn/layers/view_layer.hpp"

namespace graft::detail {

/// The streams of a layer that may have a seed of its own.
inline RandomStreams seeded(const RandomStreams& streams, const std::optional<Index>& seed) {
  return seed ? streams.fold(static_cast<std::uint64_t>(*seed)) : streams;
}

/// Base of the layers that draw random numbers in training and change nothing at inference. Every sample has a stream
/// of numbers of its own (RandomStreams), whose number i belongs to its element i, whatever the threads; backward draws
/// the same ones again from the streams, which are all that is kept.
template <class Scalar>
class RandomLayerImpl : public LayerImpl<Scalar> {
 public:
  bool is_random() const final { return active_; }
  bool supports_masking() const override { return true; }

  Needs needs(std::span<const Shape>, const Use& use) const override {
    Needs needs;
    needs.can_add = needs.in_place = true;
    needs.is_view = !draws(use);
    if (draws(use) && use.backward()) needs.cache_bytes = static_cast<Index>(sizeof(RandomStreams));
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const final {
    if (!draws(args.use)) return copy_or_add<Scalar>(args.x(), args.y());
    const RandomStreams streams = seeded(args.random, seed_);
    if (args.cache && args.use.backward()) std::memcpy(args.cache, &streams, sizeof streams);
    draw(streams, args.x(), args.y());
  }
  void backward(const BackwardArgs<Scalar>& args) const final {
    if (!args.dx()) return;
    if (!draws(args.use)) return copy_or_add<Scalar>(args.dy(), args.dx(), args.add_to_input);
    RandomStreams streams;
    std::memcpy(&streams, args.cache, sizeof streams);
    draw_backward(streams, args.y(), args.dy(), args.dx(), args.add_to_input);
  }

 protected:
  template <class Options>
  GRAFT_COLD RandomLayerImpl(std::string_view class_name, const Options& options, bool active)
      : LayerImpl<Scalar>(class_name, options), seed_(options.seed), active_(active) {}

  virtual void draw(const RandomStreams& streams, TensorView<const Scalar> x, TensorView<Scalar> y) const = 0;
  virtual void draw_backward(const RandomStreams& streams, TensorView<const Scalar> y, TensorView<const Scalar> dy,
                             TensorView<Scalar> dx, bool add) const = 0;

  bool draws(const Use& use) const { return use.training && active_; }
  const std::optional<Index>& seed() const { return seed_; }

  GRAFT_COLD void check_rate(double rate) const {
    if (!(rate >= 0 && rate < 1)) fail<ConfigError>(this->where(), "rate in [0, 1)", std::to_string(rate));
  }

 private:
  std::optional<Index> seed_;
  bool active_;
};

/// Calls fn(i, stream, number) for all elements: element i gets that number of the stream.
template <class Fn>
void for_each_element(const RandomStreams& streams, Index count, Fn&& fn) {
  parallel_for(0, count, 1 << 13, [&](Index begin, Index end) {
    streams.for_range(count, begin, end, [&](RandomKey stream, Index first, Index from, Index to) {
      for (Index i = from; i < to; ++i) fn(i, stream, static_cast<std::uint64_t>(i - first));
    });
  });
}

}  // namespace graft::detail
