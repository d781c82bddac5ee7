#include <cmath>

#include "../../support/layer_tools.hpp"

using namespace graft;
using Catch::Matchers::ContainsSubstring;
using graft::test::built_shape;
using graft::test::distance;
using graft::test::kInfer;
using graft::test::kTrain;
using graft::test::LayerRun;
using graft::test::object;
using graft::test::random_tensor;
using graft::test::randomize;
using graft::test::same;
using graft::test::values;
using graft::test::weight_names;

TEST_CASE("Dense agrees with loops in double for awkward sizes, fused activations and rank 3") {
  for (const Shape& shape : {Shape{1, 1}, Shape{3, 17}, Shape{33, 5}, Shape{64, 130}, Shape{2, 5, 9}}) {
    for (const char* name : {"linear", "relu", "selu", "tanh", "swish"}) {
      INFO(shape.str() << " " << name);
      const Index units = 23, inputs = shape.back(), rows = shape.elements() / inputs;
      const Dense<> layer(units, {.activation = name});
      LayerRun<float> run(layer, random_tensor<float>(shape, 5, 1.0), kTrain);
      randomize(layer, 2);
      run.forward();
      const Tensor<float> dy = random_tensor<float>(run.y().shape(), 6, 1.0);
      run.backward(dy);

      const Tensor<float>& kernel = layer.weights()[0]->value();
      const Tensor<float>& bias = layer.weights()[1]->value();
      const Tensor<double> ones({rows, units}, 1.0);
      Tensor<double> z({rows, units}), y({rows, units}), dz({rows, units}), dx(shape), dw({inputs, units}), db({units});
      for (Index r = 0; r < rows; ++r) {
        for (Index u = 0; u < units; ++u) {
          z[r * units + u] = static_cast<double>(bias[u]);
          for (Index i = 0; i < inputs; ++i) {
            z[r * units + u] +=
                static_cast<double>(run.x()[r * inputs + i]) * static_cast<double>(kernel[i * units + u]);
          }
        }
      }
      const ActivationFunction f(name);
      f.forward<double>(z.view(), y.view());
      f.backward<double>(z.view(), y.view(), Tensor<double>(dy.view()).reshaped({rows, units}).view(), dz.view());
      for (Index r = 0; r < rows; ++r) {
        for (Index u = 0; u < units; ++u) {
          const double slope = dz[r * units + u];
          db[u] += slope;
          for (Index i = 0; i < inputs; ++i) {
            dw[i * units + u] += slope * static_cast<double>(run.x()[r * inputs + i]);
            dx[r * inputs + i] += slope * static_cast<double>(kernel[i * units + u]);
          }
        }
      }
      const double tolerance = 2e-6 * std::sqrt(static_cast<double>(inputs + rows + units));
      CHECK(distance(Tensor<double>(run.y().view()).reshaped({rows, units}), y) < tolerance);
      CHECK(distance(Tensor<double>(run.dx().view()), dx) < tolerance);
      CHECK(distance(Tensor<double>(run.dw()[0].view()), dw) < tolerance);
      CHECK(distance(Tensor<double>(run.dw()[1].view()), db) < tolerance);
    }
  }
}

TEST_CASE("R-65 BatchNormalization standardises with the biased variance, or with its moving statistics") {
  const BatchNormalization<double> layer;
  const Tensor<double> x({4, 2}, {1, 10, 2, 10, 3, 20, 6, 20});  // means 3 and 15, biased variances 3.5 and 25
  LayerRun<double> train(layer, x, kTrain), infer(layer, x, kInfer);
  const auto variables = layer.weights();
  variables[0]->assign(Tensor<double>({2}, {2, 0.5}));
  variables[1]->assign(Tensor<double>({2}, {-1, 1}));
  variables[2]->assign(Tensor<double>({2}, {2, 12}));
  variables[3]->assign(Tensor<double>({2}, {4, 9}));
  train.forward();
  infer.forward();
  for (Index r = 0; r < 4; ++r) {
    CHECK(train.y()[2 * r] == Approx(2 * (x[2 * r] - 3) / std::sqrt(3.5 + 1e-3) - 1));
    CHECK(train.y()[2 * r + 1] == Approx(0.5 * (x[2 * r + 1] - 15) / std::sqrt(25 + 1e-3) + 1));
    CHECK(infer.y()[2 * r] == Approx(2 * (x[2 * r] - 2) / std::sqrt(4 + 1e-3) - 1));
    CHECK(infer.y()[2 * r + 1] == Approx(0.5 * (x[2 * r + 1] - 12) / std::sqrt(9 + 1e-3) + 1));
  }
  // Channels first: the same numbers under axis 1 of (1, 2, 4).
  const BatchNormalization<double> first({.axis = 1});
  LayerRun<double> turned(first, Tensor<double>({1, 2, 4}, {1, 2, 3, 6, 10, 10, 20, 20}), kTrain);
  first.set_weights(layer.get_weights());
  turned.forward();
  for (Index r = 0; r < 4; ++r) {
    CHECK(turned.y()[r] == Approx(train.y()[2 * r]));
    CHECK(turned.y()[4 + r] == Approx(train.y()[2 * r + 1]));
  }
}

TEST_CASE("R-66 moving statistics after one step: Keras 3's rule, with the biased variance") {
  const BatchNormalization<double> layer;
  const Tensor<double> x({4, 2}, {1, 10, 2, 10, 3, 20, 6, 20});
  LayerRun<double> run(layer, x, kTrain);
  run.forward();
  const Shape shapes[] = {x.shape()};
  const auto moving_mean = layer.weights()[2], moving_variance = layer.weights()[3];
  CHECK(moving_mean->value()[0] == 0);  // forward is const
  layer.impl().update_state({shapes, kTrain, run.cache()});
  CHECK(moving_mean->value()[0] == Approx(0.01 * 3).epsilon(1e-14));
  CHECK(moving_mean->value()[1] == Approx(0.01 * 15).epsilon(1e-14));
  CHECK(moving_variance->value()[0] == Approx(0.99 + 0.01 * 3.5).epsilon(1e-14));
  CHECK(moving_variance->value()[1] == Approx(0.99 + 0.01 * 25).epsilon(1e-14));
  CHECK(BatchNormalization<double>().config().at("momentum") == Config(0.99));
  CHECK(BatchNormalization<double>().config().at("epsilon") == Config(1e-3));
}

TEST_CASE("R-67 BatchNormalization has gamma, beta, moving_mean, moving_variance, in that order") {
  using Names = std::vector<std::string>;
  const auto names = [](BatchNormalizationOptions options) {
    const BatchNormalization<> layer(std::move(options));
    built_shape(layer, {-1, 7, 3});
    CHECK(layer.non_trainable_weights().size() == 2);
    CHECK(layer.weights().back()->kind() == VariableKind::state);
    return weight_names(layer);
  };
  CHECK(names({}) == Names{"gamma", "beta", "moving_mean", "moving_variance"});
  CHECK(names({.scale = false}) == Names{"beta", "moving_mean", "moving_variance"});
  CHECK(names({.center = false}) == Names{"gamma", "moving_mean", "moving_variance"});
  CHECK(names({.center = false, .scale = false}) == Names{"moving_mean", "moving_variance"});
}

TEST_CASE("R-71 a frozen BatchNormalization runs as at inference, whatever the mode") {
  const Tensor<double> x({4, 2}, {1, 10, 2, 10, 3, 20, 6, 20});
  const Shape shapes[] = {x.shape()};
  for (const bool training : {false, true}) {
    for (const bool trainable : {false, true}) {
      INFO("training " << training << ", trainable " << trainable);
      const BatchNormalization<double> layer;
      const Use use{training, trainable, false, true};
      LayerRun<double> run(layer, x, use);
      run.forward();
      layer.impl().update_state({shapes, use, run.cache()});
      const bool batch = training && trainable;
      CHECK(layer.impl().updates_state(use) == batch);
      for (Index r = 0; r < 4; ++r) {
        // Fresh: x / sqrt(1 + epsilon).
        const double fresh = x[2 * r] / std::sqrt(1 + 1e-3);
        CHECK(run.y()[2 * r] == Approx(batch ? (x[2 * r] - 3) / std::sqrt(3.5 + 1e-3) : fresh));
      }
      CHECK(layer.weights()[2]->value()[0] == Approx(batch ? 0.03 : 0.0));
      CHECK(layer.weights()[3]->value()[0] == Approx(batch ? 1.025 : 1.0));
    }
  }
}

TEST_CASE("Dropout drops what its rate says, scales the rest, and draws anew in every use") {
  const Tensor<double> x({100, 400}, 1.0);
  const Dropout<double> layer(0.3);
  LayerRun<double> run(layer, x, kTrain, RandomKey{1}), other(layer, x, kTrain, RandomKey{2}), still(layer, x, kInfer);
  run.forward().backward(Tensor<double>({100, 400}, 3.0));
  Index dropped = 0;
  for (Index i = 0; i < x.size(); ++i) {
    dropped += run.y()[i] == 0;
    CHECK_FALSE((run.y()[i] != 0 && run.y()[i] != 1 / (1 - 0.3)));
    CHECK_FALSE(run.dx()[i] != 3 * run.y()[i]);  // the same mask
  }
  CHECK(static_cast<double>(dropped) == Approx(12000).margin(5 * std::sqrt(40000 * 0.3 * 0.7)));
  CHECK_FALSE(same(run.y(), other.forward().y()));
  CHECK(same(still.forward().y(), x));
  // Neighbours, which share a draw, do not agree more often than chance: 0.3² + 0.7² = 0.58.
  Index agree = 0;
  for (Index i = 0; i < x.size(); i += 2) agree += (run.y()[i] == 0) == (run.y()[i + 1] == 0);
  CHECK(static_cast<double>(agree) == Approx(11600).margin(5 * std::sqrt(20000 * 0.58 * 0.42)));

  const Dropout<double> columns(0.5, {.noise_shape = Shape{-1, 1, 50}});
  LayerRun<double> shared(columns, Tensor<double>({3, 8, 50}, 1.0), kTrain);
  shared.forward();
  Index different = 0;
  for (Index n = 0; n < 3; ++n) {
    for (Index c = 0; c < 50; ++c) {
      for (Index r = 1; r < 8; ++r) CHECK(shared.y()[(n * 8 + r) * 50 + c] == shared.y()[n * 8 * 50 + c]);
      different += shared.y()[n * 400 + c] != shared.y()[c];
    }
  }
  CHECK(different > 20);
  CHECK_THROWS_AS(built_shape(Dropout(0.5, {.noise_shape = Shape{-1, 2, 50}}), {-1, 8, 50}), ShapeError);
  // A seed of the layer's own changes the numbers.
  LayerRun<double> seeded(Dropout<double>(0.3, {.seed = 1}), x, kTrain, RandomKey{1});
  CHECK_FALSE(same(seeded.forward().y(), run.y()));
  CHECK(layer.impl().is_random());
  CHECK_FALSE(Dropout(0.0).impl().is_random());
}

TEST_CASE("AlphaDropout keeps mean and variance; GaussianNoise and GaussianDropout have those of their formulas") {
  const auto moments = [](const Tensor<double>& y) {
    double mean = 0, squares = 0;
    for (const double v : y) mean += v / static_cast<double>(y.size());
    for (const double v : y) squares += (v - mean) * (v - mean) / static_cast<double>(y.size());
    return std::pair(mean, squares);
  };
  const Shape shape{200, 500};
  const auto run = [&](const Layer<double>& layer, const Tensor<double>& x) {
    LayerRun<double> use(layer, x, kTrain);
    return use.forward().y();
  };
  const auto [alpha_mean, alpha_variance] =
      moments(run(AlphaDropout<double>(0.2), random_tensor<double>(shape, 3, 1.0)));
  CHECK(std::abs(alpha_mean) < 0.02);
  CHECK(alpha_variance == Approx(1).epsilon(0.03));
  // A dropped element: (-1.758 - correction), the same everywhere.
  const Tensor<double> zeros = run(AlphaDropout<double>(0.2), Tensor<double>(shape));
  const double low = -1.7580993408473766, a = 1 / std::sqrt(0.8 * (1 + 0.2 * low * low)), b = -0.2 * a * low;
  for (const double y : zeros) CHECK_FALSE((std::abs(y - b) > 1e-12 && std::abs(y - (a * low + b)) > 1e-12));

  const auto [noise_mean, noise_variance] = moments(run(GaussianNoise<double>(0.5), Tensor<double>(shape, 2.0)));
  CHECK(noise_mean == Approx(2).epsilon(0.005));
  CHECK(noise_variance == Approx(0.25).epsilon(0.03));
  const auto [gauss_mean, gauss_variance] = moments(run(GaussianDropout<double>(0.2), Tensor<double>(shape, 2.0)));
  CHECK(gauss_mean == Approx(2).epsilon(0.01));
  CHECK(gauss_variance == Approx(4 * 0.25).epsilon(0.03));
}

TEST_CASE("shapes and order of the layers that only move numbers") {
  CHECK(built_shape(Flatten(), {-1, 28, 28}) == Shape{-1, 784});
  CHECK(built_shape(Flatten(), {-1}) == Shape{-1, 1});
  CHECK(built_shape(Reshape({-1, 3}), {-1, 8, 8, 3}) == Shape{-1, 64, 3});
  CHECK(built_shape(Permute({3, 1, 2}), {-1, 8, 8, 3}) == Shape{-1, 3, 8, 8});
  CHECK(built_shape(RepeatVector(3), {-1, 7}) == Shape{-1, 3, 7});
  CHECK(built_shape(Dense(4), {-1, 5, 7}) == Shape{-1, 5, 4});
  CHECK(built_shape(Dense(4), {-1, -1, 7}) == Shape{-1, -1, 4});
  CHECK(built_shape(InputLayer({28, 28}), {-1, 28, 28}) == Shape{-1, 28, 28});
  CHECK(InputLayer({28, 28}, {.batch_size = 4}).batch_shape() == Shape{4, 28, 28});
  CHECK_THROWS_AS(built_shape(Reshape({5, 3}), {-1, 16}), ShapeError);
  CHECK_THROWS_AS(built_shape(Reshape({-1, 3}), {-1, 16}), ShapeError);
  CHECK_THROWS_AS(built_shape(Permute({2, 1}), {-1, 16}), ShapeError);
  CHECK_THROWS_AS(built_shape(RepeatVector(2), {-1, 16, 2}), ShapeError);
  CHECK_THROWS_AS(built_shape(InputLayer({28, 28}), {-1, 28, 27}), ShapeError);

  LayerRun<float> turned(Permute({2, 1}), Tensor<float>({1, 2, 3}, {1, 2, 3, 4, 5, 6}), kInfer);
  CHECK(values(turned.forward().y()) == std::vector<float>{1, 4, 2, 5, 3, 6});
  LayerRun<float> channels(Flatten({.data_format = "channels_first"}), Tensor<float>({1, 2, 3}, {1, 2, 3, 4, 5, 6}),
                           kInfer);
  CHECK(values(channels.forward().y()) == std::vector<float>{1, 4, 2, 5, 3, 6});
  LayerRun<float> repeated(RepeatVector(2), Tensor<float>({2, 2}, {1, 2, 3, 4}), kInfer);
  CHECK(values(repeated.forward().y()) == std::vector<float>{1, 2, 1, 2, 3, 4, 3, 4});
}

TEST_CASE("layers: configs of every Keras") {
  const auto initializer = object({{"class_name", "HeNormal"}, {"config", object({{"seed", Config()}})}});
  // Keras 3, with a dtype policy and keys that say nothing here.
  const auto dense = Dense<>::from_config(object({{"name", "head"},
                                                  {"trainable", false},
                                                  {"dtype", object({{"class_name", "DTypePolicy"}})},
                                                  {"units", 5},
                                                  {"activation", "relu"},
                                                  {"kernel_initializer", initializer},
                                                  {"quantization_config", Config()},
                                                  {"batch_shape", Config::array({Config(), 7})},
                                                  {"groups", 1}}));
  CHECK(dense.units() == 5);
  CHECK(dense.name() == "head");
  CHECK_FALSE(dense.trainable());
  CHECK(*dense.impl().input_shape() == Shape{7});
  CHECK(dense.config().at("kernel_initializer") == initializer);
  CHECK(dense.config().at("batch_input_shape") == Config::array({Config(), 7}));
  CHECK(dense.config().at("bias_regularizer").is_null());
  std::vector<std::string> keys;
  const Config written = dense.config();
  for (const auto& member : written.members()) keys.push_back(member.first);
  CHECK(keys == std::vector<std::string>{"name", "trainable", "batch_input_shape", "dtype", "units", "activation",
                                         "use_bias", "kernel_initializer", "bias_initializer", "kernel_regularizer",
                                         "bias_regularizer", "activity_regularizer", "kernel_constraint",
                                         "bias_constraint"});
  CHECK_THROWS_WITH(Dense<>::from_config(object({{"name", "d"}, {"units", 5}, {"lora_rank", -4}})),
                    ContainsSubstring("rank"));
  CHECK_THROWS_WITH(Dense<>::from_config(object({{"name", "d"}})), ContainsSubstring("units"));

  // tf.keras writes the axis as a list.
  const auto norm = BatchNormalization<>::from_config(object({{"axis", Config::array({3})}, {"epsilon", 1.001e-5}}));
  CHECK(built_shape(norm, {-1, 4, 4, 6}) == Shape{-1, 4, 4, 6});
  CHECK(norm.weights()[0]->shape() == Shape{6});
  CHECK(norm.config().at("axis") == Config(3));
  CHECK(norm.config().at("epsilon") == Config(1.001e-5));
  CHECK_THROWS_AS(BatchNormalization<>::from_config(object({{"axis", Config::array({1, 2})}})), ConfigError);
  CHECK_THROWS_AS(BatchNormalization<>::from_config(object({{"renorm", true}})), ConfigError);
  CHECK_NOTHROW(BatchNormalization<>::from_config(object({{"renorm", false}, {"synchronized", false}})));

  CHECK(InputLayer<>::from_config(object({{"batch_shape", Config::array({Config(), 28, 28})}})).batch_shape() ==
        Shape{-1, 28, 28});
  CHECK(InputLayer<>::from_config(object({{"batch_input_shape", Config::array({16, 28})}})).batch_shape() ==
        Shape{16, 28});
  CHECK_THROWS_AS(InputLayer<>::from_config(object({{"name", "x"}})), ConfigError);
  CHECK(Dropout<>::from_config(object({{"p", 0.25}})).config().at("rate") == Config(0.25));
  CHECK(ReLU<>::from_config(object({{"max_value", 6}})).config().at("max_value") == Config(6.0));
  CHECK(ReLU().config().at("max_value").is_null());
  CHECK(Softmax({.axis = {1, 2}}).config().at("axis") == Config::array({1, 2}));
  CHECK(Reshape({-1, 3}).config().at("target_shape") == Config::array({-1, 3}));
  CHECK(Dropout(0.5, {.noise_shape = Shape{-1, 1}}).config().at("noise_shape") == Config::array({Config(), 1}));
  CHECK(PReLU().config().at("shared_axes").is_null());

  CHECK_THROWS_WITH(make_layer("Dens", object({{"name", "d"}})), ContainsSubstring("\"Dense\""));
  CHECK(make_layer<double>("LeakyReLU", object({{"name", "l"}})).name() == "l");
}

TEST_CASE("layers: automatic names are Keras's") {
  clear_session();
  CHECK(Dense(1).name() == "dense");
  CHECK(Dense(1).name() == "dense_1");
  CHECK(BatchNormalization().name() == "batch_normalization");
  CHECK(PReLU().name() == "p_re_lu");
  CHECK(LeakyReLU().name() == "leaky_re_lu");
  CHECK(ELU().name() == "elu");
  CHECK(Dense(1, {.name = "mine"}).name() == "mine");
}

TEST_CASE("layers: arguments and inputs that make no sense") {
  CHECK_THROWS_WITH(Dense(0, {.name = "head"}), ContainsSubstring("Dense \"head\"") && ContainsSubstring("units"));
  CHECK_THROWS_AS(Dense(-3), ConfigError);
  CHECK_THROWS_WITH(Dropout(1.0, {.name = "drop"}), ContainsSubstring("Dropout \"drop\"") && ContainsSubstring("rate"));
  CHECK_THROWS_AS(Dropout(-0.1), ConfigError);
  CHECK_THROWS_AS(Dropout(NAN), ConfigError);
  CHECK_THROWS_AS(AlphaDropout(1.0), ConfigError);
  CHECK_THROWS_AS(GaussianDropout(1.5), ConfigError);
  CHECK_THROWS_AS(GaussianNoise(-1), ConfigError);
  CHECK_THROWS_AS(ReLU({.max_value = -1}), ConfigError);
  CHECK_THROWS_AS(Softmax({.axis = {}}), ConfigError);
  CHECK_THROWS_AS(Reshape({-1, -1}), ConfigError);
  CHECK_THROWS_AS(Permute({1, 1}), ConfigError);
  CHECK_THROWS_AS(Permute({2, 3}), ConfigError);
  CHECK_THROWS_AS(RepeatVector(0), ConfigError);
  CHECK_THROWS_AS(Flatten({.data_format = "channels"}), ConfigError);
  CHECK_THROWS_AS(BatchNormalization({.epsilon = 0}), ConfigError);
  CHECK_THROWS_AS(BatchNormalization({.momentum = 1.5}), ConfigError);
  CHECK_THROWS_WITH(Activation("sigmiod"), ContainsSubstring("sigmoid"));

  CHECK_THROWS_WITH(built_shape(Dense(3), {-1, -1}), ContainsSubstring("input_shape"));
  CHECK_THROWS_WITH(built_shape(Flatten(), {-1, 4, -1}), ContainsSubstring("input_shape"));
  CHECK_THROWS_AS(built_shape(BatchNormalization(), {-1, 4, -1}), ShapeError);
  CHECK_THROWS_AS(built_shape(BatchNormalization({.axis = 3}), {-1, 4, 2}), ShapeError);
  CHECK_THROWS_AS(built_shape(BatchNormalization({.axis = 0}), {-1, 4, 2}), ShapeError);
  CHECK_THROWS_AS(built_shape(Dense(3), {-1}), ShapeError);

  const Dense<> head(3, {.name = "head"});
  built_shape(head, {-1, 2048});
  CHECK_THROWS_WITH(built_shape(head, {32, 1280}),
                    ContainsSubstring("Dense \"head\": expected last dimension 2048 from build, received (32, 1280)"));
  const BatchNormalization<> norm;
  built_shape(norm, {-1, 7});
  CHECK_THROWS_AS(built_shape(norm, {-1, 8}), ShapeError);
  const PReLU<> prelu;
  built_shape(prelu, {-1, 7});
  CHECK_THROWS_AS(built_shape(prelu, {-1, 8}), ShapeError);
}
