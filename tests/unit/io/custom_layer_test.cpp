#include "tests/support/temp_dir.hpp"
#include "tests/unit/io/keras_file.hpp"

// Layers that graft does not have: an error that helps, or a layer of the user's.
using namespace graft;
using namespace graft::test;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr const char* kSequential =
    R"({"class_name": "Sequential", "config": {"name": "s", "layers": [
{"class_name": "InputLayer", "config": {"batch_input_shape": [null, 3], "dtype": "float32", "name": "in"}},
{"class_name": "Dense", "config": {"name": "d1", "units": 2}},
)";
constexpr const char* kEnd = "]}}";

KerasFile file_with(const std::string& layer) {
  KerasFile file;
  file.model_config = std::string(kSequential) + layer + kEnd;
  file.layers = {{"d1", {{"d1/kernel:0", numbers({3, 2}, 0)}, {"d1/bias:0", numbers({2}, 1)}}}, {"twice", {}}};
  return file;
}

Layer<float> twice(const Config& config) {
  return Rescaling(config.find_set("arguments") ? config.at("arguments").get("by", 2.0) : 2.0);
}

}  // namespace

TEST_CASE("load_model: an unknown class is an error with the layer, its class, its inputs and near names") {
  const TempDir dir;
  const std::string path = dir / "m.h5";
  const auto error = [&] { return error_of([&] { (void)load_model(path); }); };
  file_with(R"({"class_name": "My>LayerNormalisation", "config": {"name": "twice"}})").write(path);
  CHECK_THAT(error(), ContainsSubstring(path) && ContainsSubstring("layer \"twice\"") &&
                          ContainsSubstring("class \"My>LayerNormalisation\"") &&
                          ContainsSubstring("LayerNormalization") && ContainsSubstring("register_layer") &&
                          ContainsSubstring("Its inputs: \"d1\""));
  CHECK(error().size() < 700);
  KerasFile graph;
  graph.model_config =
      R"({"class_name": "Functional", "config": {"name": "m", "layers": [
{"class_name": "InputLayer", "config": {"batch_input_shape": [null, 3], "name": "a"}, "name": "a", "inbound_nodes": []},
{"class_name": "InputLayer", "config": {"batch_input_shape": [null, 3], "name": "b"}, "name": "b", "inbound_nodes": []},
{"class_name": "Zwx", "config": {"name": "z"}, "name": "z", "inbound_nodes": [[["a", 0, 0, {}], ["b", 0, 0, {}]]]}],
"input_layers": [["a", 0, 0], ["b", 0, 0]], "output_layers": [["z", 0, 0]]}})";
  graph.write(path);
  CHECK_THAT(error(), ContainsSubstring("class \"Zwx\"") && ContainsSubstring("Its inputs: \"a\", \"b\""));
}

TEST_CASE("load_model: classes for one load, with and without a package in front of the name") {
  const TempDir dir;
  const auto x = numbers({4, 3}, -1);
  for (const std::string name : {"Twice", "Custom>Twice"}) {
    file_with(R"({"class_name": ")" + name + R"(", "config": {"name": "twice", "arguments": {"by": 3.0}}})")
        .write(dir / "m.h5");
    CHECK_THROWS_AS(load_model(dir / "m.h5"), ConfigError);
    const auto model = load_model(dir / "m.h5", {.custom_layers = {{"Twice", &twice}}});
    const auto once = Model(model.inputs()[0], model.layers()[0](model.inputs()[0])).predict(x), y = model.predict(x);
    for (Index i = 0; i < y.size(); ++i) CHECK(y[i] == 3 * once[i]);
    // It was for that load alone.
    CHECK_THROWS_AS(load_model(dir / "m.h5"), ConfigError);
  }
  // A class of graft's own can be replaced for one load.
  file_with(R"({"class_name": "ReLU", "config": {"name": "twice"}})").write(dir / "m.h5");
  CHECK(load_model(dir / "m.h5", {.custom_layers = {{"ReLU", &twice}}}).layers()[1].class_name() == "Rescaling");
  CHECK(load_model(dir / "m.h5").layers()[1].class_name() == "ReLU");
}

TEST_CASE("load_model: a Lambda is never executed; a layer stands in for it") {
  const TempDir dir;
  const std::string path = dir / "m.h5";
  const auto error = [&] { return error_of([&] { (void)load_model(path); }); };
  const auto x = numbers({4, 3}, -1);
  SECTION("code") {
    for (const std::string function :
         {R"(["4wEAAAAAAAAA", null, null], "function_type": "lambda")",
          R"({"class_name": "__lambda__", "config": {"code": "4wEA", "defaults": null}})"}) {
      file_with(R"({"class_name": "Lambda", "config": {"name": "twice", "function": )" + function + "}}").write(path);
      CHECK_THAT(error(),
                 ContainsSubstring("layer \"twice\"") && ContainsSubstring("Python code, which is never executed") &&
                     ContainsSubstring("register_function(\"twice\"") && ContainsSubstring("Its inputs: \"d1\""));
      const auto model = load_model(path, {.functions = {{"twice", &twice}}});
      CHECK(model.layers()[1].class_name() == "Rescaling");
      CHECK(model.layers()[1].name() == "twice");
    }
  }
  SECTION("a named function") {
    file_with(R"({"class_name": "Lambda", "config": {"name": "l", "function": "times", "function_type": "function",
                "module": "__main__", "arguments": {"by": 4.0}}})")
        .write(path);
    CHECK_THAT(error(), ContainsSubstring("the function \"times\", which is not known"));
    CHECK_THAT(error_of([&] {
                 (void)load_model(path, {.functions = {{"time", &twice}}});
               }),
               ContainsSubstring("Did you mean \"time\"?"));
    register_function("times", &twice);
    const auto model = load_model(path);
    const auto once = Model(model.inputs()[0], model.layers()[0](model.inputs()[0])).predict(x), y = model.predict(x);
    for (Index i = 0; i < y.size(); ++i) CHECK(y[i] == 4 * once[i]);
  }
  SECTION("an activation of Keras or TensorFlow") {
    const auto with_module = [&](const std::string& module) {
      file_with(R"({"class_name": "Lambda", "config": {"name": "l", "function": "relu", "function_type": "function",
                  "module": ")" +
                module + "\"}}")
          .write(path);
    };
    with_module("tensorflow.python.ops.gen_nn_ops");
    CHECK(load_model(path).layers()[1].class_name() == "Activation");
    with_module("__main__");
    CHECK_THAT(error(), ContainsSubstring("which is not known"));
  }
}
