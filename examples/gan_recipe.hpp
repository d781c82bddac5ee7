#pragma once

#include <algorithm>
#include <functional>
#include <graft/graft.hpp>
#include <numeric>

// A deep convolutional GAN (Radford et al. 2016) for pictures of 28 x 28 with pixels 0 … 1, and its discriminator's
// lower layers for reuse. Nothing of it belongs to the library.
namespace example {

struct Dcgan {
  graft::Sequential<float> generator;      ///< (n, codings) → (n, 28, 28)
  graft::Sequential<float> discriminator;  ///< (n, 28, 28) → is it real?
  graft::Sequential<float> gan;            ///< the second on the first: how the generator is trained
};

/// `width`: filters of the largest maps. Kernels of 4 with strides of 2 meet every pixel equally often, which keeps
/// chequers out of the pictures.
inline Dcgan dcgan(graft::Index codings = 100, graft::Index width = 32) {
  using namespace graft;
  const Initializer normal = RandomNormal({.stddev = 0.02});
  const Sequential<float> generator(
      {Dense(7 * 7 * 2 * width, {.use_bias = false, .kernel_initializer = normal, .input_shape = Shape{codings}}),
       BatchNormalization({.momentum = 0.9}), ReLU(), Reshape({7, 7, 2 * width}),
       Conv2DTranspose(width, 4, {.strides = 2, .padding = "same", .use_bias = false, .kernel_initializer = normal}),
       BatchNormalization({.momentum = 0.9}), ReLU(),
       Conv2DTranspose(1, 4, {.strides = 2, .padding = "same", .activation = "sigmoid", .kernel_initializer = normal}),
       Reshape({28, 28})},
      {.name = "generator"});
  const Sequential<float> discriminator(
      {Reshape({28, 28, 1}, {.input_shape = Shape{28, 28}}), Rescaling(2.0, {.offset = -1.0}),
       Conv2D(width, 4, {.strides = 2, .padding = "same", .kernel_initializer = normal}), LeakyReLU({.alpha = 0.2}),
       Dropout(0.3), Conv2D(2 * width, 4, {.strides = 2, .padding = "same", .kernel_initializer = normal}),
       LeakyReLU({.alpha = 0.2, .name = "features"}), Dropout(0.3), Flatten(),
       Dense(1, {.activation = "sigmoid", .kernel_initializer = normal})},
      {.name = "discriminator"});
  const Sequential<float> gan({generator, discriminator}, {.name = "gan"});
  const auto adam = [] { return Adam({.learning_rate = 2e-4, .beta_1 = 0.5}); };
  discriminator.compile({.optimizer = adam(), .loss = "binary_crossentropy"});
  discriminator.set_trainable(false);
  gan.compile({.optimizer = adam(), .loss = "binary_crossentropy"});  // trains the generator alone
  return {generator, discriminator, gan};
}

inline graft::Tensor<float> gan_noise(graft::Index count, graft::Index codings) {
  graft::Tensor<float> noise({count, codings});
  graft::Rng rng(graft::next_random_key());
  for (float& value : noise.view().span()) value = static_cast<float>(rng.normal());
  return noise;
}

/// One step of both. `batch` has half as many real pictures as rows; the generator's go into the other half.
class GanStep {
 public:
  explicit GanStep(Dcgan models, graft::Index batch)
      : models_(std::move(models)), half_(batch), labels_({2 * batch, 1}, 0.0f), ones_({batch, 1}, 1.0f) {
    std::fill_n(labels_.data() + batch, batch, 1.0f);
  }
  /// Losses of the discriminator and of the generator. pictures (2 batch, 28, 28), of which the last half are real.
  std::pair<double, double> operator()(graft::Tensor<float>& pictures) {
    const graft::Index codings = models_.generator.input_shape()[1];
    // 1. The discriminator tells pictures of the generator (0) from real ones (1).
    const auto fakes = models_.generator.predict(gan_noise(half_, codings), {.batch_size = half_});
    std::copy(fakes.begin(), fakes.end(), pictures.data());
    models_.discriminator.set_trainable(true);
    const double real_or_fake = models_.discriminator.train_on_batch(pictures, labels_)[0];
    // 2. The generator learns through the discriminator, which stays as it is, to have its pictures taken for real.
    models_.discriminator.set_trainable(false);
    const double fools = models_.gan.train_on_batch(gan_noise(half_, codings), ones_)[0];
    return {real_or_fake, fools};
  }

 private:
  Dcgan models_;
  graft::Index half_;
  graft::Tensor<float> labels_, ones_;
};

struct GanTraining {
  graft::Index epochs = 10;
  graft::Index batch_size = 64;  ///< real pictures in a batch, and as many of the generator
  std::function<void(graft::Index epoch, double discriminator_loss, double generator_loss)> on_epoch = {};
};

/// x (n, 28, 28), pixels 0 … 1.
inline void train_gan(const Dcgan& models, const graft::Tensor<float>& x, const GanTraining& options = {}) {
  const graft::Index n = x.dim(0), pixels = 28 * 28, batch = std::min(options.batch_size, n);
  std::vector<graft::Index> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  GanStep step(models, batch);
  graft::Tensor<float> pictures({2 * batch, 28, 28});
  for (graft::Index epoch = 0; epoch < options.epochs; ++epoch) {
    graft::Rng rng(graft::next_random_key());
    for (std::size_t i = order.size(); i > 1; --i) {
      std::swap(order[i - 1], order[static_cast<std::size_t>(rng.below(static_cast<graft::Index>(i)))]);
    }
    double losses[2] = {0, 0};
    const graft::Index steps = n / batch;
    for (graft::Index s = 0; s < steps; ++s) {
      for (graft::Index i = 0; i < batch; ++i) {
        const graft::Index picture = order[static_cast<std::size_t>(s * batch + i)];
        std::copy_n(x.data() + picture * pixels, pixels, pictures.data() + (batch + i) * pixels);
      }
      const auto [real_or_fake, fools] = step(pictures);
      losses[0] += real_or_fake / static_cast<double>(steps);
      losses[1] += fools / static_cast<double>(steps);
    }
    if (options.on_epoch) options.on_epoch(epoch, losses[0], losses[1]);
  }
}

/// The lower layers of a trained discriminator, for pictures (n, 28, 28): (n, 7, 7, 2 width).
inline graft::Sequential<float> discriminator_features(const Dcgan& models) {
  return graft::reuse_encoder(models.discriminator, "features", {.name = "discriminator_features"});
}

/// Pretraining without labels: trains a GAN on x (n, 28, 28) and gives the features of its discriminator back.
inline graft::Sequential<float> pretrain_discriminator(const graft::Tensor<float>& x, const GanTraining& options = {}) {
  const Dcgan models = dcgan();
  train_gan(models, x, options);
  return discriminator_features(models);
}

}  // namespace example
