#pragma once

#include <cmath>

#include "graft/kernels/batch_norm.hpp"
#include "graft/kernels/masked_batch_norm.hpp"
#include "graft/nn/layer.hpp"
#include "graft/nn/layers/layer_options.hpp"

namespace graft {

struct BatchNormalizationOptions {
  int axis = -1;
  double momentum = 0.99;
  double epsilon = 1e-3;
  bool center = true;
  bool scale = true;
  Initializer beta_initializer = "zeros";
  Initializer gamma_initializer = "ones";
  Initializer moving_mean_initializer = "zeros";
  Initializer moving_variance_initializer = "ones";
  Regularizer beta_regularizer = {};
  Regularizer gamma_regularizer = {};
  Constraint beta_constraint = {};
  Constraint gamma_constraint = {};
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

template <class Scalar>
class BatchNormalizationImpl final : public LayerImpl<Scalar> {
 public:
  GRAFT_COLD explicit BatchNormalizationImpl(BatchNormalizationOptions options)
      : LayerImpl<Scalar>("BatchNormalization", options), options_(std::move(options)) {
    if (!(options_.epsilon > 0)) fail<ConfigError>(this->where(), "epsilon above 0", std::to_string(options_.epsilon));
    if (!(options_.momentum >= 0 && options_.momentum <= 1)) {
      fail<ConfigError>(this->where(), "momentum in [0, 1]", std::to_string(options_.momentum));
    }
  }
  std::string_view class_name() const override { return "BatchNormalization"; }
  bool supports_masking() const override { return true; }
  bool uses_masks() const override { return true; }
  const BatchNormalizationOptions& options() const { return options_; }

  GRAFT_COLD Shape output_shape(std::span<const Shape> inputs) const override {
    (void)detail::known_dim(inputs[0], axis_of(inputs[0]), this->where());
    return inputs[0];
  }

  Needs needs(std::span<const Shape> inputs, const Use& use) const override {
    Needs needs;
    needs.can_add = true;
    const bool batch = uses_batch_statistics(use);
    if (batch) require_several(inputs[0]);
    needs.inputs = batch ? use.backward() : use.weight_gradients && options_.scale;
    needs.in_place = !needs.inputs;
    if (batch) needs.cache_bytes = 2 * statistics_bytes(inputs[0]);
    return needs;
  }

  /// Training: y = gamma (x - mean) / sqrt(variance + epsilon) + beta with the batch's mean and biased variance.
  /// Inference, or frozen: with the moving ones.
  void forward(const ForwardArgs<Scalar>& args) const override {
    const kernels::BatchNormDesc desc = describe(args.x().shape());
    const Scalar *mean = moving_mean_->value().data(), *variance = moving_variance_->value().data();
    if (uses_batch_statistics(args.use)) {
      Scalar* batch = reinterpret_cast<Scalar*>(args.cache);
      Scalar* batch_variance = reinterpret_cast<Scalar*>(args.cache + statistics_bytes(args.x().shape()));
      if (counts_steps(args.use, args.x().shape())) {
        kernels::masked_batch_norm_statistics(desc, args.x().data(), args.mask(), args.x().dim(2), batch,
                                              batch_variance);
      } else {
        kernels::batch_norm_statistics(desc, args.x().data(), batch, batch_variance);
      }
      mean = batch;
      variance = batch_variance;
    }
    kernels::batch_norm_forward(desc, args.x().data(), mean, variance, data_of(gamma_), data_of(beta_),
                                args.y().data());
  }

  void backward(const BackwardArgs<Scalar>& args) const override {
    const Shape& shape = args.dy().shape();
    const bool batch = uses_batch_statistics(args.use);
    const Scalar *mean = moving_mean_->value().data(), *variance = moving_variance_->value().data();
    if (batch) {
      mean = reinterpret_cast<const Scalar*>(args.cache);
      variance = reinterpret_cast<const Scalar*>(args.cache + statistics_bytes(shape));
    }
    std::size_t at = 0;
    Scalar* dgamma = gamma_ ? args.dw(at++).data() : nullptr;
    Scalar* dbeta = beta_ ? args.dw(at).data() : nullptr;
    if (counts_steps(args.use, shape)) {
      return kernels::masked_batch_norm_backward(describe(shape), args.x().data(), args.dy().data(), args.mask(),
                                                 shape[2], mean, variance, data_of(gamma_), args.dx().data(), dgamma,
                                                 dbeta, args.add_to_input);
    }
    kernels::batch_norm_backward(describe(shape), args.x().data(), args.dy().data(), mean, variance, data_of(gamma_),
                                 batch, args.dx().data(), dgamma, dbeta, args.add_to_input);
  }

  bool channel_affine(const Shape& input, const Use& use, Scalar* scale, Scalar* shift) const override {
    if (uses_batch_statistics(use) || axis_of(input) != input.rank() - 1) return false;
    for (Index c = 0; scale && c < moving_mean_->size(); ++c) {
      const Scalar deviation =
          std::sqrt(std::as_const(*moving_variance_).value()[c] + static_cast<Scalar>(options_.epsilon));
      scale[c] = (gamma_ ? data_of(gamma_)[c] : Scalar(1)) / deviation;
      shift[c] = (beta_ ? data_of(beta_)[c] : Scalar(0)) - data_of(moving_mean_)[c] * scale[c];
    }
    return true;
  }
  bool updates_state(const Use& use) const override { return uses_batch_statistics(use); }
  /// moving = moving * momentum + batch * (1 - momentum), the variance being the biased one (Keras 3).
  void update_state(const UpdateArgs& args) override {
    if (!uses_batch_statistics(args.use)) return;
    move(*moving_mean_, reinterpret_cast<const Scalar*>(args.cache), args.replace);
    move(*moving_variance_, reinterpret_cast<const Scalar*>(args.cache + statistics_bytes(args.input_shapes[0])),
         args.replace);
  }

  GRAFT_COLD Config config() const override {
    Config config = LayerImpl<Scalar>::config();
    config["axis"] = options_.axis;
    config["momentum"] = options_.momentum;
    config["epsilon"] = options_.epsilon;
    config["center"] = options_.center;
    config["scale"] = options_.scale;
    config["beta_initializer"] = options_.beta_initializer.config();
    config["gamma_initializer"] = options_.gamma_initializer.config();
    config["moving_mean_initializer"] = options_.moving_mean_initializer.config();
    config["moving_variance_initializer"] = options_.moving_variance_initializer.config();
    config["beta_regularizer"] = options_.beta_regularizer.config();
    config["gamma_regularizer"] = options_.gamma_regularizer.config();
    config["beta_constraint"] = options_.beta_constraint.config();
    config["gamma_constraint"] = options_.gamma_constraint.config();
    return config;
  }

 protected:
  GRAFT_COLD void build(std::span<const Shape> inputs, Rng& rng) override {
    const Shape shape{detail::known_dim(inputs[0], axis_of(inputs[0]), this->where())};
    if (options_.scale) {
      gamma_ = this->add_variable("gamma", shape, options_.gamma_initializer, rng, VariableKind::trainable,
                                  options_.gamma_regularizer, options_.gamma_constraint);
    }
    if (options_.center) {
      beta_ = this->add_variable("beta", shape, options_.beta_initializer, rng, VariableKind::trainable,
                                 options_.beta_regularizer, options_.beta_constraint);
    }
    moving_mean_ = this->add_variable("moving_mean", shape, options_.moving_mean_initializer, rng, VariableKind::state);
    moving_variance_ =
        this->add_variable("moving_variance", shape, options_.moving_variance_initializer, rng, VariableKind::state);
  }
  GRAFT_COLD void check_inputs(std::span<const Shape> inputs) const override {
    (void)output_shape(inputs);
    const Index channels = inputs[0][axis_of(inputs[0])];
    if (channels != moving_mean_->size()) {
      fail<ShapeError>(this->where(), std::to_string(moving_mean_->size()) + " channels from build", inputs[0].str());
    }
  }

 private:
  /// TF2's and Keras 3's rule: a frozen layer runs as at inference, whatever the mode.
  static bool uses_batch_statistics(const Use& use) { return use.training && use.trainable; }

  /// Of masked sequences, the steps that count make the statistics (Keras 3).
  static bool counts_steps(const Use& use, const Shape& shape) {
    return use.masked && uses_batch_statistics(use) && shape.rank() == 3;
  }

  /// One value standardises to 0 whatever it is: nothing below would learn, and the moving variance would go to 0.
  GRAFT_COLD void require_several(const Shape& shape) const {
    if (shape.elements() != shape[axis_of(shape)]) return;
    fail<DataError>(
        this->where(), "at least two values of each channel to train on", "a batch of " + shape.str(),
        "Choose a batch_size that leaves no batch of one, give .drop_remainder = true to batch(), or freeze "
        "the layer.");
  }
  GRAFT_COLD int checked_axis(const Shape& shape) const {
    fail<ShapeError>(this->where(), "an input that has axis " + std::to_string(options_.axis) + " behind the batch",
                     shape.str());
  }
  int axis_of(const Shape& shape) const {
    const int axis = options_.axis < 0 ? options_.axis + shape.rank() : options_.axis;
    return axis >= 1 && axis < shape.rank() ? axis : checked_axis(shape);
  }
  kernels::BatchNormDesc describe(const Shape& shape) const {
    const int axis = axis_of(shape);
    return {shape.product(0, axis), shape[axis], shape.product(axis + 1, shape.rank()), options_.epsilon};
  }
  Index statistics_bytes(const Shape& shape) const {
    return detail::round_up_64(shape[axis_of(shape)] * static_cast<Index>(sizeof(Scalar)));
  }
  static const Scalar* data_of(const VariablePtr<Scalar>& variable) {
    return variable ? std::as_const(*variable).value().data() : nullptr;
  }
  void move(Variable<Scalar>& moving, const Scalar* batch, bool replace) const {
    const Scalar keep = static_cast<Scalar>(options_.momentum), take = static_cast<Scalar>(1 - options_.momentum);
    Tensor<Scalar>& value = moving.mutable_value();
    if (replace) {
      std::copy_n(batch, value.size(), value.data());
      return;
    }
    for (Index c = 0; c < value.size(); ++c) value[c] = value[c] * keep + batch[c] * take;
  }

  BatchNormalizationOptions options_;
  VariablePtr<Scalar> gamma_, beta_, moving_mean_, moving_variance_;
};

/// Standardises every channel over the batch, then scales by gamma and shifts by beta (Ioffe and Szegedy 2015). Frozen,
/// it uses its moving statistics in training too, and leaves them alone. The moving variance takes the biased batch
/// variance, as in Keras 3 (tf.keras's fused kernel: n / (n - 1) of it; Keras 2.2.4: n / (n - 1 - epsilon)). Training
/// on a batch with a single value of each channel throws DataError, before any step; Keras makes zeros of it.
template <class Scalar = float>
class BatchNormalization : public Layer<Scalar> {
 public:
  GRAFT_COLD explicit BatchNormalization(BatchNormalizationOptions options = {})
      : Layer<Scalar>(new BatchNormalizationImpl<Scalar>(std::move(options))) {}

  GRAFT_COLD static BatchNormalization from_config(const Config& config) {
    detail::reject(config, "BatchNormalization", "renorm");
    detail::reject(config, "BatchNormalization", "virtual_batch_size");
    BatchNormalizationOptions options;
    if (const Config* axis = config.find_set("axis")) {
      const auto axes = detail::read_axes(axis);
      if (axes.size() != 1) {
        fail<ConfigError>("BatchNormalization \"" + config.get("name", "") + "\"", "one axis",
                          std::to_string(axes.size()));
      }
      options.axis = axes.front();
    }
    detail::read(config, "momentum", options.momentum);
    detail::read(config, "epsilon", options.epsilon);
    detail::read(config, "center", options.center);
    detail::read(config, "scale", options.scale);
    detail::read(config, "beta_initializer", options.beta_initializer);
    detail::read(config, "gamma_initializer", options.gamma_initializer);
    detail::read(config, "moving_mean_initializer", options.moving_mean_initializer);
    detail::read(config, "moving_variance_initializer", options.moving_variance_initializer);
    detail::read(config, "beta_regularizer", options.beta_regularizer);
    detail::read(config, "gamma_regularizer", options.gamma_regularizer);
    detail::read(config, "beta_constraint", options.beta_constraint);
    detail::read(config, "gamma_constraint", options.gamma_constraint);
    detail::read_base(config, options);
    return BatchNormalization(std::move(options));
  }
};

}  // namespace graft
