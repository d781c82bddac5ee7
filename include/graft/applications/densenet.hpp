#pragma once

#include "graft/applications/detail/net.hpp"

namespace graft::applications {

namespace detail {

template <class Scalar>
class DenseNetBlocks {
  using Value = Symbol<Scalar>;

 public:
  static constexpr Index kGrowth = 32;

  /// Appends 32 channels to x.
  GRAFT_COLD static Value dense(const Value& x, const std::string& name) {
    Value y = conv(norm_relu(x, name + "_0"), 4 * kGrowth, 1, {.use_bias = false, .name = name + "_1_conv"});
    y = conv(norm_relu(y, name + "_1"), kGrowth, 3, {.padding = "same", .use_bias = false, .name = name + "_2_conv"});
    return Concatenate<Scalar>({.axis = 3, .name = name + "_concat"})({x, y});
  }
  /// Halves channels and size.
  GRAFT_COLD static Value transition(const Value& x, const std::string& name) {
    const Index filters = x.shape()[3] / 2;
    const Value y = conv(norm_relu(x, name), filters, 1, {.use_bias = false, .name = name + "_conv"});
    return AveragePooling2D<Scalar>(2, {.strides = 2, .name = name + "_pool"})(y);
  }
  GRAFT_COLD static Value norm(const Value& x, const std::string& name) {
    return BatchNormalization<Scalar>({.axis = 3, .epsilon = 1.001e-5, .name = name})(x);
  }
  GRAFT_COLD static Value norm_relu(const Value& x, const std::string& name) {
    return relu(norm(x, name + "_bn"), name + "_relu");
  }
  GRAFT_COLD static Value conv(const Value& x, Index filters, Index kernel, ConvOptions options) {
    return Conv2D<Scalar>(filters, kernel, std::move(options))(x);
  }
};

/// `blocks`: dense blocks of the stacks conv2 … conv5.
template <class Scalar>
GRAFT_COLD Model<Scalar> densenet(const Application& application, const std::array<Index, 4>& blocks,
                                  const ApplicationOptions& options) {
  using Blocks = DenseNetBlocks<Scalar>;
  Net<Scalar> net(with_kernel_files(application, "densenet/" + application.name), options);
  auto x = ZeroPadding2D<Scalar>({{3, 3}, {3, 3}})(net.input());
  x = Blocks::norm_relu(Blocks::conv(x, 64, 7, {.strides = 2, .use_bias = false, .name = "conv1_conv"}), "conv1");
  x = ZeroPadding2D<Scalar>({{1, 1}, {1, 1}})(x);
  x = MaxPooling2D<Scalar>(3, {.strides = 2, .name = "pool1"})(x);
  for (std::size_t stack = 0; stack < blocks.size(); ++stack) {
    const std::string number = std::to_string(stack + 2);
    for (Index i = 1; i <= blocks[stack]; ++i) {
      x = Blocks::dense(x, "conv" + number + "_block" + std::to_string(i));
    }
    if (stack != 3) x = Blocks::transition(x, "pool" + number);
  }
  x = relu(Blocks::norm(x, "bn"), "relu");
  return net.model(net.end(x, "avg_pool", true));
}

}  // namespace detail

/// Huang et al. 2017 (arXiv 1608.06993). 224 x 224, pixels standardised with ImageNet's mean and deviation:
/// preprocess_input in the mode "torch". Least size 32.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> DenseNet121(const ApplicationOptions& options = {}) {
  return detail::densenet<Scalar>({"DenseNet121", "densenet121"}, {6, 12, 24, 16}, options);
}
/// DenseNet121 with more blocks.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> DenseNet169(const ApplicationOptions& options = {}) {
  return detail::densenet<Scalar>({"DenseNet169", "densenet169"}, {6, 12, 32, 32}, options);
}
/// DenseNet121 with more blocks.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> DenseNet201(const ApplicationOptions& options = {}) {
  return detail::densenet<Scalar>({"DenseNet201", "densenet201"}, {6, 12, 48, 32}, options);
}

}  // namespace graft::applications
