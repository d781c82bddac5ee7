#pragma once

#include "graft/applications/detail/net.hpp"

// What InceptionV3 and InceptionResNetV2 are made of.
namespace graft::applications::detail {

struct InceptionConv {
  Index stride = 1;
  const char* padding = "same";
  std::string conv_name = {}, norm_name = {}, activation_name = {};
};

template <class Scalar>
class InceptionBlocks {
 public:
  using Value = Symbol<Scalar>;
  using Conv = InceptionConv;

  /// Convolution without bias, normalization without scale, ReLU.
  GRAFT_COLD static Value conv(const Value& x, Index filters, const PerAxis& kernel, const Conv& options = {}) {
    Value y = Conv2D<Scalar>(
        filters, kernel,
        {.strides = options.stride, .padding = options.padding, .use_bias = false, .name = options.conv_name})(x);
    y = BatchNormalization<Scalar>({.axis = 3, .scale = false, .name = options.norm_name})(y);
    return relu(y, options.activation_name);
  }
  GRAFT_COLD static Value average(const Value& x) {
    return AveragePooling2D<Scalar>(3, {.strides = 1, .padding = "same"})(x);
  }
  GRAFT_COLD static Value halved(const Value& x) { return MaxPooling2D<Scalar>(3, {.strides = 2})(x); }
  GRAFT_COLD static Value concatenate(const std::vector<Value>& branches, const std::string& name = {}) {
    return Concatenate<Scalar>({.axis = 3, .name = name})(branches);
  }

  /// The first layers.
  GRAFT_COLD static Value stem(const Value& input) {
    Value x = conv(input, 32, 3, {2, "valid"});
    x = conv(x, 32, 3, {1, "valid"});
    x = halved(conv(x, 64, 3));
    x = conv(x, 80, 1, {1, "valid"});
    return halved(conv(x, 192, 3, {1, "valid"}));
  }
  /// Branches of 1 x 1, 5 x 5, twice 3 x 3, and of a pooling. The layers are made in this order, which gives them their
  /// automatic names.
  GRAFT_COLD static Value block_5x5(const Value& x, Index first, Index pool, const std::string& name) {
    const Value one = conv(x, first, 1);
    const Value five = conv(conv(x, 48, 1), 64, 5);
    const Value three = conv(conv(conv(x, 64, 1), 96, 3), 96, 3);
    return concatenate({one, five, three, conv(average(x), pool, 1)}, name);
  }
};

}  // namespace graft::applications::detail
