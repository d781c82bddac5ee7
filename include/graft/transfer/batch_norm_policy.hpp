#pragma once

#include "graft/data/batches.hpp"
#include "graft/models/model.hpp"

namespace graft {

/// What becomes of a BatchNormalization layer of a reused base.
enum class BnPolicy {
  frozen,     ///< computes with the moving statistics of its old data and leaves them alone (default)
  train,      ///< normalises by the batch, moves its statistics, learns gamma and beta
  reestimate  ///< its statistics are computed anew on the target data, once; then frozen
};

/// One policy for all, with exceptions by name: {.all = BnPolicy::frozen, .layers = {{"bn5", BnPolicy::train}}}.
struct BnPolicies {
  BnPolicy all = BnPolicy::frozen;
  std::map<std::string, BnPolicy> layers = {};

  BnPolicy of(const std::string& name) const {
    const auto found = layers.find(name);
    return found == layers.end() ? all : found->second;
  }
};

struct ReestimateOptions {
  Index batch_size = 32;
  bool shuffle = true;  ///< by a key of its own: batches of sorted data would each be of one class
  /// Those of these names only; empty: all in the model.
  std::vector<std::string> layers = {};
};

namespace detail {

template <class Scalar>
bool is_batch_norm(const LayerImpl<Scalar>& layer) {
  return layer.class_name() == "BatchNormalization";
}

/// The statistics of one layer over all batches (Chan, Golub, LeVeque 1979: parts are joined by their counts).
template <class Scalar>
class JoinedStatistics {
 public:
  explicit JoinedStatistics(const std::shared_ptr<LayerImpl<Scalar>>& layer) {
    for (const auto& variable : layer->variables()) {
      if (variable->kind() == VariableKind::state) moving_.push_back(variable);
    }
    for (const auto& variable : moving_) old_.push_back(variable->value());
    const auto channels = static_cast<std::size_t>(moving_[0]->size());
    mean_.assign(channels, 0.0);
    variance_.assign(channels, 0.0);
  }

  /// Joins what the layer has of its last batch.
  void join(double weight) {
    const auto& mean = std::as_const(*moving_[0]).value();
    const auto& variance = std::as_const(*moving_[1]).value();
    const double share = weight / (weight_ + weight);
    for (std::size_t c = 0; c < mean_.size(); ++c) {
      const double step = static_cast<double>(mean[static_cast<Index>(c)]) - mean_[c];
      const double of_batch = static_cast<double>(variance[static_cast<Index>(c)]);
      variance_[c] += share * (of_batch - variance_[c]) + share * (1 - share) * step * step;
      mean_[c] += share * step;
    }
    weight_ += weight;
  }
  void store() {
    for (std::size_t c = 0; c < mean_.size(); ++c) {
      moving_[0]->mutable_value()[static_cast<Index>(c)] = static_cast<Scalar>(mean_[c]);
      moving_[1]->mutable_value()[static_cast<Index>(c)] = static_cast<Scalar>(variance_[c]);
    }
  }
  void restore() {
    for (std::size_t i = 0; i < moving_.size(); ++i) moving_[i]->assign(std::as_const(old_[i]).view());
  }

 private:
  std::vector<VariablePtr<Scalar>> moving_;  // mean, variance
  std::vector<Tensor<Scalar>> old_;
  std::vector<double> mean_, variance_;
  double weight_ = 0;
};

/// The layers of one re-estimation, run on batches. Until finish, the old statistics come back at the end of its life.
template <class Scalar>
class Reestimation {
 public:
  GRAFT_COLD Reestimation(const Model<Scalar>& model, const ReestimateOptions& options)
      : graph_(flatten(model.impl().graph())) {
    const std::string where = "reestimate_batch_norm of " + model.impl().where();
    PointerMap chosen;
    std::vector<std::string> known, missing = options.layers;
    for (auto& node : graph_.nodes) {
      node.trainable = false;
      if (!is_batch_norm(*node.layer)) continue;
      const std::string& name = node.layer->name();
      known.push_back(name);
      std::erase(missing, name);
      const auto& wanted = options.layers;
      if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), name) == wanted.end()) continue;
      if (!node.training.value_or(true)) continue;  // called as in predict, always
      node.trainable = true;                        // together with training: statistics of the batch
      if (chosen.emplace(node.layer.get(), 0).second) layers_.emplace_back(node.layer);
    }
    if (missing.empty()) return;
    throw ConfigError(where + ": no BatchNormalization layer has the name \"" + missing.front() + "\". " +
                      (known.empty() ? "There is none in the model." : text::did_you_mean(missing.front(), known)));
  }
  Reestimation(const Reestimation&) = delete;
  Reestimation& operator=(const Reestimation&) = delete;
  ~Reestimation() {
    for (auto& layer : layers_) layer.restore();
  }

  Index layers() const { return static_cast<Index>(layers_.size()); }

  void run(const std::vector<Shape>& shapes, std::span<const Scalar* const> inputs) {
    if (!executor_ || shapes != shapes_) {
      shapes_ = shapes;
      executor_ =
          std::make_unique<Executor<Scalar>>(Plan<Scalar>(graph_, shapes, {.training = true, .statistics = true}));
    }
    executor_->forward(inputs);
    executor_->update_state(true);
    for (auto& layer : layers_) layer.join(static_cast<double>(shapes.front()[0]));
  }
  /// Puts the new statistics in place; returns the number of layers.
  GRAFT_COLD Index finish() {
    const Index count = layers();
    for (auto& layer : layers_) layer.store();
    layers_.clear();
    return count;
  }

 private:
  FlatGraph<Scalar> graph_;
  std::vector<JoinedStatistics<Scalar>> layers_;
  std::vector<Shape> shapes_;
  std::unique_ptr<Executor<Scalar>> executor_;
};

}  // namespace detail

/// Re-estimates the moving statistics of BatchNormalization layers on data: one pass in which these layers normalise by
/// their batch, as in training, and everything else (other BatchNormalization layers, Dropout …) computes as in
/// predict. What a layer gets is the mean and the biased variance (Keras 3's; 1/n) of all its inputs in that pass,
/// joined over the batches by their samples, in double precision: for the lowest such layer, exactly those of the data.
/// Batches are of equal size as far as that goes, since a small one would spoil the layers above. Returns the number of
/// layers. Of a layer that is used twice, the last use counts.
///
/// Throws ConfigError for a name that is no BatchNormalization layer; ShapeError for data that do not fit; with the old
/// statistics in place whatever fails. Sources: Wu & Johnson 2021 (PreciseBN); Li et al. 2016 (AdaBN).
template <class Scalar>
GRAFT_COLD Index reestimate_batch_norm(const Model<Scalar>& model, const std::type_identity_t<Arrays<Scalar>>& x,
                                       const ReestimateOptions& options = {}) {
  const std::string where = "reestimate_batch_norm of " + model.impl().where();
  if (options.batch_size < 1)
    fail<ConfigError>(where + ", batch_size", "at least 1", std::to_string(options.batch_size));
  detail::build_from_data(model.impl(), x);
  const auto views = detail::checked_inputs("reestimate_batch_norm", model.impl(), x);
  detail::Reestimation<Scalar> run(model, options);
  if (run.layers() == 0) return 0;

  const Index samples = views.front().dim(0);
  const Index batches = (samples + options.batch_size - 1) / options.batch_size;
  const Index smallest = samples / batches, larger = samples % batches;  // batches of one more
  SampleOrder order(samples);
  if (options.shuffle) order.shuffle({0x9E3779B97F4A7C15u});
  std::vector<BatchReader<Scalar>> readers;
  for (const auto& view : views) readers.emplace_back(view, smallest + 1);
  std::vector<const Scalar*> pointers(views.size());
  for (Index k = 0; k < batches; ++k) {
    const Index first = k * smallest + std::min(k, larger), last = first + smallest + (k < larger);
    std::vector<Shape> shapes;
    for (const auto& view : views) shapes.push_back(view.shape().replace_batch(last - first));
    for (std::size_t i = 0; i < views.size(); ++i) pointers[i] = readers[i].read(order, first, last);
    run.run(shapes, pointers);
  }
  return run.finish();
}

/// The same over one pass of a dataset, in its batches: batch_size and shuffle of the options do not count. Small last
/// batches spoil the layers above the lowest: batch(n, {.drop_remainder = true}). Throws StateError for a dataset
/// without batches, ConfigError for one without an end.
template <class Scalar>
GRAFT_COLD Index reestimate_batch_norm(const Model<Scalar>& model, const std::type_identity_t<Dataset<Scalar>>& data,
                                       const ReestimateOptions& options = {}) {
  detail::DatasetPasses<Scalar> passes("reestimate_batch_norm", model.impl(), nullptr, data, 0);
  detail::Reestimation<Scalar> run(model, options);
  if (run.layers() == 0) return 0;
  std::vector<Shape> shapes;
  std::vector<const Scalar*> pointers;
  passes.for_each(0, [&](const std::vector<TensorView<const Scalar>>& x) {
    shapes.clear();
    pointers.clear();
    for (const auto& view : x) {
      shapes.push_back(view.shape());
      pointers.push_back(view.data());
    }
    run.run(shapes, pointers);
  });
  return run.finish();
}

}  // namespace graft
