#pragma once

#include "graft/nn/layers/ops/op_layer.hpp"
#include "graft/nn/layers/view_layer.hpp"

namespace graft {

/// Other shapes for the same numbers, without a copy. Reshape: `newshape`, with the batch, in which one dimension may
/// be -1 and is computed. ExpandDims: new axes of size 1 at the places `axis` of the result. Squeeze: without the axes
/// `axis`, which must have size 1; without all such axes but the batch when it is missing.
template <class Scalar>
class ReshapeOpImpl final : public detail::OpLayerImpl<Scalar> {
  using Base = detail::OpLayerImpl<Scalar>;
  enum Kind : std::size_t { kReshape, kExpandDims, kSqueeze };
  static constexpr const char* kNames[] = {"ops.Reshape", "ops.ExpandDims", "ops.Squeeze"};

 public:
  static constexpr std::size_t kCount = 3;
  static const char* name_of(std::size_t kind) { return kNames[kind]; }

  GRAFT_COLD ReshapeOpImpl(std::size_t kind, const Config& config)
      : Base(name_of(kind), config), kind_(static_cast<Kind>(kind)), values_(detail::read_integers(config, key())) {
    if (kind_ != kSqueeze && !values_) {
      fail<ConfigError>(this->where(), "a key \"" + std::string(key()) + "\"", "none");
    }
    if (kind_ != kReshape) return;
    int open = 0;
    for (const Index dim : *values_) {
      if (dim < -1) fail<ConfigError>(this->where(), "dimensions of at least -1", std::to_string(dim));
      open += dim == -1;
    }
    if (open > 1) fail<ConfigError>(this->where(), "at most one dimension of -1", std::to_string(open));
  }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    this->expect_inputs(inputs, 1);
    return kind_ == kReshape ? reshaped(inputs[0]) : kind_ == kExpandDims ? expanded(inputs[0]) : squeezed(inputs[0]);
  }
  Needs needs(std::span<const Shape>, const Use&) const override {
    Needs needs;
    needs.is_view = needs.in_place = needs.can_add = true;
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const override { detail::copy_or_add<Scalar>(args.x(), args.y()); }
  void backward(const BackwardArgs<Scalar>& args) const override {
    if (args.dx()) detail::copy_or_add<Scalar>(args.dy(), args.dx(), args.add_to_input);
  }
  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    if (!values_) config[key()] = Config();
    else if (kind_ != kReshape && values_->size() == 1) config[key()] = values_->front();
    else config[key()] = detail::integers_config(*values_);
    return config;
  }

 private:
  const char* key() const { return kind_ == kReshape ? "newshape" : "axis"; }

  GRAFT_COLD Shape reshaped(const Shape& input) const {
    Shape result;
    Index rest = 1;
    int open = -1;
    for (const Index dim : *values_) {
      if (dim == -1) open = result.rank();
      else if (dim > 0 && rest > (Index(1) << 40) / dim) refuse(input);
      else rest *= dim;
      result.push_back(dim);
    }
    int unknown = 0;
    Index known = 1;
    for (const Index dim : input) {
      if (dim == Shape::kUnknown) ++unknown;
      else known *= dim;
    }
    if (unknown == 0) {
      if (open >= 0 ? rest == 0 || known % rest != 0 : known != rest) refuse(input);
      if (open >= 0) result[open] = known / rest;
    }
    return result;
  }
  GRAFT_COLD Shape expanded(const Shape& input) const {
    const int rank = input.rank() + static_cast<int>(values_->size());
    bool fresh[2 * Shape::kMaxRank] = {};
    if (rank > Shape::kMaxRank) fail<ShapeError>(this->where(), "a result of at most 8 axes", std::to_string(rank));
    for (const Index axis : *values_) fresh[detail::axis_of(axis, rank, this->where())] = true;
    Shape result;
    int next = 0;
    for (int axis = 0; axis < rank; ++axis) {
      if (!fresh[axis] && next == input.rank()) fail<ShapeError>(this->where(), "different axes", "one of them twice");
      result.push_back(fresh[axis] ? 1 : input[next++]);
    }
    return result;
  }
  GRAFT_COLD Shape squeezed(const Shape& input) const {
    bool gone[Shape::kMaxRank] = {};
    if (!values_) {
      for (int axis = 1; axis < input.rank(); ++axis) gone[axis] = input[axis] == 1;
    } else {
      for (const Index value : *values_) {
        const int axis = detail::axis_of(value, input.rank(), this->where());
        if (input[axis] != 1 && input[axis] != Shape::kUnknown) {
          fail<ShapeError>(this->where(), "size 1 along axis " + std::to_string(value), input.str());
        }
        gone[axis] = true;
      }
    }
    Shape result;
    for (int axis = 0; axis < input.rank(); ++axis) {
      if (!gone[axis]) result.push_back(input[axis]);
    }
    return result;
  }
  [[noreturn]] GRAFT_COLD void refuse(const Shape& input) const {
    std::string wanted = "(";
    for (const Index dim : *values_) wanted += (wanted.size() > 1 ? ", " : "") + std::to_string(dim);
    fail<ShapeError>(this->where(), "as many numbers as " + wanted + ") has", input.str());
  }

  Kind kind_;
  std::optional<std::vector<Index>> values_;
};

}  // namespace graft
