#include <cmath>

#include "../../support/layer_tools.hpp"

using namespace graft;
using Catch::Matchers::ContainsSubstring;
using graft::test::kTrain;
using graft::test::LayerRun;
using graft::test::object;
using graft::test::values;

TEST_CASE("merge layers: shapes, numbers and ties") {
  const auto merged = [](const Layer<float>& layer, const std::vector<Shape>& shapes) {
    layer.impl().ensure_built(shapes);
    return layer.impl().output_shapes(shapes)[0];
  };
  CHECK(merged(Add(), {{-1, 8, 8, 3}, {-1, 8, 8, 3}}) == Shape{-1, 8, 8, 3});
  CHECK(merged(Multiply(), {{-1, 1, 1, 3}, {-1, 8, 8, 3}}) == Shape{-1, 8, 8, 3});
  CHECK(merged(Add(), {{-1, 3}, {-1, 8, 8, 3}}) == Shape{-1, 8, 8, 3});
  CHECK(merged(Add(), {{4, 3, 1}, {-1, 1, 5}}) == Shape{4, 3, 5});
  CHECK(merged(Add(), {{-1, -1, 5}, {-1, 7, 5}}) == Shape{-1, -1, 5});
  CHECK(merged(Concatenate(), {{-1, 8, 8, 3}, {-1, 8, -1, 2}}) == Shape{-1, 8, 8, 5});
  CHECK(merged(Concatenate({.axis = 1}), {{-1, -1, 3}, {-1, 8, 3}}) == Shape{-1, -1, 3});
  CHECK(merged(Dot(1), {{-1, 7}, {-1, 7}}) == Shape{-1, 1});
  CHECK(merged(Dot({2, 1}), {{-1, -1, 4}, {-1, 4, 5}}) == Shape{-1, -1, 5});

  const auto run = [](const Layer<float>& layer, const std::vector<Tensor<float>>& x) {
    LayerRun<float> use(layer, x, kTrain);
    use.forward().backward(Tensor<float>(use.y().shape(), 1.0f));
    return use;
  };
  const Tensor<float> a({1, 4}, {1, 5, 3, 3}), b({1, 4}, {2, 4, 3, NAN});
  CHECK(values(run(Subtract(), {a, a}).y()) == std::vector<float>{0, 0, 0, 0});
  CHECK(values(run(Average(), {a, Tensor<float>({1, 1}, {4.0f})}).y()) == std::vector<float>{2.5, 4.5, 3.5, 3.5});
  const auto most = run(Maximum(), {a, b}), least = run(Minimum(), {a, b}), turned = run(Maximum(), {b, a});
  for (const auto* use : {&most, &least, &turned}) CHECK(std::isnan(use->y()[3]));
  CHECK(std::vector<float>(most.dx(0).begin(), most.dx(0).begin() + 3) == std::vector<float>{0, 1, 1});
  CHECK(std::vector<float>(most.dx(1).begin(), most.dx(1).begin() + 3) == std::vector<float>{1, 0, 0});
  CHECK(std::vector<float>(least.dx(0).begin(), least.dx(0).begin() + 3) == std::vector<float>{1, 0, 1});
  CHECK(std::vector<float>(turned.dx(0).begin(), turned.dx(0).begin() + 3) == std::vector<float>{1, 0, 1});
  // A vector of zeros has no direction: its cosine is 0 and its gradient finite.
  const auto cosine = run(Dot(1, {.normalize = true}), {Tensor<float>({1, 2}), Tensor<float>({1, 2}, {3, 4})});
  CHECK(cosine.y()[0] == 0);
  CHECK(cosine.dx(0)[0] == Approx(0.6e7));
}

TEST_CASE("merge layers: arguments and inputs that make no sense") {
  const auto build = [](const Layer<float>& layer, const std::vector<Shape>& shapes) {
    layer.impl().ensure_built(shapes);
  };
  CHECK_THROWS_AS(build(Add(), {}), ShapeError);
  CHECK_THROWS_WITH(build(Subtract({.name = "s"}), {{-1, 3}}),
                    ContainsSubstring("Subtract \"s\"") && ContainsSubstring("2 inputs"));
  CHECK_THROWS_AS(build(Subtract(), {{-1, 3}, {-1, 3}, {-1, 3}}), ShapeError);
  CHECK_THROWS_WITH(build(Add(), {{-1, 3, 5}, {-1, 4, 5}}), ContainsSubstring("(None, 4, 5)"));
  CHECK_THROWS_AS(build(Multiply(), {{4, 3}, {5, 3}}), ShapeError);
  CHECK_THROWS_AS(build(Multiply(), {{4, 3}, {1, 3}}), ShapeError);
  CHECK_THROWS_AS(build(Maximum(), {{}, {-1, 3}}), ShapeError);
  CHECK_THROWS_AS(Concatenate({.axis = 0}), ConfigError);
  CHECK_THROWS_AS(build(Concatenate({.axis = 2}), {{-1, 3}, {-1, 3}}), ShapeError);
  CHECK_THROWS_AS(build(Concatenate({.axis = -2}), {{-1, 3}, {-1, 3}}), ShapeError);
  CHECK_THROWS_AS(build(Concatenate(), {{-1, 3, 2}, {-1, 4, 2}}), ShapeError);
  CHECK_THROWS_AS(build(Concatenate(), {{-1, 3, 2}, {-1, 2}}), ShapeError);
  CHECK_THROWS_AS(Dot(0), ConfigError);
  CHECK_THROWS_AS(build(Dot(1), {{-1, 3}, {-1, 4}}), ShapeError);
  CHECK_THROWS_AS(build(Dot(2), {{-1, 3}, {-1, 3}}), ShapeError);
  CHECK_THROWS_AS(build(Dot({2, 1}), {{-1, 3, 4}}), ShapeError);
  CHECK_THROWS_AS(Dot<>::from_config(object({{"axes", Config::array({1, 2, 3})}})), ConfigError);
  CHECK_THROWS_AS(Dot<>::from_config(object({{"name", "d"}})), ConfigError);
}
