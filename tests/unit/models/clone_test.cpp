#include "tests/support/catch.hpp"
#include "tests/support/nets.hpp"

using namespace graft;
using test::contains;
using test::message;
using test::same;

TEST_CASE("R-5 training a clone leaves the original alone") {
  const auto task = test::octants(64, 6, 2);
  const auto a = test::classifier(6, 4);
  const auto before = a.get_weights();
  const auto clone = clone_model(a);
  clone.set_weights(before);
  clone.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy"});
  clone.fit(task.x, task.y, {.epochs = 5, .verbose = Verbose::silent});
  CHECK(same(before, a.get_weights()));
  CHECK_FALSE(same(before, clone.get_weights()));
}

TEST_CASE("R-6 clone_model makes new kernels and zero biases; names and trainable flags are kept") {
  const auto a = test::classifier(6, 4);
  a.layers()[0].set_trainable(false);
  a.compile({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"});
  const auto task = test::octants(64, 6, 2);
  a.fit(task.x, task.y, {.verbose = Verbose::silent});
  const auto clone = clone_model(a);
  REQUIRE(clone.layers().size() == 3);
  CHECK(clone.name() == a.name());
  const auto old_weights = a.get_weights(), weights = clone.get_weights();
  REQUIRE(weights.size() == 6);
  for (std::size_t i = 0; i < weights.size(); i += 2) {
    CHECK(clone.layers()[static_cast<Index>(i / 2)].name() == a.layers()[static_cast<Index>(i / 2)].name());
    CHECK_FALSE(same(weights[i], old_weights[i]));
    CHECK(weights[i + 1].vector().cwiseAbs().maxCoeff() == 0);
  }
  CHECK_FALSE(clone.layers()[0].trainable());
  CHECK(clone.layers()[1].trainable());
  CHECK_FALSE(clone.compiled());
}

TEST_CASE("R-7 set_weights(get_weights()): equal models; wrong count and wrong shape are said; flags do not matter") {
  const auto a = test::classifier(6, 4);
  const auto b = clone_model(a);
  const auto weights = a.get_weights();
  b.set_weights(weights);
  const auto task = test::octants(20, 6, 2);
  CHECK(same(a.predict(task.x), b.predict(task.x)));

  auto fewer = weights;
  fewer.pop_back();
  const auto count = message<ShapeError>([&] { b.set_weights(fewer); });
  CHECK(contains(count, "weight list of length 5"));
  CHECK(contains(count, "expecting 6"));
  auto wrong = weights;
  wrong[2] = Tensor<float>({16, 9});
  const auto shape = message<ShapeError>([&] { b.set_weights(wrong); });
  CHECK(contains(shape, "(16, 8)"));
  CHECK(contains(shape, "(16, 9)"));
  CHECK(same(weights, b.get_weights()));

  b.layers()[0].set_trainable(false);
  b.layers()[2].set_trainable(false);
  CHECK(same(weights, b.get_weights()));
  const auto c = clone_model(a);
  c.set_weights(b.get_weights());
  CHECK(same(weights, c.get_weights()));
}

TEST_CASE("Clones of nested, shared and functional models") {
  const Sequential inner({Dense(4, {.activation = "relu", .name = "a", .input_shape = Shape{3}}), BatchNormalization({.name = "bn"})},
                         {.name = "inner"});
  inner.layers()[1].set_trainable(false);
  const Sequential nested({inner, Dense(2, {.name = "head"})});
  const auto copy = clone_model(nested);
  CHECK(copy.count_params() == nested.count_params());
  CHECK_FALSE(copy.layers()[0].impl().sublayers()[1].trainable());
  CHECK(copy.layers()[0].name() == "inner");
  copy.set_weights(nested.get_weights());
  const Tensor<float> x({5, 3}, 0.5f);
  CHECK(same(copy.predict(x), nested.predict(x)));

  // One Dense called twice has one set of variables.
  const auto left = Input({3}), right = Input({3});
  const Dense<float> shared(4, {.activation = "tanh", .name = "shared"});
  const Dense<float> head(1, {.name = "one"});
  const Model<float> siamese({left, right}, {head(shared(left)), shared(right)});
  CHECK(siamese.count_params() == 3 * 4 + 4 + 4 + 1);
  const auto twin = clone_model(siamese);
  CHECK(twin.count_params() == siamese.count_params());
  twin.set_weights(siamese.get_weights());
  const Tensor<float> other({5, 3}, -0.25f);
  const auto expected = siamese.predict_all({x, other}), got = twin.predict_all({x, other});
  CHECK(same(expected, got));
}
