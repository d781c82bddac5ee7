#pragma once

#include <algorithm>
#include <cmath>

#include "graft/kernels/random_mask.hpp"
#include "graft/nn/layers/broadcast_rows.hpp"
#include "graft/nn/layers/random_layer.hpp"

namespace graft::detail {

/// The mask of a dropout of this rate: kept elements times 1 / (1 - rate). Each costs 32 random bits, so that the rate
/// is met to 2^-32.
template <class Scalar>
kernels::RandomMaskDesc<Scalar> dropout_mask(RandomKey key, double rate) {
  return {key, static_cast<std::uint64_t>(std::llround(rate * 4294967296.0)), static_cast<Scalar>(1 / (1 - rate))};
}

/// What Dropout and AlphaDropout have in common: y = scale * x + shift where an element is kept, else `dropped`.
template <class Scalar>
class MaskLayerImpl : public RandomLayerImpl<Scalar> {
 public:
  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    if (noise_shape_) (void)mask_shape(inputs[0]);
    return inputs[0];
  }
  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["rate"] = rate_;
    config["noise_shape"] = noise_shape_ ? shape_config(*noise_shape_) : Config();
    config["seed"] = seed_config_of(this->seed());
    return config;
  }

 protected:
  template <class Options>
  GRAFT_COLD MaskLayerImpl(std::string_view class_name, const Options& options)
      : RandomLayerImpl<Scalar>(class_name, options, options.rate > 0),
        rate_(options.rate),
        noise_shape_(options.noise_shape) {}

  struct Rule {
    Scalar scale = 1, shift = 0, dropped = 0;
  };
  virtual Rule rule() const = 0;
  double rate() const { return rate_; }

  void draw(const RandomStreams& streams, TensorView<const Scalar> x, TensorView<Scalar> y) const final {
    const Rule rule = this->rule();
    if (!noise_shape_) return run(streams, rule, x.shape(), x.data(), y.data(), false);
    each(streams, x.shape(), [&](Index i, bool kept) { y[i] = kept ? rule.scale * x[i] + rule.shift : rule.dropped; });
  }
  void draw_backward(const RandomStreams& streams, TensorView<const Scalar>, TensorView<const Scalar> dy,
                     TensorView<Scalar> dx, bool add) const final {
    const Rule rule{this->rule().scale};
    if (!noise_shape_) return run(streams, rule, dx.shape(), dy.data(), dx.data(), add);
    each(streams, dx.shape(), [&](Index i, bool kept) {
      const Scalar d = kept ? rule.scale * dy[i] : Scalar(0);
      dx[i] = add ? dx[i] + d : d;
    });
  }

 private:
  kernels::RandomMaskDesc<Scalar> mask_of(RandomKey key, const Rule& rule, bool add) const {
    auto mask = dropout_mask<Scalar>(key, rate_);
    mask.scale = rule.scale, mask.shift = rule.shift, mask.dropped = rule.dropped, mask.accumulate = add;
    return mask;
  }
  /// A mask of the input's shape.
  void run(const RandomStreams& streams, const Rule& rule, const Shape& shape, const Scalar* x, Scalar* y,
           bool add) const {
    const Index count = shape.elements();
    parallel_for(0, count, 1 << 15, [&](Index begin, Index end) {
      streams.for_range(count, begin, end, [&](RandomKey stream, Index first, Index from, Index to) {
        kernels::random_mask(mask_of(stream, rule, add), from - first, to - from, x + from, y + from);
      });
    });
  }
  /// A mask of noise_shape_, which broadcasts.
  template <class Fn>
  void each(const RandomStreams& streams, const Shape& shape, Fn&& fn) const {
    const Shape small = mask_shape(shape);
    const BroadcastRows broadcast(shape, small);
    // A mask that is one for the whole batch belongs to no sample.
    const bool shared = small.elements() > 0 && small[0] != shape[0];
    const Index cols = broadcast.cols(), step = broadcast.step();
    const Index each = shared ? small.elements() : streams.part(small.elements());
    parallel_for(0, broadcast.rows(), 1 + 16384 / std::max<Index>(cols, 1), [&](Index begin, Index end) {
      Index sample = -1;
      auto mask = dropout_mask<Scalar>(streams.key, rate_);
      for (Index row = begin; row < end; ++row) {
        const Index from = broadcast.offset(row);
        for (Index c = 0; c < cols; ++c) {
          const Index at = from + c * step;
          if (at / each != sample) sample = at / each, mask.key = streams.of(sample);
          fn(row * cols + c, mask.keeps(at - sample * each));
        }
      }
    });
  }
  /// noise_shape with the input's own size where it says None.
  GRAFT_COLD Shape mask_shape(const Shape& input) const {
    Shape shape = *noise_shape_;
    bool fits = shape.rank() == input.rank();
    for (int axis = 0; fits && axis < shape.rank(); ++axis) {
      if (shape[axis] == Shape::kUnknown) shape[axis] = input[axis];
      fits = shape[axis] == 1 || shape[axis] == input[axis] || input[axis] == Shape::kUnknown;
    }
    if (!fits) {
      fail<ShapeError>(this->where(),
                       "a noise_shape that is 1, None or the input's size on every axis of " + input.str(),
                       noise_shape_->str());
    }
    return shape;
  }

  double rate_;
  std::optional<Shape> noise_shape_;
};

}  // namespace graft::detail
