#pragma once

#include "graft/nn/layers/dense_recurrent.hpp"

namespace graft {

struct GRUOptions {
  ActivationFunction activation = "tanh";
  ActivationFunction recurrent_activation = "sigmoid";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer recurrent_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint recurrent_constraint = {};
  Constraint bias_constraint = {};
  double dropout = 0;
  double recurrent_dropout = 0;
  bool reset_after = true;  ///< the reset gate acts behind the product with U instead of in front of it
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  bool unroll = false;  ///< changes nothing
  bool zero_output_for_mask = false;
  std::optional<Index> seed = {};
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class GRUImpl final : public detail::DenseRecurrentImpl<Scalar> {
  using Base = detail::DenseRecurrentImpl<Scalar>;
  using Run = detail::RecurrentRun<Scalar>;
  using Sizes = detail::RecurrentSizes;

 public:
  GRAFT_COLD GRUImpl(Index units, GRUOptions options)
      : Base("GRU", units, "units", options), options_(std::move(options)) {}
  std::string_view class_name() const override { return "GRU"; }

  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["units"] = this->units();
    detail::write_recurrent(config, options_);
    return config;
  }

 protected:
  // Gates in the order z, r, h.
  Index gates() const override { return 3; }
  bool splits_gradient() const override { return options_.reset_after; }
  /// Of each step: h U_h + its bias, or r h.
  Index kept_elements(const Sizes& size) const override { return size.state(); }
  Index work_elements(const Sizes& size) const override { return (options_.reset_after ? 3 : 1) * size.state(); }

  GRAFT_COLD void build(std::span<const Shape> inputs, Rng& rng) override {
    const Index columns = 3 * this->units();
    this->add_matrices(inputs, options_, options_.reset_after ? Shape{2, columns} : Shape{columns}, rng);
  }

  void step(const Run& run, Index s) const override {
    if (options_.reset_after) step_after(run, s);
    else step_before(run, s);
  }
  void step_backward(const Run& run, Index s) const override {
    if (options_.reset_after) back_after(run, s);
    else back_before(run, s);
  }
  void recurrent_gradient(const Run& run, const Scalar* states, Scalar* dw) const override {
    if (options_.reset_after) return Base::recurrent_gradient(run, states, dw);
    this->state_gradient(run, states, run.dz, dw, 0, 2);
    this->state_gradient(run, run.kept, run.dz, dw, 2, 1);
  }
  void bias_gradient(const Run& run, Scalar* db) const override {
    Base::bias_gradient(run, db);
    if (!options_.reset_after) return;
    kernels::column_sums(run.size.steps * run.size.batch, run.row_gates(), run.dv, db + run.row_gates());
  }

 private:
  // h' = z h + (1 - z) candidate = candidate + z (h - candidate)
  static void mix(const Run& run, Index s, Index row, const Scalar* gates) {
    const Index u = run.size.units;
    const Scalar *h_prev = run.state(run.h, s, row), *candidate = gates + 2 * u;
    Scalar* h = run.state(run.h, s + 1, row);
    kernels::axpby(u, Scalar(1), h_prev, Scalar(-1), candidate, h);
    kernels::multiply(u, h, gates, h);
    kernels::add(u, h, candidate, h);
  }
  // dz of the gates z and h, and what h[s] gets directly.
  void mix_backward(const Run& run, Index s, Index row) const {
    const Index u = run.size.units;
    const Scalar *gates = run.gate_row(run.z, s, row), *before = run.before_row(s, row);
    const Scalar *h_prev = run.state(run.h, s, row), *dh = run.dh + row * u;
    Scalar *dz = run.gate_row(run.dz, s, row), *dh_prev = run.dh_prev + row * u;
    for (Index k = 0; k < u; ++k) {
      const Scalar z = gates[k];
      dh_prev[k] = dh[k] * z;
      dz[k] = dh[k] * (h_prev[k] - gates[2 * u + k]);
      dz[2 * u + k] = dh[k] * (1 - z);
    }
    detail::apply_backward<Scalar>(options_.activation, 1, u, before ? before + 2 * u : nullptr, gates + 2 * u,
                                   dz + 2 * u, dz + 2 * u);
  }
  // From the gradients of the gates z and r to those of their sums.
  void gates_backward(const Run& run, Index s, Index row) const {
    Scalar* dz = run.gate_row(run.dz, s, row);
    detail::apply_backward<Scalar>(options_.recurrent_activation, 2, run.size.units, run.before_row(s, row),
                                   run.gate_row(run.z, s, row), dz, dz);
  }
  void gates_forward(const Run& run, Index s, Index row) const {
    const Index u = run.size.units;
    Scalar* z = run.gate_row(run.z, s, row);
    if (run.before) std::copy_n(z, 2 * u, run.gate_row(run.before, s, row));
    detail::apply<Scalar>(options_.recurrent_activation, 2, u, z, z);
  }
  void candidate_forward(const Run& run, Index s, Index row) const {
    const Index u = run.size.units;
    Scalar* z = run.gate_row(run.z, s, row) + 2 * u;
    if (run.before) std::copy_n(z, u, run.gate_row(run.before, s, row) + 2 * u);
    detail::apply<Scalar>(options_.activation, 1, u, z, z);
  }

  // candidate = activation(x_h + r v_h), v = h U + b'
  void step_after(const Run& run, Index s) const {
    const Index u = run.size.units, columns = 3 * u;
    const Scalar* bias = this->bias() ? this->bias() + columns : nullptr;
    this->state_forward(run, run.product_input(s), run.work, 0, 3, false, bias);
    run.for_rows([&](Index row) {
      Scalar *z = run.gate_row(run.z, s, row), *kept = run.state(run.kept, s, row);
      const Scalar *v = run.work + row * columns, *sum = z;
      kernels::add(2 * u, sum, v, z);
      gates_forward(run, s, row);
      std::copy_n(v + 2 * u, u, kept);
      kernels::multiply_add(u, sum + u, v + 2 * u, z + 2 * u);
      candidate_forward(run, s, row);
      mix(run, s, row, z);
    });
  }
  void back_after(const Run& run, Index s) const {
    const Index u = run.size.units;
    run.for_counting_rows(s, [&](Index row) {
      mix_backward(run, s, row);
      const Scalar *gates = run.gate_row(run.z, s, row), *kept = run.state(run.kept, s, row);
      Scalar *dz = run.gate_row(run.dz, s, row), *dv = run.gate_row(run.dv, s, row);
      for (Index k = 0; k < u; ++k) {
        dz[u + k] = dz[2 * u + k] * kept[k];
        dv[2 * u + k] = dz[2 * u + k] * gates[u + k];
      }
      gates_backward(run, s, row);
      std::copy_n(dz, 2 * u, dv);
    });
    run.add_product_gradient([&](Scalar* to) { this->state_backward(run, run.gate_row(run.dv, s), to, 0, 3); });
  }

  // candidate = activation(x_h + (r h) U_h)
  void step_before(const Run& run, Index s) const {
    const Index u = run.size.units;
    const Scalar* h = run.product_input(s);
    this->state_forward(run, h, run.gate_row(run.z, s), 0, 2);
    run.for_rows([&](Index row) {
      gates_forward(run, s, row);
      const Scalar* gates = run.gate_row(run.z, s, row);
      kernels::multiply(u, gates + u, h + row * u, run.state(run.kept, s, row));
    });
    this->state_forward(run, run.state(run.kept, s), run.gate_row(run.z, s), 2, 1);
    run.for_rows([&](Index row) {
      candidate_forward(run, s, row);
      mix(run, s, row, run.gate_row(run.z, s, row));
    });
  }
  void back_before(const Run& run, Index s) const {
    const Index u = run.size.units;
    run.for_counting_rows(s, [&](Index row) { mix_backward(run, s, row); });
    const Scalar* h = run.product_input(s);
    Scalar* d_reset = run.work;  // of r h
    this->state_backward(run, run.gate_row(run.dz, s), d_reset, 2, 1, false);
    run.add_product_gradient([&](Scalar* to) {
      run.for_rows([&](Index row) {
        if (!run.row_counts(s, row)) return;
        const Scalar *gates = run.gate_row(run.z, s, row), *d = d_reset + row * u;
        Scalar* dz = run.gate_row(run.dz, s, row);
        for (Index k = 0; k < u; ++k) {
          dz[u + k] = d[k] * h[row * u + k];
          to[row * u + k] += d[k] * gates[u + k];
        }
        gates_backward(run, s, row);
      });
      this->state_backward(run, run.gate_row(run.dz, s), to, 0, 2);
    });
  }

  GRUOptions options_;
};

/// Gated recurrent unit (Cho et al. 2014; Keras: GRU). With x[t] W + b and h U cut into three,
///
///     z, r = recurrent_activation(x_z + h U_z, x_r + h U_r);  h' = z h + (1 - z) g
///     g = activation(x_h + r (h U_h + b'))      reset_after: b' is a bias of its own, for all gates
///     g = activation(x_h + (r h) U_h)           otherwise
///
/// kernel W (features, 3 units), recurrent_kernel U (units, 3 units), bias (2, 3 units), b and b', or (3 units); gates
/// in the order z, r, h. Input (batch, steps, features), or that and an initial state (batch, units); output (batch,
/// units), the last h, or all of them (batch, steps, units); with return_state the last h comes behind it. Throws
/// ConfigError for units <= 0 and rates outside [0, 1). For `stateful` see SimpleRNN.
template <class Scalar = float>
class GRU : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit GRU(Index units, GRUOptions options = {})
      : Layer<Scalar>(new GRUImpl<Scalar>(units, std::move(options))) {}

  GRAFT_COLD static GRU from_config(const Config& config) {
    return GRU(config.at("units").as_int("units"), detail::read_recurrent<GRUOptions>(config));
  }
};

}  // namespace graft
