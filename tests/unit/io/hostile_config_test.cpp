#include <chrono>

#include "keras_file.hpp"

using namespace graft;
using Catch::Matchers::ContainsSubstring;
using graft::test::error_of;

namespace {

// From the text of a model_config to a model, as load_model does.
Model<float> budgeted_model(const std::string& text, keras::Generation generation = keras::Generation::keras2) {
  std::vector<std::string> warnings;
  const Config config = keras::ModelConfigReader(generation, false, warnings).read(json::parse(text));
  const WeightBudget budget(keras::weight_budget(1 << 20));
  return Model<float>::from_config(config);
}

double seconds(const std::function<void()>& action) {
  const auto start = std::chrono::steady_clock::now();
  action();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// A chain of n activations, listed in the order that makes a naive reader take the longest.
std::string backward_chain(int n) {
  std::string text = R"({"class_name": "Functional", "config": {"name": "m", "layers": [)";
  for (int i = n; i >= 1; --i) {
    const std::string name = "a" + std::to_string(i), from = i == 1 ? "in" : "a" + std::to_string(i - 1);
    text += R"({"class_name": "Activation", "name": ")" + name + R"(", "config": {"name": ")" + name +
            R"(", "activation": "relu"}, "inbound_nodes": [[[")" + from + R"(", 0, 0, {}]]]},)";
  }
  return text + R"({"class_name": "InputLayer", "name": "in", "config": {"name": "in", "batch_input_shape": [null, 3]},
    "inbound_nodes": []}], "input_layers": [["in", 0, 0]], "output_layers": [["a)" +
         std::to_string(n) + R"(", 0, 0]]}})";
}

std::string long_sequential(int n) {
  std::string text = R"({"class_name": "Sequential", "config": {"name": "m", "layers": [{"class_name": "InputLayer",
    "config": {"name": "in", "batch_input_shape": [null, 3]}})";
  for (int i = 0; i < n; ++i) text += R"(,{"class_name": "ReLU", "config": {"name": "r)" + std::to_string(i) + "\"}}";
  return text + "]}}";
}

const char* kSmall = R"({"class_name": "Functional", "config": {"name": "m", "trainable": true, "layers": [
  {"class_name": "InputLayer", "name": "in", "config": {"name": "in", "batch_input_shape": [null, 8, 8, 2],
   "dtype": "float32"}, "inbound_nodes": []},
  {"class_name": "Conv2D", "name": "c", "config": {"name": "c", "filters": 3, "kernel_size": [3, 3], "strides": [1, 1],
   "padding": "same", "data_format": "channels_last", "dilation_rate": [1, 1], "activation": "relu", "use_bias": true,
   "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": null}}, "kernel_regularizer":
   {"class_name": "L2", "config": {"l2": 0.1}}, "kernel_constraint": null}, "inbound_nodes": [[["in", 0, 0, {}]]]},
  {"class_name": "BatchNormalization", "name": "b", "config": {"name": "b", "axis": [3], "momentum": 0.99,
   "epsilon": 0.001, "center": true, "scale": true}, "inbound_nodes": [[["c", 0, 0, {}]]]},
  {"class_name": "Add", "name": "s", "config": {"name": "s"}, "inbound_nodes": [[["b", 0, 0, {}], ["c", 0, 0, {}]]]},
  {"class_name": "MaxPooling2D", "name": "p", "config": {"name": "p", "pool_size": [2, 2], "strides": [2, 2],
   "padding": "valid", "data_format": "channels_last"}, "inbound_nodes": [[["s", 0, 0, {}]]]},
  {"class_name": "Flatten", "name": "f", "config": {"name": "f"}, "inbound_nodes": [[["p", 0, 0, {}]]]},
  {"class_name": "Dense", "name": "d", "config": {"name": "d", "units": 4, "activation": "softmax"},
   "inbound_nodes": [[["f", 0, 0, {}]]]}],
  "input_layers": [["in", 0, 0]], "output_layers": [["d", 0, 0]]}})";

// Puts `value` in the place of value number `at` of a tree, counted depth first. False when there are fewer.
bool replace(Config& tree, std::size_t& at, const Config& value) {
  if (at-- == 0) {
    tree = value;
    return true;
  }
  bool done = false;
  if (tree.is_array()) {
    std::vector<Config> items = tree.items();
    for (Config& item : items) {
      done = replace(item, at, value);
      if (done) break;
    }
    if (done) tree = Config::array(std::move(items));
  } else if (tree.is_object()) {
    std::vector<Config::Member> members = tree.members();
    for (auto& member : members) {
      done = replace(member.second, at, value);
      if (done) break;
    }
    if (done) tree = Config::object(std::move(members));
  }
  return done;
}

}  // namespace

TEST_CASE("hostile configs: depth, and values in which 64 bits do not suffice") {
  const std::string deep = std::string(10000, '[') + std::string(10000, ']');
  CHECK_THAT(error_of([&] { (void)budgeted_model(deep); }), ContainsSubstring("512 deep"));
  std::string nested = R"({"class_name": "Sequential", "config": {"layers": []}})";
  for (int i = 0; i < 100; ++i) nested = R"({"class_name": "Sequential", "config": {"layers": [)" + nested + "]}}";
  CHECK_THAT(error_of([&] { (void)budgeted_model(nested); }), ContainsSubstring("64 deep"));
  CHECK_THAT(error_of([&] {
               (void)budgeted_model(R"({"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense",
    "config": {"units": 1e300, "batch_input_shape": [null, 3]}}]}})");
             }),
             ContainsSubstring("units"));
}

TEST_CASE("hostile configs: any value may be anything") {
  const Config small = json::parse(kSmall);
  (void)budgeted_model(kSmall);
  const Config values[] = {Config(),
                           Config(true),
                           Config(-1),
                           Config(0),
                           Config(INT64_MAX),
                           Config(INT64_MIN),
                           Config(1e300),
                           Config(std::numeric_limits<double>::quiet_NaN()),
                           Config(""),
                           Config("in"),
                           Config(std::string(100000, 'x')),
                           Config::array(),
                           Config::object(),
                           Config::array({Config(1), Config("a")}),
                           Config::array({Config::array({"d", 0, 0})}),
                           json::parse(R"({"class_name": "Sequential", "config": {"layers": []}})"),
                           json::parse(R"({"class_name": "Dense", "config": {"units": 1000000000}})")};
  int refused = 0, tried = 0;
  const double time = seconds([&] {
    for (std::size_t position = 0;; ++position) {
      bool inside = true;
      for (const Config& value : values) {
        Config copy = small;
        std::size_t at = position;
        inside = replace(copy, at, value);
        if (!inside) break;
        ++tried;
        try {
          std::vector<std::string> warnings;
          const Config config = keras::ModelConfigReader(keras::Generation::keras2, false, warnings).read(copy);
          const WeightBudget budget(keras::weight_budget(1 << 10));
          (void)Model<float>::from_config(config);
        } catch (const Error&) {
          ++refused;
        }
      }
      if (!inside) break;
    }
  });
  CAPTURE(tried, refused, time);
  CHECK(tried > 2000);
  CHECK(refused > 500);
  CHECK(refused < tried);
}

TEST_CASE("hostile configs: cycles, double names and references to nothing") {
  const auto with = [](const std::string& from, const std::string& to) {
    std::string text = kSmall;
    const std::size_t at = text.find(from);
    REQUIRE(at != text.npos);
    return text.replace(at, from.size(), to);
  };
  const auto error = [&](const std::string& from, const std::string& to) {
    return error_of([&] { (void)budgeted_model(with(from, to)); });
  };
  CHECK_THAT(error(R"([[["in", 0, 0, {}]]])", R"([[["p", 0, 0, {}]]])"), ContainsSubstring("cycle"));
  CHECK_THAT(error(R"("name": "b", "config")", R"("name": "c", "config")"),
             ContainsSubstring("two layers have the name"));
  CHECK_THAT(error(R"([["d", 0, 0]])", R"([["e", 0, 0]])"), ContainsSubstring("does not exist"));
  CHECK_THAT(error(R"([["d", 0, 0]])", R"([["d", 1, 0]])"), ContainsSubstring("does not exist"));
  CHECK_THAT(error(R"([["d", 0, 0]])", R"([["d", 0, 9]])"), ContainsSubstring("output"));
  CHECK_THAT(error(R"([["d", 0, 0]])", R"([["d", -9223372036854775808, 0]])"), ContainsSubstring("calls"));
  CHECK_THAT(error(R"("units": 4)", R"("units": 4000000000)"), ContainsSubstring("fit the file"));
}

TEST_CASE("hostile configs: long models take time in proportion") {
  CHECK(seconds([] { CHECK(budgeted_model(backward_chain(10000)).layers().size() == 10001); }) < 20);
  CHECK(seconds([] { CHECK(budgeted_model(long_sequential(10000)).layers().size() == 10000); }) < 20);
  std::string keys =
      R"({"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {"units": 1)";
  for (int i = 0; i < 100000; ++i) keys += ",\"k" + std::to_string(i) + "\":0";
  CHECK_THAT(error_of([&] { (void)budgeted_model(keys + "}}]}}"); }), ContainsSubstring("1,024 keys"));
}
