#pragma once

#include "graft/applications/detail/net.hpp"
#include "graft/graph/ops.hpp"

namespace graft::applications {

struct MobileNetV3Options {
  Shape input_shape = {};
  double alpha = 1.0;                 ///< width: factor of the numbers of filters
  bool minimalistic = false;          ///< without squeeze-and-excite, hard-swish and 5 x 5 kernels
  double dropout_rate = 0.2;          ///< in the top
  bool include_preprocessing = true;  ///< pixels 0 … 255 come in; false: they are in [-1, 1] already
  bool include_top = true;
  std::string weights = {};
  std::string pooling = {};
  Index classes = 1000;
  ActivationFunction classifier_activation = "softmax";
  std::string name = {};
};

namespace detail {

/// One line of the tables in the paper.
struct MobileNetV3Block {
  double expansion;
  double filters;
  bool wide;  ///< a 5 x 5 kernel
  Index stride;
  bool excite;      ///< squeeze-and-excite
  bool hard_swish;  ///< else ReLU
};

template <class Scalar>
class MobileNetV3Blocks {
  using Value = Symbol<Scalar>;

 public:
  GRAFT_COLD static Value activate(const Value& x, bool hard_swish) {
    return hard_swish ? activation(x, "hard_swish") : Value(ReLU<Scalar>()(x));
  }
  GRAFT_COLD static Value norm(const Value& x, const std::string& name) {
    return BatchNormalization<Scalar>({.momentum = 0.999, .epsilon = 1e-3, .name = name})(x);
  }
  GRAFT_COLD static Value conv(const Value& x, Index filters, const std::string& name, bool use_bias = false) {
    return Conv2D<Scalar>(filters, 1, {.padding = "same", .use_bias = use_bias, .name = name})(x);
  }

  GRAFT_COLD static Value inverted(const Value& x, const MobileNetV3Block& block, Index number, double alpha) {
    const std::string prefix = "expanded_conv_" + (number == 0 ? "" : std::to_string(number) + "_");
    const Index channels = x.shape()[3], filters = make_divisible(block.filters * alpha), kernel = block.wide ? 5 : 3;
    const Index wide = make_divisible(static_cast<double>(channels) * block.expansion);
    Value y = x;
    if (number != 0) y = activate(norm(conv(y, wide, prefix + "expand"), prefix + "expand_bn"), block.hard_swish);
    if (block.stride == 2) y = ZeroPadding2D<Scalar>(correct_pad(y, kernel), {.name = prefix + "depthwise_pad"})(y);
    y = DepthwiseConv2D<Scalar>(kernel, {.strides = block.stride,
                                         .padding = block.stride == 1 ? "same" : "valid",
                                         .use_bias = false,
                                         .name = prefix + "depthwise"})(y);
    y = activate(norm(y, prefix + "depthwise_bn"), block.hard_swish);
    if (block.excite) y = excite(y, wide, prefix + "squeeze_excite_");
    y = norm(conv(y, filters, prefix + "project"), prefix + "project_bn");
    if (block.stride != 1 || channels != filters) return y;
    return Add<Scalar>({.name = prefix + "add"})({x, y});
  }

 private:
  GRAFT_COLD static Value excite(const Value& x, Index filters, const std::string& prefix) {
    Value y = GlobalAveragePooling2D<Scalar>({.keepdims = true, .name = prefix + "avg_pool"})(x);
    y = conv(y, make_divisible(static_cast<double>(filters) * 0.25), prefix + "conv", true);
    y = ReLU<Scalar>({.name = prefix + "relu"})(y);
    y = conv(y, filters, prefix + "conv_1", true);
    y = relu6(y + 3.0) * (1.0 / 6.0);  // hard_sigmoid, as the operations that Keras makes of it
    return Multiply<Scalar>({.name = prefix + "mul"})({x, y});
  }
};

template <class Scalar>
GRAFT_COLD Model<Scalar> mobilenet_v3(const std::string& title, const std::string& type, double last_filters,
                                      const std::vector<MobileNetV3Block>& blocks, const MobileNetV3Options& options) {
  using Blocks = MobileNetV3Blocks<Scalar>;
  const std::string where = "applications::" + title;
  const double alpha = options.alpha;
  if (!(alpha > 0 && alpha <= 100)) fail<ConfigError>(where, "alpha above 0, at most 100", std::to_string(alpha));
  if (options.weights == "imagenet" && alpha != 1.0 && (options.minimalistic || alpha != 0.75)) {
    fail<ConfigError>(where,
                      options.minimalistic ? "alpha 1 with the minimalistic ImageNet weights"
                                           : "alpha 0.75 or 1 with the ImageNet weights",
                      text::number("%g", alpha));
  }
  const std::string stem =
      official_url("mobilenet_v3/weights_mobilenet_v3_" + type + (options.minimalistic ? "_minimalistic" : "") +
                   "_224_" + text::number(alpha == 1.0 ? "%.1f" : "%g", alpha) + "_float");
  Net<Scalar> net({title, title, 224, 32, stem + ".h5", stem + "_no_top_v2.h5", true}, common_options(options));

  const bool full = !options.minimalistic;
  auto x = net.input();
  if (options.include_preprocessing) x = Rescaling<Scalar>(1.0 / 127.5, {.offset = -1.0})(x);
  x = Conv2D<Scalar>(16, 3, {.strides = 2, .padding = "same", .use_bias = false, .name = "conv"})(x);
  x = Blocks::activate(Blocks::norm(x, "conv_bn"), full);
  Index number = 0;
  for (MobileNetV3Block block : blocks) {
    block.wide &= full, block.excite &= full, block.hard_swish &= full;
    x = Blocks::inverted(x, block, number++, alpha);
  }
  x = Blocks::conv(x, make_divisible(static_cast<double>(x.shape()[3]) * 6), "conv_1");
  x = Blocks::activate(Blocks::norm(x, "conv_1_bn"), full);
  if (!options.include_top) return net.model(net.pooled(x, true));

  x = GlobalAveragePooling2D<Scalar>({.keepdims = true})(x);
  x = Blocks::conv(x, alpha > 1 ? make_divisible(last_filters * alpha) : static_cast<Index>(last_filters), "conv_2",
                   true);
  x = Blocks::activate(x, full);
  if (options.dropout_rate > 0) x = Dropout<Scalar>(options.dropout_rate)(x);
  x = Flatten<Scalar>()(Blocks::conv(x, options.classes, "logits", true));
  return net.model(activation(x, options.classifier_activation, "predictions"));
}

}  // namespace detail

/// Howard et al. 2019 (arXiv 1905.02244). Any size from 32 on, open unless given; pixels 0 … 255 as they are
/// (preprocess_input changes nothing). Keras's weights: 224 x 224, alpha 0.75 and 1, minimalistic alpha 1.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> MobileNetV3Small(const MobileNetV3Options& options = {}) {
  return detail::mobilenet_v3<Scalar>("MobileNetV3Small", "small", 1024,
                                      {{1, 16, false, 2, true, false},
                                       {72.0 / 16, 24, false, 2, false, false},
                                       {88.0 / 24, 24, false, 1, false, false},
                                       {4, 40, true, 2, true, true},
                                       {6, 40, true, 1, true, true},
                                       {6, 40, true, 1, true, true},
                                       {3, 48, true, 1, true, true},
                                       {3, 48, true, 1, true, true},
                                       {6, 96, true, 2, true, true},
                                       {6, 96, true, 1, true, true},
                                       {6, 96, true, 1, true, true}},
                                      options);
}

/// MobileNetV3Small's larger sister.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> MobileNetV3Large(const MobileNetV3Options& options = {}) {
  return detail::mobilenet_v3<Scalar>("MobileNetV3Large", "large", 1280,
                                      {{1, 16, false, 1, false, false},
                                       {4, 24, false, 2, false, false},
                                       {3, 24, false, 1, false, false},
                                       {3, 40, true, 2, true, false},
                                       {3, 40, true, 1, true, false},
                                       {3, 40, true, 1, true, false},
                                       {6, 80, false, 2, false, true},
                                       {2.5, 80, false, 1, false, true},
                                       {2.3, 80, false, 1, false, true},
                                       {2.3, 80, false, 1, false, true},
                                       {6, 112, false, 1, true, true},
                                       {6, 112, false, 1, true, true},
                                       {6, 160, true, 2, true, true},
                                       {6, 160, true, 1, true, true},
                                       {6, 160, true, 1, true, true}},
                                      options);
}

}  // namespace graft::applications
