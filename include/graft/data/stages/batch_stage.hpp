#pragma once

#include "graft/data/stages/stage.hpp"

namespace graft::detail {

class BatchStream final : public SlotStream {
 public:
  BatchStream(SlotStreamPtr source, Index batch_size, bool drop_remainder)
      : source_(std::move(source)), batch_size_(batch_size), drop_(drop_remainder) {}
  bool next(std::vector<DatasetSlot>& slots) override {
    slots.clear();
    Index samples = 0;
    for (; samples < batch_size_ && source_->next(one_); ++samples) slots.insert(slots.end(), one_.begin(), one_.end());
    return samples > 0 && (!drop_ || samples == batch_size_);
  }

 private:
  SlotStreamPtr source_;
  Index batch_size_;
  bool drop_;
  std::vector<DatasetSlot> one_;
};

/// Puts samples one behind the other along a new first axis.
template <class Scalar>
class BatchStage final : public DatasetStage<Scalar> {
 public:
  BatchStage(DatasetStagePtr<Scalar> source, Index batch_size, bool drop_remainder)
      : source_(std::move(source)), batch_size_(batch_size), drop_(drop_remainder) {}

  bool batched() const override { return true; }
  Index slots_per_sample() const override { return source_->slots_per_sample(); }
  Index sources() const override { return source_->sources(); }
  Index cardinality() const override {
    const Index all = source_->cardinality();
    return all == kInfiniteCardinality ? all : (all + (drop_ ? 0 : batch_size_ - 1)) / batch_size_;
  }
  SlotStreamPtr open(std::uint64_t epoch) const override {
    return std::make_unique<BatchStream>(source_->open(epoch), batch_size_, drop_);
  }
  void make(std::span<const DatasetSlot> slots, DatasetWork& work, Batch<Scalar>& out) const override {
    auto& one = work.of<Batch<Scalar>>(this);
    const auto each = static_cast<std::size_t>(slots_per_sample());
    const auto count = static_cast<Index>(slots.size() / each);
    out.ids.clear();
    for (Index i = 0; i < count; ++i) {
      source_->make(slots.subspan(static_cast<std::size_t>(i) * each, each), work, one);
      out.ids.push_back(one.ids[0]);
      const bool first = i == 0;
      put(one.x, i, count, first, out.x);
      put(one.y, i, count, first, out.y);
      if (first && !one.sample_weight.allocated()) out.sample_weight = {};
      if (one.sample_weight.allocated()) put_row(one.sample_weight, i, count, first, out.sample_weight);
    }
  }

 private:
  void put(const std::vector<Tensor<Scalar>>& from, Index i, Index count, bool first,
           std::vector<Tensor<Scalar>>& to) const {
    if (first) to.resize(from.size());
    if (from.size() != to.size()) throw ShapeError("Dataset batch: the samples have different numbers of arrays.");
    for (std::size_t k = 0; k < from.size(); ++k) put_row(from[k], i, count, first, to[k]);
  }
  void put_row(const Tensor<Scalar>& row, Index i, Index count, bool first, Tensor<Scalar>& to) const {
    if (first) ensure_shape(to, with_front(count, row.shape()));
    if (!to.allocated() || !(to.shape().without_batch() == row.shape())) {
      fail<ShapeError>("Dataset batch",
                       "samples of one shape, " + (to.allocated() ? to.shape().without_batch() : Shape{}).str(),
                       row.shape().str(), "Resize them in a map before batch.");
    }
    std::copy_n(row.data(), row.size(), to.data() + i * row.size());
  }

  DatasetStagePtr<Scalar> source_;
  Index batch_size_;
  bool drop_;
};

}  // namespace graft::detail
