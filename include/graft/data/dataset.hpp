#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <type_traits>

#include "graft/data/dataset_cursor.hpp"
#include "graft/data/stages/batch_stage.hpp"
#include "graft/data/stages/cache_stage.hpp"
#include "graft/data/stages/combine.hpp"
#include "graft/data/stages/layer_stage.hpp"
#include "graft/data/stages/map_stage.hpp"
#include "graft/data/stages/order.hpp"
#include "graft/data/stages/tensors.hpp"

namespace graft {

struct MapOptions {
  Index num_parallel_calls = 0;              ///< background threads; 0: as the rest of the chain has
  std::optional<Index> seed = std::nullopt;  ///< of the key that the function gets; none: of set_random_seed
};

struct MapLayerOptions {
  bool training = true;                      ///< random layers are active
  Index num_parallel_calls = 0;              ///< background threads; 0: as the rest of the chain has
  std::optional<Index> seed = std::nullopt;  ///< none: of set_random_seed
};

struct ShuffleOptions {
  std::optional<Index> seed = std::nullopt;  ///< none: of set_random_seed
  bool reshuffle_each_iteration = true;      ///< another order in every pass
};

struct BatchStageOptions {
  bool drop_remainder = false;  ///< leaves out a last batch that is not full
};

/// What a dataset of a folder of pictures knows about it.
struct DatasetFiles {
  std::vector<std::string> class_names;  ///< in the order of the labels; empty without labels
  std::vector<std::string> file_paths;   ///< of the samples, by id
  std::vector<std::string> skipped;      ///< files that were left out, each with the reason
};

/// A chain that begins at a source of samples and changes, orders and groups them, as tf.data.Dataset: every call
/// returns another dataset and leaves this one as it is. Copying it shares the chain. It is a recipe and holds no
/// samples but those of its source and its caches.
///
///     auto train = graft::Dataset<>::from_tensors(x, y).shuffle(1000, {.seed = 1}).batch(32).prefetch(2);
///     model.fit(train, {.epochs = 3});
///
/// Pass e of a dataset is the same whenever it is made, on any number of threads: shuffling and random layers depend on
/// their seed, the number of the pass and the sample. `fit` makes pass e in epoch e; a loop over the dataset counts its
/// own passes. One dataset may be read by several threads at the same time.
template <class Scalar = float>
class Dataset {
 public:
  Dataset() = default;
  /// Of a source of one's own.
  explicit Dataset(DatasetStagePtr<Scalar> source, std::shared_ptr<const DatasetFiles> files = {})
      : stage_(std::move(source)), files_(std::move(files)) {}

  /// The slices of arrays along their first axis. The arrays are not copied and must live as long as the dataset;
  /// temporary tensors are moved in. Throws ShapeError when they have different numbers of samples.
  GRAFT_COLD static Dataset from_tensors(Arrays<Scalar> x, Arrays<Scalar> y = {},
                                         ArrayLike<Scalar> sample_weight = {}) {
    return Dataset(
        std::make_shared<detail::TensorsSource<Scalar>>(std::move(x), std::move(y), std::move(sample_weight)));
  }
  /// The same, under tf.data's name.
  static Dataset from_tensor_slices(Arrays<Scalar> x, Arrays<Scalar> y = {}, ArrayLike<Scalar> sample_weight = {}) {
    return from_tensors(std::move(x), std::move(y), std::move(sample_weight));
  }

  /// Element i of the datasets together, as many as the shortest one has: the arrays of `x` become x, those of `y`
  /// become y, the one array of `sample_weight` the weight (of an element with x and y both are taken, in this order).
  /// Its ids, class names and files are those of `x`. Throws StateError when some have batches and some have samples; a
  /// pass throws ShapeError for batches of different sizes.
  GRAFT_COLD static Dataset zip(const Dataset& x, const Dataset& y, const Dataset& sample_weight = {}) {
    std::vector<DatasetStagePtr<Scalar>> stages{x.stage(), y.stage()};
    if (sample_weight) stages.push_back(sample_weight.stage());
    for (const auto& stage : stages) check_batched("zip", x, stage->batched());
    Dataset result = x.next(std::make_shared<detail::ZipStage<Scalar>>(std::move(stages)));
    return result.like(y).like(sample_weight);
  }

  explicit operator bool() const { return stage_ != nullptr; }

  /// fn(Batch<Scalar>& element), or fn(Batch<Scalar>& element, RandomKey key), changes an element in place: a sample
  /// without the batch axis before `batch`, a batch behind it. It runs on several threads at the same time when there
  /// are background threads. The key depends on the seed, the pass and the (first) sample: random numbers drawn from it
  /// do not depend on threads or order.
  template <class Fn>
  requires(std::is_invocable_v<Fn&, Batch<Scalar>&> || std::is_invocable_v<Fn&, Batch<Scalar>&, RandomKey>) Dataset
      map(Fn fn, const MapOptions& options = {})
  const {
    typename detail::MapStage<Scalar>::Function function;
    if constexpr (std::is_invocable_v<Fn&, Batch<Scalar>&, RandomKey>) function = std::move(fn);
    else function = [fn = std::move(fn)](Batch<Scalar>& element, RandomKey) mutable { fn(element); };
    return map_with(std::move(function), options);
  }
  /// Replaces x by what a layer or a model makes of it, by default as in training: a random layer (RandomFlip …)
  /// augments, with random streams keyed by (seed, pass, sample). The weights are shared and only read.
  GRAFT_COLD Dataset map(const Layer<Scalar>& layer, const MapLayerOptions& options = {}) const {
    return next(std::make_shared<detail::LayerStage<Scalar>>(stage(), layer, options.training, key(options.seed)))
        .with_threads(options.num_parallel_calls);
  }

  /// Groups of batch_size samples along a new first axis; the last one may be smaller. Throws StateError for a dataset
  /// of batches, ConfigError for batch_size < 1.
  GRAFT_COLD Dataset batch(Index batch_size, const BatchStageOptions& options = {}) const {
    at_least(1, batch_size, "batch_size");
    if (batched()) throw StateError("Dataset batch: its elements are batches already.");
    Dataset result = next(std::make_shared<detail::BatchStage<Scalar>>(stage(), batch_size, options.drop_remainder));
    result.prefetch_ = (prefetch_ + batch_size - 1) / batch_size;
    return result;
  }
  /// A random order, as tf.data makes it: from a buffer of buffer_size elements a random one is taken, and the next one
  /// fills its place. What waits there are positions, not samples: a buffer as large as the data costs little.
  GRAFT_COLD Dataset shuffle(Index buffer_size, const ShuffleOptions& options = {}) const {
    at_least(1, buffer_size, "buffer_size");
    return next(std::make_shared<detail::ShuffleStage<Scalar>>(stage(), buffer_size, key(options.seed),
                                                               options.reshuffle_each_iteration));
  }
  /// Background threads (one, or as many as `num_parallel_calls` here or in a map says) make the next n elements ahead
  /// of the one that is in use, never more than n at a time. Wherever in the chain it stands, all of the chain runs
  /// there.
  GRAFT_COLD Dataset prefetch(Index n, Index num_parallel_calls = 0) const {
    at_least(0, n, "number of elements");
    Dataset result = with_threads(num_parallel_calls);
    result.passes_ = std::make_shared<std::atomic<std::uint64_t>>(0);
    result.prefetch_ = n;
    return result;
  }
  /// The first `count` elements; a negative number: all.
  Dataset take(Index count) const {
    return next(std::make_shared<detail::SliceStage<Scalar>>(stage(), 0, std::max<Index>(count, -1)));
  }
  /// All but the first `count` elements.
  GRAFT_COLD Dataset skip(Index count) const {
    at_least(0, count, "number of elements");
    return next(std::make_shared<detail::SliceStage<Scalar>>(stage(), count, -1));
  }
  /// The elements at these positions of a pass, in the order of the list: a split of one's own. A position may come
  /// more than once. Throws ConfigError for one that is not there, StateError for a dataset without an end.
  GRAFT_COLD Dataset select(std::vector<Index> positions) const {
    const Index all = cardinality();
    if (all == kInfiniteCardinality) throw StateError("Dataset select: it has no end.");
    for (const Index position : positions) {
      if (position >= 0 && position < all) continue;
      fail<ConfigError>("Dataset select", "positions from 0 to " + std::to_string(all - 1), std::to_string(position));
    }
    return next(std::make_shared<detail::SelectStage<Scalar>>(stage(), std::move(positions)));
  }
  /// `count` passes one after the other, each in an order of its own when it is shuffled before; a negative number, the
  /// default: without end.
  Dataset repeat(Index count = -1) const {
    return next(std::make_shared<detail::RepeatStage<Scalar>>(stage(), std::max<Index>(count, -1)));
  }
  /// All elements of this dataset, then all of another one, which begin at id 2^32. Class names and files are those of
  /// this one. Elements may be of different sizes, as pictures are before they are resized; throws StateError when one
  /// has batches and the other samples, and ShapeError when the first elements of both have not as many arrays of the
  /// same ranks.
  GRAFT_COLD Dataset concatenate(const Dataset& other) const {
    check_batched("concatenate", *this, other.batched());
    if (cardinality() != 0 && other.cardinality() != 0) {
      const std::string own = structure(first()), received = structure(other.first());
      if (own != received) fail<ShapeError>("Dataset concatenate", "elements with " + own, received);
    }
    return next(std::make_shared<detail::ConcatenateStage<Scalar>>(stage(), other.stage())).like(other);
  }
  /// Keeps the elements in memory once they are made: later passes have the same ones in the same order. Put it before
  /// shuffle and augmentation.
  Dataset cache() const { return next(std::make_shared<detail::CacheStage<Scalar>>(stage())); }

  /// A stage of one's own on top of the chain, as tf.data's apply: fn(DatasetStagePtr<Scalar>) returns it.
  template <class Fn>
  Dataset apply(Fn&& fn) const {
    return next(fn(stage()));
  }

  /// Number of elements of a pass, or kInfiniteCardinality.
  Index cardinality() const { return stage()->cardinality(); }
  bool batched() const { return stage()->batched(); }

  /// Of image_dataset_from_directory; empty for other datasets.
  const std::vector<std::string>& class_names() const { return files().class_names; }
  const std::vector<std::string>& file_paths() const { return files().file_paths; }
  const std::vector<std::string>& skipped() const { return files().skipped; }

  /// Pass `epoch`, from its beginning; without `background` no thread works ahead.
  GRAFT_COLD std::unique_ptr<DatasetCursor<Scalar>> open(std::uint64_t epoch = 0, bool background = true) const {
    const Index ahead = !background ? 0 : prefetch_ > 0 ? prefetch_ : threads_;
    return std::make_unique<DatasetCursor<Scalar>>(stage(), epoch, ahead, threads_);
  }
  /// The first element of pass 0. Throws DataError when there is none.
  GRAFT_COLD Batch<Scalar> first() const {
    Batch<Scalar> result;
    if (!DatasetCursor<Scalar>(stage(), 0, 0, 0).next(result)) throw DataError("Dataset: it has no elements.");
    return result;
  }

  /// `for (const auto& batch : dataset)`: a pass, another one each time.
  class Iterator {
   public:
    Iterator() = default;
    explicit Iterator(std::shared_ptr<DatasetCursor<Scalar>> cursor)
        : cursor_(std::move(cursor)), batch_(std::make_shared<Batch<Scalar>>()) {
      ++*this;
    }
    const Batch<Scalar>& operator*() const { return *batch_; }
    const Batch<Scalar>* operator->() const { return batch_.get(); }
    Iterator& operator++() {
      if (!cursor_->next(*batch_)) cursor_.reset();
      return *this;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.cursor_ == b.cursor_; }

   private:
    std::shared_ptr<DatasetCursor<Scalar>> cursor_;
    std::shared_ptr<Batch<Scalar>> batch_;
  };
  Iterator begin() const { return Iterator(std::shared_ptr<DatasetCursor<Scalar>>(open(passes_->fetch_add(1)))); }
  Iterator end() const { return {}; }

 private:
  const DatasetStagePtr<Scalar>& stage() const {
    if (!stage_) throw StateError("Dataset: this handle is empty; make it with Dataset::from_tensors, for example.");
    return stage_;
  }
  GRAFT_COLD const DatasetFiles& files() const {
    static const DatasetFiles none;
    return files_ ? *files_ : none;
  }
  Dataset next(DatasetStagePtr<Scalar> stage) const {
    Dataset result(std::move(stage), files_);
    result.prefetch_ = prefetch_;
    result.threads_ = threads_;
    return result;
  }
  Dataset with_threads(Index threads) const {
    at_least(0, threads, "num_parallel_calls");
    Dataset result = *this;
    result.threads_ = std::max(threads_, threads);
    return result;
  }
  // As far ahead and on as many threads as another one, too.
  Dataset like(const Dataset& other) const {
    Dataset result = *this;
    result.prefetch_ = std::max(prefetch_, other.prefetch_);
    result.threads_ = std::max(threads_, other.threads_);
    return result;
  }
  GRAFT_COLD static void check_batched(const char* what, const Dataset& first, bool batched) {
    if (first.batched() == batched) return;
    throw StateError(std::string("Dataset ") + what +
                     ": one dataset has batches, another one samples. Call batch for all of them, or behind it.");
  }
  // "x of ranks 3, 1; y of ranks 0": what elements must have in common to follow each other.
  GRAFT_COLD static std::string structure(const Batch<Scalar>& element) {
    const auto ranks = [](const std::vector<Tensor<Scalar>>& tensors) {
      std::string list;
      for (const auto& tensor : tensors) list += (list.empty() ? "" : ", ") + std::to_string(tensor.rank());
      return list.empty() ? std::string("none") : "ranks " + list;
    };
    return "x: " + ranks(element.x) + "; y: " + ranks(element.y) +
           (element.sample_weight.allocated() ? "; a weight" : "");
  }
  GRAFT_COLD Dataset map_with(typename detail::MapStage<Scalar>::Function function, const MapOptions& options) const {
    return next(std::make_shared<detail::MapStage<Scalar>>(stage(), std::move(function), key(options.seed)))
        .with_threads(options.num_parallel_calls);
  }
  static RandomKey key(const std::optional<Index>& seed) {
    return seed ? Rng(static_cast<std::uint64_t>(*seed)).split() : next_random_key();
  }
  GRAFT_COLD static void at_least(Index least, Index value, const char* what) {
    if (value >= least) return;
    fail<ConfigError>("Dataset", std::string(what) + " of at least " + std::to_string(least), std::to_string(value));
  }

  DatasetStagePtr<Scalar> stage_;
  std::shared_ptr<const DatasetFiles> files_;
  Index prefetch_ = 0, threads_ = 0;
  std::shared_ptr<std::atomic<std::uint64_t>> passes_ = std::make_shared<std::atomic<std::uint64_t>>(0);
};

}  // namespace graft
