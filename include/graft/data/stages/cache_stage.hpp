#pragma once

#include <map>
#include <mutex>

#include "graft/data/stages/stage.hpp"

namespace graft::detail {

/// Keeps the elements of pass 0 in memory; every later pass has the same ones, in the same order. What comes behind it
/// sees the number of its own pass.
template <class Scalar>
class CacheStage final : public DatasetStage<Scalar> {
 public:
  explicit CacheStage(DatasetStagePtr<Scalar> source) : source_(std::move(source)) {}

  Index sources() const override { return source_->sources(); }
  Index cardinality() const override { return source_->cardinality(); }
  bool batched() const override { return source_->batched(); }
  Index slots_per_sample() const override { return source_->slots_per_sample(); }
  SlotStreamPtr open(std::uint64_t epoch) const override { return std::make_unique<Stream>(source_->open(0), epoch); }

  void make(std::span<const DatasetSlot> slots, DatasetWork& work, Batch<Scalar>& out) const override {
    auto& key = work.of<std::vector<std::uint64_t>>(this);
    key.clear();
    for (const DatasetSlot& slot : slots) key.push_back(slot.id);
    {
      const std::lock_guard lock(mutex_);
      const auto found = kept_.find(key);
      if (found != kept_.end()) return copy(found->second, out);
    }
    std::vector<DatasetSlot> first(slots.begin(), slots.end());
    for (DatasetSlot& slot : first) slot.epoch = 0;
    source_->make(first, work, out);
    const std::lock_guard lock(mutex_);
    kept_.emplace(key, out);
  }

 private:
  class Stream final : public SlotStream {
   public:
    Stream(SlotStreamPtr source, std::uint64_t epoch) : source_(std::move(source)), epoch_(epoch) {}
    bool next(std::vector<DatasetSlot>& slots) override {
      if (!source_->next(slots)) return false;
      for (DatasetSlot& slot : slots) slot.epoch = epoch_;
      return true;
    }

   private:
    SlotStreamPtr source_;
    std::uint64_t epoch_;
  };

  static void copy(const Batch<Scalar>& from, Batch<Scalar>& to) {
    const auto copy_all = [](const std::vector<Tensor<Scalar>>& a, std::vector<Tensor<Scalar>>& b) {
      b.resize(a.size());
      for (std::size_t i = 0; i < a.size(); ++i) copy_tensor<Scalar>(a[i].view(), b[i]);
    };
    copy_all(from.x, to.x);
    copy_all(from.y, to.y);
    if (from.sample_weight.allocated()) copy_tensor<Scalar>(from.sample_weight.view(), to.sample_weight);
    else to.sample_weight = {};
    to.ids = from.ids;
  }

  DatasetStagePtr<Scalar> source_;
  mutable std::mutex mutex_;
  mutable std::map<std::vector<std::uint64_t>, Batch<Scalar>> kept_;
};

}  // namespace graft::detail
