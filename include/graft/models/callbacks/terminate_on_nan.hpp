#pragma once

#include <cmath>
#include <cstdio>

#include "graft/models/callbacks/callback.hpp"

namespace graft {

/// Ends the training after a batch whose loss is not a finite number.
template <class Scalar = float>
class TerminateOnNaN : public Callback<Scalar> {
 public:
  void on_train_batch_end(Index batch, double loss) override {
    if (std::isfinite(loss)) return;
    std::printf("Batch %lld: Invalid loss, terminating training\n", static_cast<long long>(batch));
    this->stop_training();
  }
};

}  // namespace graft
