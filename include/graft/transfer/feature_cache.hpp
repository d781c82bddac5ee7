#pragma once

#include "graft/models/model.hpp"

namespace graft {

struct FeatureCacheOptions {
  Index batch_size = 32;
  StaleCache on_stale = StaleCache::recompute;
  /// Layers that are random in training (Dropout, RandomFlip …) make features that are other ones in every epoch: a
  /// cache of them would quietly switch them off. With true they are, as in predict.
  bool allow_random = false;
  /// Part of the key: of what the hashes cannot see, as a change in the code of a layer of your own.
  std::string tag = {};
  /// For a dataset: says which data these are (a version, a date). Without it one pass over the dataset makes a hash of
  /// all samples.
  std::string fingerprint = {};
  Verbose verbose = Verbose::automatic;
};

/// Features that a base made of data, in an HDF5 file that is mapped into memory: it may be larger than memory. Copies
/// share the mapping. Arrays made from it are valid as long as one of them lives.
///
///     auto features = graft::extract_features(base, x_train, "train.h5");
///     head.fit(features.array(), y_train, {.epochs = 20});
template <class Scalar = float>
class FeatureCache {
 public:
  FeatureCache() = default;
  /// The last `targets` arrays, and after them the weights if there are any, came with the samples.
  FeatureCache(detail::StoredFeatures stored, const std::vector<Shape>& shapes, Index samples, std::string path,
               std::size_t targets = 0, bool weighted = false)
      : owner_(std::move(stored.owner)), report_(std::move(stored.report)), path_(std::move(path)) {
    std::vector<TensorView<const Scalar>> all;
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      all.emplace_back(reinterpret_cast<const Scalar*>(stored.arrays[i]), shapes[i].with_batch(samples));
    }
    if (weighted) weights_ = all.back();
    const auto labels = all.end() - weighted, features = labels - static_cast<std::ptrdiff_t>(targets);
    arrays_.assign(all.begin(), features);
    labels_.assign(features, labels);
  }

  Index samples() const { return arrays_.empty() ? 0 : arrays_.front().dim(0); }
  /// One for each output of the base.
  std::size_t outputs() const { return arrays_.size(); }
  /// Throws ConfigError when the base has no such output.
  GRAFT_COLD const TensorView<const Scalar>& array(std::size_t output = 0) const {
    if (output >= arrays_.size()) {
      fail<ConfigError>("FeatureCache array", "one of " + std::to_string(arrays_.size()) + " outputs",
                        std::to_string(output));
    }
    return arrays_[output];
  }
  /// As what fit, evaluate and predict take.
  Arrays<Scalar> arrays() const { return as_arrays(arrays_); }
  /// The targets that came with the samples of a dataset, in the order of the features; empty for features of arrays.
  Arrays<Scalar> labels() const { return as_arrays(labels_); }
  /// Features, targets and weights of a dataset.
  TrainingData<Scalar> data() const { return {arrays(), labels(), weights_}; }
  const FeatureReport& report() const { return report_; }
  const std::string& path() const { return path_; }

 private:
  GRAFT_COLD static Arrays<Scalar> as_arrays(const std::vector<TensorView<const Scalar>>& views) {
    std::vector<ArrayLike<Scalar>> result;
    for (const auto& view : views) result.emplace_back(view);
    return result;
  }

  std::shared_ptr<const void> owner_;
  std::vector<TensorView<const Scalar>> arrays_, labels_;
  TensorView<const Scalar> weights_;
  FeatureReport report_;
  std::string path_;
};

namespace detail {

/// The graph of a base as it runs in predict. Throws ConfigError when something in it is random.
template <class Scalar>
GRAFT_COLD FlatGraph<Scalar> graph_to_extract(const std::string& where, const Model<Scalar>& base,
                                              const FeatureCacheOptions& options) {
  FlatGraph<Scalar> graph = flatten(base.impl().graph(), false);
  for (const auto& node : graph.nodes) {
    // A call with training = true draws in predict, too.
    const bool rests = options.allow_random && !node.training.value_or(false);
    if (!FlatGraph<Scalar>::draws(node) || rests) continue;
    throw ConfigError(
        where + ": the layer " + node.layer->where() +
        " stands before the cut and draws random numbers in training, so that every epoch has other "
        "features; kept ones would switch it off. Extract from the layers below or behind it, train end to "
        "end (augmentation, frozen base, head), or say .allow_random = true to have it rest as in predict.");
  }
  if (!detail::feature_store()) {
    throw StateError(where + ": files need HDF5. Include graft/graft.hpp in place of graft/core.hpp.");
  }
  graph.output_masks.assign(graph.outputs.size(), FlatGraph<Scalar>::kNone);
  return graph;
}

}  // namespace detail

/// Feature extraction, the first way of using a pretrained model: runs `base` over the data once, as predict does, and
/// keeps its outputs in an HDF5 file. The file is keyed by hashes of the weights, the configuration and the data: a
/// later call with the same ones computes nothing; with others the file is never used, but computed anew, or refused,
/// as on_stale says. A run that was interrupted goes on behind its last whole chunk. Memory for one chunk (about a
/// megabyte, or one batch) is all that it takes. What the numbers were computed with, batch size, threads and
/// instruction set, is not part of the key: it shows in the last bits at most.
///
/// Throws ConfigError when a random layer stands in the base (see allow_random); FileError when the file holds
/// something else, cannot be written, or when the disk has no room, which is known before anything is computed;
/// StateError for a stale file if asked to; ShapeError for data that do not fit.
template <class Scalar>
GRAFT_COLD FeatureCache<Scalar> extract_features(const Model<Scalar>& base,
                                                 const std::type_identity_t<Arrays<Scalar>>& data,
                                                 const std::string& path, const FeatureCacheOptions& options = {}) {
  const std::string where = "extract_features of " + base.impl().where();
  if (options.batch_size < 1)
    fail<ConfigError>(where + ", batch_size", "at least 1", std::to_string(options.batch_size));
  if (path.empty()) fail<ConfigError>(where, "the name of a file", "an empty one");
  detail::build_from_data(base.impl(), data);
  const auto views = detail::checked_inputs("extract_features", base.impl(), data);
  FlatGraph<Scalar> graph = detail::graph_to_extract(where, base, options);
  detail::PrefixRunner<Scalar> runner(std::move(graph), {views}, options.batch_size);
  if (runner.bytes() == 0) fail<ShapeError>(where, "features of at least one number", "outputs of size 0");
  auto stored = detail::open_features(runner, path, false, options.batch_size, options.on_stale, options.tag);
  FeatureCache<Scalar> cache(std::move(stored), runner.outputs(), runner.samples(), path);
  if (options.verbose != Verbose::silent) std::printf("features: %s\n", cache.report().text.c_str());
  return cache;
}

/// The same of a dataset of batches. The targets and weights of its samples are kept with the features, in the order of
/// pass 0: cache.data() is what a head is fitted to. The key counts samples in any order, so that a shuffled dataset
/// finds its features again. Throws ConfigError too for a dataset without an end, or one that gives other samples in
/// every pass, as by augmentation.
template <class Scalar>
GRAFT_COLD FeatureCache<Scalar> extract_features(const Model<Scalar>& base,
                                                 const std::type_identity_t<Dataset<Scalar>>& dataset,
                                                 const std::string& path, const FeatureCacheOptions& options = {}) {
  const std::string where = "extract_features of " + base.impl().where();
  if (path.empty()) fail<ConfigError>(where, "the name of a file", "an empty one");
  const Batch<Scalar> first = dataset.first();
  if (dataset.batched()) {
    const auto arrays = detail::BatchAdapter<Scalar>::arrays(first.x);
    detail::build_from_data(base.impl(), arrays);
    (void)detail::checked_inputs("extract_features", base.impl(), arrays);
  }
  detail::DatasetFeatures<Scalar> features(where, detail::graph_to_extract(where, base, options), dataset);
  if (features.bytes() == 0) fail<ShapeError>(where, "features of at least one number", "outputs of size 0");
  auto stored = detail::open_features(features, path, options.on_stale, options.tag, options.fingerprint);
  FeatureCache<Scalar> cache(std::move(stored), features.shapes(), features.samples(), path, features.targets(),
                             features.weighted());
  if (options.verbose != Verbose::silent) std::printf("features: %s\n", cache.report().text.c_str());
  return cache;
}

}  // namespace graft
