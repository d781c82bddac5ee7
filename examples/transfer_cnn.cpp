// Where transfer works: the tasks of transfer_fashion_mnist once more, learned as there (SGD at 1e-3, 20 epochs, of
// which transfer spends 4 on the head alone), with a dense net and with a small deep convolutional one, and 50, 200 and
// 1000 pictures. A dense net learns few patterns, and specific ones; the lower layers of a convolutional net find edges
// and textures that any picture has.
//
// The exit status is 0 when the convolutional net gained by transfer on average with 200 pictures, else 1.
//
// Short run: --quick

#include <graft/graft.hpp>

#include "fashion_tasks.hpp"

using example::Task, graft::Conv2D, graft::Dense, graft::Index, graft::MaxPooling2D, graft::Sequential;

namespace {

constexpr const char* kUsage =
    "transfer_cnn [--seeds N] [--quick]\n"
    "  --seeds N  repeat with N random seeds, 42, 43 … (default 3)\n"
    "  --quick    one seed, task A on 6,400 pictures for 1 epoch: for a first look";

Sequential<float> dense_net(const Dense<float>& head) {
  return Sequential({graft::Flatten({.input_shape = graft::Shape{28, 28}}), Dense(300, {.activation = "selu"}),
                     Dense(100, {.activation = "selu"}), Dense(50, {.activation = "selu"}), head});
}

Sequential<float> conv_net(const Dense<float>& head) {
  return Sequential({graft::Reshape({28, 28, 1}, {.input_shape = graft::Shape{28, 28}}),
                     Conv2D(16, 3, {.padding = "same", .activation = "relu"}),
                     Conv2D(16, 3, {.padding = "same", .activation = "relu"}), MaxPooling2D(2),
                     Conv2D(32, 3, {.padding = "same", .activation = "relu"}),
                     Conv2D(32, 3, {.padding = "same", .activation = "relu"}), MaxPooling2D(2), graft::Flatten(),
                     Dense(64, {.activation = "relu"}), head});
}

using Net = Sequential<float> (*)(const Dense<float>&);

constexpr Index kPictures[] = {50, 200, 1000};
constexpr Index kHeadEpochs = 4, kTuningEpochs = 16;
constexpr double kLearningRate = 1e-3;

/// Test accuracies over the seeds, from scratch and by transfer.
struct Score {
  std::vector<double> scratch, transfer;

  double gain() const {
    double sum = 0;
    for (std::size_t i = 0; i < scratch.size(); ++i) sum += transfer[i] - scratch[i];
    return sum / static_cast<double>(scratch.size());
  }
};

int compare(example::Arguments& arguments) {
  const bool quick = arguments.flag("--quick");
  const long seeds = arguments.count("--seeds", quick ? 1 : 3);
  arguments.finish();
  const auto data = graft::load_fashion_mnist({.scale = 1.0 / 255});
  const Task train_A = example::select(data.x_train, data.y_train, 5000, quick ? 13000 : 60000, example::kTaskA);
  const Task test_A = example::select(data.x_test, data.y_test, 0, 10000, example::kTaskA);
  const Task test_B = example::select(data.x_test, data.y_test, 0, 10000, example::kTaskB);

  const struct {
    const char* name;
    Net make;
    Index epochs_A;
  } nets[] = {{"dense", dense_net, quick ? 1 : 10}, {"conv", conv_net, quick ? 1 : 2}};
  constexpr auto silent = graft::Verbose::silent;
  Score scores[std::size(nets)][std::size(kPictures)];
  for (std::size_t n = 0; n < std::size(nets); ++n) {
    for (long seed = 42; seed < 42 + seeds; ++seed) {
      graft::set_random_seed(static_cast<std::uint64_t>(seed));
      const auto model_A = nets[n].make(Dense(8, {.activation = "softmax"}));
      model_A.compile({.optimizer = "adam",
                       .loss = "sparse_categorical_crossentropy",
                       .metrics = {"accuracy"},
                       .lints = {.silence = {"selu_initializer"}}});
      model_A.fit(train_A.x, train_A.y, {.batch_size = 64, .epochs = nets[n].epochs_A, .verbose = silent});
      std::printf("%s net, seed %ld: test accuracy on task A %.4f\n", nets[n].name, seed,
                  model_A.evaluate(test_A.x, test_A.y)[1]);
      std::fflush(stdout);
      for (std::size_t p = 0; p < std::size(kPictures); ++p) {
        const Task train = example::select(data.x_train, data.y_train, 5000, 60000, example::kTaskB, kPictures[p]);
        const graft::CompileOptions<float> compile{.optimizer = graft::SGD({.learning_rate = kLearningRate}),
                                                   .loss = "binary_crossentropy",
                                                   .metrics = {"accuracy"},
                                                   .lints = {.silence = {"selu_initializer"}}};

        const auto scratch = nets[n].make(Dense(1, {.activation = "sigmoid"}));
        scratch.compile(compile);
        scratch.fit(train.x, train.y, {.epochs = kHeadEpochs + kTuningEpochs, .verbose = silent});
        scores[n][p].scratch.push_back(scratch.evaluate(test_B.x, test_B.y)[1]);

        const auto transfer = graft::reuse_layers(model_A, {Dense(1, {.activation = "sigmoid"})}).model;
        transfer.compile(compile);
        graft::fine_tune(transfer, {train.x, train.y},
                         {.head = {.epochs = kHeadEpochs},
                          .tuning = {.epochs = kTuningEpochs, .learning_rate = kLearningRate},
                          .verbose = silent});
        scores[n][p].transfer.push_back(transfer.evaluate(test_B.x, test_B.y)[1]);
      }
    }
  }

  std::printf("\nTest accuracy on task B, mean ± standard deviation over %ld seed%s:\n\n", seeds,
              seeds == 1 ? " (which proves nothing)" : "s");
  std::printf("| net | pictures | from scratch | transfer | gain |\n|---|---|---|---|---|\n");
  for (std::size_t n = 0; n < std::size(nets); ++n) {
    for (std::size_t p = 0; p < std::size(kPictures); ++p) {
      const Score& score = scores[n][p];
      std::printf("| %s | %ld | %s | %s | %+.4f |\n", nets[n].name, long(kPictures[p]),
                  example::statistics(score.scratch).c_str(), example::statistics(score.transfer).c_str(),
                  score.gain());
    }
  }
  return scores[1][1].gain() > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, kUsage, compare); }
