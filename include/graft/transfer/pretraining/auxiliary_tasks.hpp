#pragma once

#include "graft/data/samplers/balanced_batches.hpp"
#include "graft/data/samplers/pair_dataset.hpp"
#include "graft/data/samplers/view_dataset.hpp"
#include "graft/models/sequential.hpp"
#include "graft/nn/layers/dense.hpp"
#include "graft/transfer/pretraining/twins.hpp"

namespace graft {

/// How a trunk is pretrained on a task of its own. Only the trunk is kept; what stands on it for the task is dropped.
template <class Scalar = float>
struct PretrainOptions {
  Index epochs = 10;
  Index batch_size =
      128;  ///< of pictures (pairs); tasks that look at several views of each have as many times more rows
  Optimizer<Scalar> optimizer = "adam";
  Index projection = 64;                     ///< numbers of the embedding that the loss sees, above the trunk
  double temperature = 0.5;                  ///< of NTXent
  double margin = 1.0;                       ///< of ContrastiveLoss and TripletSemiHardLoss
  std::optional<Index> seed = std::nullopt;  ///< of order and augmentation; none: of set_random_seed
  std::vector<std::shared_ptr<Callback<Scalar>>> callbacks = {};
  Verbose verbose = Verbose::silent;
};

namespace detail {

template <class Scalar>
GRAFT_COLD History fit_task(const Model<Scalar>& model, const Loss<Scalar>& loss, const Dataset<Scalar>& batches,
                            const PretrainOptions<Scalar>& options, const MetricList<Scalar>& metrics = {}) {
  model.compile({.optimizer = options.optimizer, .loss = loss, .metrics = metrics, .lints = {.silence = {"all"}}});
  return model.fit(batches, {.epochs = options.epochs, .verbose = options.verbose, .callbacks = options.callbacks});
}

/// Two views of each picture, changed by a random layer, `batch_size` pictures a batch.
template <class Scalar>
GRAFT_COLD Dataset<Scalar> view_batches(const char* what, const ArrayLike<Scalar>& pictures,
                                        const Layer<Scalar>& augmentation, const PretrainOptions<Scalar>& options) {
  if (options.batch_size < 2) {
    fail<ConfigError>(what, "a batch_size of at least 2 pictures, to tell them apart",
                      std::to_string(options.batch_size));
  }
  if (pictures.samples() < options.batch_size) {
    fail<DataError>(what, "at least a batch of pictures: " + std::to_string(options.batch_size),
                    std::to_string(pictures.samples()));
  }
  return view_dataset(Dataset<Scalar>::from_tensors(pictures).shuffle(pictures.samples(), {.seed = options.seed}))
      .batch(2 * options.batch_size, {.drop_remainder = true})
      .map(augmentation, {.seed = options.seed});
}

/// Twins of the trunk with a linear layer on it, over pairs.
template <class Scalar>
GRAFT_COLD History fit_twins(const Model<Scalar>& trunk, const Dataset<Scalar>& pairs,
                             const PretrainOptions<Scalar>& options) {
  const Sequential<Scalar> embedding({trunk, Dense<Scalar>(options.projection)});
  return fit_task<Scalar>(siamese_model<Scalar>(embedding), ContrastiveLoss<Scalar>({.margin = options.margin}), pairs,
                          options);
}

}  // namespace detail

/// SimCLR (Chen et al. 2020): two random views of one picture shall be more alike than those of any two pictures. On
/// the trunk stand Dense(its own width, relu) and Dense(projection), and NTXent. `pictures` (n, …) need no labels;
/// `augmentation` is a random layer, or a Sequential of such; the trunk puts out rows (batch, d). Trains the trunk in
/// place and returns the history of the task.
///
///     graft::pretrain_simclr<float>(trunk, pictures, augmentation, {.epochs = 10});
///     auto model = graft::reuse_layers<float>(trunk, {graft::Dense(10, {.activation = "softmax"})}, {.drop_top =
///     0}).model;
///
/// Throws ConfigError for a batch_size of less than 2, DataError for less pictures than a batch.
template <class Scalar>
GRAFT_COLD History pretrain_simclr(const Model<Scalar>& trunk, const ArrayLike<Scalar>& pictures,
                                   const Layer<Scalar>& augmentation, const PretrainOptions<Scalar>& options = {}) {
  const auto batches = detail::view_batches("pretrain_simclr", pictures, augmentation, options);
  const Index width = trunk.output_shape().back();
  const Sequential<Scalar> model(
      {trunk, Dense<Scalar>(width, {.activation = "relu"}), Dense<Scalar>(options.projection)});
  return detail::fit_task<Scalar>(model, NTXent<Scalar>({.temperature = options.temperature}), batches, options);
}

/// Siamese twins with ContrastiveLoss over pairs of samples: of one class or not? `labelled` gives single samples with
/// a label each, of whatever says which belong together at no cost (who is on a picture, where it was taken); see
/// pair_dataset. On the trunk stands Dense(projection). Trains the trunk in place.
template <class Scalar>
GRAFT_COLD History pretrain_siamese(const Model<Scalar>& trunk, const Dataset<Scalar>& labelled,
                                    const PretrainOptions<Scalar>& options = {}, const PairOptions& pairs = {}) {
  return detail::fit_twins<Scalar>(trunk, pair_dataset(labelled, pairs).batch(options.batch_size), options);
}

/// The same without labels: are these two views of one picture? Pairs of augmented views, half of them of one picture.
template <class Scalar>
GRAFT_COLD History pretrain_siamese(const Model<Scalar>& trunk, const ArrayLike<Scalar>& pictures,
                                    const Layer<Scalar>& augmentation, const PretrainOptions<Scalar>& options = {}) {
  // Both pictures of a pair are changed, each in its own way.
  const Shape shape = pictures.shape().without_batch();
  const Symbol<Scalar> a = Input<Scalar>(shape), b = Input<Scalar>(shape);
  const Model<Scalar> change(std::vector{a, b}, std::vector{augmentation(a), augmentation(b)});
  const auto views = view_dataset(Dataset<Scalar>::from_tensors(pictures));
  const auto pairs = pair_dataset(views, {.pairs = pictures.samples(), .seed = options.seed})
                         .batch(options.batch_size)
                         .map(change, {.seed = options.seed});
  return detail::fit_twins<Scalar>(trunk, pairs, options);
}

/// Rotation prediction (Gidaris, Singh, Komodakis 2018): by how many quarters is the picture turned? On the trunk
/// stands Dense(4, softmax). `pictures` are square, (n, s, s) or (n, s, s, c). Trains the trunk in place; the history
/// has the accuracy.
template <class Scalar>
GRAFT_COLD History pretrain_rotation(const Model<Scalar>& trunk, const ArrayLike<Scalar>& pictures,
                                     const PretrainOptions<Scalar>& options = {}) {
  const auto turned = rotation_dataset(Dataset<Scalar>::from_tensors(pictures))
                          .shuffle(4 * pictures.samples(), {.seed = options.seed})
                          .batch(options.batch_size);
  const Sequential<Scalar> model({trunk, Dense<Scalar>(4, {.activation = "softmax"})});
  return detail::fit_task<Scalar>(model, "sparse_categorical_crossentropy", turned, options, {"accuracy"});
}

}  // namespace graft
