#pragma once

#include "graft/applications/detail/mobilenet.hpp"

namespace graft::applications {

struct MobileNetOptions {
  Shape input_shape = {};
  double alpha = 1.0;          ///< width: factor of the numbers of filters
  Index depth_multiplier = 1;  ///< outputs of a depthwise convolution for each channel
  double dropout = 0.001;      ///< in the top
  bool include_top = true;
  std::string weights = {};
  std::string pooling = {};
  Index classes = 1000;
  ActivationFunction classifier_activation = "softmax";
  std::string name = {};
};

namespace detail {

template <class Scalar>
class MobileNetBlocks {
  using Value = Symbol<Scalar>;

 public:
  GRAFT_COLD static Value separable(const Value& x, double filters, Index stride, Index number,
                                    const MobileNetOptions& options) {
    const std::string id = "_" + std::to_string(number), dw = "conv_dw" + id, pw = "conv_pw" + id;
    Value y = stride == 1 ? x : ZeroPadding2D<Scalar>({{0, 1}, {0, 1}}, {.name = "conv_pad" + id})(x);
    y = DepthwiseConv2D<Scalar>(3, {.strides = stride,
                                    .padding = stride == 1 ? "same" : "valid",
                                    .depth_multiplier = options.depth_multiplier,
                                    .use_bias = false,
                                    .name = dw})(y);
    return conv(norm_relu6(y, dw), filters * options.alpha, 1, 1, pw);
  }
  GRAFT_COLD static Value conv(const Value& x, double filters, Index kernel, Index stride, const std::string& name) {
    const auto count = static_cast<Index>(filters);
    return norm_relu6(
        Conv2D<Scalar>(count, kernel, {.strides = stride, .padding = "same", .use_bias = false, .name = name})(x),
        name);
  }

 private:
  GRAFT_COLD static Value norm_relu6(const Value& x, const std::string& name) {
    return relu6<Scalar>(BatchNormalization<Scalar>({.name = name + "_bn"})(x), name + "_relu");
  }
};

}  // namespace detail

/// Howard et al. 2017 (arXiv 1704.04861). 224 x 224, pixels in [-1, 1]: preprocess_input in the mode "tf". Least size
/// 32. Keras's weights: alpha 0.25, 0.5, 0.75, 1 for pictures of 128, 160, 192, 224.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> MobileNet(const MobileNetOptions& options = {}) {
  using Blocks = detail::MobileNetBlocks<Scalar>;
  const detail::MobileNetSize size("MobileNet", options, {128, 160, 192, 224}, {0.25, 0.5, 0.75, 1.0});
  if (detail::wants_imagenet(detail::common_options(options)) && options.depth_multiplier != 1) {
    fail<ConfigError>("applications::MobileNet", "depth_multiplier 1 with the ImageNet weights",
                      std::to_string(options.depth_multiplier));
  }
  const char* alpha = options.alpha == 1.0    ? "1_0"
                      : options.alpha == 0.75 ? "7_5"
                      : options.alpha == 0.5  ? "5_0"
                                              : "2_5";
  const std::string stem =
      detail::official_url(std::string("mobilenet/mobilenet_") + alpha + "_" + std::to_string(size.official()) + "_tf");
  detail::Net<Scalar> net(
      {"MobileNet", size.model_name("mobilenet"), size.official(), 32, stem + ".h5", stem + "_no_top.h5"},
      detail::common_options(options));

  auto x = Blocks::conv(net.input(), 32 * options.alpha, 3, 2, "conv1");
  struct Block {
    double filters;
    Index stride;
  };
  Index number = 0;
  for (const Block& block : {Block{64, 1},
                             {128, 2},
                             {128, 1},
                             {256, 2},
                             {256, 1},
                             {512, 2},
                             {512, 1},
                             {512, 1},
                             {512, 1},
                             {512, 1},
                             {512, 1},
                             {1024, 2},
                             {1024, 1}}) {
    x = Blocks::separable(x, block.filters, block.stride, ++number, options);
  }
  if (!options.include_top) return net.model(net.pooled(x, false));
  x = GlobalAveragePooling2D<Scalar>({.keepdims = true})(x);
  x = Dropout<Scalar>(options.dropout, {.name = "dropout"})(x);
  x = Conv2D<Scalar>(options.classes, 1, {.padding = "same", .name = "conv_preds"})(x);
  x = Reshape<Scalar>({options.classes}, {.name = "reshape_2"})(x);
  return net.model(detail::activation(x, options.classifier_activation, "predictions"));
}

}  // namespace graft::applications
