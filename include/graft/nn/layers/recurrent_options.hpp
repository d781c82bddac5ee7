#pragma once

#include "graft/nn/layers/layer_options.hpp"

// The arguments that recurrent layers have in common: read, written and kept in one place each.
namespace graft::detail {

/// Calls visit("key", field) for the fields that every options struct of a recurrent layer has, or may have.
template <class Options, class Visit>
void visit_recurrent(Options& o, const Visit& visit) {
  if constexpr (requires { o.activation; }) visit("activation", o.activation);
  if constexpr (requires { o.recurrent_activation; }) visit("recurrent_activation", o.recurrent_activation);
  if constexpr (requires { o.use_bias; }) visit("use_bias", o.use_bias);
  visit("kernel_initializer", o.kernel_initializer);
  visit("recurrent_initializer", o.recurrent_initializer);
  visit("bias_initializer", o.bias_initializer);
  if constexpr (requires { o.unit_forget_bias; }) visit("unit_forget_bias", o.unit_forget_bias);
  visit("kernel_regularizer", o.kernel_regularizer);
  visit("recurrent_regularizer", o.recurrent_regularizer);
  visit("bias_regularizer", o.bias_regularizer);
  visit("activity_regularizer", o.activity_regularizer);
  visit("kernel_constraint", o.kernel_constraint);
  visit("recurrent_constraint", o.recurrent_constraint);
  visit("bias_constraint", o.bias_constraint);
  if constexpr (requires { o.dropout; }) visit("dropout", o.dropout);
  if constexpr (requires { o.recurrent_dropout; }) visit("recurrent_dropout", o.recurrent_dropout);
  if constexpr (requires { o.reset_after; }) visit("reset_after", o.reset_after);
  visit("return_sequences", o.return_sequences);
  visit("return_state", o.return_state);
  visit("go_backwards", o.go_backwards);
  visit("stateful", o.stateful);
  if constexpr (requires { o.unroll; }) visit("unroll", o.unroll);
}

GRAFT_COLD inline Config config_of(bool value) { return value; }
GRAFT_COLD inline Config config_of(double value) { return value; }
template <class Configurable>
Config config_of(const Configurable& value) {
  return value.config();
}

template <class Options>
GRAFT_COLD Options read_recurrent(const Config& config) {
  Options options;
  visit_recurrent(options, [&](const char* key, auto& field) { read(config, key, field); });
  if constexpr (requires { options.zero_output_for_mask; })
    read(config, "zero_output_for_mask", options.zero_output_for_mask);
  if constexpr (requires { options.seed; }) options.seed = read_seed(config);
  read_base(config, options);
  return options;
}

template <class Options>
GRAFT_COLD void write_recurrent(Config& config, const Options& options) {
  visit_recurrent(options, [&](const char* key, const auto& field) { config[key] = config_of(field); });
  // Keys that not every Keras knows are written when they say something.
  if (options.zero_output_for_mask) config["zero_output_for_mask"] = true;
  if (options.seed) config["seed"] = *options.seed;
}

/// What the base of recurrent layers keeps of the options of any of them.
struct RecurrentSettings {
  ActivationFunction activation, recurrent_activation;
  bool use_bias, return_sequences, return_state, go_backwards, stateful, zero_output_for_mask;
  double dropout, recurrent_dropout;
  std::optional<Index> seed;

  template <class Options>
  GRAFT_COLD explicit RecurrentSettings(const Options& o)
      : activation(o.activation),
        use_bias(o.use_bias),
        return_sequences(o.return_sequences),
        return_state(o.return_state),
        go_backwards(o.go_backwards),
        stateful(o.stateful),
        zero_output_for_mask(o.zero_output_for_mask),
        dropout(o.dropout),
        recurrent_dropout(o.recurrent_dropout),
        seed(o.seed) {
    if constexpr (requires { o.recurrent_activation; }) recurrent_activation = o.recurrent_activation;
  }
};

}  // namespace graft::detail
