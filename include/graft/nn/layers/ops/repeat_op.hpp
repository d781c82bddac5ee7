#pragma once

#include "graft/nn/layers/ops/strided_op.hpp"

namespace graft {

/// Tile: the whole tensor `repeats` times along each axis. Repeat: each element `repeats` times along `axis`.
/// BroadcastTo: axes of size 1, and new ones in front, repeated to `shape`, in which -1 leaves an axis as it is. Flip:
/// the order along `axis` reversed, along all axes when it is missing.
template <class Scalar>
class RepeatOpImpl final : public detail::StridedOpImpl<Scalar> {
  using Base = detail::StridedOpImpl<Scalar>;
  enum Kind : std::size_t { kTile, kRepeat, kBroadcastTo, kFlip };
  static constexpr const char* kNames[] = {"ops.Tile", "ops.Repeat", "ops.BroadcastTo", "ops.Flip"};

 public:
  static constexpr std::size_t kCount = 4;
  static const char* name_of(std::size_t kind) { return kNames[kind]; }

  GRAFT_COLD RepeatOpImpl(std::size_t kind, const Config& config)
      : Base(name_of(kind), config), kind_(static_cast<Kind>(kind)) {
    if (kind_ != kFlip) {
      const auto counts = detail::read_integers(config, kind_ == kBroadcastTo ? "shape" : "repeats");
      const bool fits = counts && counts->size() <= Shape::kMaxRank && (kind_ != kRepeat || counts->size() == 1);
      if (!fits) fail<ConfigError>(this->where(), kind_ == kBroadcastTo ? "a shape" : "repeats", "something else");
      counts_ = *counts;
      for (const Index count : counts_) {
        if (count >= (kind_ == kBroadcastTo ? -1 : 0) && count <= (Index(1) << 40)) continue;
        fail<ConfigError>(this->where(), "counts of 0 or more", std::to_string(count));
      }
    }
    axes_ = detail::read_integers(config, "axis");
    if (kind_ == kRepeat && (!axes_ || axes_->size() != 1)) {
      fail<ConfigError>(this->where(), "one axis along which to repeat", axes_ ? "several" : "none");
    }
  }

  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    if (kind_ == kTile) config["repeats"] = detail::integers_config(counts_);
    if (kind_ == kRepeat) config["repeats"] = counts_.front();
    if (kind_ == kBroadcastTo) config["shape"] = detail::integers_config(counts_);
    if (kind_ == kRepeat) config["axis"] = axes_->front();
    if (kind_ == kFlip) config["axis"] = axes_ ? detail::integers_config(*axes_) : Config();
    return config;
  }

 protected:
  detail::StridedMap map(const Shape& input) const override {
    if (kind_ == kFlip) return flip(input);
    if (kind_ == kRepeat) return repeat(input);
    const int rank = std::max(input.rank(), static_cast<int>(counts_.size()));
    const Shape own = detail::padded_in_front(input, rank);
    detail::StridedMap result;
    for (int axis = 0; axis < rank; ++axis) {
      const int place = axis - (rank - static_cast<int>(counts_.size()));
      const Index count = place < 0 ? (kind_ == kTile ? 1 : -1) : counts_[static_cast<std::size_t>(place)];
      const Index dim = own[axis], stride = detail::stride_of(own, axis);
      if (kind_ == kTile) {
        result.shape.push_back(product(dim, count));
        result.desc.push(count, 0);
        result.desc.push(dim, stride);
      } else if (dim == 1 && count >= 0) {
        result.shape.push_back(count);
        result.desc.push(count, 0);
      } else {
        if (count >= 0 && dim >= 0 && count != dim) {
          fail<ShapeError>(this->where(), "a tensor that can be repeated to its shape", input.str());
        }
        result.shape.push_back(dim == Shape::kUnknown ? count : dim);
        result.desc.push(dim, stride);
      }
    }
    return result;
  }

 private:
  static Index product(Index dim, Index count) {
    return dim == Shape::kUnknown ? (count == 0 ? 0 : dim) : Shape{dim, count}.elements();
  }

  detail::StridedMap repeat(const Shape& input) const {
    const int along = detail::axis_of(axes_->front(), input.rank(), this->name());
    detail::StridedMap result;
    for (int axis = 0; axis < input.rank(); ++axis) {
      const Index count = axis == along ? counts_.front() : 1;
      result.shape.push_back(product(input[axis], count));
      result.desc.push(input[axis], detail::stride_of(input, axis));
      result.desc.push(count, 0);
    }
    return result;
  }
  detail::StridedMap flip(const Shape& input) const {
    bool turned[Shape::kMaxRank] = {};
    for (int axis = 0; axis < input.rank(); ++axis) turned[axis] = !axes_;
    if (axes_) {
      for (const Index axis : *axes_) turned[detail::axis_of(axis, input.rank(), this->name())] = true;
    }
    detail::StridedMap result;
    for (int axis = 0; axis < input.rank(); ++axis) {
      const Index dim = input[axis], stride = detail::stride_of(input, axis);
      result.shape.push_back(dim);
      if (turned[axis]) result.desc.offset += (dim - 1) * stride;
      result.desc.push(dim, turned[axis] ? -stride : stride);
    }
    return result;
  }

  Kind kind_;
  std::vector<Index> counts_;
  std::optional<std::vector<Index>> axes_;
};

}  // namespace graft
