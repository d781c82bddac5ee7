#pragma once

#include "graft/nn/layers/dense_recurrent.hpp"
#include "graft/nn/layers/lstm_cell.hpp"

namespace graft {

struct LSTMOptions {
  ActivationFunction activation = "tanh";
  ActivationFunction recurrent_activation = "sigmoid";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  bool unit_forget_bias = true;  ///< the bias of the forget gate starts at 1
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
class LSTMImpl final : public detail::DenseRecurrentImpl<Scalar> {
  using Base = detail::DenseRecurrentImpl<Scalar>;
  using Run = detail::RecurrentRun<Scalar>;

 public:
  GRAFT_COLD LSTMImpl(Index units, LSTMOptions options)
      : Base("LSTM", units, "units", options), options_(std::move(options)) {}
  std::string_view class_name() const override { return "LSTM"; }

  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["units"] = this->units();
    detail::write_recurrent(config, options_);
    return config;
  }

 protected:
  Index gates() const override { return 4; }
  Index state_count() const override { return 2; }
  Index kept_elements(const detail::RecurrentSizes& size) const override { return size.state(); }
  GRAFT_COLD void build(std::span<const Shape> inputs, Rng& rng) override {
    this->add_matrices(inputs, options_, {4 * this->units()}, rng, options_.unit_forget_bias);
  }

  void step(const Run& run, Index s) const override {
    this->state_forward(run, run.product_input(s), run.gate_row(run.z, s), 0, 4);
    cell().forward(run, s);
  }
  void step_backward(const Run& run, Index s) const override {
    cell().backward(run, s);
    run.add_product_gradient([&](Scalar* to) { this->state_backward(run, run.gate_row(run.dz, s), to, 0, 4); });
  }

 private:
  detail::LstmCell<Scalar> cell() const { return {options_.activation, options_.recurrent_activation}; }

  LSTMOptions options_;
};

/// Long short-term memory (Hochreiter and Schmidhuber 1997; Keras: LSTM). With z = x[t] W + h U + b cut into four,
///
///     i, f, o = recurrent_activation(z_i, z_f, z_o);  g = activation(z_c)
///     c' = f c + i g;  h' = o activation(c')
///
/// kernel W (features, 4 units), recurrent_kernel U (units, 4 units), bias b (4 units), gates in the order i, f, c, o.
/// Input (batch, steps, features), or that and the initial states h and c, (batch, units) each; output (batch, units),
/// the last h, or all of them (batch, steps, units); with return_state the last h and c come behind it. Throws
/// ConfigError for units <= 0 and rates outside [0, 1). For `stateful` see SimpleRNN.
template <class Scalar = float>
class LSTM : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit LSTM(Index units, LSTMOptions options = {})
      : Layer<Scalar>(new LSTMImpl<Scalar>(units, std::move(options))) {}

  GRAFT_COLD static LSTM from_config(const Config& config) {
    return LSTM(config.at("units").as_int("units"), detail::read_recurrent<LSTMOptions>(config));
  }
};

}  // namespace graft
