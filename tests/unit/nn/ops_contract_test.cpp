#include "tests/support/layer_contract.hpp"

using namespace graft;
using namespace graft::test;

namespace {

using Members = std::vector<Config::Member>;

// Operations with places where they have no value or a very large one; they are tested between 0.3 and 1.2.
const std::vector<const char*> kPositive{"ops.TrueDivide", "ops.Mod",     "ops.FloorDivide", "ops.Power", "ops.Log",
                                         "ops.Log1p",      "ops.Log2",    "ops.Log10",       "ops.Sqrt",  "ops.Rsqrt",
                                         "ops.Tan",        "ops.Arctan2", "ops.Reciprocal"};
bool positive_only(const std::string& name) { return std::count(kPositive.begin(), kPositive.end(), name) > 0; }

std::vector<LayerCase> op_cases() {
  std::vector<LayerCase> all;
  const auto add = [&](const char* class_name, std::vector<Shape> samples, Members config = {}) {
    const Config full = Config::object(std::move(config));
    std::string label(class_name);
    for (const auto& [key, value] : full.members()) label += " " + key;
    for (const Shape& sample : samples) label += " " + sample.str();
    all.push_back({label, make_layer<double>(class_name, full), std::move(samples)});
  };
  const auto list = [](std::vector<Index> values) { return detail::integers_config(values); };
  const auto numbers = [](std::initializer_list<double> values) { return NumberOrList(values).config(); };

  for (std::size_t kind = 0; kind < detail::kBinaryFunctions; ++kind) {
    const char* name = BinaryOpImpl<double>::name_of(kind);
    add(name, {{3, 5}}, {{"x2", 2.0}});
    if (positive_only(name)) continue;
    add(name, {{3, 5}, {3, 5}});
    add(name, {{2, 3, 5}, {2, 1, 5}});
    add(name, {{3, 1}, {1, 5}});
    add(name, {{3, 5}}, {{"x1", numbers({0.3, -1.5, 2.5, 0.7, -0.9})}});
  }
  add("ops.Add", {{2, 7}}, {{"x2", Config::array({Config::array({numbers({1, 2, 3, 4, 5, 6, 7})})})}});
  add("ops.Power", {{3, 5}}, {{"x1", 2.5}});
  for (std::size_t kind = 0; kind < detail::kUnaryFunctions; ++kind) {
    const char* name = UnaryOpImpl<double>::name_of(kind);
    // The gradient of StopGradient is not that of its value.
    if (!positive_only(name) && std::string(name) != "ops.StopGradient") add(name, {{3, 7}});
  }
  add("ops.Clip", {{3, 7}}, {{"x_min", -0.5}, {"x_max", 1.0}});
  add("ops.Clip", {{7}}, {{"x_max", 1.0}});
  add("ops.Cast", {{7}}, {{"target_dtype", "float16"}});
  add("ops.Cast", {{7}}, {{"target_dtype", "int32"}});
  add("ops.Cast", {{7}}, {{"target_dtype", "bool"}});
  add("ops.Where", {{3, 5}, {3, 5}, {3, 5}});
  add("ops.Where", {{3, 1}, {1, 5}, {3, 5}});
  add("ops.Where", {{3, 5}}, {{"condition", numbers({1, 0, 1, 0, 0})}, {"x2", -1.0}});
  for (std::size_t kind = 0; kind < ReduceOpImpl<double>::kCount; ++kind) {
    const char* name = ReduceOpImpl<double>::name_of(kind);
    add(name, {{3, 2, 5}}, {{"axis", -1}});
    add(name, {{3, 2, 5}}, {{"axis", 1}, {"keepdims", true}});
    if (std::string(name).find("Arg") == std::string::npos) add(name, {{3, 2, 5}}, {{"axis", list({1, 3})}});
  }
  add("ops.Cumsum", {{3, 5}}, {{"axis", 1}});
  add("ops.Cumsum", {{3, 5}}, {{"axis", -1}});
  const auto slice = [](Config start, Config stop, Config step) {
    return Config::object({{"start", start}, {"stop", stop}, {"step", step}});
  };
  const Config all_of_it = slice({}, {}, {});
  add("ops.GetItem", {{4, 3}}, {{"key", Config::array({"...", 2})}});
  add("ops.GetItem", {{4, 3}}, {{"key", Config::array({all_of_it, -1})}});
  add("ops.GetItem", {{7, 3}}, {{"key", Config::array({all_of_it, slice(1, -1, 2), Config(), slice({}, {}, -1)})}});
  add("ops.GetItem", {{7, 3}}, {{"key", Config::array({all_of_it, slice(-3, {}, {}), slice(5, 0, -2)})}});
  add("ops.Transpose", {{3, 2, 5}}, {{"axes", list({0, 3, 1, 2})}});
  add("ops.Swapaxes", {{3, 2, 5}}, {{"axis1", 1}, {"axis2", -1}});
  add("ops.Moveaxis", {{3, 2, 5}}, {{"source", -1}, {"destination", 1}});
  add("ops.Moveaxis", {{3, 2, 5}}, {{"source", list({1, 3})}, {"destination", list({2, 1})}});
  add("ops.Tile", {{3, 5}}, {{"repeats", list({2, 3})}});
  add("ops.Repeat", {{3, 5}}, {{"repeats", 3}, {"axis", 1}});
  add("ops.Repeat", {{3, 5}}, {{"repeats", 2}, {"axis", -1}});
  add("ops.BroadcastTo", {{3, 1}}, {{"shape", list({-1, 3, 5})}});
  add("ops.Flip", {{3, 5}}, {{"axis", list({1, 2})}});
  add("ops.Flip", {{3, 5}}, {{"axis", -1}});
  add("ops.Reshape", {{6, 5}}, {{"newshape", list({-1, 3, 10})}});
  add("ops.ExpandDims", {{3, 5}}, {{"axis", -1}});
  add("ops.ExpandDims", {{3, 5}}, {{"axis", list({1, 3})}});
  add("ops.Squeeze", {{3, 1, 5, 1}});
  add("ops.Squeeze", {{3, 1, 5, 1}}, {{"axis", -1}});
  add("ops.Stack", {{3, 5}, {3, 5}, {3, 5}}, {{"axis", -1}});
  add("ops.Stack", {{3, 5}, {3, 5}}, {{"axis", 1}});
  add("ops.Split", {{3, 5}}, {{"indices_or_sections", 1}, {"axis", 1}});
  add("ops.Unstack", {{1, 5}}, {{"axis", 1}});
  const Config widths = Config::array({list({0, 0}), list({1, 2}), list({0, 1})});
  add("ops.Pad", {{3, 4}}, {{"pad_width", widths}, {"constant_values", 1.5}});
  add("ops.Pad", {{3, 4}}, {{"pad_width", widths}, {"mode", "reflect"}});
  add("ops.Pad", {{3, 4}}, {{"pad_width", widths}, {"mode", "SYMMETRIC"}});
  for (const bool a : {false, true}) {
    for (const bool b : {false, true}) {
      const Shape left = a ? Shape{4, 3} : Shape{3, 4}, right = b ? Shape{5, 4} : Shape{4, 5};
      add("ops.Matmul", {left, right}, {{"transpose_a", a}, {"transpose_b", b}});
      add("ops.Matmul", {Shape{2, left[0], left[1]}, Shape{1, right[0], right[1]}},
          {{"transpose_a", a}, {"transpose_b", b}});
    }
  }
  add("ops.Matmul", {{3, 2}}, {{"x2", Config::array({numbers({1, 2, 3}), numbers({-4, 5, 6})})}});
  return all;
}

double value_of(const char* name, double x, Members config = {}) {
  const Layer<double> layer = make_layer<double>(name, Config::object(std::move(config)));
  return LayerRun<double>(layer, Tensor<double>({1, 1}, {x}), {}).forward().y()[0];
}

}  // namespace

TEST_CASE("every operation obeys the layer contract") {
  for (const LayerCase& test : op_cases()) check_layer_contract(test);
}

TEST_CASE("operations of positive numbers: values and gradients") {
  const Use use{true, true, false, true};
  const std::vector<const char*> two{"ops.TrueDivide", "ops.Mod", "ops.FloorDivide", "ops.Power", "ops.Arctan2"};
  for (const char* name : kPositive) {
    INFO(name);
    Tensors<double> x;
    const bool binary = std::count(two.begin(), two.end(), std::string(name)) > 0;
    for (std::uint64_t i = 0; i < (binary ? 2u : 1u); ++i) {
      x.push_back(random_tensor<double>(i == 0 ? Shape{2, 3, 5} : Shape{2, 1, 5}, 3 + i));
      for (double& value : x.back().view().span()) value = 0.3 + 0.9 * std::abs(value) / (1 + std::abs(value));
    }
    const Layer<double> layer = make_layer<double>(name, Config::object());
    check_gradients(layer, x, use);
    check_memory(layer, x, use);
  }
  CHECK(value_of("ops.Log10", 1000) == Approx(3));
  CHECK(value_of("ops.Log2", 8) == Approx(3));
  CHECK(value_of("ops.Rsqrt", 4) == Approx(0.5));
  CHECK(value_of("ops.Power", -3, {{"x2", 2}}) == 9);
}

TEST_CASE("operations: values") {
  CHECK(value_of("ops.FloorDivide", -7, {{"x2", 2}}) == -4);
  CHECK(value_of("ops.Mod", -7, {{"x2", 3}}) == 2);
  CHECK(value_of("ops.Round", 2.5) == 2);
  CHECK(value_of("ops.Cast", -2.7, {{"target_dtype", "int64"}}) == -2);
  CHECK(value_of("ops.NotEqual", 0, {{"x2", 0}}) == 0);
  CHECK(value_of("ops.TrueDivide", 4, {{"x1", 2}}) == 0.5);

  const auto run = [](const char* name, const Shape& shape, std::vector<double> x, Members config) {
    const Layer<double> layer = make_layer<double>(name, Config::object(std::move(config)));
    const Tensor<double> y = LayerRun<double>(layer, Tensor<double>(shape, x), {}).forward().y();
    return std::vector<double>(y.begin(), y.end());
  };
  using V = std::vector<double>;
  const V six{1, 2, 3, 4, 5, 6};
  CHECK(run("ops.Transpose", {2, 3}, six, {}) == V{1, 4, 2, 5, 3, 6});
  CHECK(run("ops.Flip", {2, 3}, six, {{"axis", 1}}) == V{3, 2, 1, 6, 5, 4});
  CHECK(run("ops.Cumsum", {2, 3}, six, {{"axis", 1}}) == V{1, 3, 6, 4, 9, 15});
  CHECK(run("ops.Repeat", {1, 3}, {1, 2, 3}, {{"repeats", 2}, {"axis", 1}}) == V{1, 1, 2, 2, 3, 3});
  CHECK(run("ops.Tile", {1, 3}, {1, 2, 3}, {{"repeats", Config::array({1, 2})}}) == V{1, 2, 3, 1, 2, 3});
  CHECK(run("ops.Std", {2, 2}, {1, 3, 2, 6}, {{"axis", 1}}) == V{1, 2});
  CHECK(run("ops.Argmax", {2, 3}, {1, 9, 2, 7, 5, 7}, {{"axis", 1}}) == V{1, 0});
  CHECK(run("ops.Pad", {1, 3}, {1, 2, 3},
            {{"pad_width", Config::array({Config::array({0, 0}), Config::array({2, 1})})}, {"mode", "reflect"}}) ==
        V{3, 2, 1, 2, 3, 2});
  CHECK(run("ops.GetItem", {1, 5}, {1, 2, 3, 4, 5},
            {{"key", Config::array({"...", Config::object({{"start", -2}, {"stop", {}}, {"step", -2}})})}}) == V{4, 2});
}

TEST_CASE("operations: what does not fit is refused") {
  const Shape five[] = {Shape{-1, 5}}, pair[] = {Shape{-1, 5}, Shape{-1, 4}};
  const auto make = [](const char* name, Members config) {
    return make_layer<double>(name, Config::object(std::move(config)));
  };
  CHECK_THROWS_AS(make("ops.Add", {{"x1", 1.0}, {"x2", 1.0}}), ConfigError);
  CHECK_THROWS_AS(make("ops.Add", {}).impl().output_shape(pair), ShapeError);
  CHECK_THROWS_AS(make("ops.Add", {}).impl().output_shape(five), ShapeError);
  CHECK_THROWS_AS(make("ops.Mean", {{"axis", 2}}).impl().output_shape(five), ShapeError);
  CHECK_THROWS_AS(make("ops.Argmax", {{"axis", Config::array({0, 1})}}), ConfigError);
  CHECK_THROWS_AS(make("ops.GetItem", {{"key", Config::array({"...", "..."})}}), ConfigError);
  CHECK_THROWS_AS(make("ops.GetItem", {{"key", Config::array({"...", 5})}}).impl().output_shape(five), ShapeError);
  CHECK_THROWS_AS(make("ops.Transpose", {{"axes", Config::array({0, 0})}}).impl().output_shape(five), ShapeError);
  CHECK_THROWS_AS(make("ops.Reshape", {{"newshape", Config::array({-1, -1})}}), ConfigError);
  CHECK_THROWS_AS(make("ops.Squeeze", {{"axis", 1}}).impl().output_shape(five), ShapeError);
  CHECK_THROWS_AS(make("ops.Split", {{"indices_or_sections", 2}, {"axis", 1}}).impl().output_shapes(five), ShapeError);
  CHECK_THROWS_AS(make("ops.Cast", {{"target_dtype", "string"}}), ConfigError);
  CHECK_THROWS_AS(make("ops.Pad", {{"pad_width", -1}}), ConfigError);
  CHECK_THROWS_AS(make("ops.Tile", {{"repeats", Config::array({1, Index(1) << 39})}})
                      .impl()
                      .output_shape(std::vector<Shape>{Shape{-1, Index(1) << 40}}),
                  ShapeError);
}

TEST_CASE("the contract test names every operation") {
  register_builtin_layers<double>();
  std::vector<std::string> tested(kPositive.begin(), kPositive.end());
  tested.push_back("ops.StopGradient");
  for (const LayerCase& test : op_cases()) tested.emplace_back(test.layer.class_name());
  for (const std::string& name : LayerRegistry<double>::instance().class_names()) {
    INFO(name);
    if (name.substr(0, 4) == "ops.") CHECK(std::count(tested.begin(), tested.end(), name) > 0);
  }
}
