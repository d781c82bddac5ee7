#include "tests/support/counting_allocator.hpp"
#include "tests/support/layer_contract.hpp"
#include "tests/support/layer_tools.hpp"

using namespace graft;
using namespace graft::test;
using Catch::Matchers::ContainsSubstring;

namespace {

const Shape kImage{4, 5, 3};
const Shape kPlanes{3, 4, 5};
// The pixels of the contract test are about -4 … 4.
constexpr std::array<double, 2> kRange = {-6, 6};
constexpr std::array<double, 2> kNarrow = {-1, 1.5};

std::vector<LayerCase> augmentation_cases() {
  const char* const planes = "channels_first";
  return {
      {"RandomBrightness", RandomBrightness<double>(0.5, {.value_range = kRange}), {kImage}},
      {"RandomBrightness, cut off", RandomBrightness<double>({0.1, 0.4}, {.value_range = kNarrow}), {kImage}},
      {"RandomContrast", RandomContrast<double>(0.7, {.value_range = kRange}), {kImage}},
      {"RandomContrast, cut off",
       RandomContrast<double>({0.2, 0.9}, {.value_range = kNarrow, .data_format = planes}),
       {kPlanes}},
      {"RandomColorDegeneration", RandomColorDegeneration<double>(0.8, {.value_range = kRange}), {kImage}},
      {"RandomColorDegeneration, cut off",
       RandomColorDegeneration<double>({-0.5, 1}, {.value_range = kNarrow, .seed = 3, .data_format = planes}),
       {kPlanes}},
      {"RandomGrayscale", RandomGrayscale<double>(0.5), {kImage}},
      {"RandomGrayscale never", RandomGrayscale<double>(0), {kImage}},
      {"RandomGrayscale planes", RandomGrayscale<double>(1, {.seed = 2, .data_format = planes}), {kPlanes}},
      {"RandomHue", RandomHue<double>(0.6, {.value_range = kRange}), {kImage}},
      {"RandomHue planes", RandomHue<double>({0.2, 0.9}, {.value_range = kRange, .data_format = planes}), {kPlanes}},
      {"RandomSaturation", RandomSaturation<double>({0.2, 0.8}, {.value_range = {0, 1}}), {kImage}},
      {"RandomSaturation planes",
       RandomSaturation<double>(0.4, {.value_range = {0, 255}, .data_format = planes}),
       {kPlanes}},
      {"RandomSharpness", RandomSharpness<double>(1, {.value_range = kRange}), {kImage}},
      {"RandomSharpness, cut off",
       RandomSharpness<double>({0.1, 0.3}, {.value_range = kNarrow, .data_format = planes}),
       {kPlanes}},
      {"RandomSharpness of a line", RandomSharpness<double>(1, {.value_range = kRange}), {{1, 3, 2}}},
      {"RandomInvert", RandomInvert<double>(0.6, {.value_range = kRange}), {kImage}},
      {"RandomInvert always", RandomInvert<double>({1, 1}, {.value_range = {0, 1}, .data_format = planes}), {kPlanes}},
      {"RandomPosterization", RandomPosterization<double>(5, {.value_range = kRange}), {kImage}},
      {"RandomPosterization of three bits", RandomPosterization<double>({3, 3}, {.value_range = kNarrow}), {kImage}},
      {"Solarization", Solarization<double>({.threshold_factor = {0.4, 0.6}, .value_range = kRange}), {kImage}},
      {"Solarization with an addition",
       Solarization<double>({.addition_factor = 0.3, .threshold_factor = 1, .value_range = kNarrow, .seed = 4}),
       {kImage}},
      {"AutoContrast", AutoContrast<double>({.value_range = {0, 1}}), {kImage}},
      {"AutoContrast planes", AutoContrast<double>({.data_format = planes}), {kPlanes}},
      {"AutoContrast of a pixel", AutoContrast<double>(), {{1, 1, 3}}},
      {"Equalization", Equalization<double>({.value_range = kRange, .bins = 16}), {kImage}},
      {"Equalization planes", Equalization<double>({.value_range = kNarrow, .data_format = planes}), {kPlanes}},
      {"RandomErasing", RandomErasing<double>(1.0, {.scale = {0.3, 0.6}, .value_range = kRange}), {kImage}},
      {"RandomErasing with a colour",
       RandomErasing<double>({0.8, 1}, {.scale = 0.8, .fill_value = {1, 2, 3}, .data_format = planes}),
       {kPlanes}},
      {"RandomErasing with zero", RandomErasing<double>({1, 1}, {.scale = {0.5, 0.5}, .fill_value = 0.0}), {{5, 4, 1}}},
      {"RandomCrop", RandomCrop<double>(2, 3), {kImage}},
      {"RandomCrop planes", RandomCrop<double>(3, 3, {.seed = 5, .data_format = planes}), {kPlanes}},
      {"RandomCrop of a small image", RandomCrop<double>(6, 3), {kImage}},
      {"RandomCrop of nothing", RandomCrop<double>(4, 5), {kImage}},
      {"RandomShear", RandomShear<double>({.x_factor = 0.4, .y_factor = {0.1, 0.2}}), {kImage}},
      {"RandomShear planes",
       RandomShear<double>({.y_factor = 0.5,
                            .interpolation = "nearest",
                            .fill_mode = "constant",
                            .fill_value = 2,
                            .data_format = planes}),
       {kPlanes}},
      {"RandomShear of nothing", RandomShear<double>(), {kImage}},
      {"MixUp", MixUp<double>(), {kImage}},
      {"MixUp planes", MixUp<double>(2, {.data_format = planes, .seed = 3}), {kPlanes}},
      {"CutMix", CutMix<double>(), {kImage}},
      {"CutMix planes", CutMix<double>({0.5, 1}, {.data_format = planes, .seed = 3}), {kPlanes}},
      {"RandomColorJitter",
       RandomColorJitter<double>({.value_range = {-10, 10},
                                  .brightness_factor = 0.1,
                                  .contrast_factor = 0.4,
                                  .saturation_factor = {0.4, 0.6},
                                  .hue_factor = 0.3}),
       {kImage}},
      {"RandomColorJitter of brightness",
       RandomColorJitter<double>({.value_range = kRange, .brightness_factor = 0.3, .data_format = planes}),
       {kPlanes}},
      {"RandomColorJitter of nothing", RandomColorJitter<double>(), {kImage}},
      {"RandAugment", RandAugment<double>({.value_range = kRange}), {kImage}},
      {"RandAugment of one", RandAugment<double>({.value_range = kRange, .num_ops = 1, .factor = 0.2}), {kImage}},
      {"RandAugment of five",
       RandAugment<double>({.value_range = kRange,
                            .num_ops = 5,
                            .factor = {0.1, 0.4},
                            .interpolation = "nearest",
                            .seed = 6,
                            .data_format = planes}),
       {kPlanes}},
      {"RandAugment of nothing", RandAugment<double>({.num_ops = 0}), {kImage}},
  };
}

const graft::test::LayerCases registered_augmentation(&augmentation_cases);

Tensor<double> image(const Shape& shape, const std::vector<double>& pixels) {
  auto x = Tensor<double>::uninitialized(shape);
  std::copy(pixels.begin(), pixels.end(), x.data());
  return x;
}
std::vector<double> trained(const Layer<double>& layer, const Tensor<double>& x, RandomKey key = {42}) {
  LayerRun<double> run(layer, x, kTrain, key);
  run.forward();
  return {run.y().begin(), run.y().end()};
}
using List = std::vector<double>;

void check_close(const List& a, const List& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CAPTURE(i);
    CHECK(a[i] == Approx(b[i]).margin(1e-9));
  }
}

}  // namespace

TEST_CASE("Augmentation: every layer obeys the layer contract") {
  for (const LayerCase& test : augmentation_cases()) {
    DYNAMIC_SECTION(test.label) { check_layer_contract(test); }
  }
}

TEST_CASE("Augmentation: fixed factors, by hand") {
  const Tensor<double> line = image({1, 1, 4, 1}, {10, 100, 150, 240});
  check_close(trained(RandomBrightness<double>({0.2, 0.2}), line), {61, 151, 201, 255});
  check_close(trained(RandomContrast<double>({0, 0}), line), {10, 100, 150, 240});
  check_close(trained(RandomContrast<double>({1, 0}, {.value_range = {0, 300}}), image({1, 1, 2, 1}, {100, 100})),
              {100, 100});
  check_close(trained(RandomInvert<double>({1, 1}), line), {245, 155, 105, 15});
  // 100 is 0110 0100: two bits leave 0100 0000.
  check_close(trained(RandomPosterization<double>({2, 2}), line), {0, 64, 128, 192});
  check_close(trained(Solarization<double>({.threshold_factor = {0, 0}}), line), {245, 155, 105, 15});
  check_close(trained(AutoContrast<double>(), line), {0, 90 * 255 / 230.0, 140 * 255 / 230.0, 255});
  check_close(trained(AutoContrast<double>(), image({1, 1, 2, 1}, {7, 7})), {7, 7});
  check_close(trained(Equalization<double>(), line), {0, 85, 170, 255});
  check_close(trained(Equalization<double>(), image({1, 1, 4, 1}, {10, 10, 10, 200})), {0, 0, 0, 255});
  check_close(trained(Equalization<double>(), image({1, 1, 2, 1}, {9, 9})), {9, 9});
  check_close(trained(RandomErasing<double>({1, 1}, {.scale = {1, 1}, .fill_value = 5.0}), line), {5, 5, 5, 5});
  // Keras's filter: a weighted mean of 3 x 3 pixels, 0 outside.
  check_close(trained(RandomSharpness<double>({0, 0}), image({1, 1, 3, 1}, {13, 26, 39})),
              {(5 * 13 + 26) / 13.0, (13 + 5 * 26 + 39) / 13.0, (26 + 5 * 39) / 13.0});
  check_close(trained(RandomSharpness<double>({0.5, 0.5}), line), {10, 100, 150, 240});
  const Tensor<double> pixel = image({1, 1, 1, 3}, {200, 100, 50});
  const double gray = 0.2989 * 200 + 0.5870 * 100 + 0.1140 * 50;
  check_close(trained(RandomGrayscale<double>(1), pixel), {gray, gray, gray});
  check_close(trained(RandomColorDegeneration<double>({1, 1}), pixel), {gray, gray, gray});
  check_close(trained(RandomColorDegeneration<double>({-1, -1}), pixel), {255, 200 - gray, 0});
  check_close(trained(RandomColorDegeneration<double>({0, 0}), pixel), {200, 100, 50});
  check_close(trained(RandomHue<double>({0, 0}), pixel), {200, 100, 50});
  // Half a circle turns red into cyan.
  check_close(trained(RandomHue<double>({1, 1}), image({1, 1, 1, 3}, {255, 0, 0})), {0, 255, 255});
  check_close(trained(RandomSaturation<double>({0, 0}), pixel), {200, 200, 200});
  const List same = trained(RandomSaturation<double>({0.5, 0.5}), pixel);
  for (std::size_t i = 0; i < 3; ++i) CHECK(same[i] == Approx(pixel[static_cast<Index>(i)]).epsilon(1e-6));
}

TEST_CASE("Augmentation: a window of the image in training, its middle at inference") {
  Tensor<double> x({200, 4, 6, 1});
  for (Index i = 0; i < x.size(); ++i) x[i] = static_cast<double>(i % 24);
  const RandomCrop<double> crop(2, 3);
  const List y = trained(crop, x);
  std::vector<int> places(24, 0);
  for (std::size_t i = 0; i < 200; ++i) {
    const double first = y[6 * i];
    ++places[static_cast<std::size_t>(first)];
    for (std::size_t k = 0; k < 6; ++k) REQUIRE(y[6 * i + k] == first + static_cast<double>(6 * (k / 3) + k % 3));
  }
  // 3 x 4 places, all of them taken.
  CHECK(std::count_if(places.begin(), places.end(), [](int count) { return count > 0; }) == 12);
  LayerRun<double> still(crop, x.rows(0, 1), kInfer);
  const Tensor<double> middle = LayerRun<double>(CenterCrop<double>(4, 6), x.rows(0, 1), kInfer).forward().y();
  const Tensor<double> resized =
      LayerRun<double>(Resizing<double>(2, 3, {.crop_to_aspect_ratio = true}), middle, kInfer).forward().y();
  CHECK(graft::test::same(still.forward().y(), resized));
}

TEST_CASE("Augmentation: MixUp and CutMix mix labels as they mix images") {
  const Index n = 64;
  Tensor<float> images({n, 4, 4, 1}), labels({n, n});
  for (Index i = 0; i < n; ++i) {
    for (Index k = 0; k < 16; ++k) images[16 * i + k] = static_cast<float>(i);
    labels[n * i + i] = 1;
  }
  const auto check = [&](const auto& mixer, bool whole) {
    Tensor<float> x = images, y = labels;
    mixer.mix(x, y, RandomKey{5});
    Index mixed = 0;
    for (Index i = 0; i < n; ++i) {
      double total = 0, expected = 0, mean = 0;
      for (Index k = 0; k < n; ++k) {
        total += static_cast<double>(y[n * i + k]);
        expected += static_cast<double>(y[n * i + k]) * static_cast<double>(k);
      }
      for (Index k = 0; k < 16; ++k) mean += static_cast<double>(x[16 * i + k]) / 16;
      CHECK(total == Approx(1));
      // The label's mean is that of the pixels; a box has whole pixels, its label the exact area.
      if (whole) CHECK(mean == Approx(expected).margin(1e-4));
      mixed += y[n * i + i] < 1;
    }
    CHECK(mixed > n / 2);
    Tensor<float> other = images, other_labels = labels;
    mixer.mix(other, other_labels, RandomKey{6});
    CHECK_FALSE(same(x, other));
    Tensor<float> wrong({n - 1, 2});
    CHECK_THROWS_AS(mixer.mix(other, wrong, RandomKey{6}), ShapeError);
  };
  check(MixUp(1.0), true);
  check(CutMix(), false);
  struct {
    std::vector<Tensor<float>> x, y;
  } batch{{images}, {labels}};
  MixUp(1.0).mix(batch, RandomKey{5});
  Tensor<float> x = images, y = labels;
  MixUp(1.0).mix(x, y, RandomKey{5});
  CHECK(same(batch.x[0], x));
  CHECK(same(batch.y[0], y));

  // Beta(1, 1) is uniform, and Beta(0.2, 0.2) is mostly near the ends.
  double mean = 0, square = 0;
  Index ends = 0;
  for (std::uint64_t i = 0; i < 20000; ++i) {
    const double u = detail::draw_beta(RandomKey{i}.fold(1), 1), b = detail::draw_beta(RandomKey{i}.fold(2), 0.2);
    mean += u / 20000;
    square += u * u / 20000;
    ends += b < 0.1 || b > 0.9;
  }
  CHECK(mean == Approx(0.5).margin(0.01));
  CHECK(square == Approx(1.0 / 3).margin(0.01));
  CHECK(static_cast<double>(ends) / 20000 == Approx(0.6734).margin(0.012));
  CHECK(std::isfinite(detail::draw_beta(RandomKey{3}, 1e-6)));
}

TEST_CASE("Augmentation: all operations of RandAugment are used, each image has its own") {
  Tensor<double> x({300, 6, 6, 3});
  Rng rng(4);
  for (double& value : x.view().span()) value = 255 * rng.uniform();
  const auto one = x.rows(0, 1);
  Tensor<double> same_image({300, 6, 6, 3});
  for (Index i = 0; i < 300; ++i) std::copy_n(one.data(), 108, same_image.data() + i * 108);
  const List y = trained(RandAugment<double>({.num_ops = 1}), same_image);
  std::vector<List> kinds;
  for (std::size_t i = 0; i < 300; ++i) {
    const auto at = y.begin() + static_cast<std::ptrdiff_t>(108 * i);
    List result(at, at + 108);
    if (std::find(kinds.begin(), kinds.end(), result) == kinds.end()) kinds.push_back(std::move(result));
  }
  CHECK(kinds.size() > 150);
  for (const double value : y) REQUIRE((value >= 0 && value <= 255));
}

TEST_CASE("Augmentation: what differs between training and inference ends the deterministic prefix") {
  for (const LayerCase& test : augmentation_cases()) {
    CAPTURE(test.label);
    const std::vector<Shape> shapes = test.shapes(2);
    const bool always = test.layer.class_name() == "AutoContrast";
    const bool resizes = test.layer.class_name() == "RandomCrop";
    const bool never = test.label == "RandomGrayscale never" || test.label == "RandomShear of nothing";
    CHECK(test.layer.impl().needs(shapes, {}).is_view == !(always || resizes));
    CHECK(test.layer.impl().is_random() == !(always || never));
    CHECK_FALSE(test.layer.impl().supports_masking());
  }
}

TEST_CASE("Augmentation: forward and backward allocate nothing") {
  for (const LayerCase& test : augmentation_cases()) {
    CAPTURE(test.label);
    const std::vector<Shape> shapes = test.shapes(3);
    const Needs needs = test.layer.impl().needs(shapes, kTrain);
    const Shape out = test.layer.impl().output_shapes(shapes)[0];
    const Tensor<double> x = random_tensor<double>(shapes[0], 1), dy = random_tensor<double>(out, 2);
    Tensor<double> y(out), dx(shapes[0]);
    std::vector<std::byte> cache(static_cast<std::size_t>(needs.cache_bytes) + 64),
        scratch(static_cast<std::size_t>(needs.scratch_bytes) + 64);
    const TensorView<const double> inputs[] = {x.view()}, output_gradients[] = {dy.view()}, none[] = {{}};
    const TensorView<double> outputs[] = {y.view()}, input_gradients[] = {dx.view()};
    ForwardArgs<double> forward;
    forward.inputs = inputs;
    forward.outputs = outputs;
    forward.use = kTrain;
    forward.cache = cache.data();
    forward.scratch = scratch.data();
    BackwardArgs<double> backward;
    backward.inputs = inputs;
    backward.outputs = none;
    backward.output_gradients = output_gradients;
    backward.input_gradients = input_gradients;
    backward.use = kTrain;
    backward.cache = cache.data();
    backward.scratch = scratch.data();
    test.layer.impl().forward(forward);
    const AllocationCounter counter;
    test.layer.impl().forward(forward);
    test.layer.impl().backward(backward);
    const long calls = counter.calls();
    CHECK(calls == 0);
  }
}

TEST_CASE("Augmentation: configs of Keras 2 and 3, bad arguments") {
  const Config pair = Config::array({0.0, 0.2});
  // Keras 3 writes {0, f} for RandomContrast(f), Keras 2 what it was given.
  CHECK(RandomContrast<>::from_config(object({{"factor", pair}, {"value_range", Config::array({0, 255})}}))
            .config()
            .at("factor") == pair);
  CHECK_FALSE(RandomContrast(0.2).config().contains("value_range"));
  CHECK(RandomContrast(0.2, {.value_range = {0, 1}}).config().at("value_range") == Config::array({0.0, 1.0}));
  CHECK(RandomBrightness(0.2).config().at("value_range") == Config::array({0.0, 255.0}));
  CHECK_FALSE(RandomCrop(3, 4).config().contains("data_format"));
  // Keras 3 writes the ends of the range for a shear of one number.
  CHECK(RandomShear<>::from_config(object({{"x_factor", Config::array({-0.3, 0.3})}, {"y_factor", pair}}))
            .config()
            .at("x_factor") == Config::array({-0.3, 0.3}));
  CHECK(RandomErasing<>::from_config(object({})).config().at("scale") == Config::array({0.02, 0.33}));
  CHECK(MixUp<>::from_config(object({})).config().at("alpha") == Config(0.2));
  CHECK(RandAugment<>::from_config(object({})).config().at("num_ops") == Config(2));
  CHECK(built_shape(RandomCrop(3, 4), {-1, -1, -1, 3}) == Shape{-1, 3, 4, 3});

  CHECK_THROWS_WITH(RandomBrightness(2), ContainsSubstring("RandomBrightness") && ContainsSubstring("factor"));
  CHECK_THROWS_AS(RandomBrightness(0.1, {.value_range = {1, 1}}), ConfigError);
  CHECK_THROWS_AS(RandomBrightness(NAN), ConfigError);
  CHECK_THROWS_AS(RandomContrast(-0.1), ConfigError);
  CHECK_THROWS_AS(RandomContrast({0.1, 0.2, 0.3}), ConfigError);
  CHECK_THROWS_AS(RandomHue(1.5), ConfigError);
  CHECK_THROWS_AS(RandomPosterization(9), ConfigError);
  CHECK_THROWS_AS(RandomPosterization(0.5), ConfigError);
  CHECK_THROWS_AS(RandomGrayscale(2), ConfigError);
  CHECK_THROWS_AS(RandomErasing(1.0, {.fill_value = {1, 2}}), ConfigError);
  CHECK_THROWS_AS(Equalization({.bins = 0}), ConfigError);
  CHECK_THROWS_AS(Equalization({.bins = Index{1} << 40}), ConfigError);
  CHECK_THROWS_AS(RandomShear({.x_factor = 1.5}), ConfigError);
  CHECK_THROWS_AS(RandomShear({.fill_mode = "mirror"}), ConfigError);
  CHECK_THROWS_AS(RandomCrop(0, 4), ConfigError);
  CHECK_THROWS_AS(MixUp(0), ConfigError);
  CHECK_THROWS_AS(MixUp(INFINITY), ConfigError);
  CHECK_THROWS_AS(CutMix(1.5), ConfigError);
  CHECK_THROWS_AS(RandAugment({.num_ops = 17}), ConfigError);
  CHECK_THROWS_AS(RandAugment({.num_ops = -1}), ConfigError);
  CHECK_THROWS_AS(RandAugment({.interpolation = "bicubic"}), ConfigError);
  CHECK_THROWS_AS(MixUp(0.2, {.data_format = "channels"}), ConfigError);
  CHECK_THROWS_AS(built_shape(RandomBrightness(0.1), {-1, 5, 5}), ShapeError);
  CHECK_THROWS_WITH(built_shape(RandomHue(0.1), {-1, 5, 5, 1}), ContainsSubstring("3 channels"));
  CHECK_THROWS_AS(RandomBrightness<>::from_config(object({{"factor", 0.1}, {"value_range", 3}})), ConfigError);
  CHECK_THROWS_AS(RandomHue<>::from_config(object({})), ConfigError);
}
