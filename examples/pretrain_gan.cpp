// A deep convolutional GAN on Fashion-MNIST without its labels: a generator draws clothes, a discriminator tells them
// from real ones, and each is trained against the other with train_on_batch. Writes what the generator draws as a
// picture, then reuses the lower layers of the discriminator for classification with few labels: a linear model on its
// features against one on pixels, and fine-tuned against the same net from scratch.
//
// The exit status is 0 when the features did better than pixels (or with --quick), else 1.
//
// Short run: --quick

#include "gan_recipe.hpp"

#include "common.hpp"

using graft::Dense, graft::Index, graft::Sequential, graft::Tensor;

namespace {

constexpr const char* kUsage =
    "pretrain_gan [--epochs N] [--labels N] [--seeds N] [--threads N] [--pictures FILE.png] [--save FILE.h5] "
    "[--quick]\n"
    "  --epochs N           of the GAN (default 10)\n"
    "  --labels N           pictures with labels (default 500)\n"
    "  --seeds N            choices of those, and of initial weights (default 10)\n"
    "  --threads N          default: all cores\n"
    "  --pictures FILE.png  what the generator draws after every epoch (default gan.png)\n"
    "  --save FILE.h5       keep the generator; Keras reads it\n"
    "  --quick              one epoch over 640 pictures: for a first look";

constexpr auto kSilent = graft::Verbose::silent;

graft::CompileOptions<float> compile(double learning_rate) {
  return {.optimizer = graft::Adam({.learning_rate = learning_rate}),
          .loss = "sparse_categorical_crossentropy",
          .metrics = {"accuracy"},
          .lints = {.print = false}};
}

/// Test accuracy of a linear model on features, of the penalty that is best on the validation samples.
double linear_probe(const Tensor<float>& train, const Tensor<float>& y_train, const Tensor<float>& valid,
                    const Tensor<float>& y_valid, const Tensor<float>& test, const Tensor<float>& y_test) {
  double best = -1, result = 0;
  for (const double penalty : {0.0, 1e-4, 1e-3, 1e-2}) {
    const Sequential<float> probe({graft::Flatten(), Dense(10, {.activation = "softmax",
                                                                .kernel_initializer = "zeros",
                                                                .kernel_regularizer = graft::L2(penalty)})});
    probe.compile(compile(1e-3));
    probe.fit(train, y_train, {.epochs = 40, .verbose = kSilent});
    const double accuracy = probe.evaluate(valid, y_valid)[1];
    if (accuracy > best) best = accuracy, result = probe.evaluate(test, y_test)[1];
  }
  return result;
}

int pretrain(example::Arguments& arguments) {
  const bool quick = arguments.flag("--quick");
  const Index epochs = arguments.count("--epochs", quick ? 1 : 10);
  const Index labels = arguments.count("--labels", quick ? 100 : 500);
  const long seeds = arguments.count("--seeds", quick ? 1 : 10);
  const std::string pictures = arguments.text("--pictures", "gan.png");
  const std::string file = arguments.text("--save", "");
  graft::set_num_threads(static_cast<int>(arguments.count("--threads", graft::num_threads())));
  arguments.finish();
  const auto data = graft::load_fashion_mnist({.scale = 1.0 / 255});
  const Index first = 5000;
  const auto unlabeled = data.x_train.rows(first, quick ? first + 640 : 60000);

  graft::set_random_seed(42);
  const example::Dcgan models = example::dcgan();
  models.generator.summary();
  models.discriminator.summary();
  const Tensor<float> codings = example::gan_noise(60, models.generator.input_shape()[1]);
  const auto draw = [&] {
    Tensor<float> grid = graft::image_grid(models.generator.predict(codings), {.columns = 12});
    for (float& pixel : grid.view().span()) pixel *= 255;
    graft::save_img(pictures, grid, {.scale = false});
  };
  draw();  // noise; what cannot be written is known before the training
  example::train_gan(models, unlabeled,
                     {.epochs = epochs, .on_epoch = [&](Index epoch, double real_or_fake, double fools) {
                        std::printf("epoch %ld: loss of the discriminator %.3f, of the generator %.3f\n",
                                    long(epoch) + 1, real_or_fake, fools);
                        std::fflush(stdout);
                        draw();
                      }});
  std::printf("wrote %s\n", pictures.c_str());
  if (!file.empty()) models.generator.save(file);

  const auto features = example::discriminator_features(models);
  const auto x_valid = data.x_train.rows(0, 1000), y_valid = data.y_train.rows(0, 1000);
  const auto y_test = data.y_test;
  const auto valid_features = features.predict(x_valid), test_features = features.predict(data.x_test);
  std::vector<double> pixels, probed, tuned, scratch;
  for (long seed = 42; seed < 42 + seeds; ++seed) {
    graft::set_random_seed(static_cast<std::uint64_t>(seed));
    graft::Rng rng(graft::next_random_key());
    Tensor<float> x({labels, 28, 28}), y({labels});
    for (Index i = 0; i < labels; ++i) {
      const Index k = first + rng.below(55000);
      std::copy_n(data.x_train.data() + k * 784, 784, x.data() + i * 784);
      y[i] = data.y_train[k];
    }
    pixels.push_back(linear_probe(x, y, x_valid, y_valid, data.x_test, y_test));
    probed.push_back(linear_probe(features.predict(x), y, valid_features, y_valid, test_features, y_test));
    const Sequential<float> reused = graft::clone_model(features), fresh = graft::clone_model(features);
    reused.set_weights(features.get_weights());
    for (const auto& model : {reused, fresh}) {
      model.add(graft::Flatten());
      model.add(graft::Dropout(0.5));
      model.add(Dense(10, {.activation = "softmax"}));
      model.compile(compile(1e-3));
    }
    graft::fine_tune(reused, {x, y},
                     {.head = {.epochs = 10},
                      .tuning = {.epochs = 20, .learning_rate = 3e-4},
                      .optimizer = graft::Adam({.learning_rate = 1e-3}),
                      .head_layers = 3,
                      .verbose = kSilent});
    tuned.push_back(reused.evaluate(data.x_test, y_test)[1]);
    fresh.fit(x, y, {.epochs = 30, .verbose = kSilent});
    scratch.push_back(fresh.evaluate(data.x_test, y_test)[1]);
  }
  std::printf("\nTest accuracy with %ld labels, mean ± standard deviation over %ld seed%s:\n\n", long(labels), seeds,
              seeds == 1 ? " (which proves nothing)" : "s");
  std::printf("| what | test accuracy |\n|---|---|\n");
  std::printf("| a linear model on pixels | %s |\n", example::statistics(pixels).c_str());
  std::printf("| a linear model on the discriminator's features | %s |\n", example::statistics(probed).c_str());
  std::printf("| the discriminator's lower layers, fine-tuned | %s |\n", example::statistics(tuned).c_str());
  std::printf("| the same net from scratch | %s |\n", example::statistics(scratch).c_str());
  double gain = 0;
  for (std::size_t i = 0; i < pixels.size(); ++i) gain += probed[i] - pixels[i];
  return gain > 0 || quick ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, kUsage, pretrain); }
