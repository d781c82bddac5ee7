#include "../../support/catch.hpp"
#include "graft/core.hpp"

using namespace graft;

namespace {

struct PlainOptions {
  std::string name = {};
  bool trainable = true;
  std::optional<Shape> input_shape = {};
};

/// Gives its input back with a mask: a step counts unless all its features are 0.
class MaskerImpl final : public LayerImpl<double> {
 public:
  MaskerImpl() : LayerImpl<double>("Masker", PlainOptions{}) {}
  std::string_view class_name() const override { return "Masker"; }
  MaskFlow mask_flow(const std::vector<bool>&) const override { return {MaskFlow::Kind::make}; }
  void forward(const ForwardArgs<double>& args) const override {
    const Index features = args.x().dim(2);
    for (Index i = 0; i < args.output_mask.size(); ++i) {
      args.output_mask[i] = 0;
      for (Index f = 0; f < features; ++f) {
        args.y()[i * features + f] = args.x()[i * features + f];
        if (args.x()[i * features + f] != 0) args.output_mask[i] = 1;
      }
    }
  }
  void backward(const BackwardArgs<double>& args) const override {
    if (args.dx()) std::copy_n(args.dy().data(), args.dy().size(), args.dx().data());
  }
};

/// The mask of its input as numbers, so that a test sees it; -1 where there is none.
class ShowMaskImpl final : public LayerImpl<double> {
 public:
  ShowMaskImpl() : LayerImpl<double>("ShowMask", PlainOptions{}) {}
  std::string_view class_name() const override { return "ShowMask"; }
  Shape output_shape(std::span<const Shape> inputs) const override { return inputs[0].slice(0, 2); }
  bool uses_masks() const override { return true; }
  bool differentiable(std::size_t) const override { return false; }
  void forward(const ForwardArgs<double>& args) const override {
    for (Index i = 0; i < args.y().size(); ++i) args.y()[i] = args.mask() ? args.mask()[i] : -1;
  }
  void backward(const BackwardArgs<double>&) const override { FAIL("an input that has no gradient"); }
};

Layer<double> masker() { return Layer<double>(std::make_shared<MaskerImpl>()); }
Layer<double> show_mask() { return Layer<double>(std::make_shared<ShowMaskImpl>()); }

Tensor<double> steps(std::vector<double> present) {
  Tensor<double> x({static_cast<Index>(present.size()) / 3, 3, 2});
  for (std::size_t i = 0; i < present.size(); ++i) {
    x[static_cast<Index>(2 * i)] = present[i];
    x[static_cast<Index>(2 * i + 1)] = present[i] / 2;
  }
  return x;
}

std::vector<double> numbers(const Tensor<double>& tensor) { return {tensor.data(), tensor.data() + tensor.size()}; }

}  // namespace

TEST_CASE("a mask walks through layers that support masking, nested models included, and ends at the others") {
  const auto in = Input<double>({3, 2});
  const auto x = steps({1, 0, 2, 0, 3, 0});
  auto value = masker()(in);
  value = Dense<double>(4, {.activation = "tanh"})(value);
  value = Dropout<double>(0.5)(value);
  value = Sequential<double>({LayerNormalization<double>(), Activation<double>("relu")})(value);
  const Model<double> model(in, show_mask()(value));
  CHECK(numbers(model.predict(x)) == std::vector<double>{1, 0, 1, 0, 1, 0});

  const Model<double> ended(in, show_mask()(Conv1D<double>(2, 1)(value)));
  CHECK(numbers(ended.predict(x)) == std::vector<double>(6, -1.0));
}

TEST_CASE("merged masks: a step counts where it counts in any input; without one mask there is none") {
  const auto a = Input<double>({3, 2}), b = Input<double>({3, 2});
  const auto x = steps({1, 0, 0}), z = steps({0, 0, 2});
  const auto mask_of = [&](const Symbol<double>& value) { return Model<double>({a, b}, {show_mask()(value)}); };
  const auto masked_a = masker()(a), masked_b = masker()(b);
  CHECK(numbers(mask_of(Add<double>()({masked_a, masked_b})).predict({x, z})) == std::vector<double>{1, 0, 1});
  CHECK(numbers(mask_of(Multiply<double>()({masked_a, masked_b})).predict({x, z})) == std::vector<double>{1, 0, 1});
  CHECK(numbers(mask_of(Maximum<double>()({masked_a, masked_b})).predict({x, z})) == std::vector<double>{1, 0, 1});
  CHECK(numbers(mask_of(Add<double>()({masked_a, b})).predict({x, z})) == std::vector<double>(3, -1.0));
  CHECK(numbers(mask_of(Concatenate<double>()({masked_a, masked_b})).predict({x, z})) == std::vector<double>{1, 0, 1});
  CHECK(numbers(mask_of(Concatenate<double>({.axis = 1})({masked_a, b})).predict({x, z})) ==
        std::vector<double>{1, 0, 0, 1, 1, 1});
}

TEST_CASE("GlobalAveragePooling1D averages over the steps that count") {
  const auto in = Input<double>({3, 2});
  const Model<double> model(in, GlobalAveragePooling1D<double>()(masker()(in)));
  CHECK(numbers(model.predict(steps({2, 0, 4, 0, 6, 0}))) == std::vector<double>{3, 1.5, 6, 3});
}

TEST_CASE("BatchNormalization takes its statistics from the steps that count, and its gradient goes through them") {
  auto x = steps({1, 0, 5, 0, 3, 0, -2, 4, 0});
  for (Index i = 0; i < 9; ++i) x[2 * i + 1] = x[2 * i] == 0 ? 0 : std::cos(static_cast<double>(i));
  Tensor<double> y({3, 3, 2});
  for (Index i = 0; i < y.size(); ++i) y[i] = std::sin(static_cast<double>(i));
  // One step of training. The Dense in front mixes the features; steps of zeros stay so, and the mask as it is.
  struct Step {
    double loss, slope, mean, variance;
  };
  const auto train = [&](double share) {
    constexpr double kRate = 1e-3;
    const auto in = Input<double>({3, 2});
    const Dense<double> front(2, {.use_bias = false});
    const BatchNormalization<double> norm({.momentum = 0});
    const Model<double> model(in, norm(masker()(front(in))));
    Tensor<double> kernel({2, 2});
    kernel[0] = kernel[3] = 1;
    kernel[2] = share;  // of feature 1 in feature 0
    front.set_weights({kernel});
    model.compile({.optimizer = SGD<double>({.learning_rate = kRate}), .loss = "mse"});
    const double loss = model.train_on_batch(x, y)[0];
    return Step{loss, (share - front.get_weights()[0][2]) / kRate, norm.get_weights()[2][0], norm.get_weights()[3][0]};
  };
  const Step step = train(0);
  const double mean = (1 + 5 + 3 - 2 + 4) / 5.0;
  CHECK(step.mean == Approx(mean));
  double squares = 0;
  for (const double value : {1, 5, 3, -2, 4}) squares += (value - mean) * (value - mean) / 5;
  CHECK(step.variance == Approx(squares));
  constexpr double kDelta = 1e-5;
  CHECK(step.slope == Approx((train(kDelta).loss - train(-kDelta).loss) / (2 * kDelta)).epsilon(1e-5));
  CHECK(std::abs(step.slope) > 1e-3);
}

TEST_CASE("a mask leaves steps out of the loss, and out of its gradient") {
  const auto in = Input<double>({3, 2});
  const Dense<double> dense(1);
  const Model<double> model(in, dense(masker()(in)));
  const auto x = steps({1, 0, 3, 0, 2, 0});
  Tensor<double> y({2, 3, 1});
  for (Index i = 0; i < 6; ++i) y[i] = static_cast<double>(i);
  const auto weights = model.get_weights();
  double expected = 0;
  for (const Index i : {0, 2, 4}) {
    const double error = x[2 * i] * weights[0][0] + x[2 * i + 1] * weights[0][1] - y[i];
    expected += error * error / 3;
  }
  model.compile({.optimizer = SGD<double>({.learning_rate = 1}), .loss = "mse"});
  CHECK(model.evaluate(x, y)[0] == Approx(expected));
  model.train_on_batch(x, y);
  double slope = 0;  // of the bias
  for (const Index i : {0, 2, 4}) {
    slope += 2.0 / 3 * (x[2 * i] * weights[0][0] + x[2 * i + 1] * weights[0][1] - y[i]);
  }
  CHECK(model.get_weights()[1][0] == Approx(-slope));
}

TEST_CASE("masks pass from a frozen prefix whose features are cached") {
  const auto run = [](bool cached) {
    const auto in = Input<double>({3, 2});
    const Dense<double> frozen(
        4, {.activation = "tanh", .kernel_initializer = GlorotUniform({.seed = 1}), .trainable = false});
    const Dense<double> head(1, {.kernel_initializer = GlorotUniform({.seed = 2})});
    const Model<double> model(in, head(GlobalAveragePooling1D<double>()(Dense<double>(
                                      3, {.kernel_initializer = GlorotUniform({.seed = 3})})(frozen(masker()(in))))));
    model.compile({.optimizer = "sgd", .loss = "mse"});
    const auto history = model.fit(
        steps({1, 0, 2, 0, 3, 0, 4, 5, 0}), Tensor<double>({3, 1}, 1.0),
        {.batch_size = 2, .epochs = 3, .verbose = Verbose::silent, .shuffle = false, .cache_frozen_prefix = cached});
    return history["loss"];
  };
  CHECK(run(true) == run(false));
}
