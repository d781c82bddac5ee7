#pragma once

#include <memory>
#include <span>
#include <vector>

#include "graft/data/batch.hpp"

// What a Dataset is made of. A stage does two things apart from each other: it says which elements there are, in order,
// as slots (cheap, one after the other), and it makes an element from its slots (expensive: reads, decodes, augments).
// Making depends on the slots alone. So background threads may make any element at any time, and nothing that comes out
// depends on how many they are; and shuffling, skipping and repeating touch no sample.
namespace graft {

/// What cardinality() says of a dataset without an end.
inline constexpr Index kInfiniteCardinality = -1;

namespace detail {

struct SlotParts;

/// A sample that is to be read: where it is in the source, in which pass over the data, and under which name.
struct DatasetSlot {
  Index position = 0;
  std::uint64_t epoch = 0;
  std::uint64_t id = 0;
  std::shared_ptr<const SlotParts> parts = {};  ///< of an element that is made of others: see combine.hpp
};
struct SlotParts {
  std::vector<std::vector<DatasetSlot>> of;
  std::uint64_t id = 0;
};

/// The elements of one pass, in order: of each its slots, several when it is a batch.
class SlotStream {
 public:
  virtual ~SlotStream() = default;
  /// Overwrites `slots` with those of the next element; false at the end.
  virtual bool next(std::vector<DatasetSlot>& slots) = 0;
};
using SlotStreamPtr = std::unique_ptr<SlotStream>;

/// What a thread that makes elements keeps from one to the next: buffers, executors, one object for a stage that wants
/// one.
class DatasetWork {
 public:
  template <class T>
  T& of(const void* stage) {
    for (const auto& item : items_) {
      if (item->stage == stage) return static_cast<Item<T>&>(*item).value;
    }
    items_.push_back(std::make_unique<Item<T>>());
    items_.back()->stage = stage;
    return static_cast<Item<T>&>(*items_.back()).value;
  }

 private:
  struct Base {
    virtual ~Base() = default;
    const void* stage = nullptr;
  };
  template <class T>
  struct Item : Base {
    T value{};
  };
  std::vector<std::unique_ptr<Base>> items_;
};

}  // namespace detail

template <class Scalar>
class DatasetStage {
 public:
  using Slot = detail::DatasetSlot;

  virtual ~DatasetStage() = default;

  /// Number of elements of a pass, or kInfiniteCardinality.
  virtual Index cardinality() const = 0;
  /// True when its elements are batches.
  virtual bool batched() const { return false; }
  /// Slots that say what a sample is: more than one for samples that are made of several, such as pairs. The first one
  /// names the sample.
  virtual Index slots_per_sample() const { return 1; }
  /// How many sources its samples come from, whose ids are kept apart.
  virtual Index sources() const { return 1; }
  /// The elements of pass `epoch`.
  virtual detail::SlotStreamPtr open(std::uint64_t epoch) const = 0;
  /// Makes the element of these slots; `out` is what was made before, whose memory is used again. Called by several
  /// threads, each with its own `work`.
  virtual void make(std::span<const Slot> slots, detail::DatasetWork& work, Batch<Scalar>& out) const = 0;
};

template <class Scalar>
using DatasetStagePtr = std::shared_ptr<const DatasetStage<Scalar>>;

namespace detail {

/// Base of the stages that only choose among the elements of another one.
template <class Scalar>
class OrderStage : public DatasetStage<Scalar> {
 public:
  explicit OrderStage(DatasetStagePtr<Scalar> source) : source_(std::move(source)) {}
  bool batched() const final { return source_->batched(); }
  Index slots_per_sample() const final { return source_->slots_per_sample(); }
  Index sources() const final { return source_->sources(); }
  void make(std::span<const DatasetSlot> slots, DatasetWork& work, Batch<Scalar>& out) const final {
    source_->make(slots, work, out);
  }

 protected:
  const DatasetStage<Scalar>& source() const { return *source_; }

 private:
  DatasetStagePtr<Scalar> source_;
};

/// Positions 0 … count-1.
class RangeStream final : public SlotStream {
 public:
  RangeStream(Index count, std::uint64_t epoch) : count_(count), epoch_(epoch) {}
  bool next(std::vector<DatasetSlot>& slots) override {
    if (at_ >= count_) return false;
    slots.assign(1, {at_, epoch_, static_cast<std::uint64_t>(at_)});
    ++at_;
    return true;
  }

 private:
  Index count_, at_ = 0;
  std::uint64_t epoch_;
};

}  // namespace detail

/// Base of the sources: `count` samples that can be read in any order.
template <class Scalar>
class DatasetSource : public DatasetStage<Scalar> {
 public:
  explicit DatasetSource(Index count) : count_(count) {}
  Index cardinality() const final { return count_; }
  detail::SlotStreamPtr open(std::uint64_t epoch) const final {
    return std::make_unique<detail::RangeStream>(count_, epoch);
  }
  void make(std::span<const detail::DatasetSlot> slots, detail::DatasetWork& work, Batch<Scalar>& out) const final {
    out.ids.assign(1, slots[0].id);
    read(slots[0].position, work, out);
  }

 protected:
  /// Fills x, y and sample_weight with one sample.
  virtual void read(Index position, detail::DatasetWork& work, Batch<Scalar>& out) const = 0;

 private:
  Index count_;
};

}  // namespace graft
