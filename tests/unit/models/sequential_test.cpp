#include "tests/support/catch.hpp"
#include "tests/support/nets.hpp"

using namespace graft;
using test::contains;
using test::message;
using test::same;

namespace {

// The trunk and head of the Fashion-MNIST A/B experiment.
Sequential<float> model_a() {
  Sequential<float> model;
  model.add(Flatten({.input_shape = Shape{28, 28}}));
  for (const Index units : {300, 100, 50, 50, 50}) model.add(Dense(units, {.activation = "selu"}));
  model.add(Dense(8, {.activation = "softmax"}));
  return model;
}

}  // namespace

TEST_CASE("R-2 a Sequential of all layers but the last: no InputLayer among them, Python's negative slices") {
  const auto a = model_a();
  CHECK(a.layers().size() == 7);
  for (const auto& layer : a.layers()) CHECK(layer.class_name() != "InputLayer");
  const Sequential b(a.layers().slice(0, -1));
  CHECK(b.layers().size() == 6);
  CHECK(b.output_shape().str() == "(None, 50)");
  CHECK(b.layers()[-1] == a.layers()[-2]);
  CHECK(a.layers().slice(-2).size() == 2);
  CHECK(a.layers().slice(0, -99).empty());
  CHECK(a.layers().slice(3, 2).empty());
  CHECK(a.layers().slice(1, 99).size() == 6);
  CHECK_THROWS_AS(a.layers()[7], ConfigError);
  CHECK_THROWS_AS(a.layers()[-8], ConfigError);
}

TEST_CASE("R-3 a new head replaces the old one: 276,158 parameters become 275,801") {
  const auto a = model_a();
  CHECK(a.count_params() == 276158);
  CHECK(a.layers().back().count_params() == 408);
  const Sequential b(a.layers().slice(0, -1));
  b.add(Dense(1, {.activation = "sigmoid"}));
  CHECK(b.layers().back().count_params() == 51);
  CHECK(b.count_params() == 275801);
}

TEST_CASE("R-4 models that share layers train the same weights") {
  const auto task = test::octants(64, 6, 1);
  const auto a = test::classifier(6, 4);
  const Sequential b(a.layers().slice(0, -1));
  b.add(Dense(1, {.activation = "sigmoid"}));
  const auto before = a.get_weights();
  b.compile({.optimizer = "sgd", .loss = "binary_crossentropy"});
  b.train_on_batch(task.x, task.y);
  const auto after = a.get_weights();
  CHECK_FALSE(same(before[0], after[0]));
  CHECK(same(before[4], after[4]));  // the head of A is not in B
}

TEST_CASE("R-14 R-15 R-16 trainable: a flag per layer, recursive on containers; freezing empties trainable_weights") {
  const Sequential inner({Dense(4, {.input_shape = Shape{3}}), BatchNormalization(), Dense(2)});
  const Sequential outer({inner, Dense(1)});
  CHECK(outer.trainable_weights().size() == 8);
  CHECK(outer.non_trainable_weights().size() == 2);
  outer.layers()[0].set_trainable(false);
  for (const auto& layer : inner.layers()) CHECK_FALSE(layer.trainable());
  CHECK(outer.trainable_weights().size() == 2);
  CHECK(inner.trainable_weights().empty());
  CHECK(outer.weights().size() == 10);
  freeze(outer);
  CHECK(outer.trainable_weights().empty());
  CHECK_FALSE(inner.layers()[0].trainable());
  unfreeze(outer, {.keep_bn_frozen = false});
  CHECK(outer.trainable_weights().size() == 8);
  for (const auto& layer : inner.layers()) CHECK(layer.trainable());
  // A container's flag rules over what is inside.
  inner.impl().set_own_trainable(false);
  CHECK(outer.trainable_weights().size() == 2);
}

TEST_CASE("A layer frozen before it is built has weights") {
  const Dense<float> layer(5);
  layer.set_trainable(false);
  Sequential<float> model;
  model.add(layer);
  model.build({-1, 7});
  const auto weights = model.get_weights();
  REQUIRE(weights.size() == 2);
  CHECK(weights[0].vector().cwiseAbs().minCoeff() > 0);
  CHECK(weights[0].vector().cwiseAbs().maxCoeff() < std::sqrt(6.f / 12));
}

TEST_CASE("add, pop and get_layer") {
  const auto model = test::classifier(6, 4);
  CHECK(model.get_layer("h2").name() == "h2");
  CHECK(model.get_layer(-1).name() == "out");
  CHECK(contains(message<ConfigError>([&] { model.get_layer("h3"); }), "Did you mean"));
  CHECK_THROWS_AS(model.add(Dense(3, {.name = "h1"})), ConfigError);
  CHECK(model.pop().name() == "out");
  CHECK(model.output_shape() == Shape{-1, 8});
  const auto error = message<ShapeError>([&] { model.add(Reshape(Shape{3, 3})); });
  CHECK(!error.empty());
  CHECK(model.layers().size() == 2);  // as before
  CHECK(model.output_shape() == Shape{-1, 8});
  model.add(Dense(2));
  CHECK(model.output_shape() == Shape{-1, 2});
  const Sequential<float> empty;
  CHECK_THROWS_AS(empty.pop(), StateError);
  CHECK_THROWS_AS(empty.output_shape(), StateError);
}

TEST_CASE("A Sequential without an input shape is built by build or by the first data, and keeps its weights then") {
  Sequential<float> model;
  model.add(Dense(3));
  model.add(Dense(2));
  CHECK_FALSE(model.built());
  CHECK(contains(message<StateError>([&] { model.count_params(); }), "not built"));
  model.build({-1, 4});
  const auto weights = model.get_weights();
  CHECK(model.count_params() == 3 * 4 + 3 + 2 * 3 + 2);
  model.build({-1, 4});
  (void)model.predict(Tensor<float>({5, 4}, 1.f));
  CHECK(same(weights, model.get_weights()));
  model.add(Dense(1));
  const auto longer = model.get_weights();
  for (std::size_t i = 0; i < weights.size(); ++i) CHECK(same(weights[i], longer[i]));

  Sequential<float> lazy;
  lazy.add(Flatten());
  lazy.add(Dense(2));
  CHECK(lazy.predict(Tensor<float>({3, 2, 2}, 1.f)).shape() == Shape{3, 2});
}

TEST_CASE("predict: batches, threads of the user and bad input") {
  const auto model = test::classifier(6, 4);
  const auto task = test::octants(101, 6, 2);
  const auto whole = model.predict(task.x, {.batch_size = 101});
  CHECK(same(whole, model.predict(task.x, {.batch_size = 7})));  // bit-equal: a row does not depend on its batch
  CHECK(same(whole, model.predict(task.x)));
  // Also where the kernels cut the sums into blocks and choose other tiles for other batches.
  const auto large = model_a();
  const auto pictures = test::octants(150, 784, 1).x.reshaped({150, 28, 28});
  const auto at_once = large.predict(pictures, {.batch_size = 150});
  for (const Index batch_size : {1, 2, 13, 32, 129}) {
    CHECK(same(at_once, large.predict(pictures, {.batch_size = batch_size})));
  }
  const eigen::RowMajorMatrix<float> matrix = task.x.matrix();
  const Eigen::MatrixXf columns = matrix;
  CHECK(same(whole, model.predict(matrix)));
  CHECK(same(whole, model.predict(columns)));
  const auto wrong = message<ShapeError>([&] { model.predict(Tensor<float>({4, 5})); });
  CHECK(contains(wrong, "(None, 6)"));
  CHECK(contains(wrong, "(4, 5)"));
  CHECK(contains(message<ShapeError>([&] { model.predict(Tensor<float>({6})); }), "first axis"));
  CHECK(contains(message<ShapeError>([&] { model.predict(Tensor<float>({0, 6})); }), "at least one sample"));
  CHECK_THROWS_AS(model.predict({task.x, task.x}), ShapeError);
  CHECK_THROWS_AS(model.predict(task.x, {.batch_size = 0}), ConfigError);
}

TEST_CASE("R-68 summary: Keras 2's rows and totals, the same after fit") {
  const Sequential model({Flatten({.name = "flatten", .input_shape = Shape{28, 28}}),
                          BatchNormalization({.name = "batch_normalization"}),
                          Dense(300, {.activation = "elu", .kernel_initializer = "he_normal", .name = "dense"}),
                          BatchNormalization({.name = "batch_normalization_1"}),
                          Dense(100, {.activation = "elu", .kernel_initializer = "he_normal", .name = "dense_1"}),
                          BatchNormalization({.name = "batch_normalization_2"}),
                          Dense(10, {.activation = "softmax", .name = "dense_2"})},
                         {.name = "sequential"});
  const std::string expected =
      "Model: \"sequential\"\n"
      "_________________________________________________________________\n"
      " Layer (type)                Output Shape              Param #   \n"
      "=================================================================\n"
      " flatten (Flatten)           (None, 784)               0         \n"
      "                                                                 \n"
      " batch_normalization (BatchN  (None, 784)              3136      \n"
      " ormalization)                                                   \n"
      "                                                                 \n"
      " dense (Dense)               (None, 300)               235500    \n"
      "                                                                 \n"
      " batch_normalization_1 (Batc  (None, 300)              1200      \n"
      " hNormalization)                                                 \n"
      "                                                                 \n"
      " dense_1 (Dense)             (None, 100)               30100     \n"
      "                                                                 \n"
      " batch_normalization_2 (Batc  (None, 100)              400       \n"
      " hNormalization)                                                 \n"
      "                                                                 \n"
      " dense_2 (Dense)             (None, 10)                1010      \n"
      "=================================================================\n"
      "Total params: 271,346\n"
      "Trainable params: 268,978\n"
      "Non-trainable params: 2,368\n"
      "_________________________________________________________________\n";
  CHECK(model.summary_text() == expected);
  model.compile({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"});
  model.fit(Tensor<float>({8, 28, 28}, 0.5f), std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}, {.verbose = Verbose::silent});
  CHECK(model.summary_text() == expected);
}

TEST_CASE("R-70 BatchNormalization before the activation: 270,946 parameters; R-69 as the first layer it standardises") {
  Sequential<float> model({Flatten({.input_shape = Shape{28, 28}}), BatchNormalization()});
  for (const Index units : {300, 100}) {
    model.add(Dense(units, {.use_bias = false, .kernel_initializer = "he_normal"}));
    model.add(BatchNormalization());
    model.add(Activation("elu"));
  }
  model.add(Dense(10, {.activation = "softmax"}));
  CHECK(model.count_params() == 270946);

  // Inputs of any range: after enough steps the moving statistics are those of the data.
  const Sequential norm({BatchNormalization({.momentum = 0.5, .input_shape = Shape{2}}), Dense(1)});
  Tensor<float> x({64, 2});
  Rng rng(3);
  for (Index i = 0; i < 64; ++i) {
    x[2 * i] = static_cast<float>(100 + 20 * rng.normal());
    x[2 * i + 1] = static_cast<float>(-3 + 0.01 * rng.normal());
  }
  norm.compile({.optimizer = SGD({.learning_rate = 1e-6}), .loss = "mse"});
  norm.fit(x, Tensor<float>({64}), {.batch_size = 64, .epochs = 40, .verbose = Verbose::silent});
  const Sequential first(norm.layers().slice(0, 1));
  const auto y = first.predict(x);
  for (int column = 0; column < 2; ++column) {
    const auto values = y.matrix().col(column).array();
    const float mean = values.mean();
    CHECK(std::abs(mean) < 0.02f);
    const float variance = (values - mean).square().mean();
    // epsilon = 1e-3 weighs on the column of variance 1e-4.
    CHECK(variance == Approx(column == 0 ? 1 : 1e-4 / (1e-4 + 1e-3)).epsilon(0.35));
  }
}
