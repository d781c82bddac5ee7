#pragma once

#include <cstddef>
#include <span>

#include "graft/core/tensor_view.hpp"
#include "graft/kernels/activation_kind.hpp"
#include "graft/nn/random_streams.hpp"

// What a layer is asked and what it is given in one use. All of it belongs to the run's workspace; a layer keeps
// nothing.
namespace graft {

/// How a node of a plan is going to be used.
struct Use {
  bool training = false;          ///< mode of the run: random layers are active
  bool trainable = true;          ///< the flag of the layer and of every model around it
  bool weight_gradients = false;  ///< backward will be asked for gradients of variables
  bool input_gradients = false;   ///< backward will be asked for gradients of inputs
  bool masked = false;            ///< there are masks, and the layer uses them

  bool backward() const { return weight_gradients || input_gradients; }
};

/// Keras's masks say which time steps of a value count. A mask belongs to output 0 of a layer and has the shape of the
/// value's first two dimensions, (batch, time).
struct MaskFlow {
  enum class Kind {
    none,  ///< output 0 has no mask
    pass,  ///< output 0 has the mask of input `from`, if that has one
    make   ///< forward writes args.output_mask
  };
  Kind kind = Kind::none;
  std::size_t from = 0;
};

/// What a layer's backward reads and what memory it wants, for given input shapes and use. Less is faster: what is not
/// named here is overwritten as soon as the forward sweep has passed.
struct Needs {
  bool inputs = false;       ///< backward reads the inputs
  bool outputs = false;      ///< backward reads the outputs
  Index cache_bytes = 0;     ///< written by forward, read by backward and by update_state; free to use in begin_step
  Index prepared_bytes = 0;  ///< written by prepare, read by forward; kept until a variable changes
  Index scratch_bytes = 0;   ///< free to use within a single call of forward or backward
  bool in_place = false;     ///< output 0 may lie on input 0, and gradient of input 0 on gradient of output 0
  bool is_view = false;      ///< output 0 is input 0 under another shape: neither forward nor backward is called
  bool can_add = false;      ///< backward adds to an input gradient when told (add_to_input)
};

template <class Scalar>
struct ForwardArgs {
  std::span<const TensorView<const Scalar>> inputs;
  std::span<const TensorView<Scalar>> outputs;
  Use use;
  std::span<const TensorView<const Scalar>> masks = {};  ///< one per input, 1 = counts, 0 = padding; empty: no mask
  TensorView<Scalar> output_mask = {};                   ///< to be written by a layer whose mask_flow() makes one
  std::byte* cache = nullptr;                            ///< needs().cache_bytes
  std::byte* scratch = nullptr;                          ///< needs().scratch_bytes
  RandomStreams random;                                  ///< differ for every run, epoch, node and sample
  const std::byte* prepared = nullptr;                   ///< needs().prepared_bytes
  kernels::ActivationParams activation{};                ///< of a layer behind this one that was folded into it
  double* losses = nullptr;                              ///< what layers add to the loss; null: nobody asks

  const TensorView<const Scalar>& x(std::size_t i = 0) const { return inputs[i]; }
  const TensorView<Scalar>& y(std::size_t i = 0) const { return outputs[i]; }
  /// Null when input i has no mask.
  const Scalar* mask(std::size_t i = 0) const { return i < masks.size() ? masks[i].data() : nullptr; }
  /// Keras's add_loss: a loss of the layer's own, on top of those of the model. Only if adds_loss(); its gradient is a
  /// part of what backward writes.
  void add_loss(double loss) const {
    if (losses) *losses += loss;
  }
};

/// What a layer makes of its variables once, for many runs in which they stay as they are. scale and shift, one per
/// channel of the last axis of the output or null, are to be applied to the output: of layers that were folded into it.
template <class Scalar>
struct PrepareArgs {
  std::span<const Shape> inputs;
  const Scalar* scale = nullptr;
  const Scalar* shift = nullptr;
  std::byte* into = nullptr;  ///< needs().prepared_bytes
};

template <class Scalar>
struct BackwardArgs {
  std::span<const TensorView<const Scalar>> inputs;            ///< empty views unless needs().inputs
  std::span<const TensorView<const Scalar>> outputs;           ///< empty views unless needs().outputs
  std::span<const TensorView<const Scalar>> output_gradients;  ///< never empty
  std::span<const TensorView<Scalar>> input_gradients;         ///< an empty view means: not needed
  std::span<const TensorView<Scalar>> weight_gradients;        ///< one per variable of the layer; empty: not needed
  Use use;
  std::span<const TensorView<const Scalar>> masks = {};  ///< as forward got them
  const std::byte* cache = nullptr;
  std::byte* scratch = nullptr;
  bool add_to_input = false;  ///< only if needs().can_add: dx += instead of dx =
  double loss_scale = 1;      ///< factor of the gradients of what forward gave to add_loss; dy has it already

  const TensorView<const Scalar>& x(std::size_t i = 0) const { return inputs[i]; }
  const TensorView<const Scalar>& y(std::size_t i = 0) const { return outputs[i]; }
  const TensorView<const Scalar>& dy(std::size_t i = 0) const { return output_gradients[i]; }
  const TensorView<Scalar>& dx(std::size_t i = 0) const { return input_gradients[i]; }
  const TensorView<Scalar>& dw(std::size_t i) const { return weight_gradients[i]; }
  /// Null when input i has no mask.
  const Scalar* mask(std::size_t i = 0) const { return i < masks.size() ? masks[i].data() : nullptr; }
};

/// After a training step: the layer moves its own state (moving statistics).
struct UpdateArgs {
  std::span<const Shape> input_shapes;
  Use use;
  const std::byte* cache = nullptr;
  bool replace = false;  ///< the batch's statistics take the place of the moving ones, whatever the momentum
};

}  // namespace graft
