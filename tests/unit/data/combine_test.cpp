#include <algorithm>
#include <set>

#include "graft/data/dataset.hpp"
#include "tests/support/catch.hpp"

using Catch::Matchers::ContainsSubstring;
using graft::Batch;
using graft::Dataset;
using graft::Index;
using graft::Shape;
using graft::Tensor;

namespace {

// n samples (from + i, -(from + i)) with target from + i.
Dataset<> numbers(Index n, float from) {
  Tensor<float> x({n, 2}), y(Shape{n});
  for (Index i = 0; i < n; ++i) {
    y[i] = from + static_cast<float>(i);
    x[2 * i] = y[i];
    x[2 * i + 1] = -y[i];
  }
  return Dataset<>::from_tensors(std::move(x), std::move(y));
}
Dataset<> column(std::vector<float> values) {
  const Index n = static_cast<Index>(values.size());
  return Dataset<>::from_tensors(Tensor<float>(Shape{n}, values));
}
// The first number of x of all samples of a pass.
std::vector<float> firsts(const Dataset<>& dataset, std::uint64_t epoch = 0) {
  std::vector<float> result;
  const auto cursor = dataset.open(epoch);
  for (Batch<> batch; cursor->next(batch);) {
    const Index each = batch.x[0].size() / batch.size();
    for (Index i = 0; i < batch.size(); ++i) result.push_back(batch.x[0][i * each]);
  }
  return result;
}
std::vector<std::uint64_t> ids(const Dataset<>& dataset) {
  std::vector<std::uint64_t> result;
  for (const auto& batch : dataset) result.insert(result.end(), batch.ids.begin(), batch.ids.end());
  return result;
}

}  // namespace

TEST_CASE("Dataset concatenate: one dataset behind the other", "[data][dataset]") {
  const auto both = numbers(3, 1).concatenate(numbers(2, 10));
  CHECK(both.cardinality() == 5);
  CHECK_FALSE(both.batched());
  CHECK(firsts(both) == std::vector<float>{1, 2, 3, 10, 11});
  CHECK(both.first().x[0].shape() == Shape{2});
  // A batch reaches over the seam.
  const auto batches = both.batch(2).prefetch(2);
  CHECK(batches.cardinality() == 3);
  CHECK(firsts(batches) == std::vector<float>{1, 2, 3, 10, 11});
  const auto cursor = batches.open(0);
  Batch<> batch;
  REQUIRE((cursor->next(batch) && cursor->next(batch)));
  CHECK(batch.y[0][1] == 10);
  CHECK(batch.x[0][3] == -10);
  // Of batches, and with nothing on either side.
  CHECK(numbers(3, 1).batch(2).concatenate(numbers(3, 10).batch(2)).cardinality() == 4);
  CHECK(firsts(numbers(3, 1).batch(2).concatenate(numbers(1, 10).batch(2))) == std::vector<float>{1, 2, 3, 10});
  CHECK(firsts(numbers(0, 1).concatenate(numbers(2, 10))) == std::vector<float>{10, 11});
  CHECK(firsts(numbers(2, 1).concatenate(numbers(0, 10))) == std::vector<float>{1, 2});
  CHECK(numbers(2, 1).concatenate(numbers(2, 5).repeat()).cardinality() == graft::kInfiniteCardinality);
  CHECK(firsts(numbers(2, 1).concatenate(numbers(2, 5).repeat()).take(5)) == std::vector<float>{1, 2, 5, 6, 5});
}

TEST_CASE("Dataset concatenate: every sample has an id of its own, through repeat and batch", "[data][dataset]") {
  const auto three = numbers(2, 1).concatenate(numbers(2, 5)).concatenate(numbers(2, 9));
  const std::uint64_t source = std::uint64_t{1} << 32, pass = std::uint64_t{1} << 40;
  CHECK(ids(three) == std::vector<std::uint64_t>{0, 1, source, source + 1, 2 * source, 2 * source + 1});
  const auto repeated = ids(three.repeat(2).batch(5));
  REQUIRE(repeated.size() == 12);
  CHECK(std::set<std::uint64_t>(repeated.begin(), repeated.end()).size() == 12);
  CHECK(repeated[8] == pass + source);
  CHECK(ids(three.batch(2).repeat(2)) == repeated);
  CHECK(ids(numbers(2, 1).concatenate(numbers(2, 5).concatenate(numbers(2, 9)))) == ids(three));
}

TEST_CASE("Dataset concatenate: what stands before, behind and around it", "[data][dataset]") {
  const auto shuffled = numbers(20, 0).shuffle(20, {.seed = 1}).concatenate(numbers(20, 100).shuffle(20, {.seed = 2}));
  const auto first = firsts(shuffled, 0), second = firsts(shuffled, 1);
  CHECK(first != second);
  CHECK(first == firsts(shuffled.prefetch(3, 2), 0));
  for (std::size_t i = 0; i < 40; ++i) CHECK((first[i] >= 100) == (i >= 20));
  auto all = firsts(numbers(3, 1).concatenate(numbers(3, 10)).shuffle(6, {.seed = 4}));
  std::sort(all.begin(), all.end());
  CHECK(all == std::vector<float>{1, 2, 3, 10, 11, 12});
  int made = 0;
  const auto cached = numbers(3, 1)
                          .concatenate(numbers(3, 1))
                          .map([&made](Batch<>& element) { element.x[0][0] += static_cast<float>(100 * ++made); })
                          .cache();
  const auto once = firsts(cached), again = firsts(cached, 1);
  CHECK(once == std::vector<float>{101, 202, 303, 401, 502, 603});  // no two of them are taken for one
  CHECK(again == once);
  CHECK(firsts(numbers(3, 1).concatenate(numbers(3, 10)).select({5, 0, 3})) == std::vector<float>{12, 1, 10});
}

TEST_CASE("Dataset zip: x of one, y of another, weights of a third", "[data][dataset]") {
  const auto zipped = Dataset<>::zip(column({1, 2, 3, 4}), column({5, 6, 7}), column({0.5f, 1, 2, 3, 4}));
  CHECK(zipped.cardinality() == 3);
  std::size_t count = 0;
  for (const auto& batch : zipped.batch(2)) {
    for (Index i = 0; i < batch.size(); ++i, ++count) {
      CHECK(batch.x[0][i] == static_cast<float>(count + 1));
      CHECK(batch.y[0][i] == static_cast<float>(count + 5));
      CHECK(batch.sample_weight[i] == (count == 0 ? 0.5f : static_cast<float>(count)));
      CHECK(batch.ids[static_cast<std::size_t>(i)] == count);
    }
  }
  CHECK(count == 3);
  // Labelled ones: all of their arrays.
  const auto pairs = Dataset<>::zip(numbers(2, 1), numbers(2, 5));
  const Batch<> pair = pairs.first();
  REQUIRE((pair.x.size() == 2 && pair.y.size() == 2));
  CHECK((pair.x[1][0] == 1 && pair.y[0][1] == -5 && pair.y[1][0] == 5));
  CHECK_FALSE(pair.sample_weight.allocated());
  // Batches, repeats, endless ones and none.
  const auto batches = Dataset<>::zip(column({1, 2, 3}).batch(2), column({5, 6, 7}).batch(2)).repeat(2);
  CHECK(batches.cardinality() == 4);
  CHECK(firsts(batches) == std::vector<float>{1, 2, 3, 1, 2, 3});
  CHECK(ids(batches).back() == (std::uint64_t{1} << 40) + 2);
  CHECK(Dataset<>::zip(column({1, 2}).repeat(), column({1, 2, 3})).cardinality() == 3);
  CHECK(Dataset<>::zip(column({1}).repeat(), column({1}).repeat()).cardinality() == graft::kInfiniteCardinality);
  CHECK(firsts(Dataset<>::zip(column({1}), column({1, 2}).take(0))).empty());
}

TEST_CASE("Dataset zip: each dataset is shuffled in its own way, the same on any number of threads",
          "[data][dataset]") {
  std::vector<float> values(30);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  const auto zipped = Dataset<>::zip(column(values).shuffle(30, {.seed = 1}), column(values).shuffle(30, {.seed = 2}));
  const auto read = [&](const Dataset<>& dataset, std::uint64_t epoch) {
    std::vector<std::pair<float, float>> result;
    const auto cursor = dataset.open(epoch);
    for (Batch<> element; cursor->next(element);) result.emplace_back(element.x[0][0], element.y[0][0]);
    return result;
  };
  CHECK(read(zipped, 0) != read(zipped, 1));
  CHECK(read(zipped, 1) == read(zipped.prefetch(4, 3), 1));
}

TEST_CASE("Dataset concatenate and zip: what does not fit", "[data][dataset][errors]") {
  using graft::ShapeError;
  using graft::StateError;
  CHECK_THROWS_AS(numbers(2, 1).concatenate(numbers(2, 1).batch(2)), StateError);
  CHECK_THROWS_WITH(numbers(2, 1).concatenate(column({1, 2})), ContainsSubstring("x: ranks 1; y: ranks 0"));
  CHECK_THROWS_AS(numbers(2, 1).concatenate(Dataset<>::from_tensors(Tensor<float>({2, 2, 2}), Tensor<float>(Shape{2}))),
                  ShapeError);
  CHECK_THROWS_AS(numbers(2, 1).concatenate(Dataset<>()), StateError);
  // Of other sizes they may be, until they are to be one batch.
  const auto wider =
      numbers(1, 1).concatenate(Dataset<>::from_tensors(Tensor<float>({1, 3}, 4.0f), Tensor<float>(Shape{1})));
  CHECK(firsts(wider) == std::vector<float>{1, 4});
  CHECK_THROWS_WITH(firsts(wider.batch(2)), ContainsSubstring("samples of one shape"));
  CHECK_THROWS_AS(Dataset<>::zip(column({1}), column({1}).batch(1)), StateError);
  CHECK_THROWS_AS(Dataset<>::zip(column({1}), Dataset<>()), StateError);
  CHECK_THROWS_WITH(firsts(Dataset<>::zip(column({1, 2, 3}).batch(3), column({1, 2, 3}).batch(2))),
                    ContainsSubstring("batches of one size, 3"));
  CHECK_THROWS_WITH(firsts(Dataset<>::zip(column({1}), column({1}), numbers(1, 1))),
                    ContainsSubstring("sample weight"));
}
