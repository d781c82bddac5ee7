#include "tests/support/catch.hpp"
#include "tests/support/nets.hpp"

using namespace graft;
using test::contains;
using test::kSilent;
using test::message;
using test::same;

namespace {

Sequential<float> trained_source(Index features) {
  const auto task = test::octants(400, features, 2);
  const auto model = test::classifier(features, 4);
  model.compile({.optimizer = Adam({.learning_rate = 0.01}), .loss = "sparse_categorical_crossentropy"});
  model.fit(task.x, task.y, {.epochs = 20, .verbose = kSilent});
  return model;
}

// A base with BatchNormalization, under a head.
Sequential<float> with_batch_norm() {
  return Sequential({Dense(12, {.activation = "elu", .input_shape = Shape{6}}), BatchNormalization({.name = "bn"}),
                     Dense(8, {.activation = "elu"}), Dense(1, {.activation = "sigmoid", .name = "head"})});
}

}  // namespace

TEST_CASE("R-8 R-9 reuse_layers clones by default, replaces the head and says so") {
  set_random_seed(2);
  const auto a = trained_source(6);
  const auto weights = a.get_weights();
  const auto reused = reuse_layers<float>(a, {Dense(1, {.activation = "sigmoid", .name = "out"})});
  CHECK(contains(reused.report, "cloned"));
  CHECK(contains(reused.report, "reused 2 of 3 layers"));
  CHECK(reused.model.output_shape() == Shape{-1, 1});
  CHECK(same(reused.model.get_weights()[2], weights[2]));
  const auto task = test::octants(64, 6, 1, 9);
  reused.model.compile({.optimizer = "sgd", .loss = "binary_crossentropy"});
  reused.model.fit(task.x, task.y, {.epochs = 3, .verbose = kSilent});
  CHECK(same(weights, a.get_weights()));

  const auto shared = reuse_layers<float>(a, {Dense(1)}, {.drop_top = 2, .clone = false});
  CHECK(contains(shared.report, "shared"));
  CHECK(shared.model.layers()[0] == a.layers()[0]);
  CHECK(reuse_layers<float>(a, {}, {.drop_top = 0}).model.layers().size() == 3);
  CHECK_THROWS_AS(reuse_layers<float>(a, {}, {.drop_top = 3}), ConfigError);
}

TEST_CASE(
    "R-17 fine_tune equals the loop by hand, number by number; two histories; R-26 the second rate is a hundredth") {
  const auto task = test::octants(70, 6, 1, 9), unseen = test::octants(30, 6, 1, 10);
  set_random_seed(3);
  const auto source = trained_source(6);
  const auto weights = source.get_weights();
  const auto make = [&] {
    set_random_seed(4);
    const auto model = reuse_layers<float>(source, {Dense(1, {.activation = "sigmoid"})}).model;
    model.compile({.optimizer = SGD({.learning_rate = 0.05, .momentum = 0.5}),
                   .loss = "binary_crossentropy",
                   .metrics = {"accuracy"}});
    return model;
  };

  const auto helped = make();
  const auto report = fine_tune(
      helped, {task.x, task.y},
      {.head = {.epochs = 4}, .tuning = {.epochs = 16}, .validation_data = {{unseen.x, unseen.y}}, .verbose = kSilent});
  const auto by_hand = make();
  History head, tuning;
  const auto phase = [&](bool trainable, double rate, Index epochs) {
    for (auto layer : by_hand.layers().slice(0, -1)) layer.set_trainable(trainable);
    by_hand.compile({.optimizer = SGD({.learning_rate = rate, .momentum = 0.5}),
                     .loss = "binary_crossentropy",
                     .metrics = {"accuracy"}});
    return by_hand.fit(task.x, task.y,
                       {.epochs = epochs, .verbose = kSilent, .validation_data = {{unseen.x, unseen.y}}});
  };
  head = phase(false, 0.05, 4);
  tuning = phase(true, 0.0005, 16);
  CHECK(same(helped.get_weights(), by_hand.get_weights()));
  CHECK(report.head["loss"] == head["loss"]);
  CHECK(report.head["val_accuracy"] == head["val_accuracy"]);
  CHECK(report.tuning["val_loss"] == tuning["val_loss"]);
  CHECK(report.head.epoch.size() == 4);
  CHECK(report.tuning.epoch.size() == 16);
  CHECK(helped.optimizer().learning_rate() == Approx(0.0005));
  CHECK(report.head.cached_layers == 2);
  CHECK(report.head.cached_bytes == (70 + 30) * 8 * 4);
  CHECK(report.tuning.cached_layers == 0);
  CHECK(contains(report.text, "2 frozen layers ran once"));
  CHECK(same(weights, source.get_weights()));
  CHECK_THROWS_AS(fine_tune(helped, {task.x, task.y}, {.head_layers = 3}), ConfigError);
}

TEST_CASE("R-24 phase 1 protects the reused weights from the large gradients of a random head") {
  const auto task = test::octants(100, 6, 1, 9);
  set_random_seed(5);
  const auto source = trained_source(6);
  double with = 0, without = 0;
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    for (const Index head_epochs : {0, 30}) {
      set_random_seed(100 + seed);
      const auto model = reuse_layers<float>(source, {Dense(1, {.activation = "sigmoid"})}).model;
      const auto before = model.get_weights();
      model.compile({.optimizer = SGD({.learning_rate = 0.1}), .loss = "binary_crossentropy"});
      fine_tune(model, {task.x, task.y},
                {.head = {.epochs = head_epochs}, .tuning = {.epochs = 5, .learning_rate = 0.1}, .verbose = kSilent});
      const auto after = model.get_weights();
      double moved = 0;
      for (std::size_t i = 0; i < 4; ++i) moved += (after[i].vector() - before[i].vector()).squaredNorm();
      (head_epochs ? with : without) += std::sqrt(moved);
    }
  }
  CHECK(with < without);
}

TEST_CASE("R-25 unfreeze_top(n) unfreezes exactly the top n layers with weights") {
  const Sequential base({Dense(4, {.name = "a", .input_shape = Shape{3}}), BatchNormalization({.name = "bn"}),
                         Dense(4, {.name = "b"}), ReLU()},
                        {.name = "base"});
  const Sequential model({base, Dense(4, {.name = "c"}), Dense(1, {.name = "d"})});
  const auto trainable = [&] {
    std::string names;
    for (const auto& variable : model.trainable_weights()) names += variable->name()[0];
    return names;
  };
  unfreeze_top(model, 2);
  CHECK(trainable() == "kbkb");
  CHECK_FALSE(base.layers()[2].trainable());
  unfreeze_top(model, 3);
  CHECK(base.layers()[2].trainable());
  CHECK_FALSE(base.layers()[1].trainable());
  CHECK_FALSE(base.layers()[0].trainable());
  CHECK(trainable() == "kbkbkb");
  unfreeze_top(model, 4);
  CHECK(base.layers()[0].trainable());
  CHECK_FALSE(base.layers()[1].trainable());  // BatchNormalization stays frozen
  unfreeze_top(model, 4, {.keep_bn_frozen = false});
  CHECK(base.layers()[1].trainable());
  CHECK_FALSE(base.layers()[0].trainable());
  unfreeze_top(model, 0);
  CHECK(trainable().empty());
  CHECK_THROWS_AS(unfreeze_top(model, -1), ConfigError);
}

TEST_CASE("R-30 R-72 the five steps: BatchNormalization stays frozen, its statistics bit-identical") {
  const auto task = test::octants(64, 6, 1, 9);
  const auto model = with_batch_norm();
  model.compile({.optimizer = "sgd", .loss = "binary_crossentropy"});
  model.fit(task.x, task.y, {.epochs = 2, .verbose = kSilent});  // statistics of their own
  const auto before = model.get_weights();                       // kernel, bias, gamma, beta, mean, variance, …
  fine_tune(model, {task.x, task.y},
            {.head = {.epochs = 2}, .tuning = {.epochs = 3, .learning_rate = 0.01}, .verbose = kSilent});
  CHECK(model.layers()[0].trainable());
  CHECK_FALSE(model.layers()[1].trainable());
  CHECK(model.layers()[2].trainable());
  const auto after = model.get_weights();
  CHECK_FALSE(same(before[0], after[0]));
  for (std::size_t i = 2; i < 6; ++i) CHECK(same(before[i], after[i]));
  CHECK_FALSE(same(before[6], after[6]));

  fine_tune(model, {task.x, task.y},
            {.head = {.epochs = 1}, .tuning = {.epochs = 1}, .keep_bn_frozen = false, .verbose = kSilent});
  CHECK_FALSE(same(before[4], model.get_weights()[4]));
}

TEST_CASE("R-37 cached features: bit-equal to the uncached run; the frozen layers run once") {
  const auto task = test::octants(75, 6, 1, 9), unseen = test::octants(21, 6, 1, 10);
  const auto run = [&](bool cache, Index budget = Index{1} << 30) {
    set_random_seed(6);
    const auto model = with_batch_norm();
    freeze(model.layers().slice(0, -1));
    model.compile({.optimizer = "adam", .loss = "binary_crossentropy", .metrics = {"accuracy"}});
    auto history = model.fit(task.x, task.y,
                             {.batch_size = 16,
                              .epochs = 5,
                              .verbose = kSilent,
                              .validation_data = {{unseen.x, unseen.y}},
                              .validation_batch_size = 10,
                              .cache_frozen_prefix = cache,
                              .cache_budget = budget});
    return std::pair(model.get_weights(), history);
  };
  const auto plain = run(false), cached = run(true);
  CHECK(same(plain.first, cached.first));
  CHECK(plain.second["val_loss"] == cached.second["val_loss"]);
  CHECK(plain.second["accuracy"] == cached.second["accuracy"]);
  CHECK(cached.second.cached_layers == 3);
  CHECK(cached.second.cached_bytes == 96 * 8 * 4);
  const auto over_budget = run(true, 96 * 8 * 4 - 1);
  CHECK(over_budget.second.cached_layers == 3);
  CHECK(contains(over_budget.second.cache_text, "temporary file"));
  CHECK(same(plain.first, over_budget.first));
}

TEST_CASE("R-36 caching stops at an active random layer, and says so") {
  const auto task = test::octants(40, 6, 1, 9);
  const Sequential model({Dropout(0.5, {.name = "drop", .input_shape = Shape{6}}), Dense(8), Dense(1)});
  freeze(model.layers().slice(0, -1));
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const auto history = model.fit(task.x, task.y, {.epochs = 2, .verbose = kSilent, .cache_frozen_prefix = true});
  CHECK(history.cached_layers == 0);
  CHECK(contains(history.uncached_reason, "\"drop\""));
  CHECK(contains(history.uncached_reason, "random"));
}
