#include "benchmarks/peers/conv_shapes.hpp"

#include <filesystem>

#include "graft/kernels/conv.hpp"
#include "kernel_test_support.hpp"
#include "support/catch.hpp"

using namespace graft;
using namespace graft::kernels;
using namespace graft::testing;

namespace {

/// Small enough for loops in double: kernel, stride and padding stay as they are, and every tile and border is still
/// met.
ConvDesc reduced(const ConvShape& shape) {
  ConvDesc d = shape.desc;
  d.batch = 1;
  const Index channels = std::min<Index>(d.channels, 72), filters = std::min<Index>(d.filters, 56);
  d.channels = channels;
  d.filters = shape.depthwise ? channels : filters;
  if (shape.depthwise) d.groups = channels;
  for (std::size_t a = 1; a < 3; ++a) {
    d.in[a] = std::min<Index>(d.in[a], 15);
    d.out[a] = (d.in[a] + 2 * d.pad[a] - d.kernel[a]) / d.stride[a] + 1;
  }
  return d;
}

}  // namespace

TEST_CASE("the convolutions of the benchmarks' networks agree with loops in double") {
  int shapes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(GRAFT_TEST_SHAPES_DIR)) {
    for (const ConvShape& shape : read_conv_shapes(entry.path().string())) {
      ++shapes;
      const ConvDesc d = reduced(shape);
      const auto xf = numbers(d.in_pixels() * d.channels, 1),
                 wf = numbers(d.taps() * d.group_channels() * d.filters, 2);
      const auto dyf = numbers(d.out_pixels() * d.filters, 3);
      const std::vector<double> x(xf.begin(), xf.end()), w(wf.begin(), wf.end()), dy(dyf.begin(), dyf.end());
      std::vector<double> y(dy.size()), dx(x.size()), dw(w.size());
      reference::conv_forward<double>(d, x.data(), w.data(), nullptr, y.data());
      reference::conv_backward_data<double>(d, dy.data(), w.data(), nullptr, dx.data());
      reference::conv_backward_weights<double>(d, x.data(), dy.data(), dw.data());
      std::vector<float> actual_y(y.size(), NAN), actual_dx(dx.size(), NAN), actual_dw(dw.size(), NAN);
      conv_forward<float>(d, xf.data(), wf.data(), nullptr, actual_y.data());
      conv_backward_data<float>(d, dyf.data(), wf.data(), nullptr, actual_dx.data());
      conv_backward_weights<float>(d, xf.data(), dyf.data(), actual_dw.data());
      INFO(shape.network << " " << shape.layer);
      // Winograd's transforms cost digits of the largest numbers, whose size is that of a sum of k terms.
      const double k = static_cast<double>(d.taps() * std::max(d.group_channels(), d.group_filters()) + d.out_pixels());
      const double tolerance = (portable::winograd_applies(d) ? 4e-6 : 6e-7) * std::sqrt(k);
      CHECK(distance(actual_y, {y.begin(), y.end()}) < tolerance);
      CHECK(distance(actual_dx, {dx.begin(), dx.end()}) < tolerance);
      CHECK(distance(actual_dw, {dw.begin(), dw.end()}) < tolerance);
    }
  }
  CHECK(shapes > 70);
}
