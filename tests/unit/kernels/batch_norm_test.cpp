#include "graft/kernels/batch_norm.hpp"

#include <vector>

#include "kernel_test_support.hpp"
#include "support/catch.hpp"

using namespace graft;
using namespace graft::kernels;
using namespace graft::testing;

namespace {

struct Result {
  std::vector<float> mean, variance, y, dx, dgamma, dbeta;
};

struct Problem {
  BatchNormDesc desc;
  std::vector<float> x, dy, gamma, beta, start;

  Problem(Index outer, Index channels, Index inner, std::uint32_t seed)
      : desc{outer, channels, inner, 1e-3},
        x(numbers(outer * channels * inner, seed, 1.0f, 4.0f)),
        dy(numbers(outer * channels * inner, seed + 1)),
        gamma(numbers(channels, seed + 2, 0.5f, 1.5f)),
        beta(numbers(channels, seed + 3)),
        start(numbers(outer * channels * inner, seed + 4)) {}

  Result run(bool reference_path, bool batch_statistics, bool accumulate, bool affine) const {
    Result r;
    const std::size_t channels = gamma.size();
    r.mean.resize(channels);
    r.variance.resize(channels);
    r.y.resize(x.size());
    r.dx = start;
    r.dgamma.resize(channels);
    r.dbeta.resize(channels);
    const float* scale = affine ? gamma.data() : nullptr;
    const float* shift = affine ? beta.data() : nullptr;
    const auto statistics = reference_path ? &reference::batch_norm_statistics<float> : &batch_norm_statistics<float>;
    const auto forward = reference_path ? &reference::batch_norm_forward<float> : &batch_norm_forward<float>;
    const auto backward = reference_path ? &reference::batch_norm_backward<float> : &batch_norm_backward<float>;
    statistics(desc, x.data(), r.mean.data(), r.variance.data());
    forward(desc, x.data(), r.mean.data(), r.variance.data(), scale, shift, r.y.data());
    backward(desc, x.data(), dy.data(), r.mean.data(), r.variance.data(), scale, batch_statistics, r.dx.data(),
             r.dgamma.data(), r.dbeta.data(), accumulate);
    return r;
  }
};

}  // namespace

TEST_CASE("batch normalization equals the reference, channels last and first", "[kernels][batch_norm]") {
  for (const Isa isa : vector_isas()) {
    const Setting setting(isa, 1);
    for (const Index channels : {Index{1}, Index{3}, Index{16}, Index{17}, Index{33}, Index{65}, Index{515}}) {
      for (const Index inner : {Index{1}, Index{2}, Index{9}, Index{49}}) {
        for (const Index outer : {Index{1}, Index{5}, Index{32}, Index{700}}) {
          if ((outer == 700 || channels == 515) && inner > 1) continue;
          const Problem problem(outer, channels, inner, static_cast<std::uint32_t>(channels * inner + outer));
          const bool batch = (channels + inner) % 2 == 0, accumulate = outer == 5, affine = channels != 17;
          const Result expected = problem.run(true, batch, accumulate, affine);
          const Result actual = problem.run(false, batch, accumulate, affine);
          INFO(name(isa) << " " << outer << " x " << channels << " x " << inner);
          CHECK(distance(actual.mean, expected.mean) < 1e-6);
          CHECK(distance(actual.variance, expected.variance) < 1e-5);
          CHECK(distance(actual.y, expected.y) < 2e-5);
          CHECK(distance(actual.dgamma, expected.dgamma) < 2e-5);
          CHECK(distance(actual.dbeta, expected.dbeta) < 2e-5);
          CHECK(distance(actual.dx, expected.dx) < 5e-5);
        }
      }
    }
  }
}

TEST_CASE("the variance of values far from zero is accurate", "[kernels][batch_norm]") {
  for (const Isa isa : vector_isas()) {
    const Setting setting(isa, 1);
    const BatchNormDesc desc{4096, 1, 1, 1e-3};
    std::vector<float> x(4096);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = i % 2 == 0 ? 10001.0f : 9999.0f;
    float mean = 0.0f, variance = 0.0f;
    batch_norm_statistics<float>(desc, x.data(), &mean, &variance);
    CHECK(mean == Approx(10000.0f));
    CHECK(variance == Approx(1.0f).epsilon(1e-4));
  }
}

TEST_CASE("batch normalization gradients agree with differences in double", "[kernels][batch_norm]") {
  const BatchNormDesc desc{3, 2, 2, 1e-3};
  std::vector<double> x = {0.1, 1.2, -0.4, 0.8, 2.0, -1.1, 0.3, 0.9, -0.7, 0.5, 1.4, -0.2}, dy(12);
  std::vector<double> gamma = {0.7, 1.3}, beta = {0.2, -0.1};
  for (std::size_t i = 0; i < 12; ++i) dy[i] = 0.3 * static_cast<double>(i % 5) - 0.4;
  for (const bool batch : {true, false}) {
    const std::vector<double> fixed_mean = {0.3, -0.2}, fixed_variance = {0.8, 1.5};
    const auto loss = [&] {
      std::vector<double> mean = fixed_mean, variance = fixed_variance, y(12);
      if (batch) batch_norm_statistics<double>(desc, x.data(), mean.data(), variance.data());
      batch_norm_forward<double>(desc, x.data(), mean.data(), variance.data(), gamma.data(), beta.data(), y.data());
      double total = 0.0;
      for (std::size_t i = 0; i < 12; ++i) total += dy[i] * y[i];
      return total;
    };
    std::vector<double> mean = fixed_mean, variance = fixed_variance, dx(12), dgamma(2), dbeta(2);
    if (batch) batch_norm_statistics<double>(desc, x.data(), mean.data(), variance.data());
    batch_norm_backward<double>(desc, x.data(), dy.data(), mean.data(), variance.data(), gamma.data(), batch, dx.data(),
                                dgamma.data(), dbeta.data());
    const auto slope = [&](double& value) {
      const double kept = value;
      value = kept + 1e-5;
      const double up = loss();
      value = kept - 1e-5;
      const double down = loss();
      value = kept;
      return (up - down) / 2e-5;
    };
    for (std::size_t i = 0; i < 12; ++i) CHECK(dx[i] == Approx(slope(x[i])).margin(1e-8));
    for (std::size_t c = 0; c < 2; ++c) {
      CHECK(dgamma[c] == Approx(slope(gamma[c])).margin(1e-8));
      CHECK(dbeta[c] == Approx(slope(beta[c])).margin(1e-8));
    }
  }
}

TEST_CASE("batch normalization leaves out what is not needed", "[kernels][batch_norm]") {
  for (const Isa isa : {Isa::reference, Isa::portable, Isa::avx2, Isa::avx512}) {
    if (isa > detected_isa()) continue;
    const Setting setting(isa, 1);
    for (const Index inner : {Index{1}, Index{6}}) {
      const Problem problem(8, 5, inner, 3);
      const Result all = problem.run(false, false, false, true);
      std::vector<float> dx = problem.dy, dbeta(5);
      // Frozen: without x, in place.
      batch_norm_backward<float>(problem.desc, nullptr, dx.data(), all.mean.data(), all.variance.data(),
                                 problem.gamma.data(), false, dx.data(), nullptr, dbeta.data());
      CHECK(distance(dx, all.dx) < 1e-6);
      CHECK(distance(dbeta, all.dbeta) < 1e-6);
    }
  }
}

TEST_CASE("batch normalization is bitwise the same for any number of threads", "[kernels][batch_norm]") {
  for (const Isa isa : vector_isas()) {
    for (const bool last : {true, false}) {
      const Problem problem(last ? 6000 : 12, 33, last ? 1 : 500, 4);
      Result one;
      {
        const Setting setting(isa, 1);
        one = problem.run(false, true, true, true);
      }
      for (const int threads : {2, 3}) {
        const Setting setting(isa, threads);
        const Result many = problem.run(false, true, true, true);
        CHECK(same_bits(one.mean, many.mean));
        CHECK(same_bits(one.variance, many.variance));
        CHECK(same_bits(one.y, many.y));
        CHECK(same_bits(one.dx, many.dx));
        CHECK(same_bits(one.dgamma, many.dgamma));
        CHECK(same_bits(one.dbeta, many.dbeta));
      }
    }
  }
}
