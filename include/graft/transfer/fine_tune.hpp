#pragma once

#include "graft/transfer/fine_tuning.hpp"

namespace graft {

/// Trains a model with reused layers and a new head in two phases, on arrays or on a dataset of batches. Phase 1:
/// everything but the head is frozen, so that the large gradients of a random head do not wreck what was learned. Phase
/// 2: the reused layers are unfrozen, BatchNormalization stays frozen, and the learning rate is lowered. Each phase
/// compiles anew with a fresh optimizer. What is frozen and deterministic below the first layer that trains runs once;
/// the numbers are those of the plain loop. Options choose what phase 2 unfreezes, the policies of BatchNormalization,
/// discriminative rates, gradual unfreezing and the recipes of the papers. Throws what compile and fit throw,
/// ConfigError for names that are not there.
///
///     auto report = graft::fine_tune(model_B, {x_train, y_train}, {.head = {.epochs = 4}, .tuning = {.epochs = 16}});
template <class Scalar>
GRAFT_COLD FineTuneReport fine_tune(const Model<Scalar>& model, const TrainingData<Scalar>& data,
                                    FineTuneOptions<Scalar> options = {}) {
  return detail::FineTuning<Scalar>(model, data, std::move(options)).run();
}

}  // namespace graft
