#include "catch.hpp"
#include "tests/support/layer_contract.hpp"
#include "tests/support/layer_tools.hpp"

using namespace graft;
using graft::test::LayerCase;
using graft::test::LayerRun;

// The layer contract for the layers of autoencoders, and what else is said of them.
namespace {

Dense<double> dense(Index units, Index features) {
  return Dense<double>(units, {.kernel_regularizer = "l2", .input_shape = Shape{features}});
}

std::vector<LayerCase> autoencoder_cases() {
  return {
      {"DenseTranspose", DenseTranspose<double>(dense(3, 5)), {{3}}},
      {"DenseTranspose, no bias, mish (backward reads its input), over time",
       DenseTranspose<double>(dense(4, 2), {.activation = "mish", .use_bias = false}),
       {{3, 4}}},
      {"DenseTranspose, sigmoid, regularized",
       DenseTranspose<double>(dense(2, 6), {.activation = "sigmoid",
                                            .bias_initializer = "ones",
                                            .bias_regularizer = "l1",
                                            .activity_regularizer = "l2",
                                            .bias_constraint = "max_norm"}),
       {{2}}},
      {"DenseTranspose, softmax", DenseTranspose<double>(dense(1, 4), {.activation = "softmax"}), {{1}}},
      {"Sampling", Sampling<double>(), {{4}, {4}}},
      {"Sampling, seed", Sampling<double>({.seed = 3}), {{2, 3}, {2, 3}}},
      {"Sampling, KL loss", Sampling<double>({.kl_weight = 0.7}), {{5}, {5}}},
  };
}
const graft::test::LayerCases kRegistered(&autoencoder_cases);

}  // namespace

TEST_CASE("The layers of autoencoders keep the contract") {
  for (const LayerCase& test : autoencoder_cases()) test::check_layer_contract(test);
}

TEST_CASE("Sampling: at inference the mean, in training N(mean, exp(log_var)); its KL loss by hand") {
  const Sampling<float> layer({.kl_weight = 2.0});
  const Index count = 20000;
  Tensor<float> mean({count, 1}, 0.5f), log_var({count, 1}, std::log(4.0f));
  LayerRun<float> infer(layer, {mean, log_var}, {});
  infer.forward();
  CHECK(infer.y()[0] == 0.5f);
  CHECK(infer.y()[count - 1] == 0.5f);
  // 2 * (4 + 0.25 - 1 - log 4) / 2
  CHECK(infer.losses() == Approx(4 + 0.25 - 1 - std::log(4.0)).epsilon(1e-6));

  LayerRun<float> train(layer, {mean, log_var}, {.training = true});
  train.forward();
  double sum = 0, squares = 0;
  for (const float z : train.y()) sum += static_cast<double>(z) / count;
  for (const float z : train.y()) squares += (static_cast<double>(z) - sum) * (static_cast<double>(z) - sum) / count;
  CHECK(sum == Approx(0.5).margin(0.06));
  CHECK(squares == Approx(4.0).margin(0.2));
  CHECK(train.losses() == Approx(infer.losses()));

  CHECK_THROWS_AS(Sampling<float>({.kl_weight = -1}), ConfigError);
  const Shape three[] = {{-1, 3}, {-1, 4}}, one[] = {{-1, 3}};
  CHECK_THROWS_AS(layer.impl().output_shapes(three), ShapeError);
  CHECK_THROWS_AS(layer.impl().output_shapes(one), ShapeError);
}

TEST_CASE("DenseTranspose: errors of tied weights name both layers") {
  const Dense<float> encoder(3, {.name = "codings", .input_shape = Shape{5}});
  const DenseTranspose<float> decoder(encoder, {.name = "decoder"});
  const Shape input[] = {{-1, 4}};
  try {
    (void)decoder.impl().output_shapes(input);
    FAIL("nothing was thrown");
  } catch (const ShapeError& error) {
    const std::string text = error.what();
    CHECK(text.find("\"decoder\"") != std::string::npos);
    CHECK(text.find("\"codings\"") != std::string::npos);
    CHECK(text.find("(None, 4)") != std::string::npos);
  }
  CHECK_THROWS_AS(DenseTranspose<float>(Flatten<float>()), ConfigError);
  const Shape three[] = {{-1, 3}};
  CHECK_THROWS_AS(DenseTranspose<float>(Dense<float>(3)).impl().ensure_built(three), StateError);

  // LoRA changes what the Dense layer computes with, and not the kernel that is shared.
  const Use use{};
  const Shape rows[] = {{2, 3}};
  decoder.impl().ensure_built(three);
  CHECK_NOTHROW(decoder.impl().needs(rows, use));
  encoder.enable_lora(1);
  CHECK_THROWS_WITH(decoder.impl().needs(rows, use), Catch::Matchers::ContainsSubstring("LoRA"));
  static_cast<DenseImpl<float>&>(encoder.impl()).end_lora(true);
  CHECK_NOTHROW(decoder.impl().needs(rows, use));
}

TEST_CASE("KLDivergenceRegularizer: value by hand, gradient by differences, config, errors") {
  const KLDivergenceRegularizer regularizer(0.5, 0.2);
  // Means 0.2 (no penalty) and 0.5.
  const Tensor<double> y({2, 2}, {0.1, 0.4, 0.3, 0.6});
  const double expected = 0.5 * (0.2 * std::log(0.2 / 0.5) + 0.8 * std::log(0.8 / 0.5));
  CHECK(regularizer.value<double>(y.view()) == Approx(expected).epsilon(1e-12));

  const Index units = 130;  // more than the blocks that it works in
  Tensor<double> x({3, 2, units});
  Rng rng(5);
  for (double& value : x.view().span()) value = rng.uniform(0.05, 0.95);
  Tensor<double> gradient(x.shape(), 1.0);
  const double value = regularizer.value_and_gradient<double>(std::as_const(x).view(), gradient.view(), 3.0);
  CHECK(value == Approx(regularizer.value<double>(std::as_const(x).view())));
  for (Index i = 0; i < x.size(); i += 7) {
    const double before = x[i], h = 1e-6;
    x[i] = before + h;
    const double above = regularizer.value<double>(std::as_const(x).view());
    x[i] = before - h;
    const double difference = (above - regularizer.value<double>(std::as_const(x).view())) / (2 * h);
    x[i] = before;
    CHECK(gradient[i] == Approx(1 + 3 * difference).epsilon(1e-6));
  }
  // A unit that is always off: a large penalty, no slope, no infinity.
  const Tensor<double> off({2, 1}, {0.0, 0.0});
  Tensor<double> none({2, 1}, 0.0);
  CHECK(std::isfinite(regularizer.value_and_gradient<double>(off.view(), none.view(), 1.0)));
  CHECK(std::isfinite(none[0]));

  const Config config = regularizer.config();
  CHECK(Regularizer::from_config(config).config() == config);
  CHECK_THROWS_AS(KLDivergenceRegularizer(0.1, 0.0), ConfigError);
  CHECK_THROWS_AS(KLDivergenceRegularizer(0.1, 1.0), ConfigError);
  CHECK_THROWS_AS(KLDivergenceRegularizer(NAN), ConfigError);
}
