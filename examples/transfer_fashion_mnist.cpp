// Reuses a Keras model on real data, as chapter 11 of "Hands-On Machine Learning" (A. Géron) does it: model_A learns 8
// classes of Fashion-MNIST and is saved as a Keras file; its layers are then reused to tell sandals from shirts with
// 200 pictures, and compared with a net of the same size that learns from those 200 alone.
//
// One seed proves nothing, so it is done with several. The exit status is 0 when reuse was ahead on average, else 1.
//
// Short run: --quick

#include <graft/graft.hpp>

#include <cmath>
#include <filesystem>
#include <random>

#include "common.hpp"

using graft::Dense, graft::Index, graft::Sequential, graft::Tensor;

namespace {

constexpr const char* kUsage =
    "transfer_fashion_mnist [--seeds N] [--directory FOLDER] [--verbose] [--quick]\n"
    "  --seeds N           repeat with N random seeds, 42, 43 … (default 3)\n"
    "  --directory FOLDER  keep my_model_A.h5 and my_model_B.h5 there (default: a temporary folder)\n"
    "  --verbose           show every epoch\n"
    "  --quick             one seed, model_A trained for 2 epochs instead of 20: for a first look";

struct Task {
  Tensor<float> x, y;
};

// The samples first … last-1 of the classes that get a label (others: -1), at most `limit` of them.
Task select(const Tensor<float>& x, const Tensor<float>& y, Index first, Index last, const std::vector<int>& label_of,
            Index limit = 60000) {
  std::vector<Index> chosen;
  std::vector<float> labels;
  for (Index i = first; i < std::min(last, y.size()) && static_cast<Index>(chosen.size()) < limit; ++i) {
    const int label = label_of.at(static_cast<std::size_t>(y[i]));
    if (label < 0) continue;
    chosen.push_back(i);
    labels.push_back(static_cast<float>(label));
  }
  const auto count = static_cast<Index>(chosen.size()), pixels = x.dim(1) * x.dim(2);
  Task task{Tensor<float>({count, x.dim(1), x.dim(2)}), Tensor<float>({count}, labels)};
  for (Index i = 0; i < count; ++i) {
    std::copy_n(x.data() + chosen[static_cast<std::size_t>(i)] * pixels, pixels, task.x.data() + i * pixels);
  }
  return task;
}

Sequential<float> make_net(const Dense<float>& head) {
  return Sequential({graft::Flatten({.input_shape = graft::Shape{28, 28}}), Dense(300, {.activation = "selu"}),
                     Dense(100, {.activation = "selu"}), Dense(50, {.activation = "selu"}),
                     Dense(50, {.activation = "selu"}), Dense(50, {.activation = "selu"}), head});
}

void compile(const graft::Model<float>& model, const char* loss) {
  model.compile({.optimizer = graft::SGD({.learning_rate = 1e-3}), .loss = loss, .metrics = {"accuracy"}});
}

// Mean ± standard deviation over the seeds.
std::string statistics(const std::vector<double>& values) {
  double mean = 0, squares = 0;
  for (const double value : values) mean += value / static_cast<double>(values.size());
  for (const double value : values) squares += (value - mean) * (value - mean);
  if (values.size() < 2) return graft::text::number("%.4f ± n/a", mean);
  return graft::text::number("%.4f", mean) +
         graft::text::number(" ± %.4f", std::sqrt(squares / static_cast<double>(values.size() - 1)));
}

int transfer(example::Arguments& arguments) {
  const bool quick = arguments.flag("--quick");
  const auto verbose = arguments.flag("--verbose") ? graft::Verbose::automatic : graft::Verbose::silent;
  const long seeds = arguments.count("--seeds", quick ? 1 : 3);
  std::string folder = arguments.text("--directory", "");
  arguments.finish();

  // Sandal (5) and shirt (6) are task B: is it a shirt? All others are task A.
  const auto data = graft::load_fashion_mnist({.scale = 1.0 / 255});
  const std::vector<int> A = {0, 1, 2, 3, 4, -1, -1, 5, 6, 7}, B = {-1, -1, -1, -1, -1, 0, 1, -1, -1, -1};
  const Task train_A = select(data.x_train, data.y_train, 5000, 60000, A);
  const Task valid_A = select(data.x_train, data.y_train, 0, 5000, A);
  const Task train_B = select(data.x_train, data.y_train, 5000, 60000, B, 200);
  const Task valid_B = select(data.x_train, data.y_train, 0, 5000, B);
  const Task test_B = select(data.x_test, data.y_test, 0, 10000, B);
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
  std::printf("model_B: %s   model_B_on_A: %s\n", statistics(alone).c_str(), statistics(reused).c_str());
  return gain > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, kUsage, transfer); }
