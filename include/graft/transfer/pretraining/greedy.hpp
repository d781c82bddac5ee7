#pragma once

#include <functional>

#include "graft/models/sequential.hpp"
#include "graft/nn/layers/dense.hpp"
#include "graft/nn/layers/flatten.hpp"
#include "graft/nn/layers/gaussian_noise.hpp"
#include "graft/transfer/pretraining/rbm.hpp"

namespace graft {

/// What a step of greedy pretraining leaves behind: layers that are trained, and how it went.
template <class Scalar>
struct TrainedLayers {
  std::vector<Layer<Scalar>> layers;
  History history = {};
};

/// Trains the next layers of a stack on what those below, which are frozen, make of the data: samples in, layers out.
template <class Scalar>
using GreedyStep = std::function<TrainedLayers<Scalar>(const Tensor<Scalar>& features)>;

template <class Scalar>
struct GreedyStack {
  Sequential<Scalar> model;  ///< all layers, one behind the other; everything in it trains again
  std::vector<History> histories;
};

template <class Scalar = float>
struct GreedyOptions {
  std::vector<Layer<Scalar>> front = {};  ///< layers below the first step that are not trained, such as Flatten
  Index batch_size = 256;                 ///< of running the layers that are trained
};

/// Greedy layer-wise pretraining (Hinton, Osindero, Teh 2006; Bengio et al. 2007): trains one layer, freezes it, puts
/// the next one on top, and so on. Each frozen layer runs over the data once. The stack is what a head is put on then,
/// with reuse_layers(stack.model, {head}, {.drop_top = 0}) or in a Sequential, and fine-tuned.
///
/// One helper for all kinds of layers: a step is a function. autoencoder_step and rbm_step make two of them.
///
/// Throws ConfigError without steps, and for a step that makes no layer; what the steps throw.
template <class Scalar>
GRAFT_COLD GreedyStack<Scalar> greedy_pretrain(const ArrayLike<Scalar>& x, const std::vector<GreedyStep<Scalar>>& steps,
                                               const GreedyOptions<Scalar>& options = {}) {
  if (steps.empty()) fail<ConfigError>("greedy_pretrain", "at least one step", "none");
  if (x.samples() < 1) fail<ShapeError>("greedy_pretrain", "at least one sample", x.shape().str());
  GreedyStack<Scalar> stack{Sequential<Scalar>({.input_shape = x.shape().without_batch()}), {}};
  Tensor<Scalar> features(x.view());
  // What new layers make of the features; the layers become part of the stack.
  const auto run = [&](const std::vector<Layer<Scalar>>& layers) {
    Sequential<Scalar> part({.input_shape = features.shape().without_batch()});
    for (const auto& layer : layers) {
      part.add(layer);
      stack.model.add(layer);
    }
    features = part.predict(features, {.batch_size = options.batch_size});
  };
  if (!options.front.empty()) run(options.front);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    TrainedLayers<Scalar> trained = steps[i](features);
    if (trained.layers.empty()) {
      fail<ConfigError>("greedy_pretrain", "layers of step " + std::to_string(i), "none");
    }
    stack.histories.push_back(std::move(trained.history));
    run(trained.layers);
  }
  return stack;
}

template <class Scalar = float>
struct AutoencoderStepOptions {
  ActivationFunction activation = "selu";
  Initializer kernel_initializer = "lecun_normal";
  ActivationFunction output_activation = "linear";  ///< "sigmoid" for a first layer on numbers from 0 to 1
  double noise = 0;                                 ///< standard deviation of noise on the inputs: a denoising one
  Index epochs = 5;
  Index batch_size = 64;
  Optimizer<Scalar> optimizer = "adam";
  Loss<Scalar> loss = "mse";
  Verbose verbose = Verbose::silent;
};

/// A step that trains Dense(units) under a Dense decoder to give its input back, and drops the decoder. Each step needs
/// an optimizer of its own: give its name, or make the options anew.
template <class Scalar = float>
GRAFT_COLD GreedyStep<Scalar> autoencoder_step(Index units, AutoencoderStepOptions<Scalar> options = {}) {
  return [units, options](const Tensor<Scalar>& features) {
    const Shape shape = features.shape().without_batch();
    if (shape.rank() != 1) {
      fail<ShapeError>("autoencoder_step", "rows of numbers (n, d)", features.shape().str(),
                       "Put Flatten in front: GreedyOptions::front.");
    }
    const Dense<Scalar> encoder(units,
                                {.activation = options.activation, .kernel_initializer = options.kernel_initializer});
    Sequential<Scalar> model({.input_shape = shape});
    if (options.noise > 0) model.add(GaussianNoise<Scalar>(options.noise));
    model.add(encoder);
    model.add(Dense<Scalar>(shape[0], {.activation = options.output_activation}));
    model.compile({.optimizer = options.optimizer, .loss = options.loss, .lints = {.silence = {"all"}}});
    History history = model.fit(
        features, features, {.batch_size = options.batch_size, .epochs = options.epochs, .verbose = options.verbose});
    return TrainedLayers<Scalar>{{encoder}, std::move(history)};
  };
}

/// A step that trains an RBM and unrolls it into a Dense layer.
template <class Scalar = float>
GRAFT_COLD GreedyStep<Scalar> rbm_step(Index units, RBMOptions options = {},
                                       RBMFitOptions fit = {.verbose = Verbose::silent}) {
  return [units, options, fit](const Tensor<Scalar>& features) {
    RBM<Scalar> rbm(features.size() / features.dim(0), units, options);
    History history = rbm.fit(features, fit);
    return TrainedLayers<Scalar>{{rbm.to_dense()}, std::move(history)};
  };
}

/// A stack of Dense layers, `units` each, from the lowest up, on inputs of any shape: Flatten stands in front.
template <class Scalar>
GRAFT_COLD GreedyStack<Scalar> pretrain_autoencoder_stack(const ArrayLike<Scalar>& x, const std::vector<Index>& units,
                                                          AutoencoderStepOptions<Scalar> options = {}) {
  std::vector<GreedyStep<Scalar>> steps;
  for (const Index n : units) {
    // A compiled optimizer keeps the state of its variables: every layer has one of its own.
    options.optimizer = Optimizer<Scalar>::from_config(options.optimizer.config());
    steps.push_back(autoencoder_step<Scalar>(n, options));
    options.output_activation = "linear";
  }
  return greedy_pretrain<Scalar>(x, steps, {.front = {Flatten<Scalar>()}});
}

/// The same of RBMs. Options of the first one hold for its visible units only: those above have Bernoulli units.
template <class Scalar>
GRAFT_COLD GreedyStack<Scalar> pretrain_rbm_stack(const ArrayLike<Scalar>& x, const std::vector<Index>& units,
                                                  RBMOptions options = {},
                                                  const RBMFitOptions& fit = {.verbose = Verbose::silent}) {
  std::vector<GreedyStep<Scalar>> steps;
  for (const Index n : units) {
    steps.push_back(rbm_step<Scalar>(n, options, fit));
    options.visible_units = VisibleUnits::bernoulli;
  }
  return greedy_pretrain<Scalar>(x, steps, {.front = {Flatten<Scalar>()}});
}

}  // namespace graft
