#include "tests/support/catch.hpp"
#include "tests/support/nets.hpp"

using namespace graft;
using test::same;

namespace {

const Shape kImage{6, 6, 2};

Sequential<float> moved(double factor) {
  return Sequential({RandomRotation(factor, {.input_shape = kImage}), RandomZoom(factor, {.fill_mode = "nearest"}),
                     RandomTranslation(factor, factor, {.fill_mode = "constant", .seed = 1})});
}

/// A classifier of images behind `front` with the weights that seed 5 gives, trained.
Sequential<float> trained(const std::vector<Layer<float>>& front, int threads = 1) {
  std::vector<Layer<float>> layers = front;
  for (const Layer<float>& layer :
       std::vector<Layer<float>>{Conv2D(4, 3, {.activation = "relu", .input_shape = kImage}), Flatten(),
                                 Dense(2, {.activation = "softmax"})}) {
    layers.push_back(layer);
  }
  const Sequential<float> model(layers);
  Rng rng(5);
  for (const auto& weight : model.weights()) {
    for (float& value : weight->mutable_value().view().span()) value = static_cast<float>(rng.uniform(-0.3, 0.3));
  }
  Tensor<float> x(kImage.with_batch(100)), y(Shape{100});
  for (float& value : x.view().span()) value = static_cast<float>(rng.uniform());
  for (float& value : y.view().span()) value = static_cast<float>(rng.below(2));
  set_random_seed(7);
  set_num_threads(threads);
  model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy"});
  model.fit(x, y, {.epochs = 2, .verbose = Verbose::silent, .shuffle = false});
  set_num_threads(1);
  return model;
}

}  // namespace

TEST_CASE("Augmentation layers in a model: training moves the images, prediction does not") {
  const auto plain = trained({}), model = trained({moved(0.3)});
  CHECK_FALSE(same(model.get_weights(), plain.get_weights()));
  CHECK(same(model.get_weights(), trained({moved(0.3)}, 2).get_weights()));
  CHECK(same(trained({moved(0)}).get_weights(), plain.get_weights()));
  CHECK_FALSE(same(trained({RandomFlip("horizontal", {.input_shape = kImage})}).get_weights(), plain.get_weights()));

  Tensor<float> x(kImage.with_batch(3));
  Rng rng(9);
  for (float& value : x.view().span()) value = static_cast<float>(rng.uniform());
  plain.set_weights(model.get_weights());
  const auto a = model.predict(x), b = plain.predict(x);
  CHECK(std::equal(a.begin(), a.end(), b.begin(), b.end()));
}

TEST_CASE("Augmentation layers behind a layer that learns: the loss's gradient goes through them") {
  const auto net = [&](const std::vector<Layer<float>>& middle) {
    std::vector<Layer<float>> layers{Conv2D(2, 1, {.name = "first", .input_shape = kImage})};
    layers.insert(layers.end(), middle.begin(), middle.end());
    const auto model = trained(layers);
    return model.get_layer("first").get_weights();
  };
  const auto plain = net({});
  CHECK(same(net({RandomTranslation(0, 0)}), plain));
  // Whole pixels around and back again.
  const RandomTranslation<float> there({0.5, 0.5}, 0, {.fill_mode = "wrap"}),
      back({-0.5, -0.5}, 0, {.fill_mode = "wrap"});
  CHECK(same(net({there, back}), plain));
  CHECK_FALSE(same(net({there}), plain));
}
