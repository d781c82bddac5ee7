#pragma once

#include "graft/nn/layers/recurrent_run.hpp"

namespace graft::detail {

/// Between the order of the tensors that the user sees, (batch, steps, …) with the channels last or first, and that of
/// a RecurrentRun, (steps, batch, …) with the channels last.
template <class Scalar>
class RecurrentOrder {
 public:
  using Run = RecurrentRun<Scalar>;

  explicit RecurrentOrder(bool first) : channels_first_(first) {}

  /// A sample of (pixels, channels), from the user's order (`inside`) or to it.
  void move_sample(Index pixels, Index channels, const Scalar* from, Scalar* to, bool inside) const {
    if (!channels_first_ || pixels == 1 || channels == 1) {
      std::copy_n(from, pixels * channels, to);
      return;
    }
    for (Index p = 0; p < pixels; ++p) {
      for (Index c = 0; c < channels; ++c) {
        if (inside) to[p * channels + c] = from[c * pixels + p];
        else to[c * pixels + p] = from[p * channels + c];
      }
    }
  }
  /// The same for a state of the whole batch.
  void move_state(const RecurrentSizes& size, const Scalar* from, Scalar* to, bool inside) const {
    const Index sample = size.pixels() * size.units;
    for (Index b = 0; b < size.batch; ++b) {
      move_sample(size.pixels(), size.units, from + b * sample, to + b * sample, inside);
    }
  }
  /// x by steps, times the factors of dropout.
  void to_steps(const Run& run, const Scalar* x, Scalar* to) const {
    const Index length = run.size.inputs();
    each_step(run, length, [&](Index b, Index at, Index in_x) {
      Scalar* target = to + at * length;
      move_sample(run.size.in_pixels(), run.size.channels, x + in_x * length, target, true);
      if (run.x_drop) multiply_by(length, run.x_drop + b * length, target);
    });
  }
  /// The way back. dx is changed.
  void from_steps(const Run& run, Scalar* dx, Scalar* to) const {
    const Index length = run.size.inputs();
    each_step(run, length, [&](Index b, Index at, Index in_x) {
      Scalar* source = dx + at * length;
      if (run.x_drop) multiply_by(length, run.x_drop + b * length, source);
      move_sample(run.size.in_pixels(), run.size.channels, source, to + in_x * length, false);
    });
  }

 private:
  // Calls fn(sample, where its step lies by steps, where in the user's tensor).
  template <class Fn>
  static void each_step(const Run& run, Index length, const Fn& fn) {
    const RecurrentSizes& size = run.size;
    parallel_for(0, size.steps * size.batch, 1 + 32768 / std::max<Index>(length, 1), [&](Index from, Index to) {
      for (Index i = from; i < to; ++i) {
        const Index s = i / size.batch, b = i % size.batch;
        fn(b, i, b * size.steps + run.time(s));
      }
    });
  }
  static void multiply_by(Index n, const Scalar* factor, Scalar* y) {
    for (Index i = 0; i < n; ++i) y[i] *= factor[i];
  }

  bool channels_first_;
};

}  // namespace graft::detail
