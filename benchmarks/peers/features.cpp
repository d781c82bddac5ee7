// features ROUNDS CLOCK [PICTURES]
//
// Way 1 of a transfer: a head on MobileNetV2's features, trained for 20 epochs on PICTURES (1000) pictures of random
// numbers. Three take turns: fit with cache_frozen_prefix, one pass of the base over the pictures (what it cannot do
// without), and LibTorch's loop over the frozen base, of which one epoch is run and counted 20 times (the faster of its
// two layouts; pictures are in its layout before the clock runs). Medians, one thread, by CLOCK (wall or cpu), as lines
// of benchmarks/compare. That the peers compute the same features is checked first.

#include <cstring>
#include <memory>

#include "agreement.hpp"
#if GRAFT_HAS_TORCH
#include "torch_model.hpp"
#endif

namespace {

using graft::Index;
using graft::Model;
using graft::Tensor;

constexpr Index kEpochs = 20, kBatch = 32, kClasses = 5, kSize = 224;
constexpr double kRate = 1e-3;

bool by_cpu = false;

template <class Work>
double seconds(Work&& work) {
  const measure::Time time = measure::of_a_call(0, work);
  return by_cpu ? time.cpu : time.wall;
}

#if GRAFT_HAS_TORCH
constexpr torch::MemoryFormat kFormats[] = {torch::MemoryFormat::Contiguous, torch::MemoryFormat::ChannelsLast};

/// Seconds of an epoch over the first `count` pictures.
double torch_epoch(peers::TorchModel& model, const Tensor<float>& x, const std::vector<float>& y, Index count) {
  double spent = 0;
  for (Index first = 0; first < count; first += kBatch) {
    const Index last = std::min(count, first + kBatch);
    const torch::Tensor batch = model.input(x.rows(first, last));
    const torch::Tensor labels =
        torch::tensor(std::vector<float>(y.begin() + first, y.begin() + last)).to(torch::kLong);
    spent += seconds([&] { model.train_on_batch(batch, labels, kRate); });
  }
  return spent;
}

/// The faster layout, and that its features are graft's.
std::unique_ptr<peers::TorchModel> torch_peer(const Model<float>& base, const Model<float>& model,
                                              const Tensor<float>& x, const std::vector<float>& y) {
  std::unique_ptr<peers::TorchModel> best;
  double least = INFINITY;
  for (const auto format : kFormats) {
    const Tensor<float> some = x.rows(0, 4), mine = base.predict(some);
    const peers::TorchModel features(base, format, false);
    const torch::Tensor theirs = features.predict(features.input(some)).contiguous();
    peers::require_agreement("MobileNetV2's features", {mine.begin(), mine.end()},
                             {theirs.data_ptr<float>(), theirs.data_ptr<float>() + theirs.numel()});
    auto peer = std::make_unique<peers::TorchModel>(model, format, true);
    const Index count = std::min(kBatch, x.dim(0));
    torch_epoch(*peer, x, y, count);  // not counted
    const double time = torch_epoch(*peer, x, y, count);
    if (time < least) least = time, best = std::move(peer);
  }
  return best;
}
#endif

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 3;
  by_cpu = argc > 2 && std::strcmp(argv[2], "cpu") == 0;
  const Index count = argc > 3 ? std::atoi(argv[3]) : 1000;
  if (count < 1) return 2;
  graft::set_num_threads(1);
  graft::set_random_seed(1);
  const graft::Shape picture{kSize, kSize, 3};
  const Model<float> base =
      graft::applications::MobileNetV2<float>({.input_shape = picture, .include_top = false, .pooling = "avg"});
  const Model<float> model(base.input(), graft::Dense<float>(kClasses)(base.output()));
  peers::make_typical(model);
  graft::freeze(model.layers().slice(0, -1));
  model.compile({.optimizer = graft::SGD({.learning_rate = kRate}),
                 .loss = graft::SparseCategoricalCrossentropy<float>({.from_logits = true})});
  Tensor<float> x(picture.with_batch(count));
  for (Index i = 0; i < count; ++i) {
    const auto numbers = measure::numbers(picture.elements(), static_cast<std::uint32_t>(i + 1));
    std::copy(numbers.begin(), numbers.end(), x.data() + i * picture.elements());
  }
  std::vector<float> y;
  for (Index i = 0; i < count; ++i) y.push_back(static_cast<float>(i % kClasses));

#if GRAFT_HAS_TORCH
  at::set_num_threads(1);
  const auto peer = torch_peer(base, model, x, y);
#endif
  base.predict(x.rows(0, std::min(kBatch, count)));  // not counted
  std::vector<double> trainings, passes, loops;
  for (int round = 0; round < rounds; ++round) {
    trainings.push_back(seconds([&] {
      const graft::History history = model.fit(
          x, y,
          {.batch_size = kBatch, .epochs = kEpochs, .verbose = graft::Verbose::silent, .cache_frozen_prefix = true});
      if (history.cached_layers > 0) return;
      std::fprintf(stderr, "fit cached nothing: %s\n", history.uncached_reason.c_str());
      std::exit(1);
    }));
    passes.push_back(seconds([&] { base.predict(x, {.batch_size = kBatch}); }));
#if GRAFT_HAS_TORCH
    loops.push_back(kEpochs * torch_epoch(*peer, x, y, count));
#endif
  }
  const double training = measure::median(trainings), pass = measure::median(passes);
  const std::string what = "Way 1: " + std::to_string(kEpochs) + " epochs of a head on MobileNetV2, " +
                           std::to_string(count) + " pictures, 1 thread";
  std::printf("summary | %s | %.1f s | one pass of the base over the pictures %.1f s | %.2f × | ≤ 1.15 |\n",
              what.c_str(), training, pass, training / pass);
  if (loops.empty()) {
    std::printf("summary | %s | %.1f s | LibTorch is not installed: apt install libtorch-dev | – | – |\n", what.c_str(),
                training);
  } else {
    const double loop = measure::median(loops);
    std::printf(
        "summary | %s | %.1f s | LibTorch over the frozen base, 20 times one epoch: %.1f s | %.1f × as fast | – |\n",
        what.c_str(), training, loop, loop / training);
  }
  return 0;
}
