#pragma once

#include <functional>
#include <map>

#include "graft/graft.hpp"

namespace graft::test {

/// What the tests vary in any application.
struct ApplicationArguments {
  Shape input_shape = {};
  bool include_top = true;
  std::string weights = {};
  std::string pooling = {};
  Index classes = 1000;
  std::string classifier_activation = "softmax";
  double alpha = 1;
  std::string name = {};
};

using MakeApplication = std::function<Model<float>(const ApplicationArguments&)>;

namespace detail {
// A struct of options with the arguments that all have.
template <class Options>
Options options_of(const ApplicationArguments& a) {
  Options options;
  options.input_shape = a.input_shape;
  options.include_top = a.include_top;
  options.weights = a.weights;
  options.pooling = a.pooling;
  options.classes = a.classes;
  options.classifier_activation = a.classifier_activation;
  options.name = a.name;
  if constexpr (requires { options.alpha; }) options.alpha = a.alpha;
  return options;
}
template <class Options>
MakeApplication maker(Model<float> (*make)(const Options&)) {
  return [make](const ApplicationArguments& a) { return make(options_of<Options>(a)); };
}
}  // namespace detail

/// All constructors by name.
inline const std::map<std::string, MakeApplication>& applications() {
  namespace all = graft::applications;
#define GRAFT_APPLICATION(name) \
  { #name, detail::maker(&all::name <float>) }
  static const std::map<std::string, MakeApplication> makers = {GRAFT_APPLICATION(VGG16),
                                                                GRAFT_APPLICATION(VGG19),
                                                                GRAFT_APPLICATION(ResNet50),
                                                                GRAFT_APPLICATION(ResNet101),
                                                                GRAFT_APPLICATION(ResNet152),
                                                                GRAFT_APPLICATION(ResNet50V2),
                                                                GRAFT_APPLICATION(ResNet101V2),
                                                                GRAFT_APPLICATION(ResNet152V2),
                                                                GRAFT_APPLICATION(InceptionV3),
                                                                GRAFT_APPLICATION(InceptionResNetV2),
                                                                GRAFT_APPLICATION(Xception),
                                                                GRAFT_APPLICATION(MobileNet),
                                                                GRAFT_APPLICATION(MobileNetV2),
                                                                GRAFT_APPLICATION(MobileNetV3Small),
                                                                GRAFT_APPLICATION(MobileNetV3Large),
                                                                GRAFT_APPLICATION(DenseNet121),
                                                                GRAFT_APPLICATION(DenseNet169),
                                                                GRAFT_APPLICATION(DenseNet201),
                                                                GRAFT_APPLICATION(EfficientNetB0),
                                                                GRAFT_APPLICATION(EfficientNetB1),
                                                                GRAFT_APPLICATION(EfficientNetB2),
                                                                GRAFT_APPLICATION(EfficientNetB3),
                                                                GRAFT_APPLICATION(EfficientNetB4),
                                                                GRAFT_APPLICATION(EfficientNetB5),
                                                                GRAFT_APPLICATION(EfficientNetB6),
                                                                GRAFT_APPLICATION(EfficientNetB7),
                                                                GRAFT_APPLICATION(EfficientNetV2B0),
                                                                GRAFT_APPLICATION(EfficientNetV2B1),
                                                                GRAFT_APPLICATION(EfficientNetV2B2),
                                                                GRAFT_APPLICATION(EfficientNetV2B3),
                                                                GRAFT_APPLICATION(EfficientNetV2S),
                                                                GRAFT_APPLICATION(EfficientNetV2M),
                                                                GRAFT_APPLICATION(EfficientNetV2L),
                                                                GRAFT_APPLICATION(NASNetMobile),
                                                                GRAFT_APPLICATION(NASNetLarge),
                                                                GRAFT_APPLICATION(ConvNeXtTiny),
                                                                GRAFT_APPLICATION(ConvNeXtSmall),
                                                                GRAFT_APPLICATION(ConvNeXtBase),
                                                                GRAFT_APPLICATION(ConvNeXtLarge),
                                                                GRAFT_APPLICATION(ConvNeXtXLarge)};
#undef GRAFT_APPLICATION
  return makers;
}

/// The weights as Keras 3 lists them: "layer/name" and shape. (The kernel of a depthwise convolution has the name that
/// files of Keras 2 and of graft give it, depthwise_kernel; Keras 3's path says kernel.)
template <class Scalar>
void list_weights(const std::vector<Layer<Scalar>>& layers, const std::string& prefix,
                  std::vector<std::pair<std::string, Shape>>& list) {
  for (const auto& layer : layers) {
    const auto inside = layer.impl().sublayers();
    if (!inside.empty()) {
      list_weights(inside, prefix + layer.name() + "/", list);
      continue;
    }
    const bool depthwise = layer.class_name() == "DepthwiseConv2D";
    for (const auto& weight : layer.weights()) {
      const std::string name = depthwise && weight->name() == "depthwise_kernel" ? "kernel" : weight->name();
      list.emplace_back(prefix + layer.name() + "/" + name, weight->shape());
    }
  }
}

}  // namespace graft::test
