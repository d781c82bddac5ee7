#include "graft/io/keras/model_config.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/io/keras_file.hpp"

// Files of layers over time, in the words and layouts of all Kerases.
using namespace graft;
using namespace graft::test;
using Catch::Matchers::ContainsSubstring;
using keras::Generation;

namespace {

Config read_layer(const std::string& text, Generation generation) {
  std::vector<std::string> warnings;
  const Config model = Config::object({{"class_name", "Sequential"}, {"config", Config::array({json::parse(text)})}});
  const Config read = keras::ModelConfigReader(generation, false, warnings).read(model);
  return read.at("config").at("layers").items().back();
}

std::string chain(const std::string& layer) { return R"({"class_name": "Sequential", "config": [)" + layer + "]}"; }

/// One gate of a fused array: `gates` of them lie side by side.
Tensor<float> gate_of(const Tensor<float>& fused, Index gate, Index gates) {
  const Index width = fused.dim(-1) / gates, rows = fused.size() / fused.dim(-1);
  Tensor<float> result(fused.rank() == 1 ? Shape{width} : Shape{rows, width});
  for (Index i = 0; i < rows * width; ++i) result[i] = fused[i / width * fused.dim(-1) + gate * width + i % width];
  return result;
}

bool same_predictions(const Model<float>& a, const Model<float>& b, const Tensor<float>& x) {
  const auto y = a.predict(x), z = b.predict(x);
  if (!(y.shape() == z.shape())) return false;
  for (Index i = 0; i < y.size(); ++i) {
    if (y[i] != Approx(z[i]).margin(1e-6)) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("Keras 1's words for recurrent layers and Embedding") {
  const Config lstm = read_layer(
      R"({"class_name": "LSTM", "config": {"name": "lstm_1", "output_dim": 4, "init": "uniform", "inner_init": "normal",
          "forget_bias_init": "zero", "activation": "tanh", "inner_activation": "hard_sigmoid", "dropout_W": 0.1,
          "dropout_U": 0.2, "W_regularizer": null, "U_regularizer": {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.5},
          "b_regularizer": null, "return_sequences": true, "go_backwards": false, "stateful": false, "unroll": false,
          "consume_less": "cpu", "input_dim": 3, "input_length": 6, "trainable": true}})",
      Generation::keras1);
  const auto layer = make_layer<float>("LSTM", lstm.at("config"));
  const Config config = layer.config();
  CHECK(config.at("units") == Config(4));
  CHECK(config.at("recurrent_activation") == Config("hard_sigmoid_keras2"));
  CHECK(config.at("unit_forget_bias") == Config(false));
  CHECK(config.at("kernel_initializer").at("class_name") == Config("RandomUniform"));
  CHECK(config.at("recurrent_initializer").at("class_name") == Config("RandomNormal"));
  CHECK(config.at("recurrent_regularizer").at("config").at("l2") == Config(0.5));
  CHECK(config.at("dropout") == Config(0.1));
  CHECK(config.at("recurrent_dropout") == Config(0.2));
  CHECK(layer.impl().input_shape() == Shape{6, 3});

  const Config gru =
      read_layer(R"({"class_name": "GRU", "config": {"name": "g", "output_dim": 2}})", Generation::keras1);
  CHECK(gru.at("config").at("reset_after") == Config(false));
  CHECK(gru.at("config").at("recurrent_activation") == Config("hard_sigmoid_keras2"));

  const Config embedding = read_layer(
      R"({"class_name": "Embedding", "config": {"name": "e", "input_dim": 9, "output_dim": 4, "init": "uniform",
          "input_length": 7, "mask_zero": true, "dropout": 0.25, "W_regularizer": null, "W_constraint": {"name": "maxnorm",
          "m": 3, "axis": 0}}})",
      Generation::keras1);
  const Config made = make_layer<float>("Embedding", embedding.at("config")).config();
  CHECK(made.at("input_dim") == Config(9));
  CHECK(made.at("dropout") == Config(0.25));
  CHECK(made.at("mask_zero") == Config(true));
  CHECK(made.at("embeddings_initializer").at("class_name") == Config("RandomUniform"));
  CHECK(made.at("embeddings_constraint").at("config").at("max_value") == Config(3));
  CHECK(made.at("batch_input_shape") == Config::array({Config(), Config(7)}));

  const Config dense = read_layer(
      R"({"class_name": "TimeDistributedDense", "config": {"name": "t", "output_dim": 5, "batch_input_shape": [null, 3, 2]}})",
      Generation::keras1);
  CHECK(dense.at("class_name") == Config("Dense"));
  CHECK(dense.at("config").at("units") == Config(5));

  const Config conv = read_layer(
      R"({"class_name": "ConvLSTM2D", "config": {"name": "c", "nb_filter": 2, "nb_row": 3, "nb_col": 2, "border_mode": "same",
          "subsample": [1, 1], "dim_ordering": "th", "inner_activation": "hard_sigmoid", "forget_bias_init": "one"}})",
      Generation::keras1);
  const Config conv_config = make_layer<float>("ConvLSTM2D", conv.at("config")).config();
  CHECK(conv_config.at("kernel_size") == Config::array({3, 2}));
  CHECK(conv_config.at("data_format") == Config("channels_first"));
  CHECK(conv_config.at("unit_forget_bias") == Config(true));
}

TEST_CASE("Keras 2's defaults for keys that are missing, and keys that say nothing") {
  const auto conv = [](Generation generation) {
    return read_layer(R"({"class_name": "ConvLSTM2D", "config": {"name": "c", "filters": 2, "kernel_size": 3}})",
                      generation)
        .at("config")
        .get("recurrent_activation", "default");
  };
  CHECK(conv(Generation::keras2) == "hard_sigmoid_keras2");
  CHECK(conv(Generation::keras3) == "default");
  const char* const lstm =
      R"({"class_name": "LSTM", "config": {"name": "l", "units": 2, "time_major": false, "implementation": 2}})";
  CHECK_FALSE(read_layer(lstm, Generation::keras2).at("config").contains("time_major"));
  CHECK_THROWS_WITH(read_layer(R"({"class_name": "LSTM", "config": {"name": "l", "units": 2, "time_major": true}})",
                               Generation::keras2),
                    ContainsSubstring("time_major"));
}

TEST_CASE("One array for each gate, as Keras 1 wrote them, becomes kernel, recurrent_kernel and bias") {
  const TempDir dir;
  const std::string path = dir / "gates.h5";
  const auto kernel = numbers({3, 16}, -0.2F), recurrent = numbers({4, 16}, 0.1F), bias = numbers({16}, 0.3F);
  // On disk i, c, f, o; fused i, f, c, o.
  const std::pair<char, Index> gates[] = {{'i', 0}, {'c', 2}, {'f', 1}, {'o', 3}};
  KerasFile file{.version = "1.2.2", .backend = ""};
  file.model_config = chain(
      R"({"class_name": "LSTM", "config": {"name": "lstm_1", "output_dim": 4, "inner_activation": "hard_sigmoid",
          "batch_input_shape": [null, 5, 3]}})");
  std::vector<NamedArray> arrays;
  for (const auto& [letter, at] : gates) {
    const std::string end = std::string(1, letter) + ":0";
    arrays.push_back({"lstm_1_W_" + end, gate_of(kernel, at, 4)});
    arrays.push_back({"lstm_1_U_" + end, gate_of(recurrent, at, 4)});
    arrays.push_back({"lstm_1_b_" + end, gate_of(bias, at, 4)});
  }
  file.layers = {{"lstm_1", arrays}};
  file.write(path);
  const auto weights = load_model(path).get_weights();
  CHECK(same(weights.at(0), kernel));
  CHECK(same(weights.at(1), recurrent));
  CHECK(same(weights.at(2), bias));

  file.layers[0].second.pop_back();
  file.write(path);
  CHECK_THAT(error_of([&] { (void)load_model(path); }), ContainsSubstring("an array for each gate of its bias"));

  // Theano's names have no number behind them; both directions lie in one group.
  KerasFile both{.version = "1.2.2", .backend = ""};
  both.model_config = chain(
      R"({"class_name": "Bidirectional", "config": {"name": "bidirectional_1", "merge_mode": "concat",
          "batch_input_shape": [null, 5, 3], "layer": {"class_name": "GRU", "config": {"name": "gru_1", "output_dim": 2,
          "inner_activation": "sigmoid"}}}})");
  std::vector<NamedArray> halves;
  for (const char* direction : {"backward", "forward"}) {
    const float start = direction[0] == 'f' ? 0.5F : -0.5F;
    for (const char gate : {'z', 'r', 'h'}) {
      const std::string layer = std::string(direction) + "_gru_1_", end(1, gate);
      const float own = start + (gate == 'z' ? 0.0F : gate == 'r' ? 0.03F : 0.07F);
      halves.push_back({layer + "W_" + end, numbers({3, 2}, own)});
      halves.push_back({layer + "U_" + end, numbers({2, 2}, own)});
      halves.push_back({layer + "b_" + end, numbers({2}, own)});
    }
  }
  both.layers = {{"bidirectional_1", halves}};
  both.write(path);
  const auto loaded = load_model(path).get_weights();
  REQUIRE(loaded.size() == 6);
  CHECK(same(gate_of(loaded[0], 0, 3), numbers({3, 2}, 0.5F)));
  CHECK(same(gate_of(loaded[1], 2, 3), numbers({2, 2}, 0.57F)));
  CHECK(same(gate_of(loaded[5], 1, 3), numbers({2}, -0.47F)));
}

TEST_CASE("Weights of CuDNN's layers are turned into those of the plain ones") {
  const TempDir dir;
  const std::string path = dir / "cudnn.h5";
  const Index features = 3, units = 2;
  for (const Index gates : {Index{4}, Index{3}}) {
    const std::string class_name = gates == 4 ? "LSTM" : "GRU";
    const Index columns = gates * units;
    const auto kernel = numbers({features, columns}, -0.3F), recurrent = numbers({units, columns}, 0.2F);
    const auto halves = numbers({2 * columns}, 0.1F);
    // CuDNN wants every gate's matrix (units, features) row by row; Keras reads that memory as (features, units).
    Tensor<float> stored_kernel({features, columns}), stored_recurrent({units, columns});
    for (Index gate = 0; gate < gates; ++gate) {
      for (Index unit = 0; unit < units; ++unit) {
        for (Index f = 0; f < features; ++f) {
          const Index at = unit * features + f;
          stored_kernel[at / units * columns + gate * units + at % units] = kernel[f * columns + gate * units + unit];
        }
        for (Index u = 0; u < units; ++u) {
          stored_recurrent[u * columns + gate * units + unit] = recurrent[unit * columns + gate * units + u];
        }
      }
    }
    KerasFile file{.version = "2.2.4"};
    file.model_config = chain(R"({"class_name": "CuDNN)" + class_name +
                              R"(", "config": {"name": "r", "units": 2, "batch_input_shape": [null, 5, 3]}})");
    file.layers = {
        {"r", {{"r/kernel:0", stored_kernel}, {"r/recurrent_kernel:0", stored_recurrent}, {"r/bias:0", halves}}}};
    file.write(path);
    const auto model = load_model(path);
    CHECK(model.layers()[0].class_name() == class_name);
    CHECK(model.layers()[0].config().get("reset_after", true));
    const auto weights = model.get_weights();
    CHECK(same(weights.at(0), kernel));
    CHECK(same(weights.at(1), recurrent));
    for (Index i = 0; i < columns; ++i) {
      if (gates == 4) CHECK(weights.at(2)[i] == Approx(halves[i] + halves[columns + i]));
      else CHECK((weights.at(2)[i] == halves[i] && weights.at(2)[columns + i] == halves[columns + i]));
    }
  }
}

TEST_CASE("A GRU whose config does not say reset_after is told by its bias") {
  const TempDir dir;
  const std::string path = dir / "gru.h5";
  for (const bool after : {false, true}) {
    KerasFile file{.version = "2.2.4"};
    file.model_config =
        chain(R"({"class_name": "Bidirectional", "config": {"name": "b", "batch_input_shape": [null, 5, 3], "layer":
                 {"class_name": "GRU", "config": {"name": "gru", "units": 2}}}})");
    std::vector<NamedArray> arrays;
    for (const char* layer : {"b/forward_gru/", "b/backward_gru/"}) {
      arrays.push_back({std::string(layer) + "kernel:0", numbers({3, 6}, 0.1F)});
      arrays.push_back({std::string(layer) + "recurrent_kernel:0", numbers({2, 6}, 0.2F)});
      arrays.push_back({std::string(layer) + "bias:0", numbers(after ? Shape{2, 6} : Shape{6}, 0.3F)});
    }
    file.layers = {{"b", arrays}};
    file.write(path);
    const auto inner = load_model(path).layers()[0].impl().sublayers()[0];
    CHECK(inner.config().at("reset_after") == Config(after));
  }
}

TEST_CASE("Initial states are inputs, however a file says it") {
  const std::string inputs =
      R"({"class_name": "InputLayer", "name": "x", "config": {"name": "x", "batch_input_shape": [null, 4, 2]}, "inbound_nodes": []},
         {"class_name": "InputLayer", "name": "h", "config": {"name": "h", "batch_input_shape": [null, 3]}, "inbound_nodes": []},
         {"class_name": "InputLayer", "name": "c", "config": {"name": "c", "batch_input_shape": [null, 3]}, "inbound_nodes": []},)";
  const auto tensor = [](const std::string& name) {
    return R"({"class_name": "__keras_tensor__", "config": {"shape": [null, 3], "dtype": "float32", "keras_history": [")" +
           name + R"(", 0, 0]}})";
  };
  const std::pair<Generation, std::string> calls[] = {
      {Generation::keras2, R"([[["x", 0, 0, {}], ["h", 0, 0, {}], ["c", 0, 0, {}]]])"},
      {Generation::keras2, R"([[["x", 0, 0, {"initial_state": [["h", 0, 0], ["c", 0, 0]]}]]])"},
      {Generation::keras3, R"([{"args": [)" + tensor("x") + R"(], "kwargs": {"initial_state": [)" + tensor("h") + ", " +
                               tensor("c") + R"(], "mask": null, "training": false}}])"},
  };
  std::vector<Model<float>> models;
  for (const auto& [generation, call] : calls) {
    const std::string text =
        R"({"class_name": "Functional", "config": {"name": "m", "layers": [)" + inputs +
        R"({"class_name": "LSTM", "name": "l", "config": {"name": "l", "units": 3}, "inbound_nodes": )" + call +
        R"(}], "input_layers": [["x", 0, 0], ["h", 0, 0], ["c", 0, 0]], "output_layers": [["l", 0, 0]]}})";
    std::vector<std::string> warnings;
    models.push_back(
        Model<float>::from_config(keras::ModelConfigReader(generation, false, warnings).read(json::parse(text))));
    models.back().set_weights({numbers({2, 12}, -0.1F), numbers({3, 12}, 0.1F), numbers({12}, 0.2F)});
  }
  const auto x = numbers({5, 4, 2}, -0.2F), h = numbers({5, 3}, 0.5F), c = numbers({5, 3}, -0.7F);
  const auto y = models[0].predict({x, h, c});
  CHECK_FALSE(same(y, models[0].predict({x, c, h})));
  CHECK(same(models[1].predict({x, h, c}), y));
  CHECK(same(models[2].predict({x, h, c}), y));

  const TempDir dir;
  models[0].save(dir / "states.h5");
  CHECK(same(load_model(dir / "states.h5").predict({x, h, c}), y));
}

TEST_CASE("Names of weights in wrappers: with the cell, with the scope, with a number behind them") {
  const TempDir dir;
  const std::string path = dir / "names.h5";
  const std::string layer =
      R"({"class_name": "Bidirectional", "config": {"name": "b", "batch_input_shape": [null, 5, 3], "layer":
          {"class_name": "LSTM", "config": {"name": "lstm", "units": 2}}}})";
  // The order on disk is not that of the layers: the forward direction was frozen.
  for (const std::string prefix : {"b/%_lstm/lstm_cell/", "sequential/b/%_lstm/lstm_cell_1/", "b_1/%_lstm/"}) {
    INFO(prefix);
    KerasFile file{.version = "2.4.0"};
    file.model_config = chain(layer);
    std::vector<NamedArray> arrays;
    for (const char* direction : {"backward", "forward"}) {
      const float start = direction[0] == 'f' ? 0.1F : 0.6F;
      const std::string base = std::string(prefix).replace(prefix.find('%'), 1, direction);
      arrays.push_back({base + "kernel:0", numbers({3, 8}, start)});
      arrays.push_back({base + "recurrent_kernel:0", numbers({2, 8}, start)});
      arrays.push_back({base + "bias:0", numbers({8}, start)});
    }
    file.layers = {{"b", arrays}};
    file.write(path);
    const auto weights = load_model(path).get_weights();
    CHECK(same(weights.at(0), numbers({3, 8}, 0.1F)));
    CHECK(same(weights.at(5), numbers({8}, 0.6F)));
  }
}

TEST_CASE("A kernel of ConvLSTM2D in a file of backend Theano is turned, both of them") {
  const TempDir dir;
  const std::string path = dir / "theano.h5";
  KerasFile file{.version = "2.1.3", .backend = "theano"};
  file.model_config = chain(R"({"class_name": "ConvLSTM2D", "config": {"name": "c", "filters": 1, "kernel_size": [2, 2],
                                "batch_input_shape": [null, 3, 4, 4, 1]}})");
  const auto kernel = numbers({2, 2, 1, 4}, 0), recurrent = numbers({2, 2, 1, 4}, 1);
  file.layers = {{"c", {{"c/kernel", kernel}, {"c/recurrent_kernel", recurrent}, {"c/bias", numbers({4}, 2)}}}};
  file.write(path);
  const auto weights = load_model(path).get_weights();
  for (Index tap = 0; tap < 4; ++tap) {
    for (Index i = 0; i < 4; ++i) {
      CHECK(weights.at(0)[tap * 4 + i] == kernel[(3 - tap) * 4 + i]);
      CHECK(weights.at(1)[tap * 4 + i] == recurrent[(3 - tap) * 4 + i]);
    }
  }
}

TEST_CASE("Models over time come back from files as they were") {
  set_random_seed(3);
  const TempDir dir;
  const Sequential words(
      {Embedding(20, 4, {.mask_zero = true, .input_length = 6}),
       Bidirectional(LSTM(3, {.recurrent_activation = "hard_sigmoid_keras2", .return_sequences = true})),
       TimeDistributed<float>(Sequential({Dense(3, {.name = "a/b", .input_shape = Shape{6}}), Dense(2)})),
       GRU(3, {.reset_after = false, .return_sequences = true, .zero_output_for_mask = true}),
       Bidirectional(SimpleRNN(2), {.merge_mode = "mul"}), Dense(1)});
  auto x = Tensor<float>({3, 6});
  for (Index i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 6 > 3 ? 0 : (i * 5) % 20);
  const auto y = words.predict(x);
  for (const char* name : {"words.h5", "words.weights.h5"}) {
    const std::string path = dir / name;
    if (std::string(name) == "words.h5") {
      words.save(path);
      CHECK(same(load_model(path).predict(x), y));
      continue;
    }
    words.save_weights(path);
    const auto clone = clone_model(words);
    (void)clone.load_weights(path);
    CHECK(same(clone.predict(x), y));
  }
  const Sequential films({ConvLSTM2D(2, 2, {.return_sequences = true, .input_shape = Shape{3, 4, 4, 1}}),
                          TimeDistributed<float>(Flatten()), Masking(), LSTM(2)});
  films.save(dir / "films.h5");
  const auto film = numbers({2, 3, 4, 4, 1}, -0.1F);
  CHECK(same_predictions(load_model(dir / "films.h5"), films, film));
}
