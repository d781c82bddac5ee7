#pragma once

#include <vector>

#include "graft/core/random.hpp"

namespace graft {

/// How far a run of fit has come: all that it needs, besides the model and the optimizer, to go on bit by bit.
struct FitPosition {
  RandomKey key;         ///< of the run: shuffling and all that is random about a sample come from it and the epoch
  Index epoch = 0;       ///< the one being trained, from 0
  Index step = 0;        ///< batches of it that are done
  bool stopped = false;  ///< a callback has ended the training
  std::vector<std::vector<double>> gathered{};  ///< losses and metrics of the epoch so far
};

}  // namespace graft
