#pragma once

#include "graft/nn/layers/merge_layer.hpp"

namespace graft {

struct ConcatenateOptions {
  int axis = -1;
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class ConcatenateImpl final : public LayerImpl<Scalar> {
 public:
  GRAFT_COLD explicit ConcatenateImpl(const ConcatenateOptions& options)
      : LayerImpl<Scalar>("Concatenate", options), axis_(options.axis) {
    if (axis_ == 0) fail<ConfigError>(this->where(), "an axis behind the batch", "0");
  }
  std::string_view class_name() const override { return "Concatenate"; }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    detail::check_merge_inputs(inputs, 0, this->where());
    Shape result = inputs[0];
    const int axis = axis_ < 0 ? axis_ + result.rank() : axis_;
    if (axis < 1 || axis >= result.rank()) {
      fail<ShapeError>(this->where(), "inputs that have axis " + std::to_string(axis_) + " behind the batch",
                       result.str());
    }
    Index total = 0;
    for (const Shape& input : inputs) {
      Shape other = input;
      if (other.rank() == result.rank()) other[axis] = result[axis];
      if (!other.compatible(result)) {
        fail<ShapeError>(this->where(), "inputs that agree on every axis but " + std::to_string(axis_),
                         inputs[0].str() + " and " + input.str());
      }
      for (int a = 0; a < result.rank(); ++a) result[a] = result[a] == Shape::kUnknown ? other[a] : result[a];
      total = total == Shape::kUnknown || input[axis] == Shape::kUnknown ? Shape::kUnknown : total + input[axis];
    }
    result[axis] = total;
    return result;
  }
  /// The cache keeps where each input starts in a block of the output: an input without a gradient has no shape later.
  Needs needs(std::span<const Shape> inputs, const Use& use) const override {
    Needs needs;
    needs.can_add = true;
    if (use.input_gradients) needs.cache_bytes = static_cast<Index>(inputs.size() * sizeof(Index));
    return needs;
  }
  /// Along time, the masks stand behind each other, and an input without one counts; along another axis a step counts
  /// where it counts in any input (Keras 3).
  MaskFlow mask_flow(const std::vector<bool>& masked) const override {
    const bool any = std::find(masked.begin(), masked.end(), true) != masked.end();
    return {any ? MaskFlow::Kind::make : MaskFlow::Kind::none};
  }
  bool uses_masks() const override { return true; }

  void forward(const ForwardArgs<Scalar>& args) const override {
    if (args.output_mask) join_masks(args);
    const Index stride = block(args.y().shape());
    Index at = 0;
    for (std::size_t i = 0; i < args.inputs.size(); ++i) {
      const Index length = block(args.x(i).shape());
      if (args.use.input_gradients) reinterpret_cast<Index*>(args.cache)[i] = at;
      const Scalar* from = args.x(i).data();
      Scalar* to = args.y().data() + at;
      each_block(args.y().size(), stride, [&](Index b) { std::copy_n(from + b * length, length, to + b * stride); });
      at += length;
    }
  }
  void backward(const BackwardArgs<Scalar>& args) const override {
    const Index stride = block(args.dy().shape());
    for (std::size_t i = 0; i < args.input_gradients.size(); ++i) {
      if (!args.dx(i)) continue;
      const Index length = block(args.dx(i).shape());
      const Scalar* from = args.dy().data() + reinterpret_cast<const Index*>(args.cache)[i];
      Scalar* to = args.dx(i).data();
      each_block(args.dy().size(), stride, [&](Index b) {
        if (args.add_to_input) kernels::add(length, to + b * length, from + b * stride, to + b * length);
        else std::copy_n(from + b * stride, length, to + b * length);
      });
    }
  }
  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["axis"] = axis_;
    return config;
  }

 private:
  /// Elements from one position in front of the axis to the next.
  Index block(const Shape& shape) const {
    return shape.product(axis_ < 0 ? axis_ + shape.rank() : axis_, shape.rank());
  }
  void join_masks(const ForwardArgs<Scalar>& args) const {
    const bool along_time = axis_ == 1 || axis_ == 1 - args.y().rank();
    const Index batch = args.output_mask.dim(0), steps = args.output_mask.dim(1);
    std::fill_n(args.output_mask.data(), args.output_mask.size(), Scalar(0));
    Index first = 0;
    for (std::size_t i = 0; i < args.inputs.size(); ++i) {
      const Index own = args.x(i).dim(1);
      const Scalar* mask = args.mask(i);
      for (Index b = 0; b < batch; ++b) {
        for (Index t = 0; t < own; ++t) {
          Scalar& to = args.output_mask[b * steps + first + t];
          to = std::max(to, mask ? mask[b * own + t] : Scalar(1));
        }
      }
      if (along_time) first += own;
    }
  }
  template <class Fn>
  static void each_block(Index size, Index stride, const Fn& fn) {
    if (size == 0) return;
    parallel_for(0, size / stride, 65536 / stride + 1, [&](Index from, Index to) {
      for (Index b = from; b < to; ++b) fn(b);
    });
  }

  int axis_;
};

/// Puts its inputs one behind the other along an axis, by default the last: `Concatenate()({a, b})`. They must agree on
/// every other axis. Throws ConfigError for axis 0, the batch, and ShapeError for inputs that do not fit.
template <class Scalar = float>
class Concatenate : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit Concatenate(const ConcatenateOptions& options = {})
      : Layer<Scalar>(new ConcatenateImpl<Scalar>(options)) {}

  GRAFT_COLD static Concatenate from_config(const Config& config) {
    ConcatenateOptions options;
    options.axis = static_cast<int>(config.get("axis", -1));
    detail::read_base(config, options);
    return Concatenate(options);
  }
};

}  // namespace graft
