#include "graft/io/keras/model_config.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/io/keras_file.hpp"

// SpectralNormalization in files: the kernel belongs to the wrapper and to the layer inside.
using namespace graft;
using namespace graft::test;
using Strings = std::vector<std::string>;

namespace {

/// A model that has learnt a little, so that vector_u and the kernels are none that a new model has.
Sequential<float> trained_net() {
  set_random_seed(7);
  const Sequential model({SpectralNormalization(Conv2D(3, 2, {.name = "conv"}),
                                                {.power_iterations = 2, .name = "sn", .input_shape = Shape{4, 4, 2}}),
                          Flatten(),
                          SpectralNormalization(Dense(4, {.activation = "tanh", .name = "hidden"}), {.name = "sn_1"}),
                          Dense(2, {.name = "head"})});
  model.compile({.optimizer = "adam", .loss = "mse"});
  for (int step = 0; step < 3; ++step) (void)model.train_on_batch(numbers({5, 4, 4, 2}, -0.1F), numbers({5, 2}, 0.2F));
  return model;
}

void check_same(const Model<float>& model, const Model<float>& again) {
  const auto x = numbers({3, 4, 4, 2}, -0.2F);
  CHECK(same(model.predict(x), again.predict(x)));
  REQUIRE(again.weights().size() == model.weights().size());
  for (std::size_t i = 0; i < model.weights().size(); ++i) CHECK(same(model.get_weights()[i], again.get_weights()[i]));
}

}  // namespace

TEST_CASE("SpectralNormalization comes back from files bit by bit, and goes on learning as it would have") {
  const TempDir dir;
  const auto model = trained_net();
  Strings ends = {".h5"};
#ifdef GRAFT_HAS_LIBZIP
  ends.push_back(".keras");
#endif
  for (const std::string& end : ends) {
    INFO(end);
    model.save(dir / ("m" + end));
    LoadReport report;
    const auto again = load_model(dir / ("m" + end), {.report = &report});
    CHECK(report.warnings.empty());
    CHECK(report.skipped.empty());
    CHECK(report.missing.empty());
    check_same(model, again);
    CHECK(again.layers()[0].config().at("power_iterations") == Config(2));
    // Both take the same next step.
    const auto twin = clone_model(model);
    twin.set_weights(model.get_weights());
    again.compile({.optimizer = "sgd", .loss = "mse"});
    twin.compile({.optimizer = "sgd", .loss = "mse"});
    const auto x = numbers({5, 4, 4, 2}, 0.3F), y = numbers({5, 2}, -0.2F);
    CHECK(again.train_on_batch(x, y) == twin.train_on_batch(x, y));
    check_same(twin, again);
  }
}

TEST_CASE("SpectralNormalization, as other wrappers, is a layer of Keras's in config.json, not one of the user's") {
  // Of doubles, since nothing else here makes their wrappers known.
  const Sequential<double> model(
      {TimeDistributed<double>(Dense<double>(2), {.input_shape = Shape{3, 2}}),
       SpectralNormalization<double>(Conv1D<double>(2, 2, {.name = "conv"}), {.power_iterations = 3, .name = "sn"})});
  const Config config = keras::Keras3ConfigWriter<double>().write(model);
  const auto& layers = config.at("config").at("layers").items();
  REQUIRE(layers.size() == 3);
  for (std::size_t i = 1; i < 3; ++i) {
    CHECK(layers[i].at("module") == Config("keras.layers"));
    CHECK(layers[i].at("registered_name").is_null());
  }
  const Config& wrapper = layers[2].at("config");
  CHECK(wrapper.at("power_iterations") == Config(3));
  CHECK(wrapper.at("layer").at("module") == Config("keras.layers"));
  CHECK(wrapper.at("layer").at("class_name") == Config("Conv1D"));
}

TEST_CASE("SpectralNormalization: names in .h5") {
  const TempDir dir;
  const auto model = trained_net();
  model.save(dir / "m.h5");
  const auto weights = hdf5::File::open(dir / "m.h5").root().group("model_weights");
  const auto names = weights.group("sn").strings("weight_names");
  REQUIRE(names);
  REQUIRE(names->size() == 3);
  CHECK((*names)[2] == "sn/vector_u:0");
  // Frozen, the wrapper's own come first.
  model.layers()[0].set_trainable(false);
  model.save(dir / "frozen.h5");
  CHECK(hdf5::File::open(dir / "frozen.h5").root().group("model_weights").group("sn").strings("weight_names")->at(1) ==
        "sn/vector_u:0");
  check_same(model, load_model(dir / "frozen.h5"));
}

TEST_CASE("SpectralNormalization: places in .weights.h5") {
  const TempDir dir;
  const auto model = trained_net();
  model.save_weights(dir / "m.weights.h5");
  keras::WeightStore store("file");
  store.add(hdf5::File::open(dir / "m.weights.h5").root());
  for (const char* path : {"vars/0", "vars/1", "layer/vars/0", "layer/vars/1"}) {
    INFO(path);
    CHECK(store.contains("layers/spectral_normalization/" + std::string(path)));
    CHECK(store.contains("layers/spectral_normalization_1/" + std::string(path)));
  }
  CHECK_FALSE(store.contains("layers/spectral_normalization/vars/2"));
  const auto again = clone_model(model);
  const LoadReport report = again.load_weights(dir / "m.weights.h5");
  CHECK(report.loaded.size() == model.weights().size());
  CHECK(report.skipped.empty());
  check_same(model, again);
}
