#include "graft/losses/losses.hpp"

#include <limits>

#include "golden_numbers.hpp"
#include "graft/core/random.hpp"
#include "support/catch.hpp"
#include "support/counting_allocator.hpp"

namespace {

using Catch::Matchers::ContainsSubstring;
using graft::Config;
using graft::Index;
using graft::Loss;
using graft::Shape;
using graft::Tensor;
using graft::TensorView;
using graft::test::GoldenNumbers;

TEST_CASE("losses agree with Keras 3.11.3 on every reduction and with sample weights", "[golden]") {
  const GoldenNumbers golden;
  std::size_t cases = 0;
  for (const auto& c : golden.losses()) {
    const auto loss = Loss<float>::from_config(GoldenNumbers::object(c));
    const auto y_true = golden.input(c["y_true"]), y_pred = golden.input(c["y_pred"]);
    const auto weight = golden.input(c["sample_weight"]);
    std::vector<double> got;
    if (c["reduction"] == "none") {
      const auto each = loss.impl().weighted_losses(y_true, y_pred, weight);
      got.assign(each.begin(), each.end());
    } else {
      got = {loss(y_true, y_pred, weight)};
    }
    INFO(c["class"] << " " << c["kwargs"] << " " << c["reduction"] << " weight " << c["sample_weight"]);
    CHECK(GoldenNumbers::difference(got, GoldenNumbers::numbers(c["value"])) < 1e-5);
    ++cases;
  }
  CHECK(cases == 315);
}

struct GradientCase {
  const char* what;
  Loss<double> loss;
  const char* labels;       // "hot", "index", "binary", "real", "signed", "share"
  const char* predictions;  // "real", "probability", "positive"
  Shape y_pred;
  bool weighted;
};

Tensor<double> numbers(const char* kind, const Shape& shape, graft::Rng& rng) {
  Tensor<double> x(shape);
  const std::string word = kind;
  const Index n = shape.back();
  for (Index i = 0; i < x.size(); ++i) {
    const double u = rng.uniform();
    if (word == "real") x[i] = 4 * u - 2;
    if (word == "probability") x[i] = 0.05 + 0.9 * u;
    if (word == "positive") x[i] = 0.1 + 2 * u;
    if (word == "binary") x[i] = u < 0.5;
    if (word == "signed") x[i] = u < 0.5 ? -1 : 1;
    if (word == "share") x[i] = (0.1 + u) / static_cast<double>(n);
    if (word == "index") x[i] = static_cast<double>(static_cast<Index>(u * 3));
  }
  if (word == "hot") {
    for (Index row = 0; row < x.size() / n; ++row) {
      x[row * n + static_cast<Index>(rng.uniform() * static_cast<double>(n))] = 1;
    }
  }
  return x;
}

// Central differences of the reduced loss against value_and_gradient, whose buffers start as NaN.
void check_gradient(const GradientCase& c) {
  INFO(c.what << " " << c.y_pred.str());
  graft::Rng rng(graft::RandomKey{7});
  const bool sparse = std::string(c.labels) == "index";
  const auto y_true = numbers(c.labels, sparse ? c.y_pred.slice(0, -1) : c.y_pred, rng);
  auto y_pred = numbers(c.predictions, c.y_pred, rng);
  Tensor<double> weight;
  if (c.weighted) weight = numbers("positive", {c.y_pred[0]}, rng);
  const Index size = c.loss.losses_size(y_true.shape(), y_pred.shape());
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Tensor<double> losses({size}, nan), scale({size}, nan), gradient(c.y_pred, nan);
  const double value = c.loss.value_and_gradient(y_true, y_pred, weight, losses, scale, gradient, 3.0);
  CHECK(value == Approx(c.loss.value(y_true, y_pred, weight, losses)));
  const double step = 1e-6;
  for (Index i = 0; i < y_pred.size(); ++i) {
    const double at = y_pred[i];
    y_pred[i] = at + step;
    const double above = c.loss.value(y_true, y_pred, weight, losses);
    y_pred[i] = at - step;
    const double below = c.loss.value(y_true, y_pred, weight, losses);
    y_pred[i] = at;
    CHECK(gradient[i] == Approx(3.0 * (above - below) / (2 * step)).epsilon(1e-6).margin(1e-7));
  }
}

TEST_CASE("gradients of all losses agree with finite differences in double") {
  const Shape rows{4, 3}, image{2, 3, 4};
  const GradientCase cases[] = {
      {"binary", graft::BinaryCrossentropy<double>({.label_smoothing = 0.1}), "binary", "probability", rows, true},
      {"binary logits", graft::BinaryCrossentropy<double>({.from_logits = true}), "binary", "real", image, false},
      {"categorical", graft::CategoricalCrossentropy<double>({.label_smoothing = 0.2}), "hot", "probability", rows,
       true},
      {"categorical logits", graft::CategoricalCrossentropy<double>({.from_logits = true}), "share", "real", rows,
       true},
      {"categorical, class axis 1", graft::CategoricalCrossentropy<double>({.axis = 1}), "binary", "probability", image,
       true},
      {"sparse", graft::SparseCategoricalCrossentropy<double>(), "index", "probability", rows, true},
      {"sparse logits", graft::SparseCategoricalCrossentropy<double>({.from_logits = true}), "index", "real", image,
       true},
      {"sparse, ignoring a class",
       graft::SparseCategoricalCrossentropy<double>({.from_logits = true, .ignore_class = 1}), "index", "real", rows,
       true},
      {"generalized", graft::CategoricalGeneralizedCrossEntropy<double>({.q = 0.7}), "index", "probability", rows,
       false},
      {"binary focal", graft::BinaryFocalCrossentropy<double>({.apply_class_balancing = true, .gamma = 1.5}), "binary",
       "probability", rows, true},
      {"binary focal logits", graft::BinaryFocalCrossentropy<double>({.from_logits = true, .label_smoothing = 0.1}),
       "binary", "real", rows, false},
      {"categorical focal", graft::CategoricalFocalCrossentropy<double>(), "hot", "probability", rows, true},
      {"categorical focal logits",
       graft::CategoricalFocalCrossentropy<double>({.gamma = 1.5, .from_logits = true, .label_smoothing = 0.1}), "hot",
       "real", rows, false},
      {"mse", graft::MeanSquaredError<double>(), "real", "real", image, true},
      {"mse, sum", graft::MeanSquaredError<double>({.reduction = "sum"}), "real", "real", rows, true},
      {"mse, mean by weight", graft::MeanSquaredError<double>({.reduction = "mean_with_sample_weight"}), "real", "real",
       rows, true},
      {"mae", graft::MeanAbsoluteError<double>(), "real", "real", rows, true},
      {"mape", graft::MeanAbsolutePercentageError<double>(), "positive", "real", rows, false},
      {"msle", graft::MeanSquaredLogarithmicError<double>(), "positive", "positive", rows, false},
      {"huber", graft::Huber<double>({.delta = 0.7}), "real", "real", rows, false},
      {"log_cosh", graft::LogCosh<double>(), "real", "real", rows, false},
      {"kld", graft::KLDivergence<double>(), "share", "probability", rows, true},
      {"poisson", graft::Poisson<double>(), "positive", "positive", rows, false},
      {"hinge", graft::Hinge<double>(), "signed", "real", rows, true},
      {"hinge, labels 0 and 1", graft::Hinge<double>(), "binary", "real", rows, false},
      {"squared hinge", graft::SquaredHinge<double>(), "binary", "real", rows, false},
      {"categorical hinge", graft::CategoricalHinge<double>(), "hot", "real", rows, true},
      {"cosine", graft::CosineSimilarity<double>(), "real", "real", rows, true},
      {"cosine, axis 1", graft::CosineSimilarity<double>({.axis = 1}), "real", "real", image, false},
      {"dice", graft::Dice<double>(), "binary", "probability", rows, true},
      {"dice, axes", graft::Dice<double>({.axis = {1, 2}}), "binary", "probability", image, true},
      {"dice, first axis", graft::Dice<double>({.axis = {0}}), "binary", "probability", image, false},
      {"tversky", graft::Tversky<double>({.alpha = 0.3, .beta = 0.8}), "binary", "probability", rows, true},
      {"tversky, axis", graft::Tversky<double>({.alpha = 0.3, .beta = 0.8, .axis = {-1}}), "binary", "probability",
       image, false},
  };
  for (const auto& c : cases) check_gradient(c);
}

TEST_CASE("gradients are zero where Keras clips") {
  const auto gradient_of = [](const Loss<float>& loss, const Tensor<float>& y_true, const Tensor<float>& y_pred) {
    Tensor<float> losses({8}), scale({8}), gradient(y_pred.shape());
    loss.value_and_gradient(y_true, y_pred, {}, losses, scale, gradient);
    return gradient;
  };
  const Tensor<float> y_true({1, 2}, {1.f, 0.f}), y_pred({1, 2}, {0.f, 1.f});
  for (const char* name : {"binary_crossentropy", "categorical_crossentropy", "categorical_focal_crossentropy"}) {
    INFO(name);
    const auto gradient = gradient_of(name, y_true, y_pred);
    CHECK(gradient[0] == 0.f);
    CHECK(gradient[1] == 0.f);
  }
  CHECK(gradient_of("kld", y_true, y_pred)[0] == 0.f);
  CHECK(gradient_of("msle", y_true, Tensor<float>({1, 2}, {-1.f, 1.f}))[0] == 0.f);
  const auto sparse = gradient_of("sparse_categorical_crossentropy", Tensor<float>({1}, {0.f}), y_pred);
  CHECK(sparse[0] == 0.f);
  // Logits have no such limits: a network that is sure and wrong still learns.
  const auto logits =
      gradient_of(graft::BinaryCrossentropy({.from_logits = true}), y_true, Tensor<float>({1, 2}, {-200.f, 200.f}));
  CHECK(logits[0] == Approx(-0.5f));
  CHECK(logits[1] == Approx(0.5f));
}

TEST_CASE("losses are finite for extreme logits") {
  const Tensor<float> y_true({1, 2}, {1.f, 0.f}), y_pred({1, 2}, {-300.f, 300.f});
  CHECK(graft::BinaryCrossentropy({.from_logits = true})(y_true, y_pred) == Approx(300));
  CHECK(graft::CategoricalCrossentropy({.from_logits = true})(y_true, y_pred) == Approx(600));
  CHECK(graft::SparseCategoricalCrossentropy({.from_logits = true})(Tensor<float>({1}, {0.f}), y_pred) == Approx(600));
  CHECK(graft::LogCosh()(y_true, y_pred) == Approx((301.0 + 300.0) / 2 - std::log(2.0)));
}

TEST_CASE("R-76: losses by string, class name and abbreviation; unknown names suggest the nearest") {
  CHECK(Loss<>("mse").class_name() == "MeanSquaredError");
  CHECK(Loss<>("MeanSquaredError").name() == "mean_squared_error");
  CHECK(Loss<>("kullback_leibler_divergence").class_name() == "KLDivergence");
  CHECK(Loss<>("sparse_categorical_crossentropy").class_name() == "SparseCategoricalCrossentropy");
  CHECK_THROWS_WITH(Loss<>("binary_crosentropy"), ContainsSubstring("Did you mean \"binary_crossentropy\"?"));
  CHECK_THROWS_WITH(Loss<>("MeanSquareError"), ContainsSubstring("Did you mean \"MeanSquaredError\"?"));
  CHECK_THROWS_AS(Loss<>("nonsense"), graft::ConfigError);
  CHECK_THROWS_WITH(graft::MeanSquaredError({.reduction = "summ"}), ContainsSubstring("Did you mean \"sum\"?"));
  CHECK_FALSE(Loss<>());
  CHECK_THROWS_AS(Loss<>().name(), graft::StateError);
}

TEST_CASE("losses come back from their config, and from Keras 2's and Keras 3's forms") {
  for (const char* name : {"BinaryCrossentropy",
                           "BinaryFocalCrossentropy",
                           "CategoricalCrossentropy",
                           "CategoricalFocalCrossentropy",
                           "CategoricalGeneralizedCrossEntropy",
                           "CategoricalHinge",
                           "CosineSimilarity",
                           "Dice",
                           "Hinge",
                           "Huber",
                           "KLDivergence",
                           "LogCosh",
                           "MeanAbsoluteError",
                           "MeanAbsolutePercentageError",
                           "MeanSquaredError",
                           "MeanSquaredLogarithmicError",
                           "Poisson",
                           "SparseCategoricalCrossentropy",
                           "SquaredHinge",
                           "Tversky"}) {
    INFO(name);
    const Loss<float> loss(name);
    CHECK(loss.class_name() == name);
    CHECK(Loss<float>::from_config(loss.config()).config() == loss.config());
    CHECK(Loss<double>(loss).config() == loss.config());
  }
  const Loss<float> sparse =
      graft::SparseCategoricalCrossentropy({.from_logits = true, .ignore_class = 2, .name = "s"});
  const Config expected = Config::object(
      {{"class_name", "SparseCategoricalCrossentropy"},
       {"config",
        Config::object(
            {{"name", "s"}, {"reduction", "sum_over_batch_size"}, {"from_logits", true}, {"ignore_class", 2}})}});
  CHECK(sparse.config() == expected);
  CHECK(Loss<float>::from_config(expected).config() == expected);

  const Config keras_2 = Config::object(
      {{"class_name", "BinaryCrossentropy"},
       {"config", Config::object({{"reduction", "auto"}, {"name", "b"}, {"from_logits", true}, {"fn", nullptr}})}});
  CHECK(Loss<float>::from_config(keras_2).config().at("config").get("from_logits", false));
  const Config function = Config::object({{"module", "builtins"},
                                          {"class_name", "function"},
                                          {"config", "mean_absolute_error"},
                                          {"registered_name", "function"}});
  CHECK(Loss<float>::from_config(function).class_name() == "MeanAbsoluteError");
  CHECK_FALSE(Loss<float>::from_config(nullptr));
}

TEST_CASE("labels take the shape of the predictions as in Keras") {
  const Tensor<float> column({3, 1}, {0.1f, 0.6f, 0.8f}), flat({3}, {0.f, 1.f, 1.f});
  const Loss<float> bce = "binary_crossentropy";
  CHECK(bce(flat, column) == bce(flat.reshaped({3, 1}), column));
  CHECK(bce.losses_size({3}, {3, 1}) == 3);
  CHECK(bce.losses_size({3, 1}, {3}) == 3);

  const Tensor<float> probabilities({2, 3}, {0.2f, 0.3f, 0.5f, 0.6f, 0.3f, 0.1f}), labels({2}, {2.f, 0.f});
  const Loss<float> scce = "sparse_categorical_crossentropy";
  CHECK(scce(labels, probabilities) == scce(labels.reshaped({2, 1}), probabilities));
  CHECK(scce(labels, probabilities) == Approx(-(std::log(0.5) + std::log(0.6)) / 2));

  // Broadcast labels: one target for every column.
  const Tensor<float> one({2, 1}, {1.f, 2.f}), many({2, 3}, {1.f, 1.f, 1.f, 2.f, 2.f, 2.f});
  const Loss<float> mse = "mse";
  CHECK(mse(one, probabilities) == Approx(mse(many, probabilities)));
  Tensor<float> losses({2}), scale({2}), from_one({2, 3}), from_many({2, 3});
  mse.value_and_gradient(one, probabilities, {}, losses, scale, from_one);
  mse.value_and_gradient(many, probabilities, {}, losses, scale, from_many);
  for (Index i = 0; i < 6; ++i) CHECK(from_one[i] == from_many[i]);
}

TEST_CASE("a wrong shape of labels or weights is an error that names both shapes and the way out") {
  const Tensor<float> hot({2, 3}), indices({2}), y_pred({2, 3}, 0.3f), more({4, 3});
  CHECK_THROWS_AS(Loss<>("mse")(more, y_pred), graft::ShapeError);
  CHECK_THROWS_WITH(Loss<>("sparse_categorical_crossentropy")(hot, y_pred),
                    ContainsSubstring("(2, 3)") && ContainsSubstring("categorical_crossentropy"));
  CHECK_THROWS_WITH(
      Loss<>("categorical_crossentropy")(indices, y_pred),
      ContainsSubstring("(2,)") && ContainsSubstring("(2, 3)") && ContainsSubstring("sparse_categorical_crossentropy"));
  CHECK_THROWS_WITH(Loss<>("binary_crossentropy")(more, y_pred), ContainsSubstring("different numbers of samples"));
  CHECK_THROWS_WITH(Loss<>("mse")(hot, y_pred, Tensor<float>({3})),
                    ContainsSubstring("sample_weight") && ContainsSubstring("(3,)"));
}

TEST_CASE("labels that are no labels are found before they do harm") {
  const Loss<float> scce = "sparse_categorical_crossentropy", mse = "mse";
  const Tensor<float> y_pred({3, 4}, 0.25f);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const float bad : {4.f, -1.f, 1.5f, nan, 1e30f}) {
    const Tensor<float> labels({3}, {0.f, 3.f, bad});
    INFO(bad);
    CHECK_THROWS_AS(scce.check_labels(labels, y_pred.shape()), graft::DataError);
    CHECK_THROWS_WITH(scce.check_labels(labels, y_pred.shape()),
                      ContainsSubstring("class indices 0 to 3") && ContainsSubstring("sample 2"));
    CHECK_THROWS_AS(scce(labels, y_pred), graft::DataError);
  }
  CHECK_NOTHROW(scce.check_labels(Tensor<float>({3}, {0.f, 3.f, 1.f}), y_pred.shape()));
  const Loss<float> ignoring = graft::SparseCategoricalCrossentropy({.ignore_class = -1});
  CHECK_NOTHROW(ignoring.check_labels(Tensor<float>({3}, {0.f, -1.f, 1.f}), y_pred.shape()));
  CHECK_THROWS_WITH(mse.check_labels(Tensor<float>({2, 2}, {0.f, 1.f, 2.f, nan}), {2, 2}),
                    ContainsSubstring("sample 1") && ContainsSubstring("nan"));
  CHECK_THROWS_AS(mse.check_labels(Tensor<float>({2, 3}), {2, 2}), graft::ShapeError);
  CHECK_NOTHROW(mse.check_labels(Tensor<float>({2, 2}), {Shape::kUnknown, 2}));
}

TEST_CASE("ignored classes count neither in the loss nor in its mean, whatever the reduction") {
  const Tensor<float> labels({3}, {0.f, 1.f, 2.f});
  const Tensor<float> y_pred({3, 3}, {0.5f, 0.25f, 0.25f, 0.1f, 0.8f, 0.1f, 0.2f, 0.2f, 0.6f});
  const Tensor<float> weight({3}, {1.f, 5.f, 3.f});
  const double a = -std::log(0.5), b = -std::log(0.6);
  const auto loss = [](const char* reduction) {
    return graft::SparseCategoricalCrossentropy({.ignore_class = 1, .reduction = reduction});
  };
  CHECK(loss("sum_over_batch_size")(labels, y_pred) == Approx((a + b) / 2));
  CHECK(loss("sum")(labels, y_pred, weight) == Approx(a + 3 * b));
  CHECK(loss("mean_with_sample_weight")(labels, y_pred, weight) == Approx((a + 3 * b) / 4));
  const Tensor<float> all_ignored({3}, 1.f);
  CHECK(loss("mean")(all_ignored, y_pred) == 0.0);
}

TEST_CASE("a loss of one's own, from two functions") {
  // Keras users write: lambda y_true, y_pred: mean((y_true - y_pred) ** 4)
  const graft::CustomLoss<double> quartic(
      [](auto y_true, auto y_pred, auto losses) {
        const Index n = y_pred.shape().back();
        for (Index r = 0; r < losses.size(); ++r) {
          losses[r] = 0;
          for (Index k = 0; k < n; ++k) losses[r] += std::pow(y_pred[r * n + k] - y_true[r * n + k], 4) / double(n);
        }
      },
      [](auto y_true, auto y_pred, auto scale, auto gradient) {
        const Index n = y_pred.shape().back();
        for (Index i = 0; i < y_pred.size(); ++i) {
          gradient[i] = scale[i / n] * 4 * std::pow(y_pred[i] - y_true[i], 3) / double(n);
        }
      },
      {.name = "quartic"});
  CHECK(quartic.name() == "quartic");
  check_gradient({"custom", quartic, "real", "real", {4, 3}, true});
}

TEST_CASE("value and gradient allocate nothing") {
  const Tensor<float> y_true({8, 5}, 0.5f), labels({8}, 2.f), y_pred({8, 5}, 0.2f), weight({8}, 2.f);
  Tensor<float> losses({40}), scale({40}), gradient({8, 5});
  for (const char* name : {"binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy", "mse",
                           "huber", "cosine_similarity", "dice", "categorical_focal_crossentropy", "hinge"}) {
    const Loss<float> loss = name;
    const bool sparse = loss.impl().label_rule() == graft::LabelRule::sparse;
    const TensorView<const float> target = sparse ? labels.view() : y_true.view();
    graft::test::AllocationCounter counter;
    loss.value(target, y_pred, weight, losses);
    loss.value_and_gradient(target, y_pred, weight, losses, scale, gradient);
    const long calls = counter.calls();
    INFO(name);
    CHECK(calls == 0);
  }
}

}  // namespace
