// GFLOP/s of graft::kernels::gemm over the products of a dense net and of convolutions as matrix products.
// GRAFT_ISA forces an instruction set, GRAFT_NUM_THREADS (default here: 1) the number of threads.

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <vector>

#include "graft/kernels/gemm.hpp"

namespace {

using graft::Index;
using graft::kernels::GemmArgs;
using graft::kernels::GemmDesc;
using graft::kernels::Transpose;

struct Shape {
  const char* name;
  Index m, n, k;
  bool trans_a, trans_b;
};

constexpr Shape kShapes[] = {
    // Flatten-300-100-10 on 28 x 28 pictures: forward, weight gradient, data gradient.
    {"dense_784_300/forward/32", 32, 300, 784, false, false},
    {"dense_300_100/forward/32", 32, 100, 300, false, false},
    {"dense_100_10/forward/32", 32, 10, 100, false, false},
    {"dense_784_300/weights/32", 784, 300, 32, true, false},
    {"dense_300_100/weights/32", 300, 100, 32, true, false},
    {"dense_100_10/weights/32", 100, 10, 32, true, false},
    {"dense_300_100/data/32", 32, 300, 100, false, true},
    {"dense_100_10/data/32", 32, 100, 10, false, true},
    {"dense_784_300/forward/128", 128, 300, 784, false, false},
    {"dense_300_100/forward/128", 128, 100, 300, false, false},
    {"dense_100_10/forward/128", 128, 10, 100, false, false},
    {"dense_784_300/weights/128", 784, 300, 128, true, false},
    {"dense_300_100/weights/128", 300, 100, 128, true, false},
    {"dense_100_10/weights/128", 100, 10, 128, true, false},
    {"dense_300_100/data/128", 128, 300, 100, false, true},
    {"dense_100_10/data/128", 128, 100, 10, false, true},
    // Squares, and ResNet-50's convolutions at batch 8 as products.
    {"square/256", 256, 256, 256, false, false},
    {"square/512", 512, 512, 512, false, false},
    {"square/1024", 1024, 1024, 1024, false, false},
    {"square/2048", 2048, 2048, 2048, false, false},
    {"128x1024x1024", 128, 1024, 1024, false, false},
    {"conv3x3_56_64", 25088, 64, 576, false, false},
    {"conv3x3_28_128", 6272, 128, 1152, false, false},
    {"conv3x3_14_256", 1568, 256, 2304, false, false},
    {"conv1x1_56_64_256", 25088, 256, 64, false, false},
};

std::vector<float> numbers(Index count) {
  std::vector<float> result(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = static_cast<float>(i * 37 % 1000) * 0.002f - 1.0f;
  return result;
}

void gemm(benchmark::State& state, const Shape& shape) {
  GemmDesc desc;
  desc.m = shape.m;
  desc.n = shape.n;
  desc.k = shape.k;
  desc.trans_a = shape.trans_a ? Transpose::yes : Transpose::no;
  desc.trans_b = shape.trans_b ? Transpose::yes : Transpose::no;
  const std::vector<float> a = numbers(shape.m * shape.k), b = numbers(shape.k * shape.n);
  std::vector<float> c(static_cast<std::size_t>(shape.m * shape.n));
  const GemmArgs<float> args{a.data(), b.data(), c.data(), nullptr};
  const auto run = graft::kernels::choose_gemm<float>(desc);
  for (auto _ : state) {
    run(desc, args);
    benchmark::ClobberMemory();
  }
  const double flops = 2.0 * static_cast<double>(shape.m) * static_cast<double>(shape.n) * static_cast<double>(shape.k);
  state.counters["GFLOP/s"] =
      benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000);
}

}  // namespace

int main(int argc, char** argv) {
  if (std::getenv("GRAFT_NUM_THREADS") == nullptr) graft::set_num_threads(1);
  benchmark::AddCustomContext("isa", graft::kernels::name(graft::kernels::active_isa()));
  for (const Shape& shape : kShapes) {
    benchmark::RegisterBenchmark(shape.name, [&shape](benchmark::State& state) { gemm(state, shape); })
        ->Unit(benchmark::kMicrosecond)
        ->UseRealTime();
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
