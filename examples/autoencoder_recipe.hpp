#pragma once

#include <graft/graft.hpp>

#include "conv_trunk.hpp"

// Autoencoders for pictures of 28 x 28 with pixels 0 … 1, and their encoders for reuse. Nothing of it belongs to the
// library.
namespace example {

struct AutoencoderTraining {
  graft::Index epochs = 5;
  graft::Index batch_size = 128;
  double learning_rate = 1e-3;
};

/// How an autoencoder (n, 28, 28) → (n, 28, 28) is made, and the layer up to which it is an encoder.
struct AutoencoderKind {
  const char* name;
  graft::Model<float> (*make)();
  const char* until = "codings";
};

/// Several layers at a time.
inline graft::Sequential<float> chain(std::initializer_list<std::vector<graft::Layer<float>>> parts) {
  graft::Sequential<float> model;
  for (const auto& part : parts) {
    for (const auto& layer : part) model.add(layer);
  }
  return model;
}

/// (n, 28, 28) → (n, 32)
inline std::vector<graft::Layer<float>> dense_encoder() {
  using namespace graft;
  return {Flatten({.input_shape = Shape{28, 28}}), Dense(100, {.activation = "relu"}),
          Dense(32, {.activation = "relu", .name = "codings"})};
}
/// (n, codings) → (n, 28, 28)
inline std::vector<graft::Layer<float>> dense_decoder() {
  using namespace graft;
  return {Dense(100, {.activation = "relu"}), Dense(784, {.activation = "sigmoid"}), Reshape({28, 28})};
}

/// (n, codings) → (n, 28, 28)
inline std::vector<graft::Layer<float>> conv_decoder() {
  using namespace graft;
  return {Dense(7 * 7 * 32, {.activation = "relu"}), Reshape({7, 7, 32}),
          Conv2DTranspose(16, 3, {.strides = 2, .padding = "same", .activation = "relu"}),
          Conv2DTranspose(1, 3, {.strides = 2, .padding = "same", .activation = "sigmoid"}), Reshape({28, 28})};
}

/// One layer after the other, trained as one.
inline graft::Model<float> stacked_autoencoder() { return chain({dense_encoder(), dense_decoder()}); }

/// Draws pictures of which a third of the pixels is missing.
inline graft::Model<float> denoising_autoencoder() {
  return chain({{graft::Dropout(0.3, {.input_shape = graft::Shape{28, 28}})}, dense_encoder(), dense_decoder()});
}

/// The decoder has the encoder's kernels.
inline graft::Model<float> tied_autoencoder() {
  using namespace graft;
  const auto encoder = dense_encoder();
  return chain({encoder,
                {DenseTranspose(encoder[2], {.activation = "relu"}),
                 DenseTranspose(encoder[1], {.activation = "sigmoid"}), Reshape({28, 28})}});
}

/// Many codings, of which a tenth is active.
inline graft::Model<float> sparse_autoencoder() {
  using namespace graft;
  return chain({{Flatten({.input_shape = Shape{28, 28}}), Dense(100, {.activation = "relu"}),
                 Dense(300, {.activation = "sigmoid",
                             .activity_regularizer = KLDivergenceRegularizer(1e-3, 0.1),
                             .name = "codings"})},
                dense_decoder()});
}

/// Codings are drawn from N(mean, exp(log_var)), which the KL loss keeps near N(0, 1).
inline graft::Model<float> variational_autoencoder() {
  using namespace graft;
  const auto in = Input({28, 28});
  const auto hidden = Dense(100, {.activation = "relu"})(Flatten()(in));
  const auto mean = Dense(32, {.name = "codings"})(hidden), log_var = Dense(32, {.name = "codings_log_var"})(hidden);
  auto x = Sampling({.kl_weight = 1.0 / 784, .name = "sampled"})({mean, log_var});
  for (const auto& layer : dense_decoder()) x = layer(x);
  return Model<float>(in, x);
}

/// Takes noise away from pictures.
inline graft::Model<float> convolutional_autoencoder() {
  return chain({{graft::GaussianNoise(0.2, {.input_shape = graft::Shape{28, 28}})}, conv_encoder(), conv_decoder()});
}

inline std::vector<AutoencoderKind> autoencoder_kinds() {
  return {{"stacked", stacked_autoencoder},
          {"denoising", denoising_autoencoder},
          {"tied", tied_autoencoder},
          {"sparse", sparse_autoencoder},
          {"variational", variational_autoencoder},
          {"convolutional", convolutional_autoencoder}};
}

/// x (n, 28, 28), pixels 0 … 1.
inline graft::Model<float> train_autoencoder(const AutoencoderKind& kind, const graft::Tensor<float>& x,
                                             const AutoencoderTraining& options = {}) {
  const graft::Model<float> model = kind.make();
  model.compile({.optimizer = graft::Adam({.learning_rate = options.learning_rate}), .loss = "binary_crossentropy"});
  model.fit(x, x, {.batch_size = options.batch_size, .epochs = options.epochs, .verbose = graft::Verbose::silent});
  return model;
}

/// Pretraining without labels: an encoder (n, 28, 28) → (n, 64), the layers of conv_encoder(), for a head.
inline graft::Sequential<float> pretrain_conv_autoencoder(const graft::Tensor<float>& x,
                                                          const AutoencoderTraining& options = {}) {
  const AutoencoderKind kind{"convolutional", convolutional_autoencoder};
  return graft::reuse_encoder(train_autoencoder(kind, x, options), kind.until);
}

}  // namespace example
