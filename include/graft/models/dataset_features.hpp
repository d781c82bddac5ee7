#pragma once

#include <map>

#include "graft/data/dataset.hpp"
#include "graft/models/prefix_runner.hpp"

namespace graft::detail {

/// A frozen prefix over a dataset of batches: its features, and the targets and weights that come with the samples, in
/// the order of pass 0. Samples are made one batch after the other, and none is kept.
template <class Scalar>
class DatasetFeatures {
 public:
  /// `where` begins messages. Throws StateError for a dataset of single samples, ConfigError for one without an end or
  /// one that gives other samples in every pass.
  GRAFT_COLD DatasetFeatures(std::string where, FlatGraph<Scalar> prefix, Dataset<Scalar> dataset)
      : where_(std::move(where)), dataset_(std::move(dataset)) {
    if (!dataset_.batched())
      throw StateError(where_ + ": the dataset gives single samples. Call batch(32), for example.");
    const Index batches = dataset_.cardinality();
    if (batches == kInfiniteCardinality)
      throw ConfigError(where_ + ": the dataset has no end (repeat). Take repeat() out.");
    const Batch<Scalar> first = dataset_.first();
    batch_size_ = first.size();
    const auto last = dataset_.open(0, false);
    last->skip(batches - 1);
    if (!last->next(batch_)) throw DataError(where_ + ": the dataset has no elements.");
    samples_ = (batches - 1) * batch_size_ + batch_.size();
    refuse_random(first);

    std::vector<TensorView<const Scalar>> views;
    for (const auto& x : first.x) views.push_back(x.view());
    runner_.emplace(std::move(prefix), std::vector<std::vector<TensorView<const Scalar>>>{views}, batch_size_);
    shapes_ = runner_->outputs();
    for (const auto& y : first.y) shapes_.push_back(y.shape().without_batch());
    targets_ = first.y.size();
    weighted_ = first.sample_weight.allocated();
    if (weighted_) shapes_.push_back(Shape{});
  }

  Index samples() const { return samples_; }
  Index batch_size() const { return batch_size_; }
  /// Of one sample: of the features, then of the targets, then of the weight if there is one.
  const std::vector<Shape>& shapes() const { return shapes_; }
  std::size_t targets() const { return targets_; }
  bool weighted() const { return weighted_; }
  const PrefixRunner<Scalar>& runner() const { return *runner_; }
  double bytes() const {
    double row = 0;
    for (const Shape& shape : shapes_) row += static_cast<double>(shape.elements()) * sizeof(Scalar);
    return row * static_cast<double>(samples_);
  }

  /// A hash of all samples with their targets and weights, whatever their order.
  GRAFT_COLD std::string fingerprint() {
    std::uint64_t first = 0, second = 0;
    const auto cursor = dataset_.open(0);
    while (cursor->next(batch_)) {
      for (Index i = 0; i < batch_.size(); ++i) {
        first += sample_hash(batch_, i, 0);
        second += sample_hash(batch_, i, 0x9E3779B97F4A7C15u);
      }
    }
    ContentHash hash;
    hash.add(first);
    hash.add(second);
    hash.add(samples_);
    return hash.hex();
  }

  /// Makes samples first … last-1; calls go upwards.
  void compute(Index first, Index last, std::span<std::byte* const> into) {
    if (!cursor_ || first < begin_) open_at(first);
    for (Index at = first; at < last;) {
      while (end_ <= at) read_batch();
      const Index count = std::min(end_, last) - at;
      for (std::size_t i = 0; i < shapes_.size(); ++i) {
        const auto bytes = static_cast<std::size_t>(shapes_[i].elements()) * sizeof(Scalar);
        std::memcpy(into[i] + static_cast<std::size_t>(at - first) * bytes,
                    rows_[i] + static_cast<std::size_t>(at - begin_) * bytes, static_cast<std::size_t>(count) * bytes);
      }
      at += count;
    }
  }

 private:
  // Looks for a sample that is in the first batch of a pass and in another pass: it must be the same in both.
  GRAFT_COLD void refuse_random(const Batch<Scalar>& first) {
    std::map<std::uint64_t, std::uint64_t> hashes;
    for (Index i = 0; i < first.size(); ++i) hashes[first.ids[static_cast<std::size_t>(i)]] = sample_hash(first, i, 0);
    const auto cursor = dataset_.open(1, false);
    constexpr int most = 64;
    for (int k = 0; k < most && cursor->next(batch_); ++k) {
      bool compared = false;
      for (Index i = 0; i < batch_.size(); ++i) {
        const auto found = hashes.find(batch_.ids[static_cast<std::size_t>(i)]);
        if (found == hashes.end()) continue;
        compared = true;
        if (found->second == sample_hash(batch_, i, 0)) continue;
        throw ConfigError(
            where_ +
            ": the dataset gives other samples in every pass (a random layer or function in map), so that "
            "there are no features to keep. Take the augmentation out, or train end to end: augmentation, "
            "frozen base, head.");
      }
      if (compared) return;
    }
  }

  static std::uint64_t sample_hash(const Batch<Scalar>& batch, Index i, std::uint64_t seed) {
    Xxh64 hash(seed);
    hash.add(&batch.ids[static_cast<std::size_t>(i)], sizeof(std::uint64_t));
    const auto add = [&](const Tensor<Scalar>& tensor) {
      const Index size = tensor.size() / std::max<Index>(batch.size(), 1);
      hash.add(tensor.data() + i * size, static_cast<std::size_t>(size) * sizeof(Scalar));
    };
    for (const auto& x : batch.x) add(x);
    for (const auto& y : batch.y) add(y);
    if (batch.sample_weight.allocated()) add(batch.sample_weight);
    return hash.value();
  }

  GRAFT_COLD void open_at(Index first) {
    cursor_ = dataset_.open(0);
    cursor_->skip(first / batch_size_);
    begin_ = end_ = first / batch_size_ * batch_size_;
  }

  GRAFT_COLD void read_batch() {
    begin_ = end_;
    if (!cursor_->next(batch_)) changed("fewer samples");
    end_ = begin_ + batch_.size();
    if (batch_.size() > batch_size_ || batch_.y.size() != targets_ || batch_.sample_weight.allocated() != weighted_ ||
        batch_.x.size() != runner_->inputs().size()) {
      changed("a batch of another kind");
    }
    std::vector<const Scalar*> inputs;
    for (std::size_t i = 0; i < batch_.x.size(); ++i) {
      if (!(batch_.x[i].shape().without_batch() == runner_->inputs()[i])) {
        fail<ShapeError>(where_, "samples of shape " + runner_->inputs()[i].str(), batch_.x[i].shape().str());
      }
      inputs.push_back(batch_.x[i].data());
    }
    rows_.clear();
    const std::size_t features = shapes_.size() - targets_ - weighted_;
    outputs_.resize(features);
    for (std::size_t i = 0; i < features; ++i) {
      ensure_shape(outputs_[i], shapes_[i].with_batch(batch_.size()));
      rows_.push_back(reinterpret_cast<std::byte*>(outputs_[i].data()));
    }
    runner_->run_batch(inputs, batch_.size(), rows_, 0);
    for (std::size_t i = 0; i < targets_; ++i) {
      if (!(batch_.y[i].shape().without_batch() == shapes_[features + i])) changed("targets of another shape");
      rows_.push_back(reinterpret_cast<std::byte*>(batch_.y[i].data()));
    }
    if (weighted_) rows_.push_back(reinterpret_cast<std::byte*>(batch_.sample_weight.data()));
  }
  [[noreturn]] GRAFT_COLD void changed(const char* what) const {
    throw DataError(where_ + ": expected batches as the first one, received " + what + ".");
  }

  std::string where_;
  Dataset<Scalar> dataset_;
  std::optional<PrefixRunner<Scalar>> runner_;
  std::vector<Shape> shapes_;
  std::size_t targets_ = 0;
  bool weighted_ = false;
  Index samples_ = 0, batch_size_ = 1;
  std::unique_ptr<DatasetCursor<Scalar>> cursor_;
  Batch<Scalar> batch_;
  std::vector<Tensor<Scalar>> outputs_;
  std::vector<std::byte*> rows_;  // of the batch at hand, samples begin_ … end_-1
  Index begin_ = 0, end_ = 0;
};

/// The features of a dataset on disk. Without a fingerprint of the user's own, one pass over the dataset makes one.
template <class Scalar>
GRAFT_COLD StoredFeatures open_features(DatasetFeatures<Scalar>& features, const std::string& path, StaleCache on_stale,
                                        const std::string& tag, const std::string& fingerprint) {
  FeatureRequest request;
  request.path = path;
  const auto& prefix = features.runner().prefix();
  ContentHash given;
  given.add(fingerprint);
  given.add(features.samples());
  request.key = {layers_hash(prefix, features.runner().inputs(), tag), weights_hash(prefix),
                 fingerprint.empty() ? features.fingerprint() : given.hex()};
  request.samples = features.samples();
  request.shapes = features.shapes();
  request.item_bytes = sizeof(Scalar);
  request.batch_size = features.batch_size();
  request.on_stale = on_stale;
  request.compute = [&features](Index first, Index last, std::span<std::byte* const> into) {
    features.compute(first, last, into);
  };
  return feature_store()(request);
}

}  // namespace graft::detail
