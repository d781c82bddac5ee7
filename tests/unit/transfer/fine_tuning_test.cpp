#include "tests/support/catch.hpp"
#include "tests/support/counting_layer.hpp"
#include "tests/support/nets.hpp"
#include "tests/support/temp_dir.hpp"

using namespace graft;
using test::contains;
using test::kSilent;
using test::message;
using test::same;

namespace {

// Names of the layers that train, in order.
std::string trainable(const Model<float>& model) {
  std::string names;
  for (const auto& layer : detail::leaves_with_weights(model)) {
    if (layer.trainable()) names += (names.empty() ? "" : " ") + layer.name();
  }
  return names;
}

// VGG16's base, with fewer channels where none are asked for.
Model<float> vgg16_base(Index divide) {
  Sequential base({.name = "vgg16", .input_shape = Shape{32, 32, 3}});
  const Index channels[] = {64, 128, 256, 512, 512}, layers[] = {2, 2, 3, 3, 3};
  for (int block = 0; block < 5; ++block) {
    const std::string name = "block" + std::to_string(block + 1);
    for (Index i = 1; i <= layers[block]; ++i) {
      base.add(Conv2D(channels[block] / divide, {3, 3},
                      {.padding = "same", .activation = "relu", .name = name + "_conv" + std::to_string(i)}));
    }
    base.add(MaxPooling2D(2, {.name = name + "_pool"}));
  }
  return base;
}

Sequential<float> with_batch_norm() {
  return Sequential({Dense(12, {.activation = "elu", .name = "d1", .input_shape = Shape{6}}),
                     BatchNormalization({.name = "bn1"}), Dense(8, {.activation = "elu", .name = "d2"}),
                     BatchNormalization({.name = "bn2"}), Dense(1, {.activation = "sigmoid", .name = "head"})});
}

Tensor<float> sample_gradient(const Shape& shape, std::uint64_t seed) {
  Tensor<float> g(shape);
  Rng rng(seed);
  for (Index i = 0; i < g.size(); ++i) g[i] = static_cast<float>(rng.normal());
  return g;
}

}  // namespace

TEST_CASE("R-31 unfreeze_from(base, \"block5_conv1\"): 6 tensors, 7,079,424 parameters of VGG16") {
  const auto base = vgg16_base(1);
  CHECK(base.count_params() == 14714688);
  unfreeze_from(base, "block5_conv1");
  Index parameters = 0;
  for (const auto& variable : base.trainable_weights()) parameters += variable->size();
  CHECK(base.trainable_weights().size() == 6);
  CHECK(parameters == 7079424);
}

TEST_CASE("unfreezing by name: what stands below stays frozen, nested models are opened, BatchNormalization stays") {
  const auto base = vgg16_base(16);
  const Sequential model({base, BatchNormalization({.name = "bn"}), Flatten(), Dense(2, {.name = "head"})});
  unfreeze_from<float>(model, "block5_conv2");
  CHECK(trainable(model) == "block5_conv2 block5_conv3 head");
  unfreeze_from<float>(model, "block5_conv2", {.keep_bn_frozen = false});
  CHECK(trainable(model) == "block5_conv2 block5_conv3 bn head");
  unfreeze_from<float>(model, "head");
  CHECK(trainable(model) == "head");
  unfreeze_from<float>(model, "vgg16");
  CHECK(trainable(model).find("block1_conv1") == 0);
  unfreeze_from<float>(model, "head");
  const std::string text = message<ConfigError>([&] { unfreeze_from<float>(model, "block5_conv4"); });
  CHECK(contains(text, "block5_conv"));
  CHECK(contains(text, "no layer has the name \"block5_conv4\""));
  CHECK(trainable(model) == "head");  // as it was
}

TEST_CASE("unfreezing by block: a prefix of names, numbers are not cut") {
  const auto base = vgg16_base(16);
  freeze<float>(base);
  CHECK(unfreeze_block(base, "block4") == 4);
  CHECK(trainable(base) == "block4_conv1 block4_conv2 block4_conv3");
  unfreeze_block(base, "block5");
  CHECK(trainable(base) == "block4_conv1 block4_conv2 block4_conv3 block5_conv1 block5_conv2 block5_conv3");
  const Sequential mobile({Dense(2, {.name = "block_1_expand", .input_shape = Shape{2}}),
                           Dense(2, {.name = "block_16_expand"}), BatchNormalization({.name = "block_1_expand_BN"}),
                           Dense(2, {.name = "block_1"})});
  freeze<float>(mobile);
  CHECK(unfreeze_block<float>(mobile, "block_1") == 3);
  CHECK(trainable(mobile) == "block_1_expand block_1");
  freeze<float>(mobile);
  unfreeze_block<float>(mobile, "block_1", {.keep_bn_frozen = false});
  CHECK(trainable(mobile) == "block_1_expand block_1_expand_BN block_1");
  CHECK(contains(message<ConfigError>([&] { unfreeze_block<float>(mobile, "block_2"); }), "begins with \"block_2\""));
  CHECK_THROWS_AS(unfreeze_block<float>(mobile, ""), ConfigError);
  // A frozen nested base is opened, the rest of it stays frozen.
  const Sequential model({base, Flatten(), Dense(2, {.name = "head"})});
  freeze<float>(model);
  unfreeze_block<float>(model, "block5");
  CHECK(trainable(model) == "block5_conv1 block5_conv2 block5_conv3");
  CHECK(model.trainable_weights().size() == 6);
}

TEST_CASE("layer groups: by blocks of names, else by layers with their normalization") {
  const auto names = [](const std::vector<std::vector<Layer<float>>>& groups) {
    std::string text;
    for (const auto& group : groups) {
      for (const auto& layer : group) text += layer.name() + " ";
      text += "| ";
    }
    return text;
  };
  CHECK(names(layer_groups<float>(with_batch_norm())) == "d1 bn1 | d2 bn2 | head | ");
  const auto groups = layer_groups(vgg16_base(16));
  REQUIRE(groups.size() == 5);
  CHECK(groups[4].size() == 3);
  CHECK(layer_groups(vgg16_base(16), GroupBy::layer).size() == 13);
  CHECK(detail::block_of("conv5_block3_2_bn") == "conv5_block3");
  CHECK(detail::block_of("block_13_expand") == "block_13");
  CHECK(detail::block_of("block2a_dwconv") == "block2a");
  CHECK(detail::block_of("blocky") == "");
  CHECK(detail::block_of("convnext_tiny_stage_2_block_7_depthwise_conv") == "convnext_tiny_stage_2_block_7");
}

TEST_CASE("a learning rate multiplier is the rate of another optimizer, bit for bit, in every optimizer") {
  const double decay = 0.01;
  const auto make = [&](const std::string& name, double rate) -> Optimizer<float> {
    if (name == "momentum") return SGD({.learning_rate = rate, .momentum = 0.9, .weight_decay = decay});
    if (name == "nesterov") return SGD({.learning_rate = rate, .momentum = 0.9, .nesterov = true});
    if (name == "clipped") return SGD({.learning_rate = rate, .momentum = 0.5, .clipnorm = 0.5});
    if (name == "schedule") return SGD({.learning_rate = ExponentialDecay(rate, 2, 0.5)});
    if (name == "accumulate") return Adam({.learning_rate = rate, .gradient_accumulation_steps = 2});
    if (name == "ema") return Adam({.learning_rate = rate, .use_ema = true, .ema_overwrite_frequency = 3});
    if (name == "scaled") return LossScaleOptimizer(Adam({.learning_rate = rate, .weight_decay = decay}));
    Config config = Optimizer<float>(name).config();
    config["config"]["learning_rate"] = rate;
    config["config"]["weight_decay"] = decay;
    return Optimizer<float>::from_config(config);
  };
  for (const char* name : {"sgd", "momentum", "nesterov", "clipped", "schedule", "rmsprop", "adam", "adamw", "nadam",
                           "adamax", "adagrad", "adadelta", "ftrl", "lion", "accumulate", "ema", "scaled"}) {
    CAPTURE(name);
    const double m = 0.3, rate = 0.02;
    const Shape shape{3, 5};
    const auto start = sample_gradient(shape, 1);
    Variable<float> low("low", start, VariableKind::trainable), high("high", start, VariableKind::trainable);
    Variable<float> low_alone("low", start, VariableKind::trainable),
        high_alone("high", start, VariableKind::trainable);
    low.set_learning_rate_multiplier(m);
    const auto both = make(name, rate), for_low = make(name, rate * m), for_high = make(name, rate);
    const std::string kind(both.class_name());
    for (std::uint64_t step = 0; step < 6; ++step) {
      auto g = sample_gradient(shape, 10 + step), h = sample_gradient(shape, 20 + step);
      auto g2 = g, h2 = h;
      const Gradient<float> together[] = {{&low, g.view()}, {&high, h.view()}};
      both.apply(together);
      const Gradient<float> one[] = {{&low_alone, g2.view()}}, other[] = {{&high_alone, h2.view()}};
      for_low.apply(one);
      for_high.apply(other);
    }
    CHECK(same(low.value(), low_alone.value()));
    CHECK(same(high.value(), high_alone.value()));
    CHECK_FALSE(same(low.value(), start));
    CHECK_FALSE(same(low.value(), high.value()));
  }
  Variable<float> still("w", sample_gradient({4}, 1), VariableKind::trainable);
  const auto before = still.value();
  still.set_learning_rate_multiplier(0);
  auto g = sample_gradient({4}, 2);
  const Gradient<float> list[] = {{&still, g.view()}};
  make("momentum", 0.1).apply(list);
  CHECK(same(still.value(), before));
  CHECK_THROWS_AS(still.set_learning_rate_multiplier(-1), ConfigError);
  CHECK_THROWS_AS(still.set_learning_rate_multiplier(INFINITY), ConfigError);
  CHECK_THROWS_AS(still.set_learning_rate_multiplier(NAN), ConfigError);
}

TEST_CASE("discriminative learning rates: divided by the decay from group to group, the head keeps the rate") {
  const auto model = with_batch_norm();
  const auto rates = discriminative_learning_rates<float>(model);
  REQUIRE(rates.size() == 2);
  CHECK(rates[1] == Approx(1 / 2.6));
  CHECK(rates[0] == Approx(1 / 2.6 / 2.6));
  const auto of = [&](const char* name) { return model.get_layer(name).weights().front()->learning_rate_multiplier(); };
  CHECK(of("d1") == rates[0]);
  CHECK(of("bn1") == rates[0]);
  CHECK(of("d2") == rates[1]);
  CHECK(of("head") == 1);
  set_learning_rate_multiplier(model.get_layer("d1"), 0.5);
  CHECK(of("d1") == 0.5);
  reset_learning_rates<float>(model);
  CHECK(of("d1") == 1);
  CHECK_THROWS_AS(discriminative_learning_rates<float>(model, 0.5), ConfigError);
  CHECK_THROWS_AS(discriminative_learning_rates<float>(model, 2, {.head_layers = 9}), ConfigError);
  CHECK(contains(message<StateError>([] { set_learning_rate_multiplier<float>(Dense(3), 0.5); }), "not built"));

  // In a training: the same as by hand, and lower layers move less.
  const auto task = test::octants(64, 6, 1, 9);
  set_random_seed(3);
  const auto net = test::classifier(6, 2);
  const auto before = net.get_weights();
  net.compile({.optimizer = SGD({.learning_rate = 0.1}), .loss = "sparse_categorical_crossentropy"});
  set_learning_rate_multiplier(net.get_layer("h1"), 0);
  net.fit(task.x, task.y, {.verbose = kSilent});
  CHECK(same(net.get_weights()[0], before[0]));
  CHECK_FALSE(same(net.get_weights()[2], before[2]));
}

TEST_CASE("re-estimated statistics are those of the data, to 1e-6; only of the layers that were asked for") {
  set_random_seed(4);
  const Sequential model({BatchNormalization({.name = "first", .input_shape = Shape{5, 4, 3}}), Dropout(0.5),
                          Conv2D(6, {3, 3}, {.name = "conv"}), BatchNormalization({.name = "second"}), Flatten(),
                          Dense(2)});
  const auto x = [] {
    auto t = sample_gradient({103, 5, 4, 3}, 7);
    for (Index i = 0; i < t.size(); ++i) t[i] = t[i] * static_cast<float>(1 + i % 3) + static_cast<float>(10 * (i % 3));
    return t;
  }();
  const auto before = model.get_weights();
  CHECK(reestimate_batch_norm<float>(model, x, {.batch_size = 16, .layers = {"first"}}) == 1);
  const auto& first = model.get_layer("first");
  for (Index c = 0; c < 3; ++c) {
    double mean = 0, square = 0;
    for (Index i = c; i < x.size(); i += 3) mean += static_cast<double>(x[i]);
    mean /= static_cast<double>(x.size() / 3);
    for (Index i = c; i < x.size(); i += 3) square += std::pow(static_cast<double>(x[i]) - mean, 2);
    square /= static_cast<double>(x.size() / 3);
    CHECK(static_cast<double>(first.get_weights()[2][c]) == Approx(mean).epsilon(1e-6));
    CHECK(static_cast<double>(first.get_weights()[3][c]) == Approx(square).epsilon(1e-6));
  }
  auto after = model.get_weights();
  for (const std::size_t i : {0u, 1u, 4u, 5u, 6u, 7u, 8u, 9u}) CHECK(same(before[i], after[i]));

  CHECK(reestimate_batch_norm<float>(model, x, {.batch_size = 103}) == 2);
  // One batch of all: a training step of momentum 0 finds the same, Dropout resting.
  const Sequential below({model.layers()[0], model.layers()[2]});
  const auto z = below.predict(x);
  double mean = 0;
  for (Index i = 0; i < z.size(); i += 6) mean += static_cast<double>(z[i]);
  CHECK(static_cast<double>(model.get_layer("second").get_weights()[2][0]) ==
        Approx(mean / static_cast<double>(z.size() / 6)).epsilon(1e-4));
  CHECK_FALSE(model.get_layer("second").get_weights()[3][0] == 1);
  CHECK(contains(message<ConfigError>([&] { reestimate_batch_norm<float>(model, x, {.layers = {"secnd"}}); }),
                 "\"second\""));
  CHECK(reestimate_batch_norm<float>(test::classifier(6, 2), test::octants(9, 6, 1).x) == 0);
  CHECK_THROWS_AS(reestimate_batch_norm<float>(model, x, {.batch_size = 0}), ConfigError);
  CHECK_THROWS_AS(reestimate_batch_norm<float>(model, test::octants(9, 6, 1).x), ShapeError);
}

TEST_CASE("AdaBN: re-estimated statistics bring back what a shift of the inputs took, without a training step") {
  set_random_seed(5);
  const auto task = test::octants(600, 6, 2);
  const Sequential model({BatchNormalization({.input_shape = Shape{6}}), Dense(32, {.activation = "relu"}),
                          BatchNormalization(), Dense(4, {.activation = "softmax"})});
  model.compile(
      {.optimizer = Adam({.learning_rate = 0.01}), .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  model.fit(task.x, task.y, {.epochs = 30, .verbose = kSilent});
  const double here = model.evaluate(task.x, task.y)[1];
  Tensor<float> shifted = task.x;
  for (Index i = 0; i < shifted.size(); ++i) shifted[i] = 3 * shifted[i] + 5;
  const double there = model.evaluate(shifted, task.y)[1];
  reestimate_batch_norm<float>(model, shifted);
  const double adapted = model.evaluate(shifted, task.y)[1];
  CHECK(here > 0.95);
  CHECK(there < 0.6);
  CHECK(adapted > 0.93);
}

TEST_CASE("policies of BatchNormalization in fine_tune: frozen, train, reestimate, layer by layer") {
  const auto task = test::octants(96, 6, 1, 9);
  const auto run = [&](const BnPolicies& policies) {
    set_random_seed(6);
    const auto model = with_batch_norm();
    auto before = model.get_weights();  // kernel, bias, gamma, beta, mean, variance, kernel, bias, gamma, beta, mean, …
    model.compile({.optimizer = SGD({.learning_rate = 0.05}), .loss = "binary_crossentropy"});
    auto report = fine_tune<float>(
        model, {task.x, task.y},
        {.head = {.epochs = 2}, .tuning = {.epochs = 2, .learning_rate = 0.01}, .bn = policies, .verbose = kSilent});
    return std::tuple(before, model.get_weights(), report);
  };
  const auto [start, frozen, r1] = run({});
  for (const std::size_t i : {2u, 3u, 4u, 5u, 8u, 9u, 10u, 11u}) CHECK(same(start[i], frozen[i]));
  const auto [s2, train, r2] = run({.layers = {{"bn2", BnPolicy::train}}});
  for (const std::size_t i : {2u, 3u, 4u, 5u}) CHECK(same(start[i], train[i]));
  for (const std::size_t i : {8u, 9u, 10u, 11u}) CHECK_FALSE(same(start[i], train[i]));
  const auto [s3, anew, r3] = run({.all = BnPolicy::reestimate});
  for (const std::size_t i : {2u, 3u, 8u, 9u}) CHECK(same(start[i], anew[i]));
  for (const std::size_t i : {4u, 5u, 10u, 11u}) CHECK_FALSE(same(start[i], anew[i]));
  CHECK(contains(r3.text, "2 BatchNormalization layers re-estimated on 96 samples"));
  CHECK(contains(message<ConfigError>([&] { run({.layers = {{"bn3", BnPolicy::train}}}); }), "\"bn3\""));
}

TEST_CASE("gradual unfreezing: one group an epoch from the top, then all; state of the optimizer goes on") {
  const auto task = test::octants(96, 6, 1, 9);
  set_random_seed(7);
  const auto model = with_batch_norm();
  model.compile({.optimizer = Adam({.learning_rate = 0.01}), .loss = "binary_crossentropy"});
  struct Watch : Callback<float> {
    std::vector<std::string> seen;
    std::vector<Index> steps;
    void on_epoch_begin(Index) override {
      seen.push_back(trainable(model()));
      steps.push_back(model().optimizer().iterations());
    }
  };
  const auto watch = std::make_shared<Watch>();
  const auto report = fine_tune<float>(model, {task.x, task.y},
                                       {.head = {.epochs = 1},
                                        .tuning = {.epochs = 4, .learning_rate = 0.001, .callbacks = {watch}},
                                        .gradual_unfreezing = true,
                                        .verbose = kSilent});
  CHECK(watch->seen == std::vector<std::string>{"d2 head", "d1 d2 head", "d1 d2 head", "d1 d2 head"});
  CHECK(watch->steps == std::vector<Index>{0, 3, 6, 9});
  CHECK(report.tuning.epoch == std::vector<Index>{0, 1, 2, 3});
  CHECK(report.tuning["loss"].size() == 4);
  CHECK(contains(report.text, "1 of 2 groups"));
  const auto few = fine_tune<float>(
      model, {task.x, task.y},
      {.head = {.epochs = 1}, .tuning = {.epochs = 1}, .gradual_unfreezing = true, .verbose = kSilent});
  CHECK(contains(few.text, "the lowest ones stayed frozen"));
  CHECK(trainable(model) == "d2 head");
}

TEST_CASE("R-28 Strategy by the amount of data, with its reason; each sets the right flags") {
  CHECK(choose_strategy(20).strategy == Strategy::feature_extraction);
  CHECK(choose_strategy(99.9).strategy == Strategy::feature_extraction);
  CHECK(choose_strategy(100).strategy == Strategy::partial);
  CHECK(choose_strategy(999).strategy == Strategy::partial);
  CHECK(choose_strategy(1000).strategy == Strategy::full);
  CHECK(contains(choose_strategy(20).reason, "20 samples per class, fewer than 100"));
  CHECK(choose_strategy(150, {.similarity = 0.9}).strategy == Strategy::feature_extraction);
  CHECK(choose_strategy(60, {.similarity = 0.1}).strategy == Strategy::partial);
  CHECK(contains(choose_strategy(10, {.similarity = 0.1}).reason, "lower layers"));
  CHECK_THROWS_AS(choose_strategy(-1), ConfigError);
  CHECK_THROWS_AS(choose_strategy(10, {.similarity = 2}), ConfigError);
  CHECK_THROWS_AS(choose_strategy(10, {.few = 10, .many = 1}), ConfigError);

  const auto task = test::octants(600, 6, 2);  // four classes of 150
  CHECK(choose_strategy(ArrayLike<float>(task.y)).strategy == Strategy::partial);
  CHECK(contains(choose_strategy(ArrayLike<float>(task.y)).reason, "150 samples per class"));
  Tensor<float> one_hot({600, 4});
  for (Index i = 0; i < 600; ++i) one_hot[i * 4 + static_cast<Index>(task.y[i])] = 1;
  CHECK(choose_strategy(ArrayLike<float>(one_hot)).reason == choose_strategy(ArrayLike<float>(task.y)).reason);
  CHECK(contains(choose_strategy(ArrayLike<float>(sample_gradient({50}, 1))).reason, "50 samples"));

  const auto base = vgg16_base(16);
  apply_strategy(base, Strategy::feature_extraction);
  CHECK(trainable(base).empty());
  apply_strategy(base, Strategy::partial);
  CHECK(trainable(base) == "block5_conv1 block5_conv2 block5_conv3");
  apply_strategy(base, Strategy::partial, 1);
  CHECK(trainable(base) == "block5_conv3");
  apply_strategy(base, Strategy::full);
  CHECK(base.trainable_weights().size() == 26);
  CHECK_THROWS_AS(apply_strategy(base, Strategy::by_data), ConfigError);
}

TEST_CASE("R-28 R-33 fine_tune by data: feature extraction trains the head alone, more data the top layers, then all") {
  const auto run = [&](Index samples, std::optional<Strategy> strategy) {
    const auto task = test::octants(samples, 6, 1, 9);
    set_random_seed(8);
    const auto model = test::classifier(6, 2);
    model.compile({.optimizer = SGD({.learning_rate = 0.1}), .loss = "sparse_categorical_crossentropy"});
    const auto report =
        fine_tune<float>(model, {task.x, task.y},
                         {.head = {.epochs = 1}, .tuning = {.epochs = 1}, .strategy = strategy, .verbose = kSilent});
    return std::tuple(trainable(model), report.tuning.epoch.size(), report.text, report.strategy);
  };
  const auto [few, tuned, text, chosen] = run(60, Strategy::by_data);
  CHECK(few == "out");
  CHECK(tuned == 0);
  CHECK(chosen == Strategy::feature_extraction);
  CHECK(contains(text, "strategy: feature extraction; "));
  CHECK(contains(text, "samples per class"));
  CHECK(std::get<0>(run(600, Strategy::by_data)) == "h2 out");
  CHECK(std::get<0>(run(2400, Strategy::by_data)) == "h1 h2 out");
  CHECK(std::get<0>(run(60, Strategy::full)) == "h1 h2 out");
  const auto task = test::octants(20, 6, 1);
  const auto model = test::classifier(6, 2);
  CHECK_THROWS_AS(fine_tune<float>(model, {task.x, task.y}, {.unfreeze_top = 1, .strategy = Strategy::full}),
                  ConfigError);
}

TEST_CASE("R-29 the upper layers as a start, or away with them: both ways train") {
  set_random_seed(9);
  const auto source = test::octants(400, 6, 2), task = test::octants(300, 6, 1, 9);
  const auto a = test::classifier(6, 4);
  a.compile({.optimizer = Adam({.learning_rate = 0.01}), .loss = "sparse_categorical_crossentropy"});
  a.fit(source.x, source.y, {.epochs = 20, .verbose = kSilent});
  const auto kept = reuse_layers<float>(a, {Dense(1, {.activation = "sigmoid"})}).model;
  const auto own =
      reuse_layers<float>(a, {Dense(8, {.activation = "relu"}), Dense(1, {.activation = "sigmoid"})}, {.drop_top = 2})
          .model;
  for (const auto& [model, head] : {std::pair(kept, Index{1}), std::pair(own, Index{2})}) {
    model.compile({.optimizer = SGD({.learning_rate = 0.3}), .loss = "binary_crossentropy", .metrics = {"accuracy"}});
    const auto report = fine_tune<float>(model, {task.x, task.y},
                                         {.head = {.epochs = 15},
                                          .tuning = {.epochs = 10, .learning_rate = 0.05},
                                          .head_layers = head,
                                          .unfreeze_top = 1,
                                          .verbose = kSilent});
    CHECK(report.tuning["accuracy"].back() > 0.9);
    CHECK((trainable(model).find("h1") == std::string::npos) == (head == 1));
  }
}

TEST_CASE("R-38 way 2: augmentation, frozen base, head: trains end to end, and the counts of parameters are Keras's") {
  const auto base = vgg16_base(1);
  const auto in = Input({180, 180, 3});
  const auto augmented = RandomZoom(0.2)(RandomRotation(0.1)(RandomFlip("horizontal")(in)));
  // The base of 32 x 32 pictures cannot take 180 x 180: its layers can.
  auto x = augmented;
  for (const auto& layer : base.layers()) x = layer(x);
  x = Dense(1, {.activation = "sigmoid"})(Dropout(0.5)(Dense(256)(Flatten()(x))));
  const Model model(in, x);
  freeze(model.layers().slice(0, -4));
  Index trained = 0;
  for (const auto& variable : model.trainable_weights()) trained += variable->size();
  CHECK(model.count_params() == 17992001);
  CHECK(trained == 3277313);
  CHECK(model.count_params() - trained == 14714688);
}

TEST_CASE("R-38 way 2 runs the base in every epoch and says why nothing is kept") {
  const test::Counting<float> counter({.name = "count"});
  const auto task = test::octants(40, 12, 1);
  const Sequential model({Reshape({2, 2, 3}, {.input_shape = Shape{12}}), RandomFlip("horizontal", {.name = "flip"}),
                          Conv2D(4, {1, 1}), counter, Flatten(), Dense(1, {.activation = "sigmoid"})});
  freeze(model.layers().slice(0, -1));
  model.compile({.optimizer = "sgd", .loss = "binary_crossentropy"});
  counter.reset();
  const auto history = model.fit(task.x, task.y, {.epochs = 3, .verbose = kSilent, .cache_frozen_prefix = true});
  CHECK(counter.totals().forward_rows == 3 * 40);
  CHECK(history.cached_layers == 0);
  CHECK(contains(history.uncached_reason, "\"flip\""));
}

TEST_CASE("fine_tune keeps the features of each phase on disk and says what that saved") {
  const test::TempDir dir;
  const auto task = test::octants(80, 6, 1, 9);
  const test::Counting<float> counter({.name = "count"});
  const auto run = [&](const std::string& file) {
    set_random_seed(6);
    const Sequential model({Dense(8, {.activation = "elu", .name = "low", .input_shape = Shape{6}}), counter,
                            Dense(8, {.activation = "elu", .name = "top"}), Dense(1, {.activation = "sigmoid"})});
    model.compile({.optimizer = SGD({.learning_rate = 0.1}), .loss = "binary_crossentropy"});
    counter.reset();
    auto report = fine_tune<float>(
        model, {task.x, task.y},
        {.head = {.epochs = 3}, .tuning = {.epochs = 5}, .unfreeze_top = 1, .verbose = kSilent, .cache_file = file});
    return std::pair(model.get_weights(), report);
  };
  (void)run("");
  const auto memory = run("");
  CHECK(counter.totals().forward_rows == 2 * 80);
  const auto disk = run(dir / "f.h5");
  CHECK(counter.totals().forward_rows == 2 * 80);
  CHECK(std::filesystem::exists(dir / "f.head.h5"));
  CHECK(std::filesystem::exists(dir / "f.tuning.h5"));
  CHECK(same(memory.first, disk.first));
  CHECK(contains(disk.second.text, "3 frozen layers ran once"));
  CHECK(contains(disk.second.text, "f.head.h5"));
  CHECK(contains(disk.second.text, "s an epoch"));
  const auto again = run(dir / "f.h5");
  CHECK(counter.totals().forward_rows == 0);
  CHECK(same(memory.first, again.first));
  CHECK(detail::phase_file("a.b/f", "head") == "a.b/f.head");
}
