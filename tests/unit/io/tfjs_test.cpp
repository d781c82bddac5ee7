#include <cmath>
#include <filesystem>

#include "tests/support/temp_dir.hpp"
#include "tests/unit/io/keras_file.hpp"

// TensorFlow.js layers models, written here as TensorFlow.js and its converter write them.
using namespace graft;
using namespace graft::test;
using Catch::Matchers::ContainsSubstring;

namespace {

Sequential<float> tfjs_net() {
  const Sequential features(
      {Conv2D(3, {2, 2}, {.activation = "relu", .name = "conv_Conv1", .input_shape = Shape{4, 4, 2}}),
       BatchNormalization({.name = "bn_BatchNormalization1"}), Flatten({.name = "flat"})},
      {.name = "features"});
  Sequential model({features, Dense(4, {.activation = "hard_sigmoid_keras2", .name = "dense_Dense1"}),
                    Dense(2, {.name = "dense_Dense2"})},
                   {.name = "net"});
  auto weights = model.get_weights();
  for (std::size_t i = 0; i < weights.size(); ++i)
    weights[i] = numbers(weights[i].shape(), 0.1F * static_cast<float>(i + 1));
  model.set_weights(weights);
  return model;
}

struct TfjsFile {
  bool converted = true;          // by the converter from Keras, or saved by TensorFlow.js itself
  std::string quantization = {};  // "", "uint8", "uint16", "float16"
  std::size_t shard_bytes = 100;
  std::string first_path = "group1-shard1of9.bin";

  // float16 without its own rounding: the numbers of these tests have few digits.
  static unsigned half(float value) {
    if (value == 0) return 0;
    int exponent = 0;
    const float fraction = std::frexp(std::abs(value), &exponent);  // 0.5 … 1
    const auto mantissa = static_cast<unsigned>(std::lround((fraction * 2 - 1) * 1024));
    return (value < 0 ? 0x8000u : 0u) + ((static_cast<unsigned>(exponent + 14) << 10) + mantissa);
  }

  void write(const TempDir& dir, const Model<float>& model) const {
    std::string bytes;
    Config weights = Config::array();
    const auto add = [&](const Layer<float>& layer) {
      for (const auto& variable : layer.weights()) {
        const auto& value = variable->value();
        Config entry = Config::object(), shape = Config::array();
        for (int axis = 0; axis < value.shape().rank(); ++axis) shape.push_back(value.shape()[axis]);
        entry["name"] = layer.name() + "/" + variable->name();
        entry["shape"] = shape;
        entry["dtype"] = "float32";
        const float least = *std::min_element(value.begin(), value.end());
        const float most = *std::max_element(value.begin(), value.end());
        const int levels = quantization == "uint8" ? 255 : 65535;
        const double scale = most > least ? (static_cast<double>(most) - least) / levels : 1.0;
        if (!quantization.empty()) {
          Config& how = entry["quantization"] = Config::object();
          how["dtype"] = quantization;
          how["original_dtype"] = "float32";
          if (quantization != "float16") how["min"] = static_cast<double>(least), how["scale"] = scale;
        }
        for (const float number : value) {
          if (quantization.empty()) {
            bytes.append(reinterpret_cast<const char*>(&number), 4);
          } else {
            const auto level = quantization == "float16"
                                   ? half(number)
                                   : static_cast<unsigned>(std::lround((static_cast<double>(number) - least) / scale));
            bytes += static_cast<char>(level & 255);
            if (quantization != "uint8") bytes += static_cast<char>(level >> 8);
          }
        }
        weights.push_back(std::move(entry));
      }
    };
    for (const auto& layer : model.layers()) {
      const auto inside = layer.impl().sublayers();
      for (const auto& inner : inside) add(inner);
      if (inside.empty()) add(layer);
    }
    Config paths = Config::array();
    for (std::size_t at = 0, k = 1; at < bytes.size(); at += shard_bytes, ++k) {
      const std::string name = k == 1 ? first_path : "group1-shard" + std::to_string(k) + "of9.bin";
      paths.push_back(name);
      if (name.find("group1") == 0) dir.write(name, bytes.substr(at, shard_bytes));
    }
    Config group = Config::object(), json = Config::object();
    group["paths"] = paths;
    group["weights"] = weights;
    keras::ModelConfigWriter writer;
    const Config architecture = writer.write(model.class_name(), model.config());
    json["format"] = "layers-model";
    Config& topology = json["modelTopology"];
    if (converted) {
      topology["keras_version"] = "2.15.0";
      topology["backend"] = "tensorflow";
      topology["model_config"] = architecture;
    } else {
      topology = architecture;
      topology["keras_version"] = "tfjs-layers 4.17.0";
      topology["backend"] = "tensor_flow.js";
    }
    json["weightsManifest"] = Config::array({group});
    dir.write("model.json", json::dump(json));
  }
};

double largest_difference(const Tensor<float>& a, const Tensor<float>& b) {
  double largest = 0;
  for (Index i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(static_cast<double>(a[i]) - b[i]));
  return largest;
}

}  // namespace

TEST_CASE("TensorFlow.js: both forms of the topology, in shards") {
  const TempDir dir;
  const auto model = tfjs_net();
  const auto x = numbers({3, 4, 4, 2}, -1);
  for (const bool converted : {true, false}) {
    for (const std::size_t shard : {std::size_t{7}, std::size_t{100}, std::size_t{100000}}) {
      TfjsFile{.converted = converted, .shard_bytes = shard}.write(dir, model);
      LoadReport report;
      const auto loaded = load_model(dir / "model.json", {.report = &report});
      CHECK(report.loaded.size() == 10);
      CHECK(report.warnings.empty());
      CHECK(same_weights(model, loaded));
      CHECK(same(loaded.predict(x), model.predict(x)));
      const auto again = clone_model(model);
      CHECK(again.load_weights(dir / "model.json").loaded.size() == 10);
      CHECK(same_weights(model, again));
    }
  }
}

TEST_CASE("TensorFlow.js: quantised weights") {
  const TempDir dir;
  const auto model = tfjs_net();
  for (const std::string kind : {"uint8", "uint16", "float16"}) {
    CAPTURE(kind);
    TfjsFile{.quantization = kind}.write(dir, model);
    const auto loaded = load_model(dir / "model.json").get_weights(), exact = model.get_weights();
    const double step = kind == "uint8" ? 0.3 / 255 : kind == "uint16" ? 0.3 / 65535 : 2.0 / 2048;
    double largest = 0;
    for (std::size_t i = 0; i < exact.size(); ++i) largest = std::max(largest, largest_difference(loaded[i], exact[i]));
    CHECK(largest <= 0.51 * step + 1e-6);
    CHECK(largest > 0);
  }
}

TEST_CASE("TensorFlow.js: numbers in half precision") {
  using keras::detail::half_to_double;
  CHECK(half_to_double(0) == 0);
  CHECK(half_to_double(0x3C00) == 1);
  CHECK(half_to_double(0xC000) == -2);
  CHECK(half_to_double(0x7BFF) == 65504);
  CHECK(half_to_double(0x0400) == std::ldexp(1.0, -14));
  CHECK(half_to_double(0x0001) == std::ldexp(1.0, -24));
  CHECK(half_to_double(0x7C00) == HUGE_VAL);
  CHECK(half_to_double(0xFC00) == -HUGE_VAL);
  CHECK(std::isnan(half_to_double(0x7C01)));
}

TEST_CASE("TensorFlow.js: bad files are errors that say what is wrong") {
  const TempDir dir;
  const auto model = tfjs_net();
  const auto error = [&] { return error_of([&] { (void)load_model(dir / "model.json"); }); };
  for (const std::string path : {"../shard.bin", "/etc/passwd", "..", ".hidden", "a\\b", "a/b", "C:x", ""}) {
    CAPTURE(path);
    TfjsFile{.first_path = path}.write(dir, model);
    CHECK_THAT(error(), ContainsSubstring("Files elsewhere are not read"));
    for (const auto& file : std::filesystem::directory_iterator(dir.path())) std::filesystem::remove(file);
  }
  TfjsFile().write(dir, model);
  const auto edit = [&](const std::string& from, const std::string& to) {
    TfjsFile().write(dir, model);
    std::ifstream file(dir / "model.json");
    std::string text(std::istreambuf_iterator<char>(file), {});
    REQUIRE(text.find(from) != text.npos);
    text.replace(text.find(from), from.size(), to);
    dir.write("model.json", text);
  };
  dir.write("group1-shard2of9.bin", "short");
  CHECK_THAT(error(), ContainsSubstring("A file with weights is too short"));
  TfjsFile().write(dir, model);
  std::filesystem::remove(dir / "group1-shard2of9.bin");
  CHECK_THAT(error(), ContainsSubstring("there is no such file"));
  edit("\"shape\": [3]", "\"shape\": [3000000000, 3000000000, 3000000000]");
  CHECK_THAT(error(), ContainsSubstring("fits in memory"));
  edit("\"shape\": [3]", "\"shape\": [-3]");
  CHECK_THAT(error(), ContainsSubstring("fits in memory"));
  edit("\"dtype\": \"float32\"}", "\"dtype\": \"string\"}");
  CHECK_THAT(error(), ContainsSubstring("\"string\""));
  edit("\"layers-model\"", "\"graph-model\"");
  CHECK_THAT(error(), ContainsSubstring("a graph model"));
  edit("\"shape\": [4, 2]", "\"shape\": [2, 4]");
  CHECK_THAT(error(), ContainsSubstring("dense_Dense2/kernel\": expected shape (4, 2), received (2, 4)"));
  dir.write("model.json", "{\"class_name\": \"Sequential\", \"config\": []}");
  CHECK_THAT(error(), ContainsSubstring("an architecture alone"));
  dir.write("model.json", "{\"a\": 1}");
  CHECK_THAT(error(), ContainsSubstring("a TensorFlow.js layers model"));
  dir.write("model.json", "[1, 2");
  CHECK_THAT(error(), ContainsSubstring("byte 6"));
}
