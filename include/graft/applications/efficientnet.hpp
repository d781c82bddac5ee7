#pragma once

#include "graft/applications/detail/efficientnet.hpp"

namespace graft::applications {

struct EfficientNetOptions {
  Shape input_shape = {};
  /// Keras's ImageNet weights want one more scaling of the input, a layer that Keras adds when it fetches them itself
  /// and leaves out for any other file. Not said: added when the file has the official name (efficientnetb0.h5,
  /// efficientnetb0_notop.h5).
  std::optional<bool> imagenet_rescaling = {};
  bool include_top = true;
  std::string weights = {};
  std::string pooling = {};
  Index classes = 1000;
  ActivationFunction classifier_activation = "softmax";
  std::string name = {};
};

namespace detail {

struct EfficientNetSize {
  double width, depth;
  Index size;
  double dropout;
};

template <class Scalar>
GRAFT_COLD Model<Scalar> efficientnet(const std::string& variant, const EfficientNetSize& size,
                                      const EfficientNetOptions& options) {
  const std::string name = "efficientnetb" + variant, base = "https://storage.googleapis.com/keras-applications/";
  Net<Scalar> net({"EfficientNetB" + variant, name, size.size, 32, base + name + ".h5", base + name + "_notop.h5"},
                  common_options(options));
  const std::string file = options.weights.substr(options.weights.rfind('/') + 1);
  const bool official = file == name + ".h5" || file == name + "_notop.h5";
  EfficientBlocks<Scalar> blocks;
  blocks.pads = true;
  const auto round = [&](Index filters) { return make_divisible(static_cast<double>(filters) * size.width); };

  Symbol<Scalar> x = Rescaling<Scalar>(1.0 / 255.0)(net.input());
  x = Normalization<Scalar>({.axis = {3}})(x);
  if (options.imagenet_rescaling.value_or(official)) {
    x = Rescaling<Scalar>({1 / std::sqrt(0.229), 1 / std::sqrt(0.224), 1 / std::sqrt(0.225)})(x);
  }
  x = ZeroPadding2D<Scalar>(correct_pad(x, 3), {.name = "stem_conv_pad"})(x);
  x = blocks.conv(x, round(32), 3, 2, "valid", "stem_conv");
  x = blocks.norm_silu(x, "stem_bn", "stem_activation");
  const std::vector<EfficientStage> stages = {{false, 3, 1, 1, 32, 16, 1, 0.25},  {false, 3, 2, 6, 16, 24, 2, 0.25},
                                              {false, 5, 2, 6, 24, 40, 2, 0.25},  {false, 3, 2, 6, 40, 80, 3, 0.25},
                                              {false, 5, 1, 6, 80, 112, 3, 0.25}, {false, 5, 2, 6, 112, 192, 4, 0.25},
                                              {false, 3, 1, 6, 192, 320, 1, 0.25}};
  Index total = 0;
  for (const EfficientStage& stage : stages) total += round_repeats(stage.repeats, size.depth);
  x = efficient_stages(blocks, x, stages, size.depth, total, round);
  return net.model(blocks.top(net, x, round(1280), size.dropout));
}

}  // namespace detail

/// Tan and Le 2019 (arXiv 1905.11946). 224 x 224, pixels 0 … 255 as they are (preprocess_input changes nothing). Least
/// size 32.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> EfficientNetB0(const EfficientNetOptions& options = {}) {
  return detail::efficientnet<Scalar>("0", {1.0, 1.0, 224, 0.2}, options);
}
/// EfficientNetB0, deeper, for 240 x 240.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> EfficientNetB1(const EfficientNetOptions& options = {}) {
  return detail::efficientnet<Scalar>("1", {1.0, 1.1, 240, 0.2}, options);
}
/// EfficientNetB0, wider and deeper, for 260 x 260.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> EfficientNetB2(const EfficientNetOptions& options = {}) {
  return detail::efficientnet<Scalar>("2", {1.1, 1.2, 260, 0.3}, options);
}
/// EfficientNetB0, wider and deeper, for 300 x 300.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> EfficientNetB3(const EfficientNetOptions& options = {}) {
  return detail::efficientnet<Scalar>("3", {1.2, 1.4, 300, 0.3}, options);
}
/// EfficientNetB0, wider and deeper, for 380 x 380.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> EfficientNetB4(const EfficientNetOptions& options = {}) {
  return detail::efficientnet<Scalar>("4", {1.4, 1.8, 380, 0.4}, options);
}
/// EfficientNetB0, wider and deeper, for 456 x 456.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> EfficientNetB5(const EfficientNetOptions& options = {}) {
  return detail::efficientnet<Scalar>("5", {1.6, 2.2, 456, 0.4}, options);
}
/// EfficientNetB0, wider and deeper, for 528 x 528.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> EfficientNetB6(const EfficientNetOptions& options = {}) {
  return detail::efficientnet<Scalar>("6", {1.8, 2.6, 528, 0.5}, options);
}
/// EfficientNetB0, wider and deeper, for 600 x 600.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> EfficientNetB7(const EfficientNetOptions& options = {}) {
  return detail::efficientnet<Scalar>("7", {2.0, 3.1, 600, 0.5}, options);
}

}  // namespace graft::applications
