#pragma once

#include <functional>

#include "graft/data/samplers/labelled_slots.hpp"

namespace graft {

namespace detail {

/// Every sample several times in a row, each time changed in its own way.
template <class Scalar>
class ViewStage final : public DatasetStage<Scalar> {
 public:
  using Function = std::function<void(Batch<Scalar>& sample, Index view)>;

  ViewStage(DatasetStagePtr<Scalar> source, Index views, Function function)
      : source_(std::move(source)), views_(views), function_(std::move(function)) {
    if (source_->batched()) {
      throw StateError("Dataset of views: the dataset gives batches. Put batch behind it.");
    }
  }

  Index cardinality() const override {
    const Index all = source_->cardinality();
    return all == kInfiniteCardinality ? all : all * views_;
  }
  Index slots_per_sample() const override { return source_->slots_per_sample() + 1; }
  SlotStreamPtr open(std::uint64_t epoch) const override {
    return std::make_unique<Stream>(source_->open(epoch), views_);
  }

  void make(std::span<const DatasetSlot> slots, DatasetWork& work, Batch<Scalar>& out) const override {
    source_->make(slots.subspan(1), work, out);
    function_(out, slots[0].position);
    out.ids.assign(1, slots[0].id);
  }

 private:
  class Stream final : public SlotStream {
   public:
    Stream(SlotStreamPtr source, Index views) : source_(std::move(source)), views_(views), view_(views) {}
    bool next(std::vector<DatasetSlot>& slots) override {
      if (view_ == views_) {
        if (!source_->next(one_)) return false;
        view_ = 0;
      }
      // A name of its own, so that what is random behind this differs from view to view.
      slots.assign(1, {view_, one_[0].epoch, one_[0].id ^ static_cast<std::uint64_t>(view_) << 32});
      ++view_;
      slots.insert(slots.end(), one_.begin(), one_.end());
      return true;
    }

   private:
    SlotStreamPtr source_;
    Index views_, view_;
    std::vector<DatasetSlot> one_;
  };

  DatasetStagePtr<Scalar> source_;
  Index views_;
  Function function_;
};

/// The picture (h, w) or (h, w, c) turned by `quarters` times 90 degrees against the clock, as numpy.rot90.
template <class Scalar>
void rotate_picture(Tensor<Scalar>& picture, Index quarters) {
  const Shape& shape = picture.shape();
  if (shape.rank() < 2 || shape.rank() > 3 || shape[0] != shape[1]) {
    fail<ShapeError>("rotation_dataset", "square pictures (n, n) or (n, n, channels)", shape.str());
  }
  if (quarters == 0) return;
  const Index n = shape[0], channels = shape.rank() == 3 ? shape[2] : 1;
  const Tensor<Scalar> from = picture;
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      const Index row = quarters == 1 ? j : quarters == 2 ? n - 1 - i : n - 1 - j;
      const Index column = quarters == 1 ? n - 1 - i : quarters == 2 ? n - 1 - j : i;
      std::copy_n(from.data() + (row * n + column) * channels, channels, picture.data() + (i * n + j) * channels);
    }
  }
}

}  // namespace detail

/// Every sample `views` times in a row, and in place of its targets the number of the sample: which ones belong
/// together. What is random in a map behind it differs from view to view. For two augmented views of each picture, as
/// NTXent wants them, 2 n rows a batch:
///
///     auto batches = graft::view_dataset(pictures.shuffle(10000)).map(augmentation).batch(2 * 128);
///
/// Throws ConfigError for less than 2 views or more than 256, StateError for a dataset of batches.
template <class Scalar>
GRAFT_COLD Dataset<Scalar> view_dataset(const Dataset<Scalar>& dataset, Index views = 2) {
  detail::checked_count("view_dataset", "views", views, 2);
  if (views > 256) fail<ConfigError>("view_dataset", "at most 256 views", std::to_string(views));
  return dataset.apply([&](const DatasetStagePtr<Scalar>& source) {
    return std::make_shared<detail::ViewStage<Scalar>>(source, views, [](Batch<Scalar>& sample, Index) {
      sample.y.resize(1);
      detail::ensure_shape(sample.y[0], Shape{});
      // Whole in float up to here; that two samples of one batch share a number beyond it does not happen.
      sample.y[0][0] = static_cast<Scalar>(sample.ids[0] % (std::uint64_t{1} << 24));
    });
  });
}

/// Every picture four times, turned by 0, 90, 180 and 270 degrees against the clock, and as its target which one it is,
/// 0 to 3: a task whose labels cost nothing (Gidaris, Singh, Komodakis 2018). Pictures are square. Put shuffle and
/// batch behind it. Throws StateError for a dataset of batches; making a sample throws ShapeError for other pictures.
template <class Scalar>
GRAFT_COLD Dataset<Scalar> rotation_dataset(const Dataset<Scalar>& dataset) {
  return dataset.apply([&](const DatasetStagePtr<Scalar>& source) {
    return std::make_shared<detail::ViewStage<Scalar>>(source, 4, [](Batch<Scalar>& sample, Index view) {
      for (auto& x : sample.x) detail::rotate_picture(x, view);
      sample.y.resize(1);
      detail::ensure_shape(sample.y[0], Shape{});
      sample.y[0][0] = static_cast<Scalar>(view);
    });
  });
}

}  // namespace graft
