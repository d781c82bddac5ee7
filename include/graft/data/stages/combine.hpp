#pragma once

#include <algorithm>

#include "graft/data/stages/stage.hpp"

// Stages that read several datasets. An element is one slot, whatever it is made of: its parts are the slots of the
// elements behind it.
namespace graft::detail {

/// The parts of a slot, and the id that it got with them. (`repeat` adds to the id of a slot what tells passes apart.)
inline DatasetSlot slot_of_parts(std::vector<std::vector<DatasetSlot>> parts, Index position, std::uint64_t epoch,
                                 std::uint64_t id) {
  return {position, epoch, id, std::make_shared<const SlotParts>(SlotParts{std::move(parts), id})};
}

/// All elements of one dataset, then all of another one.
template <class Scalar>
class ConcatenateStage final : public DatasetStage<Scalar> {
 public:
  ConcatenateStage(DatasetStagePtr<Scalar> first, DatasetStagePtr<Scalar> second)
      : sources_{std::move(first), std::move(second)},
        // Ids of the second begin behind those of all sources of the first.
        offset_(static_cast<std::uint64_t>(sources_[0]->sources()) << 32) {}

  bool batched() const override { return sources_[0]->batched(); }
  Index sources() const override { return sources_[0]->sources() + sources_[1]->sources(); }
  Index cardinality() const override {
    const Index first = sources_[0]->cardinality(), second = sources_[1]->cardinality();
    return first == kInfiniteCardinality || second == kInfiniteCardinality ? kInfiniteCardinality : first + second;
  }
  SlotStreamPtr open(std::uint64_t epoch) const override { return std::make_unique<Stream>(*this, epoch); }
  void make(std::span<const DatasetSlot> slots, DatasetWork& work, Batch<Scalar>& out) const override {
    const DatasetSlot& slot = slots[0];
    const auto which = static_cast<std::size_t>(slot.position);
    sources_[which]->make(slot.parts->of[0], work, out);
    for (std::uint64_t& id : out.ids) id += slot.id - slot.parts->id + (which == 1 ? offset_ : 0);
  }

 private:
  class Stream final : public SlotStream {
   public:
    Stream(const ConcatenateStage& stage, std::uint64_t epoch)
        : stage_(stage), epoch_(epoch), stream_(stage.sources_[0]->open(epoch)) {}
    bool next(std::vector<DatasetSlot>& slots) override {
      std::vector<DatasetSlot> own;
      while (!stream_->next(own)) {
        if (which_ == 1) return false;
        stream_ = stage_.sources_[++which_]->open(epoch_);
      }
      const std::uint64_t id = own[0].id + (which_ == 1 ? stage_.offset_ : 0);
      slots.assign(1, slot_of_parts({std::move(own)}, static_cast<Index>(which_), epoch_, id));
      return true;
    }

   private:
    const ConcatenateStage& stage_;
    std::uint64_t epoch_;
    std::size_t which_ = 0;
    SlotStreamPtr stream_;
  };

  DatasetStagePtr<Scalar> sources_[2];
  std::uint64_t offset_;
};

/// Element i of every dataset together: the arrays of the first are x, those of the second y, that of the third is the
/// sample weight. Ids are those of the first.
template <class Scalar>
class ZipStage final : public DatasetStage<Scalar> {
 public:
  explicit ZipStage(std::vector<DatasetStagePtr<Scalar>> sources) : sources_(std::move(sources)) {}

  bool batched() const override { return sources_[0]->batched(); }
  Index sources() const override { return sources_[0]->sources(); }
  Index cardinality() const override {
    Index least = kInfiniteCardinality;
    for (const auto& source : sources_) {
      const Index own = source->cardinality();
      if (own != kInfiniteCardinality) least = least == kInfiniteCardinality ? own : std::min(least, own);
    }
    return least;
  }
  SlotStreamPtr open(std::uint64_t epoch) const override { return std::make_unique<Stream>(*this, epoch); }
  void make(std::span<const DatasetSlot> slots, DatasetWork& work, Batch<Scalar>& out) const override {
    const DatasetSlot& slot = slots[0];
    auto& parts = work.of<std::vector<Batch<Scalar>>>(this);
    parts.resize(sources_.size());
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      sources_[i]->make(slot.parts->of[i], work, parts[i]);
      if (parts[i].size() != parts[0].size()) {
        fail<ShapeError>("Dataset zip", "batches of one size, " + std::to_string(parts[0].size()),
                         std::to_string(parts[i].size()) + " in dataset " + std::to_string(i + 1));
      }
    }
    take(parts[0], out.x);
    take(parts[1], out.y);
    out.sample_weight = {};
    if (parts.size() > 2) {
      std::vector<Tensor<Scalar>> weight;
      take(parts[2], weight);
      if (weight.size() != 1 || weight[0].rank() != (batched() ? 1 : 0)) {
        throw ShapeError("Dataset zip: expected the third dataset to have one number a sample, the sample weight.");
      }
      out.sample_weight = std::move(weight[0]);
    }
    out.ids = parts[0].ids;
    for (std::uint64_t& id : out.ids) id += slot.id - slot.parts->id;
  }

 private:
  class Stream final : public SlotStream {
   public:
    Stream(const ZipStage& stage, std::uint64_t epoch) : epoch_(epoch) {
      for (const auto& source : stage.sources_) streams_.push_back(source->open(epoch));
    }
    bool next(std::vector<DatasetSlot>& slots) override {
      std::vector<std::vector<DatasetSlot>> parts(streams_.size());
      for (std::size_t i = 0; i < streams_.size(); ++i) {
        if (!streams_[i]->next(parts[i])) return false;
      }
      const std::uint64_t id = parts[0][0].id;
      slots.assign(1, slot_of_parts(std::move(parts), 0, epoch_, id));
      return true;
    }

   private:
    std::uint64_t epoch_;
    std::vector<SlotStreamPtr> streams_;
  };

  // x, then y of an element.
  static void take(Batch<Scalar>& from, std::vector<Tensor<Scalar>>& to) {
    to.clear();
    for (auto* list : {&from.x, &from.y}) {
      for (Tensor<Scalar>& tensor : *list) to.push_back(std::move(tensor));
    }
  }

  std::vector<DatasetStagePtr<Scalar>> sources_;
};

}  // namespace graft::detail
