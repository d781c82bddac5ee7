#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "graft/io/zip/writer.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/io/keras_file.hpp"

// .keras and .weights.h5.
using namespace graft;
using namespace graft::test;
using Catch::Matchers::ContainsSubstring;
using Strings = std::vector<std::string>;

namespace {

template <class AnyModel>
AnyModel with_numbers(AnyModel model) {
  auto weights = model.get_weights();
  for (std::size_t i = 0; i < weights.size(); ++i)
    weights[i] = numbers(weights[i].shape(), 0.1F * static_cast<float>(i + 1));
  model.set_weights(weights);
  return model;
}

Sequential<float> small_net(const std::string& activation = "relu") {
  return with_numbers(
      Sequential({Dense(4, {.activation = activation, .name = "d1", .input_shape = Shape{3}}),
                  BatchNormalization({.name = "b"}), LeakyReLU({.alpha = 0.2, .name = "l"}), Dense(2, {.name = "d2"})},
                 {.name = "net"}));
}

// Nested, shared and of two outputs.
Model<float> branched_net() {
  const Sequential tower({Dense(4, {.kernel_regularizer = L2(0.01), .name = "inner", .input_shape = Shape{4}})},
                         {.name = "tower"});
  const auto in = Input({4}, {.name = "in"}), deep = Input({4}, {.name = "deep_in"});
  const Model nested(deep, Dense(4, {.name = "deep"})(tower(deep)), {.name = "nested"});
  const auto left = tower(in), right = nested(in);
  const auto sum = Add({.name = "sum"})({left, right});
  return with_numbers(
      Model(std::vector{in}, std::vector{Dense(2, {.name = "head"})(sum), nested(right)}, {.name = "branched"}));
}

Tensor<float> labels(Index count) {
  Tensor<float> result({count, 2});
  for (Index i = 0; i < count; ++i) result[2 * i + i % 2] = 1;
  return result;
}

// An archive of these members.
void write_zip(const std::string& path, const std::vector<std::pair<std::string, std::string>>& members) {
  AtomicFile target(path);
  zip::Writer zip(target);
  for (const auto& [name, bytes] : members) zip.add(name, bytes);
  zip.finish();
  target.commit();
}

// The tree of weights of a model as bytes.
std::string weights_of(const Model<float>& model, const TempDir& dir) {
  model.save_weights(dir / "of.weights.h5");
  return bytes_of(dir / "of.weights.h5");
}

}  // namespace

TEST_CASE("save .weights.h5: Keras 3's tree") {
  const TempDir dir;
  const auto model = branched_net();
  model.save_weights(dir / "m.weights.h5");
  keras::WeightStore store("file");
  store.add(hdf5::File::open(dir / "m.weights.h5").root());
  // The tower, which is shared, is stored at both of its places.
  std::size_t arrays = 0;
  for (const std::string& path : store.below("")) arrays += path.find("/vars/") != path.npos;
  CHECK(arrays == model.weights().size() + 2);
  CHECK(store.contains("layers/dense/vars/0"));
  CHECK(store.layer_name("layers/dense") == "head");
  const auto root = hdf5::File::open(dir / "m.weights.h5").root();
  CHECK(root.group("vars").string("name") == "branched");
  CHECK(root.is_group("layers/add/vars"));

  const auto again = clone_model(model);
  const LoadReport report = again.load_weights(dir / "m.weights.h5");
  CHECK(report.loaded.size() == again.weights().size());
  CHECK(report.skipped.empty());
  const auto x = numbers({5, 4}, -1);
  const auto expected = model.predict_all(x), received = again.predict_all(x);
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(same(expected[i], received[i]));
  // Into the model that shares it.
  const auto before = model.get_weights();
  for (const auto& weight : model.weights()) weight->mutable_value().fill(0);
  CHECK(model.load_weights(dir / "m.weights.h5").loaded.size() == before.size());
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(same(model.get_weights()[i], before[i]));
}

TEST_CASE("load_weights from Keras 3's tree: by class and count, by names, and what does not fit") {
  const TempDir dir;
  const auto model = small_net();
  model.save_weights(dir / "w.weights.h5");
  SECTION("whatever the file's name, and whatever the names of the layers") {
    std::filesystem::copy(dir / "w.weights.h5", dir / "w.h5");
    const Sequential other({Dense(4, {.input_shape = Shape{3}}), BatchNormalization(), Dense(2)});
    CHECK(other.load_weights(dir / "w.h5").loaded.size() == 8);
    CHECK(same_weights(model, other));
  }
  SECTION("names decide among layers of a class when they are the model's") {
    const Sequential ab({Dense(3, {.name = "a", .input_shape = Shape{3}}), Dense(3, {.name = "b"})});
    with_numbers(ab).save_weights(dir / "ab.weights.h5");
    const Sequential ba({Dense(3, {.name = "b", .input_shape = Shape{3}}), Dense(3, {.name = "a"})});
    (void)ba.load_weights(dir / "ab.weights.h5");
    CHECK(same(ba.get_layer("a").get_weights()[0], ab.get_layer("a").get_weights()[0]));
    CHECK_FALSE(same(ba.get_layer("b").get_weights()[0], ab.get_layer("a").get_weights()[0]));
  }
  SECTION("a weight too few, a layer too many, another shape") {
    const Sequential more({Dense(4, {.input_shape = Shape{3}}), BatchNormalization(), Dense(2), Dense(2)});
    const auto before = more.get_weights();
    CHECK_THAT(error_of([&] { (void)more.load_weights(dir / "w.weights.h5"); }),
               ContainsSubstring("layers/dense_2/vars/0") && ContainsSubstring("another model"));
    CHECK(same(more.get_weights()[0], before[0]));
    const Sequential fewer({Dense(4, {.input_shape = Shape{3}}), BatchNormalization()});
    CHECK_THAT(error_of([&] { (void)fewer.load_weights(dir / "w.weights.h5"); }),
               ContainsSubstring("Layer count mismatch") && ContainsSubstring("dense_1"));
    const Sequential wider({Dense(4, {.input_shape = Shape{3}}), BatchNormalization(), Dense(5)});
    CHECK_THAT(error_of([&] { (void)wider.load_weights(dir / "w.weights.h5"); }),
               ContainsSubstring("expected shape (4, 5), received (4, 2)") && ContainsSubstring("skip_mismatch"));
    const auto report = wider.load_weights(dir / "w.weights.h5", {.skip_mismatch = true});
    CHECK(report.loaded.size() == 6);
    CHECK(report.warnings.size() == 2);
  }
  SECTION("by name") {
    const Sequential other({Dense(4, {.name = "new", .input_shape = Shape{4}}), Dense(2, {.name = "d2"})});
    const auto report = other.load_weights(dir / "w.weights.h5", {.by_name = true});
    CHECK(report.loaded == Strings{"d2/kernel", "d2/bias"});
    CHECK(report.missing == Strings{"new/kernel", "new/bias"});
    CHECK(same(other.get_weights()[2], model.get_weights()[6]));
  }
  SECTION("in shards") {
    const auto half = [&](const std::string& name, bool first) {
      hdf5::write_file(dir / name, [&](const hdf5::Group& root) {
        keras::WeightStore store("file");
        store.add(hdf5::File::open(dir / "w.weights.h5").root());
        for (const std::string& path : store.below("")) {
          if ((path.find("dense/") != path.npos) != first) continue;
          const auto from = store.open(path);
          auto value = Tensor<float>::uninitialized(from.data.shape());
          from.data.read(value.data());
          root.write_dataset(path, value.shape(), value.data());
        }
      });
    };
    half("m_00000.weights.h5", true);
    half("m_00001.weights.h5", false);
    dir.write("m.weights.json",
              R"({"metadata": {}, "weight_map": {"/layers/dense/vars": "m_00000.weights.h5",
                  "/layers/dense_1/vars": ["m_00001.weights.h5"]}})");
    const auto other = small_net();
    for (const auto& weight : other.weights()) weight->mutable_value().fill(0);
    CHECK(other.load_weights(dir / "m.weights.json").loaded.size() == 8);
    CHECK(same_weights(model, other));
    dir.write("evil.weights.json", R"({"weight_map": {"/layers/dense/vars": "../m_00000.weights.h5"}})");
    CHECK_THAT(error_of([&] { (void)other.load_weights(dir / "evil.weights.json"); }),
               ContainsSubstring("Files elsewhere are not read"));
  }
  SECTION("of tf.keras 2.13, and of Windows") {
    for (const std::string separator : {"/", "\\"}) {
      hdf5::write_file(dir / "old.weights.h5", [&](const hdf5::Group& root) {
        const auto weights = model.get_weights();
        // Layers with weights are listed twice there, so that the numbers have gaps.
        const char* keys[] = {"dense", "batch_normalization", "dense_2"};
        std::size_t k = 0;
        for (const char* key : keys) {
          const std::string path = "_layer_checkpoint_dependencies" + separator + key + separator + "vars";
          const auto group = root.create_group(path);
          for (int i = 0; i < (key[0] == 'b' ? 4 : 2); ++i, ++k)
            group.write_dataset(std::to_string(i), weights[k].shape(), weights[k].data());
        }
      });
      const auto other = small_net();
      for (const auto& weight : other.weights()) weight->mutable_value().fill(0);
      CHECK(other.load_weights(dir / "old.weights.h5").loaded.size() == 8);
      CHECK(same_weights(model, other));
    }
  }
}

TEST_CASE("save .keras: config.json in Keras 3's words") {
  const auto model = branched_net();
  const Config config = keras::Keras3ConfigWriter<float>().write(model);
  CHECK(config.at("module").as_string() == "keras.src.models.functional");
  CHECK(config.at("registered_name").as_string() == "Functional");
  CHECK(json::dump(config.at("config").at("input_layers")) == R"(["in", 0, 0])");
  // A nested functional model's calls are counted from 1 here, and here only.
  CHECK(json::dump(config.at("config").at("output_layers")) == R"([["head", 0, 0], ["nested", 2, 0]])");
  const Config* head = nullptr;
  const Config* sum = nullptr;
  for (const Config& layer : config.at("config").at("layers").items()) {
    if (layer.at("name").as_string() == "head") head = &layer;
    if (layer.at("name").as_string() == "sum") sum = &layer;
  }
  REQUIRE(head);
  REQUIRE(sum);
  CHECK(head->at("module").as_string() == "keras.layers");
  CHECK(head->at("registered_name").is_null());
  CHECK(json::dump(head->at("build_config")) == R"({"input_shape": [null, 4]})");
  CHECK(json::dump(head->at("config").at("dtype")) ==
        R"({"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": null})");
  CHECK(head->at("config").at("kernel_initializer").at("module").as_string() == "keras.initializers");
  CHECK(json::dump(head->at("inbound_nodes")) ==
        R"([{"args": [{"class_name": "__keras_tensor__", "config": {"shape": [null, 4], "dtype": "float32", )"
        R"("keras_history": ["sum", 0, 0]}}], "kwargs": {}}])");
  // A layer of several inputs takes them as one list.
  CHECK(sum->at("inbound_nodes").items()[0].at("args").items().size() == 1);
  CHECK(sum->at("inbound_nodes").items()[0].at("args").items()[0].items().size() == 2);
  const Config net = keras::Keras3ConfigWriter<float>().write(small_net());
  const auto& layers = net.at("config").at("layers").items();
  CHECK(json::dump(layers[0].at("config").at("batch_shape")) == "[null, 3]");
  CHECK_FALSE(layers[1].at("config").contains("batch_input_shape"));
  CHECK(layers[3].at("config").at("negative_slope").as_double() == 0.2);
  CHECK_FALSE(layers[3].at("config").contains("alpha"));
}

#ifdef GRAFT_HAS_LIBZIP

TEST_CASE("save .keras: a model comes back bit by bit, and the same model makes the same bytes at any time") {
  const TempDir dir;
  const auto check = [&](const Model<float>& model, const Tensor<float>& x) {
    model.save(dir / "a.keras");
    LoadReport report;
    const auto again = load_model(dir / "a.keras", {.report = &report});
    CHECK(report.warnings.empty());
    CHECK(report.skipped.empty());
    CHECK(report.keras_version == keras::kKeras3Version);
    const auto expected = model.predict_all(x), received = again.predict_all(x);
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(same(expected[i], received[i]));
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));
    again.save(dir / "b.keras");
    CHECK(bytes_of(dir / "a.keras") == bytes_of(dir / "b.keras"));
  };
  check(branched_net(), numbers({6, 4}, -1));
  for (const std::string activation : {"selu", "hard_sigmoid", "hard_sigmoid_keras2"})
    check(small_net(activation), numbers({6, 3}, -1));
}

TEST_CASE("save .keras: an archive of stored members of 1980") {
  const TempDir dir;
  small_net().save(dir / "m.keras");
  int error = 0;
  zip_t* archive = zip_open((dir / "m.keras").c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &error);
  REQUIRE(archive);
  REQUIRE(zip_get_num_entries(archive, 0) == 3);
  for (zip_uint64_t i = 0; i < 3; ++i) {
    zip_stat_t info;
    REQUIRE(zip_stat_index(archive, i, 0, &info) == 0);
    const char* names[] = {"metadata.json", "config.json", "model.weights.h5"};
    CHECK(std::string(info.name) == names[i]);
    CHECK(info.comp_method == ZIP_CM_STORE);
    CHECK(info.size == info.comp_size);
    std::tm date{};
    const time_t time = info.mtime;
    localtime_r(&time, &date);
    CHECK(date.tm_year == 80);
  }
  zip_discard(archive);
}

TEST_CASE("save .keras: training goes on where it stopped") {
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
      Adam({.learning_rate = ExponentialDecay(0.05, 3, 0.5), .clipnorm = 1.0, .use_ema = true}),
      SGD({.learning_rate = 0.05, .gradient_accumulation_steps = 2}),
      LossScaleOptimizer(Adam({.learning_rate = 0.02}))};
  for (const auto& optimizer : optimizers) {
    CAPTURE(optimizer.class_name());
    const auto model = small_net();
    model.compile(
        {.optimizer = optimizer, .loss = BinaryCrossentropy({.from_logits = true}), .metrics = {"accuracy", "mae"}});
    for (int step = 0; step < 5; ++step) (void)model.train_on_batch(x, y);
    model.save(dir / "m.keras");
    LoadReport report;
    const auto again = load_model(dir / "m.keras", {.report = &report});
    for (const std::string& warning : report.warnings) UNSCOPED_INFO(warning);
    CHECK(report.warnings.empty());
    REQUIRE(again.compiled());
    CHECK(again.optimizer().iterations() == model.optimizer().iterations());
    again.save(dir / "again.keras");
    CHECK(bytes_of(dir / "m.keras") == bytes_of(dir / "again.keras"));
    for (int step = 0; step < 5; ++step) {
      const auto live = model.train_on_batch(x, y), resumed = again.train_on_batch(x, y);
      REQUIRE(live.size() == resumed.size());
      for (std::size_t i = 0; i < live.size(); ++i) CHECK(resumed[i] == Approx(live[i]).epsilon(1e-6));
    }
  }
  // Before the first step, and without what was compiled.
  const auto fresh = small_net();
  fresh.compile({.optimizer = "adam", .loss = "mse"});
  fresh.save(dir / "fresh.keras");
  CHECK(load_model(dir / "fresh.keras").optimizer().iterations() == 0);
  fresh.save(dir / "fresh.keras", {.include_optimizer = false});
  CHECK_FALSE(load_model(dir / "fresh.keras").compiled());
  CHECK_FALSE(load_model(dir / "m.keras", {.compile = false}).compiled());
}

TEST_CASE("save .keras: a full disk leaves the old file") {
  const TempDir dir;
  small_net().save(dir / "m.keras");
  const std::string before = bytes_of(dir / "m.keras");
  struct rlimit limit {};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  for (const rlim_t most : {rlim_t{100}, rlim_t{1000}, rlim_t{9000}}) {
    struct rlimit small = limit;
    small.rlim_cur = most;
    ::setrlimit(RLIMIT_FSIZE, &small);
    const std::string text = error_of([&] { small_net("elu").save(dir / "m.keras"); });
    ::setrlimit(RLIMIT_FSIZE, &limit);
    CHECK_THAT(text, ContainsSubstring("save to \"" + dir / "m.keras") && ContainsSubstring("Nothing was changed"));
    CHECK(bytes_of(dir / "m.keras") == before);
    CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), std::filesystem::directory_iterator()) == 1);
  }
  std::signal(SIGXFSZ, old_handler);
}

TEST_CASE("load_model: .keras of tf.keras 2.13") {
  const TempDir dir;
  const auto model =
      with_numbers(Sequential({Dense(2, {.activation = "hard_sigmoid_keras2", .input_shape = Shape{3}})}));
  write_zip(dir / "m.keras",
            {{"metadata.json", R"({"keras_version": "2.13.1", "date_saved": "2023-08-01@10:00:00"})"},
             {"config.json",
              R"({"module": "keras.src.engine.functional", "class_name": "Functional", "config": {"name": "model",
"trainable": true, "layers": [{"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_input_shape":
[null, 3], "dtype": "float32", "sparse": false, "ragged": false, "name": "input_1"}, "registered_name": null,
"name": "input_1", "inbound_nodes": []}, {"module": "keras.layers", "class_name": "Dense", "config": {"name": "dense",
"trainable": true, "dtype": "float32", "units": 2, "activation": "hard_sigmoid", "use_bias": true,
"kernel_initializer": {"module": "keras.initializers", "class_name": "GlorotUniform", "config": {"seed": null},
"registered_name": null}}, "registered_name": null, "build_config": {"input_shape": [null, 3]}, "name": "dense",
"inbound_nodes": [[["input_1", 0, 0, {}]]]}], "input_layers": [["input_1", 0, 0]], "output_layers": [["dense", 0, 0]]},
"registered_name": "Functional", "build_config": {"input_shape": [null, 3]}, "compile_config": {"optimizer":
{"module": "keras.optimizers", "class_name": "Adam", "config": {"name": "Adam", "weight_decay": null, "clipnorm": null,
"global_clipnorm": null, "clipvalue": null, "use_ema": false, "ema_momentum": 0.99, "ema_overwrite_frequency": null,
"jit_compile": false, "is_legacy_optimizer": false, "learning_rate": 0.0010000000474974513, "beta_1": 0.9,
"beta_2": 0.999, "epsilon": 1e-07, "amsgrad": false}, "registered_name": null}, "loss": "mse", "metrics": ["mae"],
"loss_weights": null, "weighted_metrics": null, "run_eagerly": null, "steps_per_execution": null,
"jit_compile": null}})"},
             {"model.weights.h5", weights_of(model, dir)},
             {"assets\\note.txt", "nothing"}});
  LoadReport report;
  const auto loaded = load_model(dir / "m.keras", {.report = &report});
  CHECK(report.warnings.empty());
  CHECK(report.keras_version == "2.13.1");
  CHECK(loaded.compiled());
  CHECK(loaded.optimizer().class_name() == "Adam");
  const auto x = numbers({4, 3}, -1);
  CHECK(same(loaded.predict(x), model.predict(x)));
}

TEST_CASE("load_model: bad archives are errors that say what is wrong") {
  const TempDir dir;
  const std::string path = dir / "m.keras";
  const auto error = [&] { return error_of([&] { (void)load_model(path); }); };
  small_net().save(path);
  const std::string whole = bytes_of(path), weights = weights_of(small_net(), dir);
  const std::string config = json::dump(keras::Keras3ConfigWriter<float>().write(small_net()));
  SECTION("truncated at many places") {
    int errors = 0, tried = 0;
    for (std::size_t size = 1; size < whole.size(); size += 97, ++tried) {
      dir.write("m.keras", whole.substr(0, size));
      try {
        (void)load_model(path);
      } catch (const FileError&) {
        ++errors;
      }
    }
    CHECK(tried > 50);
    CHECK(errors == tried);
  }
  SECTION("a byte of the weights is another") {
    std::string damaged = whole;
    const std::size_t at = damaged.find("\211HDF") + 9000;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    dir.write("m.keras", damaged);
    CHECK_THAT(error(), ContainsSubstring("model.weights.h5") && ContainsSubstring("damaged"));
  }
  SECTION("members that are missing, or there twice") {
    write_zip(path, {{"a.txt", "text"}});
    CHECK_THAT(error(), ContainsSubstring("a zip archive without one"));
    write_zip(path, {{"config.json", config}});
    CHECK_THAT(error(), ContainsSubstring("a member \"model.weights.h5\", received none of that name"));
    write_zip(path, {{"config.json", config}, {"model.weights.npz", "PK"}});
    CHECK_THAT(error(), ContainsSubstring("received model.weights.npz"));
    write_zip(path, {{"config.json", config}, {"config.json", "{}"}, {"model.weights.h5", weights}});
    CHECK_THAT(error(), ContainsSubstring("one member of that name, received two"));
  }
  SECTION("names that lead elsewhere are nobody's") {
    write_zip(path, {{"../config.json", config}, {"/config.json", config}, {"./config.json", config}});
    CHECK_THAT(error(), ContainsSubstring("a zip archive without one"));
    write_zip(path, {{"config.json", config}, {"../../evil", "evil"}, {"model.weights.h5", weights}});
    CHECK(error() == "no error");
    CHECK_FALSE(std::filesystem::exists(dir / "../../evil"));
  }
  SECTION("members that are something else") {
    write_zip(path, {{"config.json", "{\"class_name\": "}, {"model.weights.h5", weights}});
    CHECK_THAT(error(), ContainsSubstring("config.json, byte 16"));
    write_zip(path, {{"config.json", config}, {"model.weights.h5", "no HDF5"}});
    CHECK_THAT(error(), ContainsSubstring("expected a whole HDF5 file"));
    write_zip(path, {{"config.json", "[1]"}, {"model.weights.h5", weights}});
    CHECK_THAT(error(), ContainsSubstring("class_name"));
  }
  SECTION("a zip bomb") {
    int code = 0;
    std::filesystem::remove(path);
    zip_t* archive = zip_open(path.c_str(), ZIP_CREATE, &code);
    const std::string zeros(std::size_t{40} << 20, ' ');
    zip_source_t* source = zip_source_buffer(archive, zeros.data(), zeros.size(), 0);
    REQUIRE(zip_file_add(archive, "config.json", source, 0) >= 0);
    REQUIRE(zip_close(archive) == 0);
    CHECK(std::filesystem::file_size(path) < 100000);
    CHECK_THAT(error(), ContainsSubstring("zip bomb"));
  }
  SECTION("what was compiled and is not known is a warning") {
    Config compiled = json::parse(config);
    compiled["compile_config"] = json::parse(
        R"({"optimizer": {"class_name": "Adam", "config": {}}, "loss": {"class_name": "MyLoss", "config": {}}})");
    write_zip(path, {{"config.json", json::dump(compiled)}, {"model.weights.h5", weights}});
    LoadReport report;
    CHECK_FALSE(load_model(path, {.report = &report}).compiled());
    REQUIRE(report.warnings.size() == 1);
    CHECK_THAT(report.warnings[0], ContainsSubstring("not compiled") && ContainsSubstring("MyLoss"));
  }
}

#else

TEST_CASE("load_model: without libzip a .keras file is an error that says what to install") {
  const TempDir dir;
  small_net().save(dir / "m.keras");
  CHECK_THAT(error_of([&] { (void)load_model(dir / "m.keras"); }), ContainsSubstring("libzip-dev"));
}

#endif
