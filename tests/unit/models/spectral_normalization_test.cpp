#include "graft/core.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/counting_allocator.hpp"
#include "tests/support/layer_tools.hpp"

using namespace graft;
using namespace graft::test;
using Catch::Matchers::ContainsSubstring;

namespace {

Model<double> around(const Layer<double>& layer, const Shape& sample) {
  const auto in = Input<double>(sample);
  return {in, layer(in)};
}

/// Length of the image of a vector, the most of all unit vectors that many steps of the power method find.
double largest_singular_value(const Tensor<double>& kernel) {
  const Index columns = kernel.dim(-1), rows = kernel.size() / columns;
  std::vector<double> x(static_cast<std::size_t>(columns), 1.0);
  x[0] = 1.5;
  double value = 0;
  for (int step = 0; step < 3000; ++step) {
    std::vector<double> next(x.size(), 0.0);
    for (Index r = 0; r < rows; ++r) {
      double dot = 0;
      for (Index c = 0; c < columns; ++c) dot += kernel[r * columns + c] * x[static_cast<std::size_t>(c)];
      for (Index c = 0; c < columns; ++c) next[static_cast<std::size_t>(c)] += dot * kernel[r * columns + c];
    }
    double length = 0;
    for (const double y : next) length += y * y;
    length = std::sqrt(length);
    value = std::sqrt(length);
    for (std::size_t c = 0; c < x.size(); ++c) x[c] = next[c] / length;
  }
  return value;
}

/// One forward sweep of a training step.
struct Step {
  explicit Step(const Model<double>& model, const Tensor<double>& x_) : x(x_), executor(plan(model, x)) {
    for (const auto& variable : executor.plan().variables()) gradients.emplace_back(variable->shape(), NAN);
    std::vector<TensorView<double>> views;
    for (auto& gradient : gradients) views.push_back(gradient.view());
    executor.bind_gradients(views);
  }
  static Plan<double> plan(const Model<double>& model, const Tensor<double>& x) {
    const std::vector<Shape> shapes = {x.shape()};
    return {flatten(model.impl().graph()), shapes, {.training = true, .backward = true, .input_gradients = true}};
  }
  Tensor<double> forward() {
    const double* pointers[] = {x.data()};
    executor.forward(pointers);
    return Tensor<double>(executor.output(0));
  }

  Tensor<double> x;
  Executor<double> executor;
  Tensors<double> gradients;
};

}  // namespace

TEST_CASE("SpectralNormalization divides the kernel by its largest singular value, in training only") {
  struct Case {
    Layer<double> layer;
    Shape sample;
  };
  const std::vector<Case> cases = {
      {Dense<double>(4, {.activation = "tanh"}), {6}},
      {Conv1D<double>(3, 2), {5, 2}},
      {Conv2D<double>(3, 2), {4, 4, 2}},
      {Conv3D<double>(2, 2), {3, 3, 3, 2}},
      {Conv2DTranspose<double>(3, 2), {3, 3, 2}},
      {DepthwiseConv2D<double>(2, {.depth_multiplier = 2}), {4, 4, 3}},
      {EinsumDense<double>("abc,cd->abd", {Shape::kUnknown, 3}), {4, 2}},
  };
  for (const Case& test : cases) {
    INFO(test.layer.class_name());
    const SpectralNormalization<double> wrapped(test.layer, {.power_iterations = 500});
    const auto model = around(wrapped, test.sample);
    randomize<double>(model, 3);
    const auto x = random_tensor<double>(test.sample.with_batch(3), 4);
    const auto before = model.get_weights();
    const auto plain = around(test.layer, test.sample);
    CHECK(same(model.predict(x), plain.predict(x)));
    for (std::size_t i = 0; i < before.size(); ++i) CHECK(same(model.get_weights()[i], before[i]));

    Step step(model, x);
    const auto y = step.forward();
    const auto after = model.get_weights();
    CHECK(largest_singular_value(after[0]) == Approx(1.0));
    const double sigma = largest_singular_value(before[0]);
    for (Index k = 0; k < after[0].size(); ++k) CHECK(after[0][k] * sigma == Approx(before[0][k]).margin(1e-12));
    double length = 0;
    for (const double u : after[1]) length += u * u;
    CHECK(length == Approx(1.0));
    for (std::size_t i = 2; i < before.size(); ++i) CHECK(same(after[i], before[i]));
    // The step itself computed with the divided kernel.
    CHECK(distance(y, plain.predict(x)) < 1e-12);
  }
}

TEST_CASE("SpectralNormalization: one step of the power method, by hand") {
  const SpectralNormalization<double> wrapped(Dense<double>(2, {.use_bias = false}));
  const auto model = around(wrapped, {2});
  model.set_weights({Tensor<double>({2, 2}, {3, 0, 4, 5}), Tensor<double>({1, 2}, {1, 0})});
  // u Wᵀ = (3, 4), v = (0.6, 0.8), v W = (5, 4).
  Step step(model, Tensor<double>({1, 2}, {1, 2}));
  const auto y = step.forward();
  const double sigma = std::sqrt(41.0);
  CHECK(y[0] == Approx(11 / sigma));
  CHECK(y[1] == Approx(10 / sigma));
  CHECK(model.get_weights()[1][0] == Approx(5 / sigma));
  CHECK(model.get_weights()[1][1] == Approx(4 / sigma));
  // Gradients are those of the divided kernel; sigma is a constant.
  step.executor.output_gradient(0)[0] = 1;
  step.executor.output_gradient(0)[1] = -1;
  step.executor.backward();
  REQUIRE(step.gradients.size() == 1);
  CHECK(values(step.gradients[0]) == std::vector<double>{1, -1, 2, -2});
  CHECK(step.executor.input_gradient(0)[0] == Approx(3 / sigma));
  CHECK(step.executor.input_gradient(0)[1] == Approx(-1 / sigma));
  const auto kernel = model.get_weights()[0];
  step.executor.update_state();
  CHECK(same(model.get_weights()[0], kernel));

  const double* pointers[] = {step.x.data()};
  const AllocationCounter counter;
  step.executor.forward(pointers);
  const long allocations = counter.calls();
  CHECK(allocations == 0);

  // What has no direction stays as it is.
  model.set_weights({Tensor<double>({2, 2}), Tensor<double>({1, 2}, {1, 0})});
  CHECK(values(step.forward()) == std::vector<double>{0, 0});
  CHECK(values(model.get_weights()[1]) == std::vector<double>{1, 0});
  model.set_weights({Tensor<double>({2, 2}, {1, 2, 3, 4}), Tensor<double>({1, 2})});
  CHECK(values(step.forward()) == std::vector<double>{7, 10});
}

TEST_CASE("SpectralNormalization of an Embedding: indices have no gradient, masks pass") {
  const auto in = Input({4});
  const SpectralNormalization wrapped(Embedding(5, 3, {.mask_zero = true}), {.power_iterations = 300});
  const GRU gru(2);
  const Model model(in, gru(wrapped(in)));
  const Tensor<float> padded({1, 4}, {0, 3, 0, 1});
  const auto short_in = Input({2});
  const Model shorter(short_in, gru(wrapped(short_in)));
  CHECK(distance(model.predict(padded), shorter.predict(Tensor<float>({1, 2}, {3, 1}))) < 1e-6);
  model.compile({.optimizer = SGD({.learning_rate = 0}), .loss = "mse"});
  (void)model.train_on_batch(padded, Tensor<float>({1, 2}, {1, -1}));
  const auto table = wrapped.get_weights()[0];
  Tensor<double> numbers(table.shape());
  for (Index i = 0; i < table.size(); ++i) numbers[i] = table[i];
  CHECK(largest_singular_value(numbers) == Approx(1.0).epsilon(1e-5));
}

TEST_CASE("SpectralNormalization learns; what is frozen does not move") {
  set_random_seed(3);
  const SpectralNormalization wrapped(Dense(8, {.activation = "tanh", .input_shape = Shape{4}}));
  const Sequential model({wrapped, Dense(1)});
  const auto x = random_tensor<float>({32, 4}, 3), y = random_tensor<float>({32, 1}, 4);
  model.compile({.optimizer = "adam", .loss = "mse"});
  CHECK(model.trainable_weights().size() == 4);
  CHECK(model.non_trainable_weights().size() == 1);
  const double before = model.evaluate(x, y)[0];
  const auto start = wrapped.get_weights();
  for (int step = 0; step < 200; ++step) (void)model.train_on_batch(x, y);
  CHECK(model.evaluate(x, y)[0] < before);
  const auto trained = wrapped.get_weights();
  for (std::size_t i = 0; i < 3; ++i) CHECK_FALSE(same(trained[i], start[i]));

  for (const bool inner_only : {false, true}) {
    INFO("the layer inside alone: " << inner_only);
    model.set_trainable(true);
    (inner_only ? wrapped.layer() : Layer<float>(wrapped)).set_trainable(false);
    model.compile({.optimizer = "adam", .loss = "mse"});
    CHECK(model.trainable_weights().size() == 2);
    for (int step = 0; step < 3; ++step) (void)model.train_on_batch(x, y);
    (void)model.fit(x, y, {.epochs = 2, .verbose = Verbose::silent});
    for (std::size_t i = 0; i < 3; ++i) CHECK(same(wrapped.get_weights()[i], trained[i]));
  }
  model.set_trainable(true);
  model.compile({.optimizer = "adam", .loss = "mse"});
  (void)model.fit(x, y, {.epochs = 1, .verbose = Verbose::silent});
  for (std::size_t i = 0; i < 3; ++i) CHECK_FALSE(same(wrapped.get_weights()[i], trained[i]));
}

TEST_CASE("SpectralNormalization: order of weights, places in files, configuration, clone") {
  const SpectralNormalization wrapped(Dense(3, {.name = "dense"}), {.power_iterations = 2, .name = "sn"});
  const auto in = Input({4});
  const Model model(in, wrapped(in));
  CHECK(weight_names(wrapped) == std::vector<std::string>{"kernel", "vector_u", "bias"});
  CHECK(wrapped.weights()[1]->shape() == Shape{1, 3});
  CHECK(model.count_params() == 12 + 3 + 3);
  CHECK(wrapped.layer().name() == "dense");
  const auto& impl = wrapped.impl();
  CHECK(impl.store_path(0) == "vars/0");
  CHECK(impl.store_path(1) == "vars/1");
  CHECK(impl.store_path(2) == "layer/vars/1");
  CHECK(impl.store_copy(0) == "layer/vars/0");
  CHECK(impl.store_copy(1).empty());
  CHECK(impl.store_copy(2).empty());
  CHECK(wrapped.config().at("power_iterations") == Config(2));
  CHECK(SpectralNormalization<float>::from_config(wrapped.config()).config() == wrapped.config());
  const auto clone = clone_model(model);
  CHECK(clone.config() == model.config());
  clone.set_weights(model.get_weights());
  const auto x = random_tensor<float>({2, 4}, 3);
  CHECK(same(clone.predict(x), model.predict(x)));
  // The layer inside may have the name of the wrapper.
  const SpectralNormalization namesake(Dense(3, {.name = "same"}), {.name = "same"});
  CHECK(Model(in, namesake(in)).count_params() == 18);
}

TEST_CASE("SpectralNormalization refuses what has no kernel, or several") {
  const auto in = Input({4, 2}), image = Input({4, 4, 2});
  CHECK_THROWS_AS(SpectralNormalization(ReLU())(in), ConfigError);
  CHECK_THROWS_AS(SpectralNormalization(BatchNormalization())(in), ConfigError);
  CHECK_THROWS_AS(SpectralNormalization(LSTM(2))(in), ConfigError);
  CHECK_THROWS_AS(SpectralNormalization(SeparableConv2D(2, 2))(image), ConfigError);
  CHECK_THROWS_AS(SpectralNormalization(TimeDistributed<float>(Dense(2)))(in), ConfigError);
  CHECK_THROWS_WITH(SpectralNormalization(Flatten())(in), ContainsSubstring("a layer with one kernel or embeddings"));
  CHECK_THROWS_AS(SpectralNormalization(Dense(2), {.power_iterations = 0}), ConfigError);
  CHECK_THROWS_AS(SpectralNormalization(Dense(2), {.power_iterations = 20000}), ConfigError);
  CHECK_THROWS_AS(SpectralNormalization<float>::from_config(Config::object()), ConfigError);
  const Shape flat[] = {{3}};
  CHECK_THROWS_AS(SpectralNormalization(Dense(2)).impl().output_shapes(flat), ShapeError);
}
