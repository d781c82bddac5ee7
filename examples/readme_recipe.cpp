// The recipe of README.md as a program: what stands between the markers is the README's text, word by word (a test
// compares the two). Around it: simple pictures, and a my_model_A.h5 to start from, in a temporary folder.
//
// Short run:

#include <graft/graft.hpp>

#include <filesystem>
#include <random>

#include "common.hpp"

using graft::Index, graft::Tensor;

namespace {

constexpr const char* kUsage = "readme_recipe";

// Pictures of one bar, whose place is the class, with some noise. Enough to see the recipe run.
Tensor<float> bars(const Tensor<float>& classes) {
  Tensor<float> x({classes.size(), 28, 28});
  graft::Rng rng(7);
  for (Index i = 0; i < classes.size(); ++i) {
    for (Index row = 0; row < 28; ++row) {
      for (Index column = 0; column < 28; ++column) {
        const bool lit = column / 3 == static_cast<Index>(classes[i]);
        x[(i * 28 + row) * 28 + column] = static_cast<float>((lit ? 0.8 : 0.1) + 0.1 * rng.uniform(-1, 1));
      }
    }
  }
  return x;
}

Tensor<float> classes(Index samples, Index count) {
  Tensor<float> y({samples});
  for (Index i = 0; i < samples; ++i) y[i] = static_cast<float>(i % count);
  return y;
}

void write_model_A() {
  const auto y = classes(320, 8);
  const graft::Sequential model({graft::Flatten({.input_shape = graft::Shape{28, 28}}),
                                 graft::Dense(32, {.activation = "selu"}), graft::Dense(16, {.activation = "selu"}),
                                 graft::Dense(8, {.activation = "softmax"})});
  model.compile({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  model.fit(bars(y), y, {.epochs = 5, .verbose = graft::Verbose::silent});
  model.save("my_model_A.h5");
}

struct Data {
  Tensor<float> x_train, y_train, x_valid, y_valid;
};

graft::History by_hand(const Data& data) {
  const auto& [x_train, y_train, x_valid, y_valid] = data;
  // README: begin
  auto model_A = graft::load_model("my_model_A.h5");

  auto model_A_clone = graft::clone_model(model_A);  // architecture only: fresh weights, as in Keras
  model_A_clone.set_weights(model_A.get_weights());

  graft::Sequential model_B(model_A_clone.layers().slice(0, -1));  // shares the clone's layers, [:-1]
  model_B.add(graft::Dense(1, {.activation = "sigmoid"}));

  for (auto layer : model_B.layers().slice(0, -1)) layer.set_trainable(false);
  model_B.compile({.optimizer = "sgd", .loss = "binary_crossentropy", .metrics = {"accuracy"}});
  auto history = model_B.fit(x_train, y_train, {.epochs = 4, .validation_data = {{x_valid, y_valid}}});

  for (auto layer : model_B.layers().slice(0, -1)) layer.set_trainable(true);
  model_B.compile(
      {.optimizer = graft::SGD({.learning_rate = 1e-4}), .loss = "binary_crossentropy", .metrics = {"accuracy"}});
  history = model_B.fit(x_train, y_train, {.epochs = 16, .validation_data = {{x_valid, y_valid}}});

  model_B.save("my_model_B.h5");  // Keras loads this
  // README: end
  return history;
}

graft::History in_one_call(const Data& data) {
  const auto& [x_train, y_train, x_valid, y_valid] = data;
  // README: begin
  auto model_A = graft::load_model("my_model_A.h5");
  auto model_B = graft::reuse_layers(model_A, {graft::Dense(1, {.activation = "sigmoid"})}).model;  // clones model_A
  auto report = graft::fine_tune(model_B, {x_train, y_train},
                                 {.head = {.epochs = 4},
                                  .tuning = {.epochs = 16, .learning_rate = 1e-4},
                                  .validation_data = {{x_valid, y_valid}},
                                  .loss = "binary_crossentropy",
                                  .metrics = {"accuracy"}});
  std::puts(report.text.c_str());
  // README: end
  return report.tuning;
}

int recipe(example::Arguments& arguments) {
  arguments.finish();
  const auto folder =
      std::filesystem::temp_directory_path() / ("graft-recipe-" + std::to_string(std::random_device()()));
  std::filesystem::create_directories(folder);
  std::filesystem::current_path(folder);
  graft::set_random_seed(1);
  write_model_A();
  Data data;
  data.y_train = classes(200, 2);
  data.y_valid = classes(100, 2);
  data.x_train = bars(data.y_train);
  data.x_valid = bars(data.y_valid);

  const double first = by_hand(data)["val_accuracy"].back(), second = in_one_call(data)["val_accuracy"].back();
  std::printf("validation accuracy: %.2f by hand, %.2f with fine_tune\n", first, second);

  std::filesystem::current_path(folder.parent_path());
  std::filesystem::remove_all(folder);
  return std::min(first, second) > 0.9 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, kUsage, recipe); }
