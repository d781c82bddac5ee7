#pragma once

#include "graft/models/model.hpp"

namespace graft {

/// Arguments of value_and_gradients.
struct GradientOptions {
  std::vector<double> loss_weights = {};  ///< one per output; default 1
  bool training = true;                   ///< random layers and batch statistics are active
  /// With training: moving statistics follow the batch, as they do when Keras calls a model in training mode.
  bool update_state = true;
  bool input_gradients = false;  ///< gradients of the inputs too
};

/// What value_and_gradients computes. The views are good until the next call of the same GradientFunction.
template <class Scalar = float>
struct ValueAndGradients {
  /// The loss that fit would minimise: the losses of the outputs by their weights, those of the layers (add_loss,
  /// activity regularizers), and the penalties of the weights that train.
  double value = 0;
  /// One for every variable of the model's trainable_weights(), in that order: for optimizer.apply(gradients). They are
  /// not scaled; an optimizer with a loss scale expects them multiplied by it.
  std::vector<Gradient<Scalar>> gradients = {};
  /// Of each output the losses of the samples (of every row of pixels, for pictures), before weights and reduction.
  std::vector<Tensor<Scalar>> sample_losses = {};
  /// With input_gradients: one per input; empty when the loss does not depend on it.
  std::vector<TensorView<const Scalar>> input_gradients = {};
  std::shared_ptr<void> memory = nullptr;  ///< keeps what the views point to
};

/// A loss of a model as a function that gives its value and its gradients: what Keras writes with GradientTape. Made
/// once for a training loop of one's own; plans and memory stay from call to call.
///
///     auto step = graft::value_and_gradients(model, "mse");
///     for (…) optimizer.apply(step(x, y).gradients);
///
/// What trains is what was trainable when the function was made. Different functions may differentiate models that
/// share layers. Not for several threads at once.
template <class Scalar = float>
class GradientFunction {
 public:
  /// Throws ConfigError, as compile does.
  GRAFT_COLD GradientFunction(const Model<Scalar>& model, LossList<Scalar> loss, const GradientOptions& options = {})
      : state_(std::make_shared<State>(model, std::move(loss), options)) {}

  /// `options`: weights of samples and classes. Throws ShapeError and DataError for data that do not fit, DataError
  /// when the loss is NaN.
  ValueAndGradients<Scalar> operator()(const std::type_identity_t<Arrays<Scalar>>& x,
                                       const std::type_identity_t<Arrays<Scalar>>& y,
                                       const BatchOptions<Scalar>& options = {}) const {
    State& state = *state_;
    const ModelImpl<Scalar>& impl = state.model.impl();
    detail::build_from_data(impl, x);
    const auto data = detail::check_data("value_and_gradients", impl, state.compiled, x, y, options.sample_weight,
                                         options.class_weight);
    if (!state.trainer) state.open();
    ++state.calls;
    const auto step = state.trainer->differentiate(data.pass, {next_random_key()},
                                                   state.options.training && state.options.update_state);
    if (std::isnan(step.loss)) {
      detail::refuse_nan_loss("value_and_gradients of " + impl.where(), "call " + std::to_string(state.calls));
    }
    ValueAndGradients<Scalar> result{.value = step.loss, .sample_losses = step.sample_losses, .memory = state_};
    result.gradients.assign(step.gradients.begin(), step.gradients.end());
    std::sort(result.gradients.begin(), result.gradients.end(),
              [&](const auto& a, const auto& b) { return state.order.at(a.variable) < state.order.at(b.variable); });
    for (std::size_t i = 0; state.options.input_gradients && i < data.pass.x.size(); ++i) {
      result.input_gradients.push_back(step.executor.input_gradient(i));
    }
    return result;
  }

 private:
  struct State {
    GRAFT_COLD State(const Model<Scalar>& model_, LossList<Scalar> loss, const GradientOptions& options_)
        : model(model_),
          options(options_),
          compiled({.optimizer = SGD<Scalar>(), .loss = std::move(loss), .loss_weights = options_.loss_weights},
                   model_) {}
    GRAFT_COLD void open() {
      FlatGraph<Scalar> graph = flatten(model.impl().graph(), model.trainable());
      compiled.apply_recorded(graph);
      trainer.emplace(std::move(graph), compiled, model.impl().output_names(),
                      TrainerOptions{.training = options.training, .input_gradients = options.input_gradients});
      for (const auto& variable : model.weights()) order.emplace(variable.get(), static_cast<Index>(order.size()));
    }

    Model<Scalar> model;
    GradientOptions options;
    Compiled<Scalar> compiled;
    std::optional<Trainer<Scalar>> trainer;
    PointerMap order;  // of the variables
    Index calls = 0;
  };
  std::shared_ptr<State> state_;
};

/// The loss of a model as a function to differentiate: see GradientFunction.
template <class Scalar>
GRAFT_COLD GradientFunction<Scalar> value_and_gradients(const Model<Scalar>& model,
                                                        std::type_identity_t<LossList<Scalar>> loss,
                                                        const GradientOptions& options = {}) {
  return {model, std::move(loss), options};
}

/// The same for one batch: loss and gradients.
template <class Scalar>
GRAFT_COLD ValueAndGradients<Scalar> value_and_gradients(const Model<Scalar>& model,
                                                         std::type_identity_t<LossList<Scalar>> loss,
                                                         const std::type_identity_t<Arrays<Scalar>>& x,
                                                         const std::type_identity_t<Arrays<Scalar>>& y,
                                                         const GradientOptions& options = {},
                                                         const BatchOptions<Scalar>& batch = {}) {
  return GradientFunction<Scalar>(model, std::move(loss), options)(x, y, batch);
}

}  // namespace graft
