#include "tests/support/layer_contract.hpp"
#include "tests/support/layer_tools.hpp"

// RandomHeight, RandomWidth, RandomGaussianBlur, RandomPerspective, RandomElasticTransform, AugMix.
using namespace graft;
using namespace graft::test;
using Catch::Matchers::ContainsSubstring;

namespace {

const Shape kImage{4, 5, 3};
const Shape kPlanes{3, 4, 5};
// The pixels of the contract test are about -4 … 4.
constexpr std::array<double, 2> kRange = {-6, 6};
constexpr std::array<double, 2> kNarrow = {-1, 1.5};

std::vector<LayerCase> more_augmentation_cases() {
  const char* const planes = "channels_first";
  return {
      {"RandomHeight", RandomHeight<double>(0.5), {kImage}},
      {"RandomHeight planes", RandomHeight<double>({0.2, 0.9}, {.seed = 3, .data_format = planes}), {kPlanes}},
      {"RandomWidth", RandomWidth<double>({-0.6, -0.2}), {kImage}},
      {"RandomWidth nearest", RandomWidth<double>(0.7, {.interpolation = "nearest"}), {kImage}},
      {"RandomGaussianBlur", RandomGaussianBlur<double>(1.0, {.value_range = kRange}), {kImage}},
      {"RandomGaussianBlur, cut off",
       RandomGaussianBlur<double>({0.9, 1}, {.kernel_size = {3, 7}, .sigma = {0.4, 1}, .value_range = kNarrow}),
       {kImage}},
      {"RandomGaussianBlur planes",
       RandomGaussianBlur<double>({1, 1}, {.kernel_size = 5, .value_range = kRange, .seed = 2, .data_format = planes}),
       {kPlanes}},
      {"RandomPerspective", RandomPerspective<double>(), {{6, 7, 2}}},
      {"RandomPerspective planes",
       RandomPerspective<double>({1, 1}, {.scale = 0.3, .fill_value = 2, .seed = 1, .data_format = planes}),
       {kPlanes}},
      {"RandomPerspective nearest", RandomPerspective<double>(0.7, {.interpolation = "nearest"}), {kImage}},
      {"RandomPerspective of a line", RandomPerspective<double>({1, 1}), {{1, 5, 2}}},
      {"RandomElasticTransform", RandomElasticTransform<double>(1.0, {.value_range = kRange}), {{20, 24, 2}}},
      {"RandomElasticTransform, cut off",
       RandomElasticTransform<double>({1, 1}, {.scale = {0.5, 1}, .fill_mode = "mirror", .value_range = kNarrow}),
       {{18, 18, 1}}},
      {"RandomElasticTransform planes",
       RandomElasticTransform<double>(
           0.8, {.interpolation = "nearest", .fill_mode = "wrap", .value_range = kRange, .data_format = planes}),
       {kPlanes}},
      {"RandomElasticTransform of nothing", RandomElasticTransform<double>(0.0), {kImage}},
      {"AugMix", AugMix<double>({.value_range = kRange}), {kImage}},
      {"AugMix planes",
       AugMix<double>({.value_range = kRange,
                       .num_chains = 2,
                       .chain_depth = 4,
                       .factor = {0.1, 0.4},
                       .alpha = 0.5,
                       .all_ops = false,
                       .interpolation = "nearest",
                       .seed = 6,
                       .data_format = planes}),
       {kPlanes}},
      {"AugMix of nothing", AugMix<double>({.value_range = kRange, .chain_depth = 0}), {kImage}},
  };
}

const graft::test::LayerCases registered_more_augmentation(&more_augmentation_cases);

Tensor<double> trained(const Layer<double>& layer, const Tensor<double>& x, RandomKey key = {42}) {
  LayerRun<double> run(layer, x, kTrain, key);
  run.forward();
  return Tensor<double>(run.y());
}
Tensor<double> noise(const Shape& shape, double scale = 255) {
  Tensor<double> x(shape);
  Rng rng(4);
  for (double& value : x.view().span()) value = scale * rng.uniform();
  return x;
}
void check_close(const Tensor<double>& a, const Tensor<double>& b, double margin = 1e-4) {
  REQUIRE(a.shape() == b.shape());
  for (Index i = 0; i < a.size(); ++i) {
    CAPTURE(i);
    CHECK(a[i] == Approx(b[i]).margin(margin));
  }
}
// Channel 0 of a pixel is its column, channel 1 its row: what comes out says where it came from.
Tensor<double> ramps(Index images, Index height, Index width) {
  Tensor<double> x({images, height, width, 2});
  for (Index i = 0; i < images * height * width; ++i) {
    x[2 * i] = static_cast<double>(i % width);
    x[2 * i + 1] = static_cast<double>(i / width % height);
  }
  return x;
}

}  // namespace

TEST_CASE("More augmentation: every layer obeys the layer contract") {
  for (const LayerCase& test : more_augmentation_cases()) {
    DYNAMIC_SECTION(test.label) { check_layer_contract(test); }
  }
}

TEST_CASE("RandomHeight and RandomWidth: the middle of the image that Keras makes") {
  const Tensor<double> x = noise({2, 4, 6, 2});
  // 1.5 times 4 rows are 6; pixel k of them is at (k + 0.5) 4 / 6 - 0.5.
  const Tensor<double> taller = trained(RandomHeight<double>({0.5, 0.5}), x);
  const auto row_at = [&](Index image, double position, Index rest) {
    const double inside = std::clamp(position, 0.0, 3.0), weight = inside - std::floor(inside);
    const Index low = static_cast<Index>(inside), high = std::min<Index>(low + 1, 3);
    return (1 - weight) * x[(image * 4 + low) * 12 + rest] + weight * x[(image * 4 + high) * 12 + rest];
  };
  Tensor<double> expected({2, 4, 6, 2}), shorter({2, 4, 6, 2});
  for (Index image = 0; image < 2; ++image) {
    for (Index row = 0; row < 4; ++row) {
      for (Index rest = 0; rest < 12; ++rest) {
        const double k = static_cast<double>(row);
        expected[(image * 4 + row) * 12 + rest] = row_at(image, (k + 1 + 0.5) * 4 / 6 - 0.5, rest);
        // Two rows, in the middle, with reflections of themselves.
        const double one = row == 0 || row == 1 ? 0.5 : 2.5;
        shorter[(image * 4 + row) * 12 + rest] = row_at(image, one, rest);
      }
    }
  }
  check_close(taller, expected);
  // Rows 0 and 3 lie a whole step outside: at -1.5 and 4.5, which reflect to between rows 0 and 1, and 2 and 3.
  check_close(trained(RandomHeight<double>({-0.5, -0.5}), x), shorter);
  // Width is height of the turned image.
  const auto turned = [](const Tensor<double>& image) {
    Tensor<double> result({image.dim(0), image.dim(2), image.dim(1), 2});
    for (Index n = 0; n < image.dim(0); ++n) {
      for (Index i = 0; i < image.dim(1); ++i) {
        for (Index j = 0; j < image.dim(2); ++j) {
          for (Index c = 0; c < 2; ++c) {
            result[((n * image.dim(2) + j) * image.dim(1) + i) * 2 + c] =
                image[((n * image.dim(1) + i) * image.dim(2) + j) * 2 + c];
          }
        }
      }
    }
    return result;
  };
  check_close(turned(trained(RandomWidth<double>({0.5, 0.5}), turned(x))), taller);
  CHECK(same(trained(RandomHeight<double>(0.0), x), x));
  // Every image has a height of its own.
  Tensor<double> copies({8, 9, 3, 1});
  for (Index i = 0; i < copies.size(); ++i) copies[i] = static_cast<double>(i % 27);
  const Tensor<double> y = trained(RandomHeight<double>(0.9), copies);
  CHECK_FALSE(same(Tensor<double>(y.rows(0, 1)), Tensor<double>(y.rows(1, 2))));
}

TEST_CASE("RandomGaussianBlur: a weighted mean of all pixels around, one by one") {
  const Tensor<double> x = noise({2, 5, 6, 3});
  const double sigma[] = {0.8, 0.8};
  const Tensor<double> y = trained(RandomGaussianBlur<double>({1, 1}, {.kernel_size = {3, 5}, .sigma = {0.8, 0.8}}), x);
  Tensor<double> expected({2, 5, 6, 3});
  for (Index n = 0; n < 2; ++n) {
    for (Index i = 0; i < 5; ++i) {
      for (Index j = 0; j < 6; ++j) {
        for (Index c = 0; c < 3; ++c) {
          double sum = 0, weights = 0;
          for (Index a = -2; a <= 2; ++a) {
            for (Index b = -1; b <= 1; ++b) {
              const double w = std::exp(-static_cast<double>(a * a) / (2 * sigma[1] * sigma[1]) -
                                        static_cast<double>(b * b) / (2 * sigma[0] * sigma[0]));
              weights += w;  // what falls outside counts as black
              if (i + a < 0 || i + a >= 5 || j + b < 0 || j + b >= 6) continue;
              sum += w * x[((n * 5 + i + a) * 6 + j + b) * 3 + c];
            }
          }
          expected[((n * 5 + i) * 6 + j) * 3 + c] = std::clamp(sum / weights, 0.0, 255.0);
        }
      }
    }
  }
  check_close(y, expected, 1e-3);  // Keras adds 1e-6 to sigma
  // Not blurred, but cut off.
  const Tensor<double> still = trained(RandomGaussianBlur<double>(0.0, {.value_range = {0, 100}}), x);
  for (Index i = 0; i < x.size(); ++i) REQUIRE(still[i] == std::min(x[i], 100.0));
}

TEST_CASE("RandomPerspective: a projection takes the corners where they belong") {
  using Corners = std::array<std::array<double, 2>, 4>;
  const Corners from{{{0, 0}, {9, 0}, {0, 7}, {9, 7}}}, to{{{0, 0}, {11, 0}, {0, 5}, {8, 9}}};
  const auto projection = RandomPerspectiveImpl<double>::projection(from, to);
  REQUIRE(projection.has_value());
  for (std::size_t i = 0; i < 4; ++i) {
    const auto row = static_cast<Index>(to[i][1]), col = static_cast<Index>(to[i][0]);
    CHECK(projection->x_of(row, col) == Approx(from[i][0]).margin(1e-4));
    CHECK(projection->y_of(row, col) == Approx(from[i][1]).margin(1e-4));
  }
  // Diagonals cross where diagonals cross.
  const double t = 11 * 5.0 / (5 * 8 + 11 * 9);  // (8 t, 9 t) on the line from (11, 0) to (0, 5)
  const double d = 1 + static_cast<double>(projection->c0) * 8 * t + static_cast<double>(projection->c1) * 9 * t;
  const auto& n = projection->numerator;
  CHECK((static_cast<double>(n.a0) * 8 * t + static_cast<double>(n.a1) * 9 * t + static_cast<double>(n.a2)) / d ==
        Approx(4.5).margin(1e-4));
  CHECK_FALSE(RandomPerspectiveImpl<double>::projection(from, {{{0, 0}, {0, 0}, {0, 0}, {0, 0}}}).has_value());
}

TEST_CASE("RandomPerspective: pixels of an image come from where one projection says") {
  const Index images = 12, height = 16, width = 20;
  const Tensor<double> y =
      trained(RandomPerspective<double>({1, 1}, {.scale = 0.4, .fill_value = -1000}), ramps(images, height, width));
  for (Index n = 0; n < images; ++n) {
    const auto came_from = [&](Index row, Index col) {
      const Index at = ((n * height + row) * width + col) * 2;
      return std::array<double, 2>{y[at], y[at + 1]};
    };
    CHECK(came_from(0, 0)[0] == Approx(0).margin(1e-4));  // this corner stays
    CHECK(came_from(0, 0)[1] == Approx(0).margin(1e-4));
    // Four pixels determine the projection; the others must obey it.
    std::array<std::array<double, 2>, 4> from, to;
    const Index rows[] = {2, 2, 9, 9}, cols[] = {2, 11, 2, 11};
    for (std::size_t i = 0; i < 4; ++i) {
      from[i] = came_from(rows[i], cols[i]);
      to[i] = {static_cast<double>(cols[i]), static_cast<double>(rows[i])};
    }
    const auto projection = RandomPerspectiveImpl<double>::projection(from, to);
    REQUIRE(projection.has_value());
    bool moved = false;
    for (Index row = 1; row < 11; ++row) {
      for (Index col = 1; col < 13; ++col) {
        const auto received = came_from(row, col);
        REQUIRE(received[0] > -1);
        CHECK(static_cast<double>(projection->x_of(row, col)) == Approx(received[0]).margin(2e-2));
        CHECK(static_cast<double>(projection->y_of(row, col)) == Approx(received[1]).margin(2e-2));
        moved = moved || std::abs(received[0] - static_cast<double>(col)) > 0.1;
      }
    }
    CHECK(moved);
  }
  const Tensor<double> x = noise({3, 5, 5, 1});
  CHECK(same(trained(RandomPerspective<double>(0.0), x), x));
  check_close(trained(RandomPerspective<double>({1, 1}, {.scale = 0}), x), x, 1e-2);
}

TEST_CASE("RandomElasticTransform: shifts are smoothed noise of the size that Keras says") {
  const Index images = 60, size = 40;
  const double sigma = 0.05 * size, alpha = 0.1 * size;
  const Tensor<double> y =
      trained(RandomElasticTransform<double>({1, 1}, {.scale = {1, 1}}), ramps(images, size, size));
  // A filter of 13 weights along both axes: of white noise it leaves the sum of their squares, twice.
  double weights[13], sum = 0, squares = 0, neighbours = 0;
  for (int i = 0; i < 13; ++i) sum += weights[i] = std::exp(-0.5 * (i - 6) * (i - 6) / (sigma * sigma));
  for (int i = 0; i < 13; ++i) squares += weights[i] * weights[i] / (sum * sum);
  for (int i = 0; i < 12; ++i) neighbours += weights[i] * weights[i + 1] / (sum * sum);
  double mean[2] = {}, variance[2] = {}, along[2] = {}, both = 0, count = 0;
  for (Index n = 0; n < images; ++n) {
    for (Index row = 10; row < 30; ++row) {
      for (Index col = 10; col < 29; ++col, ++count) {
        const Index at = ((n * size + row) * size + col) * 2;
        const double dx = y[at] - static_cast<double>(col), dy = y[at + 1] - static_cast<double>(row);
        const double next[] = {y[at + 2] - static_cast<double>(col + 1), y[at + 3] - static_cast<double>(row)};
        mean[0] += dx, mean[1] += dy;
        variance[0] += dx * dx, variance[1] += dy * dy;
        along[0] += dx * next[0], along[1] += dy * next[1];
        both += dx * dy;
      }
    }
  }
  const double expected = alpha * alpha * sigma * sigma * squares * squares;
  for (int axis = 0; axis < 2; ++axis) {
    CHECK(mean[axis] / count == Approx(0).margin(0.15 * std::sqrt(expected)));
    CHECK(variance[axis] / count == Approx(expected).epsilon(0.12));
    CHECK(along[axis] / variance[axis] == Approx(neighbours / squares).epsilon(0.03));
  }
  CHECK(both / count == Approx(0).margin(0.12 * expected));  // one shift has nothing to do with the other
  const Tensor<double> x = noise({2, 12, 12, 1}, 500);
  CHECK(same(trained(RandomElasticTransform<double>(1.0, {.scale = 0.0}), x), x));  // not even cut off, as in Keras
  for (const double value : trained(RandomElasticTransform<double>(0.5), x)) REQUIRE((value >= 0 && value <= 255));
}

TEST_CASE("RandomElasticTransform: fill modes go on as they should") {
  using kernels::FillMode;
  const Index mirror[] = {2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0};
  for (Index i = -4; i <= 6; ++i) CHECK(kernels::detail::filled_index(FillMode::mirror, i, 4) == mirror[i + 4]);
  for (Index i = -3; i <= 3; ++i) CHECK(kernels::detail::filled_index(FillMode::mirror, i, 1) == 0);
}

TEST_CASE("AugMix: a mixture of the image and of its chains") {
  const Tensor<double> x = noise({40, 6, 6, 3});
  const AugMix<double> layer({.num_chains = 2, .alpha = 0.7});
  const Tensor<double> y = trained(layer, x);
  const detail::AugMixChainImpl<double> chain({.num_chains = 2, .alpha = 0.7});
  const detail::Picture picture = chain.picture(x.shape());
  std::vector<double> scratch(static_cast<std::size_t>(chain.scratch_size(picture, false)));
  const RandomStreams streams(RandomKey{42}, nullptr, 40);
  double farthest = 0;
  for (Index i = 0; i < 40; ++i) {
    const RandomKey stream = streams.of(i);
    Rng rng(stream.fold(1));
    const double a = std::exp(detail::draw_log_gamma(rng, 0.7)), b = std::exp(detail::draw_log_gamma(rng, 0.7));
    const double own = detail::draw_beta(stream.fold(0), 0.7);
    std::vector<double> parts[2];
    for (std::size_t k = 0; k < 2; ++k) {
      parts[k].resize(108);
      detail::ImageArgs<double> image;
      image.stream = stream.fold(2 + k);
      image.picture = picture;
      image.x = x.data() + 108 * i;
      image.y = parts[k].data();
      image.scratch = scratch.data();
      chain.transform(image);
    }
    for (std::size_t k = 0; k < 108; ++k) {
      const double pixel = x[108 * i + static_cast<Index>(k)];
      const double mixed = own * pixel + (1 - own) * (a * parts[0][k] + b * parts[1][k]) / (a + b);
      CHECK(y[108 * i + static_cast<Index>(k)] == Approx(std::clamp(mixed, 0.0, 255.0)).margin(1e-6));
      farthest = std::max(farthest, std::abs(mixed - pixel));
    }
  }
  CHECK(farthest > 20);
  check_close(trained(AugMix<double>({.chain_depth = 0}), x), x, 1e-9);
}

TEST_CASE("More augmentation: configs of Keras, bad arguments") {
  const Config pair = Config::array({0.0, 1.0});
  const Config blur = RandomGaussianBlur<>::from_config(
                          object({{"factor", pair}, {"kernel_size", Config::array({3, 5})}, {"sigma", pair}}))
                          .config();
  CHECK(blur.at("kernel_size") == Config::array({3, 5}));
  CHECK(blur.at("sigma") == pair);
  CHECK(RandomGaussianBlur<>::from_config(object({})).config().at("kernel_size") == Config::array({3, 3}));
  CHECK(RandomPerspective<>::from_config(object({})).config().at("scale") == Config(1.0));
  CHECK(RandomElasticTransform<>::from_config(object({{"fill_mode", "mirror"}})).config().at("fill_mode") ==
        Config("mirror"));
  CHECK(AugMix<>::from_config(object({})).config().at("factor") == Config(0.3));
  CHECK(RandomHeight<>::from_config(object({{"factor", Config::array({-0.2, 0.3})}})).config().at("interpolation") ==
        Config("bilinear"));

  CHECK_THROWS_AS(RandomHeight({-1.5, 0}), ConfigError);
  CHECK_THROWS_AS(RandomWidth(0.2, {.interpolation = "bicubic"}), ConfigError);
  CHECK_THROWS_AS(RandomGaussianBlur(1.0, {.kernel_size = 4}), ConfigError);
  CHECK_THROWS_AS(RandomGaussianBlur(1.0, {.kernel_size = {3, 5, 7}}), ConfigError);
  CHECK_THROWS_AS(RandomGaussianBlur(1.0, {.sigma = 2}), ConfigError);
  CHECK_THROWS_AS(RandomGaussianBlur(2), ConfigError);
  CHECK_THROWS_AS(RandomPerspective(1.0, {.scale = 1.5}), ConfigError);
  CHECK_THROWS_AS(RandomPerspective(1.0, {.interpolation = "cubic"}), ConfigError);
  CHECK_THROWS_WITH(RandomElasticTransform(1.0, {.fill_mode = "edge"}), ContainsSubstring("mirror"));
  CHECK_THROWS_AS(RandomElasticTransform(1.0, {.scale = -1}), ConfigError);
  CHECK_THROWS_AS(RandomRotation(0.1, {.fill_mode = "mirror"}), ConfigError);
  CHECK_THROWS_AS(AugMix({.num_chains = 0}), ConfigError);
  CHECK_THROWS_AS(AugMix({.chain_depth = 17}), ConfigError);
  CHECK_THROWS_AS(AugMix({.alpha = 0}), ConfigError);
  CHECK_THROWS_AS(AugMix({.factor = 3}), ConfigError);
  CHECK_THROWS_AS(built_shape(AugMix(), {2, 4, 4, 1}), ShapeError);
  CHECK_THROWS_AS(built_shape(RandomPerspective(), {2, 4, 4}), ShapeError);
}
