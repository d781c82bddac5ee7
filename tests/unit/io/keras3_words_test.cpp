#include "tests/support/temp_dir.hpp"
#include "tests/unit/io/keras_file.hpp"

// Words that Keras 3.11.3 was seen to refuse, or to ask for, when it read what graft had written.

using namespace graft;
using namespace graft::test;

namespace {

Config architecture_in_h5(const Model<float>& model) {
  const TempDir dir;
  model.save(dir / "m.h5");
  return json::parse(*hdf5::File::open(dir / "m.h5").root().string("model_config"));
}

Config training_in_h5(const Model<float>& model) {
  const TempDir dir;
  model.save(dir / "m.h5");
  return json::parse(*hdf5::File::open(dir / "m.h5").root().string("training_config"));
}

Config architecture_in_keras(const Model<float>& model) { return keras::Keras3ConfigWriter<float>().write(model); }

const Config& layer_of(const Config& model, const std::string& class_name) {
  for (const Config& layer : model.at("config").at("layers").items()) {
    if (layer.at("class_name").as_string() == class_name) return layer;
  }
  throw ConfigError("no layer of class " + class_name);
}

Sequential<float> small_classifier() {
  return Sequential({Dense(4, {.activation = "relu", .input_shape = Shape{3}}), Dense(2)});
}

}  // namespace

TEST_CASE("files for Keras 3: layers whose constructors take no \"trainable\" are not given it") {
  const Sequential drops({SpatialDropout1D(0.2, {.input_shape = Shape{4, 3}}), Reshape({2, 2, 3}),
                          SpatialDropout2D(0.2), Reshape({2, 2, 1, 3}), SpatialDropout3D(0.2), Flatten(), Dense(2)});
  const Sequential bins({Discretization({0.25, 0.5}, {.input_shape = Shape{2}})});
  for (const bool h5 : {true, false}) {
    CAPTURE(h5);
    const Config made = h5 ? architecture_in_h5(drops) : architecture_in_keras(drops);
    for (const char* name : {"SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"}) {
      CHECK_FALSE(layer_of(made, name).at("config").contains("trainable"));
    }
    CHECK(layer_of(made, "Dense").at("config").contains("trainable"));
    const Config binned = h5 ? architecture_in_h5(bins) : architecture_in_keras(bins);
    CHECK_FALSE(layer_of(binned, "Discretization").at("config").contains("trainable"));
  }
}

TEST_CASE("files for Keras 3: what wrappers hold says its module, in .h5 too") {
  const Sequential model({TimeDistributed(Conv2D(2, 3), {.input_shape = Shape{4, 6, 6, 1}}), TimeDistributed(Flatten()),
                          Bidirectional(LSTM(3)), Dense(1)});
  const Config made = architecture_in_h5(model);
  for (const char* name : {"TimeDistributed", "Bidirectional"}) {
    const Config& inner = layer_of(made, name).at("config").at("layer");
    CHECK(inner.at("module").as_string() == "keras.layers");
    CHECK(inner.at("registered_name").is_null());
  }
}

TEST_CASE("files for Keras 3: a functional model in a wrapper") {
  const auto picture = Input({6, 6, 1});
  const Model<float> cnn({picture}, {GlobalAveragePooling2D()(Conv2D(2, 3)(picture))}, {.name = "cnn"});
  const auto film = Input({4, 6, 6, 1});
  const Model<float> model({film}, {Dense(1)(LSTM(3)(TimeDistributed(cnn)(film)))});

  const Config in_h5 = architecture_in_h5(model);
  const Config& legacy = layer_of(in_h5, "TimeDistributed").at("config").at("layer");
  CHECK(legacy.at("module").as_string() == "keras");
  CHECK(legacy.at("class_name").as_string() == "Model");
  CHECK(legacy.at("config").at("input_layers").items()[0].is_string());
  CHECK(legacy.at("config").at("output_layers").items()[0].is_string());

  const Config in_keras = architecture_in_keras(model);
  const Config& own = layer_of(in_keras, "TimeDistributed").at("config").at("layer");
  CHECK(own.at("class_name").as_string() == "Functional");
  CHECK(own.at("config").at("input_layers").items()[0].is_string());
  CHECK(layer_of(own, "Conv2D").at("inbound_nodes").items()[0].contains("args"));

  const Tensor<float> x = numbers({2, 4, 6, 6, 1}, 0);
  const TempDir dir;
  model.save(dir / "m.h5");
  CHECK(same(load_model(dir / "m.h5").predict(x), model.predict(x)));
#ifdef GRAFT_HAS_LIBZIP
  model.save(dir / "m.keras");
  CHECK(same(load_model(dir / "m.keras").predict(x), model.predict(x)));
#endif
}

TEST_CASE("files for Keras 3: schedules and inner optimizers say their modules in .h5") {
  const auto model = small_classifier();
  model.compile({.optimizer = Adam({.learning_rate = CosineDecay(0.01, 100)}), .loss = "mse"});
  const Config adam = training_in_h5(model).at("optimizer_config");
  const Config& rate = adam.at("config").at("learning_rate");
  CHECK(rate.at("module").as_string() == "keras.optimizers.schedules");
  CHECK(rate.at("class_name").as_string() == "CosineDecay");

  model.compile(
      {.optimizer = LossScaleOptimizer(SGD({.learning_rate = ExponentialDecay(0.1, 10, 0.5)})), .loss = "mse"});
  const Config scaled = training_in_h5(model).at("optimizer_config");
  const Config& inner = scaled.at("config").at("inner_optimizer");
  CHECK(inner.at("module").as_string() == "keras.optimizers");
  CHECK(inner.at("config").at("learning_rate").at("module").as_string() == "keras.optimizers.schedules");
}

TEST_CASE("files for Keras 3: losses by their functions, metrics without the losses' arguments") {
  const auto model = small_classifier();
  model.compile({.optimizer = "sgd", .loss = Huber(), .metrics = {metrics::BinaryCrossentropy()}});
  const Config training = training_in_h5(model);
  CHECK(training.at("loss").as_string() == "huber");
  const Config& binary = training.at("metrics").items()[0].at("config");
  CHECK(binary.contains("label_smoothing"));
  CHECK_FALSE(binary.contains("axis"));
  model.compile({.optimizer = "sgd",
                 .loss = "sparse_categorical_crossentropy",
                 .metrics = {metrics::SparseCategoricalCrossentropy({.from_logits = true})}});
  CHECK_FALSE(training_in_h5(model).at("metrics").items()[0].at("config").contains("ignore_class"));
}

TEST_CASE("files for Keras 3: activations with arguments become operations") {
  const auto x = Input({4, 2});
  const auto smooth = ops::gelu(Dense(3)(x), true);
  const Model<float> model({x}, {Activation(activations::log_softmax(1))(smooth)});
  const Config made = architecture_in_keras(model);
  const Config& gelu = layer_of(made, "Gelu");
  CHECK(gelu.at("module").as_string() == "keras.src.ops.nn");
  CHECK(gelu.at("registered_name").as_string() == "Gelu");
  CHECK(gelu.at("config").at("approximate").as_bool());
  CHECK(layer_of(made, "LogSoftmax").at("config").at("axis").as_int() == 1);
#ifdef GRAFT_HAS_LIBZIP
  const TempDir dir;
  model.save(dir / "m.keras");
  const Tensor<float> in = numbers({2, 4, 2}, -0.1F);
  CHECK(same(load_model(dir / "m.keras").predict(in), model.predict(in)));
#endif
}
