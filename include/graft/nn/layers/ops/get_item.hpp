#pragma once

#include <limits>

#include "graft/nn/layers/ops/strided_op.hpp"

namespace graft {

/// y = x[key], Python's indexing: the config's `key` is a list of integers, null (a new axis), "..." and slices
/// {"start", "stop", "step"} whose members may be null. A slice of an unknown dimension has an unknown one, unless it
/// takes all of it.
template <class Scalar>
class GetItemOpImpl final : public detail::StridedOpImpl<Scalar> {
  using Base = detail::StridedOpImpl<Scalar>;

 public:
  static constexpr std::size_t kCount = 1;
  static const char* name_of(std::size_t) { return "ops.GetItem"; }

  /// Throws ConfigError for a key that is something else, a step of 0, and two "...".
  GRAFT_COLD GetItemOpImpl(std::size_t, const Config& config) : Base(name_of(0), config), key_(config.at("key")) {
    int ellipses = 0;
    for (const Config& item : key_.items("key")) {
      Entry entry;
      if (item.is_null()) {
        entry.kind = Kind::new_axis;
      } else if (item.is_string() && item.as_string() == "...") {
        entry.kind = Kind::ellipsis;
        ++ellipses;
      } else if (item.is_integer()) {
        entry.kind = Kind::index;
        entry.start = item.as_int("key");
      } else if (item.is_object() && (item.contains("start") || item.contains("stop") || item.contains("step"))) {
        read_slice(item, entry);
      } else {
        fail<ConfigError>(this->where(), "integers, slices, null and \"...\" in its key", "something else");
      }
      entries_.push_back(entry);
    }
    if (ellipses > 1) fail<ConfigError>(this->where(), "at most one \"...\" in its key", std::to_string(ellipses));
    if (entries_.size() > 3 * Shape::kMaxRank) {
      fail<ConfigError>(this->where(), "a key of at most 24 parts", std::to_string(entries_.size()));
    }
  }

  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["key"] = key_;
    return config;
  }

 protected:
  detail::StridedMap map(const Shape& input) const override {
    int taken = 0;
    for (const Entry& entry : entries_) taken += entry.kind == Kind::index || entry.kind == Kind::slice ? 1 : 0;
    const int rest = input.rank() - taken;
    if (rest < 0) {
      fail<ShapeError>(this->where(), "a tensor of rank " + std::to_string(taken) + " or more", input.str());
    }
    detail::StridedMap result;
    int axis = 0;
    bool passed = false;
    const auto whole = [&](int count) {
      for (; count > 0; --count, ++axis) push(result, input[axis], detail::stride_of(input, axis));
    };
    for (const Entry& entry : entries_) {
      if (entry.kind == Kind::ellipsis) {
        passed = true;
        whole(rest);
      } else if (entry.kind == Kind::new_axis) {
        push(result, 1, 0);
      } else if (entry.kind == Kind::index) {
        take(result, input, axis++, entry.start);
      } else {
        slice(result, input, axis++, entry);
      }
    }
    if (!passed) whole(rest);
    return result;
  }

 private:
  enum class Kind { index, slice, new_axis, ellipsis };
  static constexpr Index kNone = std::numeric_limits<Index>::min();
  struct Entry {
    Kind kind = Kind::slice;
    Index start = kNone, stop = kNone, step = 1;
  };

  GRAFT_COLD void read_slice(const Config& item, Entry& entry) const {
    entry.start = item.get("start", kNone);
    entry.stop = item.get("stop", kNone);
    entry.step = item.get("step", Index(1));
    if (entry.step == 0 || entry.step == kNone) fail<ConfigError>(this->where(), "slices with a step", "step 0");
  }

  static void push(detail::StridedMap& map, Index dim, Index stride) {
    map.shape.push_back(dim);
    map.desc.push(dim, stride);
  }
  void take(detail::StridedMap& map, const Shape& input, int axis, Index index) const {
    const Index dim = input[axis];
    if (dim != Shape::kUnknown && (index < -dim || index >= dim)) {
      fail<ShapeError>(this->where(), "an index of axis " + std::to_string(axis) + " of " + input.str(),
                       std::to_string(index));
    }
    map.desc.offset += (index < 0 ? index + dim : index) * detail::stride_of(input, axis);
  }
  /// Python's rules: ends beyond the axis are cut, negative positions count from behind.
  static void slice(detail::StridedMap& map, const Shape& input, int axis, const Entry& entry) {
    const Index dim = input[axis], stride = detail::stride_of(input, axis);
    if (dim == Shape::kUnknown) return push(map, Shape::kUnknown, stride);
    const bool backwards = entry.step < 0;
    const Index low = backwards ? -1 : 0, high = backwards ? dim - 1 : dim;
    const auto end = [&](Index position, Index otherwise) {
      if (position == kNone) return otherwise;
      return std::clamp(position < 0 ? std::max(position, -dim - 1) + dim : position, low, high);
    };
    const Index start = end(entry.start, backwards ? high : low), stop = end(entry.stop, backwards ? low : high);
    // Steps longer than the axis take one element: no product can overflow.
    const Index step = std::clamp(entry.step, -dim - 1, dim + 1), way = backwards ? start - stop : stop - start;
    const Index count = way <= 0 ? 0 : (way - 1) / (backwards ? -step : step) + 1;
    if (count > 0) map.desc.offset += start * stride;
    push(map, count, step * stride);
  }

  Config key_;
  std::vector<Entry> entries_;
};

}  // namespace graft
