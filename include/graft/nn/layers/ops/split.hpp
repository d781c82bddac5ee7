#pragma once

#include "graft/nn/layers/ops/strided_op.hpp"

namespace graft {

/// Several outputs from one tensor. Split: parts along `axis`, of equal size when `indices_or_sections` is their
/// number, else between these positions; `size_splits` says the sizes instead, one of which may be -1. Unstack: `num`
/// tensors without the axis.
template <class Scalar>
class SplitOpImpl final : public detail::OpLayerImpl<Scalar> {
  using Base = detail::OpLayerImpl<Scalar>;
  enum Kind : std::size_t { kSplit, kUnstack };
  static constexpr const char* kNames[] = {"ops.Split", "ops.Unstack"};
  static constexpr Index kMostParts = 4096;

 public:
  static constexpr std::size_t kCount = 2;
  static const char* name_of(std::size_t kind) { return kNames[kind]; }

  GRAFT_COLD SplitOpImpl(std::size_t kind, const Config& config)
      : Base(name_of(kind), config), kind_(static_cast<Kind>(kind)), axis_(config.get("axis", Index(0))) {
    if (kind_ == kUnstack) {
      sections_ = config.get("num", Index(0));
    } else if (const auto sizes = detail::read_integers(config, "size_splits")) {
      sizes_ = *sizes;
    } else if (const Config& parts = config.at("indices_or_sections"); parts.is_array()) {
      positions_ = *detail::read_integers(config, "indices_or_sections");
    } else {
      sections_ = parts.as_int("indices_or_sections");
    }
    if (sections_ < 0 || sections_ > kMostParts || positions_.size() >= kMostParts || sizes_.size() > kMostParts) {
      fail<ConfigError>(this->where(), "at most 4096 parts", std::to_string(sections_));
    }
  }

  GRAFT_COLD std::vector<Shape> output_shapes(std::span<const Shape> inputs) const override {
    this->expect_inputs(inputs, 1);
    const int at = detail::axis_of(axis_, inputs[0].rank(), this->where());
    const Index dim = inputs[0][at];
    std::vector<Shape> result;
    for (const Index size : sizes_of(dim)) {
      Shape shape;
      for (int axis = 0; axis < inputs[0].rank(); ++axis) {
        if (axis != at) shape.push_back(inputs[0][axis]);
        else if (kind_ == kSplit) shape.push_back(size);
      }
      result.push_back(shape);
    }
    return result;
  }
  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override { return output_shapes(inputs).front(); }

  Needs needs(std::span<const Shape>, const Use&) const override {
    Needs needs;
    needs.can_add = true;
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const override {
    each(args.x().shape(), args.outputs, [&](std::size_t i, const kernels::StridedDesc& desc) {
      kernels::gather(desc, args.x().data(), args.outputs[i].data());
    });
  }
  void backward(const BackwardArgs<Scalar>& args) const override {
    if (!args.dx()) return;
    each(args.dx().shape(), args.output_gradients, [&](std::size_t i, const kernels::StridedDesc& desc) {
      kernels::scatter(desc, args.dy(i).data(), args.dx().data(), args.add_to_input);
    });
  }
  GRAFT_COLD Config config() const override {
    Config config = Base::config();
    config["axis"] = axis_;
    if (kind_ == kUnstack) config["num"] = sections_;
    else if (!sizes_.empty()) config["size_splits"] = detail::integers_config(sizes_);
    else if (sections_ > 0) config["indices_or_sections"] = sections_;
    else config["indices_or_sections"] = detail::integers_config(positions_);
    return config;
  }

 protected:
  GRAFT_COLD void build(std::span<const Shape> inputs, Rng&) override {
    // Files of tf.keras say the sizes.
    const Index dim = inputs[0][detail::axis_of(axis_, inputs[0].rank(), this->where())];
    if (kind_ == kSplit && sections_ == 0 && dim != Shape::kUnknown) sizes_ = sizes_of(dim);
  }

 private:
  GRAFT_COLD std::vector<Index> sizes_of(Index dim) const {
    if (kind_ == kUnstack) {
      const Index count = sections_ > 0 ? sections_ : dim;
      if (count <= 0 || count > kMostParts || (dim != Shape::kUnknown && dim != count)) refuse(dim);
      return std::vector<Index>(static_cast<std::size_t>(count), 1);
    }
    if (sections_ > 0) {
      if (dim != Shape::kUnknown && dim % sections_ != 0) refuse(dim);
      return std::vector<Index>(static_cast<std::size_t>(sections_), dim == Shape::kUnknown ? dim : dim / sections_);
    }
    if (dim == Shape::kUnknown) refuse(dim);
    std::vector<Index> sizes = sizes_;
    if (sizes.empty()) {
      Index last = 0;
      for (const Index position : positions_) {
        const Index now = position < 0 ? position + dim : position;
        if (now < last || now > dim) refuse(dim);
        sizes.push_back(now - last);
        last = now;
      }
      sizes.push_back(dim - last);
      return sizes;
    }
    Index total = 0, open = -1;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      if (sizes[i] == -1 && open < 0) open = static_cast<Index>(i);
      else if (sizes[i] < 0 || sizes[i] > dim) refuse(dim);
      else total += sizes[i];
    }
    if (open >= 0 ? total > dim : total != dim) refuse(dim);
    if (open >= 0) sizes[static_cast<std::size_t>(open)] = dim - total;
    return sizes;
  }
  [[noreturn]] GRAFT_COLD void refuse(Index dim) const {
    fail<ShapeError>(this->where(), "an axis that can be cut into these parts",
                     dim == Shape::kUnknown ? "an axis of unknown size" : "size " + std::to_string(dim));
  }

  /// fn(i, where part i lies in the input)
  template <class Views, class Fn>
  void each(const Shape& input, const Views& parts, const Fn& fn) const {
    const int at = detail::axis_of(axis_, input.rank(), this->name());
    Index start = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const Index size = kind_ == kUnstack ? 1 : parts[i].shape()[at];
      kernels::StridedDesc desc;
      desc.offset = start * detail::stride_of(input, at);
      for (int axis = 0; axis < input.rank(); ++axis) {
        desc.push(axis == at ? size : input[axis], detail::stride_of(input, axis));
      }
      fn(i, desc);
      start += size;
    }
  }

  Kind kind_;
  Index axis_, sections_ = 0;
  std::vector<Index> positions_, sizes_;
};

}  // namespace graft
