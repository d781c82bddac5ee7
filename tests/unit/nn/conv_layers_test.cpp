#include <limits>

#include "../../support/layer_contract.hpp"

using namespace graft;
using Catch::Matchers::ContainsSubstring;
using graft::test::LayerRun;

namespace {

constexpr Index kHuge = std::numeric_limits<Index>::max() / 8;

Shape output_of(const Layer<float>& layer, const Shape& input) {
  const Shape shapes[] = {input};
  return layer.impl().output_shapes(shapes)[0];
}

void build(const Layer<float>& layer, const Shape& input) {
  const Shape shapes[] = {input};
  layer.impl().ensure_built(shapes);
}

std::vector<float> forward(const Layer<float>& layer, const Tensor<float>& x) {
  LayerRun<float> run(layer, x, {});
  run.forward();
  return {run.y().begin(), run.y().end()};
}

void set_weight(const Layer<float>& layer, std::size_t i, std::vector<float> values) {
  Tensor<float>& weight = layer.weights()[i]->mutable_value();
  REQUIRE(weight.size() == static_cast<Index>(values.size()));
  std::copy(values.begin(), values.end(), weight.data());
}

}  // namespace

TEST_CASE("Convolution shapes follow Keras, unknown sizes stay unknown") {
  CHECK(output_of(Conv1D<>(4, 3, {.padding = "causal", .dilation_rate = 2}), {-1, 11, 3}) == Shape{-1, 11, 4});
  CHECK(output_of(Conv2D<>(4, {3, 5}, {.strides = 2}), {-1, 8, -1, 3}) == Shape{-1, 3, -1, 4});
  CHECK(output_of(Conv2D<>(4, 3, {.strides = {2, 1}, .padding = "same"}), {-1, 7, 7, 3}) == Shape{-1, 4, 7, 4});
  CHECK(output_of(Conv2D<>(4, 3, {.data_format = "channels_first"}), {-1, 3, 8, 9}) == Shape{-1, 4, 6, 7});
  CHECK(output_of(Conv3D<>(2, 2, {.dilation_rate = {1, 2, 3}}), {-1, 5, 5, 5, 1}) == Shape{-1, 4, 3, 2, 2});
  CHECK(output_of(Conv1DTranspose<>(6, 3), {-1, 5, 2}) == Shape{-1, 7, 6});
  CHECK(output_of(Conv2DTranspose<>(6, 3, {.strides = 2, .padding = "same"}), {-1, 8, 8, 3}) == Shape{-1, 16, 16, 6});
  CHECK(output_of(Conv2DTranspose<>(6, 3, {.strides = 2, .output_padding = 1}), {-1, 8, 8, 3}) == Shape{-1, 18, 18, 6});
  CHECK(output_of(Conv2DTranspose<>(6, 3, {.strides = 2, .padding = "same", .output_padding = 0}), {-1, 8, -1, 3}) ==
        Shape{-1, 15, -1, 6});
  CHECK(output_of(DepthwiseConv2D<>(3, {.depth_multiplier = 2}), {-1, 8, 8, 3}) == Shape{-1, 6, 6, 6});
  CHECK(output_of(DepthwiseConv2D<>(3), {-1, 8, 8, -1}) == Shape{-1, 6, 6, -1});
  CHECK(output_of(SeparableConv1D<>(5, 3, {.padding = "same"}), {-1, 8, 3}) == Shape{-1, 8, 5});
}

TEST_CASE("same pads after the end, causal before the start, a transposed convolution cuts its end") {
  const Conv1D<> same(1, 3, {.strides = 2, .padding = "same", .use_bias = false});
  const Tensor<float> x({1, 4, 1}, {1, 2, 3, 4});
  build(same, x.shape());
  set_weight(same, 0, {1, 10, 100});
  CHECK(forward(same, x) == std::vector<float>{321, 43});
  const Conv1D<> causal(1, 3, {.padding = "causal", .use_bias = false});
  build(causal, x.shape());
  set_weight(causal, 0, {1, 10, 100});
  CHECK(forward(causal, x) == std::vector<float>{100, 210, 321, 432});
  const Conv1DTranspose<> transposed(1, 3, {.strides = 2, .padding = "same"});
  build(transposed, x.shape());
  set_weight(transposed, 0, {1, 10, 100});
  set_weight(transposed, 1, {1000});
  CHECK(forward(transposed, x) == std::vector<float>{1001, 1010, 1102, 1020, 1203, 1030, 1304, 1040});
}

TEST_CASE("Convolution layers refuse arguments that contradict each other, and say what they expect") {
  CHECK_THROWS_WITH((Conv2D<>(0, 3)), ContainsSubstring("filters above 0"));
  CHECK_THROWS_AS((Conv2D<>(kHuge, 3)), ConfigError);
  CHECK_THROWS_AS((DepthwiseConv2D<>(3, {.depth_multiplier = kHuge})), ConfigError);
  CHECK_THROWS_WITH((Conv2D<>(4, 0)), ContainsSubstring("kernel_size"));
  CHECK_THROWS_WITH((Conv2D<>(4, {3, 3, 3})), ContainsSubstring("one integer or 2"));
  CHECK_THROWS_AS((Conv2D<>(4, 3, {.strides = 0})), ConfigError);
  CHECK_THROWS_WITH((Conv2D<>(4, 3, {.strides = 2, .dilation_rate = 2})), ContainsSubstring("not both"));
  CHECK_THROWS_WITH((Conv2D<>(4, 3, {.padding = "full"})), ContainsSubstring("padding valid or same"));
  CHECK_THROWS_WITH((Conv2D<>(4, 3, {.padding = "causal"})), ContainsSubstring("causal"));
  CHECK_THROWS_WITH((Conv1DTranspose<>(4, 3, {.padding = "causal"})), ContainsSubstring("padding valid or same"));
  CHECK_THROWS_WITH((Conv2D<>(4, 3, {.data_format = "NCHW"})), ContainsSubstring("channels_last or channels_first"));
  CHECK_THROWS_WITH((Conv2D<>(4, 3, {.groups = 3})), ContainsSubstring("groups that divide the 4 filters"));
  CHECK_THROWS_AS((Conv2D<>(4, 3, {.groups = 0})), ConfigError);
  CHECK_THROWS_WITH((Conv2DTranspose<>(4, 3, {.strides = 2, .output_padding = 2})),
                    ContainsSubstring("output_padding below the stride 2"));
  CHECK_THROWS_AS((DepthwiseConv2D<>(3, {.depth_multiplier = 0})), ConfigError);
  CHECK_THROWS_AS((SeparableConv2D<>(0, 3)), ConfigError);
}

TEST_CASE("Convolution layers refuse inputs that do not fit") {
  CHECK_THROWS_WITH(output_of(Conv2D<>(4, 3), {-1, 2, 8, 3}), ContainsSubstring("kernel of extent 3"));
  CHECK_THROWS_WITH(output_of(Conv2D<>(4, 2, {.dilation_rate = 4}), {-1, 8, 4, 3}), ContainsSubstring("extent 5"));
  CHECK_THROWS_AS(output_of(Conv2D<>(4, 3), {-1, 8, 8}), ShapeError);
  CHECK_THROWS_AS(output_of(Conv2D<>(4, 3), {-1, 8, 0, 3}), ShapeError);
  CHECK_THROWS_AS(output_of(Conv2D<>(4, 3), {-1, 8, 8, 0}), ShapeError);
  CHECK_THROWS_WITH(output_of(Conv2D<>(4, 3, {.groups = 2}), {-1, 8, 8, 3}), ContainsSubstring("2 groups"));
  CHECK_THROWS_AS(build(Conv2D<>(4, 3), {-1, 8, 8, -1}), ShapeError);
  CHECK_THROWS_AS(build(Conv2D<>(2147483647, 2147483647), {-1, 8, 8, 2147483647}), ShapeError);
  CHECK_THROWS_AS(output_of(Conv2DTranspose<>(4, 3, {.strides = 2}), {-1, kHuge, 8, 3}), ShapeError);
  const Conv2D<> built(4, 3);
  build(built, {-1, 8, 8, 3});
  CHECK_THROWS_WITH(build(built, {-1, 8, 8, 5}), ContainsSubstring("3 channels from build"));
  build(built, {-1, 20, 9, 3});  // another size is fine
}

TEST_CASE("NaN and infinity flow through a convolution to what sees them") {
  const Conv2D<> layer(2, 3, {.padding = "same", .use_bias = false});
  Tensor<float> x({1, 5, 5, 1});
  x[12] = std::numeric_limits<float>::quiet_NaN();
  build(layer, x.shape());
  const std::vector<float> y = forward(layer, x);
  for (std::size_t i = 0; i < y.size(); ++i) {
    const std::size_t row = i / 10, column = i / 2 % 5;
    const bool sees = row >= 1 && row <= 3 && column >= 1 && column <= 3;
    CHECK(std::isnan(y[i]) == sees);
  }
}
