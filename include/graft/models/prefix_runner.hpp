#pragma once

#include <memory>
#include <span>

#include "graft/graph/executor.hpp"
#include "graft/models/feature_store.hpp"

namespace graft::detail {

/// Runs a frozen prefix over samples that lie in several arrays, one behind the other (those of training, then those of
/// validation), in batches.
template <class Scalar>
class PrefixRunner {
 public:
  using Views = std::vector<TensorView<const Scalar>>;

  GRAFT_COLD PrefixRunner(FlatGraph<Scalar> prefix, std::vector<Views> parts, Index batch_size)
      : prefix_(std::move(prefix)), parts_(std::move(parts)), batch_size_(batch_size) {
    for (const auto& x : parts_.front()) samples_.push_back(x.shape().without_batch());
    const Plan<Scalar> plan(prefix_, shapes(1), {});
    for (const auto& node : plan.nodes()) computing_ += !node.needs.is_view;
    for (const std::size_t output : plan.outputs()) outputs_.push_back(plan.values()[output].shape.without_batch());
  }

  const FlatGraph<Scalar>& prefix() const { return prefix_; }
  const std::vector<Views>& parts() const { return parts_; }
  /// Shapes of one sample of the inputs and of the outputs.
  const std::vector<Shape>& inputs() const { return samples_; }
  const std::vector<Shape>& outputs() const { return outputs_; }
  /// Layers that compute something.
  Index computing_layers() const { return computing_; }
  Index samples() const {
    Index total = 0;
    for (const Views& part : parts_) total += part.front().dim(0);
    return total;
  }
  double bytes() const {
    double row = 0;
    for (const Shape& shape : outputs_) row += static_cast<double>(shape.elements()) * sizeof(Scalar);
    return row * static_cast<double>(samples());
  }

  /// Computes a batch of samples into memory for more, from row `first` on.
  void run_batch(std::span<const Scalar* const> inputs, Index batch, std::span<std::byte* const> into, Index first) {
    Executor<Scalar>& executor = executor_for(batch);
    executor.forward(inputs);
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      const TensorView<const Scalar> y = executor.output(i);
      std::copy_n(y.data(), y.size(), reinterpret_cast<Scalar*>(into[i]) + first * outputs_[i].elements());
    }
  }

  /// Computes samples first … last-1, counted over all parts, into memory for them.
  void run(Index first, Index last, std::span<std::byte* const> into) {
    Index begin = 0, written = 0;
    for (const Views& part : parts_) {
      const Index end = begin + part.front().dim(0);
      for (Index at = std::max(first, begin); at < std::min(last, end);) {
        const Index batch = std::min({batch_size_, last - at, end - at});
        pointers_.clear();
        for (const auto& x : part) pointers_.push_back(x.rows(at - begin, at - begin + batch).data());
        run_batch(pointers_, batch, into, written);
        written += batch;
        at += batch;
      }
      begin = end;
    }
  }

 private:
  GRAFT_COLD std::vector<Shape> shapes(Index batch) const {
    std::vector<Shape> result;
    for (const Shape& sample : samples_) result.push_back(sample.with_batch(batch));
    return result;
  }
  // One for full batches and one for the last short one that was met.
  GRAFT_COLD Executor<Scalar>& executor_for(Index batch) {
    auto& slot = batch == batch_size_ ? full_ : short_;
    if (!slot || slot->first != batch) {
      slot.reset();
      slot = std::make_unique<Sized>(batch, Executor<Scalar>(Plan<Scalar>(prefix_, shapes(batch), {})));
    }
    return slot->second;
  }

  using Sized = std::pair<Index, Executor<Scalar>>;

  FlatGraph<Scalar> prefix_;
  std::vector<Views> parts_;
  Index batch_size_;
  std::vector<Shape> samples_, outputs_;
  Index computing_ = 0;
  std::unique_ptr<Sized> full_, short_;
  std::vector<const Scalar*> pointers_;
};

/// The features of a runner on disk: those that `path` has, or computed into it. Throws FileError, StateError.
template <class Scalar>
GRAFT_COLD StoredFeatures open_features(PrefixRunner<Scalar>& runner, const std::string& path, bool temporary,
                                        Index batch_size, StaleCache on_stale, const std::string& tag) {
  FeatureRequest request;
  request.path = path;
  request.temporary = temporary;
  if (!temporary) {
    request.key = {layers_hash(runner.prefix(), runner.inputs(), tag), weights_hash(runner.prefix()),
                   data_hash<Scalar>(runner.parts())};
  }
  request.samples = runner.samples();
  request.shapes = runner.outputs();
  request.item_bytes = sizeof(Scalar);
  request.batch_size = batch_size;
  request.on_stale = on_stale;
  request.compute = [&runner](Index first, Index last, std::span<std::byte* const> into) {
    runner.run(first, last, into);
  };
  return feature_store()(request);
}

}  // namespace graft::detail
