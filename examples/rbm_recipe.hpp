#pragma once

#include <graft/graft.hpp>

// Greedy layer-wise pretraining for pictures of 28 x 28 with pixels 0 … 1: stacks of RBMs and of autoencoders, unrolled
// into Dense layers. Nothing of it belongs to the library.
namespace example {

struct GreedyTraining {
  std::vector<graft::Index> units = {256, 128};
  graft::Index epochs = 5;  ///< of each layer
  double learning_rate = 0.05;
};

/// What the stacks become, with fresh weights: (n, 28, 28) → (n, units of the last).
inline graft::Sequential<float> sigmoid_net(const std::vector<graft::Index>& units) {
  graft::Sequential<float> net({graft::Flatten({.input_shape = graft::Shape{28, 28}})});
  for (const graft::Index n : units) net.add(graft::Dense(n, {.activation = "sigmoid"}));
  return net;
}

/// Pretraining without labels: a stack of RBMs, x (n, 28, 28) → (n, units of the last).
inline graft::GreedyStack<float> pretrain_rbms(const graft::Tensor<float>& x, const GreedyTraining& options = {}) {
  return graft::pretrain_rbm_stack<float>(x, options.units, {},
                                          {.batch_size = 64,
                                           .epochs = options.epochs,
                                           .learning_rate = options.learning_rate,
                                           .verbose = graft::Verbose::silent});
}

/// The same of denoising autoencoders.
inline graft::GreedyStack<float> pretrain_autoencoders(const graft::Tensor<float>& x,
                                                       const GreedyTraining& options = {}) {
  return graft::pretrain_autoencoder_stack<float>(x, options.units,
                                                  {.activation = "sigmoid",
                                                   .kernel_initializer = "glorot_uniform",
                                                   .output_activation = "sigmoid",
                                                   .noise = 0.2,
                                                   .epochs = options.epochs});
}

}  // namespace example
