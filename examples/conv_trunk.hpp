#pragma once

#include <graft/graft.hpp>

// The small convolutional net of the pretraining examples. Nothing of it belongs to the library.
namespace example {

/// (n, 28, 28) → (n, 64), with strides in place of pooling. BatchNormalization at the top, too: whatever the task of
/// the pretraining, the numbers that a head is given are of size 1.
inline std::vector<graft::Layer<float>> conv_encoder() {
  using namespace graft;
  const BatchNormalizationOptions norm{.momentum = 0.9};  // trainings here have few steps
  return {Reshape({28, 28, 1}, {.input_shape = Shape{28, 28}}),
          Conv2D(16, 3, {.strides = 2, .padding = "same", .use_bias = false}),
          BatchNormalization(norm),
          ReLU(),
          Conv2D(32, 3, {.strides = 2, .padding = "same", .use_bias = false}),
          BatchNormalization(norm),
          ReLU(),
          Flatten(),
          Dense(64, {.use_bias = false}),
          BatchNormalization(norm),
          ReLU({.name = "codings"})};
}

inline graft::Sequential<float> conv_trunk() {
  graft::Sequential<float> trunk;
  for (const auto& layer : conv_encoder()) trunk.add(layer);
  return trunk;
}

}  // namespace example
