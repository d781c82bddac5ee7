// Reuses a Keras model on real data, as chapter 11 of "Hands-On Machine Learning" (A. Géron) does it: model_A learns 8
// classes of Fashion-MNIST and is saved as a Keras file; its layers are then reused to tell sandals from shirts with
// 200 pictures, and compared with a net of the same size that learns from those 200 alone.
//
// One seed proves nothing, so it is done with several. The exit status is 0 when reuse was ahead on average, else 1.
//
// Short run: --quick

#include <graft/graft.hpp>

#include <filesystem>
#include <random>

#include "fashion_tasks.hpp"

using example::Task, graft::Dense, graft::Index, graft::Sequential;

namespace {

constexpr const char* kUsage =
    "transfer_fashion_mnist [--seeds N] [--directory FOLDER] [--verbose] [--quick]\n"
    "  --seeds N           repeat with N random seeds, 42, 43 … (default 3)\n"
    "  --directory FOLDER  keep my_model_A.h5 and my_model_B.h5 there (default: a temporary folder)\n"
    "  --verbose           show every epoch\n"
    "  --quick             one seed, model_A trained for 2 epochs instead of 20: for a first look";

Sequential<float> make_net(const Dense<float>& head) {
  return Sequential({graft::Flatten({.input_shape = graft::Shape{28, 28}}), Dense(300, {.activation = "selu"}),
                     Dense(100, {.activation = "selu"}), Dense(50, {.activation = "selu"}),
                     Dense(50, {.activation = "selu"}), Dense(50, {.activation = "selu"}), head});
}

void compile(const graft::Model<float>& model, const char* loss) {
  // The experiment is the one that was published: SELU with the default initializer.
  model.compile({.optimizer = graft::SGD({.learning_rate = 1e-3}),
                 .loss = loss,
                 .metrics = {"accuracy"},
                 .lints = {.silence = {"selu_initializer"}}});
}

int transfer(example::Arguments& arguments) {
  const bool quick = arguments.flag("--quick");
  const auto verbose = arguments.flag("--verbose") ? graft::Verbose::automatic : graft::Verbose::silent;
  const long seeds = arguments.count("--seeds", quick ? 1 : 3);
  std::string folder = arguments.text("--directory", "");
  arguments.finish();

  const auto data = graft::load_fashion_mnist({.scale = 1.0 / 255});
  const Task train_A = example::select(data.x_train, data.y_train, 5000, 60000, example::kTaskA);
  const Task valid_A = example::select(data.x_train, data.y_train, 0, 5000, example::kTaskA);
  const Task train_B = example::select(data.x_train, data.y_train, 5000, 60000, example::kTaskB, 200);
  const Task valid_B = example::select(data.x_train, data.y_train, 0, 5000, example::kTaskB);
  const Task test_B = example::select(data.x_test, data.y_test, 0, 10000, example::kTaskB);
  std::printf("Data: Fashion-MNIST, 28x28 pictures of clothes\n");
  std::printf("  task A, 8 classes: %ld to train, %ld to validate\n", long(train_A.y.size()), long(valid_A.y.size()));
  std::printf("  task B, sandal or shirt: %ld to train, %ld to validate, %ld to test\n\n", long(train_B.y.size()),
              long(valid_B.y.size()), long(test_B.y.size()));

  const bool temporary = folder.empty();
  if (temporary) folder = std::filesystem::temp_directory_path() / ("graft-" + std::to_string(std::random_device()()));
  std::filesystem::create_directories(folder);
  const std::string file_A = folder + "/my_model_A.h5", file_B = folder + "/my_model_B.h5";

  const auto fit = [&](const graft::Model<float>& model, const Task& train, const Task& valid, Index epochs) {
    return model.fit(train.x, train.y, {.epochs = epochs, .verbose = verbose, .validation_data = {{valid.x, valid.y}}});
  };

  std::vector<double> alone, reused;
  for (long seed = 42; seed < 42 + seeds; ++seed) {
    graft::set_random_seed(static_cast<std::uint64_t>(seed));

    // The model that somebody hands you.
    const auto original = make_net(Dense(8, {.activation = "softmax"}));
    compile(original, "sparse_categorical_crossentropy");
    const auto history_A = fit(original, train_A, valid_A, quick ? 2 : 20);
    original.save(file_A);

    // From scratch.
    const auto model_B = make_net(Dense(1, {.activation = "sigmoid"}));
    compile(model_B, "binary_crossentropy");
    fit(model_B, train_B, valid_B, 20);

    // On the layers of A: a copy, so that A stays as it is; a new head; first the head alone, then everything.
    const auto model_A = graft::load_model(file_A);
    const auto clone = graft::clone_model(model_A);
    clone.set_weights(model_A.get_weights());
    Sequential model_B_on_A(clone.layers().slice(0, -1));
    model_B_on_A.add(Dense(1, {.activation = "sigmoid"}));

    for (auto layer : model_B_on_A.layers().slice(0, -1)) layer.set_trainable(false);
    compile(model_B_on_A, "binary_crossentropy");
    fit(model_B_on_A, train_B, valid_B, 4);

    for (auto layer : model_B_on_A.layers().slice(0, -1)) layer.set_trainable(true);
    compile(model_B_on_A, "binary_crossentropy");
    fit(model_B_on_A, train_B, valid_B, 16);
    model_B_on_A.save(file_B);

    alone.push_back(model_B.evaluate(test_B.x, test_B.y)[1]);
    reused.push_back(model_B_on_A.evaluate(test_B.x, test_B.y)[1]);
    std::printf("seed %ld: validation accuracy of model_A %.4f; test accuracy of model_B %.4f, of model_B_on_A %.4f\n",
                seed, history_A["val_accuracy"].back(), alone.back(), reused.back());
    std::fflush(stdout);
  }
  if (temporary) std::filesystem::remove_all(folder);

  double gain = 0;
  for (std::size_t i = 0; i < alone.size(); ++i) gain += reused[i] - alone[i];
  std::printf("\nTest accuracy on task B, mean ± standard deviation over %ld seed%s:\n", seeds,
              seeds == 1 ? " (which proves nothing)" : "s");
  std::printf("model_B: %s   model_B_on_A: %s\n", example::statistics(alone).c_str(),
              example::statistics(reused).c_str());
  return gain > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, kUsage, transfer); }
