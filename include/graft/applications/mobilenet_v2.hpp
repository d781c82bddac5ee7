#pragma once

#include "graft/applications/detail/mobilenet.hpp"

namespace graft::applications {

struct MobileNetV2Options {
  Shape input_shape = {};
  double alpha = 1.0;  ///< width: factor of the numbers of filters, except, below 1, of the last convolution's
  bool include_top = true;
  std::string weights = {};
  std::string pooling = {};
  Index classes = 1000;
  ActivationFunction classifier_activation = "softmax";
  std::string name = {};
};

namespace detail {

template <class Scalar>
class MobileNetV2Blocks {
  using Value = Symbol<Scalar>;

 public:
  /// Widens (not the first one), convolves depthwise, narrows; a shortcut where shapes allow it.
  GRAFT_COLD static Value inverted(const Value& x, double filters, Index stride, Index number) {
    const std::string prefix = number == 0 ? "expanded_conv_" : "block_" + std::to_string(number) + "_";
    const Index channels = x.shape()[3], narrow = make_divisible(filters);
    Value y = x;
    if (number != 0) {
      y = conv(y, 6 * channels, {.padding = "same", .use_bias = false, .name = prefix + "expand"});
      y = relu6(norm(y, prefix + "expand_BN"), prefix + "expand_relu");
    }
    if (stride == 2) y = ZeroPadding2D<Scalar>(correct_pad(y, 3), {.name = prefix + "pad"})(y);
    y = DepthwiseConv2D<Scalar>(3, {.strides = stride,
                                    .padding = stride == 1 ? "same" : "valid",
                                    .use_bias = false,
                                    .name = prefix + "depthwise"})(y);
    y = relu6(norm(y, prefix + "depthwise_BN"), prefix + "depthwise_relu");
    y = conv(y, narrow, {.padding = "same", .use_bias = false, .name = prefix + "project"});
    y = norm(y, prefix + "project_BN");
    if (stride != 1 || channels != narrow) return y;
    return Add<Scalar>({.name = prefix + "add"})({x, y});
  }
  GRAFT_COLD static Value norm(const Value& x, const std::string& name) {
    return BatchNormalization<Scalar>({.momentum = 0.999, .epsilon = 1e-3, .name = name})(x);
  }
  GRAFT_COLD static Value conv(const Value& x, Index filters, ConvOptions options, Index kernel = 1) {
    return Conv2D<Scalar>(filters, kernel, std::move(options))(x);
  }
};

}  // namespace detail

/// Sandler et al. 2018 (arXiv 1801.04381). 224 x 224, pixels in [-1, 1]: preprocess_input in the mode "tf". Least size
/// 32. Keras's weights: alpha 0.35, 0.5, 0.75, 1, 1.3, 1.4 for pictures of 96, 128, 160, 192, 224.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> MobileNetV2(const MobileNetV2Options& options = {}) {
  using Blocks = detail::MobileNetV2Blocks<Scalar>;
  const double alpha = options.alpha;
  const detail::MobileNetSize size("MobileNetV2", options, {96, 128, 160, 192, 224}, {0.35, 0.5, 0.75, 1.0, 1.3, 1.4});
  const std::string stem =
      detail::official_url("mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_" +
                           text::number(alpha == 1.0 ? "%.1f" : "%g", alpha) + "_" + std::to_string(size.official()));
  detail::Net<Scalar> net(
      {"MobileNetV2", size.model_name("mobilenetv2"), size.official(), 32, stem + ".h5", stem + "_no_top.h5"},
      detail::common_options(options));

  auto x = Blocks::conv(net.input(), detail::make_divisible(32 * alpha),
                        {.strides = 2, .padding = "same", .use_bias = false, .name = "Conv1"}, 3);
  x = detail::relu6(Blocks::norm(x, "bn_Conv1"), "Conv1_relu");
  struct Stage {
    double filters;
    Index stride, repeats;
  };
  Index number = 0;
  for (const Stage& stage :
       {Stage{16, 1, 1}, {24, 2, 2}, {32, 2, 3}, {64, 2, 4}, {96, 1, 3}, {160, 2, 3}, {320, 1, 1}}) {
    // Keras rounds to an integer before it rounds to a multiple of 8.
    const double filters = std::floor(stage.filters * alpha);
    for (Index i = 0; i < stage.repeats; ++i) x = Blocks::inverted(x, filters, i == 0 ? stage.stride : 1, number++);
  }
  const Index last = alpha > 1 ? detail::make_divisible(1280 * alpha) : 1280;
  x = Blocks::conv(x, last, {.use_bias = false, .name = "Conv_1"});
  x = detail::relu6(Blocks::norm(x, "Conv_1_bn"), "out_relu");
  return net.model(net.end(x, "", false));
}

}  // namespace graft::applications
