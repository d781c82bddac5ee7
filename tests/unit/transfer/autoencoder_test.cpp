#include <Eigen/Eigenvalues>

#include "tests/support/catch.hpp"
#include "tests/support/nets.hpp"
#include "tests/support/temp_dir.hpp"

using namespace graft;
using test::contains;
using test::kSilent;
using test::message;
using test::same;

// Autoencoders of all kinds, and what is reused of them.
namespace {

// Points near a plane of 2 dimensions in 6.
Tensor<float> flat_cloud(Index samples, std::uint64_t seed) {
  Rng rng(seed);
  Tensor<float> x({samples, 6});
  for (Index i = 0; i < samples; ++i) {
    const double a = rng.normal(), b = rng.normal();
    for (Index j = 0; j < 6; ++j) {
      const double direction[] = {0.8 * a, 0.5 * b, a - 0.3 * b, 0.2 * a + b, -0.7 * b, 0.4 * a};
      x[i * 6 + j] = static_cast<float>(direction[j] + 0.1 * rng.normal());
    }
  }
  return x;
}

// What no linear code of `codings` numbers can keep: the mean over columns of the smallest variances.
double pca_residual(const Tensor<float>& x, Index codings) {
  const Eigen::MatrixXd data = x.matrix().cast<double>();
  const Eigen::MatrixXd centred = data.rowwise() - data.colwise().mean();
  const Eigen::MatrixXd covariance = centred.transpose() * centred / static_cast<double>(x.dim(0));
  const Eigen::VectorXd values = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(covariance).eigenvalues();
  return values.head(values.size() - codings).sum() / static_cast<double>(values.size());
}

}  // namespace

TEST_CASE("R-43: a linear autoencoder finds what principal components find, with tied weights too") {
  set_random_seed(2);
  const auto x = flat_cloud(256, 3);
  const double best = pca_residual(x, 2);
  const Dense code(2, {.name = "codings", .input_shape = Shape{6}});
  const Sequential tied({code, DenseTranspose(code)});
  const Sequential free({Dense(2, {.name = "codings", .input_shape = Shape{6}}), Dense(6)});
  for (const auto& model : {tied, free}) {
    model.compile({.optimizer = Adam({.learning_rate = 0.02}), .loss = "mse"});
    model.fit(x, x, {.batch_size = 64, .epochs = 150, .verbose = kSilent});
    model.compile({.optimizer = Adam({.learning_rate = 1e-3}), .loss = "mse"});
    model.fit(x, x, {.batch_size = 256, .epochs = 150, .verbose = kSilent});
    const double error = model.evaluate(x, x)[0];
    CHECK(error >= best * 0.999);
    CHECK(error <= best * 1.05);
  }
  // The kernel (6, 2) counts once.
  CHECK(tied.count_params() == 12 + 2 + 6);
  CHECK(free.count_params() == 12 + 2 + 12 + 6);
  CHECK(contains(tied.summary_text(), "Total params: 20"));
}

TEST_CASE("R-43: tied weights: gradients by differences, in models inside of models, frozen and not") {
  set_random_seed(7);
  const Dense<double> one(4, {.activation = "tanh", .name = "one", .input_shape = Shape{5}});
  const Dense<double> two(2, {.activation = "tanh", .kernel_regularizer = L2(0.1), .name = "two"});
  const Sequential<double> encoder({one, two}, {.name = "encoder"});
  const Sequential<double> decoder(
      {DenseTranspose<double>(two, {.activation = "tanh"}), DenseTranspose<double>(one, {.use_bias = false})},
      {.name = "decoder"});
  const Sequential<double> both({encoder, decoder});
  Tensor<double> x({7, 5});
  Rng rng(1);
  for (double& value : x.view().span()) value = rng.normal();
  for (const bool frozen : {false, true}) {
    two.set_trainable(!frozen);
    // Kernels and biases of both, the bias of the first transposed one; with `two` frozen not its kernel, either way.
    const auto function = value_and_gradients(both, "mse");
    std::vector<Tensor<double>> gradients;
    std::vector<Variable<double>*> variables;
    for (const auto& gradient : function(x, x).gradients) {
      gradients.emplace_back(gradient.gradient);
      variables.push_back(gradient.variable);
    }
    REQUIRE(variables.size() == (frozen ? 3u : 5u));
    CHECK(both.trainable_weights().size() == variables.size());
    for (std::size_t v = 0; v < variables.size(); ++v) {
      for (Index i = 0; i < variables[v]->size(); ++i) {
        const double before = variables[v]->mutable_value()[i], h = 1e-5;
        variables[v]->mutable_value()[i] = before + h;
        const double above = function(x, x).value;
        variables[v]->mutable_value()[i] = before - h;
        const double difference = (above - function(x, x).value) / (2 * h);
        variables[v]->mutable_value()[i] = before;
        INFO(variables[v]->name() << " " << i << ", frozen " << frozen);
        REQUIRE(gradients[v][i] == Approx(difference).epsilon(1e-5).margin(1e-8));
      }
    }
  }
}

TEST_CASE("R-43: a tied kernel's penalty counts once, and not at all when its Dense is frozen") {
  set_random_seed(3);
  const auto x = flat_cloud(32, 4);
  const auto mse = [&](const Model<float>& model) {
    const auto y = model.predict(x);
    double sum = 0;
    for (Index i = 0; i < x.size(); ++i) sum += (x[i] - y[i]) * (x[i] - y[i]);
    return sum / static_cast<double>(x.size());
  };
  const Dense code(2, {.kernel_regularizer = L2(0.5), .input_shape = Shape{6}});
  const Sequential model({code, DenseTranspose(code)});
  double penalty = 0;
  const auto weights = code.get_weights();
  for (const float w : weights[0]) penalty += 0.5 * w * w;
  REQUIRE(penalty > 0.1);
  for (const bool frozen : {false, true}) {
    code.set_trainable(!frozen);
    model.compile({.optimizer = "sgd", .loss = "mse"});
    CHECK(model.evaluate(x, x)[0] == Approx(mse(model) + (frozen ? 0 : penalty)).epsilon(1e-5));
    CHECK(value_and_gradients(model, "mse")(x, x).value == Approx(mse(model) + (frozen ? 0 : penalty)).epsilon(1e-5));
  }
}

TEST_CASE("R-43: copies of a tied autoencoder are tied: clone_model and files") {
  const test::TempDir folder;
  set_random_seed(7);
  const auto x = flat_cloud(32, 3);
  const Dense code(3, {.activation = "tanh", .name = "codings", .input_shape = Shape{6}});
  const Sequential encoder({Dense(6, {.name = "first", .input_shape = Shape{6}}), code}, {.name = "encoder"});
  const Sequential decoder({DenseTranspose(code, {.name = "untied"})}, {.name = "decoder"});
  const Sequential model({encoder, decoder}, {.name = "autoencoder"});
  model.compile({.optimizer = "sgd", .loss = "mse"});
  model.fit(x, x, {.verbose = kSilent});
  const auto expected = model.predict(x);

  std::vector<Model<float>> copies;
  copies.push_back(clone_model(model));
  copies.back().set_weights(model.get_weights());
  for (const char* file : {"tied.h5", "tied.keras"}) {
    model.save(folder / file);
    copies.push_back(load_model(folder / file));
  }
  for (const auto& copy : copies) {
    CHECK(same(copy.predict(x), expected));
    CHECK(copy.count_params() == model.count_params());
    copy.compile({.optimizer = "sgd", .loss = "mse"});
    copy.train_on_batch(x, x);
    // The kernel of the decoder is still that of the encoder, and not that of the model that was copied.
    const auto outer = copy.layers();
    const auto inside = outer[1].weights();
    REQUIRE(inside.size() == 2);
    CHECK(outer[0].weights()[2] == inside[1]);
    CHECK_FALSE(inside[1] == code.weights()[0]);
    CHECK_FALSE(same(copy.predict(x), expected));
  }
  CHECK(same(model.predict(x), expected));
}

TEST_CASE("R-43: a sparse autoencoder: units are active as often as KLDivergenceRegularizer is told") {
  set_random_seed(5);
  const auto x = flat_cloud(256, 3);
  const auto mean_activity = [&](const Regularizer& regularizer) {
    const Sequential model({Dense(12, {.activation = "sigmoid",
                                       .activity_regularizer = regularizer,
                                       .name = "codings",
                                       .input_shape = Shape{6}}),
                            Dense(6)});
    model.compile({.optimizer = Adam({.learning_rate = 0.02}), .loss = "mse"});
    model.fit(x, x, {.batch_size = 256, .epochs = 250, .verbose = kSilent});
    const auto codings = reuse_encoder(model, "codings").predict(x);
    double sum = 0;
    for (const float value : codings) sum += static_cast<double>(value) / static_cast<double>(codings.size());
    return sum;
  };
  CHECK(mean_activity({}) > 0.3);
  CHECK(mean_activity(KLDivergenceRegularizer(5, 0.1)) == Approx(0.1).margin(0.02));
  CHECK(mean_activity(L1(1e-2)) < 0.1);  // of the sum over all activities
}

namespace {

struct Variational {
  Symbol<float> in = Input({6});
  Symbol<float> mean = Dense(2, {.name = "codings_mean"})(in), log_var = Dense(2, {.name = "codings_log_var"})(in);
  Model<float> model;

  Variational(double kl_weight, const char* decoder) {
    const auto z = Sampling({.kl_weight = kl_weight, .name = "codings"})({mean, log_var});
    model = Model<float>(in, Dense(6, {.kernel_initializer = decoder, .name = "decoder"})(z));
  }
  Tensor<float> means(const Tensor<float>& x) const { return Model<float>(in, mean).predict(x); }
  Tensor<float> log_vars(const Tensor<float>& x) const { return Model<float>(in, log_var).predict(x); }
  void train(const Tensor<float>& x, const Tensor<float>& y, double learning_rate, Index epochs) const {
    model.compile({.optimizer = Adam({.learning_rate = learning_rate}), .loss = "mse", .lints = {.print = false}});
    model.fit(x, y, {.batch_size = 64, .epochs = epochs, .verbose = kSilent});
  }
};

}  // namespace

TEST_CASE("R-43: a variational autoencoder: its loss by hand; without a task the codings become N(0, 1)") {
  set_random_seed(5);
  const auto x = flat_cloud(64, 3);
  const Variational idle(0.1, "zeros");
  const auto means = idle.means(x), logs = idle.log_vars(x);
  double kl = 0, squares = 0;
  for (Index i = 0; i < means.size(); ++i) {
    const double m = static_cast<double>(means[i]), v = static_cast<double>(logs[i]);
    kl += 0.5 * (std::exp(v) + m * m - 1 - v) / 64;
  }
  for (const float value : x) squares += static_cast<double>(value) * static_cast<double>(value) / (64 * 6);
  idle.model.compile({.optimizer = "adam", .loss = "mse"});
  CHECK(idle.model.evaluate(x, x)[0] == Approx(squares + 0.1 * kl).epsilon(1e-5));  // the decoder gives 0

  // Nothing to draw, as its kernel stays 0: what is left is the KL loss, whose least value is 0.
  const Tensor<float> nothing(x.shape(), 0.0f);
  idle.model.get_layer("decoder").set_trainable(false);
  idle.train(x, nothing, 0.02, 300);
  idle.train(x, nothing, 2e-3, 600);
  CHECK(idle.model.evaluate(x, nothing)[0] == Approx(0).margin(1e-3));
  for (const float value : idle.means(x)) CHECK(value == Approx(0).margin(0.1));
  for (const float value : idle.log_vars(x)) CHECK(value == Approx(0).margin(0.1));

  // With a task it learns; and what is reused of it has no sampling in it.
  const Variational busy(0.01, "glorot_uniform");
  busy.train(x, x, 0.02, 400);
  CHECK(busy.model.evaluate(x, x)[0] < 0.3 * squares);
  const auto encoder = reuse_encoder(busy.model, "codings_mean");
  CHECK(encoder.layers().size() == 1);
  CHECK(same(encoder.predict(x), busy.means(x)));
  CHECK(same(reuse_encoder(busy.model, "codings").predict(x), encoder.predict(x)));  // with its branches
}

TEST_CASE("R-43: a denoising autoencoder, convolutional; its noise stays behind") {
  set_random_seed(5);
  Tensor<float> x({48, 8, 8, 1});
  for (Index i = 0; i < 48; ++i) {
    for (Index k = 0; k < 64; ++k) x[i * 64 + k] = (k / 8 == i % 8 || k % 8 == i / 6) ? 1.0f : 0.0f;  // a cross
  }
  const Sequential model({GaussianNoise(0.3, {.name = "noise", .input_shape = Shape{8, 8, 1}}),
                          Dropout(0.1, {.name = "holes"}),
                          Conv2D(8, 3, {.strides = 2, .padding = "same", .activation = "relu", .name = "down"}),
                          Dropout(0.05, {.name = "inside"}),
                          Conv2D(8, 3, {.strides = 2, .padding = "same", .activation = "relu", .name = "codings"}),
                          Conv2DTranspose(8, 3, {.strides = 2, .padding = "same", .activation = "relu"}),
                          Conv2DTranspose(1, 3, {.strides = 2, .padding = "same", .activation = "sigmoid"})});
  model.compile({.optimizer = Adam({.learning_rate = 0.01}), .loss = "binary_crossentropy"});
  const double before = model.evaluate(x, x)[0];
  model.fit(x, x, {.epochs = 150, .verbose = kSilent});
  CHECK(model.evaluate(x, x)[0] < 0.6 * before);

  const auto names = [](const Model<float>& chain) {
    std::vector<std::string> result;
    for (const auto& layer : chain.layers()) result.push_back(layer.name());
    return result;
  };
  const auto encoder = reuse_encoder(model, "codings");
  CHECK(names(encoder) == std::vector<std::string>{"down", "inside", "codings"});
  CHECK(encoder.input_shape() == Shape{-1, 8, 8, 1});
  CHECK(names(reuse_encoder(model, "codings", {.drop_noise = false})).size() == 5);
  CHECK(same(encoder.predict(x), Model<float>(model.inputs(), {model.get_layer("codings").output()}).predict(x)));
}

TEST_CASE("reuse_encoder: copies or shares, opens models, takes a head, and names what does not exist") {
  set_random_seed(5);
  const auto x = flat_cloud(32, 3);
  const Sequential encoder({Dense(5, {.activation = "relu", .name = "a", .input_shape = Shape{6}}),
                            Dense(4, {.activation = "relu", .name = "b"})},
                           {.name = "encoder"});
  const Sequential decoder({Dense(5, {.activation = "relu", .name = "c"}), Dense(6, {.name = "d"})},
                           {.name = "decoder"});
  const Sequential model({encoder, decoder}, {.name = "autoencoder"});
  model.compile({.optimizer = "adam", .loss = "mse"});
  model.fit(x, x, {.verbose = kSilent});
  const auto weights = model.get_weights();

  for (const char* until : {"b", "encoder"}) {
    const auto copy = reuse_encoder(model, until, {.name = "copy"});
    CHECK(copy.name() == "copy");
    CHECK(copy.layers().size() == 2);
    CHECK(same(copy.predict(x), encoder.predict(x)));
    copy.add(Dense(3, {.activation = "softmax", .name = "head"}));
    const Tensor<float> y({32}, 1.0f);
    fine_tune(copy, {x, y},
              {.head = {.epochs = 1},
               .tuning = {.epochs = 1},
               .loss = "sparse_categorical_crossentropy",
               .lints = LintOptions{.print = false},
               .verbose = kSilent});
    CHECK(same(model.get_weights(), weights));
  }
  const auto shared = reuse_encoder(model, "a", {.clone = false});
  CHECK(shared.layers()[0] == encoder.layers()[0]);

  const auto text = message<ConfigError>([&] { (void)reuse_encoder(model, "encodre"); });
  CHECK(contains(text, "\"autoencoder\""));
  CHECK(contains(text, "encodre"));
  CHECK(contains(text, "encoder"));
  CHECK_THROWS_AS(reuse_encoder(model, ""), ConfigError);
  CHECK_THROWS_AS(reuse_encoder(Sequential({Dense(3, {.name = "a"})}), "a"), StateError);
  const Sequential noise({GaussianNoise(0.1, {.name = "noise", .input_shape = Shape{6}}), Dense(6)});
  CHECK_THROWS_AS(reuse_encoder(noise, "noise"), ConfigError);
  const auto in = Input({6}), other = Input({6});
  const Model<float> two({in, other}, {Add({.name = "sum"})({in, other})});
  CHECK_THROWS_AS(reuse_encoder(two, "sum"), ConfigError);
}

TEST_CASE("R-43, R-50: an encoder that was trained without labels, then tuned with few, beats scratch over 10 seeds") {
  // Two hidden numbers, seen through 40 noisy ones; the label is whether they have one sign.
  const Index features = 40;
  const auto seen = [&](Index samples, std::uint64_t seed, Tensor<float>& y) {
    Rng view(std::uint64_t{77}), rng(seed);
    std::vector<double> mix(static_cast<std::size_t>(2 * features));
    for (double& m : mix) m = view.normal();
    Tensor<float> x({samples, features});
    y = Tensor<float>({samples});
    for (Index i = 0; i < samples; ++i) {
      const double a = rng.normal(), b = rng.normal();
      for (Index j = 0; j < features; ++j) {
        const auto k = static_cast<std::size_t>(2 * j);
        x[i * features + j] = static_cast<float>(0.5 * (mix[k] * a + mix[k + 1] * b) + 0.5 * rng.normal());
      }
      y[i] = a * b > 0 ? 1.0f : 0.0f;
    }
    return x;
  };
  Tensor<float> ignored, y_test;
  const auto x_test = seen(400, 999, y_test);
  double gain = 0;
  int wins = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    set_random_seed(seed);
    Tensor<float> y;
    const auto unlabeled = seen(600, 100 + seed, ignored);
    const auto x = seen(40, 200 + seed, y);
    const auto add_head = [](const Sequential<float>& model) {
      model.add(Dense(16, {.activation = "relu"}));
      model.add(Dense(1, {.activation = "sigmoid"}));
      model.compile({.optimizer = Adam({.learning_rate = 0.01}),
                     .loss = "binary_crossentropy",
                     .metrics = {"accuracy"},
                     .lints = {.print = false}});
    };
    const Sequential autoencoder({Dense(2, {.name = "codings", .input_shape = Shape{features}}), Dense(features)});
    autoencoder.compile({.optimizer = Adam({.learning_rate = 0.01}), .loss = "mse"});
    autoencoder.fit(unlabeled, unlabeled, {.epochs = 30, .verbose = kSilent});
    const auto tuned = reuse_encoder(autoencoder, "codings");
    const auto scratch = clone_model(tuned);
    add_head(tuned);
    add_head(scratch);
    fine_tune(tuned, {x, y}, {.head = {.epochs = 100}, .tuning = {.epochs = 20}, .head_layers = 2, .verbose = kSilent});
    scratch.fit(x, y, {.epochs = 120, .verbose = kSilent});
    const double difference = tuned.evaluate(x_test, y_test)[1] - scratch.evaluate(x_test, y_test)[1];
    gain += difference / 10;
    wins += difference > 0;
  }
  INFO("mean gain " << gain << ", wins " << wins);
  CHECK(gain > 0.05);
  CHECK(wins >= 8);
}
