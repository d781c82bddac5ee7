// Pretraining on tasks whose labels cost nothing, on Fashion-MNIST: a small convolutional trunk learns
//
//   siamese     are these two views of one picture? (twins with shared layers, contrastive loss)
//   simclr      which of all views in the batch is the other one of this picture? (NT-Xent)
//   rotation    by how many quarters is the picture turned?
//
// from 55,000 pictures without labels. Then it gets a head and is fine-tuned with few labels, against the same net from
// scratch. Last, the way of the face classifier: pairs of 8 classes, "do these two show the same kind?", for a trunk
// that then learns two other classes from few labels.
//
// The exit status is 0 when siamese and simclr are ahead of the net from scratch on average, else 1; a quick run only
// shows that it runs.
//
// Short run: --quick

#include "siamese_recipe.hpp"

#include "fashion_tasks.hpp"
#include "few_labels.hpp"

namespace {

constexpr const char* kUsage =
    "pretrain_siamese [--labels N] [--seeds N] [--epochs N] [--quick]\n"
    "  --labels N  pictures with labels (default 500)\n"
    "  --seeds N   repeat with N random seeds, 42, 43 … (default 3)\n"
    "  --epochs N  of the pretraining (default 5)\n"
    "  --quick     one seed on 2,000 pictures, one epoch: for a first look";

using graft::Index, graft::Sequential, graft::Tensor;

using example::TaskTraining;
using Pretrain = Sequential<float> (*)(const Tensor<float>&, const TaskTraining&);
constexpr std::pair<const char*, Pretrain> kTasks[] = {{"siamese", example::pretrain_siamese_trunk},
                                                       {"simclr", example::pretrain_simclr_trunk},
                                                       {"rotation", example::pretrain_rotation_trunk}};

// A trunk that learned which of 8 classes' pictures belong together, and has to tell sandals from shirts.
void other_classes(const example::FewLabels& few, Index pictures, const TaskTraining& training, long seeds) {
  const auto& data = few.data;
  constexpr Index kLabels = 20;
  const auto others = example::select(data.x_train, data.y_train, few.first, 60000, example::kTaskA, pictures);
  const auto train = example::select(data.x_train, data.y_train, few.first, 60000, example::kTaskB, kLabels);
  const auto test = example::select(data.x_test, data.y_test, 0, 10000, example::kTaskB);
  std::vector<double> scratch, siamese;
  for (long seed = 42; seed < 42 + seeds; ++seed) {
    graft::set_random_seed(static_cast<std::uint64_t>(seed));
    scratch.push_back(example::accuracy_with(example::conv_trunk(), {train.x, train.y}, test.x, test.y, false));
    const auto trunk = example::pretrain_pairs_trunk(others.x, others.y, training);
    siamese.push_back(example::accuracy_with(trunk, {train.x, train.y}, test.x, test.y, true));
  }
  std::printf("\nSandal or shirt, %ld labels; the twins saw pairs of the 8 other classes:\n", long(kLabels));
  std::printf("from scratch %s, siamese %s, gain %+.4f\n", example::statistics(scratch).c_str(),
              example::statistics(siamese).c_str(), example::mean_gain(scratch, siamese));
}

int pretrain(example::Arguments& arguments) {
  const bool quick = arguments.flag("--quick");
  const example::PretrainArguments wanted(arguments, quick, 5);
  arguments.finish();
  const example::FewLabels few;
  const Tensor<float> pictures = few.unlabeled(wanted.pictures);
  const auto &x_test = few.data.x_test, &y_test = few.data.y_test;

  const TaskTraining training{.epochs = wanted.epochs};
  std::vector<double> scratch, tuned[std::size(kTasks)];
  for (long seed = 42; seed < 42 + wanted.seeds; ++seed) {
    const auto labeled = example::choose_labeled(few.data.x_train, few.data.y_train, few.first, 60000, wanted.labels,
                                                 static_cast<std::uint64_t>(seed));
    graft::set_random_seed(static_cast<std::uint64_t>(seed));
    scratch.push_back(example::accuracy_with(example::conv_trunk(), labeled, x_test, y_test, false));
    std::printf("seed %ld: from scratch %.4f", seed, scratch.back());
    for (std::size_t t = 0; t < std::size(kTasks); ++t) {
      graft::set_random_seed(static_cast<std::uint64_t>(seed));
      const auto trunk = kTasks[t].second(pictures, training);
      tuned[t].push_back(example::accuracy_with(trunk, labeled, x_test, y_test, true));
      std::printf(", %s %.4f", kTasks[t].first, tuned[t].back());
      std::fflush(stdout);
    }
    std::printf("\n");
  }
  std::printf("\nTest accuracy with %ld labels, mean ± standard deviation over %ld seed%s\n\n", long(wanted.labels),
              wanted.seeds, wanted.seeds == 1 ? " (which proves nothing)" : "s");
  std::printf("| pretraining | accuracy | gain |\n|---|---|---|\n");
  std::printf("| from scratch | %s | |\n", example::statistics(scratch).c_str());
  bool ahead = true;
  for (std::size_t t = 0; t < std::size(kTasks); ++t) {
    const double gain = example::mean_gain(scratch, tuned[t]);
    std::printf("| %s | %s | %+.4f |\n", kTasks[t].first, example::statistics(tuned[t]).c_str(), gain);
    if (t < 2) ahead = ahead && gain > 0;
  }
  other_classes(few, wanted.pictures, training, wanted.seeds);
  return quick || ahead ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, kUsage, pretrain); }
