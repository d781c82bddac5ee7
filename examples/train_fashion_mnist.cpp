// A net with BatchNormalization on Fashion-MNIST: build, summary, train, evaluate, predict. BatchNormalization as the
// first layer stands in for standardising the pixels.
//
// Short run: --epochs 1 --samples 6000

#include <graft/graft.hpp>

#include "common.hpp"

using graft::BatchNormalization, graft::Dense, graft::Index, graft::Sequential;

namespace {

constexpr const char* kUsage =
    "train_fashion_mnist [--epochs N] [--samples N] [--seed N] [--before-activation]\n"
    "  --epochs N           default 10\n"
    "  --samples N          train on the first N of 55,000 pictures\n"
    "  --seed N             random seed (default 42)\n"
    "  --before-activation  BatchNormalization between Dense and its activation, as its authors propose";

// Dense layers without a bias (BatchNormalization has its own), so 270,946 parameters instead of 271,346.
Sequential<float> norm_before_activation() {
  Sequential model({graft::Flatten({.input_shape = graft::Shape{28, 28}}), BatchNormalization()});
  for (const Index units : {300, 100}) {
    model.add(Dense(units, {.use_bias = false, .kernel_initializer = "he_normal"}));
    model.add(BatchNormalization());
    model.add(graft::Activation("elu"));
  }
  model.add(Dense(10, {.activation = "softmax"}));
  return model;
}

Sequential<float> norm_after_activation() {
  return Sequential({graft::Flatten({.input_shape = graft::Shape{28, 28}}), BatchNormalization(),
                     Dense(300, {.activation = "elu", .kernel_initializer = "he_normal"}), BatchNormalization(),
                     Dense(100, {.activation = "elu", .kernel_initializer = "he_normal"}), BatchNormalization(),
                     Dense(10, {.activation = "softmax"})});
}

int train(example::Arguments& arguments) {
  const Index epochs = arguments.count("--epochs", 10);
  const Index samples = std::min<Index>(arguments.count("--samples", 55000), 55000);
  graft::set_random_seed(static_cast<std::uint64_t>(arguments.count("--seed", 42)));
  const auto model = arguments.flag("--before-activation") ? norm_before_activation() : norm_after_activation();
  arguments.finish();

  const auto data = graft::load_fashion_mnist({.scale = 1.0 / 255});
  const auto x_valid = data.x_train.rows(0, 5000), x_train = data.x_train.rows(5000, 5000 + samples);
  const auto y_valid = data.y_train.rows(0, 5000), y_train = data.y_train.rows(5000, 5000 + samples);

  model.summary();
  model.compile({.optimizer = graft::SGD({.learning_rate = 1e-3}),
                 .loss = "sparse_categorical_crossentropy",
                 .metrics = {"accuracy"}});
  model.fit(x_train, y_train, {.epochs = epochs, .validation_data = {{x_valid, y_valid}}});

  const auto results = model.evaluate(data.x_test, data.y_test);
  std::printf("\ntest loss %.4f, test accuracy %.4f\n\n", results[0], results[1]);

  const auto probabilities = model.predict(data.x_test.rows(0, 5));
  for (Index i = 0; i < 5; ++i) {
    Index best = 0;
    const float confidence = probabilities.matrix().row(i).maxCoeff(&best);
    std::printf("test picture %ld: %s (%.0f %%), in truth %s\n", long(i),
                graft::kFashionMnistClasses[std::size_t(best)], 100 * double(confidence),
                graft::kFashionMnistClasses[std::size_t(data.y_test[i])]);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, kUsage, train); }
