#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/support/shared_dir.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/io/keras_file.hpp"

using namespace graft;
using namespace graft::test;
using Catch::Matchers::ContainsSubstring;
using Strings = std::vector<std::string>;

namespace {

// Dense 4 "d1", BatchNormalization "b", Dense 2 "d2" on 3 features, with weights that are not those of the start.
Sequential<float> small_net(const std::string& activation = "relu") {
  Sequential model({Dense(4, {.activation = activation, .name = "d1", .input_shape = Shape{3}}),
                    BatchNormalization({.name = "b"}), Dense(2, {.name = "d2"})},
                   {.name = "net"});
  auto weights = model.get_weights();
  for (std::size_t i = 0; i < weights.size(); ++i)
    weights[i] = numbers(weights[i].shape(), 0.1F * static_cast<float>(i + 1));
  model.set_weights(weights);
  return model;
}

// A base of three layers, the first frozen, and a head.
Sequential<float> nested_net() {
  Sequential base({Dense(5, {.name = "d1", .input_shape = Shape{5}}), BatchNormalization({.name = "b1"}),
                   Dense(5, {.name = "d2"}), Dense(5, {.name = "d3"})},
                  {.name = "base"});
  base.get_layer("d1").set_trainable(false);
  Sequential model({base, Flatten({.name = "flat"}), Dense(2, {.name = "head"})}, {.name = "nested"});
  auto weights = model.get_weights();
  for (std::size_t i = 0; i < weights.size(); ++i)
    weights[i] = numbers(weights[i].shape(), 0.1F * static_cast<float>(i + 1));
  model.set_weights(weights);
  return model;
}

Tensor<float> labels(Index count) {
  Tensor<float> result({count, 2});
  for (Index i = 0; i < count; ++i) result[2 * i + i % 2] = 1;
  return result;
}

}  // namespace

TEST_CASE("save: a model comes back bit by bit, and saving it again gives the same bytes") {
  const TempDir dir;
  const auto x = numbers({6, 3}, -1);
  for (const std::string activation : {"relu", "selu", "hard_sigmoid", "hard_sigmoid_keras2", "softmax"}) {
    CAPTURE(activation);
    const auto model = small_net(activation);
    model.save(dir / "a.h5");
    LoadReport report;
    const auto again = load_model(dir / "a.h5", {.report = &report});
    CHECK(same_weights(model, again));
    CHECK(same(model.predict(x), again.predict(x)));
    CHECK(model.impl().config() == again.impl().config());
    CHECK(report.warnings.empty());
    CHECK_FALSE(again.compiled());
    again.save(dir / "b.h5");
    CHECK(bytes_of(dir / "a.h5") == bytes_of(dir / "b.h5"));
    // The same word means another function from Keras 3 on.
    CHECK(report.keras_version == (activation == "hard_sigmoid" ? "3.0.0" : "2.15.0"));
  }
  const Sequential both({Dense(2, {.activation = "hard_sigmoid", .input_shape = Shape{3}}),
                         Dense(2, {.activation = "hard_sigmoid_keras2"})});
  CHECK_THAT(error_of([&] { both.save(dir / "c.h5"); }), ContainsSubstring("no version of Keras knows both"));
  CHECK_FALSE(std::filesystem::exists(dir / "c.h5"));
}

TEST_CASE("save: the layout that Keras reads") {
  const TempDir dir;
  nested_net().save(dir / "m.h5");
  const auto root = hdf5::File::open(dir / "m.h5").root();
  CHECK(root.string("keras_version") == "2.15.0");
  CHECK(root.string("backend") == "tensorflow");
  CHECK_FALSE(root.has_attribute("training_config"));
  CHECK_FALSE(root.exists("optimizer_weights"));
  const auto weights = root.group("model_weights");
  CHECK(weights.string("keras_version") == "2.15.0");
  CHECK(weights.string("backend") == "tensorflow");
  CHECK(weights.strings("layer_names") == Strings{"base", "flat", "head"});
  CHECK(weights.group("flat").strings("weight_names") == Strings{});
  CHECK(weights.group("top_level_model_weights").strings("weight_names") == Strings{});
  CHECK(weights.group("head").strings("weight_names") == Strings{"head/kernel:0", "head/bias:0"});
  CHECK(weights.dataset("head/head/kernel:0").shape() == Shape{5, 2});
  // Keras reads a nested model by position: what trains first, then the rest, under the flags that the config states.
  CHECK(weights.group("base").strings("weight_names") == Strings{"b1/gamma:0", "b1/beta:0", "d2/kernel:0", "d2/bias:0",
                                                                 "d3/kernel:0", "d3/bias:0", "d1/kernel:0", "d1/bias:0",
                                                                 "b1/moving_mean:0", "b1/moving_variance:0"});
  const Config config = json::parse(*root.string("model_config"));
  CHECK(config.at("class_name").as_string() == "Sequential");
  const auto& layers = config.at("config").at("layers").items();
  REQUIRE(layers.size() == 4);
  CHECK(layers[0].at("class_name").as_string() == "InputLayer");
  CHECK(json::dump(layers[0].at("config").at("batch_input_shape")) == "[null, 5]");
  CHECK(layers[1].at("config").at("layers").items()[1].at("config").at("trainable").as_bool() == false);
}

TEST_CASE("save: nested models keep weights, flags and names") {
  const TempDir dir;
  const auto model = nested_net();
  model.save(dir / "m.h5");
  const auto again = load_model(dir / "m.h5");
  CHECK(same_weights(model, again));
  const auto x = numbers({4, 5}, -1);
  CHECK(same(model.predict(x), again.predict(x)));
  CHECK(again.trainable_weights().size() == model.trainable_weights().size());
  // The order in the file depends on the flags, what is read does not.
  const auto thawed = nested_net();
  thawed.set_trainable(true);
  CHECK_FALSE(thawed.load_weights(dir / "m.h5").loaded.empty());
  CHECK(same_weights(model, thawed));
}

TEST_CASE("save: a functional model with a shared nested model") {
  const TempDir dir;
  const Sequential base({Dense(3, {.name = "inner", .input_shape = Shape{4}})}, {.name = "tower"});
  const auto left = Input({4}), middle = base(left), right = base(Dense(4, {.name = "front"})(left));
  const Model model(std::vector{left}, std::vector{right, middle});
  model.save(dir / "m.h5");
  const auto again = load_model(dir / "m.h5");
  CHECK(same_weights(model, again));
  const auto x = numbers({5, 4}, -1);
  const auto expected = model.predict_all(x), received = again.predict_all(x);
  REQUIRE(received.size() == 2);
  CHECK(same(expected[0], received[0]));
  CHECK(same(expected[1], received[1]));
  CHECK_FALSE(same(received[0], received[1]));
}

TEST_CASE("save: training goes on where it stopped") {
  const TempDir dir;
  const auto x = numbers({12, 3}, -1);
  const auto y = labels(12);
  const std::vector<Optimizer<float>> optimizers{
      SGD({.learning_rate = 0.05}),
      SGD({.learning_rate = 0.05, .momentum = 0.9, .nesterov = true}),
      Adam({.learning_rate = 0.02, .amsgrad = true}),
      RMSprop({.learning_rate = 0.01, .momentum = 0.5, .centered = true}),
      AdamW({.learning_rate = 0.02}),
      Nadam({.learning_rate = 0.02}),
      Adamax({.learning_rate = 0.02}),
      Adagrad({.learning_rate = 0.02}),
      Adadelta({.learning_rate = 0.5}),
      Ftrl({.learning_rate = 0.02}),
      Lion({.learning_rate = 0.02}),
      Adam({.learning_rate = ExponentialDecay(0.05, 3, 0.5), .clipnorm = 1.0, .use_ema = true})};
  for (const auto& optimizer : optimizers) {
    CAPTURE(optimizer.class_name());
    const auto model = small_net();
    model.compile(
        {.optimizer = optimizer, .loss = BinaryCrossentropy({.from_logits = true}), .metrics = {"accuracy", "mae"}});
    for (int step = 0; step < 5; ++step) (void)model.train_on_batch(x, y);
    model.save(dir / "m.h5");
    LoadReport report;
    const auto again = load_model(dir / "m.h5", {.report = &report});
    for (const std::string& warning : report.warnings) UNSCOPED_INFO(warning);
    CHECK(report.warnings.empty());
    REQUIRE(again.compiled());
    CHECK(again.optimizer().iterations() == 5);
    CHECK(again.impl().compiled()->losses()[0].config() == model.impl().compiled()->losses()[0].config());
    again.save(dir / "again.h5");
    CHECK(bytes_of(dir / "m.h5") == bytes_of(dir / "again.h5"));
    for (int step = 0; step < 5; ++step) {
      const auto live = model.train_on_batch(x, y), resumed = again.train_on_batch(x, y);
      REQUIRE(live.size() == resumed.size());
      for (std::size_t i = 0; i < live.size(); ++i) CHECK(resumed[i] == Approx(live[i]).epsilon(1e-6));
    }
  }
}

TEST_CASE("save: the compiled state in words that tf.keras 2 and Keras 3 both read") {
  const TempDir dir;
  const auto model = small_net();
  model.compile({.optimizer = Adam({.learning_rate = 0.5}), .loss = "mse", .metrics = {"accuracy"}});
  (void)model.train_on_batch(numbers({4, 3}, 0), labels(4));
  model.save(dir / "m.h5");
  const auto root = hdf5::File::open(dir / "m.h5").root();
  const Config training = json::parse(*root.string("training_config"));
  CHECK(training.at("loss").as_string() == "mean_squared_error");
  CHECK(json::dump(training.at("metrics")) == "[\"accuracy\"]");
  CHECK(training.at("loss_weights").is_null());
  CHECK(training.at("weighted_metrics").is_null());
  CHECK(training.at("optimizer_config").at("class_name").as_string() == "Adam");
  // Keras 3 refuses keys that it does not know, and tf.keras those of Keras 3: only what both know, unless it is set.
  for (const auto& member : training.at("optimizer_config").at("config").members()) {
    const Strings known{"name", "learning_rate", "beta_1", "beta_2", "epsilon", "amsgrad"};
    CAPTURE(member.first);
    CHECK(std::find(known.begin(), known.end(), member.first) != known.end());
  }
  const auto names = *root.group("optimizer_weights").strings("weight_names");
  REQUIRE(names.size() == 13);
  CHECK(names[0] == "Adam/iter:0");
  CHECK(names[1] == "Adam/d1/kernel/m:0");
  CHECK(names[6] == "Adam/d2/bias/m:0");
  CHECK(names[7] == "Adam/d1/kernel/v:0");
  std::int64_t steps = 0;
  root.dataset("optimizer_weights/Adam/iter:0").read(&steps);
  CHECK(steps == 1);
}

TEST_CASE("save: names of 300 bytes, other alphabets and slashes") {
  const TempDir dir;
  Sequential<float> model({}, {.name = "modèle"});
  for (int i = 0; i < 230; ++i) {
    const std::string name = (i == 0 ? "größe" : i == 1 ? "層" : "") + std::string(300, 'n') + std::to_string(100 + i);
    model.add(i ? Dense(1, {.name = name}) : Dense(1, {.name = name, .input_shape = Shape{1}}));
  }
  model.save(dir / "m.h5");
  CHECK(same_weights(model, load_model(dir / "m.h5")));
  CHECK(load_model(dir / "m.h5").name() == "modèle");
  CHECK(hdf5::File::open(dir / "m.h5").root().group("model_weights").has_attribute("layer_names1"));
  // Keras 3 does not read names with a slash.
  const Sequential slash({Dense(2, {.name = "fire2/squeeze", .input_shape = Shape{1}})});
  slash.save(dir / "s.h5");
  const auto again = load_model(dir / "s.h5");
  CHECK(again.layers()[0].name() == "fire2_squeeze");
  CHECK(same_weights(slash, again));
}

TEST_CASE("save: what cannot be saved is an error before anything is written") {
  const TempDir dir;
  const auto model = small_net();
  CHECK_THAT(error_of([&] { model.save_weights(dir / "m.keras"); }), ContainsSubstring("is written by save."));
  CHECK_THAT(error_of([&] { model.save(dir / "m.weights.h5"); }), ContainsSubstring("written by save_weights."));
  CHECK_THAT(error_of([&] { model.save(dir / "m"); }), ContainsSubstring("ends in .keras or .h5"));
  CHECK_THAT(error_of([&] { model.save_weights(dir / "m"); }), ContainsSubstring("ends in .weights.h5 or .h5"));
  for (const std::string name : {"m.h5", "m.keras", "m.weights.h5"}) {
    const auto save = [&] {
      const Sequential unbuilt({Dense(2)});
      if (name == "m.weights.h5") unbuilt.save_weights(dir / name);
      else unbuilt.save(dir / name);
    };
    CHECK_THAT(error_of(save), ContainsSubstring("not built"));
  }
  CHECK(std::filesystem::is_empty(dir.path()));
}

TEST_CASE("save: a full disk leaves the old file") {
  const TempDir dir;
  small_net().save(dir / "m.h5");
  const std::string before = bytes_of(dir / "m.h5");
  struct rlimit limit {};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  struct rlimit small = limit;
  small.rlim_cur = 3000;
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  const std::string text = error_of([&] { small_net("elu").save(dir / "m.h5"); });
  ::setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, old_handler);
  CHECK_THAT(text, ContainsSubstring("save to \"" + dir / "m.h5") && ContainsSubstring("cannot write"));
  CHECK(bytes_of(dir / "m.h5") == before);
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), std::filesystem::directory_iterator()) == 1);
}

TEST_CASE("load_weights: by order, by name, and what does not fit") {
  const TempDir dir;
  const auto model = small_net();
  model.save_weights(dir / "w.h5");
  SECTION("into the same architecture, whatever its names") {
    const Sequential other({Dense(4, {.input_shape = Shape{3}}), BatchNormalization(), Dense(2)});
    const auto report = other.load_weights(dir / "w.h5");
    CHECK(same_weights(model, other));
    CHECK(report.loaded.size() == 8);
    CHECK(report.keras_version == "2.15.0");
  }
  SECTION("a whole model serves as well") {
    model.save(dir / "m.h5");
    const Sequential other({Dense(4, {.input_shape = Shape{3}}), BatchNormalization(), Dense(2)});
    CHECK(other.load_weights(dir / "m.h5").loaded.size() == 8);
    CHECK(same_weights(model, other));
  }
  SECTION("another number of layers is an error, by name it is not") {
    const Sequential other({Dense(4, {.name = "d1", .input_shape = Shape{3}}), Dense(7, {.name = "new"})});
    const auto before = other.get_weights();
    CHECK_THAT(error_of([&] { (void)other.load_weights(dir / "w.h5"); }),
               ContainsSubstring("Layer count mismatch: expected 2 layers") && ContainsSubstring("received 3") &&
                   ContainsSubstring(".by_name = true"));
    CHECK(same(other.get_weights()[0], before[0]));
    LoadReport report;
    (void)other.load_weights(dir / "w.h5", {.by_name = true, .report = &report});
    CHECK(report.loaded == Strings{"d1/kernel", "d1/bias"});
    CHECK(report.missing == Strings{"new/kernel", "new/bias"});
    CHECK(report.skipped == Strings{"b/b/gamma:0", "b/b/beta:0", "b/b/moving_mean:0", "b/b/moving_variance:0",
                                    "d2/d2/kernel:0", "d2/d2/bias:0"});
    CHECK(same(other.get_weights()[0], model.get_weights()[0]));
    CHECK(same(other.get_weights()[2], before[2]));
  }
  SECTION("another shape is an error with nothing changed, or skipped") {
    const Sequential other({Dense(4, {.name = "d1", .input_shape = Shape{3}}), BatchNormalization({.name = "b"}),
                            Dense(5, {.name = "d2"})});
    const auto before = other.get_weights();
    CHECK_THAT(error_of([&] { (void)other.load_weights(dir / "w.h5"); }),
               ContainsSubstring("weight \"d2/kernel\": expected shape (4, 5), received (4, 2)") &&
                   ContainsSubstring(".skip_mismatch = true"));
    for (std::size_t i = 0; i < before.size(); ++i) CHECK(same(other.get_weights()[i], before[i]));
    const auto report = other.load_weights(dir / "w.h5", {.by_name = true, .skip_mismatch = true});
    CHECK(report.loaded.size() == 6);
    CHECK(report.skipped == Strings{"d2/kernel", "d2/bias"});
    CHECK(report.warnings.size() == 2);
    CHECK(same(other.get_weights()[7], before[7]));
  }
  SECTION("no name that agrees is an error, with the nearest name") {
    const Sequential other({Dense(4, {.name = "d2_", .input_shape = Shape{3}})});
    CHECK_THAT(error_of([&] { (void)other.load_weights(dir / "w.h5", {.by_name = true}); }),
               ContainsSubstring("\"d2_\"") && ContainsSubstring("received none that fits. Did you mean \"d2\"?"));
  }
  SECTION("a model that is not built") {
    CHECK_THAT(error_of([&] { (void)Sequential({Dense(2)}).load_weights(dir / "w.h5"); }),
               ContainsSubstring("not built"));
  }
  SECTION("a packed array that is damaged changes nothing") {
    const auto fresh = small_net();
    const auto before = fresh.get_weights();
    hdf5::write_file(dir / "packed.h5", [&](const hdf5::Group& root) {
      root.write("layer_names", Strings{"d1", "b", "d2"});
      const char* names[] = {"d1/kernel:0",     "d1/bias:0",           "b/gamma:0",   "b/beta:0",
                             "b/moving_mean:0", "b/moving_variance:0", "d2/kernel:0", "d2/bias:0"};
      for (std::size_t i = 0; i < 8; ++i) {
        const std::string layer = std::string(names[i]).substr(0, std::string(names[i]).find('/'));
        const auto group = root.exists(layer) ? root.group(layer) : root.create_group(layer);
        if (i != 6) {
          group.write_dataset(names[i], before[i].shape(), numbers(before[i].shape(), 9).data());
          continue;
        }
        // Deflated with a checksum, which the last byte will not fit.
        const hid_t properties = H5Pcreate(H5P_DATASET_CREATE), links = H5Pcreate(H5P_LINK_CREATE);
        H5Pset_create_intermediate_group(links, 1);
        const hsize_t dims[] = {4, 2};
        H5Pset_chunk(properties, 2, dims);
        H5Pset_fletcher32(properties);
        const hid_t space = H5Screate_simple(2, dims, nullptr);
        const hid_t data = H5Dcreate2(group.id(), names[i], H5T_IEEE_F32LE, space, links, properties, H5P_DEFAULT);
        const auto value = numbers({4, 2}, 50);
        H5Dwrite(data, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, value.data());
        H5Dclose(data);
        H5Sclose(space);
        H5Pclose(properties);
        H5Pclose(links);
      }
      root.group("d1").write("weight_names", Strings{"d1/kernel:0", "d1/bias:0"});
      root.group("b").write("weight_names", Strings{"b/gamma:0", "b/beta:0", "b/moving_mean:0", "b/moving_variance:0"});
      root.group("d2").write("weight_names", Strings{"d2/kernel:0", "d2/bias:0"});
    });
    std::string bytes = bytes_of(dir / "packed.h5");
    const auto value = numbers({4, 2}, 50);
    const std::size_t at = bytes.find(std::string(reinterpret_cast<const char*>(value.data()), 32));
    REQUIRE(at != std::string::npos);
    const auto intact = small_net();
    CHECK(intact.load_weights(dir / "packed.h5").loaded.size() == 8);
    CHECK(same(intact.get_weights()[6], value));
    bytes[at + 5] = static_cast<char>(bytes[at + 5] ^ 1);
    dir.write("packed.h5", bytes);
    CHECK_THAT(error_of([&] { (void)fresh.load_weights(dir / "packed.h5"); }),
               ContainsSubstring("a chunk whose checksum is wrong"));
    for (std::size_t i = 0; i < before.size(); ++i) CHECK(same(fresh.get_weights()[i], before[i]));
  }
}
