#pragma once

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "graft/kernels/conv_desc.hpp"

/// A line of benchmarks/shapes/*.txt: network layer N H W C K k s [depthwise].
struct ConvShape {
  std::string network, layer;
  graft::Index kernel_height = 1, kernel_width = 1, stride = 1;
  bool depthwise = false;
  graft::kernels::ConvDesc desc;

  /// Operations of one direction.
  double flops() const {
    return 2.0 * static_cast<double>(desc.batch * desc.out_pixels() * desc.filters) *
           static_cast<double>(desc.taps() * desc.group_channels());
  }
};

/// Reads a file of shapes. Ends the program with a message at a line that it cannot read.
inline std::vector<ConvShape> read_conv_shapes(const std::string& path) {
  std::ifstream file(path);
  std::vector<ConvShape> shapes;
  const auto fail = [&](const std::string& line) {
    std::fprintf(stderr, "%s: cannot read \"%s\"\n", path.c_str(), line.c_str());
    std::exit(1);
  };
  if (!file) fail("the file");
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    ConvShape shape;
    graft::kernels::ConvDesc& d = shape.desc;
    std::string kernel, kind;
    if (!(words >> shape.network >> shape.layer >> d.batch >> d.in[1] >> d.in[2] >> d.channels >> d.filters >> kernel >>
          shape.stride)) {
      fail(line);
    }
    shape.depthwise = static_cast<bool>(words >> kind) && kind == "depthwise";
    long long height = 0, width = 0;
    const int read = std::sscanf(kernel.c_str(), "%lldx%lld", &height, &width);
    shape.kernel_height = height, shape.kernel_width = read == 2 ? width : height;
    if (read < 1 || (shape.depthwise && d.channels != d.filters)) fail(line);
    if (shape.depthwise) d.groups = d.channels;
    d.kernel = {1, shape.kernel_height, shape.kernel_width};
    d.stride = {1, shape.stride, shape.stride};
    for (std::size_t a = 1; a < 3; ++a) {
      d.pad[a] = d.kernel[a] / 2;
      d.out[a] = (d.in[a] + 2 * d.pad[a] - d.kernel[a]) / d.stride[a] + 1;
    }
    shapes.push_back(shape);
  }
  return shapes;
}
