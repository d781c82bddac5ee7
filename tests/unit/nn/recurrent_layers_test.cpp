#include <cmath>

#include "catch.hpp"
#include "graft/graph/executor.hpp"
#include "graft/graph/input.hpp"
#include "tests/support/layer_tools.hpp"

using namespace graft;
using namespace graft::test;
using Catch::Matchers::ContainsSubstring;

namespace {

/// One use of a layer with masks and several outputs, with forward and backward.
struct MaskedRun {
  Layer<double> layer;
  Tensors<double> x, y, dy, dx, dw;
  Tensor<double> mask;
  Use use = {true, true, true, true};
  Needs needs;
  Tensor<double> cache, scratch;

  MaskedRun(Layer<double> of, Tensors<double> inputs, Tensor<double> input_mask = {})
      : layer(std::move(of)), x(std::move(inputs)), mask(std::move(input_mask)) {
    const auto shapes = shapes_of(x);
    layer.impl().ensure_built(shapes);
    needs = layer.impl().needs(shapes, use);
    cache = LayerRun<double>::poisoned({needs.cache_bytes / 8 + 1});
    scratch = LayerRun<double>::poisoned({needs.scratch_bytes / 8 + 1});
    for (const Shape& shape : layer.impl().output_shapes(shapes)) y.push_back(LayerRun<double>::poisoned(shape));
  }
  std::vector<TensorView<const double>> masks() const {
    std::vector<TensorView<const double>> result;
    if (mask.allocated()) result.push_back(mask.view());
    return result;
  }
  void forward() {
    std::vector<TensorView<const double>> inputs;
    std::vector<TensorView<double>> outputs;
    for (const auto& input : x) inputs.push_back(input.view());
    for (auto& output : y) outputs.push_back(output.view());
    const auto mask_views = masks();
    ForwardArgs<double> args;
    args.inputs = inputs, args.outputs = outputs, args.use = use, args.masks = mask_views;
    args.cache = reinterpret_cast<std::byte*>(cache.data());
    args.scratch = reinterpret_cast<std::byte*>(scratch.data());
    layer.impl().forward(args);
  }
  void backward() {
    std::vector<TensorView<const double>> inputs, outputs(y.size()), output_gradients;
    std::vector<TensorView<double>> input_gradients, weight_gradients;
    dx.clear(), dw.clear();
    for (const auto& input : x) dx.push_back(LayerRun<double>::poisoned(input.shape()));
    for (const auto& weight : layer.weights()) dw.push_back(LayerRun<double>::poisoned(weight->shape()));
    for (const auto& input : x) inputs.push_back(input.view());
    for (const auto& gradient : dy) output_gradients.push_back(gradient.view());
    for (auto& gradient : dx) input_gradients.push_back(gradient.view());
    for (auto& gradient : dw) weight_gradients.push_back(gradient.view());
    const auto mask_views = masks();
    BackwardArgs<double> args;
    args.inputs = inputs, args.outputs = outputs, args.output_gradients = output_gradients;
    args.input_gradients = input_gradients, args.weight_gradients = weight_gradients;
    args.use = use, args.masks = mask_views;
    args.cache = reinterpret_cast<const std::byte*>(cache.data());
    args.scratch = reinterpret_cast<std::byte*>(scratch.data());
    layer.impl().backward(args);
  }
  double objective() {
    forward();
    double total = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
      for (Index k = 0; k < y[i].size(); ++k) total += y[i][k] * dy[i][k];
    }
    return total;
  }
  /// All gradients against central differences.
  void check_gradients() {
    randomize(layer, 5);
    for (const auto& output : y) dy.push_back(random_tensor<double>(output.shape(), 60 + dy.size(), 1.0));
    forward();
    backward();
    const Tensors<double> got_x = dx, got_w = dw;
    const double h = 1e-5;
    const auto difference = [&](double& number) {
      const double before = number;
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
        REQUIRE(got_x[i][k] == Approx(difference(x[i][k])).margin(2e-6));
      }
    }
    const auto variables = layer.weights();
    for (std::size_t i = 0; i < variables.size(); ++i) {
      for (Index k = 0; k < variables[i]->size(); ++k) {
        INFO(variables[i]->name() << " " << k);
        REQUIRE(got_w[i][k] == Approx(difference(variables[i]->mutable_value()[k])).margin(2e-6));
      }
    }
  }
};

/// (batch, steps): the first sample is padded in front, the second inside and at the end, the third everywhere.
Tensor<double> holes() { return {{3, 5}, {0, 0, 1, 1, 1, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0}}; }

std::vector<Layer<double>> masked_layers() {
  return {
      SimpleRNN<double>(2, {.return_sequences = true, .return_state = true}),
      SimpleRNN<double>(2, {.activation = "mish"}),
      LSTM<double>(2, {.return_sequences = true, .return_state = true}),
      LSTM<double>(2, {.recurrent_activation = "hard_sigmoid", .go_backwards = true}),
      LSTM<double>(2, {.return_sequences = true, .zero_output_for_mask = true}),
      LSTM<double>(2, {.dropout = 0.3, .recurrent_dropout = 0.3, .return_state = true}),
      GRU<double>(2, {.return_sequences = true, .return_state = true}),
      GRU<double>(2, {.reset_after = false, .return_sequences = true, .go_backwards = true}),
      GRU<double>(2, {.recurrent_dropout = 0.3, .reset_after = false, .return_state = true}),
  };
}

Layer<double> copy_of(const Layer<double>& layer) {
  return make_layer<double>(std::string(layer.class_name()), layer.config());
}

}  // namespace

TEST_CASE("Recurrent layers: gradients under masks, with initial states and states as outputs", "[layers]") {
  for (const auto& layer : masked_layers()) {
    INFO(layer.impl().where() << " " << layer.config().get("go_backwards", false));
    const auto x = random_tensor<double>({3, 5, 2}, 3);
    MaskedRun(copy_of(layer), {x}, holes()).check_gradients();
    Tensors<double> inputs = {x, random_tensor<double>({3, 2}, 4)};
    if (layer.class_name() == "LSTM") inputs.push_back(random_tensor<double>({3, 2}, 5));
    MaskedRun(copy_of(layer), inputs, holes()).check_gradients();
  }
  const ConvLSTM1D<double> convolution(
      2, 2, {.padding = "same", .data_format = "channels_first", .return_sequences = true, .return_state = true});
  MaskedRun(convolution, {random_tensor<double>({3, 5, 2, 3}, 6)}, holes()).check_gradients();
}

TEST_CASE("Recurrent layers: a masked step keeps the states, and the output repeats itself", "[layers]") {
  for (const auto& layer : masked_layers()) {
    const Config config = layer.config();
    if (config.get("recurrent_dropout", 0.0) > 0) continue;
    INFO(layer.impl().where());
    const auto x = random_tensor<double>({3, 5, 2}, 3);
    MaskedRun masked(copy_of(layer), {x}, holes());
    randomize(masked.layer, 5);
    masked.forward();
    // The steps that count, alone: what is left of sample 0 and of sample 1.
    const std::vector<std::vector<Index>> kept = {{2, 3, 4}, {0, 2, 3}};
    for (std::size_t sample = 0; sample < 2; ++sample) {
      Tensor<double> part({1, 3, 2});
      for (Index s = 0; s < 3; ++s) {
        const Index from = (static_cast<Index>(sample) * 5 + kept[sample][static_cast<std::size_t>(s)]) * 2;
        std::copy_n(x.data() + from, 2, part.data() + s * 2);
      }
      MaskedRun plain(masked.layer, {part});
      plain.forward();
      const auto last = plain.y.back(), masked_last = masked.y.back();
      if (!config.get("return_sequences", false) || config.get("return_state", false)) {
        for (Index u = 0; u < 2; ++u) CHECK(masked_last[static_cast<Index>(sample) * 2 + u] == Approx(last[u]));
      }
      if (!config.get("return_sequences", false)) continue;
      const bool zeros = config.get("zero_output_for_mask", false), backwards = config.get("go_backwards", false);
      const Tensor<double> mask = holes();
      Index seen = 0;
      for (Index s = 0; s < 5; ++s) {
        const bool counts = mask[static_cast<Index>(sample) * 5 + (backwards ? 4 - s : s)] != 0;
        if (counts) ++seen;
        for (Index u = 0; u < 2; ++u) {
          const double expected = seen == 0 || (zeros && !counts) ? 0 : plain.y[0][(seen - 1) * 2 + u];
          CHECK(masked.y[0][(static_cast<Index>(sample) * 5 + s) * 2 + u] == Approx(expected));
        }
      }
    }
    // Nothing of sample 2 counts.
    const Index length = masked.y[0].size() / 3;
    for (Index i = 2 * length; i < 3 * length; ++i) CHECK(masked.y[0][i] == 0);
  }
}

TEST_CASE("Recurrent layers: a sequence in two parts, the states handed over, is the sequence", "[layers]") {
  const std::vector<Layer<double>> layers = {
      SimpleRNN<double>(3, {.return_state = true}), LSTM<double>(3, {.return_state = true}),
      GRU<double>(3, {.return_state = true}), GRU<double>(3, {.reset_after = false, .return_state = true})};
  for (const auto& layer : layers) {
    INFO(layer.impl().where());
    const auto x = random_tensor<double>({1, 6, 2}, 9);
    MaskedRun whole(layer, {x});
    randomize(layer, 2);
    whole.forward();
    const Tensor<double> first({1, 2, 2}, std::vector<double>(x.begin(), x.begin() + 4));
    const Tensor<double> second({1, 4, 2}, std::vector<double>(x.begin() + 4, x.end()));
    MaskedRun begin(layer, {first});
    begin.forward();
    Tensors<double> rest = begin.y;
    rest[0] = second;
    MaskedRun end(layer, rest);
    end.forward();
    for (std::size_t i = 0; i < whole.y.size(); ++i) CHECK(distance(end.y[i], whole.y[i]) < 1e-14);
  }
}

TEST_CASE("Recurrent layers: a stateful layer goes on where the batch before ended, until its states are reset",
          "[layers]") {
  const GRU<float> plain(3, {.return_sequences = true}), stateful(3, {.return_sequences = true, .stateful = true});
  const auto x = random_tensor<float>({1, 6, 2}, 9);
  LayerRun<float> whole(plain, x, kInfer);
  const Tensor<float> first({1, 2, 2}, std::vector<float>(x.begin(), x.begin() + 4));
  const Tensor<float> second({1, 4, 2}, std::vector<float>(x.begin() + 4, x.end()));
  LayerRun<float> begin(stateful, first, kInfer), end(stateful, second, kInfer);
  stateful.set_weights(plain.get_weights());
  whole.forward();
  for (int repeat = 0; repeat < 2; ++repeat) {
    begin.forward();
    end.forward();
    for (Index i = 0; i < 12; ++i) CHECK(end.y()[i] == Approx(whole.y()[6 + i]));
    stateful.reset_states();
  }
  begin.forward();
  const Tensor<float> begun = begin.y();
  begin.forward();
  CHECK_FALSE(same(begin.y(), begun));
  LayerRun<float> other(stateful, random_tensor<float>({2, 2, 2}, 1), kInfer);
  CHECK_THROWS_MATCHES(other.forward(), StateError,
                       Catch::Matchers::Message(stateful.impl().where() +
                                                ": expected a batch of 1 samples, whose states it keeps, received 2. A "
                                                "stateful layer needs batches of one size; to begin anew, call "
                                                "reset_states()."));
  stateful.reset_states();
  CHECK_NOTHROW(other.forward());
  CHECK(stateful.impl().is_random());
}

TEST_CASE("Recurrent layers: weights, shapes and the bias of the forget gate", "[layers]") {
  const LSTM lstm(4, {.return_sequences = true, .return_state = true});
  const Shape in[] = {{Shape::kUnknown, Shape::kUnknown, 3}};
  lstm.impl().ensure_built(in);
  CHECK(weight_names(lstm) == std::vector<std::string>{"kernel", "recurrent_kernel", "bias"});
  CHECK(lstm.weights()[0]->shape() == Shape{3, 16});
  CHECK(lstm.weights()[1]->shape() == Shape{4, 16});
  for (Index i = 0; i < 16; ++i) CHECK(lstm.weights()[2]->value()[i] == (i / 4 == 1 ? 1.0f : 0.0f));
  CHECK(lstm.impl().output_shapes(in) ==
        std::vector<Shape>{{Shape::kUnknown, Shape::kUnknown, 4}, {Shape::kUnknown, 4}, {Shape::kUnknown, 4}});
  CHECK(lstm.impl().store_path(2) == "cell/vars/2");
  const GRU gru(2), before(2, {.reset_after = false});
  (void)built_shape<float>(gru, {1, 2, 3});
  (void)built_shape<float>(before, {1, 2, 3});
  CHECK(gru.weights()[2]->shape() == Shape{2, 6});
  CHECK(before.weights()[2]->shape() == Shape{6});
  const ConvLSTM2D conv(3, {2, 3}, {.data_format = "channels_first"});
  CHECK(built_shape<float>(conv, {1, 4, 2, 5, 6}) == Shape{1, 3, 4, 4});
  CHECK(conv.weights()[0]->shape() == Shape{2, 3, 2, 12});
  CHECK(conv.weights()[1]->shape() == Shape{2, 3, 3, 12});
}

TEST_CASE("Recurrent layers: what does not fit is refused", "[layers]") {
  CHECK_THROWS_AS(LSTM(0), ConfigError);
  CHECK_THROWS_AS(GRU(-3), ConfigError);
  CHECK_THROWS_AS(SimpleRNN(3, {.dropout = 1.0}), ConfigError);
  CHECK_THROWS_AS(LSTM(3, {.recurrent_dropout = -0.1}), ConfigError);
  CHECK_THROWS_AS(LSTM(3, {.activation = "glu"}), ConfigError);
  CHECK_THROWS_AS(ConvLSTM2D(3, 3, {.padding = "causal"}), ConfigError);
  CHECK_THROWS_AS(ConvLSTM2D(3, 3, {.strides = 2, .dilation_rate = 2}), ConfigError);
  CHECK_THROWS_AS(built_shape<float>(LSTM(3), {2, 3}), ShapeError);
  CHECK_THROWS_AS(built_shape<float>(LSTM(3), {2, 0, 3}), ShapeError);
  CHECK_THROWS_AS(built_shape<float>(LSTM(3), {2, 4, Shape::kUnknown}), ShapeError);
  CHECK_THROWS_AS(built_shape<float>(ConvLSTM1D(3, 9), {2, 4, 5, 1}), ShapeError);
  const LSTM lstm(3);
  (void)built_shape<float>(lstm, {2, 4, 5});
  const Shape other[] = {{2, 4, 6}};
  CHECK_THROWS_AS(lstm.impl().ensure_built(other), ShapeError);
  const Shape one_state[] = {{2, 4, 5}, {2, 3}}, wrong_state[] = {{2, 4, 5}, {2, 3}, {2, 4}};
  CHECK_THROWS_AS(lstm.impl().output_shapes(one_state), ShapeError);
  CHECK_THROWS_AS(lstm.impl().output_shapes(wrong_state), ShapeError);
}

TEST_CASE("Embedding looks rows up; its gradient adds up what the samples of a row get", "[layers]") {
  const Embedding<double> layer(4, 2);
  Tensor<double> x({2, 3}, {1, 3, 1, 0, 1, 2});
  LayerRun<double> run(layer, x, {true, true, true, false});
  layer.set_weights({Tensor<double>({4, 2}, {0, 10, 1, 11, 2, 12, 3, 13})});
  run.forward();
  CHECK(values(run.y()) == std::vector<double>{1, 11, 3, 13, 1, 11, 0, 10, 1, 11, 2, 12});
  run.backward(Tensor<double>({2, 3, 2}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  CHECK(values(run.dw()[0]) == std::vector<double>{7, 8, 15, 18, 11, 12, 3, 4});
  CHECK_FALSE(layer.impl().differentiable(0));
  CHECK(built_shape<double>(layer, {5, Shape::kUnknown, 6}) == Shape{5, Shape::kUnknown, 6, 2});

  for (const double wrong : {4.0, -1.0, 1e30, std::nan("")}) {
    x[4] = wrong;
    LayerRun<double> bad(layer, x, kInfer);
    CHECK_THROWS_AS(bad.forward(), DataError);
  }
  CHECK_THROWS_AS(Embedding(0, 3), ConfigError);
  CHECK_THROWS_AS(Embedding(3, 0), ConfigError);
  CHECK_THROWS_AS(Embedding(3, 3, {.input_length = 0}), ConfigError);
  const Embedding fixed(5, 2, {.input_length = 7});
  CHECK(fixed.impl().input_shape() == Shape{7});
  CHECK_THROWS_AS(built_shape<float>(fixed, {2, 6}), ShapeError);
}

TEST_CASE("Embedding: gradients do not depend on the number of threads; dropout drops rows of the table", "[layers]") {
  const Embedding layer(300, 600, {.dropout = 0.4});
  Tensor<float> x({50, 40});
  Rng rng(4);
  for (Index i = 0; i < x.size(); ++i) x[i] = static_cast<float>(rng.below(300));
  const auto dy = random_tensor<float>({50, 40, 600}, 3);
  const int threads = num_threads();
  LayerRun<float> one(layer, x, {true, true, true, false}), two(layer, x, {true, true, true, false});
  set_num_threads(1);
  one.forward().backward(dy);
  set_num_threads(2);
  two.forward().backward(dy);
  set_num_threads(threads);
  CHECK(same(one.y(), two.y()));
  CHECK(same(one.dw()[0], two.dw()[0]));

  const Tensor<float> table = layer.get_weights()[0];
  std::vector<int> state(300, -1);
  int dropped = 0;
  for (Index i = 0; i < x.size(); ++i) {
    const auto row = static_cast<std::size_t>(x[i]);
    const float y = one.y()[i * 600], expected = table[static_cast<Index>(row) * 600] / 0.6f;
    const int now = y == 0 ? 0 : 1;
    if (now == 1) CHECK(y == Approx(expected));
    if (state[row] == -1 && now == 0) ++dropped;
    CHECK((state[row] == -1 || state[row] == now));
    state[row] = now;
  }
  CHECK(dropped > 80);
  CHECK(dropped < 160);
  CHECK(Embedding<float>::from_config(layer.config()).config() == layer.config());
  LayerRun<float> inference(layer, x, kInfer);
  CHECK(inference.forward().y()[0] == table[static_cast<Index>(x[0]) * 600]);
}

TEST_CASE("Embedding and Masking make the mask that layers behind them skip steps by", "[layers]") {
  const auto last_of = [](const Symbol<float>& in, const Symbol<float>& out, const Tensor<float>& x) {
    const Shape shapes[] = {x.shape()};
    Executor<float> executor(Plan<float>(flatten(Graph<float>({in}, {out})), shapes, {}));
    const float* pointers[] = {x.data()};
    executor.forward(pointers);
    return Tensor<float>(executor.output(0));
  };
  const Embedding embedding(5, 3, {.mask_zero = true});
  const LSTM lstm(2);
  const auto padded = Input({5}), bare = Input({3});
  const auto y = last_of(padded, lstm(embedding(padded)), {{1, 5}, {0, 3, 1, 4, 0}});
  const auto expected = last_of(bare, lstm(embedding(bare)), {{1, 3}, {3, 1, 4}});
  CHECK(distance(y, expected) < 1e-6);

  const Masking masking(-1);
  const auto long_in = Input({3, 2}), short_in = Input({2, 2});
  const GRU gru(2);
  const auto masked = last_of(long_in, gru(masking(long_in)), {{1, 3, 2}, {0.5f, -1, -1, -1, 0, 2}});
  const auto two = last_of(short_in, gru(short_in), {{1, 2, 2}, {0.5f, -1, 0, 2}});
  CHECK(distance(masked, two) < 1e-6);
}
