#include "graft/kernels/conv.hpp"

#include <limits>
#include <string>

#include "kernel_test_support.hpp"
#include "support/catch.hpp"

using namespace graft;
using namespace graft::kernels;
using namespace graft::testing;

namespace {

using Axes = ConvDesc::Axes;

ConvDesc describe(Index batch, Axes in, Axes kernel, Axes stride, Axes dilation, bool same, Index channels,
                  Index filters, Index groups = 1) {
  ConvDesc d;
  d.batch = batch, d.in = in, d.kernel = kernel, d.stride = stride, d.dilation = dilation;
  d.channels = channels, d.filters = filters, d.groups = groups;
  for (std::size_t a = 0; a < 3; ++a) {
    const Index reach = (kernel[a] - 1) * dilation[a] + 1;
    if (same) {
      d.out[a] = (in[a] + stride[a] - 1) / stride[a];
      d.pad[a] = std::max<Index>((d.out[a] - 1) * stride[a] + reach - in[a], 0) / 2;
    } else {
      d.out[a] = (in[a] - reach) / stride[a] + 1;
    }
  }
  return d;
}

std::vector<ConvDesc> descriptions() {
  std::vector<ConvDesc> all;
  const auto add = [&](auto... args) { all.push_back(describe(args...)); };
  const Axes one{1, 1, 1};
  add(2, Axes{1, 7, 9}, Axes{1, 3, 3}, one, one, true, 5, 7);
  add(1, Axes{1, 8, 8}, Axes{1, 3, 3}, one, one, false, 16, 48);
  add(3, Axes{1, 9, 7}, Axes{1, 3, 3}, Axes{1, 2, 2}, one, true, 3, 17);
  add(2, Axes{1, 10, 10}, Axes{1, 3, 3}, Axes{1, 2, 2}, one, true, 4, 6);
  add(2, Axes{1, 15, 14}, Axes{1, 7, 7}, Axes{1, 2, 2}, one, true, 3, 20);
  add(2, Axes{1, 15, 14}, Axes{1, 7, 5}, Axes{1, 2, 3}, one, false, 3, 9);
  add(1, Axes{1, 28, 28}, Axes{1, 3, 3}, one, one, true, 1, 32);
  add(2, Axes{1, 9, 9}, Axes{1, 3, 3}, one, Axes{1, 2, 2}, true, 6, 10);
  add(2, Axes{1, 9, 11}, Axes{1, 2, 3}, one, Axes{1, 3, 2}, false, 3, 5);
  add(2, Axes{1, 6, 5}, Axes{1, 1, 1}, one, one, false, 13, 11);
  add(2, Axes{1, 7, 8}, Axes{1, 1, 1}, Axes{1, 2, 2}, one, true, 13, 11);
  add(1, Axes{1, 5, 7}, Axes{1, 1, 1}, Axes{1, 3, 2}, one, false, 24, 50);
  add(2, Axes{1, 6, 6}, Axes{1, 3, 3}, one, one, true, 8, 12, Index{4});
  add(2, Axes{1, 7, 6}, Axes{1, 3, 2}, Axes{1, 2, 1}, one, true, 6, 9, Index{3});
  add(2, Axes{1, 7, 6}, Axes{1, 3, 3}, one, one, true, 5, 5, Index{5});
  add(2, Axes{1, 9, 21}, Axes{1, 3, 3}, one, one, true, 19, 19, Index{19});  // depthwise
  add(2, Axes{1, 9, 14}, Axes{1, 3, 3}, Axes{1, 2, 2}, one, true, 32, 32, Index{32});
  add(1, Axes{1, 12, 17}, Axes{1, 5, 5}, Axes{1, 2, 1}, one, true, 16, 16, Index{16});
  add(2, Axes{1, 11, 10}, Axes{1, 3, 4}, one, Axes{1, 2, 3}, true, 7, 7, Index{7});
  add(1, Axes{4, 5, 6}, Axes{2, 3, 3}, Axes{1, 2, 3}, one, false, 5, 5, Index{5});
  add(1, Axes{1, 2, 2}, Axes{1, 5, 7}, one, one, true, 4, 4, Index{4});
  add(2, Axes{1, 8, 8}, Axes{1, 3, 3}, one, one, true, 32, 32);  // Winograd, and where its rules end
  add(3, Axes{1, 14, 7}, Axes{1, 3, 3}, one, one, true, 37, 50);
  add(1, Axes{1, 10, 14}, Axes{1, 3, 3}, one, one, false, 48, 33);
  add(2, Axes{1, 12, 12}, Axes{1, 3, 3}, one, one, true, 400, 64);
  add(2, Axes{1, 5, 5}, Axes{1, 3, 3}, one, one, true, 32, 32);
  add(3, Axes{1, 1, 19}, Axes{1, 1, 5}, Axes{1, 1, 2}, one, true, 3, 4);
  add(3, Axes{1, 1, 19}, Axes{1, 1, 4}, one, Axes{1, 1, 3}, false, 2, 33);
  add(1, Axes{4, 5, 6}, Axes{3, 3, 3}, one, one, true, 3, 5);
  add(2, Axes{5, 4, 7}, Axes{2, 3, 3}, Axes{2, 1, 2}, one, true, 4, 3);
  add(1, Axes{5, 5, 5}, Axes{2, 2, 2}, one, Axes{2, 2, 2}, false, 3, 3);
  add(2, Axes{1, 4, 4}, Axes{1, 5, 5}, one, one, true, 2, 3);             // a kernel larger than the image
  add(2, Axes{1, 6, 6}, Axes{1, 2, 2}, Axes{1, 3, 3}, one, false, 3, 4);  // pixels that no tap sees
  add(1, Axes{1, 7, 7}, Axes{1, 3, 3}, one, one, true, 160, 33);          // several blocks of k
  add(1, Axes{1, 40, 23}, Axes{1, 3, 3}, one, one, true, 2, 3);           // several blocks of pixels
  add(1, Axes{1, 1, 1}, Axes{1, 1, 1}, one, one, true, 1, 1);
  add(4, Axes{1, 14, 14}, Axes{1, 3, 3}, one, one, true, 32, 64);  // large enough for two threads
  return all;
}

std::string case_of(const ConvDesc& d, Isa isa) {
  std::string result = name(isa);
  for (const Axes* axes : {&d.in, &d.kernel, &d.stride, &d.dilation}) {
    result += " (";
    for (const Index n : *axes) result += std::to_string(n) + " ";
    result += ")";
  }
  return result + " " + std::to_string(d.channels) + "->" + std::to_string(d.filters) + " groups " +
         std::to_string(d.groups);
}

struct Tensors {
  std::vector<float> x, w, bias, y, dx_bias;

  explicit Tensors(const ConvDesc& d)
      : x(numbers(d.batch * d.in_pixels() * d.channels, 1)),
        w(numbers(d.taps() * d.group_channels() * d.filters, 2)),
        bias(numbers(d.filters, 3)),
        y(numbers(d.batch * d.out_pixels() * d.filters, 4)),
        dx_bias(numbers(d.channels, 5)) {}
};

std::vector<double> wide(const std::vector<float>& values) { return {values.begin(), values.end()}; }
std::vector<float> narrow(const std::vector<double>& values) { return {values.begin(), values.end()}; }

/// Relative to 1 + |y|. Winograd's transforms cost digits of the largest numbers, whose size is that of a sum of k
/// terms.
double tolerance(const ConvDesc& d) {
  const double k = static_cast<double>(d.taps() * std::max(d.channels, d.filters));
  if (portable::winograd_applies(d)) return 4e-6 * std::sqrt(k);
  return 4e-7 * std::sqrt(2 * k + static_cast<double>(d.batch * d.out_pixels()));
}

std::vector<float> unset(std::size_t count) { return std::vector<float>(count, NAN); }

}  // namespace

TEST_CASE("convolution forward agrees with loops in double, whatever the threads") {
  for (ConvDesc d : descriptions()) {
    for (const ActivationKind kind : {ActivationKind::linear, ActivationKind::relu, ActivationKind::tanh}) {
      d.activation.kind = kind;
      if (kind == ActivationKind::relu && d.channels % 2 == 0) d.activation.max_value = 6;
      const Tensors t(d);
      const bool with_bias = kind != ActivationKind::tanh;
      auto y = wide(t.y);
      const auto x = wide(t.x), w = wide(t.w), bias = wide(t.bias);
      reference::conv_forward(d, x.data(), w.data(), with_bias ? bias.data() : nullptr, y.data());
      for (const Isa isa : vector_isas()) {
        INFO(case_of(d, isa));
        std::vector<float> results[2] = {unset(t.y.size()), unset(t.y.size())};
        for (int threads = 1; threads <= 2; ++threads) {
          const Setting setting(isa, threads == 1 ? 1 : 3);
          conv_forward<float>(d, t.x.data(), t.w.data(), with_bias ? t.bias.data() : nullptr,
                              results[threads - 1].data());
        }
        CHECK(distance(results[0], narrow(y)) < tolerance(d));
        CHECK(same_bits(results[0], results[1]));

        const Setting setting(isa, 1);
        auto prepared = unset(static_cast<std::size_t>(conv_prepared_elements(d)));
        std::vector<float> again = unset(t.y.size());
        conv_prepare<float>(d, t.w.data(), prepared.data());
        conv_forward_prepared<float>(d, t.x.data(), prepared.data(), with_bias ? t.bias.data() : nullptr, again.data());
        CHECK(same_bits(results[0], again));
      }
    }
  }
}

TEST_CASE("convolution's data gradient agrees with loops in double, whatever the threads") {
  for (ConvDesc d : descriptions()) {
    for (const bool accumulate : {false, true}) {
      d.accumulate = accumulate;
      const Tensors t(d);
      auto dx = wide(t.x);
      const auto dy = wide(t.y), w = wide(t.w), bias = wide(t.dx_bias);
      reference::conv_backward_data(d, dy.data(), w.data(), accumulate ? nullptr : bias.data(), dx.data());
      for (const Isa isa : vector_isas()) {
        INFO(case_of(d, isa));
        std::vector<float> results[2];
        for (int threads = 1; threads <= 2; ++threads) {
          const Setting setting(isa, threads == 1 ? 1 : 3);
          auto& result = results[threads - 1] = accumulate ? t.x : unset(t.x.size());
          conv_backward_data<float>(d, t.y.data(), t.w.data(), accumulate ? nullptr : t.dx_bias.data(), result.data());
        }
        CHECK(distance(results[0], narrow(dx)) < tolerance(d));
        CHECK(same_bits(results[0], results[1]));
      }
    }
  }
}

TEST_CASE("convolution's weight gradient agrees with loops in double, whatever the threads") {
  for (const ConvDesc& d : descriptions()) {
    const Tensors t(d);
    auto dw = wide(t.w);
    const auto x = wide(t.x), dy = wide(t.y);
    reference::conv_backward_weights(d, x.data(), dy.data(), dw.data());
    for (const Isa isa : vector_isas()) {
      INFO(case_of(d, isa));
      std::vector<float> results[2];
      for (int threads = 1; threads <= 2; ++threads) {
        const Setting setting(isa, threads == 1 ? 1 : 3);
        results[threads - 1] = unset(t.w.size());
        conv_backward_weights<float>(d, t.x.data(), t.y.data(), results[threads - 1].data());
      }
      CHECK(distance(results[0], narrow(dw)) < tolerance(d));
      CHECK(same_bits(results[0], results[1]));
    }
  }
}

TEST_CASE("convolution: the forced reference path is the reference") {
  const ConvDesc d = descriptions()[0];
  const Tensors t(d);
  const Setting setting(Isa::reference, 1);
  std::vector<float> expected = t.y, actual = t.y;
  reference::conv_forward(d, t.x.data(), t.w.data(), t.bias.data(), expected.data());
  conv_forward(d, t.x.data(), t.w.data(), t.bias.data(), actual.data());
  CHECK(same_bits(expected, actual));
}

TEST_CASE("convolution: NaN and infinity reach exactly the outputs that see them") {
  ConvDesc d = describe(1, {1, 9, 9}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, true, 4, 5);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Tensors t(d);
    t.x[static_cast<std::size_t>((4 * 9 + 8) * 4 + 1)] = bad;  // row 4, the last column
    for (const Isa isa : vector_isas()) {
      const Setting setting(isa, 1);
      std::vector<float> y(t.y.size());
      conv_forward<float>(d, t.x.data(), t.w.data(), nullptr, y.data());
      for (Index row = 0; row < 9; ++row) {
        for (Index column = 0; column < 9; ++column) {
          const bool sees = row >= 3 && row <= 5 && column >= 7;
          CHECK(std::isfinite(y[static_cast<std::size_t>((row * 9 + column) * 5)]) == !sees);
        }
      }
    }
  }
}
