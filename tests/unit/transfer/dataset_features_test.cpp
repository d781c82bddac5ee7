#include "tests/support/catch.hpp"
#include "tests/support/counting_layer.hpp"
#include "tests/support/nets.hpp"
#include "tests/support/temp_dir.hpp"

// Features of datasets: extract_features, and fit and fine_tune that keep them.

using namespace graft;
using test::contains;
using test::Counting;
using test::kSilent;
using test::message;
using test::same;
using test::TempDir;

namespace {

constexpr FeatureCacheOptions kUntold = {.verbose = kSilent};

struct SmallBase {
  Counting<float> counter{{.name = "count", .input_shape = Shape{6}}};
  Model<float> model;

  SmallBase() {
    set_random_seed(3);
    model = Sequential({counter, Dense(5, {.activation = "tanh"})});
  }
  Index samples() const { return counter.totals().forward_rows; }
};

}  // namespace

TEST_CASE("extract_features of a dataset keeps features, targets and weights in its order, and finds them again") {
  const TempDir dir;
  const auto task = test::octants(50, 6, 1);
  const auto weights = test::octants(50, 1, 1).y;
  const SmallBase base;
  const auto plain = Dataset<>::from_tensors(task.x, task.y, weights).batch(16);
  const auto cache = extract_features(base.model, plain, dir / "f.h5", kUntold);
  CHECK(base.samples() == 50);
  CHECK(cache.samples() == 50);
  CHECK(cache.outputs() == 1);
  CHECK(same(cache.array(), base.model.predict(task.x, {.batch_size = 16})));
  CHECK(same(cache.labels()[0].view(), task.y));
  CHECK(same(cache.data().sample_weight.view(), weights));
  base.counter.reset();
  CHECK(extract_features(base.model, plain, dir / "f.h5", kUntold).report().computed == 0);
  // In another order, prefetched by threads, and in batches of another size they are the same data.
  const auto shuffled =
      Dataset<>::from_tensors(task.x, task.y, weights).shuffle(50, {.seed = 5}).batch(9).prefetch(2, 2);
  CHECK(extract_features(base.model, shuffled, dir / "f.h5", kUntold).report().computed == 0);
  CHECK(base.samples() == 0);
  // A shuffled one by itself: features and targets belong together.
  const auto mixed = extract_features(base.model, shuffled, dir / "g.h5", kUntold);
  const auto all = base.model.predict(task.x);
  Index found = 0;
  for (Index i = 0; i < 50; ++i) {
    for (Index k = 0; k < 50; ++k) {
      const bool same_row = std::abs(mixed.array()[i * 5] - all[k * 5]) < 1e-6f &&
                            std::abs(mixed.array()[i * 5 + 3] - all[k * 5 + 3]) < 1e-6f;
      if (same_row && mixed.labels()[0].view()[i] == task.y[k]) ++found;
    }
  }
  CHECK(found == 50);
  CHECK_FALSE(same(mixed.labels()[0].view(), task.y));
  // Other data, targets among them.
  FeatureCacheOptions strict = kUntold;
  strict.on_stale = StaleCache::error;
  Tensor<float> y = task.y;
  y[7] = 1 - y[7];
  const auto other = Dataset<>::from_tensors(task.x, y, weights).batch(16);
  CHECK(contains(message<StateError>([&] { (void)extract_features(base.model, other, dir / "f.h5", strict); }),
                 "other data"));
  // With a fingerprint of one's own no pass is made to find out.
  FeatureCacheOptions named = kUntold;
  named.fingerprint = "version 1";
  CHECK(extract_features(base.model, other, dir / "h.h5", named).report().computed == 50);
  CHECK(extract_features(base.model, plain, dir / "h.h5", named).report().computed == 0);
  named.fingerprint = "version 2";
  CHECK(extract_features(base.model, plain, dir / "h.h5", named).report().computed == 50);
}

TEST_CASE("a dataset that augments has no features to keep: refused, with the reason") {
  const TempDir dir;
  const auto task = test::octants(40, 6, 1);
  const SmallBase base;
  const auto data = Dataset<>::from_tensors(task.x, task.y);
  const auto noisy =
      data.map([](Batch<>& sample, RandomKey key) { sample.x[0][0] += static_cast<float>(key.uniform(0)); });
  for (const auto& dataset : {noisy.batch(8), noisy.shuffle(40).batch(8), data.map(GaussianNoise(0.1)).batch(8)}) {
    const std::string text =
        message<ConfigError>([&] { (void)extract_features(base.model, dataset, dir / "f.h5", kUntold); });
    CHECK(contains(text, "other samples in every pass"));
    CHECK(base.samples() == 0);
  }
  CHECK(extract_features(base.model, data.map([](Batch<>& sample) { sample.x[0][0] *= 2; }).batch(8), dir / "f.h5",
                         kUntold)
            .samples() == 40);
  CHECK_THROWS_AS(extract_features(base.model, data, dir / "f.h5", kUntold), StateError);
  CHECK_THROWS_AS(extract_features(base.model, data.batch(8).repeat(), dir / "f.h5", kUntold), ConfigError);
  CHECK_THROWS_AS(
      extract_features(base.model, Dataset<>::from_tensors(test::octants(9, 4, 1).x).batch(8), dir / "f.h5", kUntold),
      ShapeError);
}

TEST_CASE("fit over a dataset runs its frozen part once: the numbers are those of fit over arrays") {
  const TempDir dir;
  const auto task = test::octants(70, 6, 1, 9), unseen = test::octants(30, 6, 1, 10);
  const Counting<float> counter({.name = "count"});
  const auto make = [&] {
    const Sequential model({Dense(12, {.activation = "elu", .input_shape = Shape{6}}), counter, Dense(8),
                            Dense(1, {.activation = "sigmoid"})});
    freeze(model.layers().slice(0, -1));
    model.compile({.optimizer = "adam", .loss = "binary_crossentropy", .metrics = {"accuracy"}});
    return model;
  };
  (void)make();
  const auto data = Dataset<>::from_tensors(task.x, task.y).batch(16),
             valid = Dataset<>::from_tensors(unseen.x, unseen.y).batch(16);
  const auto run = [&](auto&& fit) {
    set_random_seed(6);
    const auto model = make();
    counter.reset();
    const History history = fit(model);
    return std::pair(model.get_weights(), history);
  };
  const auto arrays = run([&](const auto& model) {
    return model.fit(task.x, task.y,
                     {.batch_size = 16,
                      .epochs = 4,
                      .verbose = kSilent,
                      .validation_data = {{unseen.x, unseen.y}},
                      .cache_frozen_prefix = true});
  });
  const auto cached = [&](const std::string& file) {
    return run([&](const auto& model) {
      return model.fit(data, {.epochs = 4,
                              .verbose = kSilent,
                              .validation_data = TrainingData<float>(valid),
                              .cache_frozen_prefix = true,
                              .cache_file = file});
    });
  };
  const auto memory = cached("");
  CHECK(counter.totals().forward_rows == 100);
  CHECK(memory.second.cached_layers == 3);
  CHECK(same(arrays.first, memory.first));
  CHECK(arrays.second["val_loss"] == memory.second["val_loss"]);
  const auto disk = cached(dir / "f.h5");
  CHECK(counter.totals().forward_rows == 100);
  CHECK(same(arrays.first, disk.first));
  const auto again = cached(dir / "f.h5");
  CHECK(counter.totals().forward_rows == 0);
  CHECK(same(arrays.first, again.first));
  CHECK(contains(again.second.cache_text, "all 70 samples were in"));

  // Validation on arrays beside it; class weights; a dataset that augments is trained on as it is.
  const auto mixed = run([&](const auto& model) {
    return model.fit(
        data,
        {.epochs = 4, .verbose = kSilent, .validation_data = {{unseen.x, unseen.y}}, .cache_frozen_prefix = true});
  });
  CHECK(counter.totals().forward_rows == 100);
  CHECK(same(arrays.first, mixed.first));
  const auto weighted = run([&](const auto& model) {
    return model.fit(task.x, task.y, {.batch_size = 16, .epochs = 2, .verbose = kSilent, .class_weight = {{1, 3.0}}});
  });
  const auto weighted_too = run([&](const auto& model) {
    return model.fit(data, {.epochs = 2, .verbose = kSilent, .class_weight = {{1, 3.0}}, .cache_frozen_prefix = true});
  });
  CHECK(same(weighted.first, weighted_too.first));
  const auto augmented = run([&](const auto& model) {
    return model.fit(data.map(GaussianNoise(0.1)), {.epochs = 2, .verbose = kSilent, .cache_frozen_prefix = true});
  });
  CHECK(augmented.second.cached_layers == 0);
  CHECK(contains(augmented.second.uncached_reason, "other samples in every pass"));
}

TEST_CASE("fine_tune on a dataset: both phases, the frozen part once in each") {
  const TempDir dir;
  const auto task = test::octants(64, 6, 1, 9);
  const Counting<float> counter({.name = "count"});
  set_random_seed(6);
  const Sequential model({Dense(8, {.activation = "elu", .name = "low", .input_shape = Shape{6}}), counter,
                          Dense(8, {.activation = "elu", .name = "top"}), Dense(1, {.activation = "sigmoid"})});
  model.compile({.optimizer = SGD({.learning_rate = 0.1}), .loss = "binary_crossentropy"});
  const auto data = Dataset<>::from_tensors(task.x, task.y).shuffle(64, {.seed = 2}).batch(16);
  counter.reset();
  const auto report = fine_tune<float>(model, data,
                                       {.head = {.epochs = 3},
                                        .tuning = {.epochs = 4},
                                        .unfreeze_top = 1,
                                        .verbose = kSilent,
                                        .cache_file = dir / "f.h5"});
  CHECK(counter.totals().forward_rows == 2 * 64);
  CHECK(report.head["loss"].size() == 3);
  CHECK(report.tuning["loss"].size() == 4);
  CHECK(report.tuning["loss"].back() < report.head["loss"].front());
  CHECK(std::filesystem::exists(dir / "f.tuning.h5"));
}
