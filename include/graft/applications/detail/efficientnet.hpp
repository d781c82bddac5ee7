#pragma once

#include <cmath>

#include "graft/applications/detail/net.hpp"

// What EfficientNet and EfficientNetV2 share.
namespace graft::applications::detail {

/// A line of the tables in the papers: `repeats` blocks, of which the first has the stride.
struct EfficientStage {
  bool fused;  ///< one convolution in place of the widening and the depthwise one
  Index kernel, stride, expansion, filters_in, filters_out, repeats;
  double excite;  ///< squeeze-and-excite: its inner width, relative to filters_in; 0: none
};

template <class Scalar>
class EfficientBlocks {
 public:
  using Value = Symbol<Scalar>;

  /// The settings of a network.
  double momentum = 0.99;
  bool pads = false;  ///< strides by zeros in front of a "valid" convolution, not by "same"

  GRAFT_COLD static Initializer conv_initializer() {
    return VarianceScaling({.scale = 2.0, .mode = "fan_out", .distribution = "truncated_normal"});
  }
  GRAFT_COLD static Initializer dense_initializer() {
    return VarianceScaling({.scale = 1.0 / 3.0, .mode = "fan_out", .distribution = "uniform"});
  }

  GRAFT_COLD Value norm(const Value& x, const std::string& name) const {
    return BatchNormalization<Scalar>({.axis = 3, .momentum = momentum, .name = name})(x);
  }
  /// Without bias.
  GRAFT_COLD static Value conv(const Value& x, Index filters, Index kernel, Index stride, const char* padding,
                               const std::string& name) {
    return Conv2D<Scalar>(filters, kernel,
                          {.strides = stride,
                           .padding = padding,
                           .use_bias = false,
                           .kernel_initializer = conv_initializer(),
                           .name = name})(x);
  }
  GRAFT_COLD Value norm_silu(const Value& x, const std::string& norm_name, const std::string& name) const {
    return activation(norm(x, norm_name), "silu", name);
  }

  /// `stage` with the numbers of filters of this very block; `drop_rate`: how often training leaves it out.
  GRAFT_COLD Value block(const Value& x, const EfficientStage& stage, Index stride, double drop_rate,
                         const std::string& name) const {
    const Index filters = stage.filters_in * stage.expansion;
    const bool widens = stage.expansion != 1;
    Value y = x;
    if (stage.fused && widens) {
      y = conv(y, filters, stage.kernel, stride, "same", name + "expand_conv");
    } else if (widens) {
      y = conv(y, filters, 1, 1, "same", name + "expand_conv");
    }
    if (widens) y = norm_silu(y, name + "expand_bn", name + "expand_activation");
    if (!stage.fused) y = depthwise(y, stage.kernel, stride, name);
    if (stage.excite > 0) y = excite(y, stage, filters, name);

    const bool convolves = stage.fused && !widens;  // the only convolution there is
    y = conv(y, stage.filters_out, convolves ? stage.kernel : 1, convolves ? stride : 1, "same", name + "project_conv");
    y = norm(y, name + "project_bn");
    if (convolves) y = activation(y, "silu", name + "project_activation");
    if (stride != 1 || stage.filters_in != stage.filters_out) return y;
    if (drop_rate > 0) {
      y = Dropout<Scalar>(drop_rate, {.noise_shape = Shape{Shape::kUnknown, 1, 1, 1}, .name = name + "drop"})(y);
    }
    return Add<Scalar>({.name = name + "add"})({y, x});
  }

  /// The last layers; `filters` of the last convolution.
  GRAFT_COLD Value top(const Net<Scalar>& net, const Value& x, Index filters, double dropout) const {
    Value y = conv(x, filters, 1, 1, "same", "top_conv");
    y = norm_silu(y, "top_bn", "top_activation");
    if (!net.options().include_top) return net.pooled(y, true);
    y = GlobalAveragePooling2D<Scalar>({.name = "avg_pool"})(y);
    if (dropout > 0) y = Dropout<Scalar>(dropout, {.name = "top_dropout"})(y);
    return net.predictions(y, dense_initializer());
  }

 private:
  GRAFT_COLD Value depthwise(const Value& x, Index kernel, Index stride, const std::string& name) const {
    const bool padded = pads && stride == 2;
    Value y = padded ? ZeroPadding2D<Scalar>(correct_pad(x, kernel), {.name = name + "dwconv_pad"})(x) : x;
    y = DepthwiseConv2D<Scalar>(kernel, {.strides = stride,
                                         .padding = padded ? "valid" : "same",
                                         .use_bias = false,
                                         .depthwise_initializer = conv_initializer(),
                                         .name = name + (pads ? "dwconv" : "dwconv2")})(y);
    return norm_silu(y, name + "bn", name + "activation");
  }
  GRAFT_COLD static Value excite(const Value& x, const EfficientStage& stage, Index filters, const std::string& name) {
    const auto narrow = std::max<Index>(1, static_cast<Index>(static_cast<double>(stage.filters_in) * stage.excite));
    const auto gate = [&](const Value& from, Index count, const char* function, const char* part) {
      return Conv2D<Scalar>(
          count, 1,
          {.padding = "same", .activation = function, .kernel_initializer = conv_initializer(), .name = name + part})(
          from);
    };
    Value y = GlobalAveragePooling2D<Scalar>({.name = name + "se_squeeze"})(x);
    y = Reshape<Scalar>({1, 1, filters}, {.name = name + "se_reshape"})(y);
    y = gate(gate(y, narrow, "silu", "se_reduce"), filters, "sigmoid", "se_expand");
    return Multiply<Scalar>({.name = name + "se_excite"})({x, y});
  }
};

inline Index round_repeats(Index repeats, double depth) {
  return static_cast<Index>(std::ceil(depth * static_cast<double>(repeats)));
}

/// All blocks. `round` gives the numbers of filters; `total` blocks are counted for the rates of dropping.
template <class Scalar, class Round>
GRAFT_COLD Symbol<Scalar> efficient_stages(const EfficientBlocks<Scalar>& blocks, Symbol<Scalar> x,
                                           const std::vector<EfficientStage>& stages, double depth, Index total,
                                           const Round& round) {
  constexpr double kDropRate = 0.2;
  Index number = 0;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    EfficientStage stage = stages[i];
    stage.filters_in = round(stage.filters_in);
    stage.filters_out = round(stage.filters_out);
    for (Index j = 0, repeats = round_repeats(stage.repeats, depth); j < repeats; ++j) {
      const std::string name = "block" + std::to_string(i + 1) + static_cast<char>('a' + j) + "_";
      const double drop = kDropRate * static_cast<double>(number++) / static_cast<double>(total);
      x = blocks.block(x, stage, j == 0 ? stage.stride : 1, drop, name);
      stage.filters_in = stage.filters_out;
    }
  }
  return x;
}

}  // namespace graft::applications::detail
