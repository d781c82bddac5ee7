#include <graft/core.hpp>

#include "support/catch.hpp"
#include "support/counting_allocator.hpp"

using Catch::Matchers::ContainsSubstring;
using graft::Dataset;
using graft::Index;
using graft::Tensor;
using graft::Verbose;

namespace {

struct Task {
  explicit Task(Index count = 50) : x({count, 8}), y({count}), weights({count}) {
    graft::Rng rng(1);
    for (Index i = 0; i < x.size(); ++i) x[i] = static_cast<float>(rng.normal());
    for (Index i = 0; i < count; ++i) {
      y[i] = static_cast<float>(x[8 * i] + x[8 * i + 1] > 0);
      weights[i] = static_cast<float>(0.5 + rng.uniform());
    }
  }
  Tensor<float> x, y, weights;
};

graft::Sequential<float> small_model() {
  graft::set_random_seed(7);
  graft::Sequential<float> model;
  model.add(graft::Dense<float>(12, {.activation = "relu"}));
  model.add(graft::Dropout<float>(0.3));
  model.add(graft::BatchNormalization<float>());
  model.add(graft::Dense<float>(1, {.activation = "sigmoid"}));
  model.build({-1, 8});
  model.compile({.optimizer = "adam", .loss = "binary_crossentropy", .metrics = {"accuracy"}});
  return model;
}

bool same_weights(const graft::Model<float>& a, const graft::Model<float>& b) {
  const auto left = a.get_weights(), right = b.get_weights();
  bool same = left.size() == right.size();
  for (std::size_t i = 0; same && i < left.size(); ++i)
    same = std::equal(left[i].begin(), left[i].end(), right[i].begin());
  return same;
}

void check_same(const graft::History& a, const graft::History& b) {
  REQUIRE(a.keys() == b.keys());
  for (const auto& key : a.keys()) CHECK(a[key] == b[key]);
}

}  // namespace

TEST_CASE("fit: a dataset gives the numbers of the same arrays, bit for bit", "[models][dataset]") {
  const Task task, valid(20);
  for (const bool weighted : {false, true}) {
    const auto arrays = small_model(), batches = small_model();
    const graft::ArrayLike<float> weights =
        weighted ? graft::ArrayLike<float>(task.weights) : graft::ArrayLike<float>();
    graft::set_random_seed(8);
    const auto expected = arrays.fit(task.x, task.y,
                                     {.batch_size = 16,
                                      .epochs = 3,
                                      .verbose = Verbose::silent,
                                      .validation_data = {{valid.x, valid.y}},
                                      .shuffle = false,
                                      .class_weight = {{1, 2.0}},
                                      .sample_weight = weights});
    graft::set_random_seed(8);
    const auto history = batches.fit(Dataset<>::from_tensors(task.x, task.y, weights).batch(16).prefetch(2, 2),
                                     {.epochs = 3,
                                      .verbose = Verbose::silent,
                                      .validation_data = Dataset<>::from_tensors(valid.x, valid.y).batch(16),
                                      .class_weight = {{1, 2.0}}});
    check_same(expected, history);
    CHECK(same_weights(arrays, batches));

    const auto all = Dataset<>::from_tensors(task.x, task.y).batch(16).prefetch(1);
    CHECK(arrays.evaluate(task.x, task.y, {.batch_size = 16}) == batches.evaluate(all));
    const Tensor<float> a = arrays.predict(task.x), b = batches.predict(all);
    REQUIRE(a.shape() == b.shape());
    CHECK(std::equal(a.begin(), a.end(), b.begin()));
  }
}

TEST_CASE("fit: the numbers of a shuffled, augmented dataset do not depend on its threads", "[models][dataset]") {
  const Task task;
  const auto run = [&](Index threads, Index ahead) {
    auto model = small_model();
    graft::set_random_seed(8);
    const auto data = Dataset<>::from_tensors(task.x, task.y)
                          .shuffle(50, {.seed = 3})
                          .map(graft::GaussianNoise<float>(0.1), {.seed = 4})
                          .batch(16)
                          .prefetch(ahead, threads);
    model.fit(data, {.epochs = 3, .verbose = Verbose::silent});
    return model;
  };
  const auto expected = run(0, 0);
  CHECK(same_weights(expected, run(1, 1)));
  CHECK(same_weights(expected, run(4, 4)));
}

TEST_CASE("fit: steps_per_epoch goes on where the last epoch stopped, and so does initial_epoch", "[models][dataset]") {
  const Task task;
  const auto repeated = Dataset<>::from_tensors(task.x, task.y).shuffle(50, {.seed = 3}).repeat().batch(8);
  const auto whole = small_model();
  const auto history = whole.fit(repeated, {.epochs = 4, .verbose = Verbose::silent, .steps_per_epoch = 5});
  CHECK(history["loss"].size() == 4);
  // The same 20 batches as arrays.
  Tensor<float> x({160, 8}), y({160});
  const auto cursor = repeated.open();
  graft::Batch<> batch;
  for (Index i = 0; i < 20; ++i) {
    REQUIRE(cursor->next(batch));
    std::copy(batch.x[0].begin(), batch.x[0].end(), x.data() + i * 64);
    std::copy(batch.y[0].begin(), batch.y[0].end(), y.data() + i * 8);
  }
  // No random layers here: what is random about a sample depends on its id, which the arrays do not have.
  const auto plain = [&] {
    graft::set_random_seed(7);
    graft::Sequential<float> model;
    model.add(graft::Dense<float>(1, {.activation = "sigmoid"}));
    model.build({-1, 8});
    model.compile({.optimizer = "sgd", .loss = "binary_crossentropy"});
    return model;
  };
  const auto a = plain(), b = plain(), c = plain();
  a.fit(repeated, {.epochs = 4, .verbose = Verbose::silent, .steps_per_epoch = 5});
  b.fit(x, y, {.batch_size = 8, .epochs = 1, .verbose = Verbose::silent, .shuffle = false});
  CHECK(same_weights(a, b));
  c.fit(repeated, {.epochs = 1, .verbose = Verbose::silent, .steps_per_epoch = 5});
  c.fit(repeated, {.epochs = 4, .verbose = Verbose::silent, .initial_epoch = 1, .steps_per_epoch = 5});
  CHECK(same_weights(a, c));

  // A dataset with an end: 7 batches, 3 an epoch; the third epoch has the last one only.
  const auto finite = Dataset<>::from_tensors(task.x, task.y).shuffle(50, {.seed = 3}).batch(8);
  const auto d = plain(), e = plain();
  d.fit(finite, {.epochs = 5, .verbose = Verbose::silent, .steps_per_epoch = 3});
  e.fit(finite, {.epochs = 2, .verbose = Verbose::silent, .steps_per_epoch = 3});
  e.fit(finite, {.epochs = 5, .verbose = Verbose::silent, .initial_epoch = 2, .steps_per_epoch = 3});
  CHECK(same_weights(d, e));
}

TEST_CASE("evaluate and predict: steps, shuffled datasets, and datasets without targets", "[models][dataset]") {
  const Task task;
  const auto model = small_model();
  const auto data = Dataset<>::from_tensors(task.x, task.y).batch(16);
  CHECK(model.evaluate(data, {.steps = 2}) ==
        model.evaluate(task.x.rows(0, 32), task.y.rows(0, 32), {.batch_size = 16}));
  CHECK(model.predict(data, {.steps = 1}).shape() == graft::Shape{16, 1});
  CHECK(model.predict(Dataset<>::from_tensors(task.x).batch(7)).shape() == graft::Shape{50, 1});
  const auto shuffled = Dataset<>::from_tensors(task.x).shuffle(50, {.seed = 2}).batch(7);
  const Tensor<float> all = model.predict(task.x), some = model.predict(shuffled);
  const auto cursor = shuffled.open();
  Index at = 0;
  for (graft::Batch<> batch; cursor->next(batch);) {
    for (const std::uint64_t id : batch.ids) CHECK(some[at++] == all[static_cast<Index>(id)]);
  }
  CHECK_THROWS_WITH(model.evaluate(Dataset<>::from_tensors(task.x).batch(7)), ContainsSubstring("no targets"));
}

TEST_CASE("fit: a dataset that does not fit says why", "[models][dataset][errors]") {
  const Task task;
  const auto model = small_model();
  const auto data = Dataset<>::from_tensors(task.x, task.y);
  const graft::FitOptions<float> quiet{.verbose = Verbose::silent};
  const auto with = [&](auto change) {
    graft::FitOptions<float> options = quiet;
    change(options);
    return options;
  };
  CHECK_THROWS_WITH(model.fit(data, quiet), ContainsSubstring("batch(32)"));
  CHECK_THROWS_WITH(model.fit(data.batch(8).repeat(), quiet), ContainsSubstring("steps_per_epoch"));
  CHECK_THROWS_WITH(model.fit(data.batch(8), with([](auto& o) { o.validation_split = 0.5; })),
                    ContainsSubstring("take and skip"));
  CHECK_THAT(model.fit(data.batch(8), with([](auto& o) { o.cache_frozen_prefix = true; })).uncached_reason,
             ContainsSubstring("trains"));
  CHECK_THROWS_WITH(model.fit(task.x, task.y, with([](auto& o) { o.steps_per_epoch = 3; })),
                    ContainsSubstring("datasets"));
  CHECK_THROWS_AS(model.fit(data.batch(8), with([](auto& o) { o.steps_per_epoch = -3; })), graft::ConfigError);
  CHECK_THROWS_AS(model.fit(Dataset<>::from_tensors(Tensor<float>({4, 9}), Tensor<float>({4})).batch(2), quiet),
                  graft::ShapeError);
  // A bad label in the third batch: found before its step.
  Tensor<float> y = task.y;
  y[20] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(model.fit(Dataset<>::from_tensors(task.x, y).batch(8), quiet), graft::DataError);
  const auto late = data.batch(8).map([](graft::Batch<>& batch) {
    if (batch.ids[0] == 16) batch.x[0] = Tensor<float>({batch.size(), 3});
  });
  CHECK_THROWS_AS(model.fit(late.prefetch(2), quiet), graft::ShapeError);
}

TEST_CASE("fit: a steady step over a dataset allocates nothing", "[models][dataset]") {
  const Task task(640);
  graft::Sequential<float> model;
  model.add(graft::Dense<float>(8, {.activation = "relu"}));
  model.add(graft::Dense<float>(1, {.activation = "sigmoid"}));
  model.compile({.optimizer = "adam", .loss = "binary_crossentropy"});
  class Counter final : public graft::Callback<float> {
   public:
    void on_train_batch_begin(Index batch) override {
      if (batch == 10) counter.reset();
    }
    void on_train_batch_end(Index batch, double) override {
      if (batch == 30) calls = counter.calls();
    }
    graft::test::AllocationCounter counter;
    long calls = -1;
  };
  for (const Index ahead : {0, 2}) {
    const auto counter = std::make_shared<Counter>();
    model.fit(Dataset<>::from_tensors(task.x, task.y).shuffle(640).batch(16).prefetch(ahead),
              {.epochs = 2, .verbose = Verbose::silent, .callbacks = {counter}});
    CHECK(counter->calls == 0);
  }
}
