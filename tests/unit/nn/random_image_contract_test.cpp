#include "tests/support/counting_allocator.hpp"
#include "tests/support/layer_contract.hpp"
#include "tests/support/layer_tools.hpp"

using namespace graft;
using namespace graft::test;
using Catch::Matchers::ContainsSubstring;

namespace {

std::vector<LayerCase> random_image_cases() {
  const Shape image{4, 5, 2};
  std::vector<LayerCase> all{
      {"RandomFlip", RandomFlip<double>(), {image}},
      {"RandomFlip horizontal", RandomFlip<double>("horizontal", {.seed = 3}), {image}},
      {"RandomFlip vertical, channels_first",
       RandomFlip<double>("vertical", {.data_format = "channels_first"}),
       {{2, 4, 5}}},
      {"RandomRotation of nothing", RandomRotation<double>(0), {image}},
      {"RandomRotation channels_first",
       RandomRotation<double>({-0.2, 0.4}, {.data_format = "channels_first"}),
       {{2, 4, 5}}},
      {"RandomRotation of a pixel", RandomRotation<double>(0.5), {{1, 1, 3}}},
      {"RandomZoom both", RandomZoom<double>({-0.5, 0.9}), {image}},
      {"RandomZoom", RandomZoom<double>(0.4, {.width_factor = {-0.5, -0.2}}), {image}},
      {"RandomTranslation", RandomTranslation<double>(0.5, {-0.7, 0.2}), {image}},
      {"RandomTranslation of everything",
       RandomTranslation<double>({1, 1}, 0, {.fill_mode = "constant", .fill_value = 2}),
       {image}},
  };
  for (const char* fill_mode : {"reflect", "constant", "wrap", "nearest"}) {
    for (const char* interpolation : {"bilinear", "nearest"}) {
      all.push_back({std::string("RandomRotation ") + fill_mode + " " + interpolation,
                     RandomRotation<double>(
                         0.3, {.fill_mode = fill_mode, .interpolation = interpolation, .seed = 5, .fill_value = 0.25}),
                     {image}});
    }
  }
  return all;
}

const graft::test::LayerCases registered_random_image(&random_image_cases);

/// Pixels 0, 1, 2, … of n images.
Tensor<double> ramp(Index n, Index height, Index width) {
  auto x = Tensor<double>::uninitialized(Shape{n, height, width, 1});
  for (Index i = 0; i < x.size(); ++i) x[i] = static_cast<double>(i % (height * width));
  return x;
}

std::vector<double> trained(const Layer<double>& layer, const Tensor<double>& x, RandomKey key = {42}) {
  LayerRun<double> run(layer, x, kTrain, key);
  run.forward();
  return {run.y().begin(), run.y().end()};
}

}  // namespace

TEST_CASE("Random images: every layer obeys the layer contract") {
  for (const LayerCase& test : random_image_cases()) {
    DYNAMIC_SECTION(test.label) { check_layer_contract(test); }
  }
}

TEST_CASE("Random images: fixed transforms, by hand") {
  const Tensor<double> x = ramp(1, 1, 4), column = ramp(1, 4, 1);
  const auto shifted = [&](double factor, const char* fill_mode) {
    return trained(RandomTranslation<double>(0, {factor, factor}, {.fill_mode = fill_mode, .fill_value = 9}), x);
  };
  using List = std::vector<double>;
  // Two pixels to the right, half a pixel to the left.
  CHECK(shifted(0.5, "constant") == List{9, 9, 0, 1});
  CHECK(shifted(0.5, "reflect") == List{1, 0, 0, 1});
  CHECK(shifted(0.5, "wrap") == List{2, 3, 0, 1});
  CHECK(shifted(0.5, "nearest") == List{0, 0, 0, 1});
  CHECK(shifted(-0.125, "nearest") == List{0.5, 1.5, 2.5, 3});
  CHECK(shifted(-0.125, "constant") == List{0.5, 1.5, 2.5, 6});
  CHECK(shifted(-0.125, "wrap") == List{0.5, 1.5, 2.5, 1.5});
  CHECK(shifted(1, "reflect") == List{3, 2, 1, 0});
  // Down.
  CHECK(trained(RandomTranslation<double>({0.25, 0.25}, 0, {.fill_mode = "constant"}), column) == List{0, 0, 1, 2});
  // Zooming out by 2 shows the image twice; the middle stays.
  CHECK(trained(RandomZoom<double>({1, 1}, {.fill_mode = "constant", .fill_value = 9}), x) == List{9, 0.5, 2.5, 9});
  CHECK(trained(RandomZoom<double>({0, 0}, {.width_factor = {-1, -1}}), x) == List{1.5, 1.5, 1.5, 1.5});
  // A quarter turn, counter-clockwise.
  const Tensor<double> square = ramp(1, 2, 2);
  CHECK(trained(RandomRotation<double>({0.25, 0.25}, {.interpolation = "nearest"}), square) == List{1, 3, 0, 2});
  CHECK(trained(RandomRotation<double>({0.5, 0.5}, {.interpolation = "nearest"}), square) == List{3, 2, 1, 0});
  CHECK(trained(RandomRotation<double>({1, 1}, {.interpolation = "nearest"}), square) == List{0, 1, 2, 3});
}

TEST_CASE("Random images: what is drawn, and from what") {
  const Index n = 2000;
  const Tensor<double> x = ramp(n, 2, 2);
  // Both flips or none, about as often as each other; horizontal ones swap 0 and 1.
  const std::vector<double> both = trained(RandomFlip<double>(), x),
                            across = trained(RandomFlip<double>("horizontal"), x);
  Index turned = 0, swapped = 0;
  for (Index i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(4 * i);
    REQUIRE((both[at] == 0 || both[at] == 3));
    REQUIRE(both[at] + both[at + 3] == 3);
    turned += both[at] == 3;
    REQUIRE((across[at] == 0 || across[at] == 1));
    swapped += across[at] == 1;
  }
  CHECK(std::abs(turned - n / 2) < 120);
  CHECK(std::abs(swapped - n / 2) < 120);

  // A sample's numbers depend on the key and its place only, and a seed changes them.
  const RandomTranslation<double> layer(0, {-0.5, 0.25}, {.fill_mode = "nearest"});
  const Tensor<double> line = ramp(n, 1, 8);
  const std::vector<double> all = trained(layer, line), again = trained(layer, line);
  CHECK(all == again);
  CHECK(all != trained(layer, line, RandomKey{43}));
  CHECK(all != trained(RandomTranslation<double>(0, {-0.5, 0.25}, {.fill_mode = "nearest", .seed = 1}), line));
  const std::vector<double> few = trained(layer, line.rows(0, 3));
  CHECK(std::equal(few.begin(), few.end(), all.begin()));
  // Pixel 4 comes from 4 - shift, uniformly between 2 and 8, of which 7 is the last one.
  double lowest = 9, highest = 0, mean = 0;
  for (Index i = 0; i < n; ++i) {
    const double from = all[static_cast<std::size_t>(8 * i + 4)];
    lowest = std::min(lowest, from);
    highest = std::max(highest, from);
    mean += from / static_cast<double>(n);
  }
  CHECK(lowest >= 2);
  CHECK(lowest < 2.05);
  CHECK(highest == 7);
  CHECK(mean == Approx(59.5 / 12).epsilon(0.02));
  // One zoom for both axes unless there are two factors.
  const Tensor<double> square = ramp(1, 5, 5);
  const auto symmetric = [&](const Layer<double>& zoom) {
    const std::vector<double> y = trained(zoom, square);
    return std::abs((y[1] - y[0]) * 5 - (y[5] - y[0])) < 1e-4;
  };
  CHECK(symmetric(RandomZoom<double>({-0.5, -0.1})));
  CHECK_FALSE(symmetric(RandomZoom<double>({-0.5, -0.1}, {.width_factor = {-0.5, -0.1}})));
}

TEST_CASE("Random images: identity at inference, and with factors of nothing") {
  for (const LayerCase& test : random_image_cases()) {
    CAPTURE(test.label);
    const std::vector<Shape> shapes = test.shapes(2);
    CHECK(test.layer.impl().needs(shapes, {}).is_view);
    const bool nothing = test.label == "RandomRotation of nothing";
    CHECK(test.layer.impl().is_random() == !nothing);
    CHECK(test.layer.impl().needs(shapes, kTrain).is_view == nothing);
    CHECK_FALSE(test.layer.impl().supports_masking());
  }
  CHECK_FALSE(RandomZoom(0).impl().is_random());
  CHECK(RandomZoom(0, {.width_factor = 0.1}).impl().is_random());
  CHECK_FALSE(RandomTranslation(0, 0).impl().is_random());
}

TEST_CASE("Random images: forward and backward allocate nothing") {
  for (const LayerCase& test : random_image_cases()) {
    CAPTURE(test.label);
    const Shape shape = test.samples[0].with_batch(3);
    const Tensor<double> x = random_tensor<double>(shape, 1), dy = random_tensor<double>(shape, 2);
    Tensor<double> y(shape), dx(shape);
    alignas(64) std::byte cache[64];
    const TensorView<const double> inputs[] = {x.view()}, output_gradients[] = {dy.view()}, none[] = {{}};
    const TensorView<double> outputs[] = {y.view()}, input_gradients[] = {dx.view()};
    ForwardArgs<double> forward;
    forward.inputs = inputs;
    forward.outputs = outputs;
    forward.use = kTrain;
    forward.cache = cache;
    BackwardArgs<double> backward;
    backward.inputs = backward.outputs = none;
    backward.output_gradients = output_gradients;
    backward.input_gradients = input_gradients;
    backward.use = kTrain;
    backward.cache = cache;
    test.layer.impl().forward(forward);
    const AllocationCounter counter;
    test.layer.impl().forward(forward);
    test.layer.impl().backward(backward);
    const long calls = counter.calls();
    CHECK(calls == 0);
  }
}

TEST_CASE("Random images: configs of Keras 2 and 3, bad arguments") {
  const Config pair = Config::array({-0.1, 0.2});
  // Keras 3 writes ranges and data_format, Keras 2 what it was given.
  CHECK(RandomRotation<>::from_config(object({{"factor", pair}, {"data_format", "channels_last"}}))
            .config()
            .at("factor") == pair);
  const Config zoom =
      RandomZoom<>::from_config(object({{"height_factor", 0.2}, {"width_factor", Config()}, {"fill_mode", "wrap"}}))
          .config();
  CHECK(zoom.at("height_factor") == Config(0.2));
  CHECK(zoom.at("width_factor").is_null());
  CHECK(zoom.at("fill_mode") == Config("wrap"));
  CHECK(zoom.at("interpolation") == Config("bilinear"));
  CHECK_FALSE(zoom.contains("data_format"));
  CHECK(RandomFlip<>::from_config(object({{"seed", 7}})).config().at("mode") == Config("horizontal_and_vertical"));
  CHECK(RandomFlip<>::from_config(object({{"seed", 7}})).config().at("seed") == Config(7));
  CHECK(RandomFlip("vertical", {.data_format = "channels_first"}).config().at("data_format") ==
        Config("channels_first"));
  CHECK_NOTHROW(RandomRotation(30));

  CHECK_THROWS_WITH(RandomFlip("diagonal"), ContainsSubstring("diagonal") && ContainsSubstring("horizontal"));
  CHECK_THROWS_AS(RandomRotation(NAN), ConfigError);
  CHECK_THROWS_AS(RandomRotation(1e9), ConfigError);
  CHECK_THROWS_AS(RandomRotation({0.1, 0.2, 0.3}), ConfigError);
  CHECK_THROWS_AS(RandomRotation({}), ConfigError);
  CHECK_THROWS_WITH(RandomZoom(1.5), ContainsSubstring("height_factor") && ContainsSubstring("1.5"));
  CHECK_THROWS_WITH(RandomZoom(0.5, {.width_factor = {-2, 0}}), ContainsSubstring("width_factor"));
  CHECK_THROWS_AS(RandomTranslation(0.5, {-2, 0}), ConfigError);
  CHECK_THROWS_WITH(RandomRotation(0.1, {.fill_mode = "mirror"}),
                    ContainsSubstring("mirror") && ContainsSubstring("RandomRotation"));
  CHECK_THROWS_AS(RandomRotation(0.1, {.interpolation = "bicubic"}), ConfigError);
  CHECK_THROWS_AS(RandomRotation(0.1, {.fill_value = INFINITY}), ConfigError);
  CHECK_THROWS_AS(RandomFlip("vertical", {.data_format = "channels"}), ConfigError);
  CHECK_THROWS_AS(RandomRotation<>::from_config(object({{"factor", "much"}})), ConfigError);
  CHECK_THROWS_AS(RandomRotation<>::from_config(object({})), ConfigError);
  CHECK_THROWS_AS(built_shape(RandomFlip(), {-1, 5, 5}), ShapeError);
  CHECK(built_shape(RandomFlip(), {-1, -1, -1, 3}) == Shape{-1, -1, -1, 3});
}
