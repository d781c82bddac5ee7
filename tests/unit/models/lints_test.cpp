#include "graft/models/lints/data_lints.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/nets.hpp"
#include "tests/support/temp_dir.hpp"

// Each lint with a case in which it fires and cases in which it must not.

using namespace graft;
using test::contains;
using test::kSilent;
using test::message;

namespace {

constexpr auto kQuiet = [](CompileOptions<float> options) {
  options.lints.print = false;
  return options;
};

const Lint* find(const Model<float>& model, const std::string& id) {
  static std::vector<Lint> kept;
  kept = model.lints();
  for (const Lint& lint : kept) {
    if (lint.id == id) return &lint;
  }
  return nullptr;
}

// The lint's text after compile; empty when there is none.
std::string linted(const Model<float>& model, CompileOptions<float> options, const std::string& id) {
  model.compile(kQuiet(std::move(options)));
  const Lint* lint = find(model, id);
  return lint ? lint->text() : "";
}

CompileOptions<float> with(Optimizer<float> optimizer) { return {.optimizer = optimizer, .loss = "mse"}; }

// A file's layers with a new head on them.
Sequential<float> on_loaded_base() {
  const test::TempDir dir;
  const Sequential source({Dense(8, {.activation = "relu", .name = "low", .input_shape = Shape{6}}),
                           Dense(4, {.activation = "relu", .name = "high"}), Dense(3, {.name = "old"})});
  source.save(dir / "m.h5");
  Sequential<float> model(load_model(dir / "m.h5").layers().slice(0, -1));
  model.add(Dense(2, {.activation = "softmax", .name = "head"}));
  return model;
}

}  // namespace

TEST_CASE("lint nothing_trainable") {
  const auto model = test::classifier(6, 2);
  CHECK(linted(model, with("sgd"), "nothing_trainable").empty());
  model.set_trainable(false);
  CHECK(contains(linted(model, with("sgd"), "nothing_trainable"), "does not have any trainable weights"));
  model.layers().back().set_trainable(true);
  model.impl().set_own_trainable(true);
  CHECK(linted(model, with("sgd"), "nothing_trainable").empty());
}

TEST_CASE("lint learning_rate: 1e-3 and more on unfrozen pretrained layers, by kind of optimizer") {
  const auto model = on_loaded_base();
  const auto fires = [&](const Optimizer<float>& optimizer) {
    return !linted(model, with(optimizer), "learning_rate").empty();
  };
  const std::string text = linted(model, with("adam"), "learning_rate");
  CHECK(contains(text, "0.001 of Adam"));
  CHECK(contains(text, "\"low\""));
  CHECK(contains(text, "Use less than 0.001"));
  CHECK(fires(RMSprop()));
  CHECK(fires(AdamW()));
  CHECK(fires(SGD()));
  CHECK(fires(SGD({.learning_rate = 1e-3, .momentum = 0.9})));
  CHECK(fires(Lion({.learning_rate = 1e-4})));
  CHECK(fires(LossScaleOptimizer(Adam())));
  CHECK(fires(Adam({.learning_rate = [](Index) { return 0.01; }})));
  CHECK_FALSE(fires(Adam({.learning_rate = 9e-4})));
  CHECK_FALSE(fires(SGD({.learning_rate = 1e-3})));
  CHECK_FALSE(fires(SGD({.learning_rate = 1e-4, .momentum = 0.9})));
  CHECK_FALSE(fires(Lion({.learning_rate = 1e-5})));
  CHECK_FALSE(fires(Adadelta()));
  // With multipliers, the rate that a layer gets.
  for (const char* name : {"low", "high"}) set_learning_rate_multiplier(model.get_layer(name), 0.1);
  CHECK_FALSE(fires(Adam()));
  CHECK(fires(Adam({.learning_rate = 0.01})));
  reset_learning_rates<float>(model);
  // Frozen ones are safe; so is a net that was not trained before, or one that goes on with its own training.
  freeze(model.layers().slice(0, -1));
  CHECK_FALSE(fires(Adam()));
  unfreeze(model.layers().slice(0, -1));
  const auto task = test::octants(20, 6, 1);
  const Optimizer<float> used = Adam({.learning_rate = 1e-3});
  model.compile(kQuiet({.optimizer = used, .loss = "sparse_categorical_crossentropy"}));
  model.fit(task.x, task.y, {.verbose = kSilent});
  CHECK_FALSE(fires(used));
  const auto scratch = test::classifier(6, 2);
  CHECK(linted(scratch, with("adam"), "learning_rate").empty());
  scratch.fit(task.x, Tensor<float>({20, 2}, 0.0f), {.verbose = kSilent});
  CHECK(linted(scratch, with("adam"), "learning_rate").empty());
}

TEST_CASE("pretrained is what was read from a file, or copied from weights that were trained") {
  const auto origin = [](const Model<float>& model, int layer = 0) {
    return model.layers()[layer].weights()[0]->origin();
  };
  const auto task = test::octants(20, 6, 1);
  const auto a = test::classifier(6, 2), b = test::classifier(6, 2);
  CHECK(origin(a) == Origin::fresh);
  b.set_weights(a.get_weights());
  CHECK(origin(b) == Origin::fresh);
  a.compile({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"});
  freeze(a.layers().slice(0, 1));
  a.compile({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"});
  a.fit(task.x, task.y, {.verbose = kSilent});
  CHECK(origin(a) == Origin::fresh);
  CHECK(origin(a, 1) == Origin::trained);
  b.set_weights(a.get_weights());
  CHECK(origin(b, 1) == Origin::pretrained);
  a.set_weights(b.get_weights());  // its own best weights back, say
  CHECK(origin(a, 1) == Origin::trained);
  CHECK(origin(reuse_layers<float>(a, {Dense(1)}).model, 1) == Origin::pretrained);
  CHECK(origin(clone_model(a), 1) == Origin::fresh);
  const test::TempDir dir;
  a.save(dir / "m.h5");
  a.save_weights(dir / "m.weights.h5");
  CHECK(origin(load_model(dir / "m.h5")) == Origin::pretrained);
  const auto c = test::classifier(6, 2);
  c.load_weights(dir / "m.weights.h5");
  CHECK(origin(c, 2) == Origin::pretrained);
}

TEST_CASE("R-24 lint random_head: a new head over an unfrozen pretrained base") {
  const auto model = on_loaded_base();
  const auto slow = with(SGD({.learning_rate = 1e-4}));
  const std::string text = linted(model, slow, "random_head");
  CHECK(contains(text, "\"head\" is new and random"));
  CHECK(contains(text, "\"low\""));
  CHECK(contains(text, "fine_tune"));
  freeze(model.layers().slice(0, -1));
  CHECK(linted(model, slow, "random_head").empty());
  // Phase 1, then phase 2.
  const auto task = test::octants(20, 6, 1);
  model.compile(kQuiet({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"}));
  model.fit(task.x, task.y, {.verbose = kSilent});
  unfreeze(model.layers().slice(0, -1));
  CHECK(linted(model, slow, "random_head").empty());
  CHECK(linted(test::classifier(6, 2), slow, "random_head").empty());
}

TEST_CASE("R-39 lint augmentation: augmentation stands behind the base") {
  const Sequential wrong({Conv2D(2, {3, 3}, {.name = "conv", .input_shape = Shape{8, 8, 3}}),
                          RandomFlip("horizontal", {.name = "flip"}), Flatten(), Dense(1)});
  const std::string text = linted(wrong, with("sgd"), "augmentation");
  CHECK(contains(text, "\"flip\""));
  CHECK(contains(text, "\"conv\""));
  const Sequential right({RandomFlip("horizontal", {.input_shape = Shape{8, 8, 3}}), Conv2D(2, {3, 3}), Dropout(0.5),
                          Flatten(), Dense(1)});
  CHECK(linted(right, with("sgd"), "augmentation").empty());
}

TEST_CASE("R-56 lint selu_initializer") {
  const auto net = [](const Initializer& initializer, const char* activation = "selu") {
    return Sequential(
        {Dense(4, {.activation = activation, .kernel_initializer = initializer, .name = "d", .input_shape = Shape{3}}),
         Dense(1)});
  };
  const std::string text = linted(net("glorot_uniform"), with("sgd"), "selu_initializer");
  CHECK(contains(text, "\"d\""));
  CHECK(contains(text, "GlorotUniform"));
  CHECK(contains(text, "lecun_normal"));
  CHECK(linted(net("lecun_normal"), with("sgd"), "selu_initializer").empty());
  CHECK(linted(net("lecun_uniform"), with("sgd"), "selu_initializer").empty());
  CHECK(linted(net(VarianceScaling({.scale = 1, .mode = "fan_in"})), with("sgd"), "selu_initializer").empty());
  CHECK_FALSE(linted(net(VarianceScaling({.scale = 2, .mode = "fan_in"})), with("sgd"), "selu_initializer").empty());
  CHECK(linted(net("glorot_uniform", "relu"), with("sgd"), "selu_initializer").empty());
  const Sequential apart({Dense(4, {.name = "d", .input_shape = Shape{3}}), Activation("selu"), Dense(1)});
  CHECK(contains(linted(apart, with("sgd"), "selu_initializer"), "\"d\""));
  freeze(apart.layers().slice(0, 1));
  CHECK(linted(apart, with("sgd"), "selu_initializer").empty());
}

TEST_CASE("R-56 lints selu_batch_normalization, selu_dropout, selu_skip") {
  const auto net = [](const Layer<float>& behind, const char* activation) {
    return Sequential(
        {Dense(4, {.activation = activation, .kernel_initializer = "lecun_normal", .input_shape = Shape{3}}), behind,
         Dense(1)});
  };
  CHECK(contains(linted(net(BatchNormalization(), "selu"), with("sgd"), "selu_batch_normalization"),
                 "normalises itself"));
  CHECK(linted(net(BatchNormalization(), "relu"), with("sgd"), "selu_batch_normalization").empty());
  CHECK(contains(linted(net(Dropout(0.5), "selu"), with("sgd"), "selu_dropout"), "AlphaDropout"));
  CHECK(linted(net(AlphaDropout(0.5), "selu"), with("sgd"), "selu_dropout").empty());
  CHECK(linted(net(Dropout(0.5), "relu"), with("sgd"), "selu_dropout").empty());
  const auto skip = [](const char* activation) {
    const auto in = Input({4});
    const auto x = Dense(4, {.activation = activation, .kernel_initializer = "lecun_normal"})(in);
    return Model(in, Dense(1)(Add()({in, x})));
  };
  CHECK(contains(linted(skip("selu"), with("sgd"), "selu_skip"), "Add"));
  CHECK(linted(skip("elu"), with("sgd"), "selu_skip").empty());
  CHECK(linted(net(Dense(2), "selu"), with("sgd"), "selu_skip").empty());
}

TEST_CASE("lint one_unit_softmax") {
  const auto net = [](Index units, const char* activation) {
    return Sequential({Dense(units, {.activation = activation, .name = "head", .input_shape = Shape{3}})});
  };
  CHECK(contains(linted(net(1, "softmax"), with("sgd"), "one_unit_softmax"), "\"head\""));
  CHECK(linted(net(2, "softmax"), with("sgd"), "one_unit_softmax").empty());
  CHECK(linted(net(1, "sigmoid"), with("sgd"), "one_unit_softmax").empty());
  CHECK_FALSE(
      linted(Sequential({Dense(1, {.input_shape = Shape{3}}), Activation("softmax")}), with("sgd"), "one_unit_softmax")
          .empty());
  CHECK_FALSE(
      linted(Sequential({Dense(1, {.input_shape = Shape{3}}), Softmax()}), with("sgd"), "one_unit_softmax").empty());
  CHECK(linted(Sequential({Dense(3, {.input_shape = Shape{3}}), Softmax()}), with("sgd"), "one_unit_softmax").empty());
}

TEST_CASE("lint class_count: outputs and labels") {
  const auto net = [](Index units, const char* activation) {
    return Sequential({Dense(units, {.activation = activation, .name = "head", .input_shape = Shape{6}})});
  };
  const char* sparse = "sparse_categorical_crossentropy";
  CHECK(contains(linted(net(1, "sigmoid"), {.optimizer = "sgd", .loss = sparse}, "class_count"), "one output"));
  CHECK(linted(net(2, "softmax"), {.optimizer = "sgd", .loss = sparse}, "class_count").empty());
  CHECK(linted(net(1, "sigmoid"), {.optimizer = "sgd", .loss = "binary_crossentropy"}, "class_count").empty());

  const auto fitted = [&](const Model<float>& model, const char* loss, int bits) {
    const auto task = test::octants(40, 6, bits);
    model.compile(kQuiet({.optimizer = "sgd", .loss = loss}));
    model.fit(task.x, task.y, {.verbose = kSilent});
    const Lint* lint = find(model, "class_count");
    return lint ? lint->text() : "";
  };
  CHECK(contains(fitted(net(1000, "softmax"), sparse, 2), "1000 outputs, but the labels end at 3"));
  CHECK(fitted(net(4, "softmax"), sparse, 2).empty());
  CHECK(contains(fitted(net(1, "sigmoid"), "binary_crossentropy", 2), "labels from 0 to 3"));
  CHECK(fitted(net(1, "sigmoid"), "binary_crossentropy", 1).empty());
  // More labels than outputs are no matter of taste.
  CHECK_THROWS_AS(fitted(net(3, "softmax"), sparse, 2), DataError);
}

TEST_CASE("lint preprocess_input: the range of the first batch against what the base was trained on") {
  using detail::PixelKind;
  const auto pictures = [](double least, double most) {
    Tensor<float> x({4, 8, 8, 3});
    Rng rng(3);
    for (Index i = 0; i < x.size(); ++i) x[i] = static_cast<float>(rng.uniform(least, most));
    return x;
  };
  const auto fires = [](const Tensor<float>& x, PixelKind wanted) {
    std::vector<Lint> found;
    detail::lint_preprocess_input<float>(x.view(), "tf", wanted, found);
    return found.empty() ? "" : found.front().text();
  };
  const auto unit = pictures(0, 1), symmetric = pictures(-1, 1), raw = pictures(0, 255), torch = pictures(-2.1, 2.6),
             caffe = pictures(-120, 150);
  CHECK(contains(fires(unit, PixelKind::symmetric), "which looks like [0, 1]; the base was trained on [-1, 1]"));
  CHECK(contains(fires(raw, PixelKind::symmetric), "looks like [0, 255]"));
  CHECK(contains(fires(symmetric, PixelKind::centred), "caffe"));
  CHECK_FALSE(fires(raw, PixelKind::centred).empty());
  CHECK_FALSE(fires(caffe, PixelKind::standardised).empty());
  CHECK_FALSE(fires(unit, PixelKind::standardised).empty());
  CHECK_FALSE(fires(unit, PixelKind::raw).empty());
  CHECK(fires(symmetric, PixelKind::symmetric).empty());
  CHECK(fires(caffe, PixelKind::centred).empty());
  CHECK(fires(torch, PixelKind::standardised).empty());
  CHECK(fires(raw, PixelKind::raw).empty());
  CHECK(fires(Tensor<float>({4, 8, 8, 3}), PixelKind::symmetric).empty());  // black: says nothing
  CHECK(fires(Tensor<float>({4, 8}, 200.0f), PixelKind::symmetric).empty());
}

TEST_CASE("lints: kept in the model, silenced one by one or all, found at fit when the model is built there") {
  const auto net = [] {
    return Sequential(
        {Dense(4, {.activation = "selu", .input_shape = Shape{6}}), Dropout(0.5), Dense(1, {.activation = "softmax"})});
  };
  const auto compiled = [&](const LintOptions& lints) {
    const auto model = net();
    model.compile({.optimizer = "sgd", .loss = "mse", .lints = lints});
    return model.lints().size();
  };
  CHECK(compiled({.print = false}) == 3);
  CHECK(compiled({.print = false, .silence = {"selu_initializer"}}) == 2);
  CHECK(compiled({.silence = {"all"}}) == 0);
  CHECK(contains(message<ConfigError>([&] { (void)compiled({.silence = {"selu_initialiser"}}); }),
                 "Did you mean \"selu_initializer\"?"));
  CHECK(net().lints().empty());

  const Sequential unbuilt({Dense(4, {.activation = "selu"}), Dense(1)});
  unbuilt.compile({.optimizer = "sgd", .loss = "mse", .lints = {.print = false}});
  CHECK(unbuilt.lints().empty());
  const auto task = test::octants(8, 6, 1);
  unbuilt.fit(task.x, task.y, {.verbose = kSilent});
  CHECK(unbuilt.lints().size() == 1);

  // On stderr, once a model.
  const test::TempDir dir;
  const auto printed = [&](auto&& call) {
    std::fflush(stderr);
    const int kept = ::dup(2);
    std::FILE* file = std::fopen((dir / "err").c_str(), "w");
    ::dup2(::fileno(file), 2);
    call();
    std::fflush(stderr);
    ::dup2(kept, 2);
    ::close(kept);
    std::fclose(file);
    std::ifstream read(dir / "err");
    return std::string(std::istreambuf_iterator<char>(read), {});
  };
  const auto model = net();
  const auto compile = [&] { model.compile({.optimizer = "sgd", .loss = "mse"}); };
  const std::string first = printed(compile);
  CHECK(contains(first, "graft: Sequential"));
  CHECK(contains(first, "[selu_dropout]"));
  CHECK(printed(compile).empty());
  // What a file brings along is not what its reader does.
  model.save(dir / "m.h5");
  CHECK(printed([&] { (void)load_model(dir / "m.h5"); }).empty());
}
