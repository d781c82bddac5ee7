#include "graft/kernels/softmax.hpp"

#include <limits>
#include <vector>

#include "kernel_test_support.hpp"
#include "support/catch.hpp"

using namespace graft;
using namespace graft::kernels;
using namespace graft::testing;

namespace {

std::vector<double> widen(const std::vector<float>& x) { return {x.begin(), x.end()}; }
std::vector<float> narrow(const std::vector<double>& x) {
  std::vector<float> result;
  for (const double value : x) result.push_back(static_cast<float>(value));
  return result;
}

}  // namespace

TEST_CASE("softmax and log_softmax equal double arithmetic", "[kernels][softmax]") {
  for (const Isa isa : vector_isas()) {
    const Setting setting(isa, 1);
    for (const Index cols : kOddSizes) {
      const Index rows = 7, n = rows * cols;
      // All far from zero: a tail filled with zeros would show.
      const std::vector<float> x = numbers(n, static_cast<std::uint32_t>(cols), -60.0f, -40.0f);
      const std::vector<float> dy = numbers(n, static_cast<std::uint32_t>(cols + 1));
      const std::vector<float> start = numbers(n, static_cast<std::uint32_t>(cols + 2));
      std::vector<double> exact(x.size()), exact_dx(x.size());
      std::vector<float> y(x.size()), dx = start, expected(x.size());
      INFO(name(isa) << " cols " << cols);

      reference::softmax_forward<double>(rows, cols, widen(x).data(), exact.data());
      softmax_forward<float>(rows, cols, x.data(), y.data());
      CHECK(distance(y, narrow(exact)) < 1e-6);
      exact_dx = widen(start);
      reference::softmax_backward<double>(rows, cols, exact.data(), widen(dy).data(), exact_dx.data(), true);
      softmax_backward<float>(rows, cols, y.data(), dy.data(), dx.data(), true);
      CHECK(distance(dx, narrow(exact_dx)) < 1e-6);

      reference::log_softmax_forward<double>(rows, cols, widen(x).data(), exact.data());
      y = x;
      log_softmax_forward<float>(rows, cols, y.data(), y.data());
      CHECK(distance(y, narrow(exact)) < 1e-6);
      reference::log_softmax_backward<double>(rows, cols, exact.data(), widen(dy).data(), exact_dx.data(), false);
      dx = dy;
      log_softmax_backward<float>(rows, cols, y.data(), dx.data(), dx.data());
      CHECK(distance(dx, narrow(exact_dx)) < 5e-6);
    }
  }
}

TEST_CASE("softmax gradients agree with differences in double", "[kernels][softmax]") {
  const std::vector<double> x = {0.3, -1.2, 2.0, 0.7, 0.1}, dy = {1.0, -0.5, 0.25, 2.0, -1.0};
  std::vector<double> y(5), dx(5), plus(5), minus(5);
  for (const bool log : {false, true}) {
    const auto forward = log ? &log_softmax_forward<double> : &softmax_forward<double>;
    forward(1, 5, x.data(), y.data());
    (log ? &log_softmax_backward<double> : &softmax_backward<double>)(1, 5, y.data(), dy.data(), dx.data(), false);
    for (std::size_t i = 0; i < 5; ++i) {
      std::vector<double> up = x, down = x;
      up[i] += 1e-6;
      down[i] -= 1e-6;
      forward(1, 5, up.data(), plus.data());
      forward(1, 5, down.data(), minus.data());
      double slope = 0.0;
      for (std::size_t j = 0; j < 5; ++j) slope += dy[j] * (plus[j] - minus[j]) / 2e-6;
      CHECK(dx[i] == Approx(slope).margin(1e-8));
    }
  }
}

TEST_CASE("softmax of large, infinite and NaN values", "[kernels][softmax]") {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (const Isa isa : {Isa::reference, Isa::portable, Isa::avx2, Isa::avx512}) {
    if (isa > detected_isa()) continue;
    const Setting setting(isa, 1);
    INFO(name(isa));
    const std::vector<float> x = {1e30f, 1e30f, -1e30f, -infinity, 1.0f, 2.0f, 1.0f, nan, 3.0f};
    std::vector<float> y(9);
    softmax_forward<float>(3, 3, x.data(), y.data());
    CHECK(distance({y.begin(), y.begin() + 6}, {0.5f, 0.5f, 0.0f, 0.0f, 0.26894142f, 0.73105858f}) < 1e-6);
    for (std::size_t i = 6; i < 9; ++i) CHECK(std::isnan(y[i]));
  }
}

TEST_CASE("softmax is bitwise the same for any number of threads", "[kernels][softmax]") {
  const Index rows = 5000, cols = 13;
  const std::vector<float> x = numbers(rows * cols, 1, -5.0f, 5.0f);
  for (const Isa isa : vector_isas()) {
    std::vector<float> one(x.size()), three(x.size());
    {
      const Setting setting(isa, 1);
      softmax_forward<float>(rows, cols, x.data(), one.data());
    }
    const Setting setting(isa, 3);
    softmax_forward<float>(rows, cols, x.data(), three.data());
    CHECK(same_bits(one, three));
  }
}
