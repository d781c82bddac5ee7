#pragma once

#include "graft/data/samplers/labelled_slots.hpp"

namespace graft {

struct TripletOptions {
  Index triplets = 0;                        ///< of a pass; 0: as many as samples
  bool skip_singletons = false;              ///< a class of one sample is no error: it is only a negative
  bool reshuffle_each_iteration = true;      ///< other triplets in every pass
  std::optional<Index> seed = std::nullopt;  ///< none: of set_random_seed
};

namespace detail {

template <class Scalar>
class TripletStage final : public TupleStage<Scalar> {
 public:
  TripletStage(std::shared_ptr<const LabelledSamples<Scalar>> samples, Index count, const TripletOptions& options)
      : TupleStage<Scalar>(std::move(samples), 3, count),
        each_(options.reshuffle_each_iteration),
        key_(sampler_key(options.seed)) {}

  SlotStreamPtr open(std::uint64_t epoch) const override {
    return std::make_unique<Stream>(ClassSlots<Scalar>(this->samples(), epoch), this->cardinality(),
                                    key_.fold(each_ ? epoch : 0), epoch);
  }

 protected:
  // The label of the anchor, which loses nothing as a whole number.
  Scalar target(const DatasetSlot& head) const override { return static_cast<Scalar>(head.position); }

 private:
  class Stream final : public SlotStream {
   public:
    Stream(ClassSlots<Scalar> slots, Index count, RandomKey key, std::uint64_t epoch)
        : slots_(std::move(slots)),
          order_(slots_.size(), key.fold(0)),
          rng_(key.fold(1)),
          count_(count),
          epoch_(epoch) {}

    bool next(std::vector<DatasetSlot>& out) override {
      if (at_ == count_) return false;
      Index a = order_.next();
      while (slots_.alone(a)) a = order_.next();
      const Index p = slots_.partner(a, rng_), n = slots_.stranger(a, rng_);
      out.assign(1, {static_cast<Index>(slots_.label(a)), epoch_, static_cast<std::uint64_t>(at_++)});
      for (const Index i : {a, p, n}) out.insert(out.end(), slots_[i].begin(), slots_[i].end());
      return true;
    }

   private:
    ClassSlots<Scalar> slots_;
    AnchorOrder order_;
    Rng rng_;
    Index count_, at_ = 0;
    std::uint64_t epoch_;
  };

  bool each_;
  RandomKey key_;
};

}  // namespace detail

/// Triplets of samples of a dataset with one label each: x = {anchor, positive, negative}, the first two of one class,
/// the third of another; y is the anchor's class. Each sample is an anchor in turn, the others are drawn at random. For
/// the rest see pair_dataset.
///
/// Throws DataError for samples of one class only, and for a class of one sample unless it is to be skipped; StateError
/// for a dataset of batches.
template <class Scalar>
GRAFT_COLD Dataset<Scalar> triplet_dataset(const Dataset<Scalar>& dataset, const TripletOptions& options = {}) {
  detail::checked_count("triplet_dataset", "triplets", options.triplets, 0);
  return dataset.apply([&](const DatasetStagePtr<Scalar>& source) {
    auto samples = std::make_shared<detail::LabelledSamples<Scalar>>("triplet_dataset", source);
    samples->check_partners(options.skip_singletons);
    const Index count = options.triplets > 0 ? options.triplets : samples->samples();
    return std::make_shared<detail::TripletStage<Scalar>>(std::move(samples), count, options);
  });
}

}  // namespace graft
