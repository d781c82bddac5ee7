#pragma once

#include "graft/models/callbacks/early_stopping.hpp"
#include "graft/models/sequential.hpp"
#include "graft/transfer/batch_norm_policy.hpp"
#include "graft/transfer/learning_rates.hpp"
#include "graft/transfer/recipes/anchoring.hpp"
#include "graft/transfer/recipes/bitfit.hpp"
#include "graft/transfer/recipes/feature_distortion.hpp"
#include "graft/transfer/recipes/lora.hpp"
#include "graft/transfer/recipes/weight_average.hpp"
#include "graft/transfer/strategy.hpp"

namespace graft {

/// Phase 1 of fine_tune until the head has converged: at most max_epochs, and no more when the loss (that of
/// validation, if there is some) has not fallen by min_delta for `patience` epochs; the best head is taken. What is
/// frozen runs once. Source: Kumar et al. 2022 (LP-FT).
struct LpFt {
  Index max_epochs = 200;
  double min_delta = 1e-4;
  Index patience = 5;
};

/// One of the two phases of fine_tune.
template <class Scalar>
struct TuningPhase {
  Index epochs = 0;
  double learning_rate = 0;  ///< 0: the default of the phase
  std::vector<std::shared_ptr<Callback<Scalar>>> callbacks = {};
};

template <class Scalar>
struct FineTuneOptions {
  TuningPhase<Scalar> head = {.epochs = 4};     ///< reused layers frozen; default rate: that of `optimizer`
  TuningPhase<Scalar> tuning = {.epochs = 16};  ///< reused layers unfrozen; default rate: that of the head phase / 100
  std::optional<TrainingData<Scalar>> validation_data = std::nullopt;
  /// Kind and settings; each phase starts a fresh one. Default: that of the model's compile, else SGD with 1e-2.
  std::optional<Optimizer<Scalar>> optimizer = std::nullopt;
  LossList<Scalar> loss = {};                       ///< default: those of the model's compile
  MetricList<Scalar> metrics = {};                  ///< default: those of the model's compile
  std::optional<LintOptions> lints = std::nullopt;  ///< default: those of the model's compile
  Index batch_size = 32;
  Index head_layers = 1;  ///< layers at the top that are new
  // What phase 2 unfreezes: all reused layers, unless one of the next three says less.
  Index unfreeze_top = 0;                           ///< that many with weights, from the top
  std::string unfreeze_from = {};                   ///< the one of this name and all above it
  std::optional<Strategy> strategy = std::nullopt;  ///< none, the top ones, all, or Strategy::by_data
  std::optional<double> similarity = std::nullopt;  ///< for by_data: see StrategyOptions
  bool keep_bn_frozen = true;                       ///< false: the same as .bn = {.all = BnPolicy::train}
  BnPolicies bn = {};
  /// Above 1: discriminative learning rates in phase 2 (2.6 in ULMFiT); they stay on the weights afterwards.
  double discriminative_decay = 0;
  /// In phase 2, one group of reused layers more in every epoch, from the top (ULMFiT); when all train, the rest of the
  /// epochs. Callbacks see as many trainings.
  bool gradual_unfreezing = false;
  // Recipes; each is described with its paper in docs/transfer_learning.md.
  std::optional<LpFt> lp_ft = std::nullopt;  ///< phase 1 trains the head until it stops getting better
  /// Phase 2: the rate climbs to its value in a tenth of all steps and falls to 1/32 of it in the rest (ULMFiT). Over a
  /// dataset, one whose number of batches is known.
  std::optional<SlantedTriangularOptions> slanted_triangular = std::nullopt;
  std::optional<L2SP> l2_sp = std::nullopt;         ///< phase 2: reused weights are held where they started
  std::optional<EWC<Scalar>> ewc = std::nullopt;    ///< phase 2: the same, by their Fisher information
  std::optional<Lora<Scalar>> lora = std::nullopt;  ///< phase 2 trains low-rank changes in place of reused weights
  bool bitfit = false;                              ///< phase 2 trains only the biases of reused layers
  std::optional<Ema> ema = std::nullopt;            ///< at the end: averages over the steps of phase 2
  std::optional<WiseFt> wise_ft = std::nullopt;     ///< at the end: between the weights before and after phase 2
  bool feature_distortion = false;  ///< measures how far phase 2 moves what the head is given; lp_ft does, too
  Verbose verbose = Verbose::automatic;
  Index cache_budget = Index{1} << 30;  ///< bytes of memory that cached features of the frozen prefix may take
  /// Keeps features on disk for later runs: "f.h5" becomes f.head.h5 and f.tuning.h5. See FitOptions.
  std::string cache_file = {};
  StaleCache on_stale_cache = StaleCache::recompute;
};

struct FineTuneReport {
  History head, tuning;
  Strategy strategy = Strategy::full;          ///< what was done, in these words
  std::optional<double> feature_distortion{};  ///< relative, over the first 1,000 samples: see feature_distortion()
  std::optional<double> wise_ft_alpha{};       ///< the share that was taken
  std::string text;                            ///< what was frozen, cached and trained, in words
};

}  // namespace graft
