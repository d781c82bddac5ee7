#include "tests/support/layer_contract.hpp"

using namespace graft;
using namespace graft::test;

namespace {

std::vector<LayerCase> attention_cases() {
  std::vector<LayerCase> all;
  const auto add = [&](const std::string& label, std::vector<Shape> samples, const Layer<double>& layer) {
    all.push_back({label, layer, std::move(samples)});
  };
  const std::vector<Shape> two{{4, 5}, {6, 5}}, three{{4, 5}, {6, 3}, {6, 5}};
  add("Attention", two, Attention<double>());
  add("Attention key", three, Attention<double>());
  add("Attention scale", two, Attention<double>({.use_scale = true}));
  add("Attention concat", two, Attention<double>({.score_mode = "concat"}));
  add("Attention concat scale", three, Attention<double>({.use_scale = true, .score_mode = "concat"}));
  add("Attention causal", two, Attention<double>({.use_causal_mask = true}));
  add("Attention dropout", three, Attention<double>({.use_scale = true, .dropout = 0.3, .seed = 7}));
  add("AdditiveAttention", two, AdditiveAttention<double>());
  add("AdditiveAttention key", three, AdditiveAttention<double>({.dropout = 0.3}));
  add("AdditiveAttention no scale", two, AdditiveAttention<double>({.use_scale = false, .use_causal_mask = true}));
  add("MultiHeadAttention", {{4, 5}, {6, 3}}, MultiHeadAttention<double>(2, 3));
  add("MultiHeadAttention key", {{4, 5}, {6, 3}, {6, 2}}, MultiHeadAttention<double>(3, 2, {.value_dim = 4}));
  add("MultiHeadAttention no bias", {{4, 5}, {4, 5}},
      MultiHeadAttention<double>(2, 3, {.use_bias = false, .output_shape = {7}, .use_causal_mask = true}));
  add("MultiHeadAttention with everything", {{4, 5}, {4, 5}},
      MultiHeadAttention<double>(2, 3,
                                 {.value_dim = 1,
                                  .dropout = 0.4,
                                  .output_shape = {2, 3},
                                  .attention_axes = {1},
                                  .kernel_initializer = HeNormal({.seed = 3}),
                                  .bias_initializer = Constant(0.5),
                                  .kernel_regularizer = L1L2(0.1, 0.2),
                                  .bias_regularizer = L2(0.3),
                                  .activity_regularizer = L1(0.4),
                                  .kernel_constraint = MaxNorm(3),
                                  .bias_constraint = NonNeg(),
                                  .seed = 5,
                                  .name = "everything"}));
  add("MultiHeadAttention rank 4", {{2, 3, 5}, {4, 2, 5}}, MultiHeadAttention<double>(2, 3));
  add("MultiHeadAttention of rows", {{2, 3, 5}, {2, 4, 5}}, MultiHeadAttention<double>(2, 3, {.attention_axes = {-2}}));
  add("GroupQueryAttention", {{4, 5}, {6, 5}}, GroupQueryAttention<double>(3, 4, 2));
  add("GroupQueryAttention one", {{4, 5}, {6, 5}, {6, 5}},
      GroupQueryAttention<double>(2, 3, 1, {.dropout = 0.2, .use_bias = false, .use_causal_mask = true}));
  return all;
}

const graft::test::LayerCases registered_attention(&attention_cases);

}  // namespace

TEST_CASE("attention obeys the layer contract") {
  for (const LayerCase& test : attention_cases()) check_layer_contract(test);
}
