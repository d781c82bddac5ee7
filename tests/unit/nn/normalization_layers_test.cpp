#include <cmath>

#include "../../support/layer_tools.hpp"

using namespace graft;
using Catch::Matchers::ContainsSubstring;
using graft::test::built_shape;
using graft::test::kInfer;
using graft::test::kTrain;
using graft::test::LayerRun;
using graft::test::object;
using graft::test::weight_names;

TEST_CASE("normalizations: numbers of their formulas") {
  const Tensor<double> x({1, 2, 4}, {1, 2, 3, 6, 10, 10, 20, 20});
  const auto run = [&](const Layer<double>& layer) {
    LayerRun<double> use(layer, x, kInfer);
    return use.forward().y();
  };
  const auto layer = run(LayerNormalization<double>()), rms = run(RMSNormalization<double>());
  const auto unit = run(UnitNormalization<double>()), columns = run(UnitNormalization<double>({.axis = {1}}));
  const auto group = run(GroupNormalization<double>({.groups = 2}));
  for (Index i = 0; i < 4; ++i) {
    CHECK(layer[i] == Approx((x[i] - 3) / std::sqrt(3.5 + 1e-3)));
    CHECK(layer[4 + i] == Approx((x[4 + i] - 15) / std::sqrt(25 + 1e-3)));
    CHECK(rms[i] == Approx(x[i] / std::sqrt(12.5 + 1e-6)));
    CHECK(unit[i] == Approx(x[i] / std::sqrt(50.0)));
    CHECK(columns[i] == Approx(x[i] / std::hypot(x[i], x[4 + i])));
  }
  // Groups {1, 2, 10, 10} and {3, 6, 20, 20}: means 5.75 and 12.25, squares 51 and 211.25.
  CHECK(group[0] == Approx((1 - 5.75) / std::sqrt(51.25 - 5.75 * 5.75 + 1e-3)));
  CHECK(group[6] == Approx((20 - 12.25) / std::sqrt(211.25 - 12.25 * 12.25 + 1e-3)));
  // Far from zero: two passes.
  LayerRun<float> far(LayerNormalization<float>(), Tensor<float>({1, 4}, {10001, 9999, 10001, 9999}), kInfer);
  CHECK(far.forward().y()[0] == Approx(1 / std::sqrt(1 + 1e-3)).epsilon(1e-5));
  LayerRun<float> zero(UnitNormalization<float>(), Tensor<float>({1, 4}), kTrain);
  zero.forward().backward(Tensor<float>({1, 4}, 1e-12f));
  CHECK(zero.y()[0] == 0);
  CHECK(zero.dx()[0] == Approx(1));
}

TEST_CASE("normalizations: weights, configs, arguments and inputs") {
  using Names = std::vector<std::string>;
  const LayerNormalization<> layer({.axis = {3, 1}});
  CHECK(built_shape(layer, {-1, 4, -1, 6}) == Shape{-1, 4, -1, 6});
  CHECK(weight_names(layer) == Names{"gamma", "beta"});
  CHECK(layer.weights()[0]->shape() == Shape{4, 6});
  CHECK_THROWS_AS(built_shape(layer, {-1, 5, 2, 6}), ShapeError);
  const GroupNormalization<> group({.groups = 2, .axis = 1});
  CHECK(built_shape(group, {-1, 4, -1, 6}) == Shape{-1, 4, -1, 6});
  CHECK(group.weights()[1]->shape() == Shape{4});
  CHECK_THROWS_AS(built_shape(group, {-1, 6, 2, 6}), ShapeError);
  const RMSNormalization<> rms;
  CHECK(built_shape(rms, {-1, -1, 6}) == Shape{-1, -1, 6});
  CHECK(weight_names(rms) == Names{"scale"});
  CHECK_THROWS_AS(built_shape(rms, {-1, 2, 5}), ShapeError);
  CHECK(built_shape(UnitNormalization(), {-1, -1}) == Shape{-1, -1});

  const auto read = LayerNormalization<>::from_config(
      object({{"axis", Config::array({1, 2})}, {"epsilon", 1e-5}, {"scale", false}, {"rms_scaling", false}}));
  CHECK(read.config().at("axis") == Config::array({1, 2}));
  CHECK(read.config().at("epsilon") == Config(1e-5));
  built_shape(read, {-1, 4, 5});
  CHECK(weight_names(read) == Names{"beta"});
  CHECK(LayerNormalization().config().at("axis") == Config(-1));
  CHECK_THROWS_WITH(LayerNormalization<>::from_config(object({{"rms_scaling", true}})),
                    ContainsSubstring("rms_scaling"));

  CHECK_THROWS_AS(LayerNormalization({.axis = {}}), ConfigError);
  CHECK_THROWS_AS(LayerNormalization({.axis = {1, 1}}), ConfigError);
  CHECK_THROWS_AS(LayerNormalization({.epsilon = 0}), ConfigError);
  CHECK_THROWS_AS(GroupNormalization({.groups = 0}), ConfigError);
  CHECK_THROWS_AS(GroupNormalization({.groups = -2}), ConfigError);
  CHECK_THROWS_AS(RMSNormalization({.epsilon = NAN}), ConfigError);
  CHECK_THROWS_AS(UnitNormalization({.axis = {}}), ConfigError);
  CHECK_THROWS_AS(built_shape(LayerNormalization({.axis = {0}}), {-1, 4}), ShapeError);
  CHECK_THROWS_AS(built_shape(LayerNormalization({.axis = {2}}), {-1, 4}), ShapeError);
  CHECK_THROWS_AS(built_shape(LayerNormalization(), {-1, -1}), ShapeError);
  CHECK_THROWS_AS(built_shape(LayerNormalization(), {-1}), ShapeError);
  CHECK_THROWS_AS(built_shape(UnitNormalization({.axis = {0}}), {-1, 4}), ShapeError);
  CHECK_THROWS_WITH(built_shape(GroupNormalization(), {-1, 4, 16}), ContainsSubstring("groups = 32"));
  CHECK_THROWS_AS(built_shape(GroupNormalization({.groups = -1}), {-1, 4, 0}), ShapeError);
  CHECK_THROWS_AS(built_shape(GroupNormalization({.axis = 0}), {-1, 4}), ShapeError);
}
