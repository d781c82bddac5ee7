#pragma once

#include "graft/data/samplers/labelled_slots.hpp"

namespace graft {

struct BalancedOptions {
  Index batches = 0;                         ///< of a pass; 0: as many as the samples are enough for, at least one
  bool skip_singletons = false;              ///< a class of one sample is left out in place of an error
  bool reshuffle_each_iteration = true;      ///< other batches in every pass
  std::optional<Index> seed = std::nullopt;  ///< none: of set_random_seed
};

namespace detail {

/// Samples in the order in which balanced batches want them.
template <class Scalar>
class BalancedStage final : public OrderStage<Scalar> {
 public:
  BalancedStage(std::shared_ptr<const LabelledSamples<Scalar>> samples, Index batches, Index classes, Index each,
                const BalancedOptions& options)
      : OrderStage<Scalar>(samples->source()),
        samples_(std::move(samples)),
        batches_(batches),
        classes_(classes),
        each_(each),
        reshuffle_(options.reshuffle_each_iteration),
        key_(sampler_key(options.seed)) {}

  Index cardinality() const override { return batches_ * classes_ * each_; }
  SlotStreamPtr open(std::uint64_t epoch) const override {
    return std::make_unique<Stream>(ClassSlots<Scalar>(*samples_, epoch), *this, key_.fold(reshuffle_ ? epoch : 0));
  }

 private:
  class Stream final : public SlotStream {
   public:
    Stream(ClassSlots<Scalar> slots, const BalancedStage& stage, RandomKey key)
        : slots_(std::move(slots)), stage_(stage), rng_(key) {
      for (Index c = 0; c < slots_.classes(); ++c) {
        if (slots_.count(c) < 2) continue;
        classes_.push_back(c);
        orders_.emplace_back(slots_.count(c), key.fold(static_cast<std::uint64_t>(c) + 1));
      }
    }

    bool next(std::vector<DatasetSlot>& out) override {
      if (at_ == stage_.cardinality()) return false;
      const Index in_batch = at_ % (stage_.classes_ * stage_.each_);
      if (in_batch == 0) {
        // The first of a random order of the classes.
        for (std::size_t i = 0; i < static_cast<std::size_t>(stage_.classes_); ++i) {
          const std::size_t other = i + static_cast<std::size_t>(rng_.below(static_cast<Index>(classes_.size() - i)));
          std::swap(classes_[i], classes_[other]);
          std::swap(orders_[i], orders_[other]);
        }
      }
      const auto chosen = static_cast<std::size_t>(in_batch / stage_.each_);
      out = slots_[slots_.begin(classes_[chosen]) + orders_[chosen].next()];
      ++at_;
      return true;
    }

   private:
    ClassSlots<Scalar> slots_;
    const BalancedStage& stage_;
    std::vector<Index> classes_;
    std::vector<AnchorOrder> orders_;
    Rng rng_;
    Index at_ = 0;
  };

  std::shared_ptr<const LabelledSamples<Scalar>> samples_;
  Index batches_, classes_, each_;
  bool reshuffle_;
  RandomKey key_;
};

}  // namespace detail

/// Batches of `classes` random classes with `samples` of each, for losses that look for pairs within a batch
/// (TripletSemiHardLoss, TripletHardLoss). The samples of a class come in a random order and begin anew when all were
/// there; in a class that is smaller than `samples` some come more than once in a batch.
///
///     model.fit(graft::balanced_batches(graft::Dataset<>::from_tensors(x, y), 8, 4), {.epochs = 10});
///
/// Throws DataError for samples of fewer than `classes` classes, and for a class of one sample unless it is to be
/// skipped; ConfigError for less than 2 classes or samples; StateError for a dataset of batches.
template <class Scalar>
GRAFT_COLD Dataset<Scalar> balanced_batches(const Dataset<Scalar>& dataset, Index classes, Index samples,
                                            const BalancedOptions& options = {}) {
  detail::checked_count("balanced_batches", "classes", classes, 2);
  detail::checked_count("balanced_batches", "samples", samples, 2);
  detail::checked_count("balanced_batches", "batches", options.batches, 0);
  return dataset
      .apply([&](const DatasetStagePtr<Scalar>& source) {
        auto labelled = std::make_shared<detail::LabelledSamples<Scalar>>("balanced_batches", source);
        labelled->check_partners(options.skip_singletons);
        Index usable = 0;
        for (const auto& [label, count] : labelled->counts()) usable += count > 1 ? 1 : 0;
        if (usable < classes) {
          fail<DataError>("balanced_batches", std::to_string(classes) + " classes of two samples or more",
                          std::to_string(usable));
        }
        const Index all = labelled->samples() / (classes * samples);
        const Index batches = options.batches > 0 ? options.batches : std::max<Index>(all, 1);
        return std::make_shared<detail::BalancedStage<Scalar>>(std::move(labelled), batches, classes, samples, options);
      })
      .batch(classes * samples);
}

}  // namespace graft
