#include "graft/kernels/elementwise.hpp"
#include "graft/kernels/random_mask.hpp"

#include <limits>
#include <vector>

#include "kernel_test_support.hpp"
#include "support/catch.hpp"

using namespace graft;
using namespace graft::kernels;
using namespace graft::testing;

TEST_CASE("sums equal the reference in double", "[kernels][elementwise]") {
  for (const Isa isa : vector_isas()) {
    const Setting setting(isa, 1);
    for (const Index n : {Index{0}, Index{1}, Index{3}, Index{17}, Index{63}, Index{130}, Index{1000}, Index{70001}}) {
      const std::vector<float> x = numbers(n, 3), y = numbers(n, 4);
      INFO(name(isa) << " n " << n);
      CHECK(sum<float>(n, x.data()) == Approx(reference::sum<float>(n, x.data())).margin(2e-3));
      CHECK(dot<float>(n, x.data(), y.data()) == Approx(reference::dot<float>(n, x.data(), y.data())).margin(2e-3));
      CHECK(sum_of_squares<float>(n, x.data()) ==
            Approx(reference::sum_of_squares<float>(n, x.data())).epsilon(1e-6));
    }
  }
}

TEST_CASE("column sums equal the reference", "[kernels][elementwise]") {
  for (const Isa isa : vector_isas()) {
    const Setting setting(isa, 1);
    for (const Index cols : kOddSizes) {
      for (const Index rows : {Index{0}, Index{1}, Index{3}, Index{32}, Index{600}}) {
        const std::vector<float> x = numbers(rows * cols, static_cast<std::uint32_t>(rows + cols));
        const std::vector<float> start = numbers(cols, 9);
        for (const bool accumulate : {false, true}) {
          std::vector<float> expected = start, actual = start;
          reference::column_sums<float>(rows, cols, x.data(), expected.data(), accumulate);
          column_sums<float>(rows, cols, x.data(), actual.data(), accumulate);
          INFO(name(isa) << " " << rows << " x " << cols);
          CHECK(distance(actual, expected) < 1e-5);
        }
      }
    }
  }
}

TEST_CASE("sums are bitwise the same for any number of threads", "[kernels][elementwise]") {
  const Index rows = 3001, cols = 70, n = rows * cols;
  const std::vector<float> x = numbers(n, 1), y = numbers(n, 2);
  for (const Isa isa : vector_isas()) {
    std::vector<float> one(cols), many(cols);
    double sums[2] = {}, dots[2] = {};
    {
      const Setting setting(isa, 1);
      column_sums<float>(rows, cols, x.data(), one.data());
      sums[0] = sum<float>(n, x.data());
      dots[0] = dot<float>(n, x.data(), y.data());
    }
    for (const int threads : {2, 3}) {
      const Setting setting(isa, threads);
      column_sums<float>(rows, cols, x.data(), many.data());
      sums[1] = sum<float>(n, x.data());
      dots[1] = dot<float>(n, x.data(), y.data());
      CHECK(same_bits(one, many));
      CHECK(sums[0] == sums[1]);
      CHECK(dots[0] == dots[1]);
    }
  }
}

TEST_CASE("small algebra equals the reference", "[kernels][elementwise]") {
  for (const Isa isa : vector_isas()) {
    const Setting setting(isa, 2);
    for (const Index n : {Index{1}, Index{7}, Index{16}, Index{33}, Index{130}, Index{200001}}) {
      const std::vector<float> x = numbers(n, 1), start = numbers(n, 2);
      std::vector<float> expected = start, actual = start;
      INFO(name(isa) << " n " << n);
      reference::axpy<float>(n, 0.3f, x.data(), expected.data());
      axpy<float>(n, 0.3f, x.data(), actual.data());
      CHECK(distance(actual, expected) < 1e-6);
      reference::scale<float>(n, -1.7f, expected.data());
      scale<float>(n, -1.7f, actual.data());
      CHECK(distance(actual, expected) < 1e-6);
      reference::clip<float>(n, 0.4f, expected.data());
      clip<float>(n, 0.4f, actual.data());
      CHECK(distance(actual, expected) < 1e-6);
      reference::add<float>(n, x.data(), expected.data(), expected.data());
      add<float>(n, x.data(), actual.data(), actual.data());
      CHECK(distance(actual, expected) < 1e-6);
      reference::multiply<float>(n, x.data(), expected.data(), expected.data());
      multiply<float>(n, x.data(), actual.data(), actual.data());
      CHECK(distance(actual, expected) < 1e-6);
    }
    for (const Index n : kOddSizes) {
      const std::vector<float> x = numbers(n, 1), z = numbers(n, 2);
      std::vector<float> expected = z, actual = z;
      reference::scaled<float>(n, -0.7f, x.data(), expected.data());
      scaled<float>(n, -0.7f, x.data(), actual.data());
      CHECK(same_bits(actual, expected));
      reference::axpby<float>(n, 0.3f, x.data(), -1.2f, z.data(), expected.data());
      axpby<float>(n, 0.3f, x.data(), -1.2f, z.data(), actual.data());
      CHECK(distance(actual, expected) < 1e-6);
      axpby<float>(n, 1.0f, x.data(), 1.0f, z.data(), actual.data());
      reference::add<float>(n, x.data(), z.data(), expected.data());
      CHECK(same_bits(actual, expected));
      reference::multiply_add<float>(n, x.data(), z.data(), expected.data());
      multiply_add<float>(n, x.data(), z.data(), actual.data());
      CHECK(distance(actual, expected) < 1e-6);
    }
    for (const Index cols : kOddSizes) {
      const std::vector<float> bias = numbers(cols, 5), start = numbers(11 * cols, 6);
      std::vector<float> expected = start, actual = start;
      reference::add_bias<float>(11, cols, bias.data(), expected.data());
      add_bias<float>(11, cols, bias.data(), actual.data());
      CHECK(same_bits(actual, expected));
    }
  }
}

TEST_CASE("clip keeps NaN and cuts infinity", "[kernels][elementwise]") {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const Isa isa : vector_isas()) {
    const Setting setting(isa, 1);
    std::vector<float> x = {infinity, -infinity, std::numeric_limits<float>::quiet_NaN(), 0.9f, 100.0f};
    clip<float>(5, 1.0f, x.data());
    CHECK(distance(x, {1.0f, -1.0f, std::numeric_limits<float>::quiet_NaN(), 0.9f, 1.0f}) == 0.0);
  }
}

TEST_CASE("a random mask keeps the same elements under every instruction set, from any element on",
          "[kernels][elementwise]") {
  const std::vector<float> x = numbers(300, 1), start = numbers(300, 2);
  for (const Isa isa : vector_isas()) {
    const Setting setting(isa, 1);
    for (const std::uint64_t threshold : {0x0ull, 0x4ccccccdull, 0xffffffffull, 0x100000000ull}) {
      for (const bool accumulate : {false, true}) {
        const RandomMaskDesc<float> desc{RandomKey{77}, threshold, 1.25f, 0.0f, -0.5f, accumulate};
        for (const Index first : {Index{0}, Index{1}, Index{2}, Index{33}, Index{1} << 40}) {
          for (Index n = 0; n <= 300; n = n < 70 ? n + 1 : n + 77) {
            std::vector<float> expected = start, actual = start;
            reference::random_mask<float>(desc, first, n, x.data(), expected.data());
            random_mask<float>(desc, first, n, x.data(), actual.data());
            INFO(name(isa) << " threshold " << threshold << " first " << first << " n " << n);
            CHECK(same_bits(actual, expected));
          }
        }
      }
    }
    // A shift may be fused with the product.
    const RandomMaskDesc<float> affine{RandomKey{5}, 0x80000000u, 0.7f, 0.3f, -1.1f};
    std::vector<float> expected = x, actual = x;
    reference::random_mask<float>(affine, 0, 300, expected.data(), expected.data());
    random_mask<float>(affine, 0, 300, actual.data(), actual.data());
    CHECK(distance(actual, expected) < 1e-6);
  }
}
