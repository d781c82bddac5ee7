// The code of docs/pretraining.md on training loops of one's own, autoencoders and GANs, compiled and run on small data
// that it draws itself.
//
// Short run:

#include <graft/graft.hpp>

#include <cstdio>

namespace {

graft::Tensor<float> points(graft::Index samples, graft::Index features, std::uint64_t seed) {
  graft::Tensor<float> x({samples, features});
  graft::Rng rng(seed);
  for (float& value : x.view().span()) value = static_cast<float>(rng.uniform());
  return x;
}

}  // namespace

int main() {
  graft::set_random_seed(1);
  const auto x_unlabeled = points(256, 20, 1), x_train = points(64, 20, 2);
  graft::Tensor<float> y_train({64});
  for (graft::Index i = 0; i < 64; ++i) y_train[i] = x_train[i * 20] > 0.5f ? 1.0f : 0.0f;

  {
    // README: begin
    graft::Sequential autoencoder(
        {graft::GaussianNoise(0.2, {.input_shape = graft::Shape{20}}), graft::Dense(16, {.activation = "relu"}),
         graft::Dense(4, {.activation = "relu", .name = "codings"}), graft::Dense(16, {.activation = "relu"}),
         graft::Dense(20, {.activation = "sigmoid"})});
    autoencoder.compile({.optimizer = "adam", .loss = "binary_crossentropy"});
    autoencoder.fit(x_unlabeled, x_unlabeled, {.epochs = 5});

    auto model = graft::reuse_encoder(autoencoder, "codings");  // a copy of the lower layers, without the noise
    model.add(graft::Dense(1, {.activation = "sigmoid"}));
    graft::fine_tune(model, {x_train, y_train}, {.loss = "binary_crossentropy", .metrics = {"accuracy"}});
    // README: end
  }
  {
    // README: begin
    const graft::Dense first(16, {.activation = "relu", .input_shape = graft::Shape{20}});
    const graft::Dense second(4, {.activation = "relu"});
    graft::Sequential tied({first, second, graft::DenseTranspose(second, {.activation = "relu"}),
                            graft::DenseTranspose(first, {.activation = "sigmoid"})});
    // README: end
    tied.compile({.optimizer = "adam", .loss = "binary_crossentropy"});
    tied.fit(x_unlabeled, x_unlabeled);
  }
  {
    // README: begin
    auto in = graft::Input({20});
    auto hidden = graft::Dense(16, {.activation = "relu"})(in);
    auto mean = graft::Dense(4, {.name = "codings"})(hidden);
    auto log_var = graft::Dense(4)(hidden);
    auto z = graft::Sampling({.kl_weight = 1.0 / 20})({mean, log_var});
    auto out = graft::Dense(20, {.activation = "sigmoid"})(graft::Dense(16, {.activation = "relu"})(z));
    graft::Model variational(in, out);
    // README: end
    variational.compile({.optimizer = "adam", .loss = "binary_crossentropy"});
    variational.fit(x_unlabeled, x_unlabeled);
  }

  const graft::Sequential generator({graft::Dense(16, {.activation = "relu", .input_shape = graft::Shape{4}}),
                                     graft::BatchNormalization(), graft::Dense(20, {.activation = "sigmoid"})});
  const graft::Sequential discriminator({graft::Dense(16, {.input_shape = graft::Shape{20}}), graft::LeakyReLU(),
                                         graft::Dense(1, {.activation = "sigmoid"})});
  const auto noise = points(32, 4, 3), real = points(32, 20, 4);
  const graft::Tensor<float> ones({32, 1}, 1.0f), zeros({32, 1}, 0.0f);
  {
    // README: begin
    graft::Sequential gan({generator, discriminator});
    discriminator.compile({.optimizer = "adam", .loss = "binary_crossentropy"});
    discriminator.set_trainable(false);
    gan.compile({.optimizer = "adam", .loss = "binary_crossentropy"});

    for (int step = 0; step < 10; ++step) {
      discriminator.set_trainable(true);  // as it was compiled
      discriminator.train_on_batch(generator.predict(noise), zeros);
      discriminator.train_on_batch(real, ones);
      discriminator.set_trainable(false);
      gan.train_on_batch(noise, ones);  // trains the generator; nothing in the discriminator moves
    }
    // README: end
  }
  {
    const auto model = graft::Sequential({graft::Dense(20, {.input_shape = graft::Shape{20}})});
    // README: begin
    graft::Adam optimizer({.learning_rate = 1e-3});
    auto loss = graft::value_and_gradients(model, "mse");  // what GradientTape is for
    for (int step = 0; step < 10; ++step) {
      auto result = loss(x_unlabeled, x_unlabeled);
      for (auto& [variable, gradient] : result.gradients) {
        if (variable->name() != "bias") continue;
        for (float& number : gradient.span()) number *= 0.5f;  // whatever you like
      }
      optimizer.apply(result.gradients);
    }
    // README: end
  }
  std::puts("done");
  return 0;
}
