#pragma once

#include <algorithm>
#include <optional>

#include "graft/core/random.hpp"
#include "graft/data/stages/stage.hpp"

namespace graft::detail {

/// As tf.data: a buffer of elements, filled from the source; each time a random one leaves it and the next one takes
/// its place. It holds slots, not samples.
class ShuffleStream final : public SlotStream {
 public:
  ShuffleStream(SlotStreamPtr source, Index buffer_size, RandomKey key)
      : source_(std::move(source)), buffer_size_(buffer_size), rng_(key) {}

  bool next(std::vector<DatasetSlot>& slots) override {
    if (!filled_) fill();
    if (buffer_.empty()) return false;
    const auto chosen = static_cast<std::size_t>(rng_.below(static_cast<Index>(buffer_.size())));
    slots.swap(buffer_[chosen]);
    if (source_ && source_->next(buffer_[chosen])) return true;
    source_.reset();
    buffer_[chosen].swap(buffer_.back());
    buffer_.pop_back();
    return true;
  }

 private:
  void fill() {
    filled_ = true;
    std::vector<DatasetSlot> slots;
    while (static_cast<Index>(buffer_.size()) < buffer_size_) {
      if (!source_->next(slots)) {
        source_.reset();
        return;
      }
      buffer_.push_back(slots);
    }
  }

  SlotStreamPtr source_;
  Index buffer_size_;
  Rng rng_;
  std::vector<std::vector<DatasetSlot>> buffer_;
  bool filled_ = false;
};

template <class Scalar>
class ShuffleStage final : public OrderStage<Scalar> {
 public:
  ShuffleStage(DatasetStagePtr<Scalar> source, Index buffer_size, RandomKey key, bool each_iteration)
      : OrderStage<Scalar>(std::move(source)), buffer_size_(buffer_size), key_(key), each_iteration_(each_iteration) {}
  Index cardinality() const override { return this->source().cardinality(); }
  SlotStreamPtr open(std::uint64_t epoch) const override {
    return std::make_unique<ShuffleStream>(this->source().open(epoch), buffer_size_,
                                           key_.fold(each_iteration_ ? epoch : 0));
  }

 private:
  Index buffer_size_;
  RandomKey key_;
  bool each_iteration_;
};

/// Elements first … first + count - 1 of another stream.
class SliceStream final : public SlotStream {
 public:
  SliceStream(SlotStreamPtr source, Index first, Index count)
      : source_(std::move(source)), skip_(first), left_(count) {}
  bool next(std::vector<DatasetSlot>& slots) override {
    for (; skip_ > 0; --skip_) {
      if (!source_->next(slots)) return false;
    }
    if (left_ == 0) return false;
    if (left_ > 0) --left_;
    return source_->next(slots);
  }

 private:
  SlotStreamPtr source_;
  Index skip_, left_;  // left_ < 0: all
};

/// take and skip.
template <class Scalar>
class SliceStage final : public OrderStage<Scalar> {
 public:
  SliceStage(DatasetStagePtr<Scalar> source, Index first, Index count)
      : OrderStage<Scalar>(std::move(source)), first_(first), count_(count) {}
  Index cardinality() const override {
    const Index all = this->source().cardinality();
    if (all == kInfiniteCardinality) return count_ < 0 ? all : count_;
    const Index rest = std::max<Index>(all - first_, 0);
    return count_ < 0 ? rest : std::min(rest, count_);
  }
  SlotStreamPtr open(std::uint64_t epoch) const override {
    return std::make_unique<SliceStream>(this->source().open(epoch), first_, count_);
  }

 private:
  Index first_, count_;
};

/// Elements at given positions of a pass, in the order of the list.
template <class Scalar>
class SelectStage final : public OrderStage<Scalar> {
 public:
  SelectStage(DatasetStagePtr<Scalar> source, std::vector<Index> positions)
      : OrderStage<Scalar>(std::move(source)), positions_(std::move(positions)) {}
  Index cardinality() const override { return static_cast<Index>(positions_.size()); }
  SlotStreamPtr open(std::uint64_t epoch) const override {
    return std::make_unique<Stream>(this->source().open(epoch), positions_);
  }

 private:
  class Stream final : public SlotStream {
   public:
    Stream(SlotStreamPtr source, const std::vector<Index>& positions) : positions_(positions) {
      std::vector<DatasetSlot> slots;
      while (source->next(slots)) elements_.push_back(slots);
    }
    bool next(std::vector<DatasetSlot>& slots) override {
      if (at_ == positions_.size()) return false;
      slots = elements_[static_cast<std::size_t>(positions_[at_++])];
      return true;
    }

   private:
    const std::vector<Index>& positions_;
    std::vector<std::vector<DatasetSlot>> elements_;
    std::size_t at_ = 0;
  };

  std::vector<Index> positions_;
};

template <class Scalar>
class RepeatStage final : public OrderStage<Scalar> {
 public:
  /// count < 0: for ever.
  RepeatStage(DatasetStagePtr<Scalar> source, Index count) : OrderStage<Scalar>(std::move(source)), count_(count) {}
  Index cardinality() const override {
    const Index all = this->source().cardinality();
    if (count_ == 0 || all == 0) return 0;
    return count_ < 0 || all == kInfiniteCardinality ? kInfiniteCardinality : all * count_;
  }
  SlotStreamPtr open(std::uint64_t epoch) const override {
    return std::make_unique<Stream>(this->source(), count_, epoch);
  }

 private:
  class Stream final : public SlotStream {
   public:
    Stream(const DatasetStage<Scalar>& source, Index count, std::uint64_t epoch)
        : source_(source), count_(count), epoch_(epoch) {}
    bool next(std::vector<DatasetSlot>& slots) override {
      while (count_ < 0 || pass_ < count_) {
        if (!stream_) {
          // Every pass has a number of its own, so that it is shuffled and augmented in its own way.
          const auto pass = static_cast<std::uint64_t>(pass_);
          stream_ =
              source_.open(count_ < 0 ? (epoch_ << 32) + pass : epoch_ * static_cast<std::uint64_t>(count_) + pass);
          empty_ = true;
        }
        if (stream_->next(slots)) {
          empty_ = false;
          for (DatasetSlot& slot : slots) slot.id += static_cast<std::uint64_t>(pass_) << 40;
          return true;
        }
        if (empty_) return false;
        stream_.reset();
        ++pass_;
      }
      return false;
    }

   private:
    const DatasetStage<Scalar>& source_;
    Index count_, pass_ = 0;
    std::uint64_t epoch_;
    SlotStreamPtr stream_;
    bool empty_ = true;
  };

  Index count_;
};

}  // namespace graft::detail
