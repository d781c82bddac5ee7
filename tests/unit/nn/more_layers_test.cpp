#include "tests/support/layer_contract.hpp"

using namespace graft;
using namespace graft::test;
using Catch::Matchers::ContainsSubstring;

// Layers that stand by themselves: products by an equation, categories, what Keras 3 has dropped.
namespace {

std::vector<LayerCase> cases() {
  std::vector<LayerCase> all;
  const auto add = [&](const std::string& label, std::vector<Shape> samples, const Layer<double>& layer,
                       Index classes = 0) {
    all.push_back({label, layer, std::move(samples), classes});
  };
  add("EinsumDense", {{7}}, EinsumDense<double>("ab,bc->ac", {5}, {.bias_axes = "c"}));
  add("EinsumDense heads", {{4, 6}}, EinsumDense<double>("abc,cde->abde", {-1, 2, 3}, {.bias_axes = "de"}));
  add("EinsumDense turned", {{4, 6}},
      EinsumDense<double>("abc,edc->adeb", {3, 5, 4}, {.activation = "tanh", .bias_axes = "d"}));
  add("EinsumDense shared", {{4, 6}}, EinsumDense<double>("abc,bcd->abd", {4, 3}, {.bias_axes = "bd"}));
  add("EinsumDense two sums", {{2, 3, 4}}, EinsumDense<double>("abcd,cde->abe", {2, 5}, {.activation = "mish"}));
  add("EinsumDense ellipsis", {{3, 2, 7}}, EinsumDense<double>("...x,xy->...y", {5}, {.bias_axes = "y"}));
  add("EinsumDense ellipsis behind", {{7, 3, 2}}, EinsumDense<double>("ab...,bc->ac...", {5}));
  add("EinsumDense with everything", {{7}},
      EinsumDense<double>("ab,bc->ac", {4},
                          {.activation = "softmax",
                           .bias_axes = "c",
                           .kernel_initializer = HeNormal({.seed = 3}),
                           .bias_initializer = Constant(0.5),
                           .kernel_regularizer = L1L2(0.1, 0.2),
                           .bias_regularizer = L2(0.3),
                           .activity_regularizer = L1(0.4),
                           .kernel_constraint = MaxNorm(3),
                           .bias_constraint = NonNeg(),
                           .name = "everything"}));
  add("ThresholdedReLU", {{3, 7}}, ThresholdedReLU<double>({.theta = 0.6}));
  add("CategoryEncoding", {{4}}, CategoryEncoding<double>(7), 7);
  add("CategoryEncoding one_hot", {{1}}, CategoryEncoding<double>(5, {.output_mode = "one_hot"}), 5);
  add("CategoryEncoding one_hot of several", {{3}}, CategoryEncoding<double>(5, {.output_mode = "one_hot"}), 5);
  add("CategoryEncoding count", {{6}}, CategoryEncoding<double>(3, {.output_mode = "count"}), 3);
  add("Discretization", {{7}}, Discretization<double>({-1, 0, 0.5}));
  add("Discretization one_hot", {{7}}, Discretization<double>({-1, 0, 0.5}, {.output_mode = "one_hot"}));
  return all;
}

const LayerCases registered(&cases);

template <class Layer>
std::vector<double> outputs(const Layer& layer, const Tensor<double>& x) {
  const Tensor<double> y = LayerRun<double>(layer, x, {}).forward().y();
  return {y.begin(), y.end()};
}

}  // namespace

TEST_CASE("single layers obey the layer contract") {
  for (const LayerCase& test : cases()) check_layer_contract(test);
}

TEST_CASE("categories: values, and what is none") {
  using V = std::vector<double>;
  const Tensor<double> x({1, 4}, {2, 0, 2, 1});
  CHECK(outputs(CategoryEncoding<double>(4), x) == V{1, 1, 1, 0});
  CHECK(outputs(CategoryEncoding<double>(4, {.output_mode = "count"}), x) == V{1, 1, 2, 0});
  CHECK(outputs(Discretization<double>({0, 1, 2}), x) == V{3, 1, 3, 2});
  CHECK(outputs(Discretization<double>({-1.5, 4}), Tensor<double>({1, 3}, {-2, -1.5, 4})) == V{0, 1, 2});
  CHECK_THROWS_AS(outputs(CategoryEncoding<double>(2), x), DataError);
  CHECK_THROWS_AS(CategoryEncoding<double>(2, {.output_mode = "int"}), ConfigError);
  CHECK_THROWS_AS(Discretization<double>({2, 1}), ConfigError);
  CHECK_THROWS_WITH(make_layer<double>("Discretization", Config::object({{"num_bins", 4}})),
                    ContainsSubstring("adapt"));
}

TEST_CASE("EinsumDense: equations and shapes that do not fit are refused") {
  const Shape matrix[] = {Shape{-1, 4, 6}};
  for (const char* equation : {"abc,cd", "abc,cd->abx", "aab,bc->ac", "abc,cd->ad", "abc.cd->abd", "", "...b,bc->ac"}) {
    INFO(equation);
    CHECK_THROWS_AS(EinsumDense<double>(equation, {4, 5}).impl().output_shape(matrix), ConfigError);
  }
  CHECK_THROWS_AS(EinsumDense<double>("ab,bc->ac", {5}).impl().output_shape(matrix), ShapeError);
  CHECK_THROWS_AS(EinsumDense<double>("abc,cd->abd", {3, 5}).impl().output_shape(matrix), ShapeError);
  CHECK_THROWS_AS(EinsumDense<double>("abc,cd->abd", {4, -1}).impl().ensure_built(matrix), ShapeError);
}
