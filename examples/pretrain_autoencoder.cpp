// Pretraining without labels by autoencoders of all kinds, on Fashion-MNIST: each is trained on the pictures of 55,000
// without their labels, its encoder gets a new head and is fine-tuned with few labels, and the same net learns from
// scratch. Prints a table, and draws what the convolutional one makes of noisy pictures, and what the variational one
// makes of noise alone.
//
// Short run: --quick

#include "autoencoder_recipe.hpp"

#include "common.hpp"

using example::AutoencoderKind, graft::Index, graft::Sequential, graft::Tensor;

namespace {

constexpr const char* kUsage =
    "pretrain_autoencoder [--kind NAME] [--labels N] [--seeds N] [--epochs N] [--pictures FILE.png] [--quick]\n"
    "  --kind NAME          stacked, denoising, tied, sparse, variational or convolutional (default: all)\n"
    "  --labels N           pictures with labels (default 500)\n"
    "  --seeds N            repeat with N random seeds, 42, 43 … (default 3)\n"
    "  --epochs N           of the pretraining (default 5)\n"
    "  --pictures FILE.png  what the autoencoders draw (default autoencoder.png)\n"
    "  --quick              one seed on 2,000 pictures, one epoch: for a first look";

constexpr auto kSilent = graft::Verbose::silent;

struct Labeled {
  Tensor<float> x, y;
};

/// `count` of the samples from `first` on, chosen at random.
Labeled choose(const graft::FashionMnist<float>& data, Index first, Index count) {
  graft::Rng rng(graft::next_random_key());
  Labeled chosen{Tensor<float>({count, 28, 28}), Tensor<float>({count})};
  for (Index i = 0; i < count; ++i) {
    const Index k = first + rng.below(data.x_train.dim(0) - first);
    std::copy_n(data.x_train.data() + k * 784, 784, chosen.x.data() + i * 784);
    chosen.y[i] = data.y_train[k];
  }
  return chosen;
}

/// Test accuracy of an encoder with a new head, after the head alone and everything were trained.
double tune(const Sequential<float>& encoder, const Labeled& train, const graft::FashionMnist<float>& data,
            bool pretrained) {
  encoder.add(graft::Dense(10, {.activation = "softmax", .name = "classes"}));
  const graft::CompileOptions<float> compile{.optimizer = graft::Adam({.learning_rate = 1e-3}),
                                             .loss = "sparse_categorical_crossentropy",
                                             .metrics = {"accuracy"},
                                             .lints = {.print = false}};
  encoder.compile(compile);
  if (pretrained) {
    graft::fine_tune(encoder, {train.x, train.y},
                     {.head = {.epochs = 10}, .tuning = {.epochs = 20, .learning_rate = 1e-3}, .verbose = kSilent});
  } else {
    encoder.fit(train.x, train.y, {.epochs = 30, .verbose = kSilent});
  }
  return encoder.evaluate(data.x_test, data.y_test)[1];
}

/// Noisy pictures over what a model makes of them.
void draw(const std::string& path, const Tensor<float>& above, const Tensor<float>& below) {
  const Index n = above.dim(0);
  Tensor<float> both({2 * n, 28, 28});
  std::copy(above.begin(), above.end(), both.data());
  std::copy(below.begin(), below.end(), both.data() + n * 784);
  Tensor<float> grid = graft::image_grid(both, {.columns = n, .background = 1});
  for (float& pixel : grid.view().span()) pixel = 255 * std::clamp(pixel, 0.0f, 1.0f);
  graft::save_img(path, grid, {.scale = false});
  std::printf("wrote %s\n", path.c_str());
}

int pretrain(example::Arguments& arguments) {
  const bool quick = arguments.flag("--quick");
  const std::string only = arguments.text("--kind", "");
  const Index labels = arguments.count("--labels", quick ? 100 : 500);
  const long seeds = arguments.count("--seeds", quick ? 1 : 3);
  const Index epochs = arguments.count("--epochs", quick ? 1 : 5);
  const std::string pictures = arguments.text("--pictures", "autoencoder.png");
  arguments.finish();
  const auto data = graft::load_fashion_mnist({.scale = 1.0 / 255});
  // The first 5,000 are left for choosing settings.
  const Index first = 5000;
  const auto unlabeled = data.x_train.rows(first, quick ? first + 2000 : 60000);

  std::printf("| autoencoder | loss | from scratch | pretrained | gain |\n|---|---|---|---|---|\n");
  bool any = false;
  std::vector<std::string> names;
  for (const AutoencoderKind& kind : example::autoencoder_kinds()) {
    names.push_back(kind.name);
    if (!only.empty() && only != kind.name) continue;
    any = true;
    std::vector<double> scratch, tuned, losses;
    for (long seed = 42; seed < 42 + seeds; ++seed) {
      graft::set_random_seed(static_cast<std::uint64_t>(seed));
      const Labeled train = choose(data, first, labels);
      const graft::Model<float> autoencoder = example::train_autoencoder(kind, unlabeled, {.epochs = epochs});
      losses.push_back(autoencoder.evaluate(data.x_test, data.x_test)[0]);
      const auto encoder = graft::reuse_encoder(autoencoder, kind.until);
      const Sequential<float> fresh = graft::clone_model(encoder);
      tuned.push_back(tune(encoder, train, data, true));
      scratch.push_back(tune(fresh, train, data, false));
      if (seed > 42) continue;
      if (kind.name == std::string("convolutional")) {
        Tensor<float> noisy = data.x_test.rows(0, 10);
        graft::Rng rng(std::uint64_t{1});
        for (float& pixel : noisy.view().span()) pixel += static_cast<float>(0.2 * rng.normal());
        draw(pictures, noisy, autoencoder.predict(noisy));
      }
      if (kind.name == std::string("variational")) {
        const auto decode = [&] {
          Tensor<float> codings({10, 32});
          graft::Rng rng(graft::next_random_key());
          for (float& value : codings.view().span()) value = static_cast<float>(rng.normal());
          return Sequential<float>(autoencoder.layers().slice(-3)).predict(codings);
        };
        draw(pictures.substr(0, pictures.rfind('.')) + "_variational.png", decode(), decode());
      }
    }
    double gain = 0;
    for (std::size_t i = 0; i < tuned.size(); ++i) gain += (tuned[i] - scratch[i]) / static_cast<double>(tuned.size());
    std::printf("| %s | %s | %s | %s | %+.4f |\n", kind.name, example::statistics(losses).c_str(),
                example::statistics(scratch).c_str(), example::statistics(tuned).c_str(), gain);
    std::fflush(stdout);
  }
  if (!any) throw example::UsageError("--kind: " + graft::text::did_you_mean(only, names));
  std::printf("\nTest accuracy with %ld labels, mean ± standard deviation over %ld seed%s.\n", long(labels), seeds,
              seeds == 1 ? " (which proves nothing)" : "s");
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, kUsage, pretrain); }
