#include "tests/support/catch.hpp"
#include "tests/support/counting_allocator.hpp"
#include "tests/support/nets.hpp"

using namespace graft;
using test::contains;
using test::kSilent;
using test::message;
using test::same;

namespace {}  // namespace

TEST_CASE("R-13 frozen weights are bit-identical after training, the head has moved") {
  const auto task = test::octants(64, 6, 2);
  const auto model = test::classifier(6, 4);
  freeze(model.layers().slice(0, -1));
  model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  const auto before = model.get_weights();
  model.fit(task.x, task.y, {.batch_size = 16, .epochs = 3, .verbose = kSilent});
  const auto after = model.get_weights();
  for (std::size_t i = 0; i < 4; ++i) CHECK(same(before[i], after[i]));
  CHECK_FALSE(same(before[4], after[4]));
  CHECK_FALSE(same(before[5], after[5]));
}

TEST_CASE(
    "R-22 fit with other flags than compile's throws and names the layers, or warns and trains the recorded set") {
  const auto task = test::octants(64, 6, 2);
  const auto model = test::classifier(6, 4);
  CHECK(contains(message<StateError>([&] { model.fit(task.x, task.y); }), "compile"));
  freeze(model.layers().slice(0, 2));
  model.compile({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"});
  model.layers()[1].set_trainable(true);
  const auto error = message<StateError>([&] { model.fit(task.x, task.y, {.verbose = kSilent}); });
  CHECK(contains(error, "\"h2\""));
  CHECK(contains(error, "frozen at compile, now trainable"));
  CHECK_FALSE(contains(error, "\"h1\""));
  CHECK_FALSE(contains(error, "\"out\""));
  CHECK(contains(error, "compile again"));
  CHECK_THROWS_AS(model.train_on_batch(task.x, task.y), StateError);
  (void)model.evaluate(task.x, task.y);  // computes nothing that depends on the flags

  model.layers()[1].set_trainable(false);
  model.compile(
      {.optimizer = "sgd", .loss = "sparse_categorical_crossentropy", .on_trainable_change = TrainableChange::warn});
  model.layers()[1].set_trainable(true);
  const auto before = model.get_weights();
  model.fit(task.x, task.y, {.verbose = kSilent});
  const auto after = model.get_weights();
  CHECK(same(before[2], after[2]));  // the recorded set: h2 stays frozen
  CHECK_FALSE(same(before[4], after[4]));

  // Layers that came after compile.
  const Sequential chain(model);
  chain.add(Dense(4, {.activation = "softmax"}));
  CHECK(contains(message<StateError>([&] { model.fit(task.x, task.y); }), "added or removed"));
}

TEST_CASE("R-23 a new optimizer starts at 0, the same object keeps its state through freezing and unfreezing") {
  const auto task = test::octants(64, 6, 2);
  const auto model = test::classifier(6, 4);
  const auto compile = [&](const Optimizer<float>& optimizer) {
    model.compile({.optimizer = optimizer, .loss = "sparse_categorical_crossentropy"});
  };
  compile("adam");
  model.train_on_batch(task.x, task.y);
  model.train_on_batch(task.x, task.y);
  CHECK(model.optimizer().iterations() == 2);
  compile("adam");
  CHECK(model.optimizer().iterations() == 0);

  const Adam<float> same_object({.learning_rate = 1e-2});
  freeze(model.layers().slice(0, 2));
  compile(same_object);
  model.train_on_batch(task.x, task.y);
  model.train_on_batch(task.x, task.y);
  unfreeze(model);
  compile(same_object);
  CHECK(model.optimizer().iterations() == 2);
  const auto before = model.get_weights();
  model.train_on_batch(task.x, task.y);
  CHECK(model.optimizer().iterations() == 3);
  CHECK_FALSE(same(before[0], model.get_weights()[0]));
  freeze(model.layers().slice(0, 1));
  compile(same_object);
  model.train_on_batch(task.x, task.y);
  CHECK(same_object.iterations() == 4);
}

TEST_CASE("R-77 history keys and values; evaluate returns loss and metrics; validation_split is the tail") {
  const auto task = test::octants(100, 6, 2);
  const auto model = test::classifier(6, 4);
  model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  const auto history = model.fit(task.x, task.y, {.epochs = 3, .verbose = kSilent, .validation_split = 0.2});
  CHECK(history.keys() == std::vector<std::string>{"loss", "accuracy", "val_loss", "val_accuracy"});
  CHECK(history["loss"].size() == 3);
  CHECK(history.epoch == std::vector<Index>{0, 1, 2});
  CHECK(contains(message<ConfigError>([&] { (void)history["accuarcy"]; }), "accuracy"));
  const auto evaluated = model.evaluate(task.x.rows(80, 100), task.y.rows(80, 100));
  REQUIRE(evaluated.size() == 2);
  CHECK(evaluated[0] == Approx(history["val_loss"].back()));
  CHECK(evaluated[1] == Approx(history["val_accuracy"].back()));

  // Epoch numbers go on; validation every second epoch.
  const auto later =
      model.fit(task.x, task.y,
                {.epochs = 6, .verbose = kSilent, .validation_split = 0.2, .initial_epoch = 2, .validation_freq = 2});
  CHECK(later.epoch == std::vector<Index>{2, 3, 4, 5});
  CHECK(later["loss"].size() == 4);
  CHECK(later["val_loss"].size() == 2);
}

TEST_CASE("The epoch's loss is the mean over samples, the short last batch included") {
  const auto task = test::octants(40, 6, 2);
  const auto model = test::classifier(6, 4);
  model.compile({.optimizer = SGD({.learning_rate = 0.0}), .loss = "sparse_categorical_crossentropy"});
  const double whole = model.evaluate(task.x, task.y, {.batch_size = 40})[0];
  CHECK(model.fit(task.x, task.y, {.verbose = kSilent})["loss"][0] == Approx(whole).epsilon(1e-6));
  CHECK(model.evaluate(task.x, task.y, {.batch_size = 7})[0] == Approx(whole).epsilon(1e-6));
}

TEST_CASE("class_weight and sample_weight") {
  const auto task = test::octants(64, 6, 1);
  const auto model = test::classifier(6, 2);
  model.compile({.optimizer = SGD({.learning_rate = 0.0}), .loss = "sparse_categorical_crossentropy"});
  Tensor<float> weights({64});
  for (Index i = 0; i < 64; ++i) weights[i] = task.y[i] == 1 ? 3.f : 1.f;
  const double by_sample = model.fit(task.x, task.y, {.verbose = kSilent, .sample_weight = weights})["loss"][0];
  const double by_class = model.fit(task.x, task.y, {.verbose = kSilent, .class_weight = {{1, 3.0}}})["loss"][0];
  CHECK(by_sample == Approx(by_class));
  CHECK(by_sample > model.fit(task.x, task.y, {.verbose = kSilent})["loss"][0]);
  CHECK_THROWS_AS(model.fit(task.x, task.y, {.sample_weight = Tensor<float>({63}, 1.f)}), ShapeError);
  CHECK_THROWS_AS(model.fit(task.x, task.y, {.class_weight = {{1, -1.0}}}), ConfigError);
  weights[3] = NAN;
  CHECK_THROWS_AS(model.fit(task.x, task.y, {.sample_weight = weights}), DataError);
}

TEST_CASE("The same seed gives the same training, whatever the number of threads") {
  const auto task = test::octants(200, 6, 2);
  const auto run = [&](std::uint64_t seed, int threads) {
    set_num_threads(threads);
    set_random_seed(seed);
    const Sequential model({Dense(64, {.activation = "relu", .input_shape = Shape{6}}), Dropout(0.3), Dense(64),
                            BatchNormalization(), Activation("elu"), Dense(4, {.activation = "softmax"})});
    model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy"});
    model.fit(task.x, task.y, {.epochs = 3, .verbose = kSilent});
    set_num_threads(1);
    return model.get_weights();
  };
  const auto one = run(42, 1);
  CHECK(same(one, run(42, 1)));
  CHECK(same(one, run(42, 2)));
  CHECK(same(one, run(42, 3)));
  CHECK_FALSE(same(one, run(43, 1)));
}

TEST_CASE("Shuffling visits every sample once an epoch, in another order each time") {
  SampleOrder order(100);
  order.shuffle(RandomKey{5});
  std::vector<Index> first, sorted;
  for (Index i = 0; i < 100; ++i) first.push_back(order[i]);
  sorted = first;
  std::sort(sorted.begin(), sorted.end());
  for (Index i = 0; i < 100; ++i) CHECK(sorted[static_cast<std::size_t>(i)] == i);
  order.shuffle(RandomKey{6});
  Index moved = 0;
  for (Index i = 0; i < 100; ++i) moved += order[i] != first[static_cast<std::size_t>(i)];
  CHECK(moved > 80);
}

TEST_CASE("A steady-state training step allocates nothing") {
  class Watch : public Callback<float> {
   public:
    void on_train_batch_begin(Index batch) override {
      // The first steps make the plans of both batch sizes, the optimizer's slots and the kernels' buffers.
      if (epoch > 0 && batch == 0) counter.reset();
    }
    void on_epoch_begin(Index e) override { epoch = e; }
    void on_train_batch_end(Index batch, double) override {
      if (epoch > 0 && batch + 1 == batches) steady = counter.calls();
    }
    test::AllocationCounter counter;
    Index epoch = 0, batches = 0;
    long steady = -1;
  };
  const auto task = test::octants(200, 20, 2);
  for (const char* optimizer : {"sgd", "rmsprop", "adam"}) {
    const Sequential model({Dense(40, {.activation = "selu", .input_shape = Shape{20}}), BatchNormalization(),
                            Dense(30, {.activation = "gelu"}), Dropout(0.1), Dense(30), PReLU(),
                            Dense(4, {.activation = "softmax", .kernel_regularizer = "l2"})});
    model.compile({.optimizer = optimizer, .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
    const auto watch = std::make_shared<Watch>();
    watch->batches = 7;
    model.fit(task.x, task.y, {.epochs = 3, .verbose = kSilent, .callbacks = {watch}});
    CAPTURE(optimizer);
    CHECK(watch->steady == 0);
  }
}

TEST_CASE("Bad input of fit: nothing is lost") {
  const auto task = test::octants(64, 6, 2);
  const auto model = test::classifier(6, 4);
  CHECK_THROWS_AS(model.compile({.optimizer = "sgd"}), ConfigError);  // no loss
  model.compile({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"});
  const auto before = model.get_weights();
  const auto fit = [&](const Tensor<float>& x, const Tensor<float>& y) { model.fit(x, y, {.verbose = kSilent}); };

  CHECK(contains(message<ShapeError>([&] { fit(Tensor<float>({64, 5}), task.y); }), "(None, 6)"));
  CHECK_THROWS_AS(fit(Tensor<float>({0, 6}), Tensor<float>({0})), ShapeError);
  CHECK(contains(message<ShapeError>([&] { fit(task.x, Tensor<float>({63})); }), "as many targets as samples"));
  auto labels = task.y;
  labels[9] = NAN;
  CHECK(contains(message<DataError>([&] { fit(task.x, labels); }), "9"));
  labels[9] = 4;
  const auto range = message<DataError>([&] { fit(task.x, labels); });
  CHECK(contains(range, "4"));
  labels[9] = -1;
  CHECK_THROWS_AS(fit(task.x, labels), DataError);
  CHECK_THROWS_AS(fit(task.x, Tensor<float>({64, 4})), ShapeError);  // one-hot labels for a sparse loss
  CHECK_THROWS_AS(model.fit(task.x, task.y, {.batch_size = 0}), ConfigError);
  CHECK_THROWS_AS(model.fit(task.x, task.y, {.validation_split = 1.5}), ConfigError);
  CHECK_THROWS_AS(model.fit(task.x, task.y, {.validation_data = {{task.x, labels}}}), DataError);
  CHECK(same(before, model.get_weights()));
  CHECK(model.optimizer().iterations() == 0);
  fit(task.x, task.y);
}

TEST_CASE("A batch of one in BatchNormalization: an error before the first step") {
  const auto task = test::octants(65, 6, 2);
  const Sequential model({Dense(8, {.input_shape = Shape{6}}), BatchNormalization({.name = "bn"}), ReLU(),
                          Dense(4, {.activation = "softmax"})});
  const CompileOptions<float> options{.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"};
  model.compile(options);
  const auto before = model.get_weights();
  const Tensor<float> x(task.x.rows(0, 1)), y(task.y.rows(0, 1));
  const std::string error = message<DataError>([&] { model.train_on_batch(x, y); });
  CHECK(contains(error, "\"bn\""));
  CHECK(contains(error, "(1, 8)"));
  CHECK(contains(error, "drop_remainder"));
  CHECK_THROWS_AS(model.fit(task.x, task.y, {.batch_size = 32, .verbose = kSilent}), DataError);  // 2 * 32 + 1
  CHECK_THROWS_AS(model.fit(task.x, task.y, {.batch_size = 1, .verbose = kSilent}), DataError);
  CHECK_THROWS_AS(value_and_gradients(model, "sparse_categorical_crossentropy")(x, y), DataError);
  CHECK(same(before, model.get_weights()));
  CHECK(model.optimizer().iterations() == 0);
  model.fit(task.x, task.y, {.batch_size = 13, .verbose = kSilent});
  model.fit(Dataset<>::from_tensors(task.x, task.y).batch(32, {.drop_remainder = true}), {.verbose = kSilent});

  // A picture has many values of each channel; moving statistics need no batch.
  const Sequential pictures({BatchNormalization({.input_shape = Shape{2, 3, 1}}), Flatten(), Dense(4)});
  pictures.compile({.optimizer = "sgd", .loss = "mse"});
  pictures.train_on_batch(Tensor<float>(task.x.rows(0, 1)).reshaped({1, 2, 3, 1}), Tensor<float>({1, 4}));
  (void)model.predict(x);
  (void)model.evaluate(x, y);
  model.get_layer("bn").set_trainable(false);
  model.compile(options);
  model.fit(task.x, task.y, {.batch_size = 32, .verbose = kSilent});
}

TEST_CASE("R-76 accuracy by loss and shape; unknown names suggest the nearest") {
  const auto task = test::octants(64, 6, 1);
  const auto keys = [&](Index units, const char* activation, const char* loss, const Tensor<float>& y) {
    const Sequential model({Dense(units, {.activation = activation, .input_shape = Shape{6}})});
    model.compile({.optimizer = "sgd", .loss = loss, .metrics = {"accuracy"}});
    const auto logs = model.evaluate_logs(task.x, y);
    CHECK(logs.find("accuracy"));
    // By hand.
    const auto p = model.predict(task.x);
    double right = 0;
    for (Index i = 0; i < 64; ++i) {
      Index at = 0;
      for (Index c = 1; c < units; ++c) at = p[i * units + c] > p[i * units + at] ? c : at;
      right += (units == 1 ? (p[i] > 0.5f) : at) == static_cast<Index>(task.y[i]);
    }
    CHECK(*logs.find("accuracy") == Approx(right / 64));
  };
  keys(1, "sigmoid", "binary_crossentropy", task.y);
  keys(2, "softmax", "sparse_categorical_crossentropy", task.y);
  Tensor<float> one_hot({64, 2});
  for (Index i = 0; i < 64; ++i) one_hot[2 * i + static_cast<Index>(task.y[i])] = 1;
  keys(2, "softmax", "categorical_crossentropy", one_hot);

  const auto model = test::classifier(6, 4);
  CHECK(contains(
      message<ConfigError>([&] { model.compile({.optimizer = "sgd", .loss = "mse", .metrics = {"accuarcy"}}); }),
      "accuracy"));
  CHECK(contains(message<ConfigError>([&] { model.compile({.optimizer = "adm", .loss = "mse"}); }), "adam"));
  CHECK(contains(message<ConfigError>([&] { model.compile({.optimizer = "sgd", .loss = "binary_crosentropy"}); }),
                 "binary_crossentropy"));
  CHECK(contains(message<ConfigError>([] { Dense(3, {.activation = "rellu"}); }), "relu"));
  CHECK(contains(message<ConfigError>([] { Dense(3, {.kernel_initializer = "he_norml"}); }), "he_normal"));
}

TEST_CASE("R-78 the progress line") {
  const ProgressLine bar(Verbose::progress_bar, 1719);
  Logs logs;
  for (const auto& [name, value] :
       {std::pair{"loss", 1.6314}, {"accuracy", 0.5054}, {"val_loss", 0.8886}, {"val_accuracy", 0.71604}}) {
    logs.set(name, value);
  }
  CHECK(
      bar.text(1719, logs, 2.1) ==
      "1719/1719 [==============================] - 2s 1ms/step - loss: 1.6314 - accuracy: 0.5054 - val_loss: 0.8886 - "
      "val_accuracy: 0.7160");
  Logs some;
  some.set("loss", 2.0);
  CHECK(bar.text(573, some, 1.0) == " 573/1719 [=========>....................] - ETA: 2s - loss: 2.0000");
  CHECK(bar.text(1719, some, 3700, false) == "1719/1719 - 1:01:40 2s/step - loss: 2.0000");
}

TEST_CASE("A model in double trains too") {
  Sequential<double> model;
  model.add(Dense<double>(8, {.activation = "tanh", .input_shape = Shape{6}}));
  model.add(Dense<double>(4, {.activation = "softmax"}));
  const auto task = test::octants(200, 6, 2);
  const Tensor<double> x(task.x.view()), y(task.y.view());
  model.compile({.optimizer = Adam<double>({.learning_rate = 0.05}),
                 .loss = "sparse_categorical_crossentropy",
                 .metrics = {"accuracy"}});
  const auto history = model.fit(x, y, {.epochs = 30, .verbose = kSilent});
  CHECK(history["accuracy"].back() > 0.9);
}

TEST_CASE("Training learns") {
  set_random_seed(1);
  const auto task = test::octants(600, 6, 2), unseen = test::octants(300, 6, 2, 8);
  const auto model = test::classifier(6, 4);
  model.compile(
      {.optimizer = Adam({.learning_rate = 0.01}), .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  model.fit(task.x, task.y, {.epochs = 40, .verbose = kSilent});
  CHECK(model.evaluate(unseen.x, unseen.y)[1] > 0.93);
}

TEST_CASE(
    "R-62 a net of 50 layers: SELU with lecun_normal learns faster than ReLU with he_normal, on average over seeds") {
  const auto task = test::octants(512, 16, 2);
  const auto loss_of = [&](const char* activation, const char* initializer) {
    double sum = 0;
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      set_random_seed(seed);
      Sequential<float> model(ModelOptions{.input_shape = Shape{16}});
      for (int i = 0; i < 50; ++i) {
        model.add(Dense(24, {.activation = activation, .kernel_initializer = initializer}));
      }
      model.add(Dense(4, {.activation = "softmax"}));
      model.compile({.optimizer = SGD({.learning_rate = 1e-2}), .loss = "sparse_categorical_crossentropy"});
      sum += model.fit(task.x, task.y, {.epochs = 8, .verbose = kSilent})["loss"].back();
    }
    return sum / 5;
  };
  const double selu = loss_of("selu", "lecun_normal"), relu = loss_of("relu", "he_normal");
  CAPTURE(selu, relu);
  CHECK(selu < relu);
}
