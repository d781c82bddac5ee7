#include <fstream>

#include "tests/support/shared_dir.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/io/keras_file.hpp"

using namespace graft;
using namespace graft::test;
using Catch::Matchers::ContainsSubstring;

namespace {

// The same net in the words of three Kerases: 3 → Dense 4 "d1" → BatchNormalization "b" → Dense 2 "d2".
const char* const kKeras1 =
    R"({"class_name": "Sequential", "config": [{"class_name": "Dense", "config": {"name": "d1", "output_dim": 4, "init": "glorot_uniform", "bias": true,
        "activation": "hard_sigmoid", "batch_input_shape": [null, 3], "W_regularizer": null, "input_dim": 3}}, {"class_name": "BatchNormalization",
        "config": {"name": "b", "mode": 0, "axis": -1, "epsilon": 0.001, "momentum": 0.99}}, {"class_name": "Dense", "config": {"name": "d2", "output_dim": 2, "activation": "linear", "bias": true}}]})";
const char* const kTfKeras =
    R"({"class_name": "Sequential", "config": {"name": "net", "layers": [{"class_name": "InputLayer", "config": {"batch_input_shape": [null, 3], "dtype": "float32",
        "sparse": false, "ragged": false, "name": "in"}}, {"class_name": "Dense", "config": {"name": "d1", "units": 4, "activation": "hard_sigmoid", "use_bias": true}},
        {"class_name": "BatchNormalization", "config": {"name": "b", "axis": [1], "momentum": 0.99, "epsilon": 0.001, "center": true, "scale": true}},
        {"class_name": "Dense", "config": {"name": "d2", "units": 2, "activation": "linear", "use_bias": true}}]}})";
const char* const kKeras3 =
    R"({"class_name": "Sequential", "config": {"name": "net", "trainable": true, "dtype": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"},
        "registered_name": null}, "layers": [{"class_name": "InputLayer", "config": {"batch_shape": [null, 3], "dtype": "float32", "name": "in"}}, {"class_name": "Dense",
        "config": {"name": "d1", "units": 4, "activation": "hard_sigmoid", "use_bias": true}}, {"class_name": "BatchNormalization", "config": {"name": "b", "axis": -1,
        "momentum": 0.99, "epsilon": 0.001, "synchronized": false}}, {"class_name": "Dense", "config": {"name": "d2", "units": 2, "activation": "linear"}}]}})";

const Tensor<float> kernel1 = numbers({3, 4}, 0.1F), bias1 = numbers({4}, 0.2F), gamma_ = numbers({4}, 0.3F),
                    beta_ = numbers({4}, 0.4F), mean_ = numbers({4}, 0.5F), variance_ = numbers({4}, 0.6F),
                    kernel2 = numbers({4, 2}, 0.7F), bias2 = numbers({2}, 0.8F);

KerasFile keras1_file() {
  return {
      "1.2.2",
      "",
      kKeras1,
      {},
      {{"d1", {{"scope/d1_W:0", kernel1}, {"scope/d1_b:0", bias1}}},
       {"b", {{"b_gamma:0", gamma_}, {"b_beta:0", beta_}, {"b_running_mean:0", mean_}, {"b_running_std:0", variance_}}},
       {"d2", {{"d2_W:0", kernel2}, {"d2_b:0", bias2}}}}};
}
KerasFile tf_keras_file() {
  return {
      "2.4.0",
      "tensorflow",
      kTfKeras,
      {},
      {{"d1", {{"d1/kernel:0", kernel1}, {"d1/bias:0", bias1}}},
       {"b",
        {{"b/gamma:0", gamma_}, {"b/beta:0", beta_}, {"b/moving_mean:0", mean_}, {"b/moving_variance:0", variance_}}},
       {"d2", {{"d2_1/d2/kernel:0", kernel2}, {"d2_1/d2/bias:0", bias2}}}}};
}
KerasFile keras3_file() {
  return {"3.11.3",
          "torch",
          kKeras3,
          {},
          {{"d1", {{"net/d1/kernel", kernel1}, {"net/d1/bias", bias1}}},
           {"b",
            {{"net/b/gamma", gamma_},
             {"net/b/beta", beta_},
             {"net/b/moving_mean", mean_},
             {"net/b/moving_variance", variance_}}},
           {"d2", {{"kernel", kernel2}, {"bias", bias2}}}}};
}

void check_weights(const Model<float>& model) {
  const auto weights = model.get_weights();
  REQUIRE(weights.size() == 8);
  const Tensor<float>* expected[] = {&kernel1, &bias1, &gamma_, &beta_, &mean_, &variance_, &kernel2, &bias2};
  for (std::size_t i = 0; i < 8; ++i) {
    CAPTURE(i);
    CHECK(same(weights[i], *expected[i]));
  }
}

}  // namespace

TEST_CASE("load_model: the dialects of Keras 1, tf.keras and Keras 3") {
  const TempDir dir;
  LoadReport report;
  keras1_file().write(dir / "keras1.h5");
  const auto one = load_model(dir / "keras1.h5", {.report = &report});
  check_weights(one);
  CHECK(report.keras_version == "1.2.2");
  CHECK(report.loaded == std::vector<std::string>{"d1/kernel", "d1/bias", "b/gamma", "b/beta", "b/moving_mean",
                                                  "b/moving_variance", "d2/kernel", "d2/bias"});
  CHECK(report.skipped.empty());
  CHECK(report.missing.empty());
  CHECK(report.warnings.empty());
  tf_keras_file().write(dir / "tf.h5");
  const auto two = load_model(dir / "tf.h5");
  check_weights(two);
  CHECK(two.name() == "net");
  CHECK(two.layers().size() == 3);
  keras3_file().write(dir / "keras3.h5");
  const auto three = load_model(dir / "keras3.h5");
  check_weights(three);
  // hard_sigmoid of Keras 1 and 2 is clip(0.2 x + 0.5, 0, 1), of Keras 3 relu6(x + 3) / 6: at x = 1.5, 0.8 and 0.75.
  CHECK(one.get_layer("d1").config().at("activation").as_string() == "hard_sigmoid_keras2");
  CHECK(two.get_layer("d1").config().at("activation").as_string() == "hard_sigmoid_keras2");
  CHECK(three.get_layer("d1").config().at("activation").as_string() == "hard_sigmoid");
  const auto x = numbers({5, 3}, -1);
  CHECK(same(one.predict(x), two.predict(x)));
  CHECK_FALSE(same(one.predict(x), three.predict(x)));
}

TEST_CASE("load_model: a double model reads the same numbers") {
  const TempDir dir;
  keras3_file().write(dir / "m.h5");
  const auto model = load_model<double>(dir / "m.h5");
  const auto weights = model.get_weights();
  REQUIRE(weights.size() == 8);
  for (Index i = 0; i < kernel1.size(); ++i) CHECK(weights[0][i] == static_cast<double>(kernel1[i]));
}

TEST_CASE("load_model: nested models are read by name, whatever was frozen when they were written") {
  const TempDir dir;
  // As Keras writes it when d1 is frozen: d2 and d3 first. All shapes agree, so that by position nothing would be
  // noticed.
  const auto w1 = numbers({5, 5}, 1), b1 = numbers({5}, 2), w2 = numbers({5, 5}, 3), b2 = numbers({5}, 4),
             w3 = numbers({5, 5}, 5), b3 = numbers({5}, 6);
  const auto config = [](const char* d1, const char* d2, const char* d3) {
    const auto dense = [](const std::string& name) {
      return R"({"class_name": "Dense", "config": {"name": ")" + name + R"(", "units": 5}})";
    };
    return R"({"class_name": "Sequential", "config": {"name": "m", "layers": [{"class_name": "InputLayer", "config": {"batch_input_shape": [null, 5], "name": "i"}},
               {"class_name": "Sequential", "config": {"name": "base", "layers": [{"class_name": "InputLayer", "config": {"batch_input_shape": [null, 5], "name": "j"}}, )" +
           dense(d1) + "," + dense(d2) + "," + dense(d3) + "]}}]}}";
  };
  const auto check = [&](const KerasFile& file) {
    file.write(dir / "nested.h5");
    const auto weights = load_model(dir / "nested.h5").get_weights();
    REQUIRE(weights.size() == 6);
    CHECK(same(weights[0], w1));
    CHECK(same(weights[1], b1));
    CHECK(same(weights[2], w2));
    CHECK(same(weights[4], w3));
    CHECK(same(weights[5], b3));
  };
  SECTION("tf.keras: names of the inner layers") {
    check({"2.9.0",
           "tensorflow",
           config("d1", "d2", "d3"),
           {},
           {{"base",
             {{"d2/kernel:0", w2},
              {"d2/bias:0", b2},
              {"d3/kernel:0", w3},
              {"d3/bias:0", b3},
              {"d1/kernel:0", w1},
              {"d1/bias:0", b1}}}}});
  }
  SECTION("Keras 3: whole paths") {
    check({"3.11.3",
           "torch",
           config("d1", "d2", "d3"),
           {},
           {{"base",
             {{"base/d2/kernel", w2},
              {"base/d2/bias", b2},
              {"base/d3/kernel", w3},
              {"base/d3/bias", b3},
              {"base/d1/kernel", w1},
              {"base/d1/bias", b1}}}}});
  }
  SECTION("automatic names with other numbers") {
    check({"2.9.0",
           "tensorflow",
           config("dense", "dense_1", "dense_2"),
           {},
           {{"base",
             {{"dense_9/kernel:0", w2},
              {"dense_9/bias:0", b2},
              {"dense_10/kernel:0", w3},
              {"dense_10/bias:0", b3},
              {"dense_8/kernel:0", w1},
              {"dense_8/bias:0", b1}}}}});
  }
  SECTION("names that tell nothing are an error, not a guess") {
    const KerasFile file{"2.9.0",
                         "tensorflow",
                         config("d1", "d2", "d3"),
                         {},
                         {{"base",
                           {{"p/kernel:0", w2},
                            {"p/bias:0", b2},
                            {"q/kernel:0", w3},
                            {"q/bias:0", b3},
                            {"r/kernel:0", w1},
                            {"r/bias:0", b1}}}}};
    file.write(dir / "nested.h5");
    CHECK_THAT(error_of([&] { (void)load_model(dir / "nested.h5"); }),
               ContainsSubstring("layer \"base\"") && ContainsSubstring("what was frozen"));
  }
}

TEST_CASE("load_model: inside of one layer names may say nothing if the shapes fit in order") {
  const TempDir dir;
  KerasFile file = keras1_file();
  file.layers[0].second = {{"uniform1", kernel1}, {"conv1_b", bias1}};
  file.layers[1].second = {{"x1", gamma_}, {"x2", beta_}, {"x3", mean_}, {"x4", variance_}};
  file.write(dir / "m.h5");
  check_weights(load_model(dir / "m.h5"));
  file.layers[0].second = {{"conv1_b", bias1}, {"uniform1", kernel1}};
  file.write(dir / "m.h5");
  CHECK_THAT(error_of([&] { (void)load_model(dir / "m.h5"); }),
             ContainsSubstring("layer \"d1\"") && ContainsSubstring("(4,) for kernel (3, 4)"));
}

TEST_CASE("load_model: what was compiled comes along, in the words of every Keras") {
  const TempDir dir;
  KerasFile file = tf_keras_file();
  const auto load = [&](const std::string& version, const std::string& training) {
    file.version = version;
    file.training_config = training;
    file.write(dir / "m.h5");
    LoadReport report;
    auto model = load_model(dir / "m.h5", {.report = &report});
    for (const std::string& warning : report.warnings) UNSCOPED_INFO(warning);
    CHECK(report.warnings.empty());
    REQUIRE(model.compiled());
    return model;
  };
  const auto keras2 = load(
      "2.1.3",
      R"({"optimizer_config": {"class_name": "SGD", "config": {"lr": 0.25, "momentum": 0.5, "decay": 0.0, "nesterov": true, "clipnorm": 2.0}}, "loss": "mean_squared_error", "metrics": ["accuracy"], "sample_weight_mode": null, "loss_weights": null})");
  CHECK(keras2.optimizer().learning_rate() == 0.25);
  // Multi-backend Keras clipped by the norm of all gradients together.
  CHECK(keras2.optimizer().config().at("config").at("global_clipnorm").as_double() == 2.0);
  CHECK(keras2.optimizer().config().at("config").at("clipnorm").is_null());
  const auto tf = load(
      "2.9.0",
      R"({"loss": "mse", "metrics": [[{"class_name": "MeanMetricWrapper", "config": {"name": "accuracy", "dtype": "float32", "fn": "sparse_categorical_accuracy"}}]], "weighted_metrics": null, "loss_weights": null,
                                   "optimizer_config": {"class_name": "Custom>Adam", "config": {"name": "Adam", "weight_decay": null, "clipnorm": 3.0, "use_ema": false, "jit_compile": true, "is_legacy_optimizer": false, "learning_rate": 0.0010000000474974513, "beta_1": 0.8, "beta_2": 0.999, "epsilon": 1e-07, "amsgrad": false}}})");
  CHECK(tf.optimizer().class_name() == "Adam");
  CHECK(tf.optimizer().config().at("config").at("beta_1").as_double() == 0.8);
  CHECK(tf.optimizer().config().at("config").at("clipnorm").as_double() == 3.0);
  const auto keras3 = load(
      "3.11.3",
      R"({"loss": {"module": "keras.losses", "class_name": "SparseCategoricalCrossentropy", "config": {"name": "s", "reduction": "sum_over_batch_size", "from_logits": true, "ignore_class": null}, "registered_name": null},
                                       "loss_weights": null, "metrics": ["accuracy"], "weighted_metrics": null, "run_eagerly": false, "steps_per_execution": 1, "jit_compile": false, "optimizer_config": {"class_name": "RMSprop", "config": {"name": "rmsprop", "learning_rate": 0.5, "rho": 0.7}}})");
  CHECK(keras3.impl().compiled()->losses()[0].config().at("config").at("from_logits").as_bool());
  CHECK(keras3.optimizer().config().at("config").at("rho").as_double() == 0.7);
  CHECK_FALSE(load_model(dir / "m.h5", {.compile = false}).compiled());
}

TEST_CASE("load_model: what was compiled and is not known is a warning, not an error") {
  const TempDir dir;
  KerasFile file = tf_keras_file();
  const std::string optimizer = R"("optimizer_config": {"class_name": "SGD", "config": {"lr": 0.1}})";
  const std::vector<std::string> trainings{
      R"({"loss": "focal_of_mine", "metrics": [], )" + optimizer + "}",
      R"({"loss": "mse", "metrics": ["my_metric"], )" + optimizer + "}",
      R"({"loss": "mse", "optimizer_config": {"class_name": "Adagrad2", "config": {}}})",
      "{" + optimizer + "}",
      "[1]",
      "{"};
  for (const std::string& training : trainings) {
    CAPTURE(training);
    file.training_config = training;
    file.write(dir / "m.h5");
    LoadReport report;
    const auto model = load_model(dir / "m.h5", {.report = &report});
    CHECK_FALSE(model.compiled());
    REQUIRE(report.warnings.size() == 1);
    CHECK_THAT(report.warnings[0], ContainsSubstring("not compiled: "));
    check_weights(model);
  }
}

TEST_CASE("load_model: the state of the optimizer, in the names of every Keras") {
  const TempDir dir;
  KerasFile file = tf_keras_file();
  file.layers[1].second.clear();  // without the BatchNormalization: 3 → 4 → 2
  file.layers.erase(file.layers.begin() + 1);
  file.model_config =
      R"({"class_name": "Sequential", "config": {"name": "net", "layers": [{"class_name": "InputLayer", "config": {"batch_input_shape": [null, 3], "name": "in"}},
      {"class_name": "Dense", "config": {"name": "d1", "units": 4}}, {"class_name": "Dense", "config": {"name": "d2", "units": 2}}]}})";
  const auto m = [](int i) {
    return i == 0 ? numbers({3, 4}, 10) : i == 1 ? numbers({4}, 11) : i == 2 ? numbers({4, 2}, 12) : numbers({2}, 13);
  };
  const auto v = [](int i) {
    return i == 0 ? numbers({3, 4}, 20) : i == 1 ? numbers({4}, 21) : i == 2 ? numbers({4, 2}, 22) : numbers({2}, 23);
  };
  const Tensor<float> steps(Shape{}, 17.0F), rate(Shape{}, 0.125F), no_vhat(Shape{1});
  const std::string path[] = {"d1/kernel", "d1/bias", "d2/kernel", "d2/bias"},
                    joined[] = {"net_d1_kernel", "net_d1_bias", "net_d2_kernel", "net_d2_bias"};
  const auto load = [&](const std::string& version, const std::string& optimizer, std::vector<NamedArray> arrays) {
    file.version = version;
    file.training_config =
        R"({"loss": "mse", "optimizer_config": {"class_name": ")" + optimizer + R"(, "learning_rate": 0.5}}})";
    file.optimizer = std::move(arrays);
    file.write(dir / "m.h5");
    LoadReport report;
    const auto model = load_model(dir / "m.h5", {.report = &report});
    for (const std::string& warning : report.warnings) UNSCOPED_INFO(warning);
    CHECK(report.warnings.empty());
    return model;
  };
  const auto check = [&](const Model<float>& model, Index iterations, const std::vector<std::string>& slots,
                         bool first_is_v = false) {
    const auto variables = model.weights();
    const auto state = model.optimizer().state(variables);
    CHECK(state.iterations == iterations);
    REQUIRE(state.slots.size() == 4 * slots.size());
    for (std::size_t i = 0; i < state.slots.size(); ++i) {
      const auto w =
          static_cast<int>(std::find(variables.begin(), variables.end(), state.slots[i].variable) - variables.begin());
      const bool is_v = state.slots[i].name == "velocity" && !first_is_v;
      CAPTURE(state.slots[i].name, w);
      CHECK(same(state.slots[i].value, is_v ? v(w) : m(w)));
    }
  };
  const std::string adam = R"(Adam", "config": {"beta_1": 0.9)", sgd = R"(SGD", "config": {"momentum": 0.9)",
                    rmsprop = R"(RMSprop", "config": {"rho": 0.9)";
  std::vector<NamedArray> arrays;
  // tf.keras 2.4 … 2.10
  arrays = {{"Adam/iter:0", steps}};
  for (int i = 0; i < 4; ++i) arrays.push_back({"Adam/" + path[i] + "/m:0", m(i)});
  for (int i = 0; i < 4; ++i) arrays.push_back({"Adam/" + path[i] + "/v:0", v(i)});
  check(load("2.4.0", adam, arrays), 17, {"momentum", "velocity"});
  // tf.keras 2.11 … 2.15, in another order: the names decide.
  arrays = {{"iteration:0", steps}};
  for (int i = 3; i >= 0; --i) {
    arrays.push_back({"Adam/v/" + path[i] + ":0", v(i)});
    arrays.push_back({"Adam/m/" + path[i] + ":0", m(i)});
  }
  check(load("2.15.0", R"(Custom>Adam", "config": {"beta_1": 0.9)", arrays), 17, {"momentum", "velocity"});
  // Keras 3.3 and later, with a learning rate of its own
  arrays = {{"adam/iteration", steps}, {"adam/learning_rate", rate}};
  for (int i = 0; i < 4; ++i) {
    arrays.push_back({"adam/" + joined[i] + "_momentum", m(i)});
    arrays.push_back({"adam/" + joined[i] + "_velocity", v(i)});
  }
  const auto three = load("3.11.3", adam, arrays);
  check(three, 17, {"momentum", "velocity"});
  CHECK(three.optimizer().learning_rate() == 0.125);
  // Keras 3.2
  arrays = {{"iteration", steps}, {"learning_rate", rate}};
  for (int i = 0; i < 4; ++i) {
    arrays.push_back({joined[i] + "_momentum", m(i)});
    arrays.push_back({joined[i] + "_velocity", v(i)});
  }
  check(load("3.2.1", adam, arrays), 17, {"momentum", "velocity"});
  // Keras 2.3: by number, with an array of one element for each vhat that there is not
  arrays = {{"Adam/iterations:0", steps}};
  for (int i = 0; i < 4; ++i) arrays.push_back({"training/Adam/m_" + std::to_string(i) + ":0", m(i)});
  for (int i = 0; i < 4; ++i) arrays.push_back({"training/Adam/v_" + std::to_string(i) + ":0", v(i)});
  for (int i = 0; i < 4; ++i) arrays.push_back({"training/Adam/vhat_" + std::to_string(i) + ":0", no_vhat});
  check(load("2.3.1", adam, arrays), 17, {"momentum", "velocity"});
  // Keras 1: nothing but the order
  arrays = {{"Variable:0", steps}};
  for (int i = 0; i < 8; ++i) arrays.push_back({"Variable_" + std::to_string(i + 5) + ":0", i < 4 ? m(i) : v(i - 4)});
  check(load("1.2.2", adam, arrays), 17, {"momentum", "velocity"});
  // SGD and RMSprop
  arrays = {{"SGD/iter:0", steps}};
  for (int i = 0; i < 4; ++i) arrays.push_back({"SGD/" + path[i] + "/momentum:0", m(i)});
  check(load("2.10.0", sgd, arrays), 17, {"momentum"});
  arrays = {{"iteration:0", steps}};
  for (int i = 0; i < 4; ++i) arrays.push_back({"SGD/m/" + path[i] + ":0", m(i)});
  check(load("2.15.0", sgd, arrays), 17, {"momentum"});
  arrays = {{"RMSprop/iter:0", steps}};
  for (int i = 0; i < 4; ++i) arrays.push_back({"RMSprop/" + path[i] + "/rms:0", m(i)});
  check(load("2.10.0", rmsprop, arrays), 17, {"velocity"}, true);
  arrays.clear();  // Keras 2.1: accumulators, no counter
  for (int i = 0; i < 4; ++i) arrays.push_back({"training/RMSprop/Variable_" + std::to_string(i) + ":0", m(i)});
  check(load("2.1.3", rmsprop, arrays), 0, {"velocity"}, true);
  // Keras 2 keeps a momentum for a plain SGD too: it is left out.
  arrays = {{"SGD/iterations:0", steps}};
  for (int i = 0; i < 4; ++i) arrays.push_back({"training/SGD/moment_" + std::to_string(i) + ":0", m(i)});
  check(load("2.3.1", R"(SGD", "config": {"momentum": 0.0)", arrays), 17, {});
}

TEST_CASE("load_model: an optimizer state that does not fit is a warning") {
  const TempDir dir;
  KerasFile file = tf_keras_file();
  file.training_config =
      R"({"loss": "mse", "optimizer_config": {"class_name": "Adam", "config": {"learning_rate": 0.5}}})";
  file.optimizer = {{"Adam/iter:0", Tensor<float>(Shape{}, 3.0F)}, {"Adam/d1/kernel/m:0", numbers({7, 7}, 0)}};
  file.write(dir / "m.h5");
  LoadReport report;
  const auto model = load_model(dir / "m.h5", {.report = &report});
  CHECK(model.compiled());
  CHECK(model.optimizer().iterations() == 3);
  REQUIRE(report.warnings.size() == 1);
  CHECK_THAT(report.warnings[0], ContainsSubstring("starts anew"));
}

TEST_CASE("load_model: bad files are errors that say what is wrong") {
  const TempDir dir;
  const std::string path = dir / "m.h5";
  const auto error = [&] { return error_of([&] { (void)load_model(path); }); };
  KerasFile file = tf_keras_file();
  SECTION("missing") { CHECK_THAT(error(), ContainsSubstring("there is no such file")); }
  SECTION("HDF5 without a model") {
    hdf5::write_file(path, [](const hdf5::Group& root) { (void)root.create_group("data"); });
    CHECK_THAT(error(), ContainsSubstring("expected a Keras model") && ContainsSubstring("It holds: data"));
  }
  SECTION("weights only") {
    file.model_config.clear();
    file.weights_only = true;
    file.write(path);
    CHECK_THAT(error(), ContainsSubstring("received weights only") && ContainsSubstring("load_weights"));
  }
  SECTION("weights of Keras 3") {
    hdf5::write_file(path, [](const hdf5::Group& root) { (void)root.create_group("layers/dense/vars"); });
    CHECK_THAT(error(), ContainsSubstring("received the weights alone") && ContainsSubstring("load_weights"));
  }
  SECTION("model_config that is not JSON") {
    file.model_config = "{\"class_name\": ";
    file.write(path);
    CHECK_THAT(error(), ContainsSubstring("model_config, byte 16"));
  }
  SECTION("a layer that nobody knows") {
    file.model_config.replace(file.model_config.find("\"Dense\""), 7, "\"Dence\"");
    file.write(path);
    CHECK_THAT(error(), ContainsSubstring(path) && ContainsSubstring("layer \"d1\" is of class \"Dence\"") &&
                            ContainsSubstring("Did you mean \"Dense\"?") && ContainsSubstring("register_layer"));
  }
  SECTION("a weight of the wrong shape") {
    file.layers[2].second[0].value = numbers({4, 3}, 0);
    file.write(path);
    CHECK_THAT(error(), ContainsSubstring("weight \"d2/kernel\": expected shape (4, 2), received (4, 3)"));
  }
  SECTION("a weight too few") {
    file.layers[2].second.pop_back();
    file.write(path);
    CHECK_THAT(error(), ContainsSubstring("layer \"d2\": expected 2 weights (kernel (4, 2), bias (2,)), received 1"));
  }
  SECTION("a layer too few") {
    file.layers.pop_back();
    file.write(path);
    CHECK_THAT(error(),
               ContainsSubstring("Layer count mismatch: expected 3 layers") && ContainsSubstring("received 2"));
  }
  SECTION("no weights") {
    file.layers.clear();
    file.write(path);
    CHECK_THAT(error(), ContainsSubstring("Layer count mismatch"));
  }
  SECTION("a model larger than memory") {
    file.model_config.replace(file.model_config.find("\"units\": 4"), 10, "\"units\": 400000000000000");
    file.write(path);
    CHECK_THAT(error(), ContainsSubstring("memory"));
  }
  SECTION("an unnamed weight") {
    hdf5::write_file(path, [&](const hdf5::Group& root) {
      root.write("model_config", file.model_config);
      const auto weights = root.create_group("model_weights");
      weights.write("layer_names", std::vector<std::string>{"d1", "b", "d2"});
      weights.create_group("d1").write("weight_names", std::vector<std::string>{"d1/kernel:0"});
    });
    CHECK_THAT(error(), ContainsSubstring("there is no \"d1\" in the file"));
  }
  SECTION("truncated at many places") {
    file.write(path);
    const std::string whole = bytes_of(path);
    int errors = 0, tried = 0;
    for (std::size_t size = 0; size < whole.size(); size += 131, ++tried) {
      dir.write("m.h5", whole.substr(0, size));
      try {
        (void)load_model(path);
      } catch (const FileError&) {
        ++errors;
      }
    }
    CHECK(tried > 50);
    CHECK(errors == tried);
  }
}
