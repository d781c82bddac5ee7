// How activations and initializers go together, on Fashion-MNIST with plain SGD:
//
// * 100 hidden layers deep: SELU with lecun_normal keeps its signals alive on standardised pixels, ReLU with he_normal
//   has a much harder time;
// * shallow: LeakyReLU and PReLU as layers of their own, behind a Dense without activation, with he_normal.
//
// Short run: --samples 640 --epochs 1 --seeds 1

#include <graft/graft.hpp>

#include <chrono>
#include <cmath>
#include <functional>

#include "common.hpp"

using graft::Dense, graft::Index, graft::Layer, graft::Sequential, graft::Tensor;

namespace {

const graft::Shape kPixels = {28 * 28};

constexpr const char* kUsage =
    "activations_and_initializers [--samples N] [--epochs N] [--seeds N] [--all]\n"
    "  --samples N  train on the first N of 55,000 pictures (default 10,000)\n"
    "  --epochs N   default 5\n"
    "  --seeds N    mean over N random seeds (default 1, which proves little)\n"
    "  --all        all 55,000 pictures";

Sequential<float> deep(const char* activation, const char* kernel_initializer) {
  Sequential model(
      {Dense(300, {.activation = activation, .kernel_initializer = kernel_initializer, .input_shape = kPixels})});
  for (Index layer = 1; layer < 100; ++layer) {
    model.add(Dense(100, {.activation = activation, .kernel_initializer = kernel_initializer}));
  }
  model.add(Dense(10, {.activation = "softmax"}));
  return model;
}

Sequential<float> shallow(const std::function<Layer<float>()>& activation) {
  return Sequential({Dense(300, {.kernel_initializer = "he_normal", .input_shape = kPixels}), activation(),
                     Dense(100, {.kernel_initializer = "he_normal"}), activation(),
                     Dense(10, {.activation = "softmax"})});
}

// Every pixel gets mean 0 and standard deviation 1 over the training pictures: the theory of SELU asks for it.
void standardise(Tensor<float>& train, Tensor<float>& valid) {
  const Eigen::RowVectorXf mean = train.matrix().colwise().mean();
  const Eigen::RowVectorXf variance = (train.matrix().rowwise() - mean).array().square().colwise().mean();
  const Eigen::RowVectorXf scale = (variance.array() + 1e-7f).rsqrt();
  for (Tensor<float>* x : {&train, &valid}) {
    x->matrix() = (x->matrix().rowwise() - mean).array().rowwise() * scale.array();
  }
}

int compare(example::Arguments& arguments) {
  const Index samples = arguments.flag("--all") ? 55000 : std::min<Index>(arguments.count("--samples", 10000), 55000);
  const Index epochs = arguments.count("--epochs", 5);
  const long seeds = arguments.count("--seeds", 1);
  arguments.finish();

  const auto data = graft::load_fashion_mnist({.scale = 1.0 / 255});
  const auto pictures = data.x_train.reshaped({-1, 28 * 28});
  auto x_valid = pictures.rows(0, 5000), x_train = pictures.rows(5000, 5000 + samples);
  const auto y_valid = data.y_train.rows(0, 5000), y_train = data.y_train.rows(5000, 5000 + samples);
  standardise(x_train, x_valid);
  std::printf(
      "Data: Fashion-MNIST, pixels standardised; %ld pictures to train, %ld to validate; SGD 1e-3, %ld epochs, %ld "
      "seed%s\n\n",
      long(samples), long(y_valid.size()), long(epochs), seeds, seeds == 1 ? "" : "s");

  struct Net {
    const char* name;
    std::function<Sequential<float>()> make;
  };
  const std::vector<Net> nets = {
      {"100 layers, SELU, lecun_normal", [] { return deep("selu", "lecun_normal"); }},
      {"100 layers, ReLU, he_normal", [] { return deep("relu", "he_normal"); }},
      {"2 layers, ReLU, he_normal", [] { return shallow([] { return graft::ReLU(); }); }},
      {"2 layers, LeakyReLU, he_normal", [] { return shallow([] { return graft::LeakyReLU(); }); }},
      {"2 layers, PReLU, he_normal", [] { return shallow([] { return graft::PReLU(); }); }},
  };
  std::printf("%-32s %10s %9s   validation accuracy after each epoch\n", "net", "parameters", "seconds");
  for (const Net& net : nets) {
    std::vector<double> accuracy(static_cast<std::size_t>(epochs));
    Index parameters = 0;
    const auto started = std::chrono::steady_clock::now();
    for (long seed = 42; seed < 42 + seeds; ++seed) {
      graft::set_random_seed(static_cast<std::uint64_t>(seed));
      const auto model = net.make();
      parameters = model.count_params();
      model.compile({.optimizer = graft::SGD({.learning_rate = 1e-3}),
                     .loss = "sparse_categorical_crossentropy",
                     .metrics = {"accuracy"}});
      const auto history =
          model.fit(x_train, y_train,
                    {.epochs = epochs, .verbose = graft::Verbose::silent, .validation_data = {{x_valid, y_valid}}});
      for (std::size_t i = 0; i < accuracy.size(); ++i)
        accuracy[i] += history["val_accuracy"][i] / static_cast<double>(seeds);
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    std::printf("%-32s %10s %9.1f  ", net.name, graft::text::with_commas(parameters).c_str(), seconds);
    for (const double value : accuracy) std::printf(" %.4f", value);
    std::printf("\n");
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, kUsage, compare); }
