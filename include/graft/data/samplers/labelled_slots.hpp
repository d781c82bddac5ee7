#pragma once

#include <cmath>
#include <map>
#include <numeric>

#include "graft/core/random.hpp"
#include "graft/core/text.hpp"
#include "graft/data/dataset.hpp"

namespace graft::detail {

/// The samples of a dataset and the classes that they are of: what samplers choose from.
template <class Scalar>
class LabelledSamples {
 public:
  /// Reads the labels in one pass over the data; `what` is for messages. Throws StateError for a dataset of batches or
  /// without an end, DataError for labels that are no classes.
  GRAFT_COLD LabelledSamples(std::string what, DatasetStagePtr<Scalar> source)
      : what_(std::move(what)), source_(std::move(source)) {
    if (source_->batched()) {
      throw StateError(what_ + ": the dataset gives batches; samples are chosen one by one. Put batch behind it.");
    }
    if (source_->cardinality() == kInfiniteCardinality) {
      throw StateError(what_ + ": the dataset has no end (repeat). Put repeat behind it.");
    }
    const SlotStreamPtr stream = source_->open(0);
    DatasetWork work;
    Batch<Scalar> element;
    std::vector<DatasetSlot> slots;
    while (stream->next(slots)) {
      source_->make(slots, work, element);
      const double label = label_of(element);
      labels_[slots[0].id] = label;
      ++counts_[label];
      ++samples_;
    }
    if (counts_.size() < 2) {
      fail<DataError>(what_, "samples of two classes or more",
                      std::to_string(samples_) + " samples of " + std::to_string(counts_.size()));
    }
  }

  const DatasetStagePtr<Scalar>& source() const { return source_; }
  Index samples() const { return samples_; }
  /// Samples of each class.
  const std::map<double, Index>& counts() const { return counts_; }
  /// The samples of pass `epoch`. Throws DataError when they are not those whose labels were read.
  std::map<double, std::vector<std::vector<DatasetSlot>>> by_class(std::uint64_t epoch) const {
    std::map<double, std::vector<std::vector<DatasetSlot>>> groups;
    const SlotStreamPtr stream = source_->open(epoch);
    std::vector<DatasetSlot> slots;
    while (stream->next(slots)) {
      const auto found = labels_.find(slots[0].id);
      if (found == labels_.end()) refuse_pass(epoch);
      groups[found->second].push_back(slots);
    }
    for (const auto& [label, count] : counts_) {
      if (static_cast<Index>(groups[label].size()) != count) refuse_pass(epoch);
    }
    return groups;
  }

  /// Classes of one sample, which has no partner: an error that names them, or, when they are to be skipped, fine as
  /// long as there is another class.
  GRAFT_COLD void check_partners(bool skip_singletons) const {
    std::string alone;
    Index left = 0;
    for (const auto& [label, count] : counts_) {
      if (count > 1) ++left;
      else alone += (alone.empty() ? "" : ", ") + text::number("%g", label);
    }
    if (alone.empty() || (skip_singletons && left > 0)) return;
    fail<DataError>(what_, "two samples of each class or more", "one sample of class " + alone,
                    left > 0 ? "With skip_singletons such samples only serve as the other one of a pair."
                             : "No class has two samples.");
  }

 private:
  GRAFT_COLD double label_of(const Batch<Scalar>& element) const {
    if (element.y.size() != 1 || element.y[0].size() == 0) {
      fail<DataError>(what_, "samples with one label", std::to_string(element.y.size()) + " targets");
    }
    const Tensor<Scalar>& y = element.y[0];
    if (y.size() == 1) {
      if (!std::isfinite(y[0])) fail<DataError>(what_, "finite labels", text::number("%g", static_cast<double>(y[0])));
      return static_cast<double>(y[0]);
    }
    return static_cast<double>(std::max_element(y.begin(), y.end()) - y.begin());  // one-hot
  }

  [[noreturn]] GRAFT_COLD void refuse_pass(std::uint64_t epoch) const {
    fail<DataError>(what_, "the same samples in every pass", "others in pass " + std::to_string(epoch),
                    "Is there a shuffle in front of a take?");
  }

  std::string what_;
  DatasetStagePtr<Scalar> source_;
  Index samples_ = 0;
  std::map<std::uint64_t, double> labels_;
  std::map<double, Index> counts_;
};

/// The slots of one pass, class by class, to draw from.
template <class Scalar>
class ClassSlots {
 public:
  ClassSlots(const LabelledSamples<Scalar>& samples, std::uint64_t epoch) {
    auto groups = samples.by_class(epoch);
    for (auto& [label, group] : groups) {
      first_.push_back(size());
      for (auto& one : group) {
        all_.push_back(std::move(one));
        class_.push_back(static_cast<Index>(first_.size()) - 1);
        labels_.push_back(label);
      }
    }
    first_.push_back(size());
  }

  Index size() const { return static_cast<Index>(all_.size()); }
  Index classes() const { return static_cast<Index>(first_.size()) - 1; }
  Index class_of(Index i) const { return class_[static_cast<std::size_t>(i)]; }
  double label(Index i) const { return labels_[static_cast<std::size_t>(i)]; }
  Index begin(Index c) const { return first_[static_cast<std::size_t>(c)]; }
  Index count(Index c) const { return begin(c + 1) - begin(c); }
  const std::vector<DatasetSlot>& operator[](Index i) const { return all_[static_cast<std::size_t>(i)]; }

  /// Another sample of the class of i, which has one.
  Index partner(Index i, Rng& rng) const {
    const Index first = begin(class_of(i)), drawn = first + rng.below(count(class_of(i)) - 1);
    return drawn >= i ? drawn + 1 : drawn;
  }
  /// A sample of another class, each as likely as any other.
  Index stranger(Index i, Rng& rng) const {
    const Index first = begin(class_of(i)), own = count(class_of(i)), drawn = rng.below(size() - own);
    return drawn >= first ? drawn + own : drawn;
  }
  bool alone(Index i) const { return count(class_of(i)) < 2; }

 private:
  std::vector<std::vector<DatasetSlot>> all_;
  std::vector<Index> class_, first_;
  std::vector<double> labels_;
};

/// Samples 0 … n-1 in a random order, over and over.
class AnchorOrder {
 public:
  AnchorOrder(Index n, RandomKey key) : order_(static_cast<std::size_t>(n)), rng_(key), at_(order_.size()) {
    std::iota(order_.begin(), order_.end(), Index{0});
  }
  Index next() {
    if (at_ == order_.size()) {
      at_ = 0;
      for (std::size_t i = order_.size() - 1; i > 0; --i) {
        std::swap(order_[i], order_[static_cast<std::size_t>(rng_.below(static_cast<Index>(i) + 1))]);
      }
    }
    return order_[at_++];
  }

 private:
  std::vector<Index> order_;
  Rng rng_;
  std::size_t at_;
};

GRAFT_COLD inline Index checked_count(const char* what, const char* option, Index value, Index least) {
  if (value >= least) return value;
  fail<ConfigError>(what, std::string(option) + " of at least " + std::to_string(least), std::to_string(value));
}

GRAFT_COLD inline RandomKey sampler_key(const std::optional<Index>& seed) {
  return seed ? Rng(static_cast<std::uint64_t>(*seed)).split() : next_random_key();
}

/// A sample that is made of several of the source: x of all of them, one behind the other. Its first slot names it and
/// holds its target, a whole number.
template <class Scalar>
class TupleStage : public DatasetStage<Scalar> {
 public:
  TupleStage(std::shared_ptr<const LabelledSamples<Scalar>> samples, Index parts, Index count)
      : samples_(std::move(samples)), parts_(parts), count_(count) {}
  Index cardinality() const override { return count_; }
  Index slots_per_sample() const override { return 1 + parts_ * samples_->source()->slots_per_sample(); }

  void make(std::span<const DatasetSlot> slots, DatasetWork& work, Batch<Scalar>& out) const override {
    auto& parts = work.of<std::vector<Batch<Scalar>>>(this);
    parts.resize(static_cast<std::size_t>(parts_));
    const auto each = static_cast<std::size_t>(samples_->source()->slots_per_sample());
    std::size_t arrays = 0;
    for (std::size_t p = 0; p < parts.size(); ++p) {
      samples_->source()->make(slots.subspan(1 + p * each, each), work, parts[p]);
      out.x.resize(arrays + parts[p].x.size());
      for (const auto& x : parts[p].x) copy_tensor<Scalar>(x.view(), out.x[arrays++]);
    }
    out.y.resize(1);
    ensure_shape(out.y[0], Shape{});
    out.y[0][0] = target(slots[0]);
    out.sample_weight = {};
    out.ids.assign(1, slots[0].id);
  }

 protected:
  const LabelledSamples<Scalar>& samples() const { return *samples_; }
  virtual Scalar target(const DatasetSlot& head) const = 0;

 private:
  std::shared_ptr<const LabelledSamples<Scalar>> samples_;
  Index parts_, count_;
};

}  // namespace graft::detail
