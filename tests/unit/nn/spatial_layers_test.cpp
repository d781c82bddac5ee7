#include <limits>

#include "tests/support/layer_tools.hpp"

using namespace graft;
using Catch::Matchers::ContainsSubstring;
using graft::test::kTrain;
using graft::test::LayerRun;
using graft::test::object;

namespace {

constexpr Index kHuge = std::numeric_limits<Index>::max() / 8;

Shape output_of(const Layer<float>& layer, const Shape& input) {
  const Shape shapes[] = {input};
  return layer.impl().output_shapes(shapes)[0];
}

std::vector<float> forward(const Layer<float>& layer, const Tensor<float>& x) {
  LayerRun<float> run(layer, x, {});
  run.forward();
  return {run.y().begin(), run.y().end()};
}

Config list(std::vector<Config> items) { return Config::array(std::move(items)); }

}  // namespace

TEST_CASE("Pooling shapes follow Keras, unknown sizes stay unknown") {
  CHECK(output_of(MaxPooling1D<>(), {-1, 9, 3}) == Shape{-1, 4, 3});
  CHECK(output_of(MaxPooling2D<>(3, {.strides = 2, .padding = "same"}), {-1, 8, 8, 3}) == Shape{-1, 4, 4, 3});
  CHECK(output_of(MaxPooling2D<>({2, 3}, {.strides = {1, 2}}), {-1, 7, 9, 3}) == Shape{-1, 6, 4, 3});
  CHECK(output_of(AveragePooling2D<>(2), {-1, -1, 9, 3}) == Shape{-1, -1, 4, 3});
  CHECK(output_of(AveragePooling3D<>(2, {.data_format = "channels_first"}), {-1, 3, 4, 6, -1}) ==
        Shape{-1, 3, 2, 3, -1});
  CHECK(output_of(MaxPooling2D<>(2), {-1, 4, 4, -1}) == Shape{-1, 2, 2, -1});
  CHECK(output_of(GlobalMaxPooling2D<>(), {-1, -1, -1, 3}) == Shape{-1, 3});
  CHECK(output_of(GlobalAveragePooling2D<>({.keepdims = true}), {-1, 8, 8, 3}) == Shape{-1, 1, 1, 3});
  CHECK(output_of(GlobalAveragePooling1D<>({.data_format = "channels_first", .keepdims = true}), {2, 3, 9}) ==
        Shape{2, 3, 1});
}

TEST_CASE("Padding, cropping and upsampling shapes follow Keras, unknown sizes stay unknown") {
  CHECK(output_of(ZeroPadding1D<>(2), {-1, 5, 3}) == Shape{-1, 9, 3});
  CHECK(output_of(ZeroPadding1D<>({1, 4}), {-1, 5, 3}) == Shape{-1, 10, 3});
  CHECK(output_of(ZeroPadding2D<>({{1, 2}, {3, 4}}), {-1, 8, 8, 3}) == Shape{-1, 11, 15, 3});
  CHECK(output_of(ZeroPadding2D<>({{1, 1}, {0, 0}}), {-1, -1, 8, 3}) == Shape{-1, -1, 8, 3});
  CHECK(output_of(ZeroPadding2D<>({1, 2}), {-1, 8, 8, 3}) == Shape{-1, 10, 12, 3});
  CHECK(output_of(Cropping2D<>(1), {-1, 8, 8, 3}) == Shape{-1, 6, 6, 3});
  CHECK(output_of(Cropping2D<>(), {-1, 8, 8, 3}) == Shape{-1, 8, 8, 3});
  CHECK(output_of(Cropping3D<>(1, {.data_format = "channels_first"}), {-1, 2, 3, 4, -1}) == Shape{-1, 2, 1, 2, -1});
  CHECK(output_of(UpSampling1D<>(), {-1, 5, 3}) == Shape{-1, 10, 3});
  CHECK(output_of(UpSampling2D<>({2, 3}), {-1, 8, -1, 3}) == Shape{-1, 16, -1, 3});
  CHECK(output_of(UpSampling3D<>(2), {-1, 1, 2, 3, 4}) == Shape{-1, 2, 4, 6, 4});
}

TEST_CASE("Spatial layers read the configs of Keras 2 and 3") {
  const auto made = [](const char* name, Config config) { return make_layer<float>(name, config); };
  // Everything left out, or null.
  CHECK(output_of(made("MaxPooling2D", object({})), {1, 6, 6, 1}) == Shape{1, 3, 3, 1});
  CHECK(
      output_of(made("AveragePooling1D", object({{"pool_size", 3}, {"strides", Config()}, {"data_format", Config()}})),
                {1, 6, 1}) == Shape{1, 2, 1});
  CHECK(output_of(made("MaxPooling1D", object({{"pool_size", list({3})}, {"strides", list({1})}, {"padding", "SAME"}})),
                  {1, 6, 1}) == Shape{1, 6, 1});
  CHECK(output_of(made("GlobalMaxPooling2D", object({{"data_format", "channels_last"}})), {1, 6, 6, 2}) == Shape{1, 2});
  CHECK(output_of(made("ZeroPadding2D", object({{"padding", 2}})), {1, 4, 4, 1}) == Shape{1, 8, 8, 1});
  CHECK(output_of(made("ZeroPadding2D", object({{"padding", list({1, 2})}})), {1, 4, 4, 1}) == Shape{1, 6, 8, 1});
  CHECK(output_of(made("ZeroPadding2D", object({{"padding", list({list({1, 0}), 2})}})), {1, 4, 4, 1}) ==
        Shape{1, 5, 8, 1});
  CHECK(output_of(made("ZeroPadding1D", object({{"padding", list({1, 2})}})), {1, 4, 1}) == Shape{1, 7, 1});
  CHECK(output_of(made("ZeroPadding3D", object({})), {1, 4, 4, 4, 1}) == Shape{1, 6, 6, 6, 1});
  CHECK(output_of(made("Cropping2D", object({})), {1, 4, 4, 1}) == Shape{1, 4, 4, 1});
  CHECK(output_of(made("Cropping1D", object({})), {1, 4, 1}) == Shape{1, 2, 1});
  CHECK(output_of(made("UpSampling1D", object({{"size", 3}})), {1, 4, 1}) == Shape{1, 12, 1});
  CHECK(output_of(made("UpSampling2D", object({{"size", list({2, 3})}})), {1, 4, 4, 1}) == Shape{1, 8, 12, 1});
  CHECK(made("SpatialDropout1D", object({{"rate", 0.5}, {"noise_shape", Config()}, {"seed", Config()}}))
            .config()
            .find("noise_shape") == nullptr);

  CHECK(MaxPooling1D<>(3).config().at("pool_size") == list({3}));
  CHECK(MaxPooling2D<>(3).config().at("strides") == list({3, 3}));
  CHECK(ZeroPadding1D<>({1, 2}).config().at("padding") == list({1, 2}));
  CHECK(ZeroPadding2D<>(1).config().at("padding") == list({list({1, 1}), list({1, 1})}));
  CHECK(UpSampling1D<>(3).config().at("size") == Config(3));
  // Keras refuses keys that it does not know.
  CHECK_FALSE(ZeroPadding1D<>().config().contains("data_format"));
  CHECK_FALSE(Cropping1D<>().config().contains("data_format"));
  CHECK_FALSE(UpSampling1D<>().config().contains("data_format"));
  CHECK_FALSE(UpSampling3D<>().config().contains("interpolation"));
  CHECK_FALSE(SpatialDropout1D<>(0.1).config().contains("data_format"));
}

TEST_CASE("Wrong arguments of spatial layers are ConfigErrors at construction") {
  CHECK_THROWS_AS(MaxPooling2D<>(0), ConfigError);
  CHECK_THROWS_AS(MaxPooling2D<>({2, -1}), ConfigError);
  CHECK_THROWS_AS(MaxPooling2D<>({2, 2, 2}), ConfigError);
  CHECK_THROWS_AS(MaxPooling1D<>({2, 2}), ConfigError);
  CHECK_THROWS_AS(MaxPooling2D<>(Index{1} << 40), ConfigError);
  CHECK_THROWS_WITH(MaxPooling3D<>(1 << 20), ContainsSubstring("2^31"));
  CHECK_THROWS_AS(AveragePooling2D<>(2, {.strides = 0}), ConfigError);
  CHECK_THROWS_WITH(AveragePooling2D<>(2, {.padding = "full"}), ContainsSubstring("valid or same"));
  CHECK_THROWS_AS(MaxPooling1D<>(2, {.padding = "causal"}), ConfigError);
  CHECK_THROWS_WITH(MaxPooling1D<>(2, {.data_format = "nhwc", .name = "p"}), ContainsSubstring("MaxPooling1D \"p\""));
  CHECK_THROWS_AS(GlobalMaxPooling2D<>({.data_format = ""}), ConfigError);
  CHECK_THROWS_AS(ZeroPadding1D<>(-1), ConfigError);
  CHECK_THROWS_AS(ZeroPadding1D<>({1, 2, 3}), ConfigError);
  CHECK_THROWS_AS(ZeroPadding2D<>({{1, 1}, {1, 1}, {1, 1}}), ConfigError);
  CHECK_THROWS_AS(ZeroPadding2D<>({{1, -1}, {1, 1}}), ConfigError);
  CHECK_THROWS_AS(Cropping3D<>({1, 2}), ConfigError);
  CHECK_THROWS_AS(Cropping2D<>(1, {.data_format = "channels_middle"}), ConfigError);
  CHECK_THROWS_AS(UpSampling2D<>(0), ConfigError);
  CHECK_THROWS_WITH(UpSampling2D<>(2, {.interpolation = "bicubic"}), ContainsSubstring("nearest or bilinear"));
  CHECK_THROWS_AS(SpatialDropout2D<>(1.0), ConfigError);
  CHECK_THROWS_AS(SpatialDropout2D<>(0.5, {.data_format = "last"}), ConfigError);
  const auto make = [](const char* name, Config config) { return make_layer<float>(name, config); };
  CHECK_THROWS_AS(make("MaxPooling2D", object({{"pool_size", "2"}})), ConfigError);
  CHECK_THROWS_AS(make("MaxPooling2D", object({{"pool_size", list({})}})), ConfigError);
  CHECK_THROWS_AS(make("MaxPooling2D", object({{"pool_size", list({1, 2, 3, 4})}})), ConfigError);
  CHECK_THROWS_AS(make("ZeroPadding2D", object({{"padding", list({list({1, 2, 3}), list({1, 2})})}})), ConfigError);
  CHECK_THROWS_AS(make("ZeroPadding2D", object({{"padding", list({})}})), ConfigError);
  CHECK_THROWS_AS(make("ZeroPadding2D", object({{"padding", list({list({1, 2})})}})), ConfigError);
}

TEST_CASE("Inputs that do not fit spatial layers are ShapeErrors") {
  CHECK_THROWS_WITH(output_of(MaxPooling2D<>(3, {.name = "p"}), {-1, 2, 5, 1}),
                    ContainsSubstring("MaxPooling2D \"p\"") && ContainsSubstring("at least 3"));
  CHECK_THROWS_AS(output_of(AveragePooling1D<>(3), {-1, 2, 5}), ShapeError);
  CHECK_THROWS_WITH(output_of(MaxPooling2D<>(), {-1, 5, 5}), ContainsSubstring("height, width, channels"));
  CHECK_THROWS_AS(output_of(MaxPooling1D<>(), {-1}), ShapeError);
  for (const Shape& shape : {Shape{-1, 0, 5, 1}, Shape{-1, 5, 5, 0}}) {
    CHECK_THROWS_AS(output_of(MaxPooling2D<>(2, {.padding = "same"}), shape), ShapeError);
    CHECK_THROWS_AS(output_of(GlobalAveragePooling2D<>(), shape), ShapeError);
    CHECK_THROWS_AS(output_of(ZeroPadding2D<>(), shape), ShapeError);
    CHECK_THROWS_AS(output_of(UpSampling2D<>(), shape), ShapeError);
    CHECK_THROWS_AS(output_of(SpatialDropout2D<>(0.5), shape), ShapeError);
  }
  CHECK_THROWS_AS(output_of(GlobalMaxPooling1D<>(), {-1, 5}), ShapeError);
  CHECK_THROWS_WITH(output_of(Cropping2D<>({{3, 2}, {0, 0}}), {-1, 5, 5, 1}), ContainsSubstring("more than 5"));
  CHECK(output_of(Cropping2D<>({{3, 1}, {0, 0}}), {-1, 5, 5, 1}) == Shape{-1, 1, 5, 1});
  CHECK_THROWS_AS(output_of(ZeroPadding1D<>(1), {-1, std::numeric_limits<Index>::max(), 1}), ShapeError);
  CHECK_THROWS_AS(output_of(UpSampling1D<>(100), {-1, kHuge, 1}), ShapeError);
  CHECK_THROWS_AS(output_of(SpatialDropout1D<>(0.5), {-1, 5}), ShapeError);
}

TEST_CASE("Windows far larger than the input are the whole input, and huge strides leave one window") {
  const Tensor<float> x({1, 2, 2, 1}, {1, 4, 3, 2});
  CHECK(forward(MaxPooling2D<>(40000, {.strides = 40000, .padding = "same"}), x) == std::vector<float>{4});
  CHECK(forward(AveragePooling2D<>(40000, {.strides = 2, .padding = "same"}), x) == std::vector<float>{2.5f});
  CHECK(forward(AveragePooling2D<>(1, {.strides = (1 << 30)}), x) == std::vector<float>{1});
}

TEST_CASE("NaN passes through maxima and means, and stays in its window") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor<float> x({1, 4, 1}, {1, nan, 3, 4});
  for (const Layer<float>& layer : {Layer<float>(MaxPooling1D<>()), Layer<float>(AveragePooling1D<>())}) {
    const auto y = forward(layer, x);
    CHECK(std::isnan(y[0]));
    CHECK(y[1] >= 3.5f);
  }
  CHECK(std::isnan(forward(GlobalMaxPooling1D<>(), x)[0]));
  CHECK(std::isnan(forward(GlobalAveragePooling1D<>(), x)[0]));
}

TEST_CASE("Bilinear upsampling has half-pixel centres and repeats the border") {
  const Tensor<float> x({1, 1, 2, 1}, {1, 3});
  const std::vector<float> row{1, 1.5f, 2.5f, 3};
  std::vector<float> rows = row;
  rows.insert(rows.end(), row.begin(), row.end());
  CHECK(forward(UpSampling2D<>(2, {.interpolation = "bilinear"}), x) == rows);
}

TEST_CASE("Pooling keeps little for backward: a byte for each output, and neither input nor output") {
  const Shape shapes[] = {{2, 8, 8, 16}};
  const Needs max = MaxPooling2D<>().impl().needs(shapes, kTrain);
  CHECK(max.cache_bytes == 2 * 4 * 4 * 16);
  CHECK_FALSE(max.inputs);
  CHECK_FALSE(max.outputs);
  CHECK(MaxPooling2D<>().impl().needs(shapes, {}).cache_bytes == 0);
  const Needs average = AveragePooling2D<>().impl().needs(shapes, kTrain);
  CHECK(average.cache_bytes == 0);
  CHECK_FALSE(average.inputs);
}

TEST_CASE("SpatialDropout drops whole channels, about as many as asked, and scales the rest") {
  const auto check = [](const Layer<float>& layer, const Shape& shape, bool first) {
    LayerRun<float> run(layer, Tensor<float>(shape, 1.0f), kTrain);
    run.forward();
    const Index samples = shape[0], channels = first ? shape[1] : shape.back();
    const Index places = shape.elements() / samples / channels;
    Index dropped = 0;
    for (Index s = 0; s < samples; ++s) {
      for (Index c = 0; c < channels; ++c) {
        const auto at = [&](Index p) {
          return run.y()[s * places * channels + (first ? c * places + p : p * channels + c)];
        };
        const float value = at(0);
        REQUIRE((value == 0.0f || value == Approx(1 / 0.7)));
        for (Index p = 1; p < places; ++p) REQUIRE(at(p) == value);
        dropped += value == 0.0f;
      }
    }
    CHECK(static_cast<double>(dropped) / static_cast<double>(samples * channels) == Approx(0.3).margin(0.03));
  };
  check(SpatialDropout1D<>(0.3), {40, 5, 64}, false);
  check(SpatialDropout2D<>(0.3), {40, 2, 3, 64}, false);
  check(SpatialDropout2D<>(0.3, {.data_format = "channels_first"}), {40, 64, 2, 3}, true);
  check(SpatialDropout3D<>(0.3), {40, 2, 3, 2, 64}, false);
}

TEST_CASE("Window arithmetic: lengths and TensorFlow's asymmetric padding") {
  using detail::AxisPadding;
  CHECK(detail::conv_output_length(10, 3, 2, 1, Padding::valid) == 4);
  CHECK(detail::conv_output_length(10, 3, 1, 4, Padding::valid) == 2);
  CHECK(detail::conv_output_length(8, 3, 1, 4, Padding::valid) == 0);
  CHECK(detail::conv_output_length(9, 3, 1, 4, Padding::valid) == 1);
  CHECK(detail::conv_output_length(10, 3, 3, 1, Padding::same) == 4);
  CHECK(detail::conv_output_length(10, 3, 3, 1, Padding::causal) == 4);
  CHECK(detail::conv_output_length(-1, 3, 3, 1, Padding::valid) == -1);
  CHECK(detail::same_padding(4, 3, 2) == AxisPadding{0, 1});
  CHECK(detail::same_padding(5, 3, 2) == AxisPadding{1, 1});
  CHECK(detail::same_padding(7, 3, 1, 2) == AxisPadding{2, 2});
  CHECK(detail::same_padding(5, 1, 3) == AxisPadding{0, 0});
  CHECK(detail::axis_padding(Padding::causal, 5, 3, 1, 2) == AxisPadding{4, 0});
  CHECK(detail::axis_padding(Padding::valid, 5, 3, 1) == AxisPadding{0, 0});
}
