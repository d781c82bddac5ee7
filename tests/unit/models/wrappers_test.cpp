#include "graft/core.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/counting_allocator.hpp"
#include "tests/support/layer_tools.hpp"

using namespace graft;
using namespace graft::test;
using Catch::Matchers::ContainsSubstring;

namespace {

Model<double> around_all(const Layer<double>& layer, const std::vector<Shape>& samples) {
  std::vector<Symbol<double>> inputs;
  for (const Shape& sample : samples) inputs.push_back(Input<double>(sample));
  return {inputs, call_layer(layer, inputs)};
}

Arrays<double> arrays(const Tensors<double>& tensors) {
  std::vector<ArrayLike<double>> result;
  for (const auto& tensor : tensors) result.emplace_back(tensor);
  return result;
}

/// Gradients of a model in training mode against central differences of sum(y dy).
void check_model_gradients(const Model<double>& model, Tensors<double> x) {
  std::uint64_t seed = 70;
  randomize<double>(model, seed);
  const auto shapes = shapes_of(x);
  Executor<double> executor(Plan<double>(flatten(model.impl().graph()), shapes,
                                         {.training = true, .backward = true, .input_gradients = true}));
  const auto& variables = executor.plan().variables();
  Tensors<double> gradients, dy;
  std::vector<TensorView<double>> views;
  for (const auto& variable : variables) gradients.emplace_back(variable->shape(), NAN);
  for (auto& gradient : gradients) views.push_back(gradient.view());
  executor.bind_gradients(views);
  std::vector<const double*> pointers;
  for (const auto& input : x) pointers.push_back(input.data());
  executor.forward(pointers);
  for (std::size_t i = 0; i < executor.plan().outputs().size(); ++i) {
    dy.push_back(random_tensor<double>(executor.output(i).shape(), ++seed, 1.0));
    std::copy_n(dy[i].data(), dy[i].size(), executor.output_gradient(i).data());
  }
  executor.backward();
  Tensors<double> dx;
  for (std::size_t i = 0; i < x.size(); ++i) dx.emplace_back(executor.input_gradient(i));

  const auto objective = [&] {
    executor.forward(pointers);
    double total = 0;
    for (std::size_t i = 0; i < dy.size(); ++i) {
      for (Index k = 0; k < dy[i].size(); ++k) total += executor.output(i)[k] * dy[i][k];
    }
    return total;
  };
  const auto difference = [&](double& number) {
    const double before = number, h = 1e-5;
    number = before + h;
    const double above = objective();
    number = before - h;
    const double below = objective();
    number = before;
    return (above - below) / (2 * h);
  };
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (Index k = 0; k < x[i].size(); ++k) {
      INFO("input " << i << ", " << k);
      REQUIRE(dx[i][k] == Approx(difference(x[i][k])).margin(2e-6));
    }
  }
  REQUIRE(variables.size() == model.trainable_weights().size());
  for (std::size_t i = 0; i < variables.size(); ++i) {
    for (Index k = 0; k < variables[i]->size(); ++k) {
      INFO(variables[i]->name() << " " << k);
      REQUIRE(gradients[i][k] == Approx(difference(variables[i]->mutable_value()[k])).margin(2e-6));
    }
  }
}

Tensor<double> reversed(const Tensor<double>& x) {
  Tensor<double> result(x.shape());
  const Index steps = x.dim(1), length = x.size() / x.dim(0) / steps;
  for (Index i = 0; i < x.dim(0) * steps; ++i) {
    std::copy_n(x.data() + i * length, length, result.data() + (i - i % steps + steps - 1 - i % steps) * length);
  }
  return result;
}

std::vector<std::string> names(const std::vector<Layer<double>>& layers) {
  std::vector<std::string> result;
  for (const auto& layer : layers) result.push_back(layer.name());
  return result;
}

}  // namespace

TEST_CASE("TimeDistributed applies a layer, or a model, to every step") {
  const Dense<double> dense(3, {.activation = "tanh"});
  const TimeDistributed<double> wrapped(dense);
  const auto model = around_all(wrapped, {{4, 2}});
  CHECK(model.output_shape() == Shape{Shape::kUnknown, 4, 3});
  CHECK(wrapped.layer() == dense);
  CHECK(wrapped.weights() == dense.weights());
  const auto x = random_tensor<double>({5, 4, 2}, 3);
  const auto plain = around_all(dense, {{4, 2}});
  CHECK(distance(model.predict(x), plain.predict(x)) < 1e-14);
  check_model_gradients(model, {x});

  const Sequential<double> images({Conv2D<double>(2, 2, {.input_shape = Shape{3, 3, 1}}), BatchNormalization<double>(),
                                   Flatten<double>(), Dense<double>(2)});
  const auto films = around_all(TimeDistributed<double>(images), {{3, 3, 3, 1}});
  const auto film = random_tensor<double>({2, 3, 3, 3, 1}, 4);
  randomize<double>(films, 5);
  const auto y = films.predict(film);
  CHECK(y.shape() == Shape{2, 3, 2});
  CHECK(distance(y.reshaped({6, 2}), images.predict(film.reshaped({6, 3, 3, 1}))) < 1e-14);
  check_model_gradients(films, {film});
  check_model_gradients(around_all(TimeDistributed<double>(LSTM<double>(2)), {{2, 3, 2}}),
                        {random_tensor<double>({2, 2, 3, 2}, 6)});
}

TEST_CASE("TimeDistributed: steps may be unknown, masks pass, what does not fit is refused") {
  const TimeDistributed wrapped(Dense(3));
  const Shape open[] = {{Shape::kUnknown, Shape::kUnknown, 2}};
  CHECK(wrapped.impl().output_shapes(open)[0] == Shape{Shape::kUnknown, Shape::kUnknown, 3});
  wrapped.impl().ensure_built(open);
  CHECK(wrapped.count_params() == 9);
  const Shape flat[] = {{4, 2}};
  CHECK_THROWS_AS(TimeDistributed(Dense(3)).impl().output_shapes(flat), ShapeError);
  CHECK_THROWS_AS(TimeDistributed<float>::from_config(Config::object()), ConfigError);

  const Embedding embedding(5, 2, {.mask_zero = true});
  const GRU gru(2);
  const auto in = Input({4}), bare = Input({2});
  const Model with_mask(in, gru(wrapped(embedding(in)))), without(bare, gru(wrapped(embedding(bare))));
  const auto y = with_mask.predict(Tensor<float>({1, 4}, {0, 3, 0, 1}));
  CHECK(distance(y, without.predict(Tensor<float>({1, 2}, {3, 1}))) < 1e-6);
}

TEST_CASE("Bidirectional is its two layers, the second from the end to the start") {
  const auto x = random_tensor<double>({3, 4, 2}, 8);
  for (const bool sequences : {false, true}) {
    for (const char* mode : {"concat", "sum", "mul", "ave"}) {
      INFO(mode << ", return_sequences " << sequences);
      const Bidirectional<double> both(GRU<double>(3, {.return_sequences = sequences, .name = "gru"}),
                                       {.merge_mode = mode});
      const auto model = around_all(both, {{4, 2}});
      randomize<double>(model, 4);
      CHECK(names(both.impl().sublayers()) == std::vector<std::string>{"forward_gru", "backward_gru"});
      const GRU<double> one(3, {.return_sequences = sequences});
      const auto single = around_all(one, {{4, 2}});
      one.set_weights(both.forward_layer().get_weights());
      const auto ahead = single.predict(x);
      one.set_weights(both.backward_layer().get_weights());
      auto back = single.predict(reversed(x));
      if (sequences) back = reversed(back);
      const auto y = model.predict(x);
      const bool joins = std::string(mode) == "concat";
      REQUIRE(y.dim(-1) == (joins ? 6 : 3));
      for (Index row = 0; row < ahead.size() / 3; ++row) {
        for (Index u = 0; u < 3; ++u) {
          const double a = ahead[row * 3 + u], b = back[row * 3 + u];
          if (joins) {
            CHECK(y[row * 6 + u] == Approx(a));
            CHECK(y[row * 6 + 3 + u] == Approx(b));
          } else {
            const double expected = *mode == 's' ? a + b : *mode == 'm' ? a * b : (a + b) / 2;
            CHECK(y[row * 3 + u] == Approx(expected));
          }
        }
      }
      check_model_gradients(model, {x});
    }
  }
}

TEST_CASE("Bidirectional: two outputs, states in and out, a backward layer of its own") {
  const auto x = random_tensor<double>({2, 3, 2}, 8);
  const Bidirectional<double> two(LSTM<double>(2, {.return_sequences = true, .return_state = true}),
                                  {.merge_mode = std::nullopt});
  const auto model = around_all(two, {{3, 2}, {2}, {2}, {2}, {2}});
  Tensors<double> inputs = {x};
  for (std::uint64_t i = 0; i < 4; ++i) inputs.push_back(random_tensor<double>({2, 2}, 20 + i));
  check_model_gradients(model, inputs);
  const auto y = model.predict_all(arrays(inputs));
  REQUIRE(y.size() == 6);
  CHECK(y[0].shape() == Shape{2, 3, 2});
  // The state h of each direction is the last that it says: at the end, and at the start.
  for (Index u = 0; u < 2; ++u) {
    CHECK(y[0][2 * 2 + u] == Approx(y[2][u]));
    CHECK(y[1][u] == Approx(y[4][u]));
  }

  const Bidirectional<double> unlike(SimpleRNN<double>(2, {.name = "a"}),
                                     {.backward_layer = LSTM<double>(3, {.go_backwards = true, .name = "b"})});
  const auto mixed = around_all(unlike, {{3, 2}});
  CHECK(mixed.output_shape() == Shape{Shape::kUnknown, 5});
  CHECK(names(unlike.impl().sublayers()) == std::vector<std::string>{"forward_a", "backward_b"});
  check_model_gradients(mixed, {x});

  const LSTM<double> good(2);
  CHECK_THROWS_AS(Bidirectional<double>(Dense<double>(2)), ConfigError);
  CHECK_THROWS_WITH(Bidirectional<double>(good, {.merge_mode = "concta"}), ContainsSubstring("concat"));
  CHECK_THROWS_AS(Bidirectional<double>(good, {.backward_layer = LSTM<double>(2)}), ConfigError);
  CHECK_THROWS_AS(
      Bidirectional<double>(good, {.backward_layer = LSTM<double>(2, {.return_state = true, .go_backwards = true})}),
      ConfigError);
  const Bidirectional<double> sum(good,
                                  {.merge_mode = "sum", .backward_layer = GRU<double>(3, {.go_backwards = true})});
  const Shape in[] = {{2, 3, 2}};
  CHECK_THROWS_AS(sum.impl().output_shapes(in), ShapeError);
}

TEST_CASE("Bidirectional under a mask: both directions skip what does not count, and say zero there") {
  const auto in = Input<double>({4, 2}), bare = Input<double>({2, 2});
  const Bidirectional<double> both(LSTM<double>(2, {.return_sequences = true}));
  const Model<double> masked(in, both(Masking<double>()(in))), plain(bare, both(bare));
  const auto y = masked.predict(Tensor<double>({1, 4, 2}, {0, 0, 1, 2, 0, 0, 3, -1}));
  const auto expected = plain.predict(Tensor<double>({1, 2, 2}, {1, 2, 3, -1}));
  for (Index u = 0; u < 4; ++u) {
    CHECK(y[u] == 0);
    CHECK(y[8 + u] == 0);
    CHECK(y[4 + u] == Approx(expected[u]));
    CHECK(y[12 + u] == Approx(expected[4 + u]));
  }
}

TEST_CASE("Wrappers: configurations, clones, flags and summary") {
  const Bidirectional recurrent(LSTM(3, {.kernel_regularizer = "l2", .return_sequences = true, .name = "lstm"}),
                                {.merge_mode = "ave", .name = "both", .input_shape = Shape{4, 2}});
  const TimeDistributed<float> top(Sequential({BatchNormalization({.name = "bn", .input_shape = Shape{3}}), Dense(2)}));
  const Sequential model({recurrent, top});
  CHECK(model.count_params() == 2 * 4 * (2 + 3 + 1) * 3 + 4 * 3 + 3 * 2 + 2);
  CHECK_THAT(model.summary_text(), ContainsSubstring(" both (Bidirectional)        (None, 4, 3)              144"));
  CHECK(model.trainable_weights().size() == 6 + 4);

  const auto clone = clone_model(model);
  CHECK(clone.config() == model.config());
  const auto x = random_tensor<float>({2, 4, 2}, 3);
  clone.set_weights(model.get_weights());
  CHECK(same(clone.predict(x), model.predict(x)));

  // One direction frozen alone survives.
  recurrent.backward_layer().set_trainable(false);
  CHECK(model.trainable_weights().size() == 3 + 4);
  const auto half_frozen = clone_model(model);
  CHECK(half_frozen.trainable_weights().size() == 3 + 4);
  CHECK(half_frozen.layers()[0].impl().sublayers()[1].name() == "backward_lstm");

  model.set_trainable(false);
  CHECK(model.trainable_weights().empty());
  CHECK(clone_model(model).trainable_weights().empty());
  unfreeze<float>(model);  // but not BatchNormalization
  CHECK(model.trainable_weights().size() == 6 + 2);
  unfreeze_top<float>(model, 1);
  CHECK(model.trainable_weights().size() == 2);

  const auto& impl = recurrent.impl();
  CHECK(impl.store_path(0) == "forward_layer/cell/vars/0");
  CHECK(impl.store_path(5) == "backward_layer/cell/vars/2");
  CHECK(TimeDistributed<float>::from_config(top.config()).config() == top.config());
  CHECK(Bidirectional<float>::from_config(recurrent.config()).config() == recurrent.config());
}

TEST_CASE(
    "Wrappers: frozen directions keep their weights in training, the others move; states are reset from outside") {
  set_random_seed(5);
  const Bidirectional recurrent(GRU(3), {.input_shape = Shape{4, 2}});
  const Sequential model({recurrent, Dense(1)});
  recurrent.forward_layer().set_trainable(false);
  model.compile({.optimizer = "adam", .loss = "mse"});
  const auto x = random_tensor<float>({16, 4, 2}, 3), y = random_tensor<float>({16, 1}, 4);
  const auto frozen = recurrent.forward_layer().get_weights(), moving = recurrent.backward_layer().get_weights();
  const double before = model.evaluate(x, y)[0];
  for (int step = 0; step < 100; ++step) (void)model.train_on_batch(x, y);
  CHECK(model.evaluate(x, y)[0] < before);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(same(recurrent.forward_layer().get_weights()[i], frozen[i]));
    CHECK_FALSE(same(recurrent.backward_layer().get_weights()[i], moving[i]));
  }

  const Sequential stateful({Bidirectional(LSTM(2, {.stateful = true}), {.input_shape = Shape{4, 2}})});
  const auto first = stateful.predict(x);
  CHECK_FALSE(same(stateful.predict(x), first));
  stateful.reset_states();
  CHECK(same(stateful.predict(x), first));
}

TEST_CASE("A steady training step of layers over time allocates nothing") {
  const Sequential model({Embedding(20, 6, {.mask_zero = true, .input_length = 5}),
                          Bidirectional(LSTM(4, {.dropout = 0.2, .recurrent_dropout = 0.2, .return_sequences = true})),
                          TimeDistributed<float>(Dense(5)), GRU(4, {.return_sequences = true}),
                          GRU(4, {.reset_after = false, .return_sequences = true, .stateful = true}), SimpleRNN(3)});
  Tensor<float> x({8, 5});
  for (Index i = 0; i < x.size(); ++i) x[i] = static_cast<float>((i * 7) % 20);
  const Shape shapes[] = {x.shape()};
  Executor<float> executor(Plan<float>(flatten(model.impl().graph()), shapes, {.training = true, .backward = true}));
  std::vector<Tensor<float>> gradients;
  std::vector<TensorView<float>> views;
  for (const auto& variable : executor.plan().variables()) gradients.emplace_back(variable->shape());
  for (auto& gradient : gradients) views.push_back(gradient.view());
  executor.bind_gradients(views);
  const float* pointers[] = {x.data()};
  const auto step = [&] {
    executor.forward(pointers, RandomKey{7});
    std::fill_n(executor.output_gradient(0).data(), executor.output_gradient(0).size(), 1.0F);
    executor.backward();
  };
  step();
  graft::test::AllocationCounter counter;
  step();
  const long calls = counter.calls();
  CHECK(calls == 0);
  for (const auto& gradient : gradients) CHECK(all_finite(gradient));
}
