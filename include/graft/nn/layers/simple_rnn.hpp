#pragma once

#include "graft/nn/layers/dense_recurrent.hpp"

namespace graft {

struct SimpleRNNOptions {
  ActivationFunction activation = "tanh";
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
class SimpleRNNImpl final : public detail::DenseRecurrentImpl<Scalar> {
  using Base = detail::DenseRecurrentImpl<Scalar>;
  using Run = detail::RecurrentRun<Scalar>;

 public:
  GRAFT_COLD SimpleRNNImpl(Index units, SimpleRNNOptions options)
      : Base("SimpleRNN", units, "units", options), options_(std::move(options)) {}
  std::string_view class_name() const override { return "SimpleRNN"; }

  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["units"] = this->units();
    detail::write_recurrent(config, options_);
    return config;
  }

 protected:
  Index gates() const override { return 1; }
  GRAFT_COLD void build(std::span<const Shape> inputs, Rng& rng) override {
    this->add_matrices(inputs, options_, {this->units()}, rng);
  }

  void step(const Run& run, Index s) const override {
    this->state_forward(run, run.product_input(s), run.gate_row(run.z, s), 0, 1);
    const Index u = this->units();
    run.for_rows([&](Index row) {
      Scalar *z = run.gate_row(run.z, s, row), *h = run.state(run.h, s + 1, row);
      if (run.before) std::copy_n(z, u, run.gate_row(run.before, s, row));
      detail::apply<Scalar>(options_.activation, 1, u, z, h);
      std::copy_n(h, u, z);
    });
  }
  void step_backward(const Run& run, Index s) const override {
    const Index u = this->units();
    run.for_counting_rows(s, [&](Index row) {
      detail::apply_backward<Scalar>(options_.activation, 1, u, run.before_row(s, row), run.gate_row(run.z, s, row),
                                     run.dh + row * u, run.gate_row(run.dz, s, row));
      std::fill_n(run.dh_prev + row * u, u, Scalar(0));
    });
    run.add_product_gradient([&](Scalar* to) { this->state_backward(run, run.gate_row(run.dz, s), to, 0, 1); });
  }

 private:
  SimpleRNNOptions options_;
};

/// h[t] = activation(x[t] W + h[t - 1] U + b): kernel W (features, units), recurrent_kernel U (units, units), bias b
/// (units). Input (batch, steps, features), or that and an initial state (batch, units); output (batch, units), the
/// last h, or all of them (batch, steps, units); with return_state the last state comes behind it. Throws ConfigError
/// for units <= 0 and rates outside [0, 1).
///
/// A stateful layer begins each batch with the last states of the batch before, until reset_states(). It is the one
/// kind of layer that keeps something of a call, so that such a model's predict must not run on several threads at a
/// time.
template <class Scalar = float>
class SimpleRNN : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit SimpleRNN(Index units, SimpleRNNOptions options = {})
      : Layer<Scalar>(new SimpleRNNImpl<Scalar>(units, std::move(options))) {}

  GRAFT_COLD static SimpleRNN from_config(const Config& config) {
    return SimpleRNN(config.at("units").as_int("units"), detail::read_recurrent<SimpleRNNOptions>(config));
  }
};

}  // namespace graft
