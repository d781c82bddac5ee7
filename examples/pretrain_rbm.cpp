// Greedy layer-wise pretraining, the older way, on Fashion-MNIST: a stack of restricted Boltzmann machines and one of
// autoencoders, each layer trained without labels on what those below make of 55,000 pictures; unrolled into Dense
// layers and fine-tuned with few labels, against the same net from scratch. Then how the reconstruction error of a
// single RBM falls, by contrastive divergence and with persistent chains.
//
// The exit status is 0 when the stack of RBMs is ahead of the same net from scratch on average, else 1; a quick run
// only shows that it runs.
//
// Short run: --quick

#include "rbm_recipe.hpp"

#include "few_labels.hpp"

namespace {

constexpr const char* kUsage =
    "pretrain_rbm [--labels N] [--seeds N] [--epochs N] [--quick]\n"
    "  --labels N  pictures with labels (default 500)\n"
    "  --seeds N   repeat with N random seeds, 42, 43 … (default 3)\n"
    "  --epochs N  of each layer (default 5)\n"
    "  --quick     one seed on 2,000 pictures, one epoch: for a first look";

using graft::Index, graft::Tensor;
constexpr auto kSilent = graft::Verbose::silent;

// The ways to estimate the gradient, on one machine each.
void compare_machines(const Tensor<float>& x, Index epochs) {
  std::printf("\n| one RBM, 784 - 256 | reconstruction error by epoch |\n|---|---|\n");
  const struct {
    const char* name;
    graft::RBMFitOptions options;
  } ways[] = {{"CD-1", {}}, {"CD-3", {.gibbs = {.k = 3}}}, {"persistent", {.persistent = true, .learning_rate = 0.01}}};
  for (const auto& way : ways) {
    graft::RBM<float> rbm(784, 256, {.seed = 1});
    auto options = way.options;
    options.batch_size = 64;
    options.epochs = epochs;
    options.verbose = kSilent;
    const auto history = rbm.fit(x, options);
    std::printf("| %s |", way.name);
    for (const double error : history["reconstruction_error"]) std::printf(" %.4f", error);
    std::printf(" |\n");
  }
}

int pretrain(example::Arguments& arguments) {
  const bool quick = arguments.flag("--quick");
  const example::PretrainArguments wanted(arguments, quick, 5);
  arguments.finish();
  const example::FewLabels few;
  const Tensor<float> pictures = few.unlabeled(wanted.pictures);
  const auto &x_test = few.data.x_test, &y_test = few.data.y_test;

  const example::GreedyTraining training{.epochs = wanted.epochs};
  std::vector<double> scratch, rbms, autoencoders;
  for (long seed = 42; seed < 42 + wanted.seeds; ++seed) {
    graft::set_random_seed(static_cast<std::uint64_t>(seed));
    const auto labeled = example::choose_labeled(few.data.x_train, few.data.y_train, few.first, 60000, wanted.labels,
                                                 static_cast<std::uint64_t>(seed));
    const auto fresh = example::sigmoid_net(training.units);
    scratch.push_back(example::accuracy_with(fresh, labeled, x_test, y_test, false));
    const auto stack = example::pretrain_rbms(pictures, training);
    rbms.push_back(example::accuracy_with(stack.model, labeled, x_test, y_test, true));
    const auto encoders = example::pretrain_autoencoders(pictures, training);
    autoencoders.push_back(example::accuracy_with(encoders.model, labeled, x_test, y_test, true));
    std::printf("seed %ld: from scratch %.4f, RBMs %.4f, autoencoders %.4f\n", seed, scratch.back(), rbms.back(),
                autoencoders.back());
    std::fflush(stdout);
  }
  std::printf("\nTest accuracy with %ld labels, mean ± standard deviation over %ld seed%s\n\n", long(wanted.labels),
              wanted.seeds, wanted.seeds == 1 ? " (which proves nothing)" : "s");
  std::printf("| Dense 256, 128, sigmoid | accuracy | gain |\n|---|---|---|\n");
  std::printf("| from scratch | %s | |\n", example::statistics(scratch).c_str());
  std::printf("| RBMs, layer by layer | %s | %+.4f |\n", example::statistics(rbms).c_str(),
              example::mean_gain(scratch, rbms));
  std::printf("| autoencoders, layer by layer | %s | %+.4f |\n", example::statistics(autoencoders).c_str(),
              example::mean_gain(scratch, autoencoders));
  compare_machines(pictures, wanted.epochs);
  return quick || example::mean_gain(scratch, rbms) > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, kUsage, pretrain); }
