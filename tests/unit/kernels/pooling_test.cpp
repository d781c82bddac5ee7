#include "graft/kernels/pooling.hpp"

#include <limits>
#include <string>
#include <vector>

#include "kernel_test_support.hpp"
#include "support/catch.hpp"

using namespace graft;
using namespace graft::kernels;
using namespace graft::testing;

namespace {

struct Case {
  const char* name;
  PoolingDesc desc;
};

// Windows that fit, overlap, reach over both borders, leave gaps and rests, and are the whole input.
std::vector<Case> cases() {
  return {
      {"1d", {.batch = 3, .in = {1, 1, 9}, .out = {1, 1, 4}, .pool = {1, 1, 2}, .stride = {1, 1, 2}}},
      {"2x2 with a rest", {.batch = 2, .in = {1, 7, 5}, .out = {1, 3, 2}, .pool = {1, 2, 2}, .stride = {1, 2, 2}}},
      {"3x3 stride 2 same",
       {.batch = 2, .in = {1, 7, 8}, .out = {1, 4, 4}, .pool = {1, 3, 3}, .stride = {1, 2, 2}, .pad = {0, 1, 0}}},
      {"3x3 stride 1 same",
       {.batch = 1, .in = {1, 4, 5}, .out = {1, 4, 5}, .pool = {1, 3, 3}, .stride = {1, 1, 1}, .pad = {0, 1, 1}}},
      {"gaps", {.batch = 2, .in = {1, 8, 9}, .out = {1, 3, 2}, .pool = {1, 2, 3}, .stride = {1, 3, 5}}},
      {"window larger than the input",
       {.batch = 2, .in = {1, 2, 3}, .out = {1, 2, 3}, .pool = {1, 5, 7}, .stride = {1, 1, 1}, .pad = {0, 2, 3}}},
      {"3d", {.batch = 2, .in = {3, 4, 5}, .out = {2, 3, 3}, .pool = {2, 2, 3}, .stride = {2, 1, 2}, .pad = {0, 0, 1}}},
      {"everything", {.batch = 5, .in = {1, 6, 7}, .pool = {1, 6, 7}}},
  };
}

std::size_t in_size(const PoolingDesc& desc) {
  return static_cast<std::size_t>(desc.batch * desc.in_places() * desc.channels);
}
std::size_t out_size(const PoolingDesc& desc) {
  return static_cast<std::size_t>(desc.batch * desc.out_places() * desc.channels);
}

struct PoolingResult {
  std::vector<float> y, dx;
  std::vector<std::uint8_t> offsets;
};

PoolingResult run_max(const PoolingDesc& desc, const std::vector<float>& x, const std::vector<float>& dy,
                      bool accumulate) {
  PoolingResult result{std::vector<float>(out_size(desc), NAN), x, std::vector<std::uint8_t>(out_size(desc), 255)};
  max_pool_forward(desc, x.data(), result.y.data(), result.offsets.data());
  if (!accumulate) result.dx.assign(x.size(), NAN);
  max_pool_backward(desc, dy.data(), result.offsets.data(), result.dx.data(), accumulate);
  return result;
}
PoolingResult run_average(const PoolingDesc& desc, const std::vector<float>& x, const std::vector<float>& dy,
                          bool accumulate) {
  PoolingResult result{std::vector<float>(out_size(desc), NAN), x, {}};
  average_pool_forward(desc, x.data(), result.y.data());
  if (!accumulate) result.dx.assign(x.size(), NAN);
  average_pool_backward(desc, dy.data(), result.dx.data(), accumulate);
  return result;
}

}  // namespace

TEST_CASE("pooling equals the reference under every instruction set", "[kernels][pooling]") {
  for (const Case& test : cases()) {
    for (const Index channels : kOddSizes) {
      PoolingDesc desc = test.desc;
      desc.channels = channels;
      const bool accumulate = channels % 2 == 0;
      // Few different values: many windows have several maxima.
      std::vector<float> x = numbers(static_cast<Index>(in_size(desc)), static_cast<std::uint32_t>(channels));
      for (std::size_t i = 0; i < x.size(); i += 3) x[i] = 0.5f;
      const std::vector<float> dy = numbers(static_cast<Index>(out_size(desc)), 7);
      for (const bool sum : {false, true}) {
        desc.sum = sum;
        PoolingResult max, average;
        {
          const Setting setting(Isa::reference, 1);
          max = run_max(desc, x, dy, accumulate);
          average = run_average(desc, x, dy, accumulate);
        }
        for (const Isa isa : vector_isas()) {
          INFO(name(isa) << " " << test.name << " channels " << channels);
          const Setting setting(isa, 1);
          const PoolingResult fast = run_max(desc, x, dy, accumulate);
          CHECK(same_bits(fast.y, max.y));
          CHECK(fast.offsets == max.offsets);
          CHECK(distance(fast.dx, max.dx) < 1e-6);
          std::vector<float> y(max.y.size(), NAN);
          max_pool_forward<float, std::uint8_t>(desc, x.data(), y.data(), nullptr);
          CHECK(same_bits(y, max.y));
          const PoolingResult mean = run_average(desc, x, dy, accumulate);
          CHECK(distance(mean.y, average.y) < 2e-6);
          CHECK(distance(mean.dx, average.dx) < 2e-6);
        }
      }
    }
  }
}

TEST_CASE("pooling is bitwise the same for any number of threads", "[kernels][pooling]") {
  for (const Isa isa : {Isa::reference, detected_isa()}) {
    for (const Index channels : {Index{3}, Index{70}}) {
      const PoolingDesc desc{.batch = 4,
                             .channels = channels,
                             .in = {1, 30, 31},
                             .out = {1, 15, 16},
                             .pool = {1, 3, 3},
                             .stride = {1, 2, 2},
                             .pad = {0, 0, 1}};
      const std::vector<float> x = numbers(static_cast<Index>(in_size(desc)), 1);
      const std::vector<float> dy = numbers(static_cast<Index>(out_size(desc)), 2);
      PoolingResult max, average;
      {
        const Setting setting(isa, 1);
        max = run_max(desc, x, dy, false);
        average = run_average(desc, x, dy, false);
      }
      for (const int threads : {2, 3}) {
        const Setting setting(isa, threads);
        INFO(name(isa) << " threads " << threads << " channels " << channels);
        const PoolingResult again = run_max(desc, x, dy, false), mean = run_average(desc, x, dy, false);
        CHECK(same_bits(again.y, max.y));
        CHECK(same_bits(again.dx, max.dx));
        CHECK(same_bits(mean.y, average.y));
        CHECK(same_bits(mean.dx, average.dx));
      }
    }
  }
}

TEST_CASE("a NaN wins a maximum, wherever it stands, and the first of equals is chosen", "[kernels][pooling]") {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();
  for (const Isa isa : {Isa::reference, Isa::portable, Isa::avx2, Isa::avx512}) {
    if (isa > detected_isa()) continue;
    const Setting setting(isa, 1);
    for (const Index channels : {Index{1}, Index{21}, Index{80}}) {
      const PoolingDesc desc{.channels = channels, .in = {1, 1, 3}, .pool = {1, 1, 3}};
      const struct {
        float x[3];
        float y;
        int offset;
      } windows[] = {{{kNan, 1, 2}, kNan, 0},
                     {{1, kNan, kInfinity}, kNan, 1},
                     {{kInfinity, 1, kNan}, kNan, 2},
                     {{2, 2, 1}, 2, 0},
                     {{1, 3, 3}, 3, 1},
                     {{-kInfinity, -kInfinity, -kInfinity}, -kInfinity, 0},
                     {{-kInfinity, -5, kInfinity}, kInfinity, 2}};
      for (const auto& window : windows) {
        std::vector<float> x, y(static_cast<std::size_t>(channels)), bare(y);
        for (const float value : window.x) x.insert(x.end(), static_cast<std::size_t>(channels), value);
        std::vector<std::uint8_t> offsets(static_cast<std::size_t>(channels));
        max_pool_forward(desc, x.data(), y.data(), offsets.data());
        max_pool_forward<float, std::uint8_t>(desc, x.data(), bare.data(), nullptr);
        INFO(name(isa) << " channels " << channels << ": " << window.x[0] << " " << window.x[1] << " " << window.x[2]);
        CHECK(distance(y, std::vector<float>(y.size(), window.y)) == 0);
        CHECK(distance(bare, y) == 0);
        CHECK(offsets == std::vector<std::uint8_t>(y.size(), static_cast<std::uint8_t>(window.offset)));
      }
    }
  }
}

TEST_CASE("pooling by hand: same padding counts only what exists", "[kernels][pooling]") {
  const PoolingDesc desc{.in = {1, 2, 3}, .out = {1, 1, 2}, .pool = {1, 2, 2}, .stride = {1, 2, 2}};
  const double x[] = {1, 2, 3, 4, 5, 6};
  double y[2], dx[6];
  int offsets[2];
  average_pool_forward<double>(desc, x, y);
  CHECK(y[0] == 3.0);
  CHECK(y[1] == 4.5);  // of 3 and 6
  const double dy[] = {4, 2};
  average_pool_backward<double>(desc, dy, dx);
  CHECK(std::vector<double>(dx, dx + 6) == std::vector<double>{1, 1, 1, 1, 1, 1});
  max_pool_forward<double>(desc, x, y, offsets);
  CHECK(y[0] == 5.0);
  CHECK(y[1] == 6.0);
  CHECK(offsets[0] == 3);
  CHECK(offsets[1] == 2);
  max_pool_backward<double>(desc, dy, offsets, dx);
  CHECK(std::vector<double>(dx, dx + 6) == std::vector<double>{0, 0, 0, 0, 4, 2});
}

TEST_CASE("the gradient of a global maximum is shared by equals", "[kernels][pooling]") {
  for (const Isa isa : {Isa::reference, Isa::portable, Isa::avx2, Isa::avx512}) {
    if (isa > detected_isa()) continue;
    const Setting setting(isa, 1);
    for (const Index channels : kOddSizes) {
      INFO(name(isa) << " channels " << channels);
      // Per channel the places hold 1, c + 2, c + 2, 0: two maxima.
      const Index places = 4;
      std::vector<float> x(static_cast<std::size_t>(places * channels)), y, dy, dx(x.size(), NAN), expected(x.size());
      for (Index c = 0; c < channels; ++c) {
        const auto at = [&](Index p) { return static_cast<std::size_t>(p * channels + c); };
        const float value = static_cast<float>(c);
        x[at(0)] = 1;
        x[at(1)] = x[at(2)] = value + 2;
        y.push_back(value + 2);
        dy.push_back(6 - value);
        expected[at(1)] = expected[at(2)] = (6 - value) / 2;
      }
      global_max_backward<float>(1, places, channels, x.data(), y.data(), dy.data(), dx.data());
      CHECK(dx == expected);
      global_max_backward<float>(1, places, channels, x.data(), y.data(), dy.data(), dx.data(), true);
      for (float& value : expected) value *= 2;
      CHECK(dx == expected);
    }
  }
}

TEST_CASE("the mean over a large window is accurate", "[kernels][pooling]") {
  for (const Isa isa : vector_isas()) {
    const Setting setting(isa, 1);
    const PoolingDesc desc{.channels = 20, .in = {1, 300, 300}, .pool = {1, 300, 300}};
    const std::vector<float> x(in_size(desc), 0.1f);
    std::vector<float> y(20);
    average_pool_forward(desc, x.data(), y.data());
    CHECK(distance(y, std::vector<float>(20, 0.1f)) < 5e-6);
  }
}
