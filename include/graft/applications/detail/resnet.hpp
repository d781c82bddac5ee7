#pragma once

#include "graft/applications/detail/net.hpp"

// ResNet and ResNetV2: the residual blocks, and the rest that they share.
namespace graft::applications::detail {

template <class Scalar>
class ResNetBlocks {
  using Value = Symbol<Scalar>;

 public:
  /// x + three convolutions, each with its normalization; then the activation.
  GRAFT_COLD static Value v1(const Value& x, Index filters, Index stride, bool project, const std::string& name) {
    Value shortcut = x;
    if (project) {
      shortcut = conv(x, 4 * filters, 1, {.strides = stride, .name = name + "_0_conv"});
      shortcut = norm(shortcut, name + "_0_bn");
    }
    Value y = conv(x, filters, 1, {.strides = stride, .name = name + "_1_conv"});
    y = relu(norm(y, name + "_1_bn"), name + "_1_relu");
    y = conv(y, filters, 3, {.padding = "same", .name = name + "_2_conv"});
    y = relu(norm(y, name + "_2_bn"), name + "_2_relu");
    y = norm(conv(y, 4 * filters, 1, {.name = name + "_3_conv"}), name + "_3_bn");
    return relu(Add<Scalar>({.name = name + "_add"})({shortcut, y}), name + "_out");
  }

  /// Normalization and activation stand in front; the sum is left as it is.
  GRAFT_COLD static Value v2(const Value& x, Index filters, Index stride, bool project, const std::string& name) {
    const Value front = relu(norm(x, name + "_preact_bn"), name + "_preact_relu");
    Value shortcut = x;
    if (project) shortcut = conv(front, 4 * filters, 1, {.strides = stride, .name = name + "_0_conv"});
    else if (stride > 1) shortcut = MaxPooling2D<Scalar>(1, {.strides = stride})(x);
    Value y = conv(front, filters, 1, {.use_bias = false, .name = name + "_1_conv"});
    y = relu(norm(y, name + "_1_bn"), name + "_1_relu");
    y = ZeroPadding2D<Scalar>(1, {.name = name + "_2_pad"})(y);
    y = conv(y, filters, 3, {.strides = stride, .use_bias = false, .name = name + "_2_conv"});
    y = relu(norm(y, name + "_2_bn"), name + "_2_relu");
    y = conv(y, 4 * filters, 1, {.name = name + "_3_conv"});
    return Add<Scalar>({.name = name + "_out"})({shortcut, y});
  }

  GRAFT_COLD static Value norm(const Value& x, const std::string& name) {
    return BatchNormalization<Scalar>({.axis = 3, .epsilon = 1.001e-5, .name = name})(x);
  }
  GRAFT_COLD static Value conv(const Value& x, Index filters, Index kernel, ConvOptions options) {
    return Conv2D<Scalar>(filters, kernel, std::move(options))(x);
  }
};

/// `blocks`: residual blocks of the stacks conv2 … conv5.
template <class Scalar>
GRAFT_COLD Model<Scalar> resnet(const Application& application, const std::array<Index, 4>& blocks, bool v2,
                                const ApplicationOptions& options) {
  using Blocks = ResNetBlocks<Scalar>;
  Net<Scalar> net(with_kernel_files(application, "resnet/" + application.name), options);
  auto x = ZeroPadding2D<Scalar>(3, {.name = "conv1_pad"})(net.input());
  x = Blocks::conv(x, 64, 7, {.strides = 2, .name = "conv1_conv"});
  if (!v2) x = relu(Blocks::norm(x, "conv1_bn"), "conv1_relu");
  x = ZeroPadding2D<Scalar>(1, {.name = "pool1_pad"})(x);
  x = MaxPooling2D<Scalar>(3, {.strides = 2, .name = "pool1_pool"})(x);

  for (std::size_t stack = 0; stack < blocks.size(); ++stack) {
    const Index filters = Index{64} << stack;
    for (Index i = 1; i <= blocks[stack]; ++i) {
      const std::string block = "conv" + std::to_string(stack + 2) + "_block" + std::to_string(i);
      // The first version halves the size at the beginning of a stack, the second at its end.
      const bool halves = v2 ? i == blocks[stack] && stack != 3 : i == 1 && stack != 0;
      const Index stride = halves ? 2 : 1;
      x = v2 ? Blocks::v2(x, filters, stride, i == 1, block) : Blocks::v1(x, filters, stride, i == 1, block);
    }
  }
  if (v2) x = relu(Blocks::norm(x, "post_bn"), "post_relu");
  return net.model(net.end(x, "avg_pool", true));
}

}  // namespace graft::applications::detail
