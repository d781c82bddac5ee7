#include <cmath>

#include "../../support/layer_tools.hpp"

using namespace graft;
using Catch::Matchers::ContainsSubstring;
using graft::test::built_shape;
using graft::test::kInfer;
using graft::test::LayerRun;
using graft::test::object;
using graft::test::random_tensor;
using graft::test::values;
using graft::test::weight_names;

TEST_CASE("Rescaling and Normalization: numbers, adapt, configs, bad arguments") {
  const auto run = [](const Layer<float>& layer, const Tensor<float>& x) {
    LayerRun<float> use(layer, x, kInfer);
    return values(use.forward().y());
  };
  CHECK(run(Rescaling(0.5, {.offset = -1}), Tensor<float>({1, 2}, {2, 8})) == std::vector<float>{0, 3});
  CHECK(run(Rescaling({1, 10}, {.offset = {0, 5}}), Tensor<float>({2, 2}, {1, 2, 3, 4})) ==
        std::vector<float>{1, 25, 3, 45});
  CHECK(run(Normalization({.mean = {1, 2}, .variance = {4, 0}}), Tensor<float>({1, 2}, {5, 2})) ==
        std::vector<float>{2, 0});

  const Normalization<> layer;
  layer.adapt(Tensor<float>({4, 2}, {1, 10, 2, 10, 3, 20, 6, 20}));
  CHECK(weight_names(layer) == std::vector<std::string>{"mean", "variance", "count"});
  CHECK(layer.trainable_weights().empty());
  CHECK(values(layer.weights()[0]->value()) == std::vector<float>{3, 15});
  CHECK(values(layer.weights()[1]->value()) == std::vector<float>{3.5, 25});
  CHECK(layer.weights()[2]->shape() == Shape{});
  CHECK(run(layer, Tensor<float>({1, 2}, {3, 25})) == std::vector<float>{0, 2});
  CHECK_THROWS_AS(layer.adapt(Tensor<float>({4, 3})), ShapeError);
  const Normalization<> back({.invert = true}), all({.axis = {}}), middle({.axis = {1}});
  back.adapt(Tensor<float>({4, 2}, {1, 10, 2, 10, 3, 20, 6, 20}));
  CHECK(run(back, Tensor<float>({1, 2}, {0, 2})) == std::vector<float>{3, 25});
  all.adapt(Tensor<float>({2, 2}, {1, 2, 3, 6}));
  CHECK(values(all.weights()[0]->value()) == std::vector<float>{3});
  middle.adapt(Tensor<float>({2, 2, 2}, {1, 2, 10, 20, 3, 6, 30, 60}));
  CHECK(values(middle.weights()[0]->value()) == std::vector<float>{3, 30});
  CHECK(values(middle.weights()[1]->value()) == std::vector<float>{3.5, 350});

  const auto read = Normalization<>::from_config(object({{"axis", Config()}, {"mean", 3.0}, {"variance", 4.0}}));
  CHECK(run(read, Tensor<float>({1, 2}, {3, 5})) == std::vector<float>{0, 1});
  CHECK(read.config().at("axis") == Config::array({}));
  const Config nested = Config::array({Config::array({1.0, 2.0}), Config::array({3.0, 4.0})});
  const auto table =
      Normalization<>::from_config(object({{"axis", Config::array({1, 2})}, {"mean", nested}, {"variance", nested}}));
  CHECK(table.config().at("mean") == nested);
  CHECK(built_shape(table, {-1, 2, 2}) == Shape{-1, 2, 2});
  CHECK_THROWS_AS(built_shape(Normalization<>::from_config(table.config()), {-1, 2, 3}), ShapeError);
  CHECK(Rescaling({1, 2}).config().at("scale") == Config::array({1.0, 2.0}));
  CHECK(Rescaling(2).config().at("offset") == Config(0.0));
  const Config ragged = Config::array({Config::array({1.0, 2.0}), Config::array({3.0})});
  CHECK_THROWS_AS(Rescaling<>::from_config(object({{"scale", ragged}})), ConfigError);
  CHECK_THROWS_AS(Rescaling<>::from_config(object({{"scale", nested}})), ConfigError);
  CHECK_THROWS_AS(Rescaling<>::from_config(object({{"scale", Config()}})), ConfigError);
  CHECK_THROWS_AS(Rescaling(std::vector<double>()), ConfigError);
  CHECK_THROWS_AS(built_shape(Rescaling({1, 2}), {-1, 3}), ShapeError);
  CHECK_THROWS_AS(built_shape(Rescaling({1, 2}), {-1, -1}), ShapeError);
  CHECK_THROWS_AS(Normalization({.mean = 3}), ConfigError);
  CHECK_THROWS_AS(Normalization({.mean = {1, 2}, .variance = 3}), ConfigError);
  CHECK_THROWS_AS(Normalization({.axis = {}, .mean = {1, 2}, .variance = {1, 2}}), ConfigError);
  CHECK_THROWS_AS(Normalization({.mean = 3, .variance = 1}).adapt(Tensor<float>({4, 3})), StateError);
  CHECK_THROWS_AS(built_shape(Normalization({.axis = {0}}), {-1, 3}), ShapeError);
  CHECK_THROWS_AS(built_shape(Normalization({.axis = {2}}), {-1, 3}), ShapeError);
  CHECK_THROWS_AS(built_shape(Normalization(), {-1, -1}), ShapeError);
  CHECK_THROWS_AS(built_shape(Normalization({.mean = {1, 2}, .variance = {1, 2}}), {-1, 3}), ShapeError);
}

TEST_CASE("Resizing and CenterCrop: windows, shapes, bad arguments") {
  const auto run = [](const Layer<float>& layer, const Tensor<float>& x) {
    LayerRun<float> use(layer, x, kInfer);
    return values(use.forward().y());
  };
  const Tensor<float> wide = random_tensor<float>({1, 4, 6, 1}, 3);
  std::vector<float> cut;
  for (Index r = 0; r < 4; ++r) cut.insert(cut.end(), wide.data() + r * 6 + 1, wide.data() + r * 6 + 5);
  const Tensor<float> square({1, 4, 4, 1}, cut);
  CHECK(run(Resizing(2, 2, {.crop_to_aspect_ratio = true}), wide) == run(Resizing(2, 2), square));
  CHECK(run(CenterCrop(4, 4), wide) == cut);
  CHECK(run(CenterCrop(5, 5), wide) == run(Resizing(5, 5), square));
  // Half-pixel centres: an output pixel of a halved image is the mean of four.
  CHECK(run(Resizing(1, 1), Tensor<float>({1, 2, 2, 1}, {1, 2, 3, 6})) == std::vector<float>{3});
  CHECK(run(Resizing(1, 4), Tensor<float>({1, 1, 2, 1}, {0, 4})) == std::vector<float>{0, 1, 3, 4});
  CHECK(run(Resizing(1, 4, {.interpolation = "nearest"}), Tensor<float>({1, 1, 2, 1}, {0, INFINITY})) ==
        std::vector<float>{0, 0, INFINITY, INFINITY});
  CHECK(run(Resizing(4, 4, {.pad_to_aspect_ratio = true, .fill_value = 9}), Tensor<float>({1, 2, 4, 1}, 1.0f)) ==
        std::vector<float>{9, 9, 9, 9, 1, 1, 1, 1, 1, 1, 1, 1, 9, 9, 9, 9});
  const Tensor<float> three = random_tensor<float>({1, 3, 4, 1}, 3);  // one row is missing: none is added
  CHECK(run(Resizing(4, 4, {.pad_to_aspect_ratio = true}), three) == run(Resizing(4, 4), three));

  CHECK(built_shape(Resizing(5, 6), {-1, -1, -1, 3}) == Shape{-1, 5, 6, 3});
  CHECK(built_shape(Resizing(5, 6, {.data_format = "channels_first"}), {-1, 3, 9, 9}) == Shape{-1, 3, 5, 6});
  CHECK_THROWS_AS(Resizing(0, 3), ConfigError);
  CHECK_THROWS_AS(CenterCrop(3, -1), ConfigError);
  CHECK_THROWS_WITH(Resizing(3, 3, {.interpolation = "bicubic"}), ContainsSubstring("bicubic"));
  CHECK_THROWS_AS(Resizing(3, 3, {.fill_mode = "reflect"}), ConfigError);
  CHECK_THROWS_AS(Resizing(3, 3, {.crop_to_aspect_ratio = true, .pad_to_aspect_ratio = true}), ConfigError);
  CHECK_THROWS_AS(Resizing(3, 3, {.data_format = "channels"}), ConfigError);
  CHECK_THROWS_WITH(Resizing<>::from_config(object({{"height", 3}, {"width", 3}, {"antialias", true}})),
                    ContainsSubstring("antialias"));
  CHECK_NOTHROW(Resizing<>::from_config(object({{"height", 3}, {"width", 3}, {"data_format", Config()}})));
  CHECK_THROWS_AS(built_shape(Resizing(3, 3), {-1, 5, 5}), ShapeError);
  CHECK_THROWS_AS(built_shape(Resizing(3, 3), {-1, 0, 5, 3}), ShapeError);
}
