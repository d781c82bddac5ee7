#pragma once

#include "graft/kernels/broadcast.hpp"
#include "graft/nn/layer.hpp"
#include "graft/nn/layers/layer_options.hpp"

namespace graft {

struct MergeOptions {
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

namespace detail {

GRAFT_COLD inline MergeOptions read_merge_options(const Config& config) {
  MergeOptions options;
  read_base(config, options);
  return options;
}

/// Throws ShapeError unless there are inputs (exactly `count` when it is not 0) that all have a batch, of one size.
GRAFT_COLD inline void check_merge_inputs(std::span<const Shape> inputs, std::size_t count, const std::string& where) {
  const bool enough = count == 0 ? !inputs.empty() : inputs.size() == count;
  if (!enough) {
    const std::string wanted = count == 0 ? "at least one input" : std::to_string(count) + " inputs";
    fail<ShapeError>(where, wanted, std::to_string(inputs.size()), "Call it with a list: layer({a, b}).");
  }
  for (const Shape& shape : inputs) {
    if (shape.rank() < 1) fail<ShapeError>(where, "inputs with a batch", shape.str());
    if (!shape.slice(0, 1).compatible(inputs[0].slice(0, 1))) {
      fail<ShapeError>(where, "inputs of one batch size", inputs[0].str() + " and " + shape.str());
    }
  }
}

/// The shape with 1s behind the batch, up to a rank: (batch, 5) → (batch, 1, 1, 5).
inline Shape aligned_to(const Shape& shape, int rank) {
  Shape result{shape[0]};
  for (int axis = shape.rank(); axis < rank; ++axis) result.push_back(1);
  for (int axis = 1; axis < shape.rank(); ++axis) result.push_back(shape[axis]);
  return result;
}

/// What several shapes broadcast to. The batch is kept; behind it the axes are aligned at the end and a 1 takes the
/// other's size. Throws ShapeError.
GRAFT_COLD inline Shape merged_shape(std::span<const Shape> inputs, const std::string& where) {
  Shape result = inputs[0];
  for (const Shape& input : inputs) {
    const int rank = std::max(result.rank(), input.rank());
    const Shape a = aligned_to(result, rank), b = aligned_to(input, rank);
    Shape next{a[0] == Shape::kUnknown ? b[0] : a[0]};
    for (int axis = 1; axis < rank; ++axis) {
      const bool open = a[axis] == Shape::kUnknown || b[axis] == Shape::kUnknown;
      if (!open && a[axis] != b[axis] && a[axis] != 1 && b[axis] != 1) {
        fail<ShapeError>(where, "inputs that can be broadcast together", result.str() + " and " + input.str());
      }
      next.push_back(open ? Shape::kUnknown : a[axis] == 1 ? b[axis] : a[axis]);
    }
    result = next;
  }
  return result;
}

/// Operands of shapes p and q laid over a dense tensor.
inline kernels::BroadcastDesc laid_over(const Shape& full, const Shape& p, const Shape& q) {
  const Shape p_aligned = aligned_to(p, full.rank()), q_aligned = aligned_to(q, full.rank());
  return kernels::broadcast_desc(full.rank(), full.begin(), p_aligned.begin(), q_aligned.begin());
}

/// Base of the layers that join several inputs element by element.
template <class Scalar>
class MergeLayerImpl : public LayerImpl<Scalar> {
 public:
  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const final {
    check_merge_inputs(inputs, count_, this->where());
    return merged_shape(inputs, this->where());
  }

  /// Keras 3's rule: a step counts where it counts in any input; one input without a mask makes them all count.
  MaskFlow mask_flow(const std::vector<bool>& masked) const final {
    const bool all = std::find(masked.begin(), masked.end(), false) == masked.end();
    return {all ? MaskFlow::Kind::make : MaskFlow::Kind::none};
  }
  bool uses_masks() const final { return true; }

 protected:
  /// `count`: the number of inputs that it takes, 0 for any.
  GRAFT_COLD MergeLayerImpl(std::string_view class_name, const MergeOptions& options, std::size_t count = 0)
      : LayerImpl<Scalar>(class_name, options), count_(count) {}

  /// Writes the output's mask, if it has one.
  static void join_masks(const ForwardArgs<Scalar>& args) {
    if (!args.output_mask) return;
    const Index steps = args.output_mask.dim(1);
    std::fill_n(args.output_mask.data(), args.output_mask.size(), Scalar(0));
    for (const auto& mask : args.masks) {
      const Index own = mask.dim(1);  // 1 when the steps are broadcast
      for (Index i = 0; i < args.output_mask.size(); ++i) {
        const Index from = own == 1 ? i / steps : i;
        args.output_mask[i] = std::max(args.output_mask[i], mask[from]);
      }
    }
  }

  /// What all of them can say: they add, and write over input 0 where it is as large as the output.
  Needs merge_needs(std::span<const Shape> inputs, bool reads_inputs) const {
    Needs needs;
    needs.can_add = true;
    needs.inputs = reads_inputs;
    needs.in_place = !reads_inputs && inputs[0].elements() == output_shape(inputs).elements();
    return needs;
  }
  Index output_bytes(std::span<const Shape> inputs) const {
    return output_shape(inputs).elements() * static_cast<Index>(sizeof(Scalar));
  }

 private:
  std::size_t count_;
};

}  // namespace detail
}  // namespace graft
