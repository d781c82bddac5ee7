#pragma once

#include "graft/applications/detail/net.hpp"
#include "graft/graph/ops.hpp"
#include "graft/models/sequential.hpp"
#include "graft/nn/layers/layer_scale.hpp"

namespace graft::applications {

struct ConvNeXtOptions {
  Shape input_shape = {};
  bool include_preprocessing = true;  ///< pixels 0 … 255 come in; false: they are standardised already
  bool include_top = true;
  std::string weights = {};
  std::string pooling = {};
  Index classes = 1000;
  ActivationFunction classifier_activation = "softmax";
  std::string name = {};
};

namespace detail {

template <class Scalar>
class ConvNeXtBlocks {
 public:
  using Value = Symbol<Scalar>;

  GRAFT_COLD static Value block(const Value& x, Index filters, const std::string& name) {
    Value y = Conv2D<Scalar>(filters, 7, {.padding = "same", .groups = filters, .name = name + "_depthwise_conv"})(x);
    y = norm(name + "_layernorm")(y);
    y = Dense<Scalar>(4 * filters, {.name = name + "_pointwise_conv_1"})(y);
    y = activation(y, "gelu", name + "_gelu");
    y = Dense<Scalar>(filters, {.name = name + "_pointwise_conv_2"})(y);
    y = LayerScale<Scalar>(1e-6, filters, {.name = name + "_layer_scale"})(y);
    return x + activation(y, "linear", name + "_identity");
  }
  /// A convolution whose windows do not overlap, and a normalization, as a model of their own.
  GRAFT_COLD static Layer<Scalar> patches(Index filters, const std::string& name) {
    return Sequential<Scalar>({conv(filters, 4, name + "_stem_conv"), norm(name + "_stem_layernorm")},
                              {.name = name + "_stem"});
  }
  GRAFT_COLD static Layer<Scalar> downsampling(Index filters, const std::string& name, const std::string& number) {
    return Sequential<Scalar>(
        {norm(name + "_downsampling_layernorm_" + number), conv(filters, 2, name + "_downsampling_conv_" + number)},
        {.name = name + "_downsampling_block_" + number});
  }
  GRAFT_COLD static Layer<Scalar> norm(const std::string& name) {
    return LayerNormalization<Scalar>({.epsilon = 1e-6, .name = name});
  }

 private:
  GRAFT_COLD static Layer<Scalar> conv(Index filters, Index kernel, const std::string& name) {
    return Conv2D<Scalar>(filters, kernel, {.strides = kernel, .name = name});
  }
};

/// `filters`: of the first stage; each of the others has twice as many as the one before.
template <class Scalar>
GRAFT_COLD Model<Scalar> convnext(const std::string& title, const std::string& own_name,
                                  const std::array<Index, 4>& depths, Index filters, const ConvNeXtOptions& options) {
  using Blocks = ConvNeXtBlocks<Scalar>;
  const std::string stem = official_url("convnext/" + own_name);
  Net<Scalar> net({title, own_name, 224, 32, stem + ".h5", stem + "_notop.h5"}, common_options(options));
  // Keras: the names of the layers begin with that of the model.
  const std::string name = options.name.empty() ? own_name : options.name;
  auto x = net.input();
  if (options.include_preprocessing && net.channels() == 3) {
    const auto squared = [](double deviation) { return (deviation * 255) * (deviation * 255); };
    x = Normalization<Scalar>({.mean = {0.485 * 255, 0.456 * 255, 0.406 * 255},
                               .variance = {squared(0.229), squared(0.224), squared(0.225)},
                               .name = name + "_prestem_normalization"})(x);
  }
  for (std::size_t stage = 0; stage < depths.size(); ++stage) {
    const Index width = filters << stage;
    x = (stage == 0 ? Blocks::patches(width, name) : Blocks::downsampling(width, name, std::to_string(stage - 1)))(x);
    for (Index i = 0; i < depths[stage]; ++i) {
      x = Blocks::block(x, width, name + "_stage_" + std::to_string(stage) + "_block_" + std::to_string(i));
    }
  }
  if (!options.include_top) return net.model(Blocks::norm("")(net.pooled(x, false)));
  x = GlobalAveragePooling2D<Scalar>({.name = name + "_head_gap"})(x);
  x = Blocks::norm(name + "_head_layernorm")(x);
  return net.model(
      Dense<Scalar>(options.classes, {.activation = options.classifier_activation, .name = name + "_head_dense"})(x));
}

}  // namespace detail

/// Liu et al. 2022 (arXiv 2201.03545). 224 x 224, pixels 0 … 255 as they are (preprocess_input changes nothing). Least
/// size 32. Without a top the output is normalized behind the pooling.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> ConvNeXtTiny(const ConvNeXtOptions& options = {}) {
  return detail::convnext<Scalar>("ConvNeXtTiny", "convnext_tiny", {3, 3, 9, 3}, 96, options);
}
/// ConvNeXtTiny with more blocks.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> ConvNeXtSmall(const ConvNeXtOptions& options = {}) {
  return detail::convnext<Scalar>("ConvNeXtSmall", "convnext_small", {3, 3, 27, 3}, 96, options);
}
/// ConvNeXtSmall with more filters.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> ConvNeXtBase(const ConvNeXtOptions& options = {}) {
  return detail::convnext<Scalar>("ConvNeXtBase", "convnext_base", {3, 3, 27, 3}, 128, options);
}
/// ConvNeXtSmall with more filters.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> ConvNeXtLarge(const ConvNeXtOptions& options = {}) {
  return detail::convnext<Scalar>("ConvNeXtLarge", "convnext_large", {3, 3, 27, 3}, 192, options);
}
/// ConvNeXtSmall with more filters.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> ConvNeXtXLarge(const ConvNeXtOptions& options = {}) {
  return detail::convnext<Scalar>("ConvNeXtXLarge", "convnext_xlarge", {3, 3, 27, 3}, 256, options);
}

}  // namespace graft::applications
