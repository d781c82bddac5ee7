#include "tests/support/catch.hpp"
#include "tests/support/nets.hpp"

using namespace graft;

namespace {

/// One layer by itself, as inference.
Tensor<float> run(const Layer<float>& layer, const Tensor<float>& x) {
  const Shape shapes[] = {x.shape()};
  Tensor<float> y(layer.impl().output_shapes(shapes)[0]);
  std::vector<std::byte> scratch(static_cast<std::size_t>(layer.impl().needs(shapes, Use{}).scratch_bytes) + 1);
  const TensorView<const float> from[] = {x.view()};
  const TensorView<float> to[] = {y.view()};
  ForwardArgs<float> args{};
  args.inputs = from, args.outputs = to, args.scratch = scratch.data();
  layer.impl().forward(args);
  return y;
}

Tensor<float> run_all(const std::vector<Layer<float>>& layers, Tensor<float> x) {
  for (const auto& layer : layers) x = run(layer, x);
  return x;
}

void check_close(const Tensor<float>& actual, const Tensor<float>& expected) {
  REQUIRE(actual.shape() == expected.shape());
  for (Index i = 0; i < expected.size(); ++i) CHECK(actual[i] == Approx(expected[i]).epsilon(1e-5).margin(2e-6));
}

void randomize_weights(const Model<float>& model, Rng& rng) {
  for (const auto& variable : model.weights()) {
    Tensor<float>& value = variable->mutable_value();
    for (Index i = 0; i < value.size(); ++i) value[i] = static_cast<float>(rng.uniform(0.2, 1.0));
  }
}

Tensor<float> numbers(const Shape& shape, Rng& rng) {
  Tensor<float> x(shape);
  for (Index i = 0; i < x.size(); ++i) x[i] = static_cast<float>(rng.uniform(-1, 1));
  return x;
}

}  // namespace

TEST_CASE("inference folds BatchNormalization and an activation into the convolution in front of them") {
  Rng rng(7);
  const std::vector<Layer<float>> layers = {
      Conv2D<>(7, 3, {.padding = "same", .use_bias = false, .input_shape = Shape{9, 8, 5}}),
      BatchNormalization<>(),
      ReLU<>({.max_value = 6.0}),
      DepthwiseConv2D<>(3, {.strides = 2, .padding = "same"}),
      BatchNormalization<>({.scale = false}),
      BatchNormalization<>({.center = false}),
      Conv2D<>(6, 1),
      Activation<>("tanh"),
      Conv2D<>(4, 3, {.activation = "relu"}),
      BatchNormalization<>()};
  Sequential<> model;
  for (const auto& layer : layers) model.add(layer);
  randomize_weights(model, rng);
  const Tensor<float> x = numbers({3, 9, 8, 5}, rng);

  const Shape shapes[] = {x.shape()};
  const Plan<float> plan(flatten(model.impl().graph()), shapes, {});
  std::vector<std::size_t> folded;
  for (const auto& node : plan.nodes()) folded.push_back(node.folded.size());
  // What stands behind a convolution with an activation of its own stays.
  CHECK(folded == std::vector<std::size_t>{1, 0, 0, 2, 0, 0, 0, 0, 0, 0});
  check_close(model.predict(x), run_all(layers, x));

  // The folded copy follows every variable that is in it.
  for (const std::size_t changed : {0, 1, 3, 4, 5, 6}) {
    const Tensor<float> before = model.predict(x);
    Tensor<float>& value = layers[changed].weights().back()->mutable_value();
    for (Index i = 0; i < value.size(); ++i) value[i] *= 1.5f;
    const Tensor<float> after = model.predict(x);
    INFO("layer " << changed);
    CHECK(std::equal(before.begin(), before.end(), after.begin()) == false);
    check_close(after, run_all(layers, x));
  }
}

TEST_CASE("what others read, or what learns, is not folded") {
  Rng rng(8);
  const auto in = Input({6, 6, 3});
  const Conv2D<> conv(4, 3);
  const BatchNormalization<> norm;
  const auto convolved = conv(in);
  const Model<> model({in}, {Add<>()({convolved, norm(convolved)})});
  randomize_weights(model, rng);
  const Tensor<float> x = numbers({2, 6, 6, 3}, rng);
  const Shape shapes[] = {x.shape()};
  const auto count = [&](const Model<>& of, const PlanOptions& options) {
    std::size_t total = 0;
    const Plan<float> plan(flatten(of.impl().graph()), shapes, options);
    for (const auto& node : plan.nodes()) total += node.folded.size();
    return total;
  };
  CHECK(count(model, {}) == 0);
  Tensor<float> expected = run(conv, x);
  const Tensor<float> normed = run(norm, expected);
  for (Index i = 0; i < expected.size(); ++i) expected[i] += normed[i];
  check_close(model.predict(x), expected);

  const Model<> both({in}, {convolved, norm(convolved)});
  CHECK(count(both, {}) == 0);
  const Model<> chain({in}, {norm(conv(in))});
  CHECK(count(chain, {}) == 1);
  CHECK(count(chain, {.training = true, .backward = true}) == 0);
  chain.set_trainable(false);
  CHECK(count(chain, {.training = true}) == 1);  // frozen BatchNormalization is inference in training too
}
