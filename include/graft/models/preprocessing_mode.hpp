#pragma once

#include <optional>
#include <set>
#include <string>

#include "graft/models/model.hpp"

namespace graft {

/// What the pixels of a picture, 0 … 255, become before the networks of keras.applications see them. identity: they
/// stay; tf: [-1, 1]; torch: [0, 1], then standardised with ImageNet's mean and deviation of each colour; caffe: blue,
/// green and red, each without its mean.
enum class PreprocessingMode { identity, caffe, tf, torch };

GRAFT_COLD inline const char* mode_name(PreprocessingMode mode) {
  switch (mode) {
    case PreprocessingMode::caffe: return "caffe";
    case PreprocessingMode::tf: return "tf";
    case PreprocessingMode::torch: return "torch";
    default: return "identity";
  }
}

/// Where the numbers lie after preprocessing.
struct PixelRange {
  double least, most;
};
GRAFT_COLD inline PixelRange preprocessed_range(PreprocessingMode mode) {
  switch (mode) {
    case PreprocessingMode::caffe: return {-123.68, 255 - 103.939};
    case PreprocessingMode::tf: return {-1, 1};
    case PreprocessingMode::torch: return {-0.485 / 0.229, (1 - 0.406) / 0.225};
    default: return {0, 255};
  }
}

namespace detail {

/// Two layers that tell a family of networks, and what it wants to see.
struct ModeSign {
  const char *layer, *other;
  PreprocessingMode mode;
};
inline constexpr ModeSign kModeSigns[] = {
    {"block1_conv1", "block5_conv3", PreprocessingMode::caffe},                    // VGG16, VGG19
    {"conv2_block1_preact_bn", "post_bn", PreprocessingMode::tf},                  // ResNet V2
    {"conv2_block1_out", "conv2_block1_3_conv", PreprocessingMode::caffe},         // ResNet
    {"bn_conv1", "res2a_branch2a", PreprocessingMode::caffe},                      // ResNet50 until Keras 2.2
    {"conv2_block1_concat", "conv2_block1_1_conv", PreprocessingMode::torch},      // DenseNet
    {"mixed_5b", "block35_1_conv", PreprocessingMode::tf},                         // InceptionResNetV2
    {"mixed0", "mixed10", PreprocessingMode::tf},                                  // InceptionV3
    {"block2_sepconv1", "block14_sepconv2", PreprocessingMode::tf},                // Xception
    {"conv_dw_1", "conv_pw_13", PreprocessingMode::tf},                            // MobileNet
    {"expanded_conv_depthwise", "block_1_expand", PreprocessingMode::tf},          // MobileNetV2
    {"expanded_conv_depthwise", "expanded_conv_1_expand", PreprocessingMode::tf},  // MobileNetV3, not preprocessing
    {"expanded_conv/depthwise", "expanded_conv_1/expand", PreprocessingMode::tf},  // the same in Keras 2
    {"stem_conv1", "normal_conv_1_0", PreprocessingMode::tf},                      // NASNet
};

/// The names of all layers, and the class of the first one that computes something.
template <class Scalar>
GRAFT_COLD void collect_names(const std::vector<Layer<Scalar>>& layers, std::set<std::string>& names,
                              std::string& first) {
  for (const auto& layer : layers) {
    const auto inside = layer.impl().sublayers();
    names.insert(layer.name());
    const std::string class_name(layer.class_name());
    const bool passes = class_name == "InputLayer" || class_name == "Resizing" || class_name == "CenterCrop" ||
                        class_name == "Identity" || class_name.compare(0, 6, "Random") == 0;
    if (inside.empty() && !passes && first.empty()) first = class_name;
    collect_names(inside, names, first);
  }
}

}  // namespace detail

/// Which preprocess_input the network, or the network that it was built on, wants to see its pictures through: a guess
/// by the names and classes of its layers, nothing when they say nothing. A model that begins with a Rescaling, a
/// Normalization or with arithmetic brings its own preprocessing: identity.
template <class Scalar>
GRAFT_COLD std::optional<PreprocessingMode> preprocessing_mode_of(const Model<Scalar>& model) {
  std::set<std::string> names;
  std::string first;
  detail::collect_names(model.impl().layers(), names, first);
  for (const char* own :
       {"Rescaling", "Normalization", "ops.TrueDivide", "ops.Subtract", "ops.Multiply", "ops.GetItem"}) {
    if (first == own) return PreprocessingMode::identity;
  }
  for (const detail::ModeSign& sign : detail::kModeSigns) {
    if (names.count(sign.layer) && names.count(sign.other)) return sign.mode;
  }
  return std::nullopt;
}

}  // namespace graft
