#include <set>

#include "graft/graft.hpp"
#include "support/catch.hpp"
#include "tests/support/nets.hpp"

using namespace graft;
using Catch::Matchers::ContainsSubstring;

namespace {

// Sample i is the number i, of class i / 4: classes 0, 1 and 2.
struct Numbers {
  Tensor<float> x{{12, 1}}, y{{12}};
  Numbers() {
    for (Index i = 0; i < 12; ++i) x[i] = static_cast<float>(i), y[i] = static_cast<float>(i / 4);
  }
  Dataset<float> dataset() const { return Dataset<float>::from_tensors(x, y); }
};

Index class_of(float x) { return static_cast<Index>(x) / 4; }

// All x and y of a pass, one number behind the other.
std::vector<float> numbers(const Dataset<float>& dataset, std::uint64_t epoch = 0) {
  std::vector<float> result;
  Batch<float> batch;
  const auto cursor = dataset.open(epoch);
  while (cursor->next(batch)) {
    for (const auto& x : batch.x) result.insert(result.end(), x.begin(), x.end());
    for (const auto& y : batch.y) result.insert(result.end(), y.begin(), y.end());
  }
  return result;
}

}  // namespace

TEST_CASE("R-47: pairs over a dataset: half of one class, every sample first once, other ones each pass") {
  const Numbers data;
  const auto pairs = pair_dataset(data.dataset(), {.pairs = 2400, .seed = 5});
  CHECK(pairs.cardinality() == 2400);
  Index same = 0, seen = 0;
  std::set<std::pair<float, float>> kinds;
  std::map<float, Index> first;
  for (const auto& pair : pairs) {
    REQUIRE(pair.x.size() == 2);
    const float a = pair.x[0][0], b = pair.x[1][0];
    CHECK(a != b);
    CHECK((pair.y[0][0] == 1.f) == (class_of(a) == class_of(b)));
    CHECK(pair.ids[0] == static_cast<std::uint64_t>(seen++));
    same += pair.y[0][0] == 1.f;
    kinds.emplace(a, b);
    ++first[a];
  }
  CHECK(std::abs(static_cast<double>(same) - 1200) < 150);
  CHECK(kinds.size() == 12 * 11);
  for (const auto& [a, count] : first) CHECK(count == 200);

  const auto again = pair_dataset(data.dataset(), {.seed = 5}), other = pair_dataset(data.dataset(), {.seed = 6});
  CHECK(again.cardinality() == 12);
  CHECK(numbers(again) == numbers(pair_dataset(data.dataset(), {.seed = 5})));
  CHECK(numbers(again) != numbers(other));
  CHECK(numbers(again, 0) != numbers(again, 1));
  CHECK(numbers(again, 1) == numbers(again.prefetch(4, 3), 1));
  const auto fixed = pair_dataset(data.dataset(), {.reshuffle_each_iteration = false, .seed = 5});
  CHECK(numbers(fixed, 0) == numbers(fixed, 7));
}

TEST_CASE("pairs and triplets go through the other stages: batch, shuffle, repeat, cache, map") {
  const Numbers data;
  const auto pairs = pair_dataset(data.dataset(), {.pairs = 10, .seed = 1});
  const auto batch = pairs.batch(4).first();
  CHECK(batch.x[0].shape() == Shape{4, 1});
  CHECK(batch.x[1].shape() == Shape{4, 1});
  CHECK(batch.y[0].shape() == Shape{4});
  CHECK(batch.size() == 4);
  CHECK(pairs.batch(4).cardinality() == 3);
  CHECK(pairs.batch(4, {.drop_remainder = true}).cardinality() == 2);
  CHECK(numbers(pairs.repeat(2).batch(5)).size() == 60);
  CHECK(numbers(pairs.cache(), 0) == numbers(pairs.cache(), 3));
  auto shuffled = numbers(pairs.shuffle(10, {.seed = 2}));
  CHECK(shuffled != numbers(pairs));
  auto plain = numbers(pairs);
  std::sort(shuffled.begin(), shuffled.end());
  std::sort(plain.begin(), plain.end());
  CHECK(shuffled == plain);
  const auto a = Input({1}), b = Input({1});
  const Model<float> twice(std::vector{a, b}, std::vector{ops::multiply(a, NumberOrList(2.0)), b});
  const auto doubled = pairs.batch(10).map(twice).first(), before = pairs.batch(10).first();
  for (Index i = 0; i < 10; ++i) CHECK(doubled.x[0][i] == 2 * before.x[0][i]);
  // Pairs of pairs of views: samples of several slots below each other.
  const auto views = pair_dataset(view_dataset(data.dataset()), {.seed = 3}).batch(24).first();
  for (Index i = 0; i < 24; ++i) CHECK((views.y[0][i] == 1.f) == (views.x[0][i] == views.x[1][i]));
}

TEST_CASE("R-47: triplets over a dataset") {
  const Numbers data;
  const auto triplets = triplet_dataset(data.dataset(), {.triplets = 600, .seed = 5});
  std::map<float, Index> anchors;
  for (const auto& t : triplets) {
    REQUIRE(t.x.size() == 3);
    const float a = t.x[0][0], p = t.x[1][0], n = t.x[2][0];
    CHECK(a != p);
    CHECK(class_of(a) == class_of(p));
    CHECK(class_of(a) != class_of(n));
    CHECK(t.y[0][0] == static_cast<float>(class_of(a)));
    ++anchors[a];
  }
  CHECK(anchors.size() == 12);
  for (const auto& [a, count] : anchors) CHECK(count == 50);
  CHECK(numbers(triplets, 1) == numbers(triplet_dataset(data.dataset(), {.triplets = 600, .seed = 5}), 1));
  CHECK(numbers(triplets, 1) != numbers(triplets, 0));
}

TEST_CASE("R-47: balanced batches have so many classes with so many samples of each") {
  const Numbers data;
  const auto batches = balanced_batches(data.dataset(), 2, 3, {.seed = 5});
  CHECK(batches.batched());
  CHECK(batches.cardinality() == 2);
  std::set<float> classes;
  for (std::uint64_t epoch = 0; epoch < 10; ++epoch) {
    Batch<float> batch;
    const auto cursor = batches.open(epoch);
    while (cursor->next(batch)) {
      std::map<float, std::set<float>> in;
      for (Index i = 0; i < 6; ++i) in[batch.y[0][i]].insert(batch.x[0][i]);
      CHECK(in.size() == 2);
      for (const auto& [label, samples] : in) {
        CHECK(samples.size() >= 2);  // an order that begins anew in a batch may give one of them twice
        classes.insert(label);
      }
    }
  }
  CHECK(classes.size() == 3);
  CHECK(numbers(batches, 2) == numbers(balanced_batches(data.dataset(), 2, 3, {.seed = 5}), 2));
}

TEST_CASE("R-47: views of one sample follow each other and differ by what is random") {
  const Numbers data;
  const auto views = view_dataset(data.dataset()).batch(24).first();
  for (Index i = 0; i < 12; ++i) {
    CHECK(views.y[0][2 * i] == views.y[0][2 * i + 1]);
    CHECK(views.x[0][2 * i] == views.x[0][2 * i + 1]);
    CHECK((i == 0 || views.y[0][2 * i] != views.y[0][2 * i - 1]));
  }
  const auto noisy = view_dataset(data.dataset()).batch(24).map(GaussianNoise(0.1), {.seed = 1}).first();
  for (Index i = 0; i < 12; ++i) CHECK(noisy.x[0][2 * i] != noisy.x[0][2 * i + 1]);
  const auto one = view_dataset(data.dataset()).map(GaussianNoise(0.1), {.seed = 1}).batch(24).first();
  CHECK(test::same(one.x[0], noisy.x[0]));
}

TEST_CASE("rotations are those of numpy.rot90") {
  const Tensor<float> x({1, 2, 2, 1}, {1.f, 2.f, 3.f, 4.f});
  const auto turned = rotation_dataset(Dataset<float>::from_tensors(x)).batch(4).first();
  CHECK(turned.x[0].shape() == Shape{4, 2, 2, 1});
  const std::vector<float> expected{1, 2, 3, 4, 2, 4, 1, 3, 4, 3, 2, 1, 3, 1, 4, 2};
  CHECK(std::vector<float>(turned.x[0].begin(), turned.x[0].end()) == expected);
  CHECK(std::vector<float>(turned.y[0].begin(), turned.y[0].end()) == std::vector<float>{0, 1, 2, 3});
  const Tensor<float> wide({1, 2, 3});
  CHECK_THROWS_AS(rotation_dataset(Dataset<float>::from_tensors(wide)).first(), ShapeError);
}

TEST_CASE("bad input: pairs with one class only, triplets with singletons, datasets of the wrong kind") {
  const Numbers data;
  const auto labelled = [&](std::vector<float> labels) {
    const auto n = static_cast<Index>(labels.size());
    return Dataset<float>::from_tensors(Tensor<float>({n, 1}), Tensor<float>({n}, labels));
  };
  const auto one_class = labelled({3, 3, 3}), singleton = labelled({0, 0, 7, 1, 1}), all_alone = labelled({0, 1, 2});
  CHECK_THROWS_WITH(pair_dataset(one_class), ContainsSubstring("two classes") && ContainsSubstring("3 samples of 1"));
  CHECK_THROWS_AS(pair_dataset(one_class), DataError);
  CHECK_THROWS_AS(triplet_dataset(one_class), DataError);
  CHECK_THROWS_AS(balanced_batches(one_class, 2, 2), DataError);

  CHECK_THROWS_AS(triplet_dataset(singleton), DataError);
  CHECK_THROWS_WITH(triplet_dataset(singleton), ContainsSubstring("class 7") && ContainsSubstring("skip_singletons"));
  CHECK_THROWS_WITH(pair_dataset(singleton), ContainsSubstring("class 7"));
  CHECK_THROWS_WITH(triplet_dataset(all_alone, {.skip_singletons = true}), ContainsSubstring("No class has two"));
  CHECK_THROWS_AS(balanced_batches(singleton, 3, 2, {.skip_singletons = true}), DataError);
  for (const auto& t : triplet_dataset(singleton, {.triplets = 50, .skip_singletons = true})) CHECK(t.y[0][0] != 7);
  for (const auto& p : pair_dataset(singleton, {.pairs = 50, .skip_singletons = true})) CHECK(p.x.size() == 2);
  CHECK(numbers(pair_dataset(all_alone, {.pairs = 4, .same_share = 0})).size() == 12);

  CHECK_THROWS_AS(pair_dataset(data.dataset().batch(4)), StateError);
  CHECK_THROWS_AS(pair_dataset(data.dataset().repeat()), StateError);
  CHECK_THROWS_AS(view_dataset(data.dataset().batch(4)), StateError);
  CHECK_THROWS_AS(view_dataset(data.dataset(), 1), ConfigError);
  CHECK_THROWS_AS(pair_dataset(data.dataset(), {.same_share = 1.5}), ConfigError);
  CHECK_THROWS_AS(balanced_batches(data.dataset(), 1, 2), ConfigError);
  CHECK_THROWS_AS(pair_dataset(Dataset<float>::from_tensors(data.x)), DataError);
  const auto moving = pair_dataset(data.dataset().shuffle(12, {.seed = 1}).take(8), {.same_share = 0, .seed = 1});
  CHECK_THROWS_WITH(moving.open(1), ContainsSubstring("the same samples in every pass"));
}
