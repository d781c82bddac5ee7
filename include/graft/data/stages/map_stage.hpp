#pragma once

#include <functional>

#include "graft/core/random.hpp"
#include "graft/data/stages/stage.hpp"

namespace graft::detail {

/// Changes every element in place.
template <class Scalar>
class MapStage final : public DatasetStage<Scalar> {
 public:
  using Function = std::function<void(Batch<Scalar>&, RandomKey)>;

  MapStage(DatasetStagePtr<Scalar> source, Function function, RandomKey key)
      : source_(std::move(source)), function_(std::move(function)), key_(key) {}

  Index sources() const override { return source_->sources(); }
  Index cardinality() const override { return source_->cardinality(); }
  bool batched() const override { return source_->batched(); }
  Index slots_per_sample() const override { return source_->slots_per_sample(); }
  SlotStreamPtr open(std::uint64_t epoch) const override { return source_->open(epoch); }
  void make(std::span<const DatasetSlot> slots, DatasetWork& work, Batch<Scalar>& out) const override {
    source_->make(slots, work, out);
    function_(out, key_.fold(slots[0].epoch).fold(slots[0].id));
  }

 private:
  DatasetStagePtr<Scalar> source_;
  Function function_;
  RandomKey key_;
};

}  // namespace graft::detail
