#pragma once

#include "graft/applications/detail/net.hpp"

namespace graft::applications {

namespace detail {

template <class Scalar>
class XceptionBlocks {
  using Value = Symbol<Scalar>;

 public:
  /// A separable convolution with its normalization; "block2_sepconv1".
  GRAFT_COLD static Value separable(const Value& x, Index filters, const std::string& name) {
    const Value y = SeparableConv2D<Scalar>(filters, 3, {.padding = "same", .use_bias = false, .name = name})(x);
    return BatchNormalization<Scalar>({.name = name + "_bn"})(y);
  }
  GRAFT_COLD static Value conv(const Value& x, Index filters, Index stride, const std::string& name) {
    const Value y = Conv2D<Scalar>(filters, 3, {.strides = stride, .use_bias = false, .name = name})(x);
    return relu<Scalar>(BatchNormalization<Scalar>({.name = name + "_bn"})(y), name + "_act");
  }

  /// Halves the size: two separable convolutions and a pooling beside a 1 x 1 convolution.
  GRAFT_COLD static Value halving(const Value& x, Index between, Index filters, Index number) {
    const std::string prefix = "block" + std::to_string(number) + "_";
    Value shortcut = Conv2D<Scalar>(filters, 1, {.strides = 2, .padding = "same", .use_bias = false})(x);
    shortcut = BatchNormalization<Scalar>()(shortcut);
    Value y = number == 2 ? x : relu(x, prefix + "sepconv1_act");
    y = separable(y, between, prefix + "sepconv1");
    y = separable(relu(y, prefix + "sepconv2_act"), filters, prefix + "sepconv2");
    y = MaxPooling2D<Scalar>(3, {.strides = 2, .padding = "same", .name = prefix + "pool"})(y);
    return Add<Scalar>()({y, shortcut});
  }
  GRAFT_COLD static Value middle(const Value& x, Index number) {
    Value y = x;
    for (const char* part : {"sepconv1", "sepconv2", "sepconv3"}) {
      const std::string name = "block" + std::to_string(number) + "_" + part;
      y = separable(relu(y, name + "_act"), 728, name);
    }
    return Add<Scalar>()({y, x});
  }
};

}  // namespace detail

/// Chollet 2017 (arXiv 1610.02357). 299 x 299, pixels in [-1, 1]: preprocess_input in the mode "tf". Least size 71.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> Xception(const ApplicationOptions& options = {}) {
  using Blocks = detail::XceptionBlocks<Scalar>;
  detail::Net<Scalar> net(detail::with_kernel_files({"Xception", "xception", 299, 71}, "xception/xception"), options);
  auto x = Blocks::conv(net.input(), 32, 2, "block1_conv1");
  x = Blocks::conv(x, 64, 1, "block1_conv2");
  x = Blocks::halving(x, 128, 128, 2);
  x = Blocks::halving(x, 256, 256, 3);
  x = Blocks::halving(x, 728, 728, 4);
  for (Index number = 5; number < 13; ++number) x = Blocks::middle(x, number);
  x = Blocks::halving(x, 728, 1024, 13);
  x = detail::relu(Blocks::separable(x, 1536, "block14_sepconv1"), "block14_sepconv1_act");
  x = detail::relu(Blocks::separable(x, 2048, "block14_sepconv2"), "block14_sepconv2_act");
  return net.model(net.end(x, "avg_pool", false));
}

}  // namespace graft::applications
