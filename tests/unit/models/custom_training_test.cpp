#include "tests/support/catch.hpp"
#include "tests/support/counting_allocator.hpp"
#include "tests/support/nets.hpp"

using namespace graft;
using test::contains;
using test::kSilent;
using test::message;
using test::same;

// Training loops of one's own: gradients of a loss, losses of layers, models that share layers.
namespace {

// A layer with a loss of its own: weight * mean over the batch of sum x^2. Keras: self.add_loss(...).
struct SmallOptions {
  double weight = 1;
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};
template <class Scalar>
class SmallImpl final : public LayerImpl<Scalar> {
 public:
  explicit SmallImpl(const SmallOptions& options) : LayerImpl<Scalar>("Small", options), weight_(options.weight) {}
  std::string_view class_name() const override { return "Small"; }
  bool adds_loss() const override { return true; }
  Needs needs(std::span<const Shape>, const Use& use) const override {
    Needs needs;
    needs.inputs = use.input_gradients;
    return needs;
  }
  void forward(const ForwardArgs<Scalar>& args) const override {
    double sum = 0;
    for (Index i = 0; i < args.x().size(); ++i) {
      args.y()[i] = args.x()[i];
      sum += static_cast<double>(args.x()[i]) * static_cast<double>(args.x()[i]);
    }
    args.add_loss(weight_ * sum / static_cast<double>(args.x().dim(0)));
  }
  void backward(const BackwardArgs<Scalar>& args) const override {
    if (!args.dx()) return;
    const auto k = static_cast<Scalar>(2 * weight_ * args.loss_scale / static_cast<double>(args.x().dim(0)));
    for (Index i = 0; i < args.x().size(); ++i) args.dx()[i] = args.dy()[i] + k * args.x()[i];
  }

 private:
  double weight_;
};
template <class Scalar = float>
class Small : public Layer<Scalar> {
 public:
  explicit Small(const SmallOptions& options = {}) : Layer<Scalar>(new SmallImpl<Scalar>(options)) {}
};

template <class Scalar>
Tensor<Scalar> numbers(const Shape& shape, std::uint64_t seed) {
  auto result = Tensor<Scalar>::uninitialized(shape);
  Rng rng(seed);
  for (Scalar& x : result.view().span()) x = static_cast<Scalar>(rng.uniform(-1, 1));
  return result;
}

// Every gradient of a model's loss against central differences.
void check_against_differences(const Model<double>& model, const GradientFunction<double>& function,
                               const Arrays<double>& x, const Arrays<double>& y) {
  std::vector<Tensor<double>> gradients;
  const auto result = function(x, y);
  for (const auto& gradient : result.gradients) gradients.emplace_back(gradient.gradient);
  const auto variables = model.trainable_weights();
  REQUIRE(result.gradients.size() == variables.size());
  for (std::size_t v = 0; v < variables.size(); ++v) {
    CHECK(result.gradients[v].variable == variables[v].get());
    for (Index i = 0; i < variables[v]->size(); ++i) {
      const double before = variables[v]->value()[i], h = 1e-5;
      variables[v]->mutable_value()[i] = before + h;
      const double above = function(x, y).value;
      variables[v]->mutable_value()[i] = before - h;
      const double difference = (above - function(x, y).value) / (2 * h);
      variables[v]->mutable_value()[i] = before;
      INFO(variables[v]->name() << " " << i);
      REQUIRE(gradients[v][i] == Approx(difference).epsilon(1e-5).margin(1e-8));
    }
  }
}

bool finite(const Model<float>& model) {
  for (const auto& weight : model.get_weights()) {
    for (const float value : weight) {
      if (!std::isfinite(value)) return false;
    }
  }
  return true;
}

Tensor<float> copy_of(const TensorView<float>& view) { return Tensor<float>(TensorView<const float>(view)); }

}  // namespace

TEST_CASE("value_and_gradients: every gradient is the difference quotient, layers' losses and penalties included") {
  set_random_seed(3);
  const auto in = Input<double>({4});
  const auto trunk =
      Dense<double>(5, {.activation = "tanh", .kernel_regularizer = L2(0.02), .activity_regularizer = L2(0.03)})(in);
  const auto kept = Small<double>({.weight = 0.3})(trunk);
  const auto a = Dense<double>(2, {.activation = "softmax"})(BatchNormalization<double>()(kept));
  const auto b = Dense<double>(3)(kept);
  const Model<double> model({in}, {a, b});
  const auto x = numbers<double>({6, 4}, 1), yb = numbers<double>({6, 3}, 2);
  const Tensor<double> ya({6}, {0, 1, 1, 0, 1, 0});
  const LossList<double> losses{"sparse_categorical_crossentropy", "mse"};
  const auto function = value_and_gradients(model, losses, {.loss_weights = {0.5, 2}, .update_state = false});
  check_against_differences(model, function, x, {ya, yb});

  // The value is the one that evaluate reports, where nothing differs between training and inference.
  model.get_layer(3).set_trainable(false);
  for (const auto& layer : model.layers()) layer.set_trainable(layer.class_name() != "BatchNormalization");
  model.compile({.optimizer = "sgd", .loss = losses, .loss_weights = {0.5, 2}});
  const auto frozen = value_and_gradients(model, losses, x, {ya, yb}, {.loss_weights = {0.5, 2}});
  CHECK(frozen.value == Approx(model.evaluate(x, {ya, yb})[0]));
  REQUIRE(frozen.sample_losses.size() == 2);
  double mean = 0;
  for (const double each : frozen.sample_losses[1]) mean += each / 6;
  CHECK(frozen.sample_losses[1].size() == 6);
  CHECK(mean == Approx(model.evaluate(x, {ya, yb})[2]));
}

TEST_CASE("value_and_gradients: gradients of the inputs, of a frozen model too") {
  const auto x = numbers<double>({3, 4}, 1), y = numbers<double>({3, 2}, 2);
  Sequential<double> model({Dense<double>(5, {.activation = "tanh", .input_shape = Shape{4}}), Dense<double>(2)});
  model.set_trainable(false);
  const auto function = value_and_gradients(model, "mse", {.input_gradients = true});
  const auto result = function(x, y);
  CHECK(result.gradients.empty());
  REQUIRE(result.input_gradients.size() == 1);
  const Tensor<double> gradient(result.input_gradients[0]);
  for (Index i = 0; i < x.size(); ++i) {
    Tensor<double> moved = x;
    moved[i] += 1e-5;
    const double above = function(moved, y).value;
    moved[i] -= 2e-5;
    CHECK(gradient[i] == Approx((above - function(moved, y).value) / 2e-5).epsilon(1e-6).margin(1e-10));
  }
}

TEST_CASE("A training loop of one's own takes the steps of train_on_batch, bit for bit, and allocates no plans") {
  const auto task = test::octants(64, 6, 2);
  const auto mine = test::classifier(6, 4);
  mine.add(BatchNormalization());
  mine.add(Dense(4, {.activation = "softmax"}));
  const Sequential<float> theirs = clone_model(mine);
  theirs.set_weights(mine.get_weights());
  theirs.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy"});
  const Optimizer<float> optimizer = "adam";
  const auto step = value_and_gradients(mine, "sparse_categorical_crossentropy");
  for (int i = 0; i < 3; ++i) {
    const auto result = step(task.x, task.y);
    optimizer.apply(result.gradients);
    CHECK(result.value == theirs.train_on_batch(task.x, task.y)[0]);
  }
  // Moving statistics aside: a model that is called in training mode moves them before the step, as in Keras.
  CHECK(same(mine.get_weights(), theirs.get_weights()));

  const auto before = mine.get_weights();
  (void)value_and_gradients(mine, "sparse_categorical_crossentropy", {.update_state = false})(task.x, task.y);
  (void)value_and_gradients(mine, "sparse_categorical_crossentropy", {.training = false})(task.x, task.y);
  CHECK(same(before, mine.get_weights()));
}

TEST_CASE("Losses of the samples: from a loss, and from a model; weights of samples weigh the gradients") {
  const Tensor<float> y({3, 2}, {1, 2, 3, 4, 5, 6}), p({3, 2}, {1, 1, 1, 4, 5, 9});
  const Loss<float> mse = "mse";
  const auto each = mse.sample_losses(y.view(), p.view());
  CHECK(each.shape() == Shape{3});
  CHECK(test::same(each, Tensor<float>({3}, {0.5f, 2.0f, 4.5f})));
  const Tensor<float> weights({3}, {0, 1, 2});
  CHECK(test::same(mse.sample_losses(y.view(), p.view(), weights.view()), Tensor<float>({3}, {0.0f, 2.0f, 9.0f})));

  // A sample of weight 0 is as good as absent.
  const auto x = numbers<float>({3, 4}, 1);
  Sequential model({Dense(2, {.input_shape = Shape{4}})});
  const auto function = value_and_gradients(model, "mse");
  const Tensor<float> last_out({3}, {1, 1, 0});
  const Tensor<float> weighted = copy_of(function(x, y, {.sample_weight = last_out}).gradients[0].gradient);
  const auto two = function(x.rows(0, 2), y.rows(0, 2));
  for (Index i = 0; i < weighted.size(); ++i) {
    CHECK(weighted[i] * 3 == Approx(two.gradients[0].gradient[i] * 2).margin(1e-6));
  }
}

TEST_CASE("add_loss: counted by fit and evaluate, and its gradient moves the layers below") {
  const auto x = numbers<float>({32, 3}, 1);
  const Tensor<float> y({32, 2}, 0.0f);
  set_random_seed(1);
  Sequential plain({Dense(2, {.name = "d", .input_shape = Shape{3}})});
  Sequential with({Dense(2, {.name = "d", .input_shape = Shape{3}}), Small<float>({.weight = 0.5})});
  with.set_weights(plain.get_weights());
  for (const auto& model : {plain, with}) model.compile({.optimizer = SGD({.learning_rate = 0.1}), .loss = "mse"});
  const double alone = plain.evaluate(x, y)[0];
  // mse to 0 is the mean of both outputs' squares; the layer adds half of their sum: twice as much again.
  CHECK(with.evaluate(x, y)[0] == Approx(alone + 0.5 * 2 * alone).epsilon(1e-5));
  CHECK(with.train_on_batch(x, y)[0] == Approx(2 * alone).epsilon(1e-5));
  plain.train_on_batch(x, y);
  // Twice the loss, twice the step.
  set_random_seed(1);
  const auto start = Sequential({Dense(2, {.input_shape = Shape{3}})}).get_weights();
  const auto one = plain.get_weights(), two = with.get_weights();
  for (Index i = 0; i < start[0].size(); ++i) {
    CHECK(two[0][i] - start[0][i] == Approx(2 * (one[0][i] - start[0][i])).margin(1e-6));
  }

  // Such a layer is no part of a prefix that runs once: its loss would be gone.
  plain.set_trainable(false);
  Sequential tall({with.layers()[0], with.layers()[1], Dense(2)});
  tall.layers()[0].set_trainable(false);
  tall.compile({.optimizer = "sgd", .loss = "mse"});
  set_random_seed(5);
  const auto history = tall.fit(x, y, {.verbose = kSilent, .cache_frozen_prefix = true});
  CHECK(history.cached_layers <= 1);
  tall.compile({.optimizer = SGD({.learning_rate = 0.0}), .loss = "mse"});
  const double total = tall.evaluate(x, y)[0];
  CHECK(tall.fit(x, y, {.batch_size = 32, .verbose = kSilent, .cache_frozen_prefix = true})["loss"][0] ==
        Approx(total));
}

TEST_CASE("Models that share layers, each with its own loss and optimizer") {
  const auto task = test::octants(64, 6, 2);
  const auto trunk = Dense(8, {.activation = "tanh", .name = "trunk", .input_shape = Shape{6}});
  const Sequential classifier({trunk, Dense(4, {.activation = "softmax", .name = "classes"})});
  const Sequential autoencoder({trunk, Dense(6, {.name = "pixels"})});
  classifier.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy"});
  autoencoder.compile({.optimizer = "sgd", .loss = "mse"});
  const double before = classifier.evaluate(task.x, task.y)[0];
  const auto head = classifier.layers()[1].get_weights();
  autoencoder.train_on_batch(task.x, task.x);
  CHECK(classifier.evaluate(task.x, task.y)[0] != before);  // the trunk moved
  CHECK(same(head, classifier.layers()[1].get_weights()));
  const auto pixels = autoencoder.layers()[1].get_weights();
  classifier.train_on_batch(task.x, task.y);
  CHECK(same(pixels, autoencoder.layers()[1].get_weights()));
  CHECK(classifier.optimizer().iterations() == 1);
  CHECK(autoencoder.optimizer().iterations() == 1);

  double first_class = 0, first_pixels = 0, last_class = 0, last_pixels = 0;
  for (int i = 0; i < 200; ++i) {
    last_class = classifier.train_on_batch(task.x, task.y)[0];
    last_pixels = autoencoder.train_on_batch(task.x, task.x)[0];
    if (i == 0) first_class = last_class, first_pixels = last_pixels;
  }
  CHECK(last_class < 0.8 * first_class);
  CHECK(last_pixels < 0.8 * first_pixels);
}

TEST_CASE("R-44: a generator learns through a frozen discriminator, of which nothing moves") {
  set_random_seed(4);
  const Sequential generator(
      {Dense(8, {.activation = "relu", .input_shape = Shape{3}}), BatchNormalization(), Dense(4, {.name = "fake"})});
  const Sequential discriminator({Dense(8, {.input_shape = Shape{4}}), BatchNormalization({.momentum = 0.5}),
                                  LeakyReLU(), Dense(1, {.activation = "sigmoid"})});
  const Sequential gan({generator, discriminator});
  const auto real = numbers<float>({16, 4}, 1), noise = numbers<float>({16, 3}, 2);
  const Tensor<float> ones({16, 1}, 1.0f), zeros({16, 1}, 0.0f);
  discriminator.compile({.optimizer = "adam", .loss = "binary_crossentropy"});
  discriminator.set_trainable(false);
  gan.compile({.optimizer = "adam", .loss = "binary_crossentropy"});

  for (int round = 0; round < 3; ++round) {
    const auto still = generator.get_weights(), judge = discriminator.get_weights();
    discriminator.set_trainable(true);
    discriminator.train_on_batch(generator.predict(noise), zeros);
    discriminator.train_on_batch(real, ones);
    CHECK(same(still, generator.get_weights()));
    const auto frozen = discriminator.get_weights();
    for (std::size_t i = 0; i < judge.size(); ++i) CHECK_FALSE(same(judge[i], frozen[i]));
    discriminator.set_trainable(false);
    gan.train_on_batch(noise, ones);
    CHECK(same(frozen, discriminator.get_weights()));  // moving statistics too
    const auto moved = generator.get_weights();
    for (std::size_t i = 0; i < still.size(); ++i) CHECK_FALSE(same(still[i], moved[i]));
  }

  // The gradients of the generator are those of differences through both, in double.
  Sequential<double> made(
      {Dense<double>(3, {.activation = "tanh", .input_shape = Shape{2}}), BatchNormalization<double>()});
  Sequential<double> judge({Dense<double>(4, {.input_shape = Shape{3}}), BatchNormalization<double>(),
                            LeakyReLU<double>(), Dense<double>(1, {.activation = "sigmoid"})});
  judge.set_trainable(false);
  const Sequential<double> both({made, judge});
  const auto function = value_and_gradients(both, "binary_crossentropy", {.update_state = false});
  check_against_differences(both, function, numbers<double>({5, 2}, 3), Tensor<double>({5, 1}, 1.0));

  // Functions keep the flags that they were made with: no toggling in the loop.
  discriminator.set_trainable(true);
  const auto judge_step = value_and_gradients(discriminator, "binary_crossentropy");
  discriminator.set_trainable(false);
  const auto fool_step = value_and_gradients(gan, "binary_crossentropy");
  CHECK(judge_step(real, ones).gradients.size() == 6);
  CHECK(fool_step(noise, ones).gradients.size() == 6);
  const auto frozen = discriminator.get_weights();
  Optimizer<float> adam = "adam";
  adam.apply(fool_step(noise, ones).gradients);
  CHECK(same(frozen, discriminator.get_weights()));
}

TEST_CASE("A loss that becomes NaN is an error that names the step, and leaves the weights of the step before") {
  const auto x = numbers<float>({10, 3}, 1);
  const Tensor<float> y({10, 1}, 0.0f);
  Index calls = 0, bad = 0;
  const CustomLoss<float> loss(
      [&](auto, auto, auto losses) {
        ++calls;
        for (Index i = 0; i < losses.size(); ++i) losses[i] = calls == bad ? NAN : 1.0f;
      },
      [](auto, auto, auto, auto gradient) {
        for (Index i = 0; i < gradient.size(); ++i) gradient[i] = 0.1f;
      });
  const Sequential model({Dense(1, {.name = "d", .input_shape = Shape{3}})}, {.name = "net"});
  model.compile({.optimizer = SGD({.learning_rate = 0.1}), .loss = loss});
  // Epochs of 5 steps.
  bad = 8;
  std::string text = message<DataError>(
      [&] { model.fit(x, y, {.batch_size = 2, .epochs = 4, .verbose = kSilent, .shuffle = false}); });
  CHECK(contains(text, "\"net\""));
  CHECK(contains(text, "step 3 of 5 in epoch 2"));
  CHECK(contains(text, "NaN"));
  CHECK(model.optimizer().iterations() == 7);
  CHECK(finite(model));

  calls = 0, bad = 3;
  model.compile({.optimizer = SGD({.learning_rate = 0.1}), .loss = loss});
  model.train_on_batch(x, y);
  model.train_on_batch(x, y);
  const auto before = model.get_weights();
  text = message<DataError>([&] { model.train_on_batch(x, y); });
  CHECK(contains(text, "train_on_batch"));
  CHECK(contains(text, "step 3"));
  CHECK(same(before, model.get_weights()));

  calls = 0, bad = 2;
  const auto function = value_and_gradients(model, loss);
  (void)function(x, y);
  text = message<DataError>([&] { (void)function(x, y); });
  CHECK(contains(text, "call 2"));

  // TerminateOnNaN ends it quietly, with weights that are numbers.
  calls = 0, bad = 2;
  model.fit(x, y,
            {.batch_size = 2, .epochs = 3, .verbose = kSilent, .callbacks = {std::make_shared<TerminateOnNaN<>>()}});
  CHECK(calls == 2);
  CHECK(finite(model));
}

TEST_CASE("Bad arguments of value_and_gradients") {
  const Sequential model({Dense(2, {.input_shape = Shape{3}})});
  const auto x = numbers<float>({4, 3}, 1), y = numbers<float>({4, 2}, 2);
  CHECK_THROWS_AS(value_and_gradients(model, "msee"), ConfigError);
  CHECK_THROWS_AS(value_and_gradients(model, LossList<float>{}), ConfigError);
  CHECK_THROWS_AS(value_and_gradients(model, "mse", numbers<float>({4, 2}, 1), y), ShapeError);
  CHECK_THROWS_AS(value_and_gradients(model, "mse", x, y.rows(0, 3)), ShapeError);
  CHECK_THROWS_AS(value_and_gradients(model, "mse", x, y, {.loss_weights = {1, 2}}), ConfigError);
  const LossList<float> two{"mse", "mse"};
  CHECK_THROWS_AS(value_and_gradients(model, two, x, y), ConfigError);
}
