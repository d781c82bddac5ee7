// A convolutional net on Fashion-MNIST: conv32 - pool - conv64 - pool - 128 - 10, trained with Adam.
//
// Short run: --epochs 1 --samples 3200

#include <graft/graft.hpp>

#include "common.hpp"

using graft::Conv2D, graft::Dense, graft::Index, graft::MaxPooling2D, graft::Sequential;

namespace {

constexpr const char* kUsage =
    "train_cnn [--epochs N] [--samples N] [--batch-size N] [--seed N] [--save FILE.h5]\n"
    "  --epochs N      default 3\n"
    "  --samples N     train on the first N of 55,000 pictures\n"
    "  --batch-size N  default 32\n"
    "  --seed N        random seed (default 42)\n"
    "  --save FILE.h5  keep the model; Keras reads it";

int train(example::Arguments& arguments) {
  const Index epochs = arguments.count("--epochs", 3);
  const Index samples = std::min<Index>(arguments.count("--samples", 55000), 55000);
  const Index batch_size = arguments.count("--batch-size", 32);
  const std::string file = arguments.text("--save", "");
  graft::set_random_seed(static_cast<std::uint64_t>(arguments.count("--seed", 42)));
  arguments.finish();

  const auto data = graft::load_fashion_mnist({.scale = 1.0 / 255});
  const auto x_valid = data.x_train.rows(0, 5000), x_train = data.x_train.rows(5000, 5000 + samples);
  const auto y_valid = data.y_train.rows(0, 5000), y_train = data.y_train.rows(5000, 5000 + samples);

  const Sequential model({graft::Reshape({28, 28, 1}, {.input_shape = graft::Shape{28, 28}}),
                          Conv2D(32, 3, {.padding = "same", .activation = "relu"}), MaxPooling2D(2),
                          Conv2D(64, 3, {.padding = "same", .activation = "relu"}), MaxPooling2D(2), graft::Flatten(),
                          Dense(128, {.activation = "relu"}), Dense(10, {.activation = "softmax"})});
  model.summary();
  model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  model.fit(x_train, y_train, {.batch_size = batch_size, .epochs = epochs, .validation_data = {{x_valid, y_valid}}});

  const auto results = model.evaluate(data.x_test, data.y_test);
  std::printf("\ntest loss %.4f, test accuracy %.4f\n", results[0], results[1]);
  if (!file.empty()) model.save(file);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, kUsage, train); }
