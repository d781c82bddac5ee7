#include "catch.hpp"
#include "tests/support/layer_contract.hpp"

using namespace graft;
using graft::test::LayerCase;

// The layer contract for the layers that only the networks of keras.applications have.
namespace {

std::vector<LayerCase> application_cases() {
  return {
      {"CustomScaleLayer", CustomScaleLayer<double>(0.17), {{3, 2, 4}, {3, 2, 4}}},
      {"CustomScaleLayer, negative", CustomScaleLayer<double>(-2.5), {{5}, {5}}},
      {"CustomScaleLayer, repeated input", CustomScaleLayer<double>(0.5), {{3, 4}, {1, 4}}},
      {"LayerScale, pictures", LayerScale<double>(0.3, 4), {{2, 3, 4}}},
      {"LayerScale, vectors", LayerScale<double>(1e-6, 5), {{5}}},
      {"LayerScale, one channel", LayerScale<double>(2, 1), {{3, 2, 1}}},
      {"LayerScale, frozen", LayerScale<double>(0.5, 3, {.name = "scale", .trainable = false}), {{4, 3}}},
  };
}

const graft::test::LayerCases registered_application(&application_cases);

}  // namespace

TEST_CASE("Layer contract: layers of applications") {
  for (const LayerCase& test : application_cases()) {
    DYNAMIC_SECTION(test.label) { graft::test::check_layer_contract(test); }
  }
}

TEST_CASE("LayerScale and CustomScaleLayer: what they compute, and refuse") {
  using graft::test::LayerRun;
  LayerRun<float> scaled(LayerScale<float>(0.5, 2), Tensor<float>(Shape{1, 2, 2}, {1, 2, 3, 4}), {});
  const Tensor<float> y(scaled.forward().y());
  CHECK(y[0] == 0.5f);
  CHECK(y[3] == 2.0f);
  LayerRun<float> sum(CustomScaleLayer<float>(0.25),
                      {Tensor<float>(Shape{1, 2}, {1, 2}), Tensor<float>(Shape{1, 2}, {4, 8})}, {});
  const Tensor<float> z(sum.forward().y());
  CHECK(z[0] == 2.0f);
  CHECK(z[1] == 4.0f);

  CHECK_THROWS_AS(LayerScale<float>(1, 0), ConfigError);
  const Shape three{-1, 4, 3}, open{-1, 4, -1}, one{-1, 2}, two[] = {{-1, 2}, {-1, 3}};
  CHECK_THROWS_AS(LayerScale<float>(1, 4).impl().output_shape({&three, 1}), ShapeError);
  CHECK_THROWS_AS(LayerScale<float>(1, 4).impl().output_shape({&open, 1}), ShapeError);
  CHECK_THROWS_AS(CustomScaleLayer<float>(1).impl().output_shape({&one, 1}), ShapeError);
  CHECK_THROWS_AS(CustomScaleLayer<float>(1).impl().output_shape(two), ShapeError);
  CHECK_THROWS_AS((make_layer<float>("LayerScale", Config::object({{"init_values", 1.0}}))), ConfigError);
}
