#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "graft/core/config.hpp"
#include "graft/nn/activations.hpp"
#include "graft/nn/initializers.hpp"
#include "graft/nn/layer_args.hpp"
#include "graft/nn/lora_options.hpp"
#include "graft/nn/uninitialized_variables.hpp"
#include "graft/nn/unique_name.hpp"
#include "graft/nn/variable.hpp"
#include "graft/nn/weight_budget.hpp"

namespace graft {

template <class Scalar>
class Layer;
template <class Scalar>
struct Node;

/// The layer contract. A layer is configuration + variables + flags and keeps nothing of a call: forward and backward
/// are const, so that one layer can serve several models and threads. (The one exception: recurrent layers that are
/// told to be stateful.) Shapes include the batch (-1 when unknown).
///
/// Rules that the contract test enforces for every layer:
///  * build creates variables once and touches no existing ones; it initialises frozen layers too.
///  * forward overwrites its outputs; backward overwrites weight gradients and input gradients (or adds to the latter,
///    if it says can_add and is told so). What it is not asked for (an empty view) it does not compute.
///  * backward reads only what needs() names.
///  * class(config()) is the same layer.
template <class Scalar>
class LayerImpl {
 public:
  virtual ~LayerImpl() = default;
  LayerImpl(const LayerImpl&) = delete;
  LayerImpl& operator=(const LayerImpl&) = delete;

  /// Keras's class_name: "Dense". Every layer has its own; this one is for errors in the constructors of what layers
  /// share, where there is no other yet.
  virtual std::string_view class_name() const { return "layer"; }

  /// Shapes of the outputs for given input shapes; pure. Throws ShapeError. Layers with one output override
  /// output_shape.
  virtual std::vector<Shape> output_shapes(std::span<const Shape> inputs) const { return {output_shape(inputs)}; }
  virtual Shape output_shape(std::span<const Shape> inputs) const { return inputs[0]; }

  /// What backward reads and what memory the layer wants.
  virtual Needs needs(std::span<const Shape> /*inputs*/, const Use& /*use*/) const { return {}; }
  virtual void forward(const ForwardArgs<Scalar>& args) const = 0;
  virtual void backward(const BackwardArgs<Scalar>& args) const = 0;

  /// Turns the variables into what forward gets as `prepared`; called before the first run, and after a change of them.
  virtual void prepare(const PrepareArgs<Scalar>& /*args*/) const {}
  /// True when prepare takes scale and shift, and forward the activation, of layers behind this one.
  virtual bool folds() const { return false; }
  /// True when in this use y = scale[c] x + shift[c] for channels c of the last axis is all that the layer does: it can
  /// be folded into the one in front. Writes both unless they are null.
  virtual bool channel_affine(const Shape& /*input*/, const Use& /*use*/, Scalar* /*scale*/, Scalar* /*shift*/) const {
    return false;
  }
  /// The function of each element that is all that the layer does, if one: it can be folded into the one in front.
  virtual const ActivationFunction* elementwise() const { return nullptr; }

  /// Keras's supports_masking: the layer passes the mask of its input on. Masks end at the other layers.
  virtual bool supports_masking() const { return false; }
  /// What becomes of masks; `masked` says which inputs have one.
  virtual MaskFlow mask_flow(const std::vector<bool>& /*masked*/) const {
    return {supports_masking() ? MaskFlow::Kind::pass : MaskFlow::Kind::none};
  }
  /// True when forward (and backward) read args.masks.
  virtual bool uses_masks() const { return false; }
  /// False for an input that has no gradient by its nature: indices, or one that only lends its shape.
  virtual bool differentiable(std::size_t /*input*/) const { return true; }

  /// True when forward calls args.add_loss, a loss of the layer's own. Its backward writes d(sum y dy + loss_scale *
  /// loss): the layer is asked even where nothing reads its outputs.
  virtual bool adds_loss() const { return false; }
  /// False for variable i of variables() when it belongs to another layer (tied weights) that is frozen.
  virtual bool may_train(std::size_t /*i*/) const { return true; }

  /// True when training mode draws random numbers: such a layer ends the deterministic prefix.
  virtual bool is_random() const { return false; }
  /// True when begin_step and update_state are to be called before and after a training step of this use.
  virtual bool updates_state(const Use& /*use*/) const { return false; }
  /// Before the forward sweep of a training step: the one place where a layer may change variables that the sweep reads
  /// (SpectralNormalization).
  virtual void begin_step(std::byte* /*cache*/) {}
  /// Moves the layer's own state by what forward left in the cache.
  virtual void update_state(const UpdateArgs& /*args*/) {}

  /// Keras's enable_lora: see Layer. By default: throws ConfigError.
  GRAFT_COLD virtual void enable_lora(Index /*rank*/, const LoraOptions& /*options*/) {
    fail<ConfigError>("enable_lora of " + where(), "a Dense or a convolution", "a layer without LoRA");
  }
  /// Counts how often the layer's variables were exchanged for others: plans of before do not hold then.
  Index structure() const { return structure_; }

  /// Forgets what a stateful layer keeps from call to call; of a container, in all layers inside.
  virtual void reset_states() {
    for (const auto& layer : sublayers()) layer.impl().reset_states();
  }

  /// Keras's config of the layer. Overriders start from this one, which holds name, trainable, dtype and, of a
  /// first layer, batch_input_shape.
  GRAFT_COLD virtual Config config() const {
    Config result = Config::object();
    result["name"] = name_;
    result["trainable"] = trainable_;
    if (input_shape_) {
      Config& shape = result["batch_input_shape"] = Config::array({Config()});
      for (const Index dim : *input_shape_) shape.push_back(dim == Shape::kUnknown ? Config() : Config(dim));
    }
    result["dtype"] = dtype();
    return result;
  }

  /// The layer's variables, trainable kind first, in Keras's order; of a container, those of its layers in order.
  virtual std::vector<VariablePtr<Scalar>> variables() const { return variables_; }
  /// The layers inside a container or a wrapper.
  virtual std::vector<Layer<Scalar>> sublayers() const { return {}; }

  /// Where a .weights.h5 file has variable i of variables(), below the group of the layer. By default its own
  /// variables, the trainable kind first: "vars/0"; of a recurrent layer "cell/vars/0", of attention
  /// "query_dense/vars/0".
  GRAFT_COLD virtual std::string store_path(std::size_t i) const { return "vars/" + std::to_string(i); }
  /// A second place where Keras writes variable i, and wants to find it; empty: there is none.
  virtual std::string store_copy(std::size_t /*i*/) const { return {}; }

  const std::string& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }
  bool trainable() const { return trainable_; }
  /// Sets the flag here and in all layers inside, as Keras does.
  virtual void set_trainable(bool trainable) { trainable_ = trainable; }
  static const char* dtype() { return std::is_same_v<Scalar, double> ? "float64" : "float32"; }

  virtual bool built() const { return built_; }
  /// Input shapes that the layer was built for.
  const std::vector<Shape>& build_shapes() const { return build_shapes_; }
  /// Shape of one sample that a first layer was given (Keras's argument input_shape).
  const std::optional<Shape>& input_shape() const { return input_shape_; }
  void set_input_shape(std::optional<Shape> shape) { input_shape_ = std::move(shape); }

  const Regularizer& activity_regularizer() const { return activity_regularizer_; }

  /// The calls of this layer on symbols that are part of a graph still, oldest first.
  GRAFT_COLD std::vector<std::shared_ptr<const Node<Scalar>>> calls() const {
    std::vector<std::shared_ptr<const Node<Scalar>>> result;
    for (const auto& call : calls_) {
      if (auto node = call.lock()) result.push_back(std::move(node));
    }
    return result;
  }
  GRAFT_COLD void note_call(const std::shared_ptr<const Node<Scalar>>& node) {
    // Now and then only: a layer may be called a hundred thousand times.
    if (calls_.size() >= calls_limit_) {
      std::erase_if(calls_, [](const auto& call) { return call.expired(); });
      calls_limit_ = 2 * calls_.size() + 8;
    }
    calls_.push_back(node);
  }

  /// Builds on first call; later only checks that the inputs still fit. Throws ShapeError.
  void ensure_built(std::span<const Shape> inputs) {
    if (!built_) {
      (void)output_shapes(inputs);
      Rng rng(next_random_key());
      build(inputs, rng);
      for (const auto& variable : variables_) variable->set_path(name_ + "/" + variable->name());
      build_shapes_.assign(inputs.begin(), inputs.end());
      built_ = true;
    } else {
      check_inputs(inputs);
    }
  }

  /// Message prefix: `Dense "head"`.
  GRAFT_COLD std::string where() const { return std::string(class_name()) + " \"" + name_ + "\""; }

 protected:
  /// `options` is the layer's options struct: name, trainable and input_shape are read here.
  template <class Options>
  GRAFT_COLD LayerImpl(std::string_view class_name, const Options& options)
      : name_(options.name.empty() ? unique_name(class_name) : options.name),
        trainable_(options.trainable),
        input_shape_(options.input_shape) {
    if constexpr (requires { options.activity_regularizer; }) activity_regularizer_ = options.activity_regularizer;
  }

  /// Creates the variables. Called once. Must not depend on the batch size, which may be unknown.
  virtual void build(std::span<const Shape> /*inputs*/, Rng& /*rng*/) {}

  /// For a built layer: do these inputs still fit? Default: output_shapes throws when not.
  virtual void check_inputs(std::span<const Shape> inputs) const { (void)output_shapes(inputs); }

  /// Creates a variable; `shape` must be known.
  GRAFT_COLD VariablePtr<Scalar> add_variable(std::string name, const Shape& shape, const Initializer& initializer,
                                              Rng& rng, VariableKind kind = VariableKind::trainable,
                                              const Regularizer& regularizer = {}, const Constraint& constraint = {}) {
    WeightBudget::spend(shape, static_cast<Index>(sizeof(Scalar)), where());
    auto value = Tensor<Scalar>::uninitialized(shape);
    if (!UninitializedVariables::active()) initializer.fill(value.view(), rng);
#ifdef GRAFT_POISON_ARENA
    else value.fill(std::numeric_limits<Scalar>::quiet_NaN());
#endif
    auto variable = std::make_shared<Variable<Scalar>>(std::move(name), std::move(value), kind);
    variable->set_regularizer(regularizer);
    variable->set_constraint(constraint);
    variables_.push_back(variable);
    ++structure_;
    return variable;
  }
  /// Removes the last variables, from `first` on.
  GRAFT_COLD void remove_variables(std::size_t first) {
    variables_.resize(first);
    ++structure_;
  }

  Regularizer activity_regularizer_;

 private:
  std::string name_;
  bool trainable_ = true;
  bool built_ = false;
  std::optional<Shape> input_shape_;
  std::vector<Shape> build_shapes_;
  std::vector<VariablePtr<Scalar>> variables_;
  Index structure_ = 0;
  std::vector<std::weak_ptr<const Node<Scalar>>> calls_;
  std::size_t calls_limit_ = 8;
};

}  // namespace graft
