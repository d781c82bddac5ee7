#pragma once

#include "graft/nn/layers/ops/strided_op.hpp"

namespace graft {

/// Transpose: axis a of y is axis axes[a] of x, the axes in reverse order when there are none given. Swapaxes exchanges
/// axis1 and axis2. Moveaxis puts the axes `source` to the places `destination`.
template <class Scalar>
class TransposeOpImpl final : public detail::StridedOpImpl<Scalar> {
  using Base = detail::StridedOpImpl<Scalar>;
  enum Kind : std::size_t { kTranspose, kSwapaxes, kMoveaxis };
  static constexpr const char* kNames[] = {"ops.Transpose", "ops.Swapaxes", "ops.Moveaxis"};

 public:
  static constexpr std::size_t kCount = 3;
  static const char* name_of(std::size_t kind) { return kNames[kind]; }

  GRAFT_COLD TransposeOpImpl(std::size_t kind, const Config& config)
      : Base(name_of(kind), config), kind_(static_cast<Kind>(kind)) {
    if (kind_ == kTranspose) {
      first_ = detail::read_integers(config, "axes");
    } else {
      first_ = detail::read_integers(config, kind_ == kSwapaxes ? "axis1" : "source");
      second_ = detail::read_integers(config, kind_ == kSwapaxes ? "axis2" : "destination");
      if (!first_ || !second_ || first_->size() != second_->size() || (kind_ == kSwapaxes && first_->size() != 1)) {
        fail<ConfigError>(this->where(), "as many axes to come from as to go to", "others");
      }
    }
  }

  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    if (kind_ == kTranspose) {
      config["axes"] = first_ ? detail::integers_config(*first_) : Config();
    } else if (kind_ == kSwapaxes) {
      config["axis1"] = first_->front();
      config["axis2"] = second_->front();
    } else {
      config["source"] = detail::integers_config(*first_);
      config["destination"] = detail::integers_config(*second_);
    }
    return config;
  }

 protected:
  detail::StridedMap map(const Shape& input) const override {
    const int rank = input.rank();
    int order[Shape::kMaxRank];
    if (kind_ == kTranspose) transpose(rank, order);
    else if (kind_ == kSwapaxes) swap(rank, order);
    else move(rank, order);
    detail::StridedMap result;
    for (int axis = 0; axis < rank; ++axis) {
      result.shape.push_back(input[order[axis]]);
      result.desc.push(input[order[axis]], detail::stride_of(input, order[axis]));
    }
    return result;
  }

 private:
  void transpose(int rank, int* order) const {
    for (int axis = 0; axis < rank; ++axis) order[axis] = rank - 1 - axis;
    if (!first_) return;
    if (static_cast<int>(first_->size()) != rank) refuse(rank);
    bool seen[Shape::kMaxRank] = {};
    for (int axis = 0; axis < rank; ++axis) {
      order[axis] = detail::axis_of((*first_)[static_cast<std::size_t>(axis)], rank, this->name());
      if (seen[order[axis]]) refuse(rank);
      seen[order[axis]] = true;
    }
  }
  void swap(int rank, int* order) const {
    for (int axis = 0; axis < rank; ++axis) order[axis] = axis;
    std::swap(order[detail::axis_of(first_->front(), rank, this->name())],
              order[detail::axis_of(second_->front(), rank, this->name())]);
  }
  void move(int rank, int* order) const {
    bool moved[Shape::kMaxRank] = {};
    for (int axis = 0; axis < rank; ++axis) order[axis] = -1;
    for (std::size_t i = 0; i < first_->size(); ++i) {
      const int from = detail::axis_of((*first_)[i], rank, this->name());
      const int to = detail::axis_of((*second_)[i], rank, this->name());
      if (moved[from] || order[to] >= 0) refuse(rank);
      moved[from] = true;
      order[to] = from;
    }
    int next = 0;
    for (int axis = 0; axis < rank; ++axis) {
      if (order[axis] >= 0) continue;
      while (moved[next]) ++next;
      order[axis] = next++;
    }
  }
  [[noreturn]] GRAFT_COLD void refuse(int rank) const {
    fail<ShapeError>(this->where(), "each axis of a tensor of rank " + std::to_string(rank) + " once", "others");
  }

  Kind kind_;
  std::optional<std::vector<Index>> first_, second_;
};

}  // namespace graft
