#pragma once

#include <array>

#include "graft/kernels/elementwise.hpp"
#include "graft/nn/activations.hpp"
#include "graft/nn/layers/layer_options.hpp"

namespace graft::detail {

/// Cuts a block of memory into aligned arrays; without a block it only counts the bytes.
template <class Scalar>
class Carver {
 public:
  explicit Carver(std::byte* memory) : memory_(memory) {}
  explicit Carver(const std::byte* memory) : memory_(const_cast<std::byte*>(memory)) {}

  template <class T = Scalar>
  T* take(Index count) {
    std::byte* at = memory_ ? memory_ + bytes_ : nullptr;
    bytes_ += round_up_64(count * static_cast<Index>(sizeof(T)));
    return reinterpret_cast<T*>(at);
  }
  Index bytes() const { return bytes_; }

 private:
  std::byte* memory_;
  Index bytes_ = 0;
};

/// The sizes of one call. A state is `pixels` rows of `units` numbers for each sample; it is one row unless the layer
/// convolves.
struct RecurrentSizes {
  Index batch = 1, steps = 1, units = 1, channels = 1;
  std::array<Index, 3> in{1, 1, 1}, out{1, 1, 1};  // spatial

  Index in_pixels() const { return in[0] * in[1] * in[2]; }
  Index pixels() const { return out[0] * out[1] * out[2]; }
  Index inputs() const { return in_pixels() * channels; }  ///< numbers of one step of one sample
  Index rows() const { return batch * pixels(); }
  Index state() const { return rows() * units; }  ///< numbers of a state of the whole batch
};

/// The memory of one call. Everything is ordered by step first, (steps, rows, …), so that a step is one block; step s
/// works on time s, or on time steps - 1 - s of a layer that goes backwards.
template <class Scalar>
struct RecurrentRun {
  RecurrentSizes size;
  Index gates = 1;
  const Scalar* mask = nullptr;  // (batch, steps), in the order of time
  bool backwards = false;

  // Kept for backward.
  Scalar* z = nullptr;       // (steps, rows, gates * units): x W + b + h U, then the gates
  Scalar* before = nullptr;  // the same before the activations, if one of them asks for it
  Scalar* h = nullptr;       // (steps + 1, rows, units): the states; step s reads h[s] and writes h[s + 1]
  Scalar* c = nullptr;       // the second state, or null
  Scalar* kept = nullptr;    // (steps, …): what else a cell keeps

  // Scratch.
  Scalar* x_drop = nullptr;   // (batch, inputs): factors of dropout, or null
  Scalar* h_drop = nullptr;   // (rows, units): factors of recurrent_dropout, or null
  Scalar* dropped = nullptr;  // (rows, units): a state times h_drop
  Scalar* work = nullptr;     // the cell's

  // Backward: gradients.
  Scalar* dz = nullptr;       // (steps, rows, gates * units): of z before the activations
  Scalar* dv = nullptr;       // of h U + its own bias, where that is another
  Scalar* dh = nullptr;       // (rows, units): of h[s + 1]
  Scalar* dh_prev = nullptr;  // of h[s]: written by a step
  Scalar* dc = nullptr;       // of c[s + 1]; a step turns it into that of c[s]
  Scalar* d_dropped = nullptr;

  Index row_gates() const { return gates * size.units; }
  Index block() const { return size.rows() * row_gates(); }
  Scalar* state(Scalar* states, Index s, Index row = 0) const { return states + s * size.state() + row * size.units; }
  Scalar* gate_row(Scalar* all, Index s, Index row = 0) const { return all + s * block() + row * row_gates(); }
  /// The same, or null where there is no such array.
  const Scalar* before_row(Index s, Index row) const { return before ? gate_row(before, s, row) : nullptr; }

  Index time(Index s) const { return backwards ? size.steps - 1 - s : s; }
  /// False when the mask says that this step is not there for a sample.
  bool counts(Index s, Index sample) const { return !mask || mask[sample * size.steps + time(s)] != Scalar(0); }
  bool row_counts(Index s, Index row) const { return !mask || counts(s, row / size.pixels()); }

  /// Calls fn(row) for all rows of a state.
  template <class Fn>
  void for_rows(const Fn& fn) const {
    parallel_for(0, size.rows(), 1 + 8192 / row_gates(), [&](Index from, Index to) {
      for (Index row = from; row < to; ++row) fn(row);
    });
  }
  /// The same in backward; rows that the mask skips hand the gradients of the states on as they are.
  template <class Fn>
  void for_counting_rows(Index s, const Fn& fn) const {
    for_rows([&](Index row) {
      if (row_counts(s, row)) return fn(row);
      std::fill_n(gate_row(dz, s, row), row_gates(), Scalar(0));
      if (dv) std::fill_n(gate_row(dv, s, row), row_gates(), Scalar(0));
      std::copy_n(dh + row * size.units, size.units, dh_prev + row * size.units);
    });
  }

  /// h[s] as the recurrent product sees it.
  const Scalar* product_input(Index s) const {
    const Scalar* from = state(h, s);
    if (!h_drop) return from;
    kernels::multiply(size.state(), from, h_drop, dropped);
    return dropped;
  }
  /// Calls fn(to), which adds the gradient of product_input to `to`; it goes on to dh_prev.
  template <class Fn>
  void add_product_gradient(const Fn& fn) const {
    if (!h_drop) return fn(dh_prev);
    std::fill_n(d_dropped, size.state(), Scalar(0));
    fn(d_dropped);
    kernels::multiply_add(size.state(), d_dropped, h_drop, dh_prev);
  }
};

/// y = f(x) for `gates` gates of n units that lie side by side.
template <class Scalar>
void apply(const ActivationFunction& f, Index gates, Index n, const Scalar* x, Scalar* y) {
  if (f.elementwise()) return kernels::activation_forward(f.params(), gates * n, x, y);
  const Shape shape{1, n};
  for (Index gate = 0; gate < gates; ++gate) {
    f.forward(TensorView<const Scalar>(x + gate * n, shape), TensorView<Scalar>(y + gate * n, shape));
  }
}
/// dx (+)= dy f'; x may be null unless f.needs_input().
template <class Scalar>
void apply_backward(const ActivationFunction& f, Index gates, Index n, const Scalar* x, const Scalar* y,
                    const Scalar* dy, Scalar* dx, bool add = false) {
  if (f.elementwise()) return kernels::activation_backward(f.params(), gates * n, x, y, dy, dx, add);
  const Shape shape{1, n};
  for (Index gate = 0; gate < gates; ++gate) {
    const Index at = gate * n;
    f.backward(TensorView<const Scalar>(x ? x + at : nullptr, shape), TensorView<const Scalar>(y + at, shape),
               TensorView<const Scalar>(dy + at, shape), TensorView<Scalar>(dx + at, shape), add);
  }
}

}  // namespace graft::detail
