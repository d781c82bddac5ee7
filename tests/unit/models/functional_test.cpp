#include <sstream>

#include "../../support/catch.hpp"
#include "../../support/temp_dir.hpp"
#include "graft/core.hpp"

using namespace graft;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Two towers that share a Dense, a nested model and an Add.
Model<float> two_towers() {
  const auto a = Input({4}, {.name = "a"}), b = Input({4}, {.name = "b"});
  const Dense shared(3, {.name = "shared"});
  const Sequential inner({Dense(3, {.activation = "relu", .name = "inside", .input_shape = Shape{3}})},
                         {.name = "inner"});
  const auto sum = Add({.name = "sum"})({inner(shared(a)), shared(b)});
  return {{a, b}, {Dense(2, {.name = "head"})(sum)}, {.name = "towers"}};
}

std::string file_text(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("summary of a graph has a column of what each layer is connected to") {
  const auto model = two_towers();
  CHECK(model.summary_text() ==
        "Model: \"towers\"\n"
        "__________________________________________________________________________________________________\n"
        " Layer (type)                Output Shape                 Param #   Connected to                  \n"
        "==================================================================================================\n"
        " a (InputLayer)              [(None, 4)]                  0         []                            \n"
        "                                                                                                  \n"
        " shared (Dense)              (None, 3)                    15        ['a[0][0]',                   \n"
        "                                                                     'b[0][0]']                   \n"
        "                                                                                                  \n"
        " b (InputLayer)              [(None, 4)]                  0         []                            \n"
        "                                                                                                  \n"
        " inner (Sequential)          (None, 3)                    12        ['shared[0][0]']              \n"
        "                                                                                                  \n"
        " sum (Add)                   (None, 3)                    0         ['inner[0][0]',               \n"
        "                                                                     'shared[1][0]']              \n"
        "                                                                                                  \n"
        " head (Dense)                (None, 2)                    8         ['sum[0][0]']                 \n"
        "==================================================================================================\n"
        "Total params: 35\n"
        "Trainable params: 35\n"
        "Non-trainable params: 0\n"
        "__________________________________________________________________________________________________\n");
  const std::string nested = model.summary_text({.expand_nested = true});
  CHECK_THAT(nested,
             ContainsSubstring(
                 "|                                                                                                |\n"
                 "| inside (Dense)            (None, 3)                    12        ['inside_input[0][0]']"));
}

TEST_CASE("a functional model that is a chain has Keras's narrow summary") {
  const auto in = Input({4}, {.name = "in"});
  const Model model(in, Dense(2, {.name = "out"})(in));
  CHECK_THAT(model.summary_text(),
             ContainsSubstring(" in (InputLayer)             [(None, 4)]               0         \n"));
  CHECK_THAT(model.summary_text(), !ContainsSubstring("Connected to"));
}

TEST_CASE("a model is cut out of another at the output of a layer, and shares its variables") {
  const auto model = two_towers();
  const Model<float> lower(model.inputs(), {model.get_layer("sum").output()});
  CHECK(lower.output_shape() == Shape{Shape::kUnknown, 3});
  CHECK(lower.get_layer("shared") == model.get_layer("shared"));
  Tensor<float> x({2, 4}, 0.5f), z({2, 4}, -1.0f);
  const auto sums = lower.predict({x, z});
  // The upper part alone gives what the whole gives.
  const auto middle = Input({3});
  const Model<float> upper(middle, model.get_layer("head")(middle));
  const auto whole = model.predict({x, z}), parts = upper.predict(sums);
  for (Index i = 0; i < whole.size(); ++i) CHECK(whole[i] == parts[i]);

  // Several outputs, and the second call of a layer that is shared.
  const Model<float> taps(model.inputs(),
                          {model.get_layer("shared").get_output_at(1), model.get_layer("inner").output()});
  CHECK(taps.predict_all({x, z}).size() == 2);
  CHECK(model.get_layer("sum").input() == model.get_layer("inner").output());

  // Inside of a nested model.
  const Sequential base({Dense(5, {.name = "first", .input_shape = Shape{4}}), Dense(2, {.name = "second"})});
  const Model<float> features(base.input(), base.get_layer("first").output());
  CHECK(features.predict(x).shape() == Shape{2, 5});
  CHECK(base.output() == base.get_layer("second").output());
}

TEST_CASE("what a graph cannot be is said in Keras's words") {
  const auto a = Input({4}), b = Input({4});
  const Dense dense(3);
  CHECK_THROWS_WITH(dense.output(), ContainsSubstring("never been called"));
  const auto y = Add()({dense(a), Dense(3)(b)});
  CHECK_THROWS_WITH(dense.get_output_at(1), ContainsSubstring("expected one of its 1 calls, received 1"));
  CHECK_THROWS_WITH(Model<float>({a}, {y}), ContainsSubstring("disconnected"));
  const auto twice = Dense(3, {.name = "same"})(Dense(3, {.name = "same"})(a));
  CHECK_THROWS_WITH(Model<float>({a}, {twice}), ContainsSubstring("\"same\"") && ContainsSubstring("unique"));
}

TEST_CASE("clone_model of a graph keeps sharing and nesting, with fresh weights") {
  const auto model = two_towers();
  const auto clone = clone_model(model);
  CHECK(clone.config() == model.config());
  CHECK(clone.weights().size() == model.weights().size());
  CHECK(clone.weights()[0] != model.weights()[0]);
  clone.set_weights(model.get_weights());
  Tensor<float> x({2, 4}, 0.5f), z({2, 4}, -1.0f);
  const auto y = model.predict({x, z}), again = clone.predict({x, z});
  for (Index i = 0; i < y.size(); ++i) CHECK(y[i] == again[i]);
}

TEST_CASE("plot_model writes the graph for Graphviz") {
  const auto model = two_towers();
  const test::TempDir folder;
  const std::string path = folder / "model.dot";
  plot_model(model, path, {.show_shapes = true, .show_trainable = true});
  const std::string text = file_text(path);
  CHECK(text == model_to_dot(model, {.show_shapes = true, .show_trainable = true}));
  CHECK_THAT(text, ContainsSubstring("digraph G {"));
  CHECK_THAT(text,
             ContainsSubstring("n1 [label=\"shared : Dense|trainable|{input:|output:}|{{(None, 4)}|{(None, 3)}}\"];"));
  CHECK_THAT(text,
             ContainsSubstring("  n0 -> n1;\n  n1 -> n3;\n  n2 -> n1;\n  n3 -> n4;\n  n1 -> n4;\n  n4 -> n5;\n}"));
  CHECK_THAT(model_to_dot(model, {.expand_nested = true}),
             ContainsSubstring("subgraph cluster_3 {\n    label=\"inner\";"));
  CHECK_THROWS_AS(plot_model(model, folder / "no/such/folder.dot"), FileError);
  CHECK_THROWS_AS(model_to_dot(model, {.rankdir = "up"}), ConfigError);
}

TEST_CASE("Cropping3D may leave nothing: the output is an empty tensor") {
  const auto x = Input({1, 3, 2, 2});
  const auto y = Conv3D(2, {1, 1, 1})(x);
  const Model model(x, Cropping3D({{3, 0}, {0, 1}, {0, 0}})(y));
  CHECK(model.output_shape() == Shape{-1, 0, 2, 2, 2});
  const auto empty = model.predict(Tensor<float>({5, 1, 3, 2, 2}));
  CHECK(empty.shape() == Shape{5, 0, 2, 2, 2});
  CHECK(empty.size() == 0);
  const Model beside({x}, {Cropping3D(1)(y), y});
  CHECK(beside.predict_all(Tensor<float>({2, 1, 3, 2, 2}))[1].shape() == Shape{2, 1, 3, 2, 2});
  // Nothing comes back through it.
  beside.compile({.optimizer = "sgd", .loss = {"mse", "mse"}, .loss_weights = {0, 1}});
  CHECK_THROWS_AS(Cropping2D(1)(Input({2, 3, 1})), ShapeError);
}
