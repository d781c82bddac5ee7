#pragma once

#include "graft/data/samplers/labelled_slots.hpp"

namespace graft {

struct PairOptions {
  Index pairs = 0;                       ///< of a pass; 0: as many as samples
  double same_share = 0.5;               ///< share of pairs whose samples are of one class
  bool skip_singletons = false;          ///< a class of one sample is no error: it is only in pairs of different ones
  bool reshuffle_each_iteration = true;  ///< other pairs in every pass
  std::optional<Index> seed = std::nullopt;  ///< none: of set_random_seed
};

namespace detail {

template <class Scalar>
class PairStage final : public TupleStage<Scalar> {
 public:
  PairStage(std::shared_ptr<const LabelledSamples<Scalar>> samples, Index count, const PairOptions& options)
      : TupleStage<Scalar>(std::move(samples), 2, count),
        share_(options.same_share),
        each_(options.reshuffle_each_iteration),
        key_(sampler_key(options.seed)) {}

  SlotStreamPtr open(std::uint64_t epoch) const override {
    return std::make_unique<Stream>(ClassSlots<Scalar>(this->samples(), epoch), this->cardinality(), share_,
                                    key_.fold(each_ ? epoch : 0), epoch);
  }

 protected:
  Scalar target(const DatasetSlot& head) const override { return static_cast<Scalar>(head.position); }

 private:
  class Stream final : public SlotStream {
   public:
    Stream(ClassSlots<Scalar> slots, Index count, double share, RandomKey key, std::uint64_t epoch)
        : slots_(std::move(slots)),
          order_(slots_.size(), key.fold(0)),
          rng_(key.fold(1)),
          count_(count),
          share_(share),
          epoch_(epoch) {}

    bool next(std::vector<DatasetSlot>& out) override {
      if (at_ == count_) return false;
      const bool same = rng_.uniform() < share_;
      Index a = order_.next();
      // Another class has two samples: else the dataset were refused.
      while (same && slots_.alone(a)) a = order_.next();
      const Index b = same ? slots_.partner(a, rng_) : slots_.stranger(a, rng_);
      out.assign(1, {same ? 1 : 0, epoch_, static_cast<std::uint64_t>(at_++)});
      out.insert(out.end(), slots_[a].begin(), slots_[a].end());
      out.insert(out.end(), slots_[b].begin(), slots_[b].end());
      return true;
    }

   private:
    ClassSlots<Scalar> slots_;
    AnchorOrder order_;
    Rng rng_;
    Index count_, at_ = 0;
    double share_;
    std::uint64_t epoch_;
  };

  double share_;
  bool each_;
  RandomKey key_;
};

}  // namespace detail

/// Pairs of samples of a dataset with one label each: x = {a, b}, y = 1 when both are of one class, else 0. Each sample
/// is a first one in turn; its partner is drawn at random. The dataset gives single samples; put shuffle, map and batch
/// behind this. Making it reads the labels once, in a pass over the data. The pairs of a pass depend on the seed and
/// the number of the pass.
///
///     auto pairs = graft::pair_dataset(graft::Dataset<>::from_tensors(x, y), {.seed = 1}).batch(64);
///
/// Throws DataError for samples of one class only, and for a class of one sample unless it is to be skipped;
/// ConfigError for a share outside of [0, 1]; StateError for a dataset of batches.
template <class Scalar>
GRAFT_COLD Dataset<Scalar> pair_dataset(const Dataset<Scalar>& dataset, const PairOptions& options = {}) {
  detail::checked_count("pair_dataset", "pairs", options.pairs, 0);
  if (!(options.same_share >= 0 && options.same_share <= 1)) {
    fail<ConfigError>("pair_dataset", "same_share from 0 to 1", text::number("%g", options.same_share));
  }
  return dataset.apply([&](const DatasetStagePtr<Scalar>& source) {
    auto samples = std::make_shared<detail::LabelledSamples<Scalar>>("pair_dataset", source);
    if (options.same_share > 0) samples->check_partners(options.skip_singletons);
    const Index count = options.pairs > 0 ? options.pairs : samples->samples();
    return std::make_shared<detail::PairStage<Scalar>>(std::move(samples), count, options);
  });
}

}  // namespace graft
