#include "tests/support/catch.hpp"
#include "tests/support/nets.hpp"

using namespace graft;

// Two nets against each other, and the picture of what comes out.

TEST_CASE("R-44: a GAN moves its generator onto the data, and the discriminator's lower layers are reused") {
  set_random_seed(3);
  Rng rng(std::uint64_t{5});
  const auto normal = [&](Index rows, Index columns, double mean, double deviation) {
    Tensor<float> x({rows, columns});
    for (float& value : x.view().span()) value = static_cast<float>(mean + deviation * rng.normal());
    return x;
  };
  const auto mean_of = [](const Tensor<float>& x) {
    double sum = 0;
    for (const float value : x) sum += static_cast<double>(value) / static_cast<double>(x.size());
    return sum;
  };
  const Sequential generator(
      {Dense(8, {.activation = "relu", .input_shape = Shape{2}}), BatchNormalization({.momentum = 0.9}), Dense(2)});
  const Sequential discriminator({Dense(16, {.name = "lower", .input_shape = Shape{2}}),
                                  LeakyReLU({.name = "features"}), Dropout(0.1), Dense(1, {.activation = "sigmoid"})});
  const Sequential gan({generator, discriminator});
  discriminator.compile({.optimizer = Adam({.learning_rate = 0.01, .beta_1 = 0.5}), .loss = "binary_crossentropy"});
  discriminator.set_trainable(false);
  gan.compile({.optimizer = Adam({.learning_rate = 0.005, .beta_1 = 0.5}), .loss = "binary_crossentropy"});
  const Tensor<float> ones({64, 1}, 1.0f), zeros({64, 1}, 0.0f), codings = normal(400, 2, 0, 1);
  const double before = mean_of(generator.predict(codings));
  for (int step = 0; step < 400; ++step) {
    discriminator.set_trainable(true);
    discriminator.train_on_batch(generator.predict(normal(64, 2, 0, 1)), zeros);
    discriminator.train_on_batch(normal(64, 2, 3, 0.5), ones);
    discriminator.set_trainable(false);
    gan.train_on_batch(normal(64, 2, 0, 1), ones);
  }
  const double after = mean_of(generator.predict(codings));
  INFO("mean of what is drawn: " << before << ", then " << after << ", of the data: 3");
  CHECK(std::abs(before) < 1.5);
  CHECK(after == Approx(3).margin(0.8));

  const auto features = reuse_encoder(discriminator, "features");
  CHECK(features.layers().size() == 2);
  CHECK(test::same(features.get_weights(), discriminator.get_layer("lower").get_weights()));
  CHECK(features.get_weights()[0].size() == 32);
}

TEST_CASE("image_grid: pictures side by side, and what cannot be one") {
  Tensor<float> images({5, 2, 3});
  for (Index i = 0; i < images.size(); ++i) images[i] = static_cast<float>(i / 6 + 1);  // picture i is all i + 1
  const auto grid = image_grid(images, {.columns = 3, .gap = 1, .background = 9});
  CHECK(grid.shape() == Shape{5, 11, 1});
  const auto at = [&](Index y, Index x) { return grid[y * 11 + x]; };
  CHECK(at(0, 0) == 1);
  CHECK(at(1, 2) == 1);
  CHECK(at(0, 3) == 9);  // the gap
  CHECK(at(1, 4) == 2);
  CHECK(at(0, 10) == 3);
  CHECK(at(2, 5) == 9);
  CHECK(at(3, 0) == 4);
  CHECK(at(4, 6) == 5);
  CHECK(at(4, 10) == 9);  // no sixth picture
  CHECK(image_grid(images).shape() == Shape{2 * 2 + 2, 3 * 3 + 2 * 2, 1});
  const Tensor<float> colour({2, 4, 4, 3}, 0.5f);
  CHECK(image_grid(colour, {.columns = 7, .gap = 0}).shape() == Shape{4, 8, 3});
  CHECK_THROWS_AS(image_grid(Tensor<float>({2, 2})), ShapeError);
  CHECK_THROWS_AS(image_grid(images, {.gap = -1}), ConfigError);
  CHECK_THROWS_AS(image_grid(images, {.columns = -1}), ConfigError);
}
