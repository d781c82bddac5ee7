#pragma once

#include <functional>
#include <span>

#include "graft/models/feature_key.hpp"

namespace graft {

/// What is done with a file of features that does not belong to these weights, layers or data, or that is damaged. It
/// is never used. A file that holds something else than features is never written over.
enum class StaleCache {
  recompute,  ///< compute them anew, put them in its place, and say so
  error       ///< throw StateError (FileError for a damaged one)
};

/// How features on disk came about.
struct FeatureReport {
  Index computed = 0;  ///< samples that were computed now; 0: all were there
  double seconds = 0;  ///< that one pass over all samples took, when it was made
  std::string text;    ///< in words
};

namespace detail {

/// Features that are to be on disk, and who computes them: compute(first, last, into) writes samples first … last-1 of
/// every output.
struct FeatureRequest {
  std::string path;
  bool temporary = false;  ///< `path` is a folder; the file has no name
  FeatureKey key;
  Index samples = 0;
  std::vector<Shape> shapes;  ///< of one sample, for every output
  Index item_bytes = 4;       ///< 4: float, 8: double
  Index batch_size = 32;
  StaleCache on_stale = StaleCache::recompute;
  std::function<void(Index first, Index last, std::span<std::byte* const> into)> compute;

  Index row_bytes(std::size_t output) const { return shapes[output].elements() * item_bytes; }
};

/// Features on disk, mapped into memory.
struct StoredFeatures {
  std::shared_ptr<const void> owner;     ///< keeps the memory
  std::vector<const std::byte*> arrays;  ///< of every output
  FeatureReport report;
};

using FeatureStore = StoredFeatures (*)(const FeatureRequest&);

/// Who keeps features on disk: put here by transfer/feature_file.hpp, which needs HDF5; nullptr without it.
inline FeatureStore& feature_store() {
  static FeatureStore store = nullptr;
  return store;
}

}  // namespace detail
}  // namespace graft
