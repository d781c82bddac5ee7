#include <algorithm>
#include <cmath>

#include "../../support/catch.hpp"
#include "graft/core/thread_pool.hpp"
#include "graft/nn/constraints.hpp"
#include "graft/nn/initializers.hpp"
#include "graft/nn/layers/dense.hpp"
#include "graft/nn/regularizers.hpp"

using namespace graft;
using Catch::Matchers::ContainsSubstring;

namespace {

Tensor<double> draw(const Initializer& initializer, const Shape& shape, std::uint64_t seed = 1) {
  Rng rng(seed);
  Tensor<double> result(shape);
  initializer.fill(result.view(), rng);
  return result;
}

struct Moments {
  double mean = 0, variance = 0, largest = 0;
};
Moments moments(const Tensor<double>& values) {
  Moments m;
  for (const double x : values) m.mean += x / static_cast<double>(values.size());
  for (const double x : values) {
    m.variance += (x - m.mean) * (x - m.mean) / static_cast<double>(values.size());
    m.largest = std::max(m.largest, std::abs(x));
  }
  return m;
}

bool equal(const Tensor<double>& a, const Tensor<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

TEST_CASE("R-51 Glorot, He and LeCun have the variances of their papers") {
  struct Row {
    const char* name;
    double variance;  // for 300 inputs and 200 outputs
    bool uniform;
  };
  const Row rows[] = {{"glorot_normal", 1 / 250., false}, {"glorot_uniform", 1 / 250., true},
                      {"he_normal", 2 / 300., false},     {"he_uniform", 2 / 300., true},
                      {"lecun_normal", 1 / 300., false},  {"lecun_uniform", 1 / 300., true}};
  for (const Row& row : rows) {
    INFO(row.name);
    const Moments m = moments(draw(row.name, {300, 200}));
    // 60,000 numbers: the standard error of the variance is 0.6 % at most, of the mean sqrt(variance / 60000).
    CHECK(m.variance == Approx(row.variance).epsilon(0.02));
    CHECK(std::abs(m.mean) < 5 * std::sqrt(row.variance / 60000));
    if (row.uniform) {
      const double limit = std::sqrt(3 * row.variance);
      CHECK(m.largest <= limit);
      CHECK(m.largest > 0.999 * limit);
    }
  }
}

TEST_CASE("R-52 VarianceScaling cuts the normal distribution at two standard deviations and makes up for it") {
  for (const char* name : {"glorot_normal", "he_normal", "lecun_normal"}) {
    INFO(name);
    const double sigma = std::sqrt(std::string(name) == "glorot_normal" ? 1 / 250.
                                   : std::string(name) == "he_normal"   ? 2 / 300.
                                                                        : 1 / 300.);
    const Moments m = moments(draw(name, {300, 200}));
    CHECK(m.largest <= 2 * sigma / 0.87962566103423978);
    CHECK(m.largest > 0.995 * 2 * sigma / 0.87962566103423978);
  }
  const Moments untruncated = moments(draw(VarianceScaling({.distribution = "untruncated_normal"}), {300, 200}));
  CHECK(untruncated.largest > 3.5 / std::sqrt(300.));
  CHECK(untruncated.variance * 300 == Approx(1).epsilon(0.02));
  // "normal" is the truncated one.
  CHECK(equal(draw(VarianceScaling({.distribution = "normal"}), {30, 20}), draw(VarianceScaling(), {30, 20})));
  CHECK(equal(draw(HeNormal(), {30, 20}), draw(VarianceScaling({.scale = 2.}), {30, 20})));
  // A fan of less than one counts as one.
  CHECK(moments(draw(VarianceScaling({.distribution = "uniform"}), {0 + 1, 5000})).largest <= std::sqrt(3.));
  CHECK_THROWS_AS(VarianceScaling({.scale = 0.}), ConfigError);
  CHECK_THROWS_AS(VarianceScaling({.mode = "fan_inn"}), ConfigError);
  CHECK_THROWS_AS(VarianceScaling({.distribution = "gauss"}), ConfigError);
}

TEST_CASE("R-53 fans by shape") {
  struct Row {
    Shape shape;
    double in, out;
  };
  const Row rows[] = {{{}, 1, 1},
                      {{7}, 7, 7},
                      {{300, 200}, 300, 200},
                      {{5, 3, 8}, 15, 40},
                      {{3, 3, 16, 32}, 144, 288},
                      {{2, 3, 4, 5, 6}, 120, 144}};
  for (const Row& row : rows) {
    INFO(row.shape.str());
    CHECK(Fans::of(row.shape).in == row.in);
    CHECK(Fans::of(row.shape).out == row.out);
  }
}

TEST_CASE("R-54 what Keras 1 draws can be said: untruncated normal, orthogonal with gain 1.1") {
  const auto he = Initializer::from_config(Config::object(
      {{"class_name", "VarianceScaling"},
       {"config", Config::object({{"scale", 2.}, {"mode", "fan_in"}, {"distribution", "untruncated_normal"}})}}));
  const Moments m = moments(draw(he, {300, 200}));
  CHECK(m.variance * 300 == Approx(2).epsilon(0.02));
  CHECK(m.largest > 3.5 * std::sqrt(2 / 300.));
  const Tensor<double> q = draw(Orthogonal({.gain = 1.1}), {6, 6});
  double squares = 0;
  for (Index r = 0; r < 6; ++r) squares += q[r * 6] * q[r * 6];
  CHECK(squares == Approx(1.21));
}

TEST_CASE("R-55 the default is glorot_uniform, and VarianceScaling(2, fan_avg, uniform) has limit sqrt(6 / fan_avg)") {
  CHECK(Dense(3).config().at("kernel_initializer").at("class_name") == Config("GlorotUniform"));
  const Moments m =
      moments(draw(VarianceScaling({.scale = 2., .mode = "fan_avg", .distribution = "uniform"}), {300, 200}));
  CHECK(m.largest <= 0.15492);
  CHECK(m.largest > 0.1548);
  CHECK(Dense(3, {.kernel_initializer = "he_normal"}).config().at("kernel_initializer").at("class_name") ==
        Config("HeNormal"));
  CHECK(Dense(3, {.kernel_initializer = HeUniform()}).config().at("kernel_initializer").at("class_name") ==
        Config("HeUniform"));
}

TEST_CASE("initializers: the same seed gives the same numbers, whatever the threads and the scalar") {
  const Shape shape{97, 1031};
  for (const char* name : {"glorot_uniform", "he_normal", "random_normal", "random_uniform", "truncated_normal"}) {
    INFO(name);
    const int threads = num_threads();
    set_num_threads(1);
    const Tensor<double> one = draw(name, shape);
    set_num_threads(3);
    const Tensor<double> three = draw(name, shape);
    set_num_threads(threads);
    CHECK(equal(one, three));
    CHECK_FALSE(equal(one, draw(name, shape, 2)));
    Rng rng(1);
    Tensor<float> single(shape);
    Initializer(name).fill(single.view(), rng);
    CHECK(std::equal(one.begin(), one.end(), single.begin(),
                     [](double a, float b) { return static_cast<float>(a) == b; }));
    // The next draw from the same sequence is another one.
    Tensor<float> next(shape);
    Initializer(name).fill(next.view(), rng);
    CHECK_FALSE(std::equal(single.begin(), single.end(), next.begin()));
  }
  const GlorotUniform fixed({.seed = 7});
  CHECK(equal(draw(fixed, shape, 1), draw(fixed, shape, 2)));
  CHECK_FALSE(equal(draw(fixed, shape), draw(GlorotUniform({.seed = 8}), shape)));
}

TEST_CASE("initializers: constants, distributions and orthogonal matrices") {
  CHECK(moments(draw(Zeros(), {9})).largest == 0);
  CHECK(draw(Ones(), {9})[8] == 1);
  CHECK(draw(Constant(-2.5), {9})[4] == -2.5);
  const Moments normal = moments(draw(RandomNormal({.mean = 2, .stddev = 0.5}), {60000}));
  CHECK(normal.mean == Approx(2).epsilon(0.005));
  CHECK(normal.variance == Approx(0.25).epsilon(0.03));
  const Moments truncated = moments(draw(TruncatedNormal(), {60000}));
  CHECK(truncated.largest <= 0.1);
  CHECK(truncated.variance == Approx(0.0025 * 0.87962566103423978 * 0.87962566103423978).epsilon(0.03));
  const Moments uniform = moments(draw(RandomUniform({.minval = -1, .maxval = 3}), {60000}));
  CHECK(uniform.mean == Approx(1).epsilon(0.03));
  CHECK(uniform.largest <= 3);
  const Tensor<double> eye = draw(IdentityInitializer(3.0), {2, 3});
  CHECK(std::vector<double>(eye.begin(), eye.end()) == std::vector<double>{3, 0, 0, 0, 3, 0});
  CHECK_THROWS_AS(draw(IdentityInitializer(), {2, 2, 2}), ShapeError);
  CHECK_THROWS_AS(draw(Orthogonal(), {4}), ShapeError);

  for (const Shape& shape : {Shape{9, 4}, Shape{4, 9}, Shape{3, 3, 2, 5}, Shape{64, 64}}) {
    INFO(shape.str());
    const Tensor<double> q = draw(Orthogonal({.gain = 2.}), shape);
    const auto m = q.matrix();
    const Eigen::MatrixXd gram =
        m.rows() < m.cols() ? Eigen::MatrixXd(m * m.transpose()) : Eigen::MatrixXd(m.transpose() * m);
    CHECK((gram - 4 * Eigen::MatrixXd::Identity(gram.rows(), gram.cols())).cwiseAbs().maxCoeff() < 1e-12);
  }
}

TEST_CASE("initializers: names, configs and functions of one's own") {
  for (const char* name : {"Zeros", "Ones", "Constant", "RandomNormal", "RandomUniform", "TruncatedNormal",
                           "VarianceScaling", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal",
                           "LecunUniform", "Orthogonal", "Identity"}) {
    INFO(name);
    const Initializer made(name);
    CHECK(made.class_name() == name);
    const Initializer again = Initializer::from_config(made.config());
    CHECK(again.config() == made.config());
    CHECK(equal(draw(again, {6, 6}), draw(made, {6, 6})));
    CHECK_FALSE(made.config().at("config").contains("dtype"));
  }
  CHECK(Initializer("IdentityInitializer").class_name() == "Identity");
  CHECK(Initializer("OrthogonalInitializer").class_name() == "Orthogonal");  // Keras 3.0 to 3.6
  CHECK(Initializer("zero").class_name() == "Zeros");
  CHECK(Initializer("uniform").class_name() == "RandomUniform");
  CHECK(Initializer("normal").class_name() == "RandomNormal");

  const Config options = Config::object({{"mean", 0.25}, {"stddev", 0.0}, {"seed", 5}, {"dtype", "float32"}});
  // Keras 3's form, with keys that say nothing here.
  const Initializer read = Initializer::from_config(Config::object({{"module", "keras.initializers"},
                                                                    {"class_name", "RandomNormal"},
                                                                    {"config", options},
                                                                    {"registered_name", Config()}}));
  CHECK(draw(read, {3})[2] == 0.25);
  CHECK(read.config().at("config").at("seed").as_int() == 5);
  // Keras 2 writes glorot_uniform like this.
  const Initializer scaling = Initializer::from_config(Config::object(
      {{"class_name", "VarianceScaling"},
       {"config",
        Config::object({{"scale", 1.0}, {"mode", "fan_avg"}, {"distribution", "uniform"}, {"seed", Config()}})}}));
  CHECK(equal(draw(scaling, {30, 20}), draw("glorot_uniform", {30, 20})));

  CHECK_THROWS_WITH(Initializer("he_nromal"), ContainsSubstring("\"he_nromal\"") && ContainsSubstring("he_normal"));
  CHECK_THROWS_AS(Initializer::from_config(Config::object({{"class_name", "STFT"}})), ConfigError);

  const Initializer own = [](TensorView<double> into, Rng& rng) {
    for (double& x : into.span()) x = 5 + rng.uniform();
  };
  Rng rng(3);
  Tensor<float> single({4});
  own.fill(single.view(), rng);
  CHECK(single[3] >= 5.0f);
  register_initializer("OfMine", Initializer::custom("OfMine", [](TensorView<double> into, Rng&) {
                         std::fill(into.span().begin(), into.span().end(), 42.0);
                       }));
  CHECK(draw(Initializer::from_config(Initializer("OfMine").config()), {2})[1] == 42);
}

TEST_CASE("regularizers: penalty and gradient") {
  const Tensor<float> w({2, 2}, {1.0f, -2.0f, 0.0f, 3.0f});
  Tensor<float> g({2, 2}, 10.0f);
  CHECK_FALSE(Regularizer());
  CHECK(Regularizer().value_and_gradient<float>(w.view(), g.view()) == 0);
  CHECK(g[0] == 10.0f);

  CHECK(L1(0.5).value<float>(w.view()) == Approx(3));
  CHECK(L2(0.5).value<float>(w.view()) == Approx(7));
  CHECK(L1L2(0.5, 0.25).value_and_gradient<float>(w.view(), g.view(), 2.0f) == Approx(6.5));
  // 10 + 2 * (0.5 sign(w) + 2 * 0.25 w)
  CHECK(g[0] == Approx(12));
  CHECK(g[1] == Approx(7));
  CHECK(g[2] == Approx(10));
  CHECK(g[3] == Approx(14));
  CHECK(Regularizer("l1").value<float>(w.view()) == Approx(0.06));
  CHECK(Regularizer("l2").value<float>(w.view()) == Approx(0.14));
  CHECK(Regularizer("l1_l2").value<float>(w.view()) == Approx(0.20));
  CHECK_THROWS_WITH(Regularizer("l3"), ContainsSubstring("l1"));
  CHECK_THROWS_AS(L2(NAN), ConfigError);

  // Rows (1, -2) and (0, 3): |cosine| is 2 / sqrt(5).
  CHECK(OrthogonalRegularizer(0.5).value<float>(w.view()) == Approx(0.5 * 2 / std::sqrt(5.)));
  // Columns (1, 0) and (-2, 3): 2 / sqrt(13).
  CHECK(OrthogonalRegularizer(0.5, "columns").value<float>(w.view()) == Approx(0.5 * 2 / std::sqrt(13.)));
  CHECK_THROWS_AS(OrthogonalRegularizer(0.5, "diagonals"), ConfigError);
  CHECK_THROWS_AS(OrthogonalRegularizer().value<float>(TensorView<const float>(w.data(), {4})), ShapeError);
  for (const char* mode : {"rows", "columns"}) {
    const OrthogonalRegularizer penalty(0.7, mode);
    Tensor<double> v = draw("random_normal", {4, 5});
    Tensor<double> slope({4, 5});
    penalty.value_and_gradient<double>(v.view(), slope.view());
    for (Index i = 0; i < v.size(); ++i) {
      const double before = v[i], h = 1e-7;
      v[i] = before + h;
      const double above = penalty.value<double>(v.view());
      v[i] = before - h;
      const double difference = (above - penalty.value<double>(v.view())) / (2 * h);
      v[i] = before;
      CHECK(slope[i] == Approx(difference).epsilon(1e-4).margin(1e-6));
    }
  }

  for (const Regularizer& made : {Regularizer(L1(0.1)), Regularizer(L2(0.2)), Regularizer(L1L2(0.1, 0.2)),
                                  Regularizer(OrthogonalRegularizer(0.3, "columns"))}) {
    CHECK(Regularizer::from_config(made.config()).config() == made.config());
    CHECK(Regularizer::from_config(made.config()).value<float>(w.view()) == made.value<float>(w.view()));
  }
  CHECK(Regularizer().config().is_null());
  CHECK_FALSE(Regularizer::from_config(Config()));
  CHECK(L2(0.2).config() == Config::object({{"class_name", "L2"}, {"config", Config::object({{"l2", 0.2}})}}));
}

TEST_CASE("constraints: what they leave alone and what they change") {
  const auto apply = [](const Constraint& constraint, Tensor<double> w) {
    constraint.apply(w.view());
    return std::vector<double>(w.begin(), w.end());
  };
  const auto near = [](const std::vector<double>& a, const std::vector<double>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](double x, double y) { return std::abs(x - y) < 1e-6; });
  };
  const Tensor<double> w({2, 2}, {3, 0.3, 4, -0.4});  // columns of norm 5 and 0.5, rows 3.015 and 4.020
  CHECK(near(apply({}, w), {3, 0.3, 4, -0.4}));
  CHECK(near(apply(MaxNorm(2), w), {1.2, 0.3, 1.6, -0.4}));
  CHECK(near(apply(MaxNorm(2, 1), w), {2 * 3 / std::hypot(3, 0.3), 2 * 0.3 / std::hypot(3, 0.3),
                                       2 * 4 / std::hypot(4, 0.4), -2 * 0.4 / std::hypot(4, 0.4)}));
  CHECK(near(apply(UnitNorm(), w), {0.6, 0.6, 0.8, -0.8}));
  CHECK(near(apply(UnitNorm({0, 1}), w),
             {3 / std::sqrt(25.25), 0.3 / std::sqrt(25.25), 4 / std::sqrt(25.25), -0.4 / std::sqrt(25.25)}));
  CHECK(near(apply(MinMaxNorm(1, 2), w), {1.2, 0.6, 1.6, -0.8}));
  // Half way: norms 5 → 3.5 and 0.5 → 0.75.
  CHECK(near(apply(MinMaxNorm(1, 2, 0.5), w), {2.1, 0.45, 2.8, -0.6}));
  CHECK(near(apply(NonNeg(), w), {3, 0.3, 4, 0}));
  CHECK_THROWS_AS(apply(MaxNorm(2, 2), w), ShapeError);

  // What the loop of tf.keras's RadialConstraint gives for kernels numbered row by row.
  const auto radial = [&](Index n) {
    Tensor<double> kernel({n, n, 1, 1});
    for (Index i = 0; i < n * n; ++i) kernel[i] = static_cast<double>(i);
    return apply(RadialConstraint(), kernel);
  };
  CHECK(radial(3) == std::vector<double>{4, 4, 4, 4, 0, 4, 4, 4, 4});
  CHECK(radial(4) == std::vector<double>{15, 15, 15, 15, 15, 5, 5, 15, 15, 5, 5, 15, 15, 15, 15, 15});
  CHECK(radial(5) == std::vector<double>{18, 18, 18, 18, 18, 18, 12, 12, 12, 18, 18, 12, 6,
                                         12, 18, 18, 12, 12, 12, 18, 18, 18, 18, 18, 18});
  CHECK_THROWS_AS(apply(RadialConstraint(), w), ShapeError);

  for (const Constraint& made : {Constraint(MaxNorm(3, {0, 1})), Constraint(UnitNorm(1)), Constraint(NonNeg()),
                                 Constraint(MinMaxNorm(0.1, 0.9, 0.5, 1)), Constraint(RadialConstraint())}) {
    CHECK(Constraint::from_config(made.config()).config() == made.config());
  }
  CHECK(Constraint("max_norm").config() == MaxNorm().config());
  CHECK(Constraint("MinMaxNorm").config() == MinMaxNorm().config());
  CHECK_FALSE(Constraint::from_config(Config()));
  CHECK_THROWS_WITH(Constraint("max_nrom"), ContainsSubstring("max_norm"));
}
