#pragma once

#include "graft/nn/layers/gru.hpp"
#include "graft/nn/layers/lstm.hpp"

namespace graft {

/// Keras 2's LSTM for NVIDIA's library: an LSTM with tanh and sigmoid, and it is saved as one.
template <class Scalar = float>
class CuDNNLSTM : public LSTM<Scalar> {
 public:
  GRAFT_COLD explicit CuDNNLSTM(Index units, LSTMOptions options = {})
      : LSTM<Scalar>(units, plain(std::move(options))) {}

  GRAFT_COLD static CuDNNLSTM from_config(const Config& config) {
    return CuDNNLSTM(config.at("units").as_int("units"), detail::read_recurrent<LSTMOptions>(config));
  }

 private:
  GRAFT_COLD static LSTMOptions plain(LSTMOptions options) {
    options.activation = "tanh";
    options.recurrent_activation = "sigmoid";
    return options;
  }
};

/// Keras 2's GRU for NVIDIA's library: a GRU with tanh, sigmoid and reset_after, and it is saved as one.
template <class Scalar = float>
class CuDNNGRU : public GRU<Scalar> {
 public:
  GRAFT_COLD explicit CuDNNGRU(Index units, GRUOptions options = {}) : GRU<Scalar>(units, plain(std::move(options))) {}

  GRAFT_COLD static CuDNNGRU from_config(const Config& config) {
    return CuDNNGRU(config.at("units").as_int("units"), detail::read_recurrent<GRUOptions>(config));
  }

 private:
  GRAFT_COLD static GRUOptions plain(GRUOptions options) {
    options.activation = "tanh";
    options.recurrent_activation = "sigmoid";
    options.reset_after = true;
    return options;
  }
};

}  // namespace graft
