#include "tests/support/catch.hpp"
#include "tests/support/nets.hpp"

using namespace graft;
using test::contains;
using test::kSilent;
using test::message;
using test::same;

namespace {

// A source task and a target task of the same kind, few labels for the second.
struct Tasks {
  test::Task source = test::octants(400, 6, 3, 1), target = test::octants(60, 6, 2, 2);
};

Sequential<float> source_model() {
  set_random_seed(3);
  const Tasks tasks;
  auto model = test::classifier(6, 8);
  model.compile({.optimizer = Adam({.learning_rate = 0.01}), .loss = "sparse_categorical_crossentropy"});
  model.fit(tasks.source.x, tasks.source.y, {.epochs = 15, .verbose = kSilent});
  return model;
}
Sequential<float> target_model(const Sequential<float>& source) {
  set_random_seed(4);
  auto model = reuse_layers<float>(source, {Dense(4, {.activation = "softmax", .name = "head"})}).model;
  model.compile({.optimizer = Adam({.learning_rate = 0.01}),
                 .loss = "sparse_categorical_crossentropy",
                 .metrics = {"accuracy"},
                 .lints = {.silence = {"all"}}});
  return model;
}
std::vector<Tensor<float>> copies(const std::vector<VariablePtr<float>>& variables) {
  std::vector<Tensor<float>> result;
  for (const auto& variable : variables) result.push_back(variable->value());
  return result;
}

// Out of line: copies of options that g++ 12 looks into make it cry wolf.
GRAFT_COLD FineTuneReport tune(const Model<float>& model, const TrainingData<float>& data,
                               const FineTuneOptions<float>& options) {
  return fine_tune<float>(model, data, options);
}
double apart(const std::vector<Tensor<float>>& a, const std::vector<Tensor<float>>& b) {
  double total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (Index k = 0; k < a[i].size(); ++k) total += std::pow(static_cast<double>(a[i][k] - b[i][k]), 2);
  }
  return std::sqrt(total);
}

}  // namespace

TEST_CASE("AnchoredL2: value and gradient, on top of another penalty") {
  const Tensor<double> anchor({4}, {1, -2, 0, 3}), importance({4}, {0.5, 2, 0, 1});
  Tensor<double> w({4}, {1.5, -2.5, 7, 2});
  // 3 / 2 (0.5 * 0.25 + 2 * 0.25 + 0 + 1) = 2.4375; the same without importances: 3 / 2 (0.25 + 0.25 + 49 + 1) = 75.75
  CHECK(AnchoredL2<double>(3, anchor, importance).value(std::as_const(w).view()) == Approx(2.4375));
  CHECK(AnchoredL2<double>(3, anchor).value(std::as_const(w).view()) == Approx(75.75));
  const AnchoredL2<double> both(3, anchor, importance, L1(0.1));
  CHECK(both.value(std::as_const(w).view()) == Approx(2.4375 + 1.3));
  CHECK(both.config() == L1(0.1).config());
  Tensor<double> gradient({4}, 0.25);
  both.value_and_gradient<double>(std::as_const(w).view(), gradient.view(), 2.0);
  for (Index i = 0; i < 4; ++i) {
    const double h = 1e-6, at = w[i];
    w[i] = at + h;
    const double above = both.value(std::as_const(w).view());
    w[i] = at - h;
    const double difference = (above - both.value(std::as_const(w).view())) / (2 * h);
    w[i] = at;
    CHECK(gradient[i] == Approx(0.25 + 2 * difference).epsilon(1e-7));
  }
  CHECK_THROWS_AS(AnchoredL2<double>(1, anchor, Tensor<double>({3})), ShapeError);
  CHECK_THROWS_AS(AnchoredL2<double>(-1, anchor), ConfigError);
  const Tensor<double> five({5});
  CHECK_THROWS_AS(AnchoredL2<double>(1, anchor).value(five.view()), ShapeError);
}

TEST_CASE("L2-SP: a quadratic problem with a known answer") {
  // y = w x on x = 1, y = 3 with mean squared error and alpha / 2 (w - 1)²: 2 (w - 3) + alpha (w - 1) = 0, w = 2 for
  // alpha 2.
  Sequential<float> model(
      {Dense(1, {.use_bias = false, .kernel_initializer = Ones(), .name = "reused", .input_shape = Shape{1}}),
       Dense(1, {.use_bias = false, .kernel_initializer = Ones(), .name = "head"})});
  model.compile({.optimizer = SGD({.learning_rate = 0.1}), .loss = "mse", .lints = {.silence = {"all"}}});
  const auto head = model.get_layer("head").weights()[0];
  set_learning_rate_multiplier(model.get_layer("head"), 0);  // the head stays 1
  const Tensor<float> x({8, 1}, 1.0F), y({8, 1}, 3.0F);
  const auto report = fine_tune<float>(model, {x, y},
                                       {.head = {.epochs = 0},
                                        .tuning = {.epochs = 200, .learning_rate = 0.1},
                                        .l2_sp = L2SP{.alpha = 2, .beta = 0},
                                        .verbose = kSilent});
  CHECK(model.get_layer("reused").weights()[0]->value()[0] == Approx(2).epsilon(1e-5));
  CHECK(head->value()[0] == 1);
  CHECK(contains(report.text, "L2-SP: 1 weights"));
  CHECK_FALSE(model.get_layer("reused").weights()[0]->regularizer());  // gone at the end
  // The loss that training says has the penalty in it: (2 - 3)² + (2 - 1)² = 2.
  CHECK(report.tuning["loss"].back() == Approx(2).epsilon(1e-4));
}

TEST_CASE("Fisher information: logistic regression, as the formula says") {
  Sequential<float> model({Dense(1, {.activation = "sigmoid", .name = "d", .input_shape = Shape{2}})});
  model.compile({.optimizer = "sgd", .loss = "binary_crossentropy"});
  model.set_weights({Tensor<float>({2, 1}, {0.7F, -0.4F}), Tensor<float>({1}, {0.2F})});
  const auto task = test::octants(500, 2, 1, 5);
  const auto fisher = fisher_information<float>(model, task.x, task.y);
  REQUIRE(fisher.entries.size() == 2);
  CHECK(fisher.samples == 500);
  double kernel[2] = {}, bias = 0, expected[2] = {};
  for (Index i = 0; i < 500; ++i) {
    const double a = static_cast<double>(task.x[2 * i]), b = static_cast<double>(task.x[2 * i + 1]);
    const double p = 1 / (1 + std::exp(-(0.7 * a - 0.4 * b + 0.2))), error = p - static_cast<double>(task.y[i]);
    kernel[0] += a * a * error * error / 500, kernel[1] += b * b * error * error / 500, bias += error * error / 500;
    expected[0] += a * a * p * (1 - p) / 500, expected[1] += b * b * p * (1 - p) / 500;
  }
  const auto* found = fisher.find("d", "kernel");
  REQUIRE(found);
  for (Index k = 0; k < 2; ++k) CHECK(found->importance[k] == Approx(kernel[k]).epsilon(1e-4));
  CHECK(fisher.find("d", "bias")->importance[0] == Approx(bias).epsilon(1e-4));
  CHECK(found->value[0] == 0.7F);
  // With labels of the model it is E[x² p (1 - p)], by one draw for each sample; frozen or not makes no difference.
  model.set_trainable(false);
  const auto drawn = fisher_information<float>(model, task.x, task.y, {.labels = FisherLabels::model, .seed = 1});
  for (Index k = 0; k < 2; ++k) CHECK(drawn.find("d", "kernel")->importance[k] == Approx(expected[k]).epsilon(0.15));
  CHECK(fisher_information<float>(model, task.x, task.y, {.samples = 10}).samples == 10);

  Sequential<float> bare({Dense(1, {.input_shape = Shape{2}})});
  CHECK_THROWS_AS(fisher_information<float>(bare, task.x, task.y), StateError);  // not compiled
  bare.compile({.optimizer = "sgd", .loss = "mse"});
  CHECK_NOTHROW(fisher_information<float>(bare, task.x, task.y));
  CHECK(contains(
      message<ConfigError>([&] { fisher_information<float>(bare, task.x, task.y, {.labels = FisherLabels::model}); }),
      "FisherLabels::data"));
  CHECK_THROWS_AS(fisher_information<float>(bare, task.x, task.y, {.samples = -1}), ConfigError);
  CHECK_THROWS_AS(fisher_information<float>(bare, task.x, Tensor<float>({3})), ShapeError);
}

TEST_CASE("Fisher information: softmax, sparse and one-hot labels, logits") {
  const auto task = test::octants(64, 6, 2, 6);
  Tensor<float> one_hot({64, 4});
  for (Index i = 0; i < 64; ++i) one_hot[4 * i + static_cast<Index>(task.y[i])] = 1;
  auto model = test::classifier(6, 4);
  model.compile({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"});
  const auto sparse = fisher_information<float>(model, task.x, task.y);
  model.compile({.optimizer = "sgd", .loss = "categorical_crossentropy"});
  const auto dense = fisher_information<float>(model, task.x, one_hot);
  REQUIRE(sparse.entries.size() == 6);
  for (std::size_t e = 0; e < 6; ++e) {
    for (Index i = 0; i < sparse.entries[e].importance.size(); ++i) {
      CHECK(sparse.entries[e].importance[i] == Approx(dense.entries[e].importance[i]).epsilon(1e-3).margin(1e-9));
    }
  }
  const auto drawn = fisher_information<float>(model, task.x, one_hot, {.labels = FisherLabels::model});
  CHECK(drawn.find("out", "kernel")->importance[0] > 0);
}

TEST_CASE("Fisher information: labels of the model, drawn from logits however low they are") {
  const SparseCategoricalCrossentropy<float> loss({.from_logits = true});
  const Tensor<float> sure({1, 2}, {-1000.0f, -2000.0f}), even({1, 2}, {-1000.0f, -1000.0f});
  Tensor<float> label({1, 1});
  Rng rng(std::uint64_t{3});
  Index ones = 0;
  for (int i = 0; i < 1000; ++i) {
    detail::draw_label<float>(loss, sure.view(), rng, label);
    CHECK(label[0] == 0.0f);
    detail::draw_label<float>(loss, even.view(), rng, label);
    ones += label[0] == 1.0f;
  }
  CHECK(ones > 400);
  CHECK(ones < 600);
}

TEST_CASE("EWC: a quadratic problem with a known answer, and wrong uses") {
  // As L2-SP above, with importance 0.5 and lambda 4.
  Sequential<float> model(
      {Dense(1, {.use_bias = false, .kernel_initializer = Ones(), .name = "reused", .input_shape = Shape{1}}),
       Dense(1, {.use_bias = false, .kernel_initializer = Ones(), .name = "head"})});
  model.compile({.optimizer = SGD({.learning_rate = 0.1}), .loss = "mse", .lints = {.silence = {"all"}}});
  set_learning_rate_multiplier(model.get_layer("head"), 0);
  const Tensor<float> x({8, 1}, 1.0F), y({8, 1}, 3.0F);
  Fisher<float> fisher{{{"reused", "kernel", Tensor<float>({1, 1}, {1}), Tensor<float>({1, 1}, {0.5F})}}, 8};
  FineTuneOptions<float> options;
  options.head.epochs = 0;
  options.tuning = {.epochs = 200, .learning_rate = 0.1};
  options.ewc = EWC<float>{fisher, 4};
  options.verbose = kSilent;
  const auto report = tune(model, {x, y}, options);
  CHECK(model.get_layer("reused").weights()[0]->value()[0] == Approx(2).epsilon(1e-5));
  CHECK(contains(report.text, "EWC: 1 weights"));
  options.ewc->fisher.entries[0].layer = "other";
  CHECK(contains(message<ConfigError>([&] { tune(model, {x, y}, options); }), "no weight of the reused layers"));
  options.ewc->fisher.entries[0] = {"reused", "kernel", Tensor<float>({2, 1}), Tensor<float>({2, 1})};
  CHECK_THROWS_AS(tune(model, {x, y}, options), ShapeError);
  CHECK_FALSE(model.get_layer("reused").weights()[0]->regularizer());
  options.l2_sp = L2SP{};
  CHECK_THROWS_AS(tune(model, {x, y}, options), ConfigError);
}

TEST_CASE("EWC and L2-SP hold reused weights nearer to their start than plain fine-tuning does") {
  const Tasks tasks;
  const auto source = source_model();
  const auto fisher = fisher_information<float>(source, tasks.source.x, tasks.source.y);
  const auto moved = [&](FineTuneOptions<float> options) {
    const auto model = target_model(source);
    options.head = {.epochs = 2};
    options.tuning = {.epochs = 20, .learning_rate = 0.01};
    options.verbose = kSilent;
    const auto reused = model.layers().slice(0, -1);
    std::vector<Tensor<float>> before, after;
    for (const auto& layer : reused)
      for (auto& w : layer.get_weights()) before.push_back(w);
    fine_tune<float>(model, {tasks.target.x, tasks.target.y}, std::move(options));
    for (const auto& layer : reused)
      for (auto& w : layer.get_weights()) after.push_back(w);
    return apart(before, after);
  };
  const double plain = moved({});
  CHECK(moved({.l2_sp = L2SP{.alpha = 1}}) < 0.5 * plain);
  FineTuneOptions<float> held;
  held.ewc = EWC<float>{fisher, 100};
  CHECK(moved(held) < 0.9 * plain);
}

TEST_CASE("slanted triangular rates: the schedule of the paper, through a file and in fine_tune") {
  const SlantedTriangular schedule(0.01, 100);
  CHECK(schedule(0) == Approx(0.01 / 32));
  CHECK(schedule(5) == Approx(0.01 * (1 + 0.5 * 31) / 32));
  CHECK(schedule(10) == Approx(0.01));
  CHECK(schedule(55) == Approx(0.01 * (1 + 0.5 * 31) / 32));
  CHECK(schedule(100) == Approx(0.01 / 32));
  CHECK(schedule(1000) == Approx(0.01 / 32));
  const auto again = LearningRateSchedule::from_config(schedule.config());
  for (Index t = 0; t < 120; t += 7) CHECK(again(t) == schedule(t));
  CHECK(SlantedTriangular(1, 5)(0) == Approx(1));  // a tenth of five steps is none
  CHECK_THROWS_AS(SlantedTriangular(1, 0), ConfigError);
  CHECK_THROWS_AS(SlantedTriangular(1, 10, {.cut_fraction = 1}), ConfigError);
  CHECK_THROWS_AS(SlantedTriangular(1, 10, {.ratio = 0.5}), ConfigError);

  // 60 samples in batches of 32 are 2 steps an epoch, 20 in all; the stages of gradual unfreezing are one run of them.
  const Tasks tasks;
  for (const bool gradual : {false, true}) {
    const auto model = target_model(source_model());
    std::vector<double> rates;
    auto watch = std::make_shared<LambdaCallback<float>>(LambdaCallbackOptions{
        .on_train_batch_begin = [&](Index) { rates.push_back(model.optimizer().learning_rate()); }});
    fine_tune<float>(model, {tasks.target.x, tasks.target.y},
                     {.head = {.epochs = 1},
                      .tuning = {.epochs = 10, .learning_rate = 0.01, .callbacks = {watch}},
                      .gradual_unfreezing = gradual,
                      .slanted_triangular = SlantedTriangularOptions{},
                      .verbose = kSilent});
    REQUIRE(rates.size() == 20);
    const SlantedTriangular expected(0.01, 20);
    for (Index t = 0; t < 20; ++t) CHECK(rates[static_cast<std::size_t>(t)] == Approx(expected(t)).epsilon(1e-6));
  }
  const auto model = target_model(source_model());
  const auto endless = Dataset<float>::from_tensors(tasks.target.x, tasks.target.y).repeat().batch(8);
  CHECK_THROWS_AS(
      fine_tune<float>(model, endless,
                       {.head = {.epochs = 0}, .slanted_triangular = SlantedTriangularOptions{}, .verbose = kSilent}),
      ConfigError);
}

TEST_CASE("LP-FT: the head converges on kept features, and the report says how far features moved") {
  const Tasks tasks;
  const auto source = source_model();
  const auto model = target_model(source);
  const auto before = copies(model.layers().slice(0, -1)[0].weights());
  FineTuneOptions<float> options{.head = {.learning_rate = 0.05},
                                 .tuning = {.epochs = 8, .learning_rate = 0.01},
                                 .lp_ft = LpFt{.max_epochs = 400, .min_delta = 1e-3, .patience = 5},
                                 .verbose = kSilent};
  const auto report = tune(model, {tasks.target.x, tasks.target.y}, options);
  CHECK(contains(report.text, "LP-FT: the head converged in"));
  CHECK(report.head.epoch.size() > 5);
  CHECK(report.head.epoch.size() < 400);
  CHECK(report.head.cached_layers == 2);
  REQUIRE(report.feature_distortion);
  CHECK(*report.feature_distortion > 0);
  CHECK(contains(report.text, "feature distortion"));
  // A head that was trained makes smaller gradients: features move less than under a fresh one.
  const auto at_once = target_model(source);
  options.lp_ft.reset();
  options.head.epochs = 0;
  options.feature_distortion = true;
  const auto plain = tune(at_once, {tasks.target.x, tasks.target.y}, options);
  REQUIRE(plain.feature_distortion);
  CHECK(*report.feature_distortion < *plain.feature_distortion);
  // When phase 2 does nothing, nothing moved; a bound on the epochs holds.
  options.lp_ft = LpFt{.max_epochs = 3, .min_delta = 0};
  options.tuning.epochs = 0;
  const auto still = tune(target_model(source), {tasks.target.x, tasks.target.y}, options);
  CHECK(still.head.epoch.size() == 3);
  CHECK(*still.feature_distortion == 0);
  CHECK(contains(still.text, "max_epochs"));
  options.lp_ft = LpFt{.patience = 0};
  CHECK_THROWS_AS(tune(target_model(source), {tasks.target.x, tasks.target.y}, options), ConfigError);
  CHECK(before.size() == 2);
}

TEST_CASE("feature_distortion: by hand") {
  const std::vector<Tensor<float>> before{Tensor<float>({2, 2}, {3, 4, 0, 5})},
      after{Tensor<float>({2, 2}, {3, 5, 3, 5})};
  CHECK(feature_distortion(before, after) == Approx((1.0 + 3.0) / (5 + 5)));
  CHECK(feature_distortion(before, before) == 0);
  CHECK_THROWS_AS(feature_distortion<float>({}, {}), ShapeError);
  CHECK_THROWS_AS(feature_distortion(before, {Tensor<float>({2, 3})}), ShapeError);
}

TEST_CASE("LoRA: add, train, merge; merged equals unmerged") {
  const Tasks tasks;
  const auto source = source_model();
  const auto model = target_model(source);
  const auto kernel = model.get_layer("h1").weights()[0];
  const auto bias = model.get_layer("h1").weights()[1];
  const auto kernel_before = kernel->value(), bias_before = bias->value();
  const auto report = fine_tune<float>(model, {tasks.target.x, tasks.target.y},
                                       {.head = {.epochs = 3},
                                        .tuning = {.epochs = 20, .learning_rate = 0.02},
                                        .lora = Lora<float>{.rank = 2},
                                        .verbose = kSilent});
  CHECK(contains(report.text, "LoRA of rank 2 in 2 layers"));
  CHECK(same(kernel->value(), kernel_before));  // rests
  CHECK(same(bias->value(), bias_before));
  REQUIRE(kernel->low_rank());
  double b = 0;
  for (const float value : kernel->low_rank()->b->value()) b += static_cast<double>(std::abs(value));
  CHECK(b > 0.01);
  CHECK(report.tuning["loss"].back() < report.tuning["loss"].front());

  const auto unmerged = model.predict(tasks.source.x);
  CHECK(merge_lora<float>(model) == 2);
  const auto merged = model.predict(tasks.source.x);
  double most = 0;
  for (Index i = 0; i < merged.size(); ++i)
    most = std::max(most, static_cast<double>(std::abs(merged[i] - unmerged[i])));
  CHECK(most <= 1e-5);
  CHECK_FALSE(kernel->low_rank());
  CHECK_FALSE(same(kernel->value(), kernel_before));
  CHECK(model.get_layer("h1").weights().size() == 2);
  CHECK(kernel->trainable());
  CHECK_FALSE(model.get_layer("h1").config().contains("lora_rank"));
  CHECK(merge_lora<float>(model) == 0);

  // .merge does it at the end, remove_lora drops it.
  const auto at_once = target_model(source);
  fine_tune<float>(at_once, {tasks.target.x, tasks.target.y},
                   {.head = {.epochs = 1},
                    .tuning = {.epochs = 2},
                    .lora = Lora<float>{.rank = 1, .merge = true},
                    .verbose = kSilent});
  CHECK(at_once.get_layer("h1").weights().size() == 2);
  const auto dropped = target_model(source);
  const auto start = dropped.get_weights();
  add_lora<float>(dropped, {.rank = 1});
  dropped.get_layer("h2").weights()[3]->mutable_value().fill(1);
  CHECK(remove_lora<float>(dropped) == 3);
  CHECK(same(dropped.get_weights(), start));
}

TEST_CASE("LoRA on a convolution: merged equals unmerged, in a net with BatchNormalization") {
  set_random_seed(5);
  Sequential<float> model({Conv2D(8, 3, {.padding = "same", .name = "c1", .input_shape = Shape{8, 8, 3}}),
                           BatchNormalization({.name = "bn"}), ReLU(), Conv2D(8, 3, {.strides = 2, .name = "c2"}),
                           Flatten(), Dense(3, {.activation = "softmax", .name = "head"})});
  Tensor<float> x({40, 8, 8, 3}), y({40});
  Rng rng(std::uint64_t{9});
  for (Index i = 0; i < x.size(); ++i) x[i] = static_cast<float>(rng.normal());
  for (Index i = 0; i < 40; ++i) y[i] = static_cast<float>(i % 3);
  const auto plain = model.predict(x);  // an executor of before is at rest now
  CHECK(add_lora<float>(model, {.rank = 2, .lora_alpha = 4}) == 3);
  CHECK(same(model.predict(x), plain));
  model.compile({.optimizer = Adam({.learning_rate = 0.01}), .loss = "sparse_categorical_crossentropy"});
  model.fit(x, y, {.epochs = 5, .verbose = kSilent});
  const auto unmerged = model.predict(x);
  CHECK_FALSE(same(unmerged, plain));
  merge_lora<float>(model);
  const auto merged = model.predict(x);
  double most = 0;
  for (Index i = 0; i < merged.size(); ++i)
    most = std::max(most, static_cast<double>(std::abs(merged[i] - unmerged[i])));
  CHECK(most <= 1e-5);
}

TEST_CASE("LoRA: what is chosen, clones, and wrong uses") {
  const auto model = test::classifier(6, 4);
  CHECK(add_lora<float>(model, {.rank = 1, .filter = [](const Layer<float>& layer) { return layer.name() == "h2"; }}) ==
        1);
  CHECK(model.get_layer("h1").weights().size() == 2);
  // A clone has adapters of its own; set_weights takes all of them.
  const auto clone = clone_model(model);
  CHECK(clone.get_layer("h2").weights().size() == 4);
  clone.set_weights(model.get_weights());
  const auto x = test::octants(10, 6, 1, 1).x;
  CHECK(same(clone.predict(x), model.predict(x)));
  CHECK_THROWS_AS(add_lora<float>(model, {.rank = 0}), ConfigError);
  CHECK(contains(message<ConfigError>([&] { add_lora<float>(model, {.rank = 100}); }), "as large"));
  CHECK(contains(
      message<ConfigError>([&] { add_lora<float>(model, {.filter = [](const Layer<float>&) { return false; }}); }),
      "filter"));
  // After compile, what trains must stay.
  model.compile({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy", .lints = {.silence = {"all"}}});
  const auto task = test::octants(20, 6, 2, 2);
  model.fit(task.x, task.y, {.verbose = kSilent});
  merge_lora<float>(model);
  CHECK(contains(message<StateError>([&] { model.fit(task.x, task.y, {.verbose = kSilent}); }), "\"h2\""));
  // In the middle of a training it is an error, not a crash.
  model.compile({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy", .lints = {.silence = {"all"}}});
  auto meddler = std::make_shared<LambdaCallback<float>>(
      LambdaCallbackOptions{.on_epoch_end = [&](Index, Logs&) { model.get_layer("h1").enable_lora(1); }});
  CHECK_THROWS_AS(model.fit(task.x, task.y, {.epochs = 2, .verbose = kSilent, .callbacks = {meddler}}), StateError);
  const Tasks tasks;
  const auto target = target_model(source_model());
  const auto refused = [&](FineTuneOptions<float> options) {
    options.verbose = kSilent;
    return message<ConfigError>([&] { tune(target, {tasks.target.x, tasks.target.y}, options); });
  };
  CHECK(contains(refused({.lora = Lora<float>{}, .bitfit = true}), "lora and bitfit"));
  CHECK(contains(refused({.l2_sp = L2SP{}, .lora = Lora<float>{}}), "nothing to hold"));
}

TEST_CASE("BitFit: biases of reused layers and the head train, kernels do not") {
  const Tasks tasks;
  const auto model = target_model(source_model());
  const auto h1 = model.get_layer("h1").weights();
  const auto kernel = h1[0]->value(), bias = h1[1]->value();
  const auto report = fine_tune<float>(
      model, {tasks.target.x, tasks.target.y},
      {.head = {.epochs = 2}, .tuning = {.epochs = 5, .learning_rate = 0.01}, .bitfit = true, .verbose = kSilent});
  CHECK(same(h1[0]->value(), kernel));
  CHECK_FALSE(same(h1[1]->value(), bias));
  CHECK(contains(report.text, "BitFit: 24 biases"));
  // Biases 16 + 8, and the head of 8 x 4 + 4.
  CHECK(contains(report.text, "60 trainable parameters"));
  CHECK(h1[0]->trainable());  // as before
  // By hand.
  CHECK(train_biases_only<float>(model) == 28);
  CHECK(model.trainable_weights().size() == 3);
  train_all_weights<float>(model);
  CHECK(model.trainable_weights().size() == 6);
  CHECK_THROWS_AS(train_biases_only<float>(Dense(3)), StateError);
}

TEST_CASE("EMA: the average of the formula, and as an option") {
  const Sequential<float> model({Dense(1, {.use_bias = false, .name = "d", .input_shape = Shape{1}})});
  const auto w = model.weights()[0];
  w->mutable_value()[0] = 1;
  WeightAverage<float> average(model, {.momentum = 0.5});
  double expected = 1;
  for (int n = 1; n <= 20; ++n) {
    w->mutable_value()[0] = static_cast<float>(n);
    average.update();
    const double m = std::min(0.5, (1.0 + n) / (10.0 + n));
    expected = m * expected + (1 - m) * n;
    CHECK(average.weights()[0][0] == Approx(expected).epsilon(1e-5));
  }
  CHECK(average.steps() == 20);
  average.apply();
  CHECK(w->value()[0] == Approx(expected).epsilon(1e-5));
  CHECK_THROWS_AS(WeightAverage<float>(model, {.momentum = 1}), ConfigError);
  CHECK_THROWS_AS(WeightAverage<float>(Dense(1)), StateError);

  const Tasks tasks;
  const auto source = source_model();
  FineTuneOptions<float> options{
      .head = {.epochs = 2}, .tuning = {.epochs = 10, .learning_rate = 0.01}, .verbose = kSilent};
  const auto raw = target_model(source), averaged = target_model(source);
  set_random_seed(8);
  tune(raw, {tasks.target.x, tasks.target.y}, options);
  options.ema = Ema{0.9};
  set_random_seed(8);
  const auto report = tune(averaged, {tasks.target.x, tasks.target.y}, options);
  CHECK(contains(report.text, "averaged over 20 steps"));
  const double distance = apart(raw.get_weights(), averaged.get_weights());
  CHECK(distance > 0);
  CHECK(distance < 1);
}

TEST_CASE("WiSE-FT: between the weights before and after, with a share by validation") {
  const Sequential<float> line({Dense(1, {.name = "d", .input_shape = Shape{1}})});
  const std::vector<Tensor<float>> a{Tensor<float>({1, 1}, {2}), Tensor<float>({1}, {0})},
      b{Tensor<float>({1, 1}, {4}), Tensor<float>({1}, {8})};
  interpolate_weights<float>(line, a, b, 0.25);
  CHECK(line.weights()[0]->value()[0] == 2.5F);
  CHECK(line.weights()[1]->value()[0] == 2.0F);
  CHECK_THROWS_AS(interpolate_weights<float>(line, a, b, 1.5), ConfigError);
  CHECK_THROWS_AS(interpolate_weights<float>(line, a, {b[0]}, 0.5), ShapeError);
  CHECK_THROWS_AS(interpolate_weights<float>(line, a, {b[1], b[0]}, 0.5), ShapeError);

  const Tasks tasks;
  const auto source = source_model();
  const auto valid = test::octants(100, 6, 2, 12);
  FineTuneOptions<float> options{
      .head = {.epochs = 2}, .tuning = {.epochs = 10, .learning_rate = 0.02}, .verbose = kSilent};
  const auto after_head = [&](double alpha) {
    const auto model = target_model(source);
    set_random_seed(8);
    options.wise_ft = WiseFt{.alpha = alpha};
    CHECK(*tune(model, {tasks.target.x, tasks.target.y}, options).wise_ft_alpha == alpha);
    return model.get_weights();
  };
  const auto none = after_head(0), half = after_head(0.5), all = after_head(1);
  CHECK(apart(none, half) == Approx(apart(half, all)).epsilon(1e-3));
  CHECK(apart(none, all) == Approx(2 * apart(none, half)).epsilon(1e-3));
  // The best of several on the validation data.
  const auto model = target_model(source);
  set_random_seed(8);
  options.wise_ft = WiseFt{.candidates = {0, 0.25, 0.5, 0.75, 1}};
  CHECK_THROWS_AS(tune(model, {tasks.target.x, tasks.target.y}, options), ConfigError);  // by which data?
  options.validation_data = TrainingData<float>{valid.x, valid.y};
  const auto report = tune(model, {tasks.target.x, tasks.target.y}, options);
  REQUIRE(report.wise_ft_alpha);
  const double chosen = model.evaluate(valid.x, valid.y)[0];
  const auto other = target_model(source);
  for (const auto& weights : {none, half, all}) {
    other.set_weights(weights);
    CHECK(chosen <= other.evaluate(valid.x, valid.y)[0] + 1e-3);
  }
  options.wise_ft = WiseFt{.alpha = 2};
  CHECK_THROWS_AS(tune(model, {tasks.target.x, tasks.target.y}, options), ConfigError);

  // Of LoRA, the change is what is scaled.
  const auto with_lora = [&](double alpha) {
    const auto tuned = target_model(source);
    const auto kernel = tuned.get_layer("h1").weights()[0]->value();
    set_random_seed(8);
    fine_tune<float>(tuned, {tasks.target.x, tasks.target.y},
                     {.head = {.epochs = 0},
                      .tuning = {.epochs = 5, .learning_rate = 0.02},
                      .lora = Lora<float>{.rank = 1, .merge = true},
                      .wise_ft = WiseFt{.alpha = alpha},
                      .verbose = kSilent});
    return apart({kernel}, {tuned.get_layer("h1").weights()[0]->value()});
  };
  const double whole = with_lora(1);
  CHECK(whole > 0);
  CHECK(with_lora(0.5) == Approx(whole / 2).epsilon(1e-3));
}

TEST_CASE("by_data and re-estimation over a dataset") {
  const auto task = test::octants(300, 6, 2, 4);
  const auto data = Dataset<float>::from_tensors(task.x, task.y).batch(32);
  const StrategyChoice choice = choose_strategy(data);
  CHECK(choice.strategy == choose_strategy<float>(ArrayLike<float>(task.y)).strategy);
  CHECK(choice.reason == choose_strategy<float>(ArrayLike<float>(task.y)).reason);
  CHECK(contains(choice.reason, "75 samples per class"));
  CHECK(choose_strategy(Dataset<float>::from_tensors(task.x, task.y)).reason == choice.reason);
  CHECK_THROWS_AS(choose_strategy(data.repeat()), ConfigError);
  CHECK_THROWS_AS(choose_strategy(Dataset<float>::from_tensors(task.x).batch(8)), ConfigError);

  set_random_seed(6);
  const auto make = [] {
    return Sequential<float>({Dense(5, {.name = "d1", .input_shape = Shape{6}}), BatchNormalization({.name = "bn"}),
                              Dense(4, {.activation = "softmax", .name = "head"})});
  };
  const auto model = make(), twin = make();
  twin.set_weights(model.get_weights());
  CHECK(reestimate_batch_norm<float>(model, data) == 1);
  CHECK(reestimate_batch_norm<float>(twin, task.x) == 1);
  const auto a = model.get_layer("bn").get_weights(), b = twin.get_layer("bn").get_weights();
  for (std::size_t v = 2; v < 4; ++v) {
    for (Index c = 0; c < 5; ++c) CHECK(a[v][c] == Approx(b[v][c]).epsilon(1e-4).margin(1e-6));
  }
  CHECK_THROWS_AS(reestimate_batch_norm<float>(model, data.repeat()), ConfigError);
  CHECK_THROWS_AS(reestimate_batch_norm<float>(model, Dataset<float>::from_tensors(task.x, task.y)), StateError);
  CHECK_THROWS_AS(reestimate_batch_norm<float>(model, data, {.layers = {"bn2"}}), ConfigError);

  twin.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy", .lints = {.silence = {"all"}}});
  const BnPolicies bn{.all = BnPolicy::reestimate};
  const auto report = fine_tune<float>(
      twin, data,
      {.head = {.epochs = 1}, .tuning = {.epochs = 1}, .strategy = Strategy::by_data, .bn = bn, .verbose = kSilent});
  CHECK(report.strategy == Strategy::feature_extraction);
  CHECK(contains(report.text, "strategy: feature extraction; 75 samples per class"));
  CHECK(contains(report.text, "re-estimated on a pass over the dataset"));
}
