#include "support/catch.hpp"
#include "tests/support/nets.hpp"

using namespace graft;
using Catch::Matchers::ContainsSubstring;

namespace {

// All states of n bits, (2^n, n).
Tensor<double> all_states(Index n) {
  Tensor<double> states({Index{1} << n, n});
  for (Index i = 0; i < states.dim(0); ++i) {
    for (Index j = 0; j < n; ++j) states[i * n + j] = static_cast<double>(i >> j & 1);
  }
  return states;
}

// A machine with weights of some size.
RBM<double> machine(Index visible, Index hidden, VisibleUnits units = VisibleUnits::bernoulli, double scale = 0.7) {
  RBM<double> rbm(visible, hidden, {.visible_units = units, .seed = 1});
  RBMWeights<double> w(visible, hidden);
  Rng rng(std::uint64_t{3});
  for (auto* t : {&w.kernel, &w.visible_bias, &w.hidden_bias}) {
    for (Index i = 0; i < t->size(); ++i) (*t)[i] = scale * rng.normal();
  }
  rbm.set_weights(w);
  return rbm;
}

double energy(const RBM<double>& rbm, const double* v, const double* h) {
  const auto& w = rbm.weights();
  double e = 0;
  for (Index i = 0; i < rbm.visible(); ++i) {
    const double b = w.visible_bias[i];
    e += rbm.visible_units() == VisibleUnits::gaussian ? (v[i] - b) * (v[i] - b) / 2 : -b * v[i];
    for (Index j = 0; j < rbm.hidden(); ++j) e -= v[i] * w.kernel[i * rbm.hidden() + j] * h[j];
  }
  for (Index j = 0; j < rbm.hidden(); ++j) e -= w.hidden_bias[j] * h[j];
  return e;
}

std::vector<double> flat(const RBMWeights<double>& w) {
  std::vector<double> all;
  for (const auto* t : {&w.kernel, &w.visible_bias, &w.hidden_bias}) all.insert(all.end(), t->begin(), t->end());
  return all;
}

RBMWeights<double> moved(const RBMWeights<double>& w, std::size_t at, double by) {
  RBMWeights<double> result = w;
  for (auto* t : {&result.kernel, &result.visible_bias, &result.hidden_bias}) {
    if (at < static_cast<std::size_t>(t->size())) {
      (*t)[static_cast<Index>(at)] += by;
      break;
    }
    at -= static_cast<std::size_t>(t->size());
  }
  return result;
}

Tensor<double> data_for(VisibleUnits units, Index n, Index visible) {
  Tensor<double> x({n, visible});
  Rng rng(11);
  for (Index i = 0; i < x.size(); ++i) {
    x[i] = units == VisibleUnits::gaussian ? rng.normal() : static_cast<double>(rng.uniform() < 0.3 + 0.1 * double(i % visible));
  }
  return x;
}

// Two patterns of eight bits, each half of the time: log p is -log 2 at best.
Tensor<float> two_patterns(Index n) {
  Tensor<float> x({n, 8});
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < 8; ++j) x[i * 8 + j] = (j < 4) == (i % 2 == 0) ? 1.f : 0.f;
  }
  return x;
}

}  // namespace

TEST_CASE("R-45: an RBM's probabilities are those of its energy, by enumeration") {
  const auto rbm = machine(4, 3);
  const auto v = all_states(4), h = all_states(3);
  double z = 0;
  const auto free = rbm.free_energy(v), hidden = rbm.transform(v);
  for (Index i = 0; i < 16; ++i) {
    double sum = 0, on[3] = {};
    for (Index k = 0; k < 8; ++k) {
      const double p = std::exp(-energy(rbm, v.data() + i * 4, h.data() + k * 3));
      sum += p;
      for (Index j = 0; j < 3; ++j) on[j] += p * h[k * 3 + j];
    }
    z += sum;
    CHECK(free[i] == Approx(-std::log(sum)));
    for (Index j = 0; j < 3; ++j) CHECK(hidden[i * 3 + j] == Approx(on[j] / sum));
  }
  CHECK(log_partition(rbm) == Approx(std::log(z)));
  double total = 0;
  for (Index i = 0; i < 16; ++i) total += std::exp(log_likelihood<double>(rbm, v.rows(i, i + 1)));
  CHECK(total == Approx(1));

  // Gaussian: the density of one visible unit, by the trapezoidal rule.
  const auto gaussian = machine(1, 3, VisibleUnits::gaussian);
  double integral = 0;
  for (double x = -20; x < 20; x += 0.01) {
    integral += 0.01 * std::exp(log_likelihood<double>(gaussian, Tensor<double>({1, 1}, {x})));
  }
  CHECK(integral == Approx(1).epsilon(1e-6));
}

TEST_CASE("R-45: the gradient of an RBM's exact log-likelihood agrees with finite differences") {
  for (const auto units : {VisibleUnits::bernoulli, VisibleUnits::gaussian}) {
    auto rbm = machine(4, 3, units);
    const auto x = data_for(units, 7, 4);
    const auto gradient = flat(log_likelihood_gradient<double>(rbm, x));
    const auto at = rbm.weights();
    REQUIRE(gradient.size() == 4 * 3 + 4 + 3);
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      const double step = 1e-5;
      rbm.set_weights(moved(at, i, step));
      const double above = log_likelihood<double>(rbm, x);
      rbm.set_weights(moved(at, i, -step));
      const double below = log_likelihood<double>(rbm, x);
      CHECK(gradient[i] == Approx((above - below) / (2 * step)).epsilon(1e-5).margin(1e-7));
    }
  }
}

TEST_CASE("R-45: contrastive divergence with many steps is the gradient of the exact log-likelihood; with one it is not") {
  for (const auto units : {VisibleUnits::bernoulli, VisibleUnits::gaussian}) {
    const auto rbm = machine(4, 3, units, 1.5);
    const auto few = data_for(units, 5, 4);
    Tensor<double> many({20000, 4});
    for (Index i = 0; i < many.size(); ++i) many[i] = few[i % few.size()];
    const auto exact = flat(log_likelihood_gradient<double>(rbm, few));
    const auto error = [&](Index k) {
      const auto estimate = flat(rbm.contrastive_divergence(many, {.k = k}, RandomKey{17}));
      double most = 0;
      for (std::size_t i = 0; i < exact.size(); ++i) most = std::max(most, std::abs(estimate[i] - exact[i]));
      return most;
    };
    const double many_steps = error(60), one_step = error(1);
    CHECK(many_steps < 0.04);
    CHECK(one_step > 3 * many_steps);
  }
}

TEST_CASE("R-45: training raises the exact log-likelihood: CD-k, persistent chains, Gaussian units") {
  const auto x = two_patterns(100);
  const double best = -std::log(2.0);
  for (const bool persistent : {false, true}) {
    INFO(persistent);
    RBM<float> rbm(8, 4, {.seed = persistent ? 4 : 2});
    const double before = log_likelihood<float>(rbm, x);
    CHECK(before == Approx(-8 * std::log(2.0)).margin(0.05));
    const Index epochs = persistent ? 300 : 150;
    const auto history = rbm.fit(x, {.batch_size = 10,
                                     .epochs = epochs,
                                     .gibbs = {.k = persistent ? 1 : 5},
                                     .persistent = persistent,
                                     .learning_rate = persistent ? 0.01 : 0.05,
                                     .momentum = persistent ? 0.5 : 0.9,
                                     .weight_decay = 0,
                                     .verbose = Verbose::silent});
    const double after = log_likelihood<float>(rbm, x);
    // Ten persistent chains over two patterns far apart: which one they are at is left to chance.
    CHECK(after > (persistent ? before + 1 : best - 0.5));
    CHECK(after < best);
    CHECK(static_cast<Index>(history["reconstruction_error"].size()) == epochs);
    CHECK(history["reconstruction_error"].front() > 0.2);
    CHECK(history["reconstruction_error"].back() < 0.01);
    CHECK(rbm.reconstruction_error(x) < 0.01);
  }
  // Two clouds of points around (2, 2, …) and (-2, -2, …).
  Tensor<float> clouds({400, 4});
  Rng rng(4);
  for (Index i = 0; i < clouds.size(); ++i) clouds[i] = static_cast<float>(rng.normal() + (i / 4 % 2 == 0 ? 2 : -2));
  RBM<float> gaussian(4, 2, {.visible_units = VisibleUnits::gaussian, .seed = 3});
  const double before = log_likelihood<float>(gaussian, clouds);
  gaussian.fit(clouds, {.batch_size = 20, .epochs = 40, .gibbs = {.k = 3}, .learning_rate = 0.01, .weight_decay = 0, .verbose = Verbose::silent});
  const double after = log_likelihood<float>(gaussian, clouds);
  // One Gaussian of mean 0: -(log sqrt(2 pi) + (1 + 4) / 2) * 4 = -13.7; the two clouds: -6.37.
  CHECK(before == Approx(-13.7).margin(0.5));
  CHECK(after > -7.5);
  CHECK(after < -6);
}

TEST_CASE("R-45: what an RBM learns does not depend on threads, and momentum, decay and seeds do what they say") {
  const auto x = two_patterns(33);
  const auto train = [&](Index seed, double momentum, double decay) {
    RBM<float> rbm(8, 6, {.seed = seed});
    rbm.fit(x, {.batch_size = 8, .epochs = 4, .initial_momentum = momentum, .weight_decay = decay, .verbose = Verbose::silent});
    return rbm.weights().kernel;
  };
  const auto plain = train(1, 0, 0);
  CHECK(test::same(plain, train(1, 0, 0)));
  CHECK_FALSE(test::same(plain, train(2, 0, 0)));
  CHECK_FALSE(test::same(plain, train(1, 0.5, 0)));
  CHECK(train(1, 0, 0.5).vector().norm() < plain.vector().norm());
  // Batches that are large enough to be shared by threads.
  Tensor<float> wide({256, 200});
  Rng rng(8);
  for (float& value : wide.view().span()) value = rng.uniform() < 0.5 ? 1.f : 0.f;
  const auto wide_kernel = [&](int threads) {
    const int before = num_threads();
    set_num_threads(threads);
    RBM<float> rbm(200, 120, {.seed = 1});
    rbm.fit(wide, {.batch_size = 128, .epochs = 2, .verbose = Verbose::silent});
    set_num_threads(before);
    return rbm.weights().kernel;
  };
  CHECK(test::same(wide_kernel(1), wide_kernel(3)));
  // No epochs: nothing moves.
  RBM<float> still(8, 6, {.seed = 1});
  const auto at = still.weights().kernel;
  still.fit(x, {.epochs = 0, .verbose = Verbose::silent});
  CHECK(test::same(at, still.weights().kernel));
}

TEST_CASE("R-45: an RBM becomes a Dense layer that computes the same") {
  RBM<float> rbm(8, 3, {.initial_stddev = 0.5, .seed = 1});
  const auto x = two_patterns(6);
  const Sequential model({rbm.to_dense("features")});
  CHECK(model.get_layer("features").trainable());
  const auto y = model.predict(x), h = rbm.transform(x);
  CHECK(y.shape() == Shape{6, 3});
  for (Index i = 0; i < y.size(); ++i) CHECK(y[i] == Approx(h[i]));
  // Pictures are flattened.
  CHECK(test::same(rbm.transform(x.reshaped({6, 4, 2})), h));
}

TEST_CASE("bad input: an RBM says what it cannot train on") {
  CHECK_THROWS_AS(RBM<float>(0, 3), ConfigError);
  CHECK_THROWS_AS(RBM<float>(3, 2, {.initial_stddev = -1}), ConfigError);
  RBM<float> rbm(3, 2, {.seed = 1});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto fit = [&](const Tensor<float>& x, const RBMFitOptions& options = {}) { rbm.fit(x, options); };
  CHECK_THROWS_WITH(fit(Tensor<float>({2, 3}, {0.f, 1.f, 0.f, 0.f, 255.f, 0.f})),
                    ContainsSubstring("from 0 to 1") && ContainsSubstring("sample 1") && ContainsSubstring("gaussian"));
  CHECK_THROWS_AS(fit(Tensor<float>({1, 3}, nan)), DataError);
  CHECK_THROWS_AS(fit(Tensor<float>({2, 4})), ShapeError);
  CHECK_THROWS_AS(fit(Tensor<float>({0, 3})), ShapeError);
  const Tensor<float> good({2, 3});
  CHECK_THROWS_AS(fit(good, {.batch_size = 0}), ConfigError);
  CHECK_THROWS_AS(fit(good, {.gibbs = {.k = 0}}), ConfigError);
  CHECK_THROWS_AS(fit(good, {.learning_rate = nan}), ConfigError);
  CHECK_THROWS_AS(fit(good, {.momentum = 1}), ConfigError);
  CHECK_THROWS_AS(rbm.set_weights(RBMWeights<float>(2, 3)), ShapeError);
  CHECK_THROWS_WITH(log_partition(RBM<float>(3, 21)), ContainsSubstring("20 hidden units"));
  // A rate that is far too large for Gaussian units: the step is named.
  RBM<float> wild(3, 2, {.visible_units = VisibleUnits::gaussian, .seed = 1});
  Tensor<float> x({64, 3});
  for (Index i = 0; i < x.size(); ++i) x[i] = static_cast<float>(100 * (i % 7));
  const RBMFitOptions fast{.epochs = 200, .learning_rate = 100, .verbose = Verbose::silent};
  CHECK_THROWS_WITH(wild.fit(x, fast), ContainsSubstring("diverged") && ContainsSubstring("step"));
}
