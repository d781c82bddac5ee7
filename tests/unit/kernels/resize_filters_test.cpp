#include "graft/kernels/resize_filters.hpp"

#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "graft/kernels/resize.hpp"
#include "support/catch.hpp"

using graft::Index;
using graft::kernels::ResizeAxis;
using graft::kernels::ResizeDesc;
using graft::kernels::ResizeFilter;

namespace {

std::vector<float> resized(ResizeFilter filter, const std::vector<float>& x, Index out) {
  const auto in = static_cast<Index>(x.size());
  ResizeDesc desc{.images = 1, .channels = 1, .height = {1, 0, 1, 1}, .width = {in, 0, in, out}};
  std::vector<float> y(static_cast<std::size_t>(out));
  graft::kernels::resize_filtered(desc, filter, x.data(), y.data());
  return y;
}

const ResizeFilter kAll[] = {ResizeFilter::bicubic,  ResizeFilter::area,     ResizeFilter::lanczos3,
                             ResizeFilter::lanczos5, ResizeFilter::gaussian, ResizeFilter::mitchellcubic};

}  // namespace

TEST_CASE("resize filters: weights of every pixel add up to 1 and stay inside", "[kernels][resize]") {
  for (const ResizeFilter filter : kAll) {
    for (const auto& [in, out] :
         {std::pair{7, 3}, std::pair{3, 7}, std::pair{1, 5}, std::pair{5, 1}, std::pair{64, 37}}) {
      INFO(static_cast<int>(filter) << ": " << in << " to " << out);
      const auto taps = graft::kernels::resize_weights({.in = in + 4, .start = 2, .window = in, .out = out}, filter);
      REQUIRE(taps.start.size() == static_cast<std::size_t>(out));
      for (std::size_t i = 0; i < taps.start.size(); ++i) {
        const auto begin = taps.weights.begin() + taps.begin[i], end = taps.weights.begin() + taps.begin[i + 1];
        CHECK(std::abs(std::accumulate(begin, end, 0.0) - 1) < 1e-5);
        CHECK(taps.start[i] >= 2);
        CHECK(taps.start[i] + (end - begin) <= in + 2);
      }
    }
  }
}

TEST_CASE("resize filters: the same size is the same picture, but for those that smooth", "[kernels][resize]") {
  const std::vector<float> x = {3, 1, 4, 1, 5, 9, 2, 6};
  for (const ResizeFilter filter :
       {ResizeFilter::bicubic, ResizeFilter::area, ResizeFilter::lanczos3, ResizeFilter::lanczos5}) {
    const auto y = resized(filter, x, 8);
    for (std::size_t i = 0; i < 8; ++i) CHECK(std::abs(y[i] - x[i]) < 1e-4);
  }
  // Mitchell and Netravali: 1/18, 16/18, 1/18.
  CHECK(std::abs(resized(ResizeFilter::mitchellcubic, x, 8)[2] - (1 + 16 * 4 + 1) / 18.0) < 1e-5);
  // A Gaussian of standard deviation 1/2, from -1 to 1: e^-2, 1, e^-2.
  const double side = std::exp(-2.0);
  CHECK(std::abs(resized(ResizeFilter::gaussian, x, 8)[5] - (5 * side + 9 + 2 * side) / (1 + 2 * side)) < 1e-5);
}

TEST_CASE("resize filters: bicubic is Keys's cubic, area the mean, Lanczos a windowed sinc", "[kernels][resize]") {
  std::vector<float> x;
  for (int i = 0; i < 16; ++i) x.push_back(static_cast<float>(std::sin(i * 0.7) * 50 + i));
  const auto cubic = [](double t) {
    t = std::abs(t);
    return t < 1 ? (1.5 * t - 2.5) * t * t + 1 : t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0.0;
  };
  const auto sinc = [](double t) { return t == 0 ? 1.0 : std::sin(M_PI * t) / (M_PI * t); };
  const auto lanczos = [&](double t) { return std::abs(t) < 3 ? sinc(t) * sinc(t / 3) : 0.0; };
  for (const Index out : {5, 11, 32}) {
    const auto y = resized(ResizeFilter::bicubic, x, out), z = resized(ResizeFilter::lanczos3, x, out);
    for (Index i = 0; i < out; ++i) {
      const double at = (static_cast<double>(i) + 0.5) * 16 / static_cast<double>(out) - 0.5;
      double sums[2] = {0, 0}, weights[2] = {0, 0};
      for (Index k = 0; k < 16; ++k) {
        for (int f = 0; f < 2; ++f) {
          const double weight = f ? lanczos(static_cast<double>(k) - at) : cubic(static_cast<double>(k) - at);
          sums[f] += weight * x[static_cast<std::size_t>(k)];
          weights[f] += weight;
        }
      }
      CHECK(std::abs(y[static_cast<std::size_t>(i)] - sums[0] / weights[0]) < 0.1);  // positions of 1/1024
      CHECK(std::abs(z[static_cast<std::size_t>(i)] - sums[1] / weights[1]) < 1e-3);
    }
  }
  CHECK(resized(ResizeFilter::area, {1, 3, 5, 7, 2, 4}, 3) == std::vector<float>{2, 6, 3});
  // Two and a half pixels of five each.
  const auto half = resized(ResizeFilter::area, {1, 2, 3, 4, 5}, 2);
  CHECK(std::abs(half[0] - (1 + 2 + 1.5) / 2.5) < 1e-5);
  CHECK(std::abs(half[1] - (1.5 + 4 + 5) / 2.5) < 1e-5);
}

TEST_CASE("resize: bytes give the numbers of the same picture in floats", "[kernels][resize]") {
  std::vector<std::uint8_t> bytes;
  for (int i = 0; i < 19 * 23 * 3; ++i) bytes.push_back(static_cast<std::uint8_t>(i * 37 % 251));
  const std::vector<float> floats(bytes.begin(), bytes.end());
  for (const bool bilinear : {false, true}) {
    for (const Index start : {0, -3}) {
      const ResizeDesc desc{.images = 1,
                            .channels = 3,
                            .height = {19, start, 19 - 2 * start, 150},
                            .width = {23, 2, 17, 70},
                            .bilinear = bilinear,
                            .fill = 4};
      std::vector<float> a(150 * 70 * 3), b(a.size());
      graft::kernels::resize_forward(desc, bytes.data(), a.data());
      graft::kernels::resize_forward(desc, floats.data(), b.data());
      CHECK(a == b);
    }
  }
}
