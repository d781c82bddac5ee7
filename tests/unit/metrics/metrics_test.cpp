#include "graft/metrics/metrics.hpp"

#include "support/catch.hpp"
#include "support/counting_allocator.hpp"
#include "unit/losses/golden_numbers.hpp"

namespace {

using Catch::Matchers::ContainsSubstring;
using graft::Config;
using graft::Index;
using graft::Loss;
using graft::Metric;
using graft::Shape;
using graft::Tensor;
using graft::TensorView;
using graft::test::GoldenNumbers;

TensorView<const float> part(const TensorView<const float>& x, Index first, Index last) {
  return x ? x.rows(first, last) : x;
}

TEST_CASE("metrics agree with Keras 3.11.3, after one update and after two", "[golden]") {
  const GoldenNumbers golden;
  std::size_t cases = 0;
  for (const auto& c : golden.metrics()) {
    const auto metric = Metric<float>::from_config(GoldenNumbers::object(c));
    const auto y_true = golden.input(c["y_true"]), y_pred = golden.input(c["y_pred"]);
    const auto weight = golden.input(c["sample_weight"]);
    INFO(c["class"] << " " << c["kwargs"] << " weight " << c["sample_weight"]);
    metric.update(y_true, y_pred, weight);
    CHECK(GoldenNumbers::difference(metric.results(), GoldenNumbers::numbers(c["value"])) < 1e-5);
    metric.reset();
    const Index half = y_pred.dim(0) / 2, all = y_pred.dim(0);
    metric.update(part(y_true, 0, half), part(y_pred, 0, half), part(weight, 0, half));
    metric.update(part(y_true, half, all), part(y_pred, half, all), part(weight, half, all));
    CHECK(GoldenNumbers::difference(metric.results(), GoldenNumbers::numbers(c["value_after_two_updates"])) < 1e-5);
    ++cases;
  }
  CHECK(cases == 111);
}

TEST_CASE("R-76: what \"accuracy\" and \"crossentropy\" mean, by loss and shapes") {
  struct Row {
    const char* loss;
    std::optional<Shape> y_true;
    Shape y_pred;
    const char* accuracy;
    const char* crossentropy;
  };
  const Index n = Shape::kUnknown;
  const Row table[] = {
      {"binary_crossentropy", Shape{n}, {n, 1}, "BinaryAccuracy", "BinaryCrossentropy"},
      {"binary_crossentropy", Shape{n, 1}, {n, 1}, "BinaryAccuracy", "BinaryCrossentropy"},
      {"binary_crossentropy", std::nullopt, {n, 1}, "BinaryAccuracy", "BinaryCrossentropy"},
      {"mse", Shape{n, 1}, {n, 1}, "BinaryAccuracy", "BinaryCrossentropy"},
      {"sparse_categorical_crossentropy",
       Shape{n},
       {n, 10},
       "SparseCategoricalAccuracy",
       "SparseCategoricalCrossentropy"},
      {"sparse_categorical_crossentropy",
       Shape{n, 1},
       {n, 10},
       "SparseCategoricalAccuracy",
       "SparseCategoricalCrossentropy"},
      {"sparse_categorical_crossentropy",
       Shape{n, 5, 5},
       {n, 5, 5, 3},
       "SparseCategoricalAccuracy",
       "SparseCategoricalCrossentropy"},
      {"sparse_categorical_crossentropy",
       std::nullopt,
       {n, 10},
       "SparseCategoricalAccuracy",
       "SparseCategoricalCrossentropy"},
      {"categorical_crossentropy", Shape{n, 10}, {n, 10}, "CategoricalAccuracy", "CategoricalCrossentropy"},
      {"categorical_crossentropy", std::nullopt, {n, 10}, "CategoricalAccuracy", "CategoricalCrossentropy"},
      // Several columns of independent decisions: Keras 3 takes this for categorical too.
      {"binary_crossentropy", Shape{n, 4}, {n, 4}, "CategoricalAccuracy", "CategoricalCrossentropy"},
  };
  for (const Row& row : table) {
    INFO(row.loss << " " << row.y_pred.str());
    for (const char* name : {"accuracy", "acc", "crossentropy", "ce"}) {
      const Metric<float> given = name;
      CHECK_FALSE(given.resolved());
      const auto metric = graft::resolve_metric(given, Loss<float>(row.loss), row.y_true, row.y_pred);
      CHECK(metric.class_name() == std::string(name[0] == 'a' ? row.accuracy : row.crossentropy));
      CHECK(metric.name() == name);            // the key in histories
      CHECK(metric.config() == Config(name));  // what a file says
    }
  }
  const Metric<float> object = graft::BinaryAccuracy({.threshold = 0.3});
  CHECK(graft::resolve_metric(object, Loss<float>("mse"), std::nullopt, {n, 5}).shared() == object.shared());
}

TEST_CASE("R-76: metrics by string; unknown names suggest the nearest") {
  CHECK_THROWS_AS(Metric<>("accuarcy"), graft::ConfigError);
  CHECK_THROWS_WITH(Metric<>("accuarcy"), ContainsSubstring("Did you mean \"accuracy\"?"));
  CHECK_THROWS_WITH(Metric<>("binary_acuracy"), ContainsSubstring("Did you mean \"binary_accuracy\"?"));
  CHECK_THROWS_WITH(Metric<>("accuracy").result(), ContainsSubstring("compile"));
  CHECK(Metric<>("mae").class_name() == "MeanAbsoluteError");
  CHECK(Metric<>("mae").name() == "mae");
  CHECK(Metric<>("AUC").name() == "AUC");
  CHECK(graft::AUC().name() == "auc");
  CHECK(graft::metrics::MeanSquaredError().name() == "mean_squared_error");
}

TEST_CASE("metrics come back from their config") {
  const Metric<float> metrics[] = {graft::Accuracy(),
                                   graft::BinaryAccuracy({.threshold = 0.3}),
                                   graft::CategoricalAccuracy(),
                                   graft::SparseCategoricalAccuracy({.name = "s"}),
                                   graft::TopKCategoricalAccuracy({.k = 3}),
                                   graft::SparseTopKCategoricalAccuracy({.k = 3}),
                                   graft::metrics::BinaryCrossentropy({.from_logits = true}),
                                   graft::metrics::CategoricalCrossentropy({.label_smoothing = 0.1}),
                                   graft::metrics::SparseCategoricalCrossentropy({.ignore_class = 2}),
                                   graft::metrics::CosineSimilarity(),
                                   graft::metrics::RootMeanSquaredError(),
                                   graft::Precision({.thresholds = {0.2, 0.7}, .class_id = 1}),
                                   graft::Recall({.top_k = 2}),
                                   graft::TruePositives({.thresholds = {0.2}}),
                                   graft::AUC({.num_thresholds = 9, .curve = "PR", .multi_label = true}),
                                   graft::PrecisionAtRecall({.recall = 0.7}),
                                   graft::F1Score({.average = "macro"}),
                                   graft::FBetaScore({.beta = 2.0, .threshold = 0.4}),
                                   graft::R2Score(),
                                   graft::PearsonCorrelation(),
                                   graft::BinaryIoU({.threshold = 0.3}),
                                   graft::IoU({.num_classes = 4, .target_class_ids = {1, 3}}),
                                   graft::MeanIoU({.num_classes = 4}),
                                   graft::OneHotIoU({.num_classes = 4, .target_class_ids = {0}}),
                                   graft::OneHotMeanIoU({.num_classes = 4})};
  for (const auto& metric : metrics) {
    INFO(metric.class_name());
    const auto again = Metric<float>::from_config(metric.config());
    CHECK(again.class_name() == metric.class_name());
    CHECK(again.config() == metric.config());
    CHECK(Metric<double>(metric).name() == metric.name());
  }
}

TEST_CASE("metrics as tf.keras 2.5 and later write them") {
  const Config wrapper = Config::object(
      {{"class_name", "MeanMetricWrapper"},
       {"config",
        Config::object({{"name", "accuracy"}, {"dtype", "float32"}, {"fn", "sparse_categorical_accuracy"}})}});
  const auto metric = Metric<float>::from_config(wrapper);
  CHECK(metric.class_name() == "SparseCategoricalAccuracy");
  CHECK(metric.name() == "accuracy");
  const auto own = Metric<float>(graft::MeanMetricWrapper(graft::Huber({.delta = 0.5})));
  CHECK(Metric<float>::from_config(own.config()).name() == "huber_loss");
}

TEST_CASE("accuracy counts samples, not batches") {
  const Metric<float> metric = graft::SparseCategoricalAccuracy();
  const Tensor<float> y_pred({3, 2}, {0.9f, 0.1f, 0.2f, 0.8f, 0.6f, 0.4f});
  metric.update(Tensor<float>({3}, {0.f, 1.f, 0.f}), y_pred);                     // 3 of 3
  metric.update(Tensor<float>({1}, {1.f}), Tensor<float>({1, 2}, {0.9f, 0.1f}));  // 0 of 1
  CHECK(metric.result() == Approx(0.75));
  metric.reset();
  CHECK(metric.result() == 0.0);
}

TEST_CASE("equal scores: the first class is the answer, and top-k takes all that are level") {
  const Tensor<float> y_pred({1, 4}, {0.3f, 0.3f, 0.3f, 0.1f});
  const auto value = [&](const Metric<float>& metric, float label) {
    metric.reset();
    metric.update(Tensor<float>({1}, {label}), y_pred);
    return metric.result();
  };
  CHECK(value(graft::SparseCategoricalAccuracy(), 0) == 1.0);
  CHECK(value(graft::SparseCategoricalAccuracy(), 1) == 0.0);
  CHECK(value(graft::SparseTopKCategoricalAccuracy({.k = 1}), 2) == 1.0);
  CHECK(value(graft::SparseTopKCategoricalAccuracy({.k = 1}), 3) == 0.0);
  CHECK(value(graft::SparseTopKCategoricalAccuracy({.k = 4}), 7) == 0.0);
}

TEST_CASE("even thresholds are counted in one step, with the result of one comparison each") {
  // 11 thresholds are found to be even and counted by bucket; with one of them moved out of line, one by one.
  std::vector<double> even, uneven;
  for (int i = 1; i < 10; ++i) even.push_back(i / 10.0);
  uneven = even;
  uneven.push_back(0.55);
  Tensor<float> y_true({40, 1}), y_pred({40, 1});
  for (Index i = 0; i < 40; ++i) {
    y_true[i] = static_cast<float>(i * 7 % 3 == 0);
    y_pred[i] = static_cast<float>(i * 11 % 41) / 41.0f;
  }
  const Metric<float> a = graft::AUC({.summation_method = "minoring", .thresholds = even});
  const Metric<float> b = graft::AUC({.summation_method = "majoring", .thresholds = even});
  const Metric<float> c = graft::AUC({.summation_method = "minoring", .thresholds = uneven});
  const Metric<float> d = graft::AUC({.summation_method = "majoring", .thresholds = uneven});
  for (const auto& metric : {a, b, c, d}) metric.update(y_true, y_pred);
  // A finer grid narrows the bounds from both sides.
  const double rounding = 1e-12;
  CHECK(a.result() <= c.result() + rounding);
  CHECK(c.result() <= d.result() + rounding);
  CHECK(d.result() <= b.result() + rounding);
  // The exact area is the share of pairs in the right order.
  double pairs = 0, right = 0;
  for (Index i = 0; i < 40; ++i) {
    for (Index j = 0; j < 40; ++j) {
      if (y_true[i] == 1 && y_true[j] == 0) {
        ++pairs;
        right += y_pred[i] > y_pred[j] ? 1.0 : y_pred[i] == y_pred[j] ? 0.5 : 0.0;
      }
    }
  }
  CHECK(c.result() <= right / pairs + rounding);
  CHECK(right / pairs <= d.result() + rounding);
  const Metric<float> fine = graft::AUC({.num_thresholds = 5000});
  fine.update(y_true, y_pred);
  CHECK(fine.result() == Approx(right / pairs));
}

TEST_CASE("arguments of metrics that have no meaning are errors") {
  CHECK_THROWS_WITH(graft::AUC({.curve = "PRC"}), ContainsSubstring("Did you mean \"PR\"?"));
  CHECK_THROWS_AS(graft::F1Score({.average = "mean"}), graft::ConfigError);
  CHECK_THROWS_AS(graft::PrecisionAtRecall({.recall = 1.5}), graft::ConfigError);
  CHECK_THROWS_AS(graft::IoU({.num_classes = 2, .target_class_ids = {2}}), graft::ConfigError);
  const Metric<float> precision = graft::Precision({.class_id = 3});
  CHECK_THROWS_AS(precision.update(Tensor<float>({2, 3}), Tensor<float>({2, 3})), graft::ConfigError);
  const Metric<float> iou = graft::MeanIoU({.num_classes = 2});
  CHECK_THROWS_AS(iou.update(Tensor<float>({2}, {0.f, 2.f}), Tensor<float>({2})), graft::DataError);
  const Metric<float> accuracy = graft::CategoricalAccuracy();
  CHECK_THROWS_AS(accuracy.update(Tensor<float>({2}), Tensor<float>({2, 3})), graft::ShapeError);
}

TEST_CASE("a steady-state update allocates nothing") {
  const Tensor<float> y_true({8, 5}, 1.f), labels({8}, 2.f), y_pred({8, 5}, 0.2f), weight({8}, 2.f);
  for (const Metric<float>& metric :
       {Metric<float>(graft::BinaryAccuracy()), Metric<float>(graft::CategoricalAccuracy()),
        Metric<float>(graft::SparseCategoricalAccuracy()), Metric<float>("mse"), Metric<float>("AUC"),
        Metric<float>("Precision"), Metric<float>("F1Score"), Metric<float>("SparseTopKCategoricalAccuracy"),
        Metric<float>("sparse_categorical_crossentropy")}) {
    const bool sparse = metric.name().find("sparse") == 0 || metric.name().find("Sparse") == 0;
    const TensorView<const float> target = sparse ? labels.view() : y_true.view();
    metric.update(target, y_pred, weight);
    graft::test::AllocationCounter counter;
    metric.update(target, y_pred, weight);
    metric.reset();
    metric.update(target, y_pred, weight);
    const long calls = counter.calls();
    INFO(metric.name());
    CHECK(calls == 0);
  }
}

}  // namespace
