// Adafactor, Muon, ScheduleFreeAdamW and MultiOptimizer, whose steps are compared with plain computations of their own.

#include <algorithm>
#include <cmath>
#include <functional>

#include "graft/core/random.hpp"
#include "graft/optimizers/optimizers.hpp"
#include "support/catch.hpp"
#include "support/counting_allocator.hpp"

namespace {

using Catch::Matchers::ContainsSubstring;
using graft::Config;
using graft::Gradient;
using graft::Index;
using graft::Optimizer;
using graft::Shape;
using graft::Tensor;
using graft::Variable;
using graft::VariableKind;
using graft::VariablePtr;
using Numbers = std::vector<double>;

template <class Scalar>
VariablePtr<Scalar> variable(const Shape& shape, const Numbers& values, std::string name = "kernel") {
  return std::make_shared<Variable<Scalar>>(
      name, Tensor<Scalar>(shape, std::vector<Scalar>(values.begin(), values.end())), VariableKind::trainable);
}
template <class Scalar>
void step(const Optimizer<Scalar>& optimizer, const VariablePtr<Scalar>& w, const Numbers& gradient) {
  Tensor<Scalar> g(w->shape(), std::vector<Scalar>(gradient.begin(), gradient.end()));
  const Gradient<Scalar> list[] = {{w.get(), g.view()}};
  optimizer.apply(list);
}
template <class Scalar>
void check_near(const Tensor<Scalar>& received, const Numbers& expected, double margin) {
  REQUIRE(received.size() == static_cast<Index>(expected.size()));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    CHECK(static_cast<double>(received[static_cast<Index>(i)]) == Approx(expected[i]).margin(margin).epsilon(0));
  }
}
Numbers some_numbers(Index n, graft::Rng& rng, double scale = 1) {
  Numbers result(static_cast<std::size_t>(n));
  for (double& x : result) x = scale * rng.normal();
  return result;
}
Numbers three_steps(const Optimizer<float>& optimizer) {
  const auto w = variable<float>({2}, {1, -2});
  for (const Numbers& g : {Numbers{.5, -1}, Numbers{.25, 3}, Numbers{-.125, .5}}) step(optimizer, w, g);
  return {static_cast<double>(w->value()[0]), static_cast<double>(w->value()[1])};
}

// Moves `shape` for some steps with `optimizer`, and with `plain`, which moves numbers by gradients.
using Plain = std::function<void(Numbers& w, const Numbers& g, double t)>;
void check_trajectory(const Optimizer<float>& optimizer, const Shape& shape, const Plain& plain,
                      const std::string& path = "dense/kernel", double float_margin = 2e-5) {
  CAPTURE(optimizer.class_name(), shape.str());
  const Optimizer<double> in_double(optimizer);
  graft::Rng rng(7);
  Numbers w = some_numbers(shape.elements(), rng);
  const auto single = variable<float>(shape, w);
  const auto twice = variable<double>(shape, w);
  single->set_path(path);
  twice->set_path(path);
  for (int t = 1; t <= 6; ++t) {
    const Numbers g = some_numbers(shape.elements(), rng, 0.3);
    step(optimizer, single, g);
    step(in_double, twice, g);
    plain(w, g, t);
  }
  check_near(twice->value(), w, 1e-9);
  check_near(single->value(), w, float_margin);
}

double mean_square(const Numbers& x) {
  double sum = 0;
  for (const double v : x) sum += v * v;
  return sum / static_cast<double>(x.size());
}

// The first step of Adafactor on (count, rows, cols), then on: written with means over one index at a time.
Plain plain_adafactor(Index count, Index rows, Index cols, double lr, double decay) {
  auto v = std::make_shared<std::vector<Numbers>>();  // r, c of each matrix; or v alone
  return [=](Numbers& w, const Numbers& g, double t) {
    const double beta = 1 - std::pow(t, -0.8), rho = std::min(lr, 1 / std::sqrt(t));
    for (double& x : w) x -= x * decay * lr;
    const double alpha = std::max(1e-3, std::sqrt(mean_square(w))) * rho;
    if (v->empty()) v->assign(3, Numbers(g.size(), 0.0));
    const auto at = [&](Index k, Index i, Index j) { return static_cast<std::size_t>((k * rows + i) * cols + j); };
    Numbers u(g.size());
    for (Index k = 0; k < count; ++k) {
      Numbers &r = (*v)[0], &c = (*v)[1], &all = (*v)[2];
      for (Index i = 0; i < rows; ++i) {
        double mean = 0;
        for (Index j = 0; j < cols; ++j) mean += (g[at(k, i, j)] * g[at(k, i, j)] + 1e-30) / static_cast<double>(cols);
        r[at(k, i, 0)] = beta * r[at(k, i, 0)] + (1 - beta) * mean;
      }
      for (Index j = 0; j < cols; ++j) {
        double mean = 0;
        for (Index i = 0; i < rows; ++i) mean += (g[at(k, i, j)] * g[at(k, i, j)] + 1e-30) / static_cast<double>(rows);
        c[at(k, 0, j)] = beta * c[at(k, 0, j)] + (1 - beta) * mean;
      }
      double of_r = 0;
      for (Index i = 0; i < rows; ++i) of_r += r[at(k, i, 0)] / static_cast<double>(rows);
      for (Index i = 0; i < rows; ++i) {
        for (Index j = 0; j < cols; ++j) {
          const std::size_t here = at(k, i, j);
          all[here] = r[at(k, i, 0)] / of_r * c[at(k, 0, j)];
          u[here] = g[here] / std::sqrt(all[here]);
        }
      }
    }
    const double shrink = std::max(1.0, std::sqrt(mean_square(u)));
    for (std::size_t i = 0; i < w.size(); ++i) w[i] -= alpha * u[i] / shrink;
  };
}

using Matrix = std::vector<Numbers>;
Matrix times(const Matrix& a, const Matrix& b) {
  Matrix result(a.size(), Numbers(b[0].size(), 0.0));
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t k = 0; k < b.size(); ++k) {
      for (std::size_t j = 0; j < b[0].size(); ++j) result[i][j] += a[i][k] * b[k][j];
    }
  }
  return result;
}
Matrix transposed(const Matrix& a) {
  Matrix result(a[0].size(), Numbers(a.size()));
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < a[0].size(); ++j) result[j][i] = a[i][j];
  }
  return result;
}
Matrix newton_schulz(Matrix x, int steps) {
  const bool tall = x.size() > x[0].size();
  if (tall) x = transposed(x);
  double squares = 0;
  for (const Numbers& row : x) {
    for (const double v : row) squares += v * v;
  }
  for (Numbers& row : x) {
    for (double& v : row) v /= std::sqrt(squares) + 1e-7;
  }
  for (int s = 0; s < steps; ++s) {
    const Matrix a = times(x, transposed(x));
    Matrix b = times(a, a);
    for (std::size_t i = 0; i < a.size(); ++i) {
      for (std::size_t j = 0; j < a.size(); ++j) b[i][j] = -4.7750 * a[i][j] + 2.0315 * b[i][j];
    }
    const Matrix y = times(b, x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      for (std::size_t j = 0; j < x[0].size(); ++j) x[i][j] = 3.4445 * x[i][j] + y[i][j];
    }
  }
  return tall ? transposed(x) : x;
}
// One matrix; `scale` is what the rate is multiplied by.
Plain plain_muon(std::size_t rows, std::size_t cols, double lr, double decay, double scale, bool nesterov, int steps) {
  auto m = std::make_shared<Numbers>(rows * cols, 0.0);
  return [=](Numbers& w, const Numbers& g, double) {
    for (double& x : w) x *= 1 - decay * lr;
    Matrix direction(rows, Numbers(cols));
    for (std::size_t i = 0; i < rows * cols; ++i) {
      (*m)[i] = 0.95 * (*m)[i] + g[i];
      direction[i / cols][i % cols] = nesterov ? g[i] + 0.95 * (*m)[i] : (*m)[i];
    }
    direction = newton_schulz(direction, steps);
    for (std::size_t i = 0; i < rows * cols; ++i) w[i] -= lr * scale * direction[i / cols][i % cols];
  };
}
Plain plain_adam(double lr, double rate_of_decay) {
  auto m = std::make_shared<Numbers>(), v = std::make_shared<Numbers>();
  return [=](Numbers& w, const Numbers& g, double t) {
    m->resize(w.size()), v->resize(w.size());
    for (std::size_t i = 0; i < w.size(); ++i) {
      w[i] -= w[i] * rate_of_decay;
      (*m)[i] = 0.9 * (*m)[i] + 0.1 * g[i];
      (*v)[i] = 0.999 * (*v)[i] + 0.001 * g[i] * g[i];
      const double unbiased = std::sqrt(1 - std::pow(0.999, t)) / (1 - std::pow(0.9, t));
      w[i] -= lr * unbiased * (*m)[i] / (std::sqrt((*v)[i]) + 1e-7);
    }
  };
}

}  // namespace

TEST_CASE("Adafactor: steps on vectors and matrices as Keras 3.11.3 makes them", "[golden]") {
  const Numbers vector = three_steps(graft::Adafactor({.learning_rate = 0.1}));
  CHECK(vector[0] == Approx(.81170768).margin(5e-6).epsilon(0));
  CHECK(vector[1] == Approx(-2.06285572).margin(5e-6).epsilon(0));
  const auto w = variable<float>({2, 2}, {1, 2, 3, 4});
  step<float>(graft::Adafactor({.learning_rate = 0.5}), w, {1, 6, 7, 2});
  check_near(w->value(), {0.7007, -0.0081, 1.2492, 3.4407}, 1e-4);
}

TEST_CASE("Adafactor: trajectories of matrices, of stacks of them and of vectors by a plain computation") {
  const float rate = 0.05f;  // as it is in a file, where the optimizer for double comes from
  const auto adafactor = [&](double decay) {
    return graft::Adafactor({.learning_rate = rate, .weight_decay = decay > 0 ? std::optional(decay) : std::nullopt});
  };
  check_trajectory(adafactor(0), {5, 3}, plain_adafactor(1, 5, 3, rate, 0));
  check_trajectory(adafactor(0.1), {3, 7}, plain_adafactor(1, 3, 7, rate, 0.1));
  check_trajectory(adafactor(0), {2, 3, 4, 5}, plain_adafactor(6, 4, 5, rate, 0));
  check_trajectory(adafactor(0), {1, 6}, plain_adafactor(1, 1, 6, rate, 0));
  auto v = std::make_shared<Numbers>(8, 0.0);
  check_trajectory(graft::Adafactor({.learning_rate = 10.0f, .clip_threshold = 0.5}), {8},
                   [v](Numbers& w, const Numbers& g, double t) {
                     const double alpha = std::max(1e-3, std::sqrt(mean_square(w))) / std::sqrt(t);  // not 10
                     Numbers u(8);
                     for (std::size_t i = 0; i < 8; ++i) {
                       (*v)[i] += std::pow(t, -0.8) * (g[i] * g[i] - (*v)[i]);
                       u[i] = g[i] / std::sqrt((*v)[i]);
                     }
                     const double shrink = std::max(1.0, std::sqrt(mean_square(u)) / 0.5);
                     for (std::size_t i = 0; i < 8; ++i) w[i] -= alpha * u[i] / shrink;
                   });
}

TEST_CASE("Adafactor: its slots r and c have shapes of their own, and a state that does not fit is refused") {
  const Optimizer<float> optimizer = graft::Adafactor();
  graft::Rng rng(3);
  const auto kernel = variable<float>({2, 3, 4}, some_numbers(24, rng));
  const auto bias = variable<float>({4}, some_numbers(4, rng), "bias");
  step<float>(optimizer, kernel, some_numbers(24, rng));
  step<float>(optimizer, bias, some_numbers(4, rng));
  auto state = optimizer.state(std::vector{kernel, bias});
  REQUIRE(state.slots.size() == 6);
  const Shape shapes[] = {{2, 3}, {2, 4}, {2, 3, 4}, {}, {}, {4}};
  const char* names[] = {"r", "c", "velocity"};
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(state.slots[i].name == names[i % 3]);
    CHECK(state.slots[i].value.shape() == shapes[i]);
    CHECK(optimizer.slot_shape(names[i % 3], i < 3 ? *kernel : *bias) == shapes[i]);
  }
  CHECK_FALSE(optimizer.slot_shape("momentum", *kernel).has_value());
  state.slots[0].value = Tensor<float>(Shape{2, 3, 4});
  CHECK_THROWS_AS(optimizer.set_state(state), graft::ShapeError);
  state.slots[0].name = "rows";
  CHECK_THROWS_WITH(optimizer.set_state(state), ContainsSubstring("r, c, velocity"));
  CHECK_THROWS_AS(graft::Adafactor({.clip_threshold = 0}), graft::ConfigError);
}

TEST_CASE("Muon: trajectories of wide and tall matrices by a plain computation") {
  const float rate = 0.02f;
  check_trajectory(graft::Muon({.learning_rate = rate}), {3, 5},
                   plain_muon(3, 5, rate, 0.004, 0.2 * std::sqrt(5.0), true, 5));
  check_trajectory(graft::Muon({.learning_rate = rate, .nesterov = false, .weight_decay = {}}), {6, 2},
                   plain_muon(6, 2, rate, 0, 0.2 * std::sqrt(6.0), false, 5));
  check_trajectory(graft::Muon({.learning_rate = rate, .ns_steps = 3, .rms_rate = {}}), {4, 4},
                   plain_muon(4, 4, rate, 0.004, 1, true, 3));
}

TEST_CASE("Muon: the step is an orthogonal matrix, nearly, as long as rms_rate says") {
  graft::Rng rng(11);
  const auto w = variable<float>({40, 10}, Numbers(400, 0.0));
  step<float>(graft::Muon({.learning_rate = 1, .rms_rate = 0.2}), w, some_numbers(400, rng, 100));
  Matrix d(40, Numbers(10));
  for (std::size_t i = 0; i < 400; ++i) {
    d[i / 10][i % 10] = static_cast<double>(w->value()[static_cast<Index>(i)]) / (0.2 * std::sqrt(40.0));
  }
  const Matrix gram = times(transposed(d), d);
  for (std::size_t i = 0; i < 10; ++i) {
    double others = 0;
    for (std::size_t j = 0; j < 10; ++j) others += i == j ? 0 : std::abs(gram[i][j]);
    // Gershgorin: all singular values lie where the iteration leaves them, in about [0.7, 1.2].
    CHECK(gram[i][i] + others < 2.2);
    CHECK(gram[i][i] > 0.4);
  }
}

TEST_CASE("Muon: Adam moves what is no matrix, embeddings and excluded layers") {
  const float rate = 0.02f;
  const auto muon = [&] {
    return graft::Muon({.learning_rate = rate,
                        .adam_weight_decay = 0.1,
                        .exclude_layers = {"out.*1", "^head"},
                        .adam_lr_ratio = 0.5,
                        .weight_decay = {}});
  };
  for (const char* path : {"output_1/kernel", "head/kernel", "a/Embedding_2/table", "x/embeddings"}) {
    check_trajectory(muon(), {3, 5}, plain_adam(0.5 * rate, 0.1 * rate), path);
  }
  check_trajectory(muon(), {7}, plain_adam(0.5 * rate, 0.1 * rate), "dense/bias");
  check_trajectory(muon(), {2, 2, 3}, plain_adam(0.5 * rate, 0.1 * rate), "conv/kernel");
  for (const char* path : {"my_head/kernel", "output_2/kernel"}) {
    check_trajectory(muon(), {3, 5}, plain_muon(3, 5, rate, 0, 0.2 * std::sqrt(5.0), true, 5), path);
  }
  check_trajectory(graft::Muon({.learning_rate = rate, .exclude_embeddings = false}), {3, 5},
                   plain_muon(3, 5, rate, 0.004, 0.2 * std::sqrt(5.0), true, 5), "embedding/embeddings");
  CHECK_THROWS_AS(graft::Muon({.exclude_layers = {"("}}), graft::ConfigError);
  CHECK_THROWS_AS(graft::Muon({.ns_steps = -1}), graft::ConfigError);
}

TEST_CASE("Muon: only Adam's variables have a velocity") {
  const Optimizer<float> optimizer = graft::Muon();
  graft::Rng rng(3);
  const auto kernel = variable<float>({2, 3}, some_numbers(6, rng)), bias = variable<float>({3}, {1, 2, 3}, "bias");
  step<float>(optimizer, kernel, some_numbers(6, rng));
  step<float>(optimizer, bias, some_numbers(3, rng));
  const auto state = optimizer.state(std::vector{kernel, bias});
  REQUIRE(state.slots.size() == 3);
  CHECK(state.slots[0].name == "momentum");
  CHECK((state.slots[2].name == "velocity" && state.slots[2].variable == bias));
}

TEST_CASE("Muon: configurations of before Keras 3.13 keep the steps of then") {
  Config config = graft::Muon({.learning_rate = 0.02f, .ns_steps = 6, .weight_decay = 0.1}).config();
  config["config"].erase("rms_rate");
  config["config"].erase("adam_weight_decay");
  const auto old = Optimizer<float>::from_config(config);
  CHECK(old.config() == config);
  check_trajectory(old, {6, 2}, plain_muon(6, 2, 0.02f, 0.1, std::sqrt(3.0), true, 6));
  check_trajectory(Optimizer<float>::from_config(config), {3, 5}, plain_muon(3, 5, 0.02f, 0.1, 1, true, 6));
  check_trajectory(Optimizer<float>::from_config(config), {4}, plain_adam(0.02f, 0.1 * 0.02f), "dense/bias");
  // Of rank 3 each matrix goes its own way; the factor is that of the first two axes.
  const Plain first = plain_muon(4, 3, 0.02f, 0.1, 1, true, 6), second = plain_muon(4, 3, 0.02f, 0.1, 1, true, 6);
  check_trajectory(Optimizer<float>::from_config(config), {2, 4, 3}, [&](Numbers& w, const Numbers& g, double t) {
    Numbers a(w.begin(), w.begin() + 12), b(w.begin() + 12, w.end());
    first(a, Numbers(g.begin(), g.begin() + 12), t);
    second(b, Numbers(g.begin() + 12, g.end()), t);
    std::copy(a.begin(), a.end(), w.begin());
    std::copy(b.begin(), b.end(), w.begin() + 12);
  });
}

TEST_CASE("ScheduleFreeAdamW: a trajectory by a plain computation that keeps the mean itself") {
  const float rate = 0.05f;
  for (const Index warmup : {0, 4}) {
    auto z = std::make_shared<Numbers>(), x = std::make_shared<Numbers>(), v = std::make_shared<Numbers>(6, 0.0);
    check_trajectory(graft::ScheduleFreeAdamW({.learning_rate = rate, .beta_1 = 0.8, .warmup_steps = warmup}), {2, 3},
                     [=](Numbers& w, const Numbers& g, double t) {
                       if (z->empty()) *z = w, *x = w;
                       const double lr = rate * (warmup > 0 ? std::min(1.0, t / static_cast<double>(warmup)) : 1.0);
                       for (std::size_t i = 0; i < w.size(); ++i) {
                         (*v)[i] = 0.999 * (*v)[i] + 0.001 * g[i] * g[i];
                         (*z)[i] -= lr * g[i] / (std::sqrt((*v)[i] / (1 - std::pow(0.999, t))) + 1e-8);
                         (*x)[i] += ((*z)[i] - (*x)[i]) / t;
                         w[i] = 0.2 * (*z)[i] + 0.8 * (*x)[i];
                       }
                     });
  }
  CHECK_THROWS_AS(graft::ScheduleFreeAdamW({.beta_1 = 0}), graft::ConfigError);
}

TEST_CASE("MultiOptimizer: each variable goes as with its own optimizer alone") {
  graft::Rng rng(5);
  const Numbers start = some_numbers(4, rng);
  const char* paths[] = {"encoder/dense/kernel", "encoder/dense/bias", "head/kernel", "other/kernel"};
  const auto adam = [] { return graft::Adam({.learning_rate = 0.1}); };
  const auto rmsprop = [] { return graft::RMSprop({.learning_rate = 0.03, .clipnorm = 0.5}); };
  const auto sgd = [] { return graft::SGD({.learning_rate = 0.2, .momentum = 0.9}); };
  const graft::MultiOptimizer multi(graft::OptimizerMap(
      sgd(), {{"encoder/.*/kernel", adam()}, {"encoder/dense/bias", rmsprop()}, {"head/.*", adam()}}));
  REQUIRE(multi.optimizers().size() == 4);
  const std::vector<Optimizer<float>> alone{adam(), rmsprop(), adam(), sgd()};
  std::vector<VariablePtr<float>> together, apart;
  for (const char* path : paths) {
    together.push_back(variable<float>({4}, start));
    together.back()->set_path(path);
    apart.push_back(variable<float>({4}, start));
  }
  for (int t = 0; t < 5; ++t) {
    std::vector<Tensor<float>> gradients;
    std::vector<Gradient<float>> list;
    for (std::size_t i = 0; i < 4; ++i) {
      const Numbers g = some_numbers(4, rng);
      gradients.emplace_back(Shape{4}, std::vector<float>(g.begin(), g.end()));
      step(alone[i], apart[i], g);
    }
    for (std::size_t i = 0; i < 4; ++i) list.push_back({together[i].get(), gradients[i].view()});
    multi.apply(list);
  }
  for (std::size_t i = 0; i < 4; ++i) {
    for (Index k = 0; k < 4; ++k) CHECK(together[i]->value()[k] == apart[i]->value()[k]);
  }
  CHECK(multi.iterations() == 5);
  CHECK(multi.optimizers()[0].iterations() == 5);
  const auto state = multi.state(together);
  CHECK(state.slots.size() == 2 + 1 + 2 + 1);
  CHECK_FALSE(state.learning_rate.has_value());
}

TEST_CASE("MultiOptimizer: scaled losses, one optimizer for several patterns, and no learning rate") {
  const graft::SGD shared({.learning_rate = 1.0, .loss_scale_factor = 4.0});
  const graft::MultiOptimizer multi(
      graft::OptimizerMap(graft::SGD({.learning_rate = 0.5}), {{"a", shared}, {"b", shared}}),
      {.loss_scale_factor = 8.0});
  CHECK(multi.optimizers().size() == 2);
  CHECK(multi.loss_scale() == 8.0);
  const auto a = variable<float>({1}, {0}, "a"), c = variable<float>({1}, {0}, "c");
  step<float>(multi, a, {8});
  step<float>(multi, c, {8});
  CHECK(a->value()[0] == -1.0f);
  CHECK(c->value()[0] == -0.5f);
  CHECK(multi.iterations() == 2);
  CHECK_THROWS_AS(multi.learning_rate(), graft::StateError);
  CHECK_THROWS_WITH(multi.set_learning_rate(0.1), ContainsSubstring("optimizers()"));
}

TEST_CASE("MultiOptimizer: maps that make no sense are errors") {
  using graft::ConfigError;
  using graft::OptimizerMap;
  CHECK_THROWS_AS(OptimizerMap("sgd", {{"a", "adam"}, {"a", "sgd"}}), ConfigError);
  CHECK_THROWS_AS(OptimizerMap("sgd", {{"a(", "adam"}}), ConfigError);
  CHECK_THROWS_AS(OptimizerMap(graft::LossScaleOptimizer(graft::SGD())), ConfigError);
  CHECK_THROWS_AS(OptimizerMap("sgd", {{"a", graft::MultiOptimizer(OptimizerMap("sgd"))}}), ConfigError);
  CHECK_THROWS_AS(Optimizer<float>("multi_optimizer"), ConfigError);
  const OptimizerMap map("sgd", {{"a.*", "adam"}, {".*b", "rmsprop"}, {"ab", "nadam"}});
  CHECK(map["ab"].class_name() == "Nadam");  // the very path goes first
  CHECK(map["a"].class_name() == "Adam");
  CHECK(map["c"].class_name() == "SGD");
  CHECK_THROWS_WITH(map["axb"], ContainsSubstring("a.*") && ContainsSubstring(".*b"));
}

namespace {

std::vector<Optimizer<float>> all_four() {
  return {graft::Adafactor({.learning_rate = 0.05}), graft::Muon({.learning_rate = 0.02, .exclude_layers = {"head"}}),
          graft::ScheduleFreeAdamW({.learning_rate = 0.02, .warmup_steps = 9}),
          graft::MultiOptimizer(graft::OptimizerMap(graft::Adafactor(), {{"head/.*", graft::Nadam()}}))};
}

struct KernelAndBias {
  explicit KernelAndBias(const Numbers& kernel_values = Numbers(12, 0.5), const Numbers& bias_values = {1, 2, 3})
      : kernel(variable<float>({4, 3}, kernel_values)), bias(variable<float>({3}, bias_values, "bias")) {
    kernel->set_path("dense/kernel");
    bias->set_path("head/bias");
  }
  void apply(const Optimizer<float>& optimizer, graft::Rng& rng) {
    for (float& g : a.view().span()) g = static_cast<float>(rng.normal());
    for (float& g : b.view().span()) g = static_cast<float>(rng.normal());
    const Gradient<float> list[] = {{kernel.get(), a.view()}, {bias.get(), b.view()}};
    optimizer.apply(list);
  }
  VariablePtr<float> kernel, bias;
  Tensor<float> a{Shape{4, 3}}, b{Shape{3}};
};

}  // namespace

TEST_CASE("the four come back from their configs, and are known by name") {
  for (const auto& optimizer : all_four()) {
    CAPTURE(optimizer.class_name());
    CHECK(Optimizer<float>::from_config(optimizer.config()).config() == optimizer.config());
    CHECK(Optimizer<double>(optimizer).config() == optimizer.config());
  }
  for (const char* name : {"Adafactor", "Muon", "ScheduleFreeAdamW"})
    CHECK(Optimizer<float>(name).class_name() == name);
  const auto muon = graft::Muon({.adam_weight_decay = {}, .rms_rate = {}, .weight_decay = {}});
  const auto again = Optimizer<float>::from_config(muon.config());
  CHECK(again.config() == muon.config());
  CHECK(again.config().at("config").at("rms_rate").is_null());
  CHECK(Optimizer<float>("muon").config() == graft::Muon().config());
}

TEST_CASE("the four: a state taken and given back goes on as if nothing had happened, and steps allocate nothing") {
  for (const auto& optimizer : all_four()) {
    CAPTURE(optimizer.class_name());
    const auto copy = Optimizer<float>::from_config(optimizer.config());
    KernelAndBias first;
    graft::Rng rng(1);
    for (int t = 0; t < 3; ++t) first.apply(optimizer, rng);
    const auto values = [](const VariablePtr<float>& w) { return Numbers(w->value().begin(), w->value().end()); };
    KernelAndBias second(values(first.kernel), values(first.bias));
    auto state = optimizer.state(std::vector{first.kernel, first.bias});
    for (auto& slot : state.slots) slot.variable = slot.variable == first.kernel ? second.kernel : second.bias;
    copy.set_state(state);
    graft::Rng one(2), two(2);
    first.apply(optimizer, one);
    graft::test::AllocationCounter counter;
    for (int t = 0; t < 3; ++t) first.apply(optimizer, one);
    CHECK(counter.calls() == 0);
    for (int t = 0; t < 4; ++t) second.apply(copy, two);
    CHECK(values(first.kernel) == values(second.kernel));
    CHECK(values(first.bias) == values(second.bias));
    CHECK(copy.iterations() == optimizer.iterations());
  }
}
