#include "graft/kernels/resize.hpp"

#include <vector>

#include "kernel_test_support.hpp"
#include "support/catch.hpp"

using namespace graft;
using namespace graft::kernels;
using namespace graft::testing;

namespace {

// The triangle filter, by its definition: weights 1 - |distance| of the centres, of what lies inside the border once
// positions are pulled into it.
double weight(Index in, Index out, Index o, Index i) {
  const double at = (static_cast<double>(o) + 0.5) * static_cast<double>(in) / static_cast<double>(out) - 0.5;
  const double inside = std::min(std::max(at, 0.0), static_cast<double>(in - 1));
  return std::max(0.0, 1.0 - std::fabs(inside - static_cast<double>(i)));
}

}  // namespace

TEST_CASE("bilinear resizing and its backward follow the definition", "[kernels][resize]") {
  struct Size {
    Index in[2], out[2];
  };
  for (const Size& size : {Size{{3, 4}, {6, 8}}, Size{{1, 5}, {4, 5}}, Size{{4, 3}, {7, 2}}, Size{{2, 2}, {2, 9}}}) {
    const ResizeDesc desc{.images = 2,
                          .channels = 3,
                          .height = {size.in[0], 0, size.in[0], size.out[0]},
                          .width = {size.in[1], 0, size.in[1], size.out[1]}};
    const Index ins = 2 * size.in[0] * size.in[1] * 3, outs = 2 * size.out[0] * size.out[1] * 3;
    const std::vector<float> xf = numbers(ins, 3), dyf = numbers(outs, 4);
    const std::vector<double> x(xf.begin(), xf.end()), dy(dyf.begin(), dyf.end());
    std::vector<double> y(dy.size(), NAN), dx(x.size(), NAN), want_y(dy.size()), want_dx(x.size()), sum = x;
    resize_forward(desc, x.data(), y.data());
    resize_backward(desc, dy.data(), dx.data(), false);
    resize_backward(desc, dy.data(), sum.data(), true);
    for (Index o = 0; o < outs; ++o) {
      const Index c = o % 3, ow = o / 3 % size.out[1], oh = o / 3 / size.out[1] % size.out[0];
      const Index b = o / 3 / size.out[1] / size.out[0];
      for (Index h = 0; h < size.in[0]; ++h) {
        for (Index w = 0; w < size.in[1]; ++w) {
          const double share = weight(size.in[0], size.out[0], oh, h) * weight(size.in[1], size.out[1], ow, w);
          const auto i = static_cast<std::size_t>(((b * size.in[0] + h) * size.in[1] + w) * 3 + c);
          want_y[static_cast<std::size_t>(o)] += share * x[i];
          want_dx[i] += share * dy[static_cast<std::size_t>(o)];
        }
      }
    }
    INFO(size.in[0] << " x " << size.in[1] << " to " << size.out[0] << " x " << size.out[1]);
    for (std::size_t i = 0; i < y.size(); ++i) CHECK(y[i] == Approx(want_y[i]).margin(1e-6));
    for (std::size_t i = 0; i < dx.size(); ++i) CHECK(dx[i] == Approx(want_dx[i]).margin(1e-6));
    for (std::size_t i = 0; i < dx.size(); ++i) CHECK(sum[i] == Approx(x[i] + want_dx[i]).margin(1e-6));
  }
}
