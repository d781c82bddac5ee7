#pragma once

#include <cstring>
#include <vector>

#include "graft/core/thread_pool.hpp"
#include "graft/nn/layers/layer_options.hpp"
#include "graft/nn/layers/view_layer.hpp"

namespace graft::detail {

/// Base of the layers that draw random numbers in training and change nothing at inference. Number i of a call belongs
/// to element i, whatever the threads; backward draws the same ones again from the key, which is all that is kept.
template <class Scalar>
class RandomLayerImpl : public LayerImpl<Scalar> {
 public:
  bool is_random() const final { return active_; }
  bool supports_masking() const override { return true; }

  Needs needs(std::span<const Shape>, const Use& use) const override {
    Needs needs;
    needs.can_add = needs.in_place = true;
    needs.is_view = !draws(use);
    if (draws(use) && use.backward()) needs.cache_bytes = static_cast<Index>(sizeof(RandomKey));
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const final {
    if (!draws(args.use)) return copy_or_add<Scalar>(args.x(), args.y());
    const RandomKey key = seed_ ? args.random.fold(static_cast<std::uint64_t>(*seed_)) : args.random;
    if (args.cache && args.use.backward()) std::memcpy(args.cache, &key, sizeof key);
    draw(key, args.x(), args.y());
  }
  void backward(const BackwardArgs<Scalar>& args) const final {
    if (!args.dx()) return;
    if (!draws(args.use)) return copy_or_add<Scalar>(args.dy(), args.dx(), args.add_to_input);
    RandomKey key;
    std::memcpy(&key, args.cache, sizeof key);
    draw_backward(key, args.y(), args.dy(), args.dx(), args.add_to_input);
  }

 protected:
  template <class Options>
  GRAFT_COLD RandomLayerImpl(std::string_view class_name, const Options& options, bool active)
      : LayerImpl<Scalar>(class_name, options), seed_(options.seed), active_(active) {}

  virtual void draw(RandomKey key, TensorView<const Scalar> x, TensorView<Scalar> y) const = 0;
  virtual void draw_backward(RandomKey key, TensorView<const Scalar> y, TensorView<const Scalar> dy,
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

/// Calls fn(i) for all elements, in parts.
template <class Fn>
void for_each_element(Index count, Fn&& fn) {
  parallel_for(0, count, 1 << 13, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) fn(i);
  });
}

}  // namespace graft::detail
