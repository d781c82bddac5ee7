#include "catch.hpp"
#include "tests/support/layer_contract.hpp"

using namespace graft;
using graft::test::LayerCase;

// LoRA as a property of Dense layers and convolutions, and variables that rest.
namespace {

std::vector<LayerCase> lora_cases() {
  return {
      {"Dense with LoRA", Dense<double>(4, {.lora_rank = 2}), {{5}}},
      {"Dense with LoRA, alpha, relu, over time, no bias",
       Dense<double>(3, {.activation = "relu", .use_bias = false, .lora_rank = 1, .lora_alpha = 4.0}),
       {{3, 6}}},
      {"Dense with LoRA, mish (backward reads z)", Dense<double>(3, {.activation = "mish", .lora_rank = 2}), {{4}}},
      {"Dense with LoRA, regularized", Dense<double>(3, {.kernel_regularizer = "l2", .lora_rank = 2}), {{4}}},
      {"Conv1D with LoRA, causal", Conv1D<double>(3, 2, {.padding = "causal", .lora_rank = 1}), {{5, 2}}},
      {"Conv2D with LoRA", Conv2D<double>(4, 3, {.padding = "same", .activation = "elu", .lora_rank = 2}), {{5, 4, 3}}},
      {"Conv2D with LoRA, strides, channels first, no bias, alpha",
       Conv2D<double>(
           4, {2, 3},
           {.strides = 2, .data_format = "channels_first", .use_bias = false, .lora_rank = 3, .lora_alpha = 1.5}),
       {{3, 6, 5}}},
      {"Conv2D with LoRA, groups, dilated",
       Conv2D<double>(4, 2, {.dilation_rate = 2, .groups = 2, .lora_rank = 2}),
       {{5, 5, 4}}},
      {"Conv3D with LoRA", Conv3D<double>(2, 2, {.lora_rank = 1}), {{3, 2, 3, 2}}},
  };
}

const graft::test::LayerCases registered_lora(&lora_cases);

Layer<float> built(const Layer<float>& layer, const Shape& input) {
  layer.impl().ensure_built(std::vector<Shape>{input});
  return layer;
}
Index size_of(const std::vector<VariablePtr<float>>& variables) {
  Index total = 0;
  for (const auto& variable : variables) total += variable->size();
  return total;
}

}  // namespace

TEST_CASE("LoRA: layers with it keep the contract", "[layers][contract]") {
  for (const LayerCase& test : lora_cases()) {
    DYNAMIC_SECTION(test.label) { test::check_layer_contract(test); }
  }
}

TEST_CASE("LoRA: enable_lora as in Keras 3") {
  const auto dense = built(Dense(8, {.activation = "relu"}), {-1, 6});
  CHECK_FALSE(dense.config().contains("lora_rank"));
  const auto x = test::random_tensor<float>({5, 6}, 3, 1.0);
  const auto before = test::LayerRun<float>(dense, x, {}).forward().y();
  dense.enable_lora(2, {.lora_alpha = 6.0});
  const auto weights = dense.weights();
  REQUIRE(weights.size() == 4);
  CHECK(weights[0]->name() == "kernel");
  CHECK(weights[1]->name() == "bias");
  CHECK(weights[2]->name() == "lora_kernel_a");
  CHECK(weights[2]->shape() == Shape{6, 2});
  CHECK(weights[3]->name() == "lora_kernel_b");
  CHECK(weights[3]->shape() == Shape{2, 8});
  // The kernel rests; bias, A and B train.
  CHECK(dense.trainable_weights() == std::vector{weights[1], weights[2], weights[3]});
  CHECK(dense.non_trainable_weights() == std::vector{weights[0]});
  CHECK(size_of(dense.trainable_weights()) == 8 + 12 + 16);
  CHECK(dense.config().at("lora_rank") == Config(2));
  CHECK(dense.config().at("lora_alpha") == Config(6.0));
  // B is zeros: the layer computes what it did; then W + (6 / 2) A B.
  CHECK(test::distance(test::LayerRun<float>(dense, x, {}).forward().y(), before) == 0);
  for (Index i = 0; i < 16; ++i) weights[3]->mutable_value()[i] = 0.1F * static_cast<float>(i - 7);
  const auto with = test::LayerRun<float>(dense, x, {}).forward().y();
  double apart = 0;
  for (Index n = 0; n < 5; ++n) {
    for (Index u = 0; u < 8; ++u) {
      double z = 0;
      for (Index k = 0; k < 6; ++k) {
        double w = static_cast<double>(weights[0]->value()[k * 8 + u]);
        for (Index r = 0; r < 2; ++r) {
          w += 3 * static_cast<double>(weights[2]->value()[k * 2 + r]) *
               static_cast<double>(weights[3]->value()[r * 8 + u]);
        }
        z += static_cast<double>(x[n * 6 + k]) * w;
      }
      apart = std::max(apart, std::abs(std::max(z, 0.0) - static_cast<double>(with[n * 8 + u])));
    }
  }
  CHECK(apart < 1e-5);

  const auto conv = built(Conv2D(5, {3, 2}), {-1, 6, 6, 4});
  conv.enable_lora(3);
  CHECK(conv.weights()[2]->shape() == Shape{3, 2, 4, 3});
  CHECK(conv.weights()[3]->shape() == Shape{3, 5});
  CHECK(conv.config().at("lora_alpha") == Config(3.0));
}

TEST_CASE("LoRA: wrong uses are errors") {
  using Catch::Matchers::ContainsSubstring;
  CHECK_THROWS_AS(Dense(3).enable_lora(2), StateError);  // not built
  CHECK_THROWS_AS(built(Dense(3), {-1, 4}).enable_lora(0), ConfigError);
  CHECK_THROWS_AS(built(Dense(3), {-1, 4}).enable_lora(-1), ConfigError);
  const auto twice = built(Dense(3), {-1, 4});
  twice.enable_lora(1);
  CHECK_THROWS_WITH(twice.enable_lora(1), ContainsSubstring("already"));
  CHECK_THROWS_WITH(built(Dense(3, {.kernel_constraint = "non_neg"}), {-1, 4}).enable_lora(1),
                    ContainsSubstring("kernel_constraint"));
  CHECK_THROWS_AS(Dense(3, {.kernel_constraint = "non_neg", .lora_rank = 1}), ConfigError);
  CHECK_THROWS_AS(Dense(3, {.lora_rank = -2}), ConfigError);
  CHECK_THROWS_WITH(built(DepthwiseConv2D(3), {-1, 5, 5, 2}).enable_lora(1), ContainsSubstring("without LoRA"));
  CHECK_THROWS_WITH(built(Flatten(), {-1, 5}).enable_lora(1), ContainsSubstring("without LoRA"));
  // A hostile rank ends in an error, not in memory.
  CHECK_THROWS_AS(built(Dense(3, {.lora_rank = Index{1} << 62}), {-1, 4}), Error);
  CHECK_NOTHROW(Dense(3, {.lora_rank = 0}));
}

TEST_CASE("variables that rest: biases alone train, and inputs of Dense are not kept for them") {
  const Dense<double> dense(3, {.activation = "tanh"});
  const auto x = test::random_tensor<double>({5, 4}, 1, 1.0);
  dense.impl().ensure_built(std::vector<Shape>{{-1, 4}});
  dense.weights()[0]->set_trainable(false);
  CHECK(dense.trainable_weights() == std::vector{dense.weights()[1]});
  const Use use{true, true, true, true};
  CHECK_FALSE(test::LayerRun<double>(dense, x, use).needs().inputs);
  test::check_gradients(dense, {x}, use);
  dense.weights()[0]->set_trainable(true);
  CHECK(test::LayerRun<double>(dense, x, use).needs().inputs);
  // Of a convolution too, but for the lowest layer, whose input tells the shape.
  const Conv2D<double> conv(2, 3);
  conv.impl().ensure_built(std::vector<Shape>{{-1, 5, 5, 2}});
  conv.weights()[0]->set_trainable(false);
  const auto pictures = test::random_tensor<double>({2, 5, 5, 2}, 2, 1.0);
  CHECK_FALSE(test::LayerRun<double>(conv, pictures, use).needs().inputs);
  test::check_gradients(conv, {pictures}, use);
  test::check_gradients(conv, {pictures}, {true, true, true, false});
}
