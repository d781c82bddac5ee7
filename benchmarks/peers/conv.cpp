// conv THREADS ROUNDS SECONDS CLOCK SHAPES…
//
// The convolutions of each file of shapes: graft and LibTorch (whichever of its two layouts is faster) take turns for
// SECONDS each, ROUNDS times, forward alone and forward with both gradients, with the processor's peak measured in
// between; medians. CLOCK is wall or cpu. Prints lines of benchmarks/compare: "summary | …" and "detail | …".

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "conv_shapes.hpp"
#include "fma_peak.hpp"
#include "graft/kernels/conv.hpp"
#include "ratios.hpp"
#if GRAFT_HAS_TORCH
#include <torch/torch.h>
#endif

namespace {

using graft::Index;
using namespace graft::kernels;

struct Settings {
  int threads = 1, rounds = 5;
  double seconds = 0.05;
  bool cpu = false;
  double of(const measure::Time& time) const { return cpu ? time.cpu : time.wall; }
};

enum Candidate { kGraft, kTorchFirst, kTorchLast, kCandidates };

/// Seconds of forward, and of forward and both gradients.
struct Result {
  double forward[kCandidates] = {}, all[kCandidates] = {}, peak = 0;
};

struct Work {
  std::function<void()> forward, all;
};

Work graft_work(const ConvShape& shape, std::vector<float>& memory) {
  const ConvDesc d = shape.desc;
  const Index x = d.batch * d.in_pixels() * d.channels, w = d.taps() * d.group_channels() * d.filters;
  const Index y = d.batch * d.out_pixels() * d.filters;
  memory = measure::numbers(2 * (x + w + y), 1);
  float *px = memory.data(), *pw = px + x, *py = pw + w, *pdx = py + y, *pdw = pdx + x, *pdy = pdw + w;
  const auto forward = [=] { conv_forward<float>(d, px, pw, nullptr, py); };
  return {forward, [=] {
            forward();
            conv_backward_weights<float>(d, px, pdy, pdw);
            conv_backward_data<float>(d, pdy, pw, nullptr, pdx);
          }};
}

#if GRAFT_HAS_TORCH
Work torch_work(const ConvShape& shape, torch::MemoryFormat format) {
  const ConvDesc& d = shape.desc;
  const auto make = [&](Index a, Index b, Index c, Index e) { return torch::randn({a, b, c, e}).contiguous(format); };
  const torch::Tensor x = make(d.batch, d.channels, d.in[1], d.in[2]);
  const torch::Tensor w = make(d.filters, d.group_channels(), d.kernel[1], d.kernel[2]);
  const torch::Tensor dy = make(d.batch, d.filters, d.out[1], d.out[2]);
  const std::vector<std::int64_t> stride{d.stride[1], d.stride[2]}, pad{d.pad[1], d.pad[2]}, one{1, 1}, none{0, 0};
  const std::int64_t groups = d.groups;
  const auto forward = [=] {
    const torch::NoGradGuard guard;
    const torch::Tensor y = at::conv2d(x, w, {}, stride, pad, one, groups);
  };
  return {
      forward, [=] {
        forward();
        at::convolution_backward(dy, x, w, c10::nullopt, stride, pad, one, false, none, groups, {true, true, false});
      }};
}
#endif

Result measure_shape(const ConvShape& shape, const Settings& settings) {
  std::vector<float> memory;
  Work work[kCandidates];
  work[kGraft] = graft_work(shape, memory);
#if GRAFT_HAS_TORCH
  work[kTorchFirst] = torch_work(shape, torch::MemoryFormat::Contiguous);
  work[kTorchLast] = torch_work(shape, torch::MemoryFormat::ChannelsLast);
#endif
  std::vector<double> forward[kCandidates], all[kCandidates], peaks;
  for (int round = -1; round < settings.rounds; ++round) {  // the first does not count
    for (int i = 0; i < kCandidates; ++i) {
      if (!work[i].forward) continue;
      const double length = round < 0 ? 0 : settings.seconds;
      if (settings.threads > 1) measure::let_others_rest();
      const double one = settings.of(measure::of_a_call(length, work[i].forward));
      const double three = settings.of(measure::of_a_call(length, work[i].all));
      if (round < 0) continue;
      forward[i].push_back(one);
      all[i].push_back(three);
    }
    double flops = 0;
    if (settings.threads > 1) measure::let_others_rest();
    const double time = settings.of(fma_call(active_isa(), settings.seconds / 4, flops));
    peaks.push_back(flops / time * 1e-9);
  }
  Result result;
  for (int i = 0; i < kCandidates; ++i) {
    if (!work[i].forward) continue;
    result.forward[i] = measure::median(forward[i]);
    result.all[i] = measure::median(all[i]);
  }
  result.peak = measure::median(peaks);
  return result;
}

double best(const double (&times)[kCandidates]) {
  double result = 0;
  for (int i = kGraft + 1; i < kCandidates; ++i) {
    if (times[i] > 0 && (result == 0 || times[i] < result)) result = times[i];
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  if (argc < 6) return 2;
  settings.threads = std::atoi(argv[1]);
  settings.rounds = std::atoi(argv[2]);
  settings.seconds = std::atof(argv[3]);
  settings.cpu = settings.threads == 1 && std::strcmp(argv[4], "cpu") == 0;
  graft::set_num_threads(settings.threads);
#if GRAFT_HAS_TORCH
  at::set_num_threads(settings.threads);
#endif
  const std::string threads = settings.threads == 1 ? "1 thread" : std::to_string(settings.threads) + " threads";
  measure::Ratios winograd;  // 3 x 3, stride 1
  for (int file = 5; file < argc; ++file) {
    measure::Ratios forward, all;
    double time = 0, torch_time = 0;
    std::string network;
    for (const ConvShape& shape : read_conv_shapes(argv[file])) {
      const Result r = measure_shape(shape, settings);
      const double speed = shape.flops() / r.forward[kGraft] * 1e-9,
                   speed_all = 3 * shape.flops() / r.all[kGraft] * 1e-9;
      const double torch = best(r.forward), torch_all = best(r.all);
      network = shape.network;
      std::printf("detail | %s | %s %s | %.0f / %.0f |", threads.c_str(), shape.network.c_str(), shape.layer.c_str(),
                  speed, speed_all);
      if (torch > 0) {
        forward.add(torch / r.forward[kGraft]);
        all.add(torch_all / r.all[kGraft]);
        time += r.all[kGraft];
        torch_time += torch_all;
        if (!shape.depthwise && shape.kernel_height == 3 && shape.kernel_width == 3 && shape.stride == 1) {
          winograd.add(torch / r.forward[kGraft]);
        }
        std::printf(" %.0f / %.0f | %.2f / %.2f |", shape.flops() / torch * 1e-9, 3 * shape.flops() / torch_all * 1e-9,
                    torch / r.forward[kGraft], torch_all / r.all[kGraft]);
      } else {
        std::printf(" – | – |");
      }
      std::printf(" %.0f |\n", r.peak);
      std::fflush(stdout);
    }
    const char* target = settings.threads == 1 ? "≥ 1, none below 0.8" : "–";
    if (forward.count == 0) {
      std::printf(
          "summary | Convolutions of %s, %s | – | LibTorch is not installed: apt install libtorch-dev | – | %s |\n",
          network.c_str(), threads.c_str(), target);
      continue;
    }
    std::printf("summary | Convolutions of %s, forward, %s | – | LibTorch | %s | %s |\n", network.c_str(),
                threads.c_str(), forward.text().c_str(), target);
    std::printf("summary | the same, forward and backward | %.0f ms | LibTorch %.0f ms | %s | %s |\n", 1e3 * time,
                1e3 * torch_time, all.text().c_str(), target);
  }
  if (winograd.count > 0) {
    std::printf("summary | All 3 × 3 convolutions of stride 1, forward, %s | – | LibTorch | %s | %s |\n",
                threads.c_str(), winograd.text().c_str(), settings.threads == 1 ? "≥ 1.3" : "–");
  }
  return 0;
}
