#include <cmath>

#include "graft/graft.hpp"
#include "graft/graph/executor.hpp"
#include "tests/support/catch.hpp"

using namespace graft;

namespace {

/// sum of outputs * weight, and its gradient with respect to the input.
struct Result {
  double value = 0;
  std::vector<double> gradient;
};

Result run(const Model<double>& model, const Tensor<double>& x) {
  const std::vector<Shape> shapes = {x.shape()};
  Executor<double> executor(Plan<double>(flatten(model.impl().graph()), shapes,
                                         {.training = true, .backward = true, .input_gradients = true}));
  std::vector<Tensor<double>> gradients;
  std::vector<TensorView<double>> views;
  for (const auto& variable : executor.plan().variables()) gradients.emplace_back(variable->shape());
  for (auto& gradient : gradients) views.push_back(gradient.view());
  executor.bind_gradients(views);
  const double* inputs[] = {x.data()};
  executor.forward(inputs);
  Result result;
  const auto y = executor.output(0);
  const auto dy = executor.output_gradient(0);
  for (Index i = 0; i < y.size(); ++i) {
    dy[i] = 1 + 0.25 * static_cast<double>(i % 5);
    result.value += y[i] * dy[i];
  }
  executor.backward();
  const auto dx = executor.input_gradient(0);
  result.gradient.assign(dx.data(), dx.data() + dx.size());
  return result;
}

void check(const Model<double>& model, const Shape& shape) {
  auto x = Tensor<double>::uninitialized(shape);
  for (Index i = 0; i < x.size(); ++i) x[i] = std::sin(1.7 * static_cast<double>(i) + 0.3);
  const Result here = run(model, x);
  for (Index i = 0; i < x.size(); ++i) {
    const double kept = x[i], h = 1e-5;
    x[i] = kept + h;
    const double above = run(model, x).value;
    x[i] = kept - h;
    const double below = run(model, x).value;
    x[i] = kept;
    INFO("input " << i);
    CHECK(here.gradient[static_cast<std::size_t>(i)] == Approx((above - below) / (2 * h)).epsilon(1e-6).margin(1e-8));
  }
}

}  // namespace

TEST_CASE("merge layers in graphs: one symbol twice, residual branches, work in place, frozen branches") {
  const auto in = Input<double>({4, 3});
  const auto hidden = Dense<double>(3, {.activation = "tanh"})(in);
  SECTION("one symbol twice") {
    auto x = Add<double>()({hidden, hidden});
    x = Multiply<double>()({x, x, hidden});
    check(Model<double>(in, Subtract<double>()({x, x})), {2, 4, 3});
    check(Model<double>(in, Concatenate<double>()({x, hidden, x})), {2, 4, 3});
    check(Model<double>(in, Dot<double>(2)({x, x})), {2, 4, 3});
  }
  SECTION("residual, either way round") {
    auto x = Add<double>()({hidden, Dense<double>(3, {.activation = "tanh"})(hidden)});
    x = Add<double>()({Dense<double>(3)(x), x});
    x = Average<double>()({LayerNormalization<double>()(x), x, in});
    check(Model<double>(in, Maximum<double>()({x, in})), {2, 4, 3});
  }
  SECTION("broadcasting, and a view beside other readers of its input") {
    const auto gate = Dense<double>(3, {.activation = "sigmoid"})(Reshape<double>({1, 12})(hidden));
    const auto scaled = Multiply<double>()({hidden, gate});
    check(Model<double>(in, Concatenate<double>({.axis = 1})({scaled, Add<double>()({gate, scaled}), gate})),
          {2, 4, 3});
  }
  SECTION("a branch that needs no gradient") {
    const Dense<double> dense(2);
    const Model<double> model(in, Concatenate<double>()({Rescaling<double>(2)(in), dense(hidden), in}));
    dense.set_trainable(false);
    check(model, {2, 4, 3});
  }
}

TEST_CASE("Concatenate gives gradients to the trainable branch alone") {
  const auto in = Input({3});
  const Dense<> frozen(2), learning(4);
  const Model<> model(in, Concatenate()({frozen(in), learning(in), in}));
  frozen.set_trainable(false);
  const std::vector<Shape> shapes = {{2, 3}};
  Executor<float> executor(Plan<float>(flatten(model.impl().graph()), shapes, {.training = true, .backward = true}));
  REQUIRE(executor.plan().variables().size() == 2);
  Tensor<float> kernel({3, 4}), bias({4});
  const TensorView<float> views[] = {kernel.view(), bias.view()};
  executor.bind_gradients(views);
  const float x[] = {1, 2, 3, 4, 5, 6};
  const float* inputs[] = {x};
  executor.forward(inputs);
  const auto dy = executor.output_gradient(0);
  for (Index i = 0; i < dy.size(); ++i) dy[i] = static_cast<float>(i);
  executor.backward();
  // Rows of 9: the branch has the columns 2 … 5.
  for (Index c = 0; c < 4; ++c) {
    const float first = static_cast<float>(2 + c), second = static_cast<float>(11 + c);
    CHECK(bias[c] == first + second);
    CHECK(kernel[4 + c] == 2 * first + 5 * second);
  }
}
