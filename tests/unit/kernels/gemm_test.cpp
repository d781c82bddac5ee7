#include "graft/kernels/gemm.hpp"
#include "graft/kernels/optimizer_update.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "kernel_test_support.hpp"
#include "support/catch.hpp"

using namespace graft;
using namespace graft::kernels;
using namespace graft::testing;

namespace {

struct Problem {
  GemmDesc desc;
  std::vector<float> a, b, c, bias;
  bool with_bias = false;

  explicit Problem(const GemmDesc& d, bool bias_too, std::uint32_t seed) : desc(d), with_bias(bias_too) {
    const Index a_rows = d.trans_a == Transpose::yes ? d.k : d.m, b_rows = d.trans_b == Transpose::yes ? d.n : d.k;
    a = numbers(std::max<Index>(1, a_rows * d.a_stride()), seed);
    b = numbers(std::max<Index>(1, b_rows * d.b_stride()), seed + 1);
    c = numbers(d.m * d.c_stride(), seed + 2);
    bias = numbers(d.n, seed + 3);
  }
  GemmArgs<float> args(std::vector<float>& result) const {
    return {a.data(), b.data(), result.data(), with_bias ? bias.data() : nullptr};
  }
  std::vector<float> expected() const {
    std::vector<float> result = c;
    reference::gemm<float>(desc, args(result));
    return result;
  }
  std::vector<float> actual(Isa isa, int threads) const {
    const Setting setting(isa, threads);
    std::vector<float> result = c;
    gemm<float>(desc, args(result));
    return result;
  }
};

GemmDesc describe(Index m, Index n, Index k, int transposes) {
  GemmDesc desc;
  desc.m = m;
  desc.n = n;
  desc.k = k;
  desc.trans_a = (transposes & 1) != 0 ? Transpose::yes : Transpose::no;
  desc.trans_b = (transposes & 2) != 0 ? Transpose::yes : Transpose::no;
  return desc;
}

std::string case_of(const Problem& p, Isa isa) {
  return std::string(name(isa)) + " " + std::to_string(p.desc.m) + "x" + std::to_string(p.desc.n) + "x" +
         std::to_string(p.desc.k) + " trans " + std::to_string(static_cast<int>(p.desc.trans_a)) +
         std::to_string(static_cast<int>(p.desc.trans_b));
}

constexpr ActivationKind kFused[] = {ActivationKind::linear, ActivationKind::relu,    ActivationKind::elu,
                                     ActivationKind::selu,   ActivationKind::sigmoid, ActivationKind::tanh};

}  // namespace

TEST_CASE("gemm equals the reference for odd sizes, transposes, strides and epilogues", "[kernels][gemm]") {
  std::uint32_t seed = 1;
  double worst = 0.0;
  std::string where;
  for (const Index m : kOddSizes) {
    for (const Index n : kOddSizes) {
      // Every second size of k for each (m, n): all are met, and the test stays short.
      for (Index q = (m + n) % 2; q < 10; q += 2) {
        constexpr Index kDepths[] = {0, 1, 2, 3, 5, 8, 17, 33, 64, 100};
        GemmDesc desc = describe(m, n, kDepths[q], static_cast<int>(seed % 4));
        desc.accumulate = seed / 4 % 2 == 1;
        desc.activation = ActivationParams::of(kFused[seed % 6]);
        desc.alpha = seed % 7 < 3 ? 1.0f : -0.3f;
        if (seed / 3 % 2 == 1) {  // rows further apart than they are wide
          desc.lda = (desc.trans_a == Transpose::yes ? m : desc.k) + 3;
          desc.ldb = (desc.trans_b == Transpose::yes ? desc.k : n) + 5;
          desc.ldc = n + 2;
        }
        const Problem problem(desc, seed % 5 < 3, seed);
        ++seed;
        const std::vector<float> expected = problem.expected();
        for (const Isa isa : vector_isas()) {
          const double d = distance(problem.actual(isa, 1), expected);
          if (!(d <= worst)) {
            worst = d;
            where = case_of(problem, isa);
          }
        }
      }
    }
  }
  INFO(where);
  CHECK(worst < 1e-5);
}

TEST_CASE("gemm over several blocks equals the reference, and itself for 1, 2 and 3 threads", "[kernels][gemm]") {
  // Blocks of k and of columns, strides at powers of two, packed and direct operands.
  struct Size {
    Index m, n, k;
  };
  for (const Size s : {Size{70, 130, 800}, Size{256, 256, 512}, Size{33, 700, 400}, Size{600, 17, 900},
                       Size{200, 64, 600}, Size{5, 512, 1000}, Size{100, 1000, 40}}) {
    for (int transposes = 0; transposes < 4; ++transposes) {
      GemmDesc desc = describe(s.m, s.n, s.k, transposes);
      desc.accumulate = transposes % 2 == 1;
      desc.activation = ActivationParams::of(kFused[static_cast<std::size_t>(transposes)]);
      const Problem problem(desc, true, static_cast<std::uint32_t>(s.m + transposes));
      const std::vector<float> expected = problem.expected();
      for (const Isa isa : vector_isas()) {
        INFO(case_of(problem, isa));
        const std::vector<float> one = problem.actual(isa, 1);
        CHECK(distance(one, expected) < 4e-5);  // of sums of up to 1000 floats
        CHECK(same_bits(problem.actual(isa, 2), one));
        CHECK(same_bits(problem.actual(isa, 3), one));
      }
    }
  }
}

TEST_CASE("gemm lets NaN and infinity through, and writes nothing outside C", "[kernels][gemm]") {
  for (const Isa isa : vector_isas()) {
    for (const ActivationKind kind : kFused) {
      GemmDesc desc = describe(9, 19, 21, 0);
      desc.ldc = 23;
      desc.activation = ActivationParams::of(kind);
      Problem problem(desc, false, 7);
      problem.a[2 * 21 + 4] = std::numeric_limits<float>::quiet_NaN();
      problem.a[5 * 21 + 6] = std::numeric_limits<float>::infinity();
      const std::vector<float> result = problem.actual(isa, 1);
      INFO(name(isa) << " activation " << static_cast<int>(kind));
      CHECK(distance(result, problem.expected()) < 2e-6);
      for (Index j = 0; j < 19; ++j) CHECK(std::isnan(result[static_cast<std::size_t>(2 * 23 + j)]));
      for (Index i = 0; i < 9; ++i) {
        for (Index j = 19; j < 23; ++j) {
          const std::size_t at = static_cast<std::size_t>(i * 23 + j);
          CHECK(result[at] == problem.c[at]);
        }
      }
    }
  }
}

TEST_CASE("gemm does not read C unless it accumulates", "[kernels][gemm]") {
  for (const Isa isa : vector_isas()) {
    for (const Index k : {Index{0}, Index{30}, Index{900}}) {
      Problem problem(describe(20, 70, k, 0), true, 3);
      const std::vector<float> expected = problem.expected();
      std::fill(problem.c.begin(), problem.c.end(), std::numeric_limits<float>::quiet_NaN());
      CHECK(distance(problem.actual(isa, 1), expected) < 4e-5);
    }
  }
}

TEST_CASE("gemm with alpha and accumulate is, bit for bit, a step of SGD with the gradient", "[kernels][gemm]") {
  for (const Isa isa : vector_isas()) {
    if (isa == Isa::portable) continue;  // without fused multiply-adds it rounds where the update does not
    GemmDesc desc = describe(85, 100, 32, 1);
    const Problem problem(desc, false, 11);
    std::vector<float> fused = problem.c, separate = problem.c;
    const Setting setting(isa, 1);
    const std::vector<float> gradient = problem.actual(isa, 1);
    sgd_update(SgdParams{.learning_rate = 0.01}, static_cast<Index>(separate.size()), gradient.data(), separate.data(),
               static_cast<float*>(nullptr));
    desc.accumulate = true;
    desc.alpha = -0.01f;
    gemm<float>(desc, problem.args(fused));
    INFO(name(isa));
    CHECK(same_bits(fused, separate));
  }
}

TEST_CASE("gemm in double is the reference", "[kernels][gemm]") {
  const GemmDesc desc = describe(3, 2, 4, 2);
  const std::vector<double> a = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, b = {1, 0, -1, 2, 0.5, 1, 1, 0};
  std::vector<double> c(6);
  gemm<double>(desc, {a.data(), b.data(), c.data(), nullptr});
  CHECK(c == std::vector<double>{6, 5.5, 14, 15.5, 22, 25.5});
}

TEST_CASE("the dispatch list ends with the reference and honours the instruction set", "[kernels][gemm]") {
  const GemmDesc desc = describe(8, 8, 8, 0);
  CHECK(std::string(choose(kGemmKernels, desc, Isa::reference).name) == "reference");
  CHECK(std::string(choose(kGemmKernels, desc, Isa::portable).name) == "packed_portable");
  for (const Isa isa : vector_isas()) CHECK(choose(kGemmKernels, desc, isa).isa <= isa);
}
