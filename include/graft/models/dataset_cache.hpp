#pragma once

// First: it includes the rest in an order of its own.
#include "graft/models/model.hpp"

#include "graft/models/check_data.hpp"
#include "graft/models/dataset_features.hpp"
#include "graft/models/prefix_cache.hpp"

namespace graft::detail {

/// The frozen prefix of a graph over datasets: that of training and, if there is one, that of validation (or its
/// arrays). What comes out are arrays, in memory or mapped from files, that training takes in place of the datasets.
template <class Scalar>
class DatasetCache {
 public:
  /// `history` says what was done, or why nothing was; then active() is false and the graph as it was.
  GRAFT_COLD DatasetCache(const char* what, const ModelImpl<Scalar>& model, const Compiled<Scalar>& compiled,
                          FlatGraph<Scalar>& graph, const Dataset<Scalar>& dataset, const FitOptions<Scalar>& options,
                          History& history)
      : what_(what), model_(model), compiled_(compiled), options_(options) {
    if (options.steps_per_epoch > 0 || options.validation_steps > 0) {
      history.uncached_reason = "steps_per_epoch or validation_steps take part of a dataset in an epoch";
      return;
    }
    SplitGraph<Scalar> split = split_frozen_prefix(graph);
    if (split.rest.nodes.empty()) {
      history.uncached_reason = "no layer trains";
      return;
    }
    try {
      features_.emplace(std::string(what) + " of " + model.where(), split.prefix, dataset);
      if (options.validation_data && options.validation_data->dataset) {
        validation_features_.emplace("fit validation_data", split.prefix, options.validation_data->dataset);
      }
    } catch (const ConfigError& error) {
      history.uncached_reason = error.what();
      return;
    }
    if (features_->runner().computing_layers() == 0) {
      history.uncached_reason = "the first layer " + end_of_prefix(split.rest);
      return;
    }
    double bytes = features_->bytes();
    if (validation_features_) bytes += validation_features_->bytes();
    if (options.cache_file.empty() && bytes > static_cast<double>(options.cache_budget)) {
      history.uncached_reason = "features of " + text::with_commas(static_cast<Index>(bytes)) +
                                " bytes exceed the budget of " + text::with_commas(options.cache_budget) +
                                "; name a cache_file";
      return;
    }
    if (!options.cache_file.empty() && !feature_store()) {
      throw StateError("cache_file \"" + options.cache_file +
                       "\": files need HDF5. Include graft/graft.hpp in place of graft/core.hpp.");
    }
    training_ = take(*features_, options.cache_file, options.class_weight, history);
    if (validation_features_) {
      const std::string path = options.cache_file.empty() ? "" : options.cache_file + ".validation";
      validation_ = take(*validation_features_, path, {}, history);
    } else if (options.validation_data) {
      run_arrays(split.prefix, history);
    }
    history.cached_layers = features_->runner().computing_layers();
    history.cached_bytes = static_cast<Index>(bytes);
    graph = std::move(split.rest);
    active_ = true;
  }

  bool active() const { return active_; }
  Index batch_size() const { return features_->batch_size(); }
  const PassData<Scalar>& training() const { return training_; }
  /// Without samples when nothing is validated.
  const PassData<Scalar>& validation() const { return validation_; }

 private:
  GRAFT_COLD PassData<Scalar> take(DatasetFeatures<Scalar>& features, const std::string& path,
                                   const std::map<Index, double>& class_weight, History& history) {
    std::vector<TensorView<const Scalar>> arrays;
    if (path.empty()) {
      const auto began = std::chrono::steady_clock::now();
      std::vector<std::byte*> into;
      for (const Shape& shape : features.shapes()) {
        owned_.push_back(Tensor<Scalar>::uninitialized(shape.with_batch(features.samples())));
        into.push_back(reinterpret_cast<std::byte*>(owned_.back().data()));
        arrays.push_back(std::as_const(owned_.back()).view());
      }
      features.compute(0, features.samples(), into);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
      history.cached_seconds += took.count();
      history.cache_text = "in memory";
    } else {
      const StoredFeatures stored = open_features(features, path, options_.on_stale_cache, "", "");
      for (std::size_t i = 0; i < stored.arrays.size(); ++i) {
        arrays.emplace_back(reinterpret_cast<const Scalar*>(stored.arrays[i]),
                            features.shapes()[i].with_batch(features.samples()));
      }
      owners_.push_back(stored.owner);
      history.cached_seconds += stored.report.seconds;
      history.cache_text += (history.cache_text.empty() ? "" : "; ") + stored.report.text;
    }
    return as_pass(features, arrays, class_weight);
  }

  GRAFT_COLD PassData<Scalar> as_pass(const DatasetFeatures<Scalar>& features,
                                      const std::vector<TensorView<const Scalar>>& arrays,
                                      const std::map<Index, double>& class_weight) {
    PassData<Scalar> pass;
    const std::size_t count = features.runner().outputs().size();
    pass.x.assign(arrays.begin(), arrays.begin() + static_cast<std::ptrdiff_t>(count));
    const auto& outputs = model_.graph().outputs();
    if (features.targets() != outputs.size()) {
      fail<ShapeError>(std::string(what_) + " of " + model_.where(),
                       "targets for " + std::to_string(outputs.size()) + " outputs",
                       std::to_string(features.targets()));
    }
    for (std::size_t i = 0; i < features.targets(); ++i) {
      pass.y.push_back(arrays[count + i]);
      compiled_.losses()[i].check_labels(pass.y[i], outputs[i].shape().replace_batch(features.samples()));
    }
    if (features.weighted()) pass.sample_weight = arrays.back();
    if (!class_weight.empty()) {
      weights_ =
          features.weighted() ? Tensor<Scalar>(arrays.back()) : Tensor<Scalar>(Shape{features.samples()}, Scalar(1));
      multiply_class_weights(class_weight, pass.y[0], weights_);
      pass.sample_weight = std::as_const(weights_).view();
    }
    return pass;
  }

  // Validation on arrays beside training on a dataset.
  GRAFT_COLD void run_arrays(const FlatGraph<Scalar>& prefix, History& history) {
    const auto& v = *options_.validation_data;
    checked_.emplace(check_data("fit validation_data", model_, compiled_, v.x, v.y, v.sample_weight));
    validation_ = checked_->pass;
    const auto began = std::chrono::steady_clock::now();
    PrefixRunner<Scalar> runner(prefix, {validation_.x}, options_.batch_size);
    std::vector<std::byte*> into;
    validation_.x.clear();
    for (const Shape& shape : runner.outputs()) {
      owned_.push_back(Tensor<Scalar>::uninitialized(shape.with_batch(runner.samples())));
      into.push_back(reinterpret_cast<std::byte*>(owned_.back().data()));
      validation_.x.push_back(std::as_const(owned_.back()).view());
    }
    runner.run(0, runner.samples(), into);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    history.cached_seconds += took.count();
  }

  const char* what_;
  const ModelImpl<Scalar>& model_;
  const Compiled<Scalar>& compiled_;
  const FitOptions<Scalar>& options_;
  std::optional<DatasetFeatures<Scalar>> features_, validation_features_;
  std::optional<CheckedData<Scalar>> checked_;
  std::vector<Tensor<Scalar>> owned_;
  std::vector<std::shared_ptr<const void>> owners_;
  Tensor<Scalar> weights_;
  PassData<Scalar> training_, validation_;
  bool active_ = false;
};

}  // namespace graft::detail
