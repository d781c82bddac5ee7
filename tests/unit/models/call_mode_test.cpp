#include "tests/support/catch.hpp"
#include "tests/support/nets.hpp"
#include "tests/support/temp_dir.hpp"

// base(x, {.training = …}): the mode of one use of a layer.
using namespace graft;
using test::kSilent;
using test::same;

namespace {

/// Dense, BatchNormalization, Dropout on 6 features as one model, called in the given mode, and a head.
Model<float> net(const CallOptions& options) {
  const auto inside = Input({6});
  const Model base(inside, Dropout(0.5)(BatchNormalization({.name = "bn"})(Dense(8, {.name = "d"})(inside))),
                   {.name = "base"});
  const auto x = Input({6});
  return {x, Dense(4, {.activation = "softmax", .name = "head"})(base(x, options))};
}

std::vector<Tensor<float>> bn_weights(const Model<float>& model) {
  return Model<float>(std::static_pointer_cast<ModelImpl<float>>(model.get_layer("base").shared()))
      .get_layer("bn")
      .get_weights();
}

/// Trains once and says which of gamma, beta, moving mean and moving variance moved.
std::vector<bool> moved(const Model<float>& model) {
  const auto task = test::octants(64, 6, 2);
  model.compile({.optimizer = SGD({.learning_rate = 0.1}), .loss = "sparse_categorical_crossentropy"});
  const auto before = bn_weights(model);
  model.fit(task.x, task.y, {.epochs = 2, .verbose = kSilent});
  const auto after = bn_weights(model);
  std::vector<bool> result;
  for (std::size_t i = 0; i < 4; ++i) result.push_back(!same(before[i], after[i]));
  return result;
}

}  // namespace

TEST_CASE("call mode: training = false keeps an unfrozen base at inference") {
  CHECK(moved(net({})) == std::vector<bool>{true, true, true, true});
  CHECK(moved(net({.training = false})) == std::vector<bool>{true, true, false, false});
  CHECK(moved(clone_model(net({.training = false}))) == std::vector<bool>{true, true, false, false});
  // The loss of a step is that of evaluate before it: nothing in the base knows of training.
  const auto task = test::octants(32, 6, 2);
  const auto model = net({.training = false});
  model.compile({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"});
  const double before = model.evaluate(task.x, task.y)[0];
  CHECK(model.train_on_batch(task.x, task.y)[0] == Approx(before).epsilon(1e-6));
}

TEST_CASE("call mode: the inner of two calls decides") {
  const auto inside = Input({6}), outer = Input({6});
  const BatchNormalization free({.name = "free"}), held({.name = "held"});
  const Model base(inside, free(held(inside, {.training = false}), {.training = true}), {.name = "base"});
  const Model model(outer, Dense(4, {.activation = "softmax"})(base(outer, {.training = false})));
  const auto task = test::octants(64, 6, 2);
  model.compile({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"});
  model.fit(task.x, task.y, {.verbose = kSilent});
  CHECK(same(held.get_weights()[2], Tensor<float>({6})));
  CHECK_FALSE(same(free.get_weights()[2], Tensor<float>({6})));
}

TEST_CASE("call mode: a frozen base that is called at inference is a deterministic prefix, Dropout and all") {
  const auto task = test::octants(64, 6, 2);
  const auto cached = [&](const CallOptions& options) {
    const auto inside = Input({6}), x = Input({6});
    const Model base(inside, BatchNormalization()(Dense(8)(Dropout(0.5)(inside))));
    const Model model(x, Dense(4, {.activation = "softmax"})(base(x, options)));
    base.set_trainable(false);
    model.compile({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"});
    return model.fit(task.x, task.y, {.verbose = kSilent, .cache_frozen_prefix = true}).cached_layers;
  };
  CHECK(cached({}) == 0);
  CHECK(cached({.training = false}) == 2);
}

TEST_CASE("call mode: training = true draws at inference, too") {
  const auto x = Input({100});
  const Model model(x, Dropout(0.5)(x, {.training = true}));
  Tensor<float> ones({4, 100});
  ones.fill(1);
  const auto first = model.predict(ones), second = model.predict(ones);
  const auto zeros = std::count(first.begin(), first.end(), 0.0F);
  CHECK(zeros > 120);
  CHECK(zeros < 280);
  CHECK(std::count(first.begin(), first.end(), 2.0F) == 400 - zeros);
  CHECK_FALSE(same(first, second));
  // Batch statistics, and the moving ones stay: predict changes nothing.
  const auto in = Input({2});
  const BatchNormalization bn;
  const Model normalized(in, bn(in, {.training = true}));
  const Tensor<float> rows({2, 2}, {1, 10, 3, 30});
  CHECK(normalized.predict(rows)[0] == Approx(-1).epsilon(1e-3));
  CHECK(normalized.predict(rows)[3] == Approx(1).epsilon(1e-3));
  CHECK(same(bn.get_weights()[2], Tensor<float>({2})));
}

TEST_CASE("call mode: files keep it") {
  const test::TempDir dir;
  std::vector<std::string> names{"m.h5"};
#ifdef GRAFT_HAS_LIBZIP
  names.push_back("m.keras");
#endif
  for (const std::string& name : names) {
    CAPTURE(name);
    const auto model = net({.training = false});
    model.save(dir / name);
    const auto loaded = load_model(dir / name);
    CHECK(loaded.config().at("layers").items()[1].at("inbound_nodes") ==
          model.config().at("layers").items()[1].at("inbound_nodes"));
    CHECK(moved(loaded) == std::vector<bool>{true, true, false, false});
  }
}
