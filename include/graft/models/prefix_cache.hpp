#pragma once

#include <sys/statvfs.h>

#include <chrono>
#include <cstdlib>

#include "graft/models/feature_store.hpp"
#include "graft/models/history.hpp"
#include "graft/models/prefix_runner.hpp"
#include "graft/models/trainer.hpp"

namespace graft::detail {

/// Where the features of a frozen prefix go.
struct CachePlace {
  std::string file;
  StaleCache on_stale = StaleCache::recompute;
  Index batch_size = 32;
  Index budget = 0;  ///< bytes of memory
};

/// Why the first layer behind a cut ends the frozen prefix.
template <class Scalar>
GRAFT_COLD std::string end_of_prefix(const FlatGraph<Scalar>& rest) {
  const auto& first = rest.nodes.front();
  return first.layer->where() + (FlatGraph<Scalar>::draws(first)
                                     ? " draws random numbers in training, so that every epoch has other features"
                                     : " trains");
}

/// The frozen prefix of a graph, run once over the samples of a training and of its validation: its outputs stand in
/// for the inputs from then on. They are kept here, in memory or mapped from a file.
template <class Scalar>
class PrefixCache {
 public:
  /// Splits the graph if that pays; `history` says what was done, or why nothing was. Throws what the file throws.
  GRAFT_COLD PrefixCache(FlatGraph<Scalar>& graph, PassData<Scalar>& data, PassData<Scalar>& validation,
                         const CachePlace& place, History& history) {
    SplitGraph<Scalar> split = split_frozen_prefix(graph);
    if (split.rest.nodes.empty()) {
      history.uncached_reason = "no layer trains";
      return;
    }
    std::vector<typename PrefixRunner<Scalar>::Views> parts{data.x};
    if (validation.samples() > 0) parts.push_back(validation.x);
    PrefixRunner<Scalar> runner(std::move(split.prefix), std::move(parts), place.batch_size);
    if (runner.computing_layers() == 0 || runner.bytes() == 0) {
      history.uncached_reason = "the first layer " + end_of_prefix(split.rest);
      return;
    }
    if (!place.file.empty() && !feature_store()) {
      throw StateError("cache_file \"" + place.file +
                       "\": files need HDF5. Include graft/graft.hpp in place of graft/core.hpp.");
    }
    const bool in_memory = place.file.empty() && runner.bytes() <= static_cast<double>(place.budget);
    if (in_memory) {
      compute(runner, history);
    } else if (!place.file.empty()) {
      store(runner, place, place.file, false, history);
    } else if (!try_temporary(runner, place, history)) {
      return;
    }
    history.cached_layers = runner.computing_layers();
    history.cached_bytes = static_cast<Index>(runner.bytes());
    graph = std::move(split.rest);
    const Index samples = data.samples();
    data.x.clear();
    for (const auto& feature : features_) data.x.push_back(feature.rows(0, samples));
    if (validation.samples() == 0) return;
    validation.x.clear();
    for (const auto& feature : features_) validation.x.push_back(feature.rows(samples, feature.dim(0)));
  }

 private:
  GRAFT_COLD void compute(PrefixRunner<Scalar>& runner, History& history) {
    const auto began = std::chrono::steady_clock::now();
    std::vector<std::byte*> into;
    for (const Shape& shape : runner.outputs()) {
      owned_.push_back(Tensor<Scalar>::uninitialized(shape.with_batch(runner.samples())));
      into.push_back(reinterpret_cast<std::byte*>(owned_.back().data()));
    }
    runner.run(0, runner.samples(), into);
    for (const auto& tensor : owned_) features_.push_back(tensor.view());
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    history.cached_seconds = took.count();
    history.cache_text = "in memory";
  }

  GRAFT_COLD void store(PrefixRunner<Scalar>& runner, const CachePlace& place, const std::string& path, bool temporary,
                        History& history) {
    StoredFeatures stored = open_features(runner, path, temporary, place.batch_size, place.on_stale, "");
    for (std::size_t i = 0; i < stored.arrays.size(); ++i) {
      features_.emplace_back(reinterpret_cast<const Scalar*>(stored.arrays[i]),
                             runner.outputs()[i].with_batch(runner.samples()));
    }
    owner_ = stored.owner;
    history.cached_seconds = stored.report.seconds;
    history.cache_text = stored.report.text;
  }

  // Into a file without a name, where at most half of the space that is left is taken.
  GRAFT_COLD bool try_temporary(PrefixRunner<Scalar>& runner, const CachePlace& place, History& history) {
    const char* named = std::getenv("TMPDIR");
    const std::string folder = named && *named ? named : "/var/tmp";
    history.uncached_reason = "features of " + text::with_commas(static_cast<Index>(runner.bytes())) +
                              " bytes exceed the budget of " + text::with_commas(place.budget);
    struct statvfs disk {};
    if (!feature_store()) return false;
    const bool known = ::statvfs(folder.c_str(), &disk) == 0;
    if (!known || runner.bytes() > static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize) / 2) {
      history.uncached_reason += ", and half of the room in " + folder;
      return false;
    }
    try {
      store(runner, place, folder, true, history);
    } catch (const FileError& error) {
      history.uncached_reason += std::string(", and ") + error.what();
      return false;
    }
    history.uncached_reason.clear();
    return true;
  }

  std::vector<Tensor<Scalar>> owned_;
  std::shared_ptr<const void> owner_;
  std::vector<TensorView<const Scalar>> features_;
};

}  // namespace graft::detail
