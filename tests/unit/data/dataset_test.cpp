#include <graft/core.hpp>

#include <atomic>
#include <set>
#include <thread>

#include "support/catch.hpp"
#include "support/counting_allocator.hpp"

using Catch::Matchers::ContainsSubstring;
using graft::Batch;
using graft::Dataset;
using graft::Index;
using graft::Shape;
using graft::Tensor;

namespace {

/// x[i] = (10 i, 10 i + 1), y[i] = i.
struct Numbers {
  explicit Numbers(Index count) : x({count, 2}), y({count}) {
    for (Index i = 0; i < count; ++i) {
      x[2 * i] = static_cast<float>(10 * i);
      x[2 * i + 1] = static_cast<float>(10 * i + 1);
      y[i] = static_cast<float>(i);
    }
  }
  Dataset<> dataset() const { return Dataset<>::from_tensors(x, y); }
  Tensor<float> x, y;
};

std::vector<Index> ids_of(const Dataset<>& dataset, std::uint64_t epoch = 0) {
  std::vector<Index> ids;
  const auto cursor = dataset.open(epoch);
  for (Batch<> batch; cursor->next(batch);) ids.insert(ids.end(), batch.ids.begin(), batch.ids.end());
  return ids;
}
std::vector<float> numbers_of(const Dataset<>& dataset, std::uint64_t epoch = 0) {
  std::vector<float> numbers;
  const auto cursor = dataset.open(epoch);
  for (Batch<> batch; cursor->next(batch);) {
    for (const auto& x : batch.x) numbers.insert(numbers.end(), x.begin(), x.end());
    for (const auto& y : batch.y) numbers.insert(numbers.end(), y.begin(), y.end());
  }
  return numbers;
}

}  // namespace

TEST_CASE("Dataset: slices of arrays, in batches", "[data][dataset]") {
  const Numbers data(7);
  const Tensor<float> weights({7}, {1, 2, 3, 4, 5, 6, 7});
  const auto dataset = Dataset<>::from_tensors(data.x, data.y, weights);
  CHECK(dataset.cardinality() == 7);
  CHECK_FALSE(dataset.batched());
  const Batch<> one = dataset.first();
  CHECK(one.x[0].shape() == Shape{2});
  CHECK(one.y[0].shape() == Shape{});

  const auto batches = dataset.batch(3);
  CHECK(batches.cardinality() == 3);
  std::vector<Index> sizes;
  Index next = 0;
  for (const auto& batch : batches) {
    sizes.push_back(batch.size());
    REQUIRE(batch.x[0].shape() == Shape{batch.size(), 2});
    REQUIRE(batch.y[0].shape() == Shape{batch.size()});
    for (Index i = 0; i < batch.size(); ++i, ++next) {
      CHECK(batch.ids[static_cast<std::size_t>(i)] == static_cast<std::uint64_t>(next));
      CHECK(batch.x[0][2 * i + 1] == static_cast<float>(10 * next + 1));
      CHECK(batch.y[0][i] == static_cast<float>(next));
      CHECK(batch.sample_weight[i] == static_cast<float>(next + 1));
    }
  }
  CHECK(sizes == std::vector<Index>{3, 3, 1});
  CHECK(dataset.batch(3, {.drop_remainder = true}).cardinality() == 2);
  CHECK(ids_of(dataset.batch(3, {.drop_remainder = true})).size() == 6);
  CHECK(ids_of(Dataset<>::from_tensors(Tensor<float>({0, 2})).batch(4)).empty());
}

TEST_CASE("Dataset: several inputs and targets; temporary arrays are kept", "[data][dataset]") {
  const auto dataset = Dataset<>::from_tensors({Tensor<float>({4, 2}, 1.0f), Tensor<float>({4, 3, 3}, 2.0f)},
                                               {Tensor<float>({4}, 3.0f), Tensor<float>({4, 5}, 4.0f)});
  const Batch<> batch = dataset.batch(2).first();
  REQUIRE(batch.x.size() == 2);
  CHECK(batch.x[1].shape() == Shape{2, 3, 3});
  CHECK(batch.x[1][17] == 2.0f);
  CHECK(batch.y[1].shape() == Shape{2, 5});
}

TEST_CASE("Dataset: take, skip and repeat", "[data][dataset]") {
  const Numbers data(5);
  const auto dataset = data.dataset();
  CHECK(ids_of(dataset.take(2)) == std::vector<Index>{0, 1});
  CHECK(ids_of(dataset.take(9)).size() == 5);
  CHECK(ids_of(dataset.take(-1)).size() == 5);
  CHECK(ids_of(dataset.skip(3)) == std::vector<Index>{3, 4});
  CHECK(dataset.skip(9).cardinality() == 0);
  CHECK(ids_of(dataset.skip(9)).empty());
  CHECK(dataset.repeat(3).cardinality() == 15);
  CHECK(dataset.repeat().cardinality() == graft::kInfiniteCardinality);
  CHECK(dataset.repeat().batch(4).cardinality() == graft::kInfiniteCardinality);
  CHECK(dataset.repeat().take(12).cardinality() == 12);
  const Index pass = Index{1} << 40;
  CHECK(ids_of(dataset.repeat().skip(4).take(3)) == std::vector<Index>{4, pass, pass + 1});
  CHECK(ids_of(dataset.repeat(0)).empty());
  CHECK(ids_of(dataset.take(0).repeat()).empty());
  // A batch reaches over the end of a pass when repeat stands before it.
  CHECK(dataset.repeat(2).batch(4).cardinality() == 3);
  CHECK(dataset.batch(4).repeat(2).cardinality() == 4);
}

TEST_CASE("Dataset: shuffle is a permutation that depends on the seed and the pass", "[data][dataset]") {
  const Numbers data(100);
  const auto shuffled = data.dataset().shuffle(100, {.seed = 5});
  const auto first = ids_of(shuffled, 0), second = ids_of(shuffled, 1);
  CHECK(std::set<Index>(first.begin(), first.end()).size() == 100);
  CHECK(first.size() == 100);
  CHECK_FALSE(std::is_sorted(first.begin(), first.end()));
  CHECK(first != second);
  CHECK(ids_of(shuffled, 0) == first);
  CHECK(ids_of(data.dataset().shuffle(100, {.seed = 5}), 1) == second);
  CHECK(ids_of(data.dataset().shuffle(100, {.seed = 6}), 0) != first);
  const auto fixed = data.dataset().shuffle(100, {.seed = 5, .reshuffle_each_iteration = false});
  CHECK(ids_of(fixed, 3) == ids_of(fixed, 0));
  // With a small buffer a sample comes at most that much too early.
  const auto near = ids_of(data.dataset().shuffle(10, {.seed = 1}));
  CHECK(std::set<Index>(near.begin(), near.end()).size() == 100);
  for (std::size_t i = 0; i < near.size(); ++i) CHECK(near[i] < static_cast<Index>(i) + 10);
  CHECK(ids_of(data.dataset().shuffle(1)) == ids_of(data.dataset()));
  // Each pass of repeat has its own order; a loop counts its passes.
  const auto twice = ids_of(shuffled.repeat(2));
  CHECK(std::vector<Index>(twice.begin(), twice.begin() + 100) == first);
  CHECK(twice[100] - (Index{1} << 40) == second[0]);
  std::vector<Index> loops;
  for (int pass = 0; pass < 2; ++pass) {
    for (const auto& element : shuffled) loops.push_back(static_cast<Index>(element.ids[0]));
  }
  CHECK(loops == [&] {
    auto both = first;
    both.insert(both.end(), second.begin(), second.end());
    return both;
  }());
}

TEST_CASE("Dataset: first places of a shuffle are uniform", "[data][dataset]") {
  const Numbers data(4);
  int counts[4] = {};
  const auto shuffled = data.dataset().shuffle(4, {.seed = 1});
  for (std::uint64_t epoch = 0; epoch < 4000; ++epoch) ++counts[ids_of(shuffled.take(1), epoch)[0]];
  for (const int count : counts) CHECK(std::abs(count - 1000) < 150);
}

TEST_CASE("Dataset: map changes elements or batches, with a key for each", "[data][dataset]") {
  const Numbers data(6);
  const auto doubled = data.dataset().map([](Batch<>& element) {
    for (Index i = 0; i < element.x[0].size(); ++i) element.x[0][i] *= 2;
  });
  CHECK(doubled.batch(6).first().x[0][11] == 102.0f);
  const auto batches = data.dataset().batch(4).map([](Batch<>& batch) {
    batch.x[0] = Tensor<float>({batch.size(), 1}, 7.0f);
  });
  CHECK(batches.first().x[0].shape() == Shape{4, 1});

  const auto noise = [](Batch<>& element, graft::RandomKey key) {
    element.x[0][0] = static_cast<float>(key.uniform(0));
  };
  const auto noisy = data.dataset().map(noise, {.seed = 3});
  const auto plain = numbers_of(noisy, 0);
  CHECK(numbers_of(noisy, 0) == plain);
  CHECK(numbers_of(noisy, 1) != plain);
  // Of a sample, not of its place.
  const auto shuffled = noisy.shuffle(6, {.seed = 1}).open(0);
  for (Batch<> element; shuffled->next(element);) CHECK(element.x[0][0] == plain[3 * element.ids[0]]);
}

TEST_CASE("Dataset: a random layer augments by seed, pass and sample, whatever the batches and threads",
          "[data][dataset]") {
  graft::Rng rng(3);
  Tensor<float> x({10, 6, 6, 2});
  for (Index i = 0; i < x.size(); ++i) x[i] = static_cast<float>(rng.normal());
  const auto images = Dataset<>::from_tensors(x);
  const graft::RandomRotation<float> rotate(0.3);
  const auto flat = [](const Dataset<>& dataset, std::uint64_t epoch) {
    std::vector<float> numbers(10 * 72);
    const auto cursor = dataset.open(epoch);
    for (Batch<> batch; cursor->next(batch);) {
      for (Index i = 0; i < batch.size(); ++i) {
        const auto id = static_cast<Index>(batch.ids[static_cast<std::size_t>(i)]);
        std::copy_n(batch.x[0].data() + i * 72, 72, numbers.data() + id * 72);
      }
    }
    return numbers;
  };
  const auto expected = flat(images.map(rotate, {.seed = 9}), 1);
  CHECK(expected != std::vector<float>(x.begin(), x.end()));
  CHECK(expected != flat(images.map(rotate, {.seed = 9}), 0));
  CHECK(expected != flat(images.map(rotate, {.seed = 8}), 1));
  CHECK(expected == flat(images.batch(4).map(rotate, {.seed = 9}), 1));
  CHECK(expected == flat(images.batch(3).map(rotate, {.num_parallel_calls = 3, .seed = 9}).prefetch(2), 1));
  CHECK(expected == flat(images.shuffle(10).map(rotate, {.seed = 9}).batch(7), 1));
  // At inference the layer does nothing.
  CHECK(flat(images.map(rotate, {.training = false}), 0) == std::vector<float>(x.begin(), x.end()));
  // A whole model does its part of the preprocessing.
  graft::Sequential<float> model;
  model.add(graft::Rescaling<float>(0.5));
  model.add(graft::Flatten<float>());
  model.build({-1, 6, 6, 2});
  const Batch<> batch = images.batch(4).map(model).first();
  REQUIRE(batch.x[0].shape() == Shape{4, 72});
  CHECK(batch.x[0][100] == 0.5f * x[100]);
}

TEST_CASE("Dataset: cache makes each element once, and augmentation behind it goes on", "[data][dataset]") {
  const Numbers data(6);
  auto made = std::make_shared<std::atomic<int>>(0);
  const auto cached = data.dataset().map([made](Batch<>&) { ++*made; }).cache();
  const auto first = numbers_of(cached, 0);
  CHECK(*made == 6);
  CHECK(numbers_of(cached, 1) == first);
  CHECK(*made == 6);
  const auto noisy =
      cached.map([](Batch<>& e, graft::RandomKey key) { e.x[0][0] = static_cast<float>(key.uniform(0)); });
  CHECK(numbers_of(noisy, 0) != numbers_of(noisy, 1));
  CHECK(ids_of(data.dataset().shuffle(6, {.seed = 2}).cache(), 1) == ids_of(data.dataset().shuffle(6, {.seed = 2}), 0));
}

TEST_CASE("Dataset: the order and the numbers do not depend on threads or on time", "[data][dataset]") {
  const Numbers data(50);
  const auto slow = [](Batch<>& element, graft::RandomKey key) {
    std::this_thread::sleep_for(std::chrono::microseconds(element.ids[0] * 37 % 11 * 50));
    element.x[0][0] += static_cast<float>(key.uniform(1));
  };
  const auto chain = [&](Index threads, Index ahead) {
    return data.dataset()
        .shuffle(20, {.seed = 4})
        .map(slow, {.num_parallel_calls = threads, .seed = 5})
        .batch(4)
        .prefetch(ahead);
  };
  for (const std::uint64_t epoch : {0, 1}) {
    const auto expected = numbers_of(chain(0, 0), epoch);
    CHECK(expected.size() == 150);
    for (const auto& [threads, ahead] :
         {std::pair{1, 1}, std::pair{1, 3}, std::pair{4, 2}, std::pair{4, 8}, std::pair{3, 0}}) {
      INFO(threads << " threads, " << ahead << " ahead");
      CHECK(numbers_of(chain(threads, ahead), epoch) == expected);
    }
  }
}

TEST_CASE("Dataset: prefetch makes at most n elements ahead, in the background", "[data][dataset]") {
  const Numbers data(40);
  auto made = std::make_shared<std::atomic<int>>(0);
  const auto caller = std::this_thread::get_id();
  auto elsewhere = std::make_shared<std::atomic<bool>>(true);
  const auto count = [made, elsewhere, caller](Batch<>&) {
    ++*made;
    if (std::this_thread::get_id() == caller) *elsewhere = false;
  };
  const auto cursor = data.dataset().batch(2).map(count).prefetch(3).open();
  Batch<> batch;
  for (int taken = 1; taken <= 5; ++taken) {
    REQUIRE(cursor->next(batch));
    for (int wait = 0; wait < 2000 && *made < taken + 3; ++wait)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK(*made == taken + 3);
  }
  CHECK(elsewhere->load());
}

TEST_CASE("Dataset: a cursor leaves elements out without making them", "[data][dataset]") {
  const Numbers data(40);
  auto made = std::make_shared<std::atomic<int>>(0);
  const auto counted = data.dataset().map([made](Batch<>&) { ++*made; });
  for (const Index ahead : {0, 2}) {
    *made = 0;
    const auto cursor = counted.prefetch(ahead).open();
    cursor->skip(30);
    CHECK(*made == 0);
    Batch<> element;
    REQUIRE(cursor->next(element));
    CHECK(element.ids[0] == 30);
    cursor->skip(4);
    REQUIRE(cursor->next(element));
    CHECK(element.ids[0] == 35);
    cursor->skip(99);
    CHECK_FALSE(cursor->next(element));
  }
}

TEST_CASE("Dataset: what a background thread throws comes out of next(), in its turn", "[data][dataset][errors]") {
  const Numbers data(20);
  const auto bad = data.dataset().map([](Batch<>& element) {
    if (element.ids[0] == 7) throw graft::DataError("sample 7 is bad");
  });
  for (const Index ahead : {0, 1, 4}) {
    const auto cursor = bad.prefetch(ahead, 3).open();
    Batch<> element;
    for (int i = 0; i < 7; ++i) {
      REQUIRE(cursor->next(element));
      CHECK(element.ids[0] == static_cast<std::uint64_t>(i));
    }
    CHECK_THROWS_WITH(cursor->next(element), "sample 7 is bad");
    CHECK_FALSE(cursor->next(element));
  }
  CHECK_THROWS_AS(bad.batch(10).first(), graft::DataError);
}

TEST_CASE("Dataset: a pass that is dropped in the middle ends its threads", "[data][dataset]") {
  const Numbers data(1000);
  auto running = std::make_shared<std::atomic<int>>(0);
  const auto slow = [running](Batch<>&) {
    ++*running;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    --*running;
  };
  for (int taken = 0; taken < 4; ++taken) {
    const auto dataset = data.dataset().map(slow).repeat().batch(3).prefetch(5, 3);
    int seen = 0;
    for (const auto& batch : dataset) {
      if (batch.size() == 0 || seen++ == taken) break;
    }
    CHECK(*running == 0);
  }
}

TEST_CASE("Dataset: several threads may read one dataset", "[data][dataset]") {
  const Numbers data(60);
  const auto dataset =
      data.dataset().shuffle(60, {.seed = 1}).map(graft::Rescaling<float>(2.0)).cache().batch(8).prefetch(2);
  const auto expected = numbers_of(dataset);
  std::vector<std::thread> threads;
  std::atomic<int> equal{0};
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { equal += numbers_of(dataset) == expected; });
  for (auto& thread : threads) thread.join();
  CHECK(equal == 4);
}

TEST_CASE("Dataset: a steady pass over arrays allocates nothing", "[data][dataset]") {
  const Numbers data(64);
  const auto run = [&](const Dataset<>& dataset) {
    const auto cursor = dataset.open();
    Batch<> batch;
    for (int i = 0; i < 6; ++i) REQUIRE(cursor->next(batch));
    const graft::test::AllocationCounter counter;
    bool more = true;
    for (int i = 0; i < 8; ++i) more = cursor->next(batch) && more;
    const long calls = counter.calls();
    CHECK(more);
    return calls;
  };
  CHECK(run(data.dataset().batch(4)) == 0);
  CHECK(run(data.dataset().shuffle(64, {.seed = 1}).batch(4)) == 0);
  CHECK(run(data.dataset().batch(4).prefetch(2)) == 0);
}

TEST_CASE("Dataset: wrong arguments say what is wrong", "[data][dataset][errors]") {
  const Numbers data(6);
  const auto dataset = data.dataset();
  CHECK_THROWS_AS(dataset.batch(0), graft::ConfigError);
  CHECK_THROWS_AS(dataset.shuffle(0), graft::ConfigError);
  CHECK_THROWS_AS(dataset.prefetch(-1), graft::ConfigError);
  CHECK_THROWS_AS(dataset.skip(-1), graft::ConfigError);
  CHECK_THROWS_AS(dataset.map([](Batch<>&) {}, {.num_parallel_calls = -2}), graft::ConfigError);
  CHECK_THROWS_AS(dataset.batch(2).batch(2), graft::StateError);
  CHECK_THROWS_AS(Dataset<>().batch(2), graft::StateError);
  CHECK_THROWS_AS(Dataset<>::from_tensors(data.x, Tensor<float>({5})), graft::ShapeError);
  CHECK_THROWS_AS(Dataset<>::from_tensors(data.x, data.y, Tensor<float>({6, 1})), graft::ShapeError);
  CHECK_THROWS_AS(Dataset<>::from_tensors({}), graft::ShapeError);
  CHECK_THROWS_AS(dataset.take(0).first(), graft::DataError);
  const auto uneven = dataset.map([](Batch<>& e) { e.x[0] = Tensor<float>({1 + static_cast<Index>(e.ids[0] % 2)}); });
  CHECK_THROWS_WITH(uneven.batch(2).first(), ContainsSubstring("samples of one shape"));
}
