#include "tests/support/layer_contract.hpp"

using namespace graft;
using namespace graft::test;
using Catch::Matchers::ContainsSubstring;

// Layers that stand by themselves: products by an equation, categories, what Keras 3 has dropped.
namespace {

std::vector<LayerCase> more_layers_cases() {
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
  add("Highway", {{5}}, Highway<double>({.activation = "tanh"}));
  add("Highway mish", {{5}}, Highway<double>({.activation = "mish", .use_bias = false, .kernel_regularizer = L2(0.1)}));
  add("MaxoutDense", {{5}}, MaxoutDense<double>(3));
  add("MaxoutDense no bias", {{5}}, MaxoutDense<double>(4, {.nb_feature = 2, .use_bias = false}));
  for (const Index implementation : {1, 2, 3}) {
    const std::string label = "implementation " + std::to_string(implementation);
    add("LocallyConnected1D " + label, {{7, 3}},
        LocallyConnected1D<double>(2, 3, {.strides = 2, .activation = "tanh", .implementation = implementation}));
    add("LocallyConnected2D " + label, {{4, 5, 2}},
        LocallyConnected2D<double>(3, {2, 3}, {.strides = {1, 2}, .implementation = implementation}));
    add("LocallyConnected2D channels_first " + label, {{2, 4, 5}},
        LocallyConnected2D<double>(
            3, {3, 2},
            {.data_format = "channels_first", .kernel_regularizer = L2(0.1), .implementation = implementation}));
    if (implementation == 1) continue;
    add("LocallyConnected1D same " + label, {{7, 2}},
        LocallyConnected1D<double>(2, 4, {.padding = "same", .use_bias = false, .implementation = implementation}));
    add("LocallyConnected2D same " + label, {{2, 3, 4}},
        LocallyConnected2D<double>(
            2, 3,
            {.strides = 2, .padding = "SAME", .data_format = "channels_first", .implementation = implementation}));
  }
  return all;
}

const LayerCases registered_more_layers(&more_layers_cases);

template <class Layer>
std::vector<double> outputs(const Layer& layer, const Tensor<double>& x) {
  const Tensor<double> y = LayerRun<double>(layer, x, {}).forward().y();
  return {y.begin(), y.end()};
}

}  // namespace

TEST_CASE("single layers obey the layer contract") {
  for (const LayerCase& test : more_layers_cases()) check_layer_contract(test);
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

TEST_CASE("LocallyConnected: kernels of all implementations say the same") {
  // Weights of implementation 2 made from those of 1, by the rule that defines them; 3 takes what is used of 2 in
  // order.
  for (const bool last : {true, false}) {
    INFO((last ? "channels_last" : "channels_first"));
    const Index in = 4, channels = 2, out = 3, filters = 2, window = 2;
    const auto make = [&](Index implementation) {
      return LocallyConnected1D<double>(filters, window,
                                        {.data_format = last ? "channels_last" : "channels_first",
                                         .use_bias = false,
                                         .implementation = implementation});
    };
    const Tensor<double> x = random_tensor<double>(last ? Shape{2, in, channels} : Shape{2, channels, in}, 3);
    const auto one = make(1), two = make(2), three = make(3);
    for (const auto& layer : {one, two, three}) layer.impl().ensure_built(std::vector<Shape>{x.shape()});
    const Tensor<double> w = random_tensor<double>({out, window * channels, filters}, 5);
    Tensor<double> dense(last ? Shape{in, channels, out, filters} : Shape{channels, in, filters, out}, 0.0);
    std::vector<double> used;
    for (Index i = 0; i < in * channels; ++i) {
      for (Index o = 0; o < out * filters; ++o) {
        const Index pixel = last ? i / channels : i % in, c = last ? i % channels : i / in;
        const Index p = last ? o / filters : o % out, f = last ? o % filters : o / out, t = pixel - p;
        if (t < 0 || t >= window) continue;
        const Index feature = last ? t * channels + c : c * window + t;
        used.push_back(dense[i * out * filters + o] = w[(p * window * channels + feature) * filters + f]);
      }
    }
    one.set_weights({w});
    two.set_weights({dense});
    three.set_weights({Tensor<double>({static_cast<Index>(used.size())}, used)});
    const Tensor<double> y = LayerRun<double>(one, x, {}).forward().y();
    CHECK(distance(LayerRun<double>(two, x, {}).forward().y(), y) < 1e-14);
    CHECK(distance(LayerRun<double>(three, x, {}).forward().y(), y) < 1e-14);
  }
  CHECK_THROWS_AS(LocallyConnected1D<double>(2, 3, {.padding = "same"}), ConfigError);
  CHECK_THROWS_AS(LocallyConnected1D<double>(2, 3, {.implementation = 4}), ConfigError);
}
