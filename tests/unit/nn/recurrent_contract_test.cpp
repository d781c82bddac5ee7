#include "catch.hpp"
#include "tests/support/layer_contract.hpp"

using namespace graft;
using graft::test::LayerCase;

// The layer contract for layers over time.
namespace {

std::vector<LayerCase> recurrent_cases() {
  using namespace std::string_literals;
  return {
      {"SimpleRNN, last output", SimpleRNN<double>(4), {{5, 3}}},
      {"SimpleRNN, all outputs, relu, no bias",
       SimpleRNN<double>(3, {.activation = "relu", .use_bias = false, .return_sequences = true}),
       {{4, 2}}},
      {"SimpleRNN, backwards, mish (backward reads its input)",
       SimpleRNN<double>(3, {.activation = "mish", .return_sequences = true, .go_backwards = true}),
       {{5, 2}}},
      {"SimpleRNN, softmax, one step", SimpleRNN<double>(3, {.activation = "softmax"}), {{1, 4}}},
      {"SimpleRNN, initial state", SimpleRNN<double>(3, {.return_sequences = true}), {{4, 2}, {3}}},
      {"SimpleRNN, dropout",
       SimpleRNN<double>(5, {.dropout = 0.3, .recurrent_dropout = 0.4, .return_sequences = true, .seed = 3}),
       {{4, 6}}},
      {"LSTM, last output", LSTM<double>(4), {{5, 3}}},
      {"LSTM, all outputs, backwards", LSTM<double>(3, {.return_sequences = true, .go_backwards = true}), {{6, 2}}},
      {"LSTM, hard_sigmoid and swish",
       LSTM<double>(3, {.activation = "swish", .recurrent_activation = "hard_sigmoid_keras2"}),
       {{4, 3}}},
      {"LSTM, softmax gates, no bias",
       LSTM<double>(3, {.recurrent_activation = "softmax", .use_bias = false, .return_sequences = true}),
       {{3, 2}}},
      {"LSTM, initial states", LSTM<double>(3), {{4, 2}, {3}, {3}}},
      {"LSTM, dropout", LSTM<double>(4, {.dropout = 0.25, .recurrent_dropout = 0.25}), {{4, 8}}},
      {"LSTM, regularized, no forget bias",
       LSTM<double>(2, {.unit_forget_bias = false,
                        .kernel_regularizer = "l2",
                        .recurrent_regularizer = "l1",
                        .bias_regularizer = "l2",
                        .kernel_constraint = "max_norm",
                        .recurrent_constraint = "unit_norm",
                        .bias_constraint = "non_neg",
                        .unroll = true,
                        .zero_output_for_mask = true}),
       {{3, 2}}},
      {"GRU, last output", GRU<double>(4), {{5, 3}}},
      {"GRU, all outputs, backwards, no bias",
       GRU<double>(3, {.use_bias = false, .return_sequences = true, .go_backwards = true}),
       {{4, 2}}},
      {"GRU, reset before", GRU<double>(3, {.reset_after = false}), {{5, 2}}},
      {"GRU, reset before, all outputs, hard_sigmoid, softsign",
       GRU<double>(3, {.activation = "softsign",
                       .recurrent_activation = "hard_sigmoid",
                       .reset_after = false,
                       .return_sequences = true}),
       {{4, 3}}},
      {"GRU, mish gates", GRU<double>(3, {.activation = "mish", .recurrent_activation = "softsign"}), {{4, 3}}},
      {"GRU, initial state", GRU<double>(3, {.return_sequences = true}), {{4, 2}, {3}}},
      {"GRU, dropout", GRU<double>(4, {.dropout = 0.2, .recurrent_dropout = 0.3}), {{4, 6}}},
      {"GRU, reset before, dropout",
       GRU<double>(4, {.dropout = 0.2, .recurrent_dropout = 0.3, .reset_after = false}),
       {{4, 6}}},
      {"CuDNNLSTM", CuDNNLSTM<double>(3, {.return_sequences = true}), {{3, 2}}},
      {"CuDNNGRU", CuDNNGRU<double>(3), {{3, 2}}},
      {"ConvLSTM1D, same", ConvLSTM1D<double>(2, 3, {.padding = "same", .return_sequences = true}), {{3, 5, 2}}},
      {"ConvLSTM1D, strides, channels first, initial states",
       ConvLSTM1D<double>(2, 2, {.strides = 2, .data_format = "channels_first"}),
       {{3, 2, 6}, {2, 3}, {2, 3}}},
      {"ConvLSTM2D, valid", ConvLSTM2D<double>(2, {2, 3}), {{3, 4, 5, 2}}},
      {"ConvLSTM2D, channels first, backwards, dropout",
       ConvLSTM2D<double>(2, 2,
                          {.padding = "same",
                           .data_format = "channels_first",
                           .recurrent_activation = "hard_sigmoid",
                           .dropout = 0.2,
                           .recurrent_dropout = 0.2,
                           .return_sequences = true,
                           .go_backwards = true}),
       {{2, 2, 3, 4}}},
      {"ConvLSTM2D, dilated, no bias",
       ConvLSTM2D<double>(1, 2, {.dilation_rate = 2, .use_bias = false}),
       {{2, 4, 4, 1}}},
      {"ConvLSTM3D", ConvLSTM3D<double>(1, 2), {{2, 3, 2, 3, 2}}},
      {"Embedding", Embedding<double>(5, 3), {{4}}, 5},
      {"Embedding of pictures, regularized",
       Embedding<double>(9, 2, {.embeddings_regularizer = L2(0.1), .embeddings_constraint = NonNeg()}),
       {{2, 3}},
       9},
      {"Masking", Masking<double>(0.5), {{4, 3}}},
      {"Masking of images", Masking<double>(), {{2, 3, 2}}},
  };
}

const graft::test::LayerCases registered_recurrent(&recurrent_cases);

}  // namespace

TEST_CASE("Layers over time: every layer keeps the contract", "[layers][contract]") {
  for (const LayerCase& test : recurrent_cases()) {
    DYNAMIC_SECTION(test.label) { test::check_layer_contract(test); }
  }
}
