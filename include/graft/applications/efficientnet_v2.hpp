#pragma once

#include "graft/applications/detail/efficientnet.hpp"

namespace graft::applications {

struct EfficientNetV2Options {
  Shape input_shape = {};
  bool include_preprocessing = true;  ///< pixels 0 … 255 come in; false: they are scaled already
  bool include_top = true;
  std::string weights = {};
  std::string pooling = {};
  Index classes = 1000;
  ActivationFunction classifier_activation = "softmax";
  std::string name = {};
};

namespace detail {

struct EfficientNetV2Size {
  double width, depth;
  Index size;
  bool standardizes = false;  ///< colours are standardised, not scaled to [-1, 1]
};

template <class Scalar>
GRAFT_COLD Model<Scalar> efficientnet_v2(const std::string& title, const std::string& name,
                                         const EfficientNetV2Size& size, const std::vector<EfficientStage>& stages,
                                         const EfficientNetV2Options& options) {
  const std::string stem = official_url("efficientnet_v2/" + name);
  Net<Scalar> net({title, name, size.size, 32, stem + ".h5", stem + "_notop.h5"}, common_options(options));
  EfficientBlocks<Scalar> blocks;
  blocks.momentum = 0.9;
  const auto round = [&](Index filters) {
    return std::max<Index>(8, static_cast<Index>(static_cast<double>(filters) * size.width + 4) / 8 * 8);
  };

  auto x = net.input();
  if (options.include_preprocessing) {
    if (size.standardizes && net.channels() == 3) {
      x = Rescaling<Scalar>(1.0 / 255)(x);
      x = Normalization<Scalar>(
          {.axis = {3}, .mean = {0.485, 0.456, 0.406}, .variance = {0.229 * 0.229, 0.224 * 0.224, 0.225 * 0.225}})(x);
    } else {
      x = Rescaling<Scalar>(1.0 / 128.0, {.offset = -1.0})(x);
    }
  }
  x = blocks.conv(x, round(stages.front().filters_in), 3, 2, "same", "stem_conv");
  x = blocks.norm_silu(x, "stem_bn", "stem_activation");
  Index total = 0;  // as in Keras: of the smallest network
  for (const EfficientStage& stage : stages) total += stage.repeats;
  x = efficient_stages(blocks, x, stages, size.depth, total, round);
  return net.model(blocks.top(net, x, round(1280), 0.2));
}

template <class Scalar>
GRAFT_COLD Model<Scalar> efficientnet_v2_b(const std::string& variant, const EfficientNetV2Size& size,
                                           const EfficientNetV2Options& options) {
  return efficientnet_v2<Scalar>("EfficientNetV2B" + variant, "efficientnetv2-b" + variant, size,
                                 {{true, 3, 1, 1, 32, 16, 1, 0},
                                  {true, 3, 2, 4, 16, 32, 2, 0},
                                  {true, 3, 2, 4, 32, 48, 2, 0},
                                  {false, 3, 2, 4, 48, 96, 3, 0.25},
                                  {false, 3, 1, 6, 96, 112, 5, 0.25},
                                  {false, 3, 2, 6, 112, 192, 8, 0.25}},
                                 options);
}

}  // namespace detail

/// Tan and Le 2021 (arXiv 2104.00298). 224 x 224, pixels 0 … 255 as they are (preprocess_input changes nothing). Least
/// size 32.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> EfficientNetV2B0(const EfficientNetV2Options& options = {}) {
  return detail::efficientnet_v2_b<Scalar>("0", {1.0, 1.0, 224, true}, options);
}
/// EfficientNetV2B0, deeper, for 240 x 240.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> EfficientNetV2B1(const EfficientNetV2Options& options = {}) {
  return detail::efficientnet_v2_b<Scalar>("1", {1.0, 1.1, 240, true}, options);
}
/// EfficientNetV2B0, wider and deeper, for 260 x 260.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> EfficientNetV2B2(const EfficientNetV2Options& options = {}) {
  return detail::efficientnet_v2_b<Scalar>("2", {1.1, 1.2, 260, true}, options);
}
/// EfficientNetV2B0, wider and deeper, for 300 x 300.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> EfficientNetV2B3(const EfficientNetV2Options& options = {}) {
  return detail::efficientnet_v2_b<Scalar>("3", {1.2, 1.4, 300, true}, options);
}

/// The small one of Tan and Le 2021, for 384 x 384.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> EfficientNetV2S(const EfficientNetV2Options& options = {}) {
  return detail::efficientnet_v2<Scalar>("EfficientNetV2S", "efficientnetv2-s", {1.0, 1.0, 384},
                                         {{true, 3, 1, 1, 24, 24, 2, 0},
                                          {true, 3, 2, 4, 24, 48, 4, 0},
                                          {true, 3, 2, 4, 48, 64, 4, 0},
                                          {false, 3, 2, 4, 64, 128, 6, 0.25},
                                          {false, 3, 1, 6, 128, 160, 9, 0.25},
                                          {false, 3, 2, 6, 160, 256, 15, 0.25}},
                                         options);
}
/// The medium one of Tan and Le 2021, for 480 x 480.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> EfficientNetV2M(const EfficientNetV2Options& options = {}) {
  return detail::efficientnet_v2<Scalar>("EfficientNetV2M", "efficientnetv2-m", {1.0, 1.0, 480},
                                         {{true, 3, 1, 1, 24, 24, 3, 0},
                                          {true, 3, 2, 4, 24, 48, 5, 0},
                                          {true, 3, 2, 4, 48, 80, 5, 0},
                                          {false, 3, 2, 4, 80, 160, 7, 0.25},
                                          {false, 3, 1, 6, 160, 176, 14, 0.25},
                                          {false, 3, 2, 6, 176, 304, 18, 0.25},
                                          {false, 3, 1, 6, 304, 512, 5, 0.25}},
                                         options);
}
/// The large one of Tan and Le 2021, for 480 x 480.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> EfficientNetV2L(const EfficientNetV2Options& options = {}) {
  return detail::efficientnet_v2<Scalar>("EfficientNetV2L", "efficientnetv2-l", {1.0, 1.0, 480},
                                         {{true, 3, 1, 1, 32, 32, 4, 0},
                                          {true, 3, 2, 4, 32, 64, 7, 0},
                                          {true, 3, 2, 4, 64, 96, 7, 0},
                                          {false, 3, 2, 4, 96, 192, 10, 0.25},
                                          {false, 3, 1, 6, 192, 224, 19, 0.25},
                                          {false, 3, 2, 6, 224, 384, 25, 0.25},
                                          {false, 3, 1, 6, 384, 640, 7, 0.25}},
                                         options);
}

}  // namespace graft::applications
