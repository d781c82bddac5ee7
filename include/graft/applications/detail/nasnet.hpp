#pragma once

#include "graft/applications/detail/net.hpp"

namespace graft::applications::detail {

/// The two kinds of cells of NASNet-A. A cell sees the outputs of the two in front of it: `x`, and `before`, which is
/// first brought to the size and number of channels of x.
template <class Scalar>
class NasNetCells {
 public:
  using Value = Symbol<Scalar>;

  GRAFT_COLD static Value normal(const Value& x, const Value& before, Index filters, const std::string& id) {
    const Value p = adjusted(before, x, filters, id);
    const Value h = norm(conv(relu(x), filters, "normal_conv_1_" + id), "normal_bn_1_" + id);
    const Value left = separable(h, filters, 5, 1, "normal_left1_" + id);
    const Value x1 = add(left, separable(p, filters, 3, 1, "normal_right1_" + id), "normal_add_1_" + id);
    const Value wide = separable(p, filters, 5, 1, "normal_left2_" + id);
    const Value x2 = add(wide, separable(p, filters, 3, 1, "normal_right2_" + id), "normal_add_2_" + id);
    const Value x3 = add(averaged(h, "normal_left3_" + id), p, "normal_add_3_" + id);
    const Value mean = averaged(p, "normal_left4_" + id);
    const Value x4 = add(mean, averaged(p, "normal_right4_" + id), "normal_add_4_" + id);
    const Value x5 = add(separable(h, filters, 3, 1, "normal_left5_" + id), h, "normal_add_5_" + id);
    return concatenate({p, x1, x2, x3, x4, x5}, "normal_concat_" + id);
  }

  /// Halves the size.
  GRAFT_COLD static Value reduction(const Value& x, const Value& before, Index filters, const std::string& id) {
    const Value p = adjusted(before, x, filters, id);
    const Value h = norm(conv(relu(x), filters, "reduction_conv_1_" + id), "reduction_bn_1_" + id);
    const Value padded = ZeroPadding2D<Scalar>(correct_pad(h, 3), {.name = "reduction_pad_1_" + id})(h);
    const auto largest = [&](const std::string& name) {
      return MaxPooling2D<Scalar>(3, {.strides = 2, .name = name + id})(padded);
    };
    const Value left = separable(h, filters, 5, 2, "reduction_left1_" + id);
    const Value x1 = add(left, separable(p, filters, 7, 2, "reduction_right1_" + id), "reduction_add_1_" + id);
    const Value most = largest("reduction_left2_");
    const Value x2 = add(most, separable(p, filters, 7, 2, "reduction_right2_" + id), "reduction_add_2_" + id);
    const Value mean = AveragePooling2D<Scalar>(3, {.strides = 2, .name = "reduction_left3_" + id})(padded);
    const Value x3 = add(mean, separable(p, filters, 5, 2, "reduction_right3_" + id), "reduction_add3_" + id);
    const Value x4 = add(x2, averaged(x1, "reduction_left4_" + id), "");
    const Value narrow = separable(x1, filters, 3, 1, "reduction_left4_" + id);
    const Value x5 = add(narrow, largest("reduction_right5_"), "reduction_add4_" + id);
    return concatenate({x2, x3, x4, x5}, "reduction_concat_" + id);
  }

  GRAFT_COLD static Value norm(const Value& x, const std::string& name) {
    return BatchNormalization<Scalar>({.momentum = 0.9997, .epsilon = 1e-3, .name = name})(x);
  }

 private:
  GRAFT_COLD static Value conv(const Value& x, Index filters, const std::string& name) {
    return Conv2D<Scalar>(filters, 1,
                          {.padding = "same", .use_bias = false, .kernel_initializer = "he_normal", .name = name})(x);
  }
  GRAFT_COLD static Value add(const Value& a, const Value& b, const std::string& name) {
    return Add<Scalar>({.name = name})({a, b});
  }
  GRAFT_COLD static Value concatenate(const std::vector<Value>& parts, const std::string& name) {
    return Concatenate<Scalar>({.name = name})(parts);
  }
  GRAFT_COLD static Value averaged(const Value& x, const std::string& name) {
    return AveragePooling2D<Scalar>(3, {.strides = 1, .padding = "same", .name = name})(x);
  }

  /// Twice: activation, separable convolution, normalization. The first one has the stride.
  GRAFT_COLD static Value separable(const Value& x, Index filters, Index kernel, Index stride, const std::string& id) {
    Value y = relu(x);
    const bool pads = stride == 2;
    if (pads) y = ZeroPadding2D<Scalar>(correct_pad(y, kernel), {.name = "separable_conv_1_pad_" + id})(y);
    y = one_separable(y, filters, kernel, {.strides = stride, .padding = pads ? "valid" : "same"}, "1", id);
    return one_separable(relu(y), filters, kernel, {.padding = "same"}, "2", id);
  }
  GRAFT_COLD static Value one_separable(const Value& x, Index filters, Index kernel, SeparableConvOptions options,
                                        const std::string& number, const std::string& id) {
    options.use_bias = false;
    options.name = "separable_conv_" + number + "_" + id;
    return norm(SeparableConv2D<Scalar>(filters, kernel, options)(x), "separable_conv_" + number + "_bn_" + id);
  }

  GRAFT_COLD static Value adjusted(const Value& before, const Value& x, Index filters, const std::string& id) {
    if (!before) return x;
    if (before.shape()[2] != x.shape()[2]) return halved(before, filters, id);
    if (before.shape()[3] == filters) return before;
    return norm(conv(relu(before), filters, "adjust_conv_projection_" + id), "adjust_bn_" + id);
  }
  /// Every second pixel, once from the first and once from the second on.
  GRAFT_COLD static Value halved(const Value& x, Index filters, const std::string& id) {
    const Value p = relu(x, "adjust_relu_1_" + id);
    const auto path = [&](const Value& from, const std::string& number) {
      const Value every =
          AveragePooling2D<Scalar>(1, {.strides = 2, .name = "adjust_avg_pool_" + number + "_" + id})(from);
      return conv(every, filters / 2, "adjust_conv_" + number + "_" + id);
    };
    const Value first = path(p, "1");
    const Value shifted = Cropping2D<Scalar>({{1, 0}, {1, 0}})(ZeroPadding2D<Scalar>({{0, 1}, {0, 1}})(p));
    return norm(concatenate({first, path(shifted, "2")}, ""), "adjust_bn_" + id);
  }
};

struct NasNetSize {
  Index filters;  ///< of a cell before the first reduction
  Index blocks;   ///< normal cells between two reductions
  Index stem_filters;
  bool skip_reduction;  ///< a cell behind a reduction sees what was in front of it, not its input
};

template <class Scalar>
GRAFT_COLD Model<Scalar> nasnet(Application application, const std::string& file, const NasNetSize& size,
                                ApplicationOptions options) {
  using Cells = NasNetCells<Scalar>;
  using Value = Symbol<Scalar>;
  application.file = official_url("nasnet/NASNet-" + file + ".h5");
  application.file_no_top = official_url("nasnet/NASNet-" + file + "-no-top.h5");
  Shape& shape = options.input_shape;
  if (shape.empty()) shape = {application.default_size, application.default_size, 3};
  if (shape.rank() == 3 && (shape[0] == Shape::kUnknown || shape[1] == Shape::kUnknown)) {
    fail<ConfigError>(application.where() + ": input_shape", "known sizes", shape.str(),
                      "Which cells bring their inputs to one size depends on them.");
  }
  Net<Scalar> net(std::move(application), options);
  Value x = Conv2D<Scalar>(
      size.stem_filters, 3,
      {.strides = 2, .use_bias = false, .kernel_initializer = "he_normal", .name = "stem_conv1"})(net.input());
  x = Cells::norm(x, "stem_bn1");
  Value before;
  // Every cell hands on its input as the next one's `before`.
  const auto reduce = [&](Index filters, const std::string& id, bool keep) {
    const Value y = Cells::reduction(x, before, filters, id);
    if (!keep) before = x;
    x = y;
  };
  reduce(size.filters / 4, "stem_1", false);
  reduce(size.filters / 2, "stem_2", false);
  for (Index part = 0; part < 3; ++part) {
    const Index filters = size.filters << part, first = part * size.blocks;
    if (part > 0) reduce(filters, "reduce_" + std::to_string(first), size.skip_reduction);
    for (Index i = 0; i < size.blocks; ++i) {
      // Keras leaves out a number behind the first reduction.
      const Value y = Cells::normal(x, before, filters, std::to_string(first + i + (part > 0 ? 1 : 0)));
      before = x;
      x = y;
    }
  }
  return net.model(net.end(relu(x), "", false));
}

}  // namespace graft::applications::detail
