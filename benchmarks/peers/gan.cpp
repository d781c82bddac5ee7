// gan THREADS ROUNDS [BATCH]
//
// The DCGAN of examples/pretrain_gan, graft and LibTorch (whichever of its two layouts is faster) in turns: a step of
// the discriminator on BATCH (64) real pictures and as many of the generator, and a step of the generator through the
// discriminator; Adam, BatchNormalization and Dropout at work in both. Medians of ROUNDS turns, as an epoch over 55,000
// pictures: a line of benchmarks/compare. That both compute the same pictures and judgements is checked first.

#include <memory>

#include "agreement.hpp"
#include "gan_recipe.hpp"
#include "rows.hpp"
#if GRAFT_HAS_TORCH
#include <torch/torch.h>
#endif

namespace {

using graft::Index;
using graft::Tensor;

constexpr Index kCodings = 100, kWidth = 32, kPictures = 55000;

#if GRAFT_HAS_TORCH
namespace F = torch::nn::functional;

/// The same two nets, (batch, channels, height, width), with graft's weights.
class TorchDcgan {
 public:
  TorchDcgan(const example::Dcgan& source, torch::MemoryFormat format)
      : format_(format),
        g_(weights(source.generator)),
        d_(weights(source.discriminator)),
        g_adam_(learned(g_), torch::optim::AdamOptions(2e-4).betas({0.5, 0.999}).eps(1e-7)),
        d_adam_(learned(d_), torch::optim::AdamOptions(2e-4).betas({0.5, 0.999}).eps(1e-7)) {}

  torch::Tensor generate(const torch::Tensor& noise, bool training) {
    torch::Tensor x = at::matmul(noise, g_[0]);
    x = at::relu(normalize(x, 1, training)).view({-1, 7, 7, 2 * kWidth}).permute({0, 3, 1, 2});
    if (format_ == torch::MemoryFormat::Contiguous) x = x.contiguous();
    x = at::conv_transpose2d(x, g_[5], {}, 2, 1);
    x = at::relu(normalize(x, 6, training));
    return at::sigmoid(at::conv_transpose2d(x, g_[10], g_[11], 2, 1));
  }
  /// Logits.
  torch::Tensor judge(const torch::Tensor& pictures, bool training) {
    torch::Tensor x = pictures * 2 - 1;
    for (std::size_t i = 0; i < 4; i += 2) {
      x = at::dropout(at::leaky_relu(at::conv2d(x, d_[i], d_[i + 1], 2, 1), 0.2), 0.3, training);
    }
    return at::addmm(d_[5], x.permute({0, 2, 3, 1}).flatten(1), d_[4]);
  }
  torch::Tensor pictures(const float* data, Index count) const {
    return torch::from_blob(const_cast<float*>(data), {count, 1, 28, 28}).clone().contiguous(format_);
  }

  void step(const torch::Tensor& real) {
    const Index batch = real.size(0);
    torch::Tensor fakes;
    {
      const torch::NoGradGuard guard;
      fakes = generate(torch::randn({batch, kCodings}), false);
    }
    train(d_, true);
    d_adam_.zero_grad();
    const torch::Tensor labels = torch::cat({torch::zeros({batch, 1}), torch::ones({batch, 1})});
    F::binary_cross_entropy_with_logits(judge(torch::cat({fakes, real}).contiguous(format_), true), labels).backward();
    d_adam_.step();
    train(d_, false);
    g_adam_.zero_grad();
    const torch::Tensor made = generate(torch::randn({batch, kCodings}), true);
    F::binary_cross_entropy_with_logits(judge(made, true), torch::ones({batch, 1})).backward();
    g_adam_.step();
  }

 private:
  using Weights = std::vector<torch::Tensor>;

  static void train(Weights& weights, bool on) {
    for (torch::Tensor& weight : weights) weight.set_requires_grad(on);
  }
  // Kernels in LibTorch's order: (height, width, a, b) becomes (b, a, height, width), of both kinds of convolution.
  Weights weights(const graft::Model<float>& model) const {
    Weights result;
    for (const auto& variable : model.weights()) {
      const Tensor<float>& value = std::as_const(*variable).value();
      const std::vector<Index> shape(value.shape().begin(), value.shape().end());
      torch::Tensor own = torch::from_blob(const_cast<float*>(value.data()), shape).clone();
      if (shape.size() == 4) own = own.permute({3, 2, 0, 1}).contiguous(format_);
      result.push_back(variable->kind() == graft::VariableKind::trainable ? own.requires_grad_() : own);
    }
    return result;
  }
  static Weights learned(const Weights& weights) {
    Weights result;
    for (const torch::Tensor& weight : weights) {
      if (weight.requires_grad()) result.push_back(weight);
    }
    return result;
  }
  torch::Tensor normalize(const torch::Tensor& x, std::size_t i, bool training) {
    return at::batch_norm(x, g_[i], g_[i + 1], g_[i + 2], g_[i + 3], training, 0.1, 1e-3, false);
  }

  torch::MemoryFormat format_;
  Weights g_, d_;
  torch::optim::Adam g_adam_, d_adam_;
};

void require_same(const example::Dcgan& models, TorchDcgan& peer) {
  const torch::NoGradGuard guard;
  const Tensor<float> noise({4, kCodings}, measure::numbers(4 * kCodings, 7));
  const Tensor<float> mine = models.generator.predict(noise), judged = models.discriminator.predict(mine);
  const torch::Tensor theirs =
      peer.generate(torch::from_blob(const_cast<float*>(noise.data()), {4, kCodings}), false).contiguous();
  const torch::Tensor judgement = at::sigmoid(peer.judge(peer.pictures(mine.data(), 4), false)).contiguous();
  const auto numbers = [](const torch::Tensor& x) {
    return std::vector<float>(x.data_ptr<float>(), x.data_ptr<float>() + x.numel());
  };
  peers::require_agreement("the generator's pictures", {mine.begin(), mine.end()}, numbers(theirs));
  peers::require_agreement("the discriminator's judgements", {judged.begin(), judged.end()}, numbers(judgement));
}
#endif

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1, rounds = argc > 2 ? std::atoi(argv[2]) : 3;
  const Index batch = argc > 3 ? std::atoi(argv[3]) : 64;
  if (threads < 1 || rounds < 1 || batch < 1) return 2;
  graft::set_num_threads(threads);
  graft::set_random_seed(1);
  const example::Dcgan models = example::dcgan(kCodings, kWidth);
  peers::make_typical(models.generator);
  peers::make_typical(models.discriminator);
  const auto real = measure::numbers(batch * 28 * 28, 3, 0.0f, 1.0f);
  Tensor<float> pictures({2 * batch, 28, 28});
  std::copy(real.begin(), real.end(), pictures.data() + batch * 28 * 28);
  example::GanStep step(models, batch);
  std::vector<std::function<void()>> work{[&] { step(pictures); }};
#if GRAFT_HAS_TORCH
  at::set_num_threads(threads);
  std::vector<std::unique_ptr<TorchDcgan>> peers;
  for (const auto format : {torch::MemoryFormat::Contiguous, torch::MemoryFormat::ChannelsLast}) {
    peers.push_back(std::make_unique<TorchDcgan>(models, format));
    require_same(models, *peers.back());
    work.push_back([peer = peers.back().get(), x = peers.back()->pictures(real.data(), batch)] { peer->step(x); });
  }
#endif
  std::vector<double> times = measure::in_turns(work, rounds, threads);
  const double steps = static_cast<double>((kPictures + batch - 1) / batch);
  for (double& time : times) time *= steps;
  measure::print_row("DCGAN, an epoch over 55,000 pictures of 28 × 28 (a step of both nets, batch " +
                         std::to_string(batch) + ", times " + std::to_string(static_cast<long>(steps)) + ")",
                     threads, times, "≥ 2", true);
  return 0;
}
