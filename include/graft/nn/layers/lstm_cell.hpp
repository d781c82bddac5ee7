#pragma once

#include "graft/nn/layers/recurrent_run.hpp"

namespace graft::detail {

/// What LSTM and ConvLSTM do with the sums of a step, row by row. Gates lie in the order i, f, g (the candidate; Keras
/// calls it c), o.
template <class Scalar>
struct LstmCell {
  const ActivationFunction& activation;
  const ActivationFunction& recurrent_activation;

  /// c' = f c + i g;  h' = o activation(c')
  void forward(const RecurrentRun<Scalar>& run, Index s) const {
    const Index u = run.size.units;
    run.for_rows([&](Index row) {
      Scalar* z = run.gate_row(run.z, s, row);
      if (run.before) std::copy_n(z, 4 * u, run.gate_row(run.before, s, row));
      apply<Scalar>(recurrent_activation, 2, u, z, z);
      apply<Scalar>(activation, 1, u, z + 2 * u, z + 2 * u);
      apply<Scalar>(recurrent_activation, 1, u, z + 3 * u, z + 3 * u);
      const Scalar *gates = z, *c_prev = run.state(run.c, s, row);
      Scalar *c = run.state(run.c, s + 1, row), *active = run.state(run.kept, s, row);
      kernels::multiply(u, gates + u, c_prev, c);
      kernels::multiply_add(u, gates, gates + 2 * u, c);
      apply<Scalar>(activation, 1, u, c, active);
      kernels::multiply(u, gates + 3 * u, active, run.state(run.h, s + 1, row));
    });
  }

  void backward(const RecurrentRun<Scalar>& run, Index s) const {
    const Index u = run.size.units;
    run.for_counting_rows(s, [&](Index row) {
      const Scalar *i = run.gate_row(run.z, s, row), *f = i + u, *g = f + u, *o = g + u;
      const Scalar *before = run.before_row(s, row), *dh = run.dh + row * u;
      const Scalar *c_prev = run.state(run.c, s, row), *c = run.state(run.c, s + 1, row);
      const Scalar* active = run.state(run.kept, s, row);
      Scalar *dz = run.gate_row(run.dz, s, row), *dc = run.dc + row * u;
      const auto x_of = [&](Index gate) { return before ? before + gate * u : nullptr; };

      kernels::multiply(u, dh, active, dz + 3 * u);
      apply_backward<Scalar>(recurrent_activation, 1, u, x_of(3), o, dz + 3 * u, dz + 3 * u);
      kernels::multiply(u, dh, o, dz + 2 * u);
      apply_backward<Scalar>(activation, 1, u, c, active, dz + 2 * u, dc, true);
      const Scalar* d = dc;
      kernels::multiply(u, d, g, dz);
      kernels::multiply(u, d, c_prev, dz + u);
      kernels::multiply(u, d, i, dz + 2 * u);
      kernels::multiply(u, d, f, dc);
      apply_backward<Scalar>(recurrent_activation, 2, u, x_of(0), i, dz, dz);
      apply_backward<Scalar>(activation, 1, u, x_of(2), g, dz + 2 * u, dz + 2 * u);
      std::fill_n(run.dh_prev + row * u, u, Scalar(0));
    });
  }
};

}  // namespace graft::detail
