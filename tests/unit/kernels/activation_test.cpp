#include "graft/kernels/activation.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernel_test_support.hpp"
#include "support/catch.hpp"

using namespace graft;
using namespace graft::kernels;
using namespace graft::testing;

namespace {

std::vector<ActivationParams> all_activations() {
  std::vector<ActivationParams> result;
  for (int kind = 0; kind <= static_cast<int>(ActivationKind::sparse_sigmoid); ++kind) {
    result.push_back(ActivationParams::of(static_cast<ActivationKind>(kind)));
  }
  ActivationParams relu = ActivationParams::of(ActivationKind::relu);
  relu.alpha = 0.1;
  relu.max_value = 2.0;
  relu.threshold = 0.5;
  result.push_back(relu);
  relu.threshold = -0.5;
  relu.alpha = -0.2;
  result.push_back(relu);
  ActivationParams other = ActivationParams::of(ActivationKind::leaky_relu);
  other.alpha = -0.3;
  result.push_back(other);
  other = ActivationParams::of(ActivationKind::elu);
  other.alpha = -0.5;
  result.push_back(other);
  other.alpha = 1.7;
  result.push_back(other);
  other = ActivationParams::of(ActivationKind::celu);
  other.alpha = 0.6;
  result.push_back(other);
  other = ActivationParams::of(ActivationKind::threshold);
  other.threshold = 0.3;
  other.value = -2.0;
  result.push_back(other);
  return result;
}

// Where a derivative does not exist.
bool near_kink(const ActivationParams& params, double x) {
  const double edges[] = {0,  -1, 1, -3, 3, 6, -2.5, 2.5, params.threshold, -params.threshold, params.max_value};
  for (const double edge : edges) {
    if (std::fabs(x - edge) < 1e-3) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("activation derivatives agree with differences in double", "[kernels][activation]") {
  for (const ActivationParams& params : all_activations()) {
    for (double x = -7.03; x < 8.0; x += 0.0917) {
      if (near_kink(params, x)) continue;
      const double h = 1e-5;
      const double slope = (reference::activate(params, x + h) - reference::activate(params, x - h)) / (2 * h);
      const double y = reference::activate(params, x), dy = 1.5;
      double dx = 0.25;
      // What is not needed must not be looked at.
      const BackwardNeeds needs = backward_needs(params);
      activation_backward<double>(params, 1, needs == BackwardNeeds::x ? &x : nullptr,
                                  needs == BackwardNeeds::y ? &y : nullptr, &dy, &dx, true);
      INFO("kind " << static_cast<int>(params.kind) << " x " << x);
      CHECK(dx == Approx(0.25 + 1.5 * slope).margin(1e-6));
    }
  }
}

TEST_CASE("activations on vectors equal double arithmetic", "[kernels][activation]") {
  for (const ActivationParams& params : all_activations()) {
    for (const Isa isa : vector_isas()) {
      for (const Index n : kOddSizes) {
        const std::vector<float> x = numbers(n, static_cast<std::uint32_t>(n), -9.0f, 9.0f);
        const std::vector<float> dy = numbers(n, static_cast<std::uint32_t>(n + 1));
        const std::vector<float> start = numbers(n, static_cast<std::uint32_t>(n + 2));
        std::vector<float> y(x.size()), expected(x.size()), dx = start, expected_dx(x.size()), overwritten = start;
        {
          const Setting setting(isa, 1);
          activation_forward<float>(params, n, x.data(), y.data());
          activation_backward<float>(params, n, x.data(), y.data(), dy.data(), dx.data(), true);
          activation_backward<float>(params, n, x.data(), y.data(), dy.data(), overwritten.data());
        }
        for (std::size_t i = 0; i < x.size(); ++i) {
          const double exact = reference::activate<double>(params, x[i]);
          expected[i] = static_cast<float>(exact);
          expected_dx[i] = static_cast<float>(start[i] + dy[i] * reference::derivative<double>(params, x[i], exact));
          overwritten[i] += start[i];
        }
        INFO(name(isa) << " kind " << static_cast<int>(params.kind) << " n " << n);
        CHECK(distance(y, expected) < 1e-6);
        CHECK(distance(dx, expected_dx) < 2e-6);
        CHECK(distance(overwritten, expected_dx) < 2e-6);
      }
    }
  }
}

TEST_CASE("activations in place, and in any number of threads, are bitwise the same", "[kernels][activation]") {
  const Index n = 200003;
  const std::vector<float> x = numbers(n, 5, -9.0f, 9.0f);
  for (const ActivationKind kind : {ActivationKind::relu, ActivationKind::tanh, ActivationKind::softplus,
                                    ActivationKind::gelu}) {
    const ActivationParams params = ActivationParams::of(kind);
    for (const Isa isa : vector_isas()) {
      std::vector<float> one(x.size()), three(x.size()), place = x;
      {
        const Setting setting(isa, 1);
        activation_forward<float>(params, n, x.data(), one.data());
      }
      const Setting setting(isa, 3);
      activation_forward<float>(params, n, x.data(), three.data());
      activation_forward<float>(params, n, place.data(), place.data());
      CHECK(same_bits(one, three));
      CHECK(same_bits(one, place));
    }
  }
}

TEST_CASE("vector exp and its relatives keep their stated error over all floats", "[kernels][activation]") {
  // Every 60,013th bit pattern: both signs, denormals, infinities and NaNs are among them.
  std::vector<float> x;
  for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << 32); bits += 60013) {
    const std::uint32_t word = static_cast<std::uint32_t>(bits);
    float value;
    std::memcpy(&value, &word, sizeof value);
    x.push_back(value);
  }
  for (const float edge : {88.72283f, 88.722839f, 88.8f, -87.33654f, -103.9720f, -103.97209f, -104.1f}) {
    x.push_back(edge);
  }
  const float infinity = std::numeric_limits<float>::infinity();
  x.insert(x.end(), {infinity, -infinity, std::numeric_limits<float>::quiet_NaN(), 0.0f, -0.0f});
  std::vector<float> y(x.size());
  struct Bound {
    ActivationKind kind;
    double ulps;
  };
  for (const Isa isa : vector_isas()) {
    const Setting setting(isa, 1);
    for (const Bound bound : {Bound{ActivationKind::relu, 0}, Bound{ActivationKind::relu6, 0},
                              Bound{ActivationKind::leaky_relu, 1}, Bound{ActivationKind::exponential, 1},
                              Bound{ActivationKind::elu, 1}, Bound{ActivationKind::selu, 2.5},
                              Bound{ActivationKind::sigmoid, 2.5}, Bound{ActivationKind::tanh, 2.5},
                              Bound{ActivationKind::softplus, 2.5}, Bound{ActivationKind::log_sigmoid, 2.5}}) {
      const ActivationParams params = ActivationParams::of(bound.kind);
      activation_forward<float>(params, static_cast<Index>(x.size()), x.data(), y.data());
      double worst = 0.0;
      Index wrong = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double exact = reference::activate<double>(params, x[i]);
        const float rounded = static_cast<float>(exact);
        if (std::isnan(rounded) || std::isinf(rounded) || std::isnan(y[i]) || std::isinf(y[i])) {
          wrong += (std::isnan(rounded) ? !std::isnan(y[i]) : rounded != y[i]) ? 1 : 0;
          continue;
        }
        const int exponent = exact == 0.0 ? -126 : std::max(std::ilogb(exact), -126);
        worst = std::fmax(worst, std::fabs(static_cast<double>(y[i]) - exact) / std::ldexp(1.0, exponent - 23));
      }
      INFO(name(isa) << " kind " << static_cast<int>(bound.kind));
      CHECK(wrong == 0);
      CHECK(worst <= bound.ulps);
    }
  }
}

TEST_CASE("NaN passes through every activation and its derivative", "[kernels][activation]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const ActivationParams& params : all_activations()) {
    for (const Isa isa : {Isa::reference, Isa::portable, Isa::avx2, Isa::avx512}) {
      if (isa > detected_isa()) continue;
      const Setting setting(isa, 1);
      const std::vector<float> x(5, nan);
      std::vector<float> y(5, 0.0f), dx(5, 0.0f);
      activation_forward<float>(params, 5, x.data(), y.data());
      INFO(name(isa) << " kind " << static_cast<int>(params.kind));
      for (const float value : y) CHECK(std::isnan(value));
      activation_backward<float>(params, 5, x.data(), y.data(), x.data(), dx.data());
      for (const float value : dx) CHECK(std::isnan(value));
    }
  }
}
