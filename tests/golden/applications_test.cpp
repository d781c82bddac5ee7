#include "tests/support/applications.hpp"
#include "tests/support/formula_weights.hpp"
#include "tests/support/golden.hpp"

// keras.applications: architecture, weights, and outputs under weights that a formula gives.
namespace {

using golden::json;
using graft::Config;
using graft::Index;
using graft::Model;
using graft::Shape;
using graft::Tensor;
using graft::test::ApplicationArguments;

Shape shape_of(const json& list) {
  Shape shape;
  for (const json& dim : list) shape.push_back(dim.is_null() ? Shape::kUnknown : dim.get<Index>());
  return shape;
}

ApplicationArguments arguments(const json& kwargs) {
  ApplicationArguments result;
  for (const auto& [key, value] : kwargs.items()) {
    if (key == "alpha") result.alpha = value;
    else if (key == "input_shape") result.input_shape = shape_of(value);
    else if (key == "include_top") result.include_top = value;
    else if (key == "classes") result.classes = value;
    else if (key == "pooling" && !value.is_null()) result.pooling = value;
    else if (key != "weights" && key != "pooling") FAIL("an argument that the test does not know: " << key);
  }
  return result;
}

Model<float> construct(const std::string& constructor, const ApplicationArguments& arguments) {
  graft::clear_session();
  return graft::test::applications().at(constructor)(arguments);
}

std::string read_text(const std::string& path) { return graft::read_text_file(path, Index{1} << 26, "JSON"); }

/// What the architecture's JSON alone says, in graft's words.
Config read_architecture(const std::string& path) {
  const Config raw = graft::json::parse(read_text(path), path);
  std::vector<std::string> warnings;
  return graft::keras::ModelConfigReader(graft::keras::Generation::keras3, false, warnings).read(raw);
}

void compare_layers(const Model<float>& model, const Model<float>& from_json) {
  const auto own = model.layers(), other = from_json.layers();
  REQUIRE(own.size() == other.size());
  for (std::size_t i = 0; i < own.size(); ++i) {
    const auto a = own[static_cast<Index>(i)], b = other[static_cast<Index>(i)];
    INFO("layer " << i << ", \"" << b.name() << "\"");
    REQUIRE(a.name() == b.name());
    CHECK(a.class_name() == b.class_name());
    CHECK(graft::json::dump(a.config()) == graft::json::dump(b.config()));
    CHECK(a.output().shape() == b.output().shape());
  }
  // Connections, too.
  CHECK(model.config() == from_json.config());
}

/// The shapes that Keras wrote beside every connection.
void compare_shapes(const Model<float>& model, const json& architecture) {
  int compared = 0;
  const std::function<void(const json&)> visit = [&](const json& value) {
    if (value.is_object() && value.value("class_name", json()) == "__keras_tensor__") {
      const json& config = value["config"];
      const auto layer = model.get_layer(config["keras_history"][0].get<std::string>());
      INFO(layer.name());
      CHECK(layer.output().shape() == shape_of(config["shape"]));
      ++compared;
      return;
    }
    if (value.is_structured()) {
      for (const json& item : value) visit(item);
    }
  };
  for (const json& layer : architecture["config"]["layers"]) visit(layer["inbound_nodes"]);
  CHECK(compared >= static_cast<int>(architecture["config"]["layers"].size()) - 1);
}

void compare_weights(const Model<float>& model, const json& info) {
  CHECK(model.count_params() == info["total_params"].get<Index>());
  Index trainable = 0;
  for (const auto& weight : model.trainable_weights()) trainable += weight->size();
  CHECK(trainable == info["trainable_params"].get<Index>());
  std::vector<std::pair<std::string, Shape>> list;
  graft::test::list_weights(model.impl().layers(), "", list);
  const auto weights = model.weights();
  REQUIRE(list.size() == info["weights"].size());
  REQUIRE(list.size() == weights.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    const json& expected = info["weights"][i];
    INFO("weight " << i);
    CHECK(list[i].first == expected["path"].get<std::string>());
    CHECK(list[i].second == shape_of(expected["shape"]));
    CHECK((weights[i]->kind() == graft::VariableKind::trainable) == expected["trainable"].get<bool>());
  }
}

double largest(const json& numbers) {
  double result = 0;
  for (const json& number : numbers) result = std::max(result, std::abs(number.get<double>()));
  return result;
}

/// Largest difference of the first numbers, relative to `scale`.
double distance(const Tensor<float>& got, const json& expected, double scale) {
  REQUIRE(got.size() >= static_cast<Index>(expected.size()));
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double d = std::abs(static_cast<double>(got[static_cast<Index>(i)]) - expected[i].get<double>());
    if (!(d <= worst)) worst = d;
  }
  return worst / scale;
}

void compare_intermediate(const Model<float>& model, const Tensor<float>& x, const json& expected, double tolerance) {
  const std::string name = expected["layer"];
  INFO("output of " << name);
  const Tensor<float> y = Model<float>(model.inputs(), {model.get_layer(name).output()}).predict(x);
  REQUIRE(y.shape() == shape_of(expected["shape"]));
  const double scale = expected["absmax"];
  CHECK(distance(y, expected["first64"], scale) <= tolerance);
  double sum = 0, squares = 0, most = 0;
  for (Index i = 0; i < y.size(); ++i) {
    sum += static_cast<double>(y[i]);
    squares += static_cast<double>(y[i]) * static_cast<double>(y[i]);
    most = std::max(most, std::abs(static_cast<double>(y[i])));
  }
  const double mean = sum / static_cast<double>(y.size());
  CHECK(std::abs(mean - expected["mean"].get<double>()) <= tolerance * scale);
  CHECK(std::abs(std::sqrt(squares / static_cast<double>(y.size()) - mean * mean) - expected["std"].get<double>()) <=
        tolerance * scale);
  CHECK(std::abs(most - scale) <= tolerance * scale);
}

/// One run: outputs of the constructor's network, and the same bits from the network of the JSON alone.
void compare_numbers(const std::string& constructor, const json& run, double tolerance, const Config& architecture) {
  ApplicationArguments options = arguments(run["kwargs"]);
  options.include_top = run["include_top"];
  if (!run["pooling"].is_null()) options.pooling = run["pooling"];
  const Shape shape = shape_of(run["input_shape"]);
  options.input_shape = shape.without_batch();
  INFO("include_top " << options.include_top << ", input " << shape.str());
  const graft::UninitializedVariables without_values;
  const Model<float> model = construct(constructor, options);
  CHECK(model.count_params() == run["total_params"].get<Index>());
  const golden::FormulaOptions formula{run["kernel_gain"], run["head_factor"]};
  golden::set_formula_weights(model, formula);
  const auto x = golden::formula_input(shape, run["input_scale"], run["input_offset"]);
  const Tensor<float> y = model.predict(x);
  REQUIRE(y.shape() == shape_of(run["output_shape"]));
  REQUIRE(y.size() == static_cast<Index>(run["output"].size()));
  CHECK(distance(y, run["output"], largest(run["output"])) <= tolerance);
  for (const json& one : run["intermediate"]) compare_intermediate(model, x, one, tolerance);

  if (!options.include_top) return;
  Config smaller = architecture;
  Config layers = Config::array();
  for (Config layer : architecture.at("config").at("layers").items()) {
    if (layer.at("class_name") == Config("InputLayer")) {
      REQUIRE(layer.at("config").contains("batch_input_shape"));
      layer["config"]["batch_input_shape"] = graft::detail::shape_config(options.input_shape.with_batch());
    }
    layers.push_back(std::move(layer));
  }
  smaller["config"]["layers"] = layers;
  const Model<float> from_json = Model<float>::from_config(smaller);
  golden::set_formula_weights(from_json, formula);
  CHECK(golden::difference(from_json.predict(x), y, 1) == 0);
}

}  // namespace

TEST_CASE("Golden applications: the formula is the one of the data", "[golden]") {
  CHECK(golden::formula_number(0, 0) == 0.78695090383685118);
  CHECK(golden::formula_number(0, 1) == -0.95744112720667873);
  CHECK(golden::formula_number(0, 1000) == 0.039514198800262523);
  CHECK(golden::formula_number(7, 1000) == 0.13878767617360022);
  CHECK(golden::formula_number(1000000, 2) == -0.44301760740593354);
}

TEST_CASE("Golden applications: the constructor's network is Keras's", "[golden]") {
  auto folder = golden::folder("applications");
  // The plain loops would take minutes for the larger networks.
  const char* isa = std::getenv("GRAFT_ISA");
  if (isa && std::string(isa) == "reference") {
    folder.path = std::string(GRAFT_TEST_GOLDEN) + "/applications";
    folder.index = golden::read_json(folder.path + "/index.json");
  }
  for (const auto& entry : folder.index) {
    const std::string name = entry["name"], path = folder.path + "/" + name;
    DYNAMIC_SECTION(name) {
      const json info = golden::read_json(path + "/info.json");
      const Config architecture = read_architecture(path + "/architecture.json");
      const std::string constructor = info["constructor"];
      {
        const graft::UninitializedVariables without_values;
        const Model<float> model = construct(constructor, arguments(info["kwargs"]));
        compare_layers(model, graft::model_from_json(read_text(path + "/architecture.json")));
        compare_shapes(model, golden::read_json(path + "/architecture.json"));
        compare_weights(model, info);
      }
      const double tolerance = entry["tolerance_hint"]["relative_to_max_abs_output"];
      REQUIRE(tolerance <= 1e-4);
      for (const json& run : golden::read_json(path + "/numeric.json")) {
        compare_numbers(constructor, run, tolerance, architecture);
      }
    }
  }
  CHECK(folder.index.size() >= 3);
}

TEST_CASE("Golden applications: preprocess_input", "[golden]") {
  const json data = golden::read_json(golden::folder("applications").path + "/preprocess_input.json");
  const Tensor<float> x(shape_of(data["shape"]), data["x"].get<std::vector<float>>());
  for (const auto& [mode, expected] : data["modes"].items()) {
    INFO(mode);
    const Tensor<float> y = graft::applications::preprocess_input(x, mode);
    REQUIRE(y.size() == static_cast<Index>(expected.size()));
    CHECK(distance(y, expected, 1) <= 1e-6 * largest(expected));
  }
  for (const auto& [module, mode] : data["mode_of_module"].items()) {
    CHECK(graft::mode_name(graft::applications::preprocessing_mode(module)) == mode.get<std::string>());
  }
}
