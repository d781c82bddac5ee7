// gemm THREADS ROUNDS SECONDS CLOCK
//
// C = A B over a list of sizes: graft, the same on AVX2, oneDNN's sgemm and Eigen, with and without -march=native, take
// turns for SECONDS each, ROUNDS times, with the processor's peak measured in between; medians. CLOCK is wall or cpu.
// Prints lines of benchmarks/compare: "summary | …" and "detail | …".

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>

#include "eigen_product.hpp"
#include "fma_peak.hpp"
#include "graft/kernels/gemm.hpp"
#include "ratios.hpp"
#if GRAFT_HAS_DNNL
#include <dnnl.h>
#endif

namespace {

using graft::Index;
using namespace graft::kernels;

struct Size {
  Index m, n, k;
  double flops() const { return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k); }
  // What the target for AVX2 speaks of: enough work to hide what surrounds the products.
  bool large() const { return flops() >= 2e8; }
};

constexpr Size kSizes[] = {{256, 256, 256},   {512, 512, 512},   {1024, 1024, 1024}, {2048, 2048, 2048},
                           {32, 300, 784},    {32, 100, 300},    {128, 1024, 1024},  {25088, 64, 576},
                           {6272, 128, 1152}, {1568, 256, 2304}, {25088, 256, 64}};

enum Candidate { kGraft, kAvx2, kDnnl, kEigenPlain, kEigenNative, kCandidates };

struct Settings {
  int threads = 1, rounds = 9;
  double seconds = 0.02;
  bool cpu = false;
  double of(const measure::Time& time) const { return cpu ? time.cpu : time.wall; }
};

/// GFLOP/s of each candidate, 0 for one that is not there, and of both peaks.
struct Result {
  double speed[kCandidates] = {};
  double peak = 0, avx2_peak = 0;
};

void run_graft(const Size& size, Isa isa, const float* a, const float* b, float* c) {
  GemmDesc desc;
  desc.m = size.m, desc.n = size.n, desc.k = size.k;
  choose(kGemmKernels, desc, isa).run(desc, {a, b, c, nullptr});
}

Result measure_size(const Size& size, const Settings& settings) {
  const std::vector<float> a = measure::numbers(size.m * size.k, 1), b = measure::numbers(size.k * size.n, 2);
  std::vector<float> c(static_cast<std::size_t>(size.m * size.n));
  std::function<void()> work[kCandidates];
  work[kGraft] = [&] { run_graft(size, active_isa(), a.data(), b.data(), c.data()); };
  if (detected_isa() > Isa::avx2) work[kAvx2] = [&] { run_graft(size, Isa::avx2, a.data(), b.data(), c.data()); };
#if GRAFT_HAS_DNNL
  work[kDnnl] = [&] {
    if (dnnl_sgemm('N', 'N', size.m, size.n, size.k, 1.0f, a.data(), size.k, b.data(), size.n, 0.0f, c.data(),
                   size.n) != dnnl_success) {
      std::fputs("dnnl_sgemm failed\n", stderr);
      std::exit(1);
    }
  };
#endif
  work[kEigenPlain] = [&] { eigen_product_plain(size.m, size.n, size.k, a.data(), b.data(), c.data()); };
  work[kEigenNative] = [&] { eigen_product_native(size.m, size.n, size.k, a.data(), b.data(), c.data()); };

  for (const auto& call : work) {
    if (call) call();  // not counted: packing buffers, code generation, threads
  }
  std::vector<double> speeds[kCandidates], peaks, avx2_peaks;
  for (int round = 0; round < settings.rounds; ++round) {
    for (int i = 0; i < kCandidates; ++i) {
      if (!work[i]) continue;
      speeds[i].push_back(size.flops() / settings.of(measure::of_a_call(settings.seconds, work[i])) * 1e-9);
    }
    double flops = 0;
    const double time = settings.of(fma_call(active_isa(), settings.seconds / 4, flops));
    peaks.push_back(flops / time * 1e-9);
    const double avx2_time = settings.of(fma_call(Isa::avx2, settings.seconds / 4, flops));
    avx2_peaks.push_back(flops / avx2_time * 1e-9);
  }
  Result result;
  for (int i = 0; i < kCandidates; ++i) result.speed[i] = work[i] ? measure::median(speeds[i]) : 0;
  result.peak = measure::median(peaks);
  result.avx2_peak = measure::median(avx2_peaks);
  return result;
}

std::string threads_text(int threads) { return threads == 1 ? "1 thread" : std::to_string(threads) + " threads"; }

void print_cell(double speed) {
  if (speed > 0) std::printf(" %.0f |", speed);
  else std::printf(" – |");
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  if (argc > 1) settings.threads = std::atoi(argv[1]);
  if (argc > 2) settings.rounds = std::atoi(argv[2]);
  if (argc > 3) settings.seconds = std::atof(argv[3]);
  // What all threads of a process use together says nothing of how long they took.
  if (argc > 4) settings.cpu = settings.threads == 1 && std::strcmp(argv[4], "cpu") == 0;
  graft::set_num_threads(settings.threads);

  measure::Ratios dnnl, plain, native, avx2;
  double speed_sum = 0, speed_logs = 0, avx2_logs = 0;
  for (const Size& size : kSizes) {
    const Result r = measure_size(size, settings);
    const double speed = r.speed[kGraft];
    speed_sum += 1;
    speed_logs += std::log(speed);
    if (r.speed[kDnnl] > 0) dnnl.add(speed / r.speed[kDnnl]);
    plain.add(speed / r.speed[kEigenPlain]);
    native.add(speed / r.speed[kEigenNative]);
    if (size.large() && r.speed[kAvx2] > 0) {
      avx2.add(r.speed[kAvx2] / r.avx2_peak);
      avx2_logs += std::log(r.speed[kAvx2]);
    }
    std::printf("detail | %s | %lld × %lld × %lld | %.0f |", threads_text(settings.threads).c_str(),
                static_cast<long long>(size.m), static_cast<long long>(size.n), static_cast<long long>(size.k), speed);
    for (const Candidate other : {kDnnl, kEigenNative, kEigenPlain, kAvx2}) print_cell(r.speed[other]);
    if (r.speed[kDnnl] > 0) std::printf(" %.2f |", speed / r.speed[kDnnl]);
    else std::printf(" – |");
    std::printf(" %.0f %% of %.0f |\n", 100 * speed / r.peak, r.peak);
    std::fflush(stdout);
  }

  const double mean = std::exp(speed_logs / speed_sum);
  const std::string what = "GEMM, " + std::to_string(std::size(kSizes)) + " sizes, " + threads_text(settings.threads);
  const auto row = [&](const char* peer, const measure::Ratios& ratios, const char* target) {
    std::printf("summary | %s | %.0f GFLOP/s | %s %.0f GFLOP/s | %.2f × (%.2f to %.2f) | %s |\n", what.c_str(), mean,
                peer, mean / ratios.mean(), ratios.mean(), ratios.least, ratios.most,
                settings.threads == 1 ? target : "–");
  };
  if (dnnl.count > 0) row("oneDNN sgemm", dnnl, "≥ 0.95, none below 0.8");
  else
    std::printf("summary | %s | %.0f GFLOP/s | oneDNN is not installed: apt install libdnnl-dev | – | ≥ 0.95 |\n",
                what.c_str(), mean);
  row("Eigen `-march=native`", native, "–");
  row("Eigen plain `-O2`", plain, "–");
  if (avx2.count > 0) {
    const double speed = std::exp(avx2_logs / avx2.count);
    std::printf(
        "summary | GEMM, %d large sizes, `GRAFT_ISA=avx2`, %s | %.0f GFLOP/s | AVX2's peak %.0f GFLOP/s | "
        "%.2f × (%.2f to %.2f) | %s |\n",
        avx2.count, threads_text(settings.threads).c_str(), speed, speed / avx2.mean(), avx2.mean(), avx2.least,
        avx2.most, settings.threads == 1 ? "≥ 0.9" : "–");
  }
  return 0;
}
