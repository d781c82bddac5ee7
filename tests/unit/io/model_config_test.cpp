#include "graft/io/keras/model_config.hpp"
#include "graft/io/json.hpp"
#include "tests/support/catch.hpp"

// Every dialect of model_config becomes the same canonical form.
using namespace graft;
using Catch::Matchers::ContainsSubstring;
using keras::Generation;

namespace {

std::string canonical(const std::string& text, Generation generation, bool by_graft = false) {
  std::vector<std::string> warnings;
  return json::dump(keras::ModelConfigReader(generation, by_graft, warnings).read(json::parse(text)));
}
Config layer(const std::string& text, Generation generation, std::size_t index = 0) {
  std::vector<std::string> warnings;
  const Config model = Config::object({{"class_name", "Sequential"}, {"config", Config::array({json::parse(text)})}});
  return keras::ModelConfigReader(generation, false, warnings).read(model).at("config").at("layers").items()[index];
}
std::string error_of(const std::string& text, Generation generation) {
  try {
    (void)canonical(text, generation);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no ConfigError";
}

// What all of the following chains say.
const char* const kChain =
    R"({"class_name": "Sequential", "config": {"name": "net", "layers": [)"
    R"({"class_name": "InputLayer", "config": {"batch_input_shape": [null, 4], "dtype": "float32", "name": "d_input"}}, )"
    R"({"class_name": "Dense", "config": {"name": "d", "units": 2, "activation": "hard_sigmoid_keras2", "batch_input_shape": [null, 4]}}]}})";

}  // namespace

TEST_CASE("model_config: list form, dict form, with and without InputLayer") {
  clear_session();
  const std::string dense =
      R"({"class_name": "Dense", "config": {"name": "d", "units": 2, "activation": "hard_sigmoid", "batch_input_shape": [null, 4]}})";
  CHECK(canonical(R"({"class_name": "Sequential", "config": {"name": "net", "layers": [)" + dense + "]}}",
                  Generation::keras2) == kChain);
  const std::string input =
      R"({"class_name": "InputLayer", "config": {"batch_input_shape": [null, 4], "dtype": "float32", "name": "d_input", "sparse": false, "ragged": false}}, )";
  CHECK(canonical(R"({"class_name": "Sequential", "config": {"name": "net", "layers": [)" + input + dense + "]}}",
                  Generation::keras2) == kChain);
  // A list has no name.
  std::string listed = kChain;
  listed.replace(listed.find("net"), 3, "sequential");
  CHECK(canonical(R"({"class_name": "Sequential", "config": [)" + dense + "]}", Generation::keras2) == listed);
  // build_input_shape helps where no layer says it.
  const Config built = json::parse(
      canonical(R"({"class_name": "Sequential", "config": {"name": "net", "build_input_shape": [null, 7], "layers": [)"
                R"({"class_name": "Flatten", "config": {"name": "f"}}]}})",
                Generation::keras2));
  CHECK(json::dump(built.at("config").at("layers").items()[0].at("config")) ==
        R"({"batch_input_shape": [null, 7], "dtype": "float32", "name": "f_input"})");
}

TEST_CASE("model_config: a nested model that stands first says the shape of the input") {
  const Config model = json::parse(canonical(
      R"({"class_name": "Sequential", "config": {"name": "outer", "layers": [{"class_name": "Model", "config": {"name": "base", "layers": [)"
      R"({"class_name": "InputLayer", "name": "in", "config": {"name": "in", "batch_input_shape": [null, 8]}, "inbound_nodes": []}],)"
      R"("input_layers": [["in", 0, 0]], "output_layers": [["in", 0, 0]]}}]}})",
      Generation::keras2));
  const auto& layers = model.at("config").at("layers").items();
  REQUIRE(layers.size() == 2);
  CHECK(json::dump(layers[0].at("config").at("batch_input_shape")) == "[null, 8]");
  CHECK(layers[1].at("class_name").as_string() == "Functional");
}

TEST_CASE("model_config: Keras 1 words") {
  const Config dense =
      layer(
          R"({"class_name": "Dense", "config": {"W_constraint": {"name": "MaxNorm", "m": 2, "axis": 0}, "b_constraint": null, "name": "d",
          "init": "uniform", "bias": false, "input_dim": 3, "b_regularizer": null, "output_dim": 5, "activation": "hard_sigmoid",
          "W_regularizer": {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.25}, "trainable": true}})",
          Generation::keras1, 1)
          .at("config");
  CHECK(dense.at("units").as_int() == 5);
  CHECK(dense.at("use_bias").as_bool() == false);
  CHECK(dense.at("kernel_initializer").as_string() == "random_uniform");
  CHECK(dense.at("activation").as_string() == "hard_sigmoid_keras2");
  CHECK(json::dump(dense.at("kernel_regularizer")) == R"({"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.25}})");
  CHECK(json::dump(dense.at("kernel_constraint")) ==
        R"({"class_name": "MaxNorm", "config": {"axis": 0, "max_value": 2}})");
  CHECK(json::dump(dense.at("batch_input_shape")) == "[null, 3]");
  CHECK(dense.at("bias_regularizer").is_null());
  for (const char* gone :
       {"output_dim", "init", "bias", "W_regularizer", "b_regularizer", "W_constraint", "b_constraint", "input_dim"}) {
    CHECK_FALSE(dense.contains(gone));
  }
  CHECK(layer(R"({"class_name": "Dropout", "config": {"name": "x", "p": 0.5}})", Generation::keras1)
            .at("config")
            .at("rate")
            .as_double() == 0.5);
  CHECK(layer(R"({"class_name": "GaussianNoise", "config": {"name": "x", "sigma": 0.1}})", Generation::keras1)
            .at("config")
            .at("stddev")
            .as_double() == 0.1);
  CHECK(layer(R"({"class_name": "PReLU", "config": {"name": "x", "init": "zero"}})", Generation::keras1)
            .at("config")
            .at("alpha_initializer")
            .as_string() == "zeros");
  const Config norm =
      layer(
          R"({"class_name": "BatchNormalization", "config": {"name": "x", "mode": 0, "axis": -1, "epsilon": 1e-05, "beta_init": "zero", "gamma_init": "one"}})",
          Generation::keras1)
          .at("config");
  CHECK_FALSE(norm.contains("mode"));
  CHECK(norm.at("gamma_initializer").as_string() == "ones");
  CHECK(norm.at("epsilon").as_double() == 1e-05);
  CHECK_THAT(
      error_of(
          R"({"class_name": "Sequential", "config": [{"class_name": "BatchNormalization", "config": {"name": "b", "mode": 1}}]})",
          Generation::keras1),
      ContainsSubstring("BatchNormalization \"b\": expected mode 0") && ContainsSubstring("mode 1"));
}

TEST_CASE("model_config: tf.keras habits") {
  const Config norm =
      layer(
          R"({"class_name": "BatchNormalization", "config": {"name": "b", "axis": [3], "dtype": {"class_name": "Policy", "config": {"name": "mixed_float16"}},
                                "gamma_initializer": {"class_name": "Ones", "config": {"dtype": "float32"}}}})",
          Generation::keras2)
          .at("config");
  CHECK(norm.at("axis").as_int() == 3);
  CHECK(norm.at("dtype").as_string() == "float32");
  CHECK(json::dump(norm.at("gamma_initializer")) == R"({"class_name": "Ones", "config": {}})");
  const Config reshape =
      layer(
          R"({"class_name": "Reshape", "config": {"name": "r", "target_shape": {"class_name": "__tuple__", "items": [2, {"class_name": "TensorShape", "items": [null, 3]}]}}})",
          Generation::keras2)
          .at("config");
  CHECK(json::dump(reshape.at("target_shape")) == "[2, [null, 3]]");
}

TEST_CASE("model_config: Keras 3 packaging") {
  const Config dense = layer(
      R"({"module": "keras.layers", "class_name": "Dense", "registered_name": null, "build_config": {"input_shape": [null, 4]}, "config": {"name": "d", "units": 2,
          "dtype": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": null, "shared_object_id": 7},
          "activation": {"module": "builtins", "class_name": "function", "config": "relu", "registered_name": "function"}, "quantization_config": null,
          "kernel_initializer": {"module": "keras.initializers", "class_name": "GlorotUniform", "config": {"seed": null}, "registered_name": null}}})",
      Generation::keras3);
  CHECK(json::dump(dense) ==
        R"({"class_name": "Dense", "config": {"name": "d", "units": 2, "dtype": "float32", "activation": "relu", )"
        R"("kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": null}}}})");
  CHECK(layer(R"({"class_name": "InputLayer", "config": {"name": "i", "batch_shape": [null, 4]}})", Generation::keras3)
            .at("config")
            .contains("batch_input_shape"));
  CHECK(layer(R"({"class_name": "LeakyReLU", "config": {"name": "l", "negative_slope": 0.25}})", Generation::keras3)
            .at("config")
            .at("alpha")
            .as_double() == 0.25);
  // The same word, another function.
  CHECK(layer(R"({"class_name": "Activation", "config": {"name": "a", "activation": "hard_sigmoid"}})",
              Generation::keras3)
            .at("config")
            .at("activation")
            .as_string() == "hard_sigmoid");
}

TEST_CASE("model_config: 16-bit policies are run in float32, with a warning") {
  std::vector<std::string> warnings;
  const std::string half =
      R"({"class_name": "Dense", "config": {"name": "NAME", "units": 2, "dtype": "mixed_float16"}})";
  (void)keras::ModelConfigReader(Generation::keras2, false, warnings)
      .read(json::parse(R"({"class_name": "Sequential", "config": {"name": "s", "layers": [)" + half + "," + half +
                        "]}}"));
  CHECK(warnings == std::vector<std::string>{"dtype \"mixed_float16\" is computed in float32"});
}

TEST_CASE("model_config: keys that say nothing are dropped, those that change the result are refused") {
  const std::string front =
      R"({"class_name": "Sequential", "config": {"name": "s", "layers": [{"class_name": "DepthwiseConv2D", "config": {"name": "w", "groups": )";
  CHECK(canonical(front + "1}}]}}", Generation::keras2).find("groups") == std::string::npos);
  CHECK_THAT(error_of(front + "2}}]}}", Generation::keras2),
             ContainsSubstring("DepthwiseConv2D \"w\": expected groups"));
}

TEST_CASE("model_config: inbound_nodes of every era") {
  const auto functional = [](const std::string& inbound, const std::string& ends) {
    return R"({"class_name": "Functional", "config": {"name": "m", "layers": [)"
           R"({"class_name": "InputLayer", "name": "x", "config": {"name": "x"}, "inbound_nodes": []}, )"
           R"({"class_name": "InputLayer", "name": "y", "config": {"name": "y"}, "inbound_nodes": []}, )"
           R"({"class_name": "Add", "name": "a", "config": {"name": "a"}, "inbound_nodes": )" +
           inbound + R"(}], "input_layers": [["x", 0, 0], ["y", 0, 0]], "output_layers": )" + ends + "}}";
  };
  const std::string expected =
      canonical(functional(R"([[["x", 0, 0, {}], ["y", 0, 0, {}]]])", R"([["a", 0, 0]])"), Generation::keras2);
  CHECK(canonical(functional(R"([[["x", 0, 0], ["y", 0, 0]]])", R"([["a", 0, 0]])"), Generation::keras1) == expected);
  CHECK(canonical(functional(R"([[["x", 0, 0, {}], ["y", 0, 0, {}]]])", R"(["a", 0, 0])"), Generation::keras2) ==
        expected);
  const auto tensor = [](const std::string& name) {
    return R"({"class_name": "__keras_tensor__", "config": {"shape": [null, 2], "dtype": "float32", "keras_history": [")" +
           name + R"(", 0, 0]}})";
  };
  CHECK(canonical(functional(R"([{"args": [[)" + tensor("x") + ", " + tensor("y") + R"(]], "kwargs": {"mask": null}}])",
                             R"(["a", 0, 0])"),
                  Generation::keras3) == expected);
  // Two tensors one by one are the operation of that name: see ops_test.cpp.
  CHECK_THAT(canonical(functional(R"([{"args": [)" + tensor("x") + ", " + tensor("y") + R"(], "kwargs": {}}])",
                                  R"(["a", 0, 0])"),
                       Generation::keras3),
             ContainsSubstring(R"("class_name": "ops.Add")"));
  // TFOpLambda leaves out one level.
  CHECK_THAT(canonical(functional(R"([["x", 0, 0, {"y": ["y", 0, 0], "name": null}]])", R"([["a", 0, 0]])"),
                       Generation::keras2),
             ContainsSubstring(R"("inbound_nodes": [[["x", 0, 0, {"y": ["y", 0, 0], "name": null}]]])"));
}

TEST_CASE("model_config: calls of nested models are numbered from 0") {
  const auto siamese = [](const std::string& first, const std::string& second, const std::string& kind,
                          const std::string& end) {
    return R"({"class_name": "Functional", "config": {"name": "m", "layers": [)"
           R"({"class_name": "InputLayer", "name": "x", "config": {"name": "x"}, "inbound_nodes": []}, )"
           R"({"class_name": ")" +
           kind +
           R"(", "name": "base", "config": {"name": "base", "layers": [{"class_name": "InputLayer", "name": "i", "config": {"name": "i", "batch_input_shape": [null, 2]}, "inbound_nodes": []}], )"
           R"("input_layers": [["i", 0, 0]], "output_layers": [["i", 0, 0]]}, "inbound_nodes": [[["x", 0, 0, {}]], [["x", 0, 0, {}]]]}, )"
           R"({"class_name": "Add", "name": "a", "config": {"name": "a"}, "inbound_nodes": [[["base", )" +
           first + R"(, 0, {}], ["base", )" + second +
           R"(, 0, {}]]]}], "input_layers": [["x", 0, 0]], "output_layers": [["base", )" + end + ", 0]]}}";
  };
  const std::string expected = canonical(siamese("0", "1", "Functional", "0"), Generation::keras2);
  CHECK_THAT(expected, ContainsSubstring(R"([["base", 0, 0, {}], ["base", 1, 0, {}]])"));
  CHECK(canonical(siamese("1", "2", "Functional", "1"), Generation::keras2) == expected);
  CHECK(canonical(siamese("1", "2", "Model", "1"), Generation::keras1) == expected);
  CHECK(canonical(siamese("0", "1", "Functional", "1"), Generation::keras3) == expected);
  CHECK(canonical(siamese("0", "1", "Functional", "1"), Generation::keras2, true) == expected);
}

TEST_CASE("model_config: classes without layers in the file, deep nesting and broken references are errors") {
  CHECK_THAT(error_of(R"({"class_name": "ResNet", "config": {"name": "r"}})", Generation::keras2),
             ContainsSubstring("\"ResNet\"") && ContainsSubstring("Python code"));
  std::string deep = R"({"class_name": "Dense", "config": {"name": "d"}})";
  for (int i = 0; i < 70; ++i) deep = R"({"class_name": "Sequential", "config": [)" + deep + "]}";
  CHECK_THAT(error_of(deep, Generation::keras2), ContainsSubstring("nested more than 64 deep"));
  for (
      const std::string text :
      {"[]", "3", "{}", R"({"class_name": "Sequential"})", R"({"class_name": "Sequential", "config": 3})",
       R"({"class_name": "Sequential", "config": {"layers": 3}})", R"({"class_name": "Sequential", "config": [3]})",
       R"({"class_name": "Sequential", "config": [{"class_name": "Dense", "config": []}]})",
       R"({"class_name": "Functional", "config": {"layers": [], "input_layers": [["x"]], "output_layers": []}})",
       R"({"class_name": "Functional", "config": {"layers": [{"class_name": "Dense", "config": {"name": "d"}, "inbound_nodes": 7}], "input_layers": [], "output_layers": []}})",
       R"({"class_name": "Functional", "config": {"layers": [{"class_name": "Dense", "config": {"name": "d"}, "inbound_nodes": [{"args": 1}]}], "input_layers": [], "output_layers": []}})"}) {
    CAPTURE(text);
    CHECK(error_of(text, Generation::keras2) != "no ConfigError");
  }
}

TEST_CASE("model_config: files without a version are judged by their words") {
  const auto generation = [](const std::string& text) { return keras::generation_of("", json::parse(text)); };
  CHECK(
      generation(R"({"class_name": "Sequential", "config": [{"class_name": "Dense", "config": {"output_dim": 3}}]})") ==
      Generation::keras1);
  CHECK(
      generation(
          R"({"class_name": "Sequential", "config": [{"class_name": "Dense", "config": {"units": 3, "use_bias": true}}]})") ==
      Generation::keras2);
  CHECK(
      generation(
          R"({"class_name": "Sequential", "config": {"layers": [{"class_name": "InputLayer", "config": {"batch_shape": [null, 1]}}]}})") ==
      Generation::keras3);
  CHECK(
      generation(
          R"({"class_name": "Sequential", "config": [{"class_name": "Embedding", "config": {"output_dim": 3, "kernel_initializer": 1}}]})") ==
      Generation::keras2);
  CHECK(keras::generation_of("1.2.2", Config()) == Generation::keras1);
  CHECK(keras::generation_of("2.2.4-tf", Config()) == Generation::keras2);
  CHECK(keras::generation_of("3.11.3", Config()) == Generation::keras3);
}

TEST_CASE("model_config: the mode of a call") {
  // One input, a layer of `class_name` called with the given keyword arguments.
  const auto kwargs_of = [](const std::string& class_name, const std::string& kwargs, Generation generation,
                            bool by_graft = false) {
    const std::string config = class_name == "Functional"
                                   ? R"({"name": "l", "layers": [{"class_name": "InputLayer", "name": "i", "config": )"
                                     R"({"name": "i", "batch_input_shape": [null, 2]}, "inbound_nodes": []}], )"
                                     R"("input_layers": [["i", 0, 0]], "output_layers": [["i", 0, 0]]})"
                                   : R"({"name": "l", "rate": 0.5})";
    const std::string call =
        generation == Generation::keras3
            ? R"({"args": [{"class_name": "__keras_tensor__", "config": {"shape": [null, 2], "dtype": "float32", )"
              R"("keras_history": ["x", 0, 0]}}], "kwargs": )" +
                  kwargs + "}"
            : R"([["x", 0, 0, )" + kwargs + "]]";
    const Config model = json::parse(canonical(
        R"({"class_name": "Functional", "config": {"name": "m", "layers": [{"class_name": "InputLayer", "name": "x", )"
        R"("config": {"name": "x", "batch_input_shape": [null, 2]}, "inbound_nodes": []}, {"class_name": ")" +
            class_name + R"(", "name": "l", "config": )" + config + R"(, "inbound_nodes": [)" + call +
            R"(]}], "input_layers": [["x", 0, 0]], "output_layers": [["l", 0, 0]]}})",
        generation, by_graft));
    return json::dump(
        model.at("config").at("layers").items()[1].at("inbound_nodes").items()[0].items()[0].items()[3]);
  };
  const std::string none = "{}", off = R"({"training": false})", on = R"({"training": true})";
  for (const char* class_name : {"Functional", "BatchNormalization"}) {
    CHECK(kwargs_of(class_name, off, Generation::keras3) == off);
    CHECK(kwargs_of(class_name, on, Generation::keras3) == on);
  }
  // Keras 3 writes the layer's own default.
  CHECK(kwargs_of("Dropout", off, Generation::keras3) == none);
  CHECK(kwargs_of("RandomContrast", on, Generation::keras3) == none);
  CHECK(kwargs_of("Dropout", on, Generation::keras3, true) == on);
  CHECK(kwargs_of("Dropout", off, Generation::keras2) == off);
  CHECK(kwargs_of("Dropout", R"({"training": null})", Generation::keras2) == none);
  CHECK(kwargs_of("Dropout", R"({"training": 1})", Generation::keras2) == on);
}
