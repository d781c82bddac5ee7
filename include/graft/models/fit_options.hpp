#pragma once

#include <map>
#include <memory>
#include <optional>

#include "graft/core/array_like.hpp"
#include "graft/data/dataset.hpp"
#include "graft/models/callbacks/callback.hpp"
#include "graft/models/feature_store.hpp"
#include "graft/models/progress.hpp"

namespace graft {

/// Samples with their targets, and weights for them if wanted: arrays, or a dataset of batches.
template <class Scalar = float>
struct TrainingData {
  TrainingData() = default;
  TrainingData(Arrays<Scalar> x_, Arrays<Scalar> y_, ArrayLike<Scalar> sample_weight_ = {})
      : x(std::move(x_)), y(std::move(y_)), sample_weight(std::move(sample_weight_)) {}
  TrainingData(Dataset<Scalar> dataset_) : dataset(std::move(dataset_)) {}

  Arrays<Scalar> x, y;
  ArrayLike<Scalar> sample_weight;  ///< one number per sample
  Dataset<Scalar> dataset;          ///< in place of the arrays
};

/// Arguments of `fit`, Keras's names and defaults.
template <class Scalar>
struct FitOptions {
  Index batch_size = 32;
  Index epochs = 1;  ///< number of the last epoch, as in Keras: with initial_epoch 10, epochs 12 trains two
  Verbose verbose = Verbose::automatic;
  std::vector<std::shared_ptr<Callback<Scalar>>> callbacks = {};
  double validation_split = 0;  ///< the last fraction of the samples, taken before shuffling
  std::optional<TrainingData<Scalar>> validation_data = std::nullopt;
  bool shuffle = true;
  std::map<Index, double> class_weight = {};  ///< class → weight; classes that are not named weigh 1
  ArrayLike<Scalar> sample_weight = {};       ///< one number per sample
  Index initial_epoch = 0;
  Index validation_batch_size = 0;  ///< 0: batch_size
  Index validation_freq = 1;        ///< validate after every that many epochs
  /// Batches of an epoch, for a dataset; 0: a whole pass. With it the next epoch goes on where this one stopped.
  Index steps_per_epoch = 0;
  Index validation_steps = 0;  ///< batches of a validation dataset, from its beginning; 0: all
  /// Runs the frozen, deterministic layers below the first trainable one once instead of once an epoch. The result is
  /// bit-equal; over a dataset, which must give the same samples in every pass, that of fit over its samples as arrays,
  /// shuffled as `shuffle` says. Of graft; Keras has no such argument.
  bool cache_frozen_prefix = false;
  /// Bytes of memory that cached features may take; beyond it they go to a temporary file (in $TMPDIR, else /var/tmp).
  Index cache_budget = Index{1} << 30;
  /// Keeps the features in this file, for later runs too: see extract_features. Implies cache_frozen_prefix.
  std::string cache_file = {};
  StaleCache on_stale_cache = StaleCache::recompute;  ///< when cache_file is of other weights, layers or data
};

template <class Scalar>
struct EvaluateOptions {
  Index batch_size = 32;
  Verbose verbose = Verbose::silent;
  ArrayLike<Scalar> sample_weight = {};
  Index steps = 0;  ///< batches of a dataset; 0: all
};

struct PredictOptions {
  Index batch_size = 32;
  Index steps = 0;  ///< batches of a dataset; 0: all
};

/// Arguments of train_on_batch and test_on_batch.
template <class Scalar>
struct BatchOptions {
  ArrayLike<Scalar> sample_weight = {};
  std::map<Index, double> class_weight = {};
};

}  // namespace graft
