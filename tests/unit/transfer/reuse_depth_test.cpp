#include <Eigen/Cholesky>

#include "tests/support/catch.hpp"
#include "tests/support/counting_layer.hpp"
#include "tests/support/nets.hpp"

using namespace graft;
using test::contains;
using test::Counting;
using test::kSilent;
using test::message;
using test::same;

namespace {

constexpr Index kWidth = 8, kDepths = 12, kBest = 5;

// Whether the first two of six numbers have the same sign: no linear model of them knows.
test::Task same_sign(Index samples, std::uint64_t seed) {
  test::Task task{Tensor<float>({samples, 6}), Tensor<float>({samples})};
  Rng rng(seed);
  for (Index i = 0; i < samples * 6; ++i) task.x[i] = static_cast<float>(rng.uniform(-1, 1));
  for (Index i = 0; i < samples; ++i) task.y[i] = (task.x[i * 6] > 0) == (task.x[i * 6 + 1] > 0) ? 1.0f : 0.0f;
  return task;
}

std::string counter_name(Index depth) { return "count" + std::to_string(depth); }

// Twelve relu layers. The first keeps the positive and negative parts of the inputs; the fifth makes |x0 + x1| and
// |x0 - x1| of them, in two parts each, which a linear model tells apart; the sixth adds these up, and all is lost.
Model<float> deep_source() {
  register_layer<Counting<float>>("Counting");
  Sequential<float> model({.name = "deep"});
  for (Index d = 1; d <= kDepths; ++d) {
    DenseOptions options{.activation = "relu", .name = "layer" + std::to_string(d)};
    if (d == 1) options.input_shape = Shape{6};
    model.add(Dense(kWidth, options));
    model.add(Counting<float>::from_config(Config::object({{"name", counter_name(d)}})));
  }
  for (Index d = 1; d <= kDepths; ++d) {
    auto weights = model.get_layer("layer" + std::to_string(d)).get_weights();
    auto& kernel = weights[0];  // (in, out)
    kernel.fill(0);
    const auto set = [&](Index from, Index to, float value) { kernel[from * kWidth + to] = value; };
    if (d == 1) {
      for (Index input = 0; input < 4; ++input) set(input, 2 * input, 1), set(input, 2 * input + 1, -1);
    } else if (d == kBest) {
      const float sign[4][2] = {{1, 1}, {-1, -1}, {1, -1}, {-1, 1}};
      for (Index unit = 0; unit < 4; ++unit) {
        for (Index input = 0; input < 2; ++input) {
          set(2 * input, unit, sign[unit][input]);
          set(2 * input + 1, unit, -sign[unit][input]);
        }
        set(4 + unit, 4 + unit, 1);
      }
    } else if (d == kBest + 1) {
      for (Index unit = 0; unit < 4; ++unit) set(unit, 0, 1), set(4 + unit, 4 + unit, 1);
    } else {
      for (Index unit = 0; unit < kWidth; ++unit) set(unit, unit, 1);
    }
    model.get_layer("layer" + std::to_string(d)).set_weights(weights);
  }
  return model;
}

// Runs of the counting layers, forward and backward, since the last call.
double counted() {
  double total = 0;
  for (Index d = 1; d <= kDepths; ++d) {
    auto& totals = *test::shared_totals(counter_name(d));
    total += static_cast<double>(totals.forward_rows + totals.backward_rows);
    totals = {};
  }
  return total;
}

Tensor<float> numbers(const Shape& shape, std::uint64_t seed) {
  Tensor<float> t(shape);
  Rng rng(seed);
  for (Index i = 0; i < t.size(); ++i) t[i] = static_cast<float>(rng.normal());
  return t;
}

// log N(y; 0, I / beta + F Fᵀ / alpha), written down.
double direct_log_evidence(const Eigen::MatrixXd& f, const Eigen::VectorXd& y, double alpha, double beta) {
  const Eigen::Index n = f.rows();
  const Eigen::MatrixXd covariance = Eigen::MatrixXd::Identity(n, n) / beta + f * f.transpose() / alpha;
  const Eigen::LLT<Eigen::MatrixXd> llt(covariance);
  double half_log = 0;
  for (Eigen::Index i = 0; i < n; ++i) half_log += std::log(llt.matrixL()(i, i));
  return -0.5 * y.dot(llt.solve(y)) - half_log - 0.5 * static_cast<double>(n) * std::log(2 * 3.14159265358979323846);
}

// Its maximum, by looking: a grid over both, made finer around the best point.
double brute_force(const Eigen::MatrixXd& f, const Eigen::VectorXd& y) {
  double best = -1e300, a = 0, b = 0, step = 1.5;
  for (int round = 0; round < 25; ++round) {
    const double centre_a = a, centre_b = b;
    for (int i = -4; i <= 4; ++i) {
      for (int j = -4; j <= 4; ++j) {
        const double at_a = centre_a + step * i, at_b = centre_b + step * j;
        const double value = direct_log_evidence(f, y, std::exp(at_a), std::exp(at_b));
        if (value > best) best = value, a = at_a, b = at_b;
      }
    }
    step *= 0.65;
  }
  return best;
}

}  // namespace

TEST_CASE("R-42 search_reuse_depth finds the known best depth, at least 5 times cheaper than training at every depth") {
  set_random_seed(1);
  const auto source = deep_source();
  const auto task = same_sign(400, 3);
  const auto before = source.get_weights();
  (void)counted();
  const auto found =
      search_reuse_depth<float>(source, {task.x, task.y}, {.head = {.epochs = 25}, .tuning = {.epochs = 4}});
  const double searched = counted();
  CHECK(found.depth == kBest);
  REQUIRE(found.table.size() == kDepths + 1);
  for (const auto& row : found.table) {
    CAPTURE(row.depth, row.probe);
    CHECK((row.probe > 0.9) == (row.depth == kBest));
  }
  CHECK(found.table[kBest].layer == counter_name(kBest));
  CHECK(found.table[0].layer == "(input)");
  REQUIRE(found.table[kBest].fine_tuned);
  CHECK(*found.table[kBest].fine_tuned > 0.9);
  CHECK(same(before, source.get_weights()));  // it worked on copies
  CHECK(found.model.evaluate(task.x, task.y)[1] > 0.9);
  CHECK(found.model.get_layer("layer5").built());
  CHECK(contains(found.text, "<- best"));
  CHECK(contains(found.text, "times as many"));

  // The plain way: at every depth the head alone, then everything, all layers in every epoch.
  double plain = 0;
  Index trained = 0;
  for (Index depth = 1; depth <= kDepths; ++depth) {
    const auto model =
        reuse_layers<float>(source, {Dense(2, {.activation = "softmax"})}, {.drop_top = 2 * (kDepths - depth)}).model;
    for (const bool all : {false, true}) {
      for (const auto& layer : model.layers().slice(0, -1)) layer.set_trainable(all);
      model.compile({.optimizer = "adam",
                     .loss = "sparse_categorical_crossentropy",
                     .metrics = {"accuracy"},
                     .lints = {.print = false}});
      model.fit(task.x.rows(0, 320), task.y.rows(0, 320), {.epochs = all ? 4 : 25, .verbose = kSilent});
    }
    (void)model.evaluate(task.x.rows(320, 400), task.y.rows(320, 400));
    plain += counted();
    ++trained;
  }
  CHECK(trained == kDepths);
  CHECK(searched > 0);
  CHECK(plain >= 5 * searched);
  // What is reported is what was done: half of the layers are counters; the heads, which are none, run forward and
  // backward in all 29 epochs over 320 samples, and once over the 80 others.
  const double of_head = 2 * 29 * 320 + 80;
  double candidates = 0;
  for (const auto& row : found.table) candidates += row.fine_tuned.has_value();
  CHECK(candidates >= 1);
  CHECK(candidates <= 3);
  CHECK(found.full_cost >= 5 * found.cost);
  CHECK(found.cost == Approx(2 * searched + candidates * of_head).epsilon(0.02));
  CHECK(found.full_cost == Approx(2 * plain + kDepths * of_head).epsilon(0.02));
}

TEST_CASE("R-12 the more alike the tasks, the more layers are worth reusing") {
  set_random_seed(2);
  const auto source = deep_source();
  const auto task = same_sign(300, 4);
  Tensor<float> other({300});  // what survives all layers: the sign of the third number
  for (Index i = 0; i < 300; ++i) other[i] = task.x[i * 6 + 2] > 0 ? 1.0f : 0.0f;
  const auto alike = search_reuse_depth<float>(source, {task.x, other},
                                               {.head = {.epochs = 3}, .tuning = {.epochs = 1}, .fine_tune_best = 1});
  CHECK(alike.table.back().probe > 0.95);
  const auto unlike = search_reuse_depth<float>(source, {task.x, task.y},
                                                {.head = {.epochs = 3}, .tuning = {.epochs = 1}, .fine_tune_best = 1});
  CHECK(unlike.table.back().probe < 0.7);
  CHECK(unlike.depth == kBest);
}

TEST_CASE("the depths of nets with branches, maps, nested models and a classifier of their own") {
  const auto in = Input({8, 8, 3});
  auto x = ReLU({.name = "r1"})(
      BatchNormalization({.name = "b1"})(Conv2D(4, {3, 3}, {.padding = "same", .name = "c1"})(in)));
  const auto branch = Conv2D(4, {3, 3}, {.padding = "same", .name = "c2"})(x);
  x = Add({.name = "add"})({x, branch});
  const Model base(in, x, {.name = "base"});
  const Sequential source({base, MaxPooling2D(2, {.name = "pool"}), Flatten({.name = "flat"}), Dense(5, {.name = "d3"}),
                           ReLU({.name = "r3"}), Dense(10, {.activation = "softmax", .name = "old"})});
  const auto cuts = detail::reuse_cuts(flatten(source.impl().graph()));
  std::string text;
  for (const auto& cut : cuts) text += std::to_string(cut.depth) + ":" + cut.layer + " ";
  CHECK(text == "0:(input) 1:r1 2:pool 3:r3 4:old ");

  Tensor<float> pictures = numbers({60, 8, 8, 3}, 5), y({60});
  for (Index i = 0; i < 60; ++i) {
    y[i] = static_cast<float>(i % 3);
    for (Index k = 0; k < 64; ++k) pictures[i * 192 + 3 * k + i % 3] += 3;
  }
  const auto found =
      search_reuse_depth<float>(source, {pictures, y}, {.head = {.epochs = 200}, .tuning = {.epochs = 2}, .folds = 4});
  CHECK(found.table.size() == 4);  // not the classifier of the old task
  CHECK(found.model.output_shape() == Shape{-1, 3});
  CHECK(*found.table[static_cast<std::size_t>(found.depth)].fine_tuned > 0.8);
  CHECK(found.model.predict(pictures).shape() == Shape{60, 3});
  const auto with_head = search_reuse_depth<float>(
      source, {pictures, y},
      {.head = {.epochs = 1}, .tuning = {.epochs = 1}, .flatten = true, .max_features = 20, .drop_classifier = false});
  CHECK(with_head.table.size() == 5);

  // Numbers to predict.
  const auto net = test::classifier(6, 4);
  const auto values = numbers({80, 6}, 6);
  Tensor<float> target({80, 1});
  for (Index i = 0; i < 80; ++i) target[i] = values[i * 6] - 2 * values[i * 6 + 3];
  const auto regression =
      search_reuse_depth<float>(net, {values, target}, {.head = {.epochs = 2}, .tuning = {.epochs = 2}});
  CHECK(regression.table[0].probe == Approx(1).epsilon(0.01));
  CHECK(regression.model.output_shape() == Shape{-1, 1});
  CHECK(regression.depth > 0);
}

TEST_CASE("search_reuse_depth and rank_sources say what is wrong") {
  const auto net = test::classifier(6, 4);
  const auto task = test::octants(40, 6, 1);
  const Tensor<float> one({40}, 1.0f);
  const auto search = [&](const Tensor<float>& x, const Tensor<float>& y, ReuseDepthOptions<float> options = {}) {
    return message<Error>([&] { (void)search_reuse_depth<float>(net, {x, y}, options); });
  };
  CHECK(contains(search(task.x, one, {.task = ProbeTask::classification}), "two classes or more"));
  CHECK(contains(search(task.x, task.y.rows(0, 30)), "as many labels as samples: 40"));
  CHECK(contains(search(Tensor<float>({40, 5}), task.y), "(None, 6)"));
  CHECK(contains(search(task.x, task.y, {.folds = 1}), "folds"));
  CHECK(contains(search(task.x, task.y, {.folds = 30}), "two samples a fold"));
  CHECK(contains(search(task.x, task.y, {.validation = 1}), "validation"));
  CHECK(contains(search(task.x, numbers({40}, 1), {.task = ProbeTask::classification}), "regression"));
  Tensor<float> bad = task.y;
  bad[3] = NAN;
  CHECK(contains(search(task.x, bad), "finite labels"));
  CHECK_THROWS_AS(rank_sources<float>({}, {task.x, task.y}), ConfigError);
  CHECK_THROWS_AS(rank_sources<float>({net}, {task.x, one}, {.task = ProbeTask::classification}), ConfigError);
  CHECK(contains(message<ShapeError>([&] {
                   (void)rank_sources<float>({net, test::classifier(5, 2)}, {task.x, task.y});
                 }),
                 "model 1"));
}

TEST_CASE("LogME is the largest log evidence: against the evidence written down and maximised by looking") {
  Rng rng(std::uint64_t{5});
  for (const auto& [n, d, kind] : {std::tuple(12, 4, 0), std::tuple(12, 4, 1), std::tuple(9, 15, 0),
                                   std::tuple(14, 4, 2), std::tuple(10, 10, 0)}) {
    CAPTURE(n, d, kind);
    Tensor<float> f({n, d}), y({n, 1});
    for (Index i = 0; i < f.size(); ++i) f[i] = static_cast<float>(rng.normal());
    for (Index i = 0; i < n; ++i) {
      y[i] = static_cast<float>(0.5 * rng.normal());
      if (kind == 0) y[i] += f[i * d] - 2 * f[i * d + 1];
      if (kind == 2) y[i] = static_cast<float>(static_cast<int>(2.2 + std::tanh(f[i * d])));  // classes
    }
    Eigen::MatrixXd features(n, d);
    for (Index i = 0; i < f.size(); ++i) features(i / d, i % d) = static_cast<double>(f[i]);
    const bool classes = kind == 2;
    const Index columns = classes ? 4 : 1;
    double expected = 0;
    Index used = 0;
    for (Index c = 0; c < columns; ++c) {
      Eigen::VectorXd target(n);
      for (Index i = 0; i < n; ++i)
        target[i] = classes ? (static_cast<Index>(y[i]) == c ? 1.0 : 0.0) : static_cast<double>(y[i]);
      if (target.isZero()) continue;
      expected += brute_force(features, target) / n;
      ++used;
    }
    if (!classes) {
      const double found = log_me<float>(f.view(), y.view(), ProbeTask::regression);
      // As many features as samples or more: the optimum lies where there is no noise, beyond what looking reaches.
      CHECK(found == Approx(expected).epsilon(d >= n ? 1e-4 : 1e-6));
      CHECK(found >= expected - 1e-8);
      continue;
    }
    // Classes: the mean over the columns, as of numbers.
    Tensor<float> dense({n, used});
    std::vector<Index> present;
    for (Index c = 0; c < columns; ++c) {
      for (Index i = 0; i < n; ++i) {
        if (static_cast<Index>(y[i]) == c) {
          present.push_back(c);
          break;
        }
      }
    }
    for (Index i = 0; i < n; ++i) {
      for (Index k = 0; k < used; ++k)
        dense[i * used + k] = static_cast<Index>(y[i]) == present[static_cast<std::size_t>(k)] ? 1.0f : 0.0f;
    }
    CHECK(log_me<float>(f.view(), dense.view(), ProbeTask::classification) ==
          Approx(expected / static_cast<double>(used)).epsilon(1e-6));
  }
}

TEST_CASE("LogME: better features score higher; features that say all or nothing stay finite") {
  const auto task = test::octants(200, 6, 2);
  Tensor<float> good({200, 4}), nothing({200, 4});
  for (Index i = 0; i < 200; ++i) good[i * 4 + static_cast<Index>(task.y[i])] = 1;
  const double of_inputs = log_me<float>(task.x.view(), task.y.view());
  const double of_noise = log_me<float>(numbers({200, 6}, 9).view(), task.y.view());
  const double of_labels = log_me<float>(good.view(), task.y.view());
  const double of_nothing = log_me<float>(nothing.view(), task.y.view());
  CHECK(of_inputs > of_noise);
  CHECK(of_labels > of_inputs);
  CHECK(std::isfinite(of_labels));
  CHECK(std::isfinite(of_nothing));
  CHECK(of_nothing <= of_noise + 0.05);
}

TEST_CASE("rank_sources finds the source whose features know the task, without training; numbers as well") {
  const auto task = same_sign(200, 8);
  const auto deep = deep_source();
  const auto until = [&](Index depth) { return Model<float>(Sequential(deep.layers().slice(0, 2 * depth))); };
  set_random_seed(7);
  const auto random = test::classifier(6, 4);
  const auto ranking = rank_sources<float>({until(3), random, until(kBest), until(8)}, {task.x, task.y});
  REQUIRE(ranking.sources.size() == 4);
  CHECK(ranking.best().index == 2);
  for (std::size_t i = 1; i < 4; ++i) CHECK(ranking.sources[i - 1].score >= ranking.sources[i].score);
  CHECK(ranking.best().features == kWidth);
  CHECK(contains(ranking.text, "LogME"));
  for (const auto& source : ranking.sources) {
    if (source.index == 1) CHECK(source.features == 8);  // below its softmax
  }
  Tensor<float> y({200});
  for (Index i = 0; i < 200; ++i)
    y[i] = std::abs(task.x[i * 6] + task.x[i * 6 + 1]) - 0.3f * std::abs(task.x[i * 6] - task.x[i * 6 + 1]);
  const auto numbers_too = rank_sources<float>({until(8), until(kBest), until(3)}, {task.x, y});
  CHECK(numbers_too.best().index == 1);
}
