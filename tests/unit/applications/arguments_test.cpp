#include "catch.hpp"
#include "graft/graft.hpp"
#include "tests/support/applications.hpp"

using namespace graft;
using Catch::Matchers::ContainsSubstring;
using graft::test::ApplicationArguments;

namespace {

/// The error that a constructor throws.
std::string refusal(const char* name, const ApplicationArguments& arguments) {
  try {
    (void)test::applications().at(name)(arguments);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no ConfigError";
}

}  // namespace

TEST_CASE("Applications: the rules for input_shape are Keras's") {
  CHECK_THAT(refusal("VGG16", {.input_shape = {31, 64, 3}}),
             ContainsSubstring("applications::VGG16: input_shape: expected at least 32x32, received (31, 64, 3)"));
  CHECK_THAT(refusal("Xception", {.input_shape = {70, 80, 3}, .include_top = false}), ContainsSubstring("71x71"));
  CHECK_THAT(refusal("InceptionV3", {.input_shape = {80, 74, 3}, .include_top = false}), ContainsSubstring("75x75"));
  CHECK_THAT(refusal("InceptionResNetV2", {.input_shape = {74, 74, 3}}), ContainsSubstring("75x75"));
  for (const char* name : {"ResNet50", "MobileNet", "MobileNetV2", "MobileNetV3Small", "DenseNet121", "EfficientNetB0",
                           "EfficientNetV2B0", "NASNetMobile", "ConvNeXtTiny"}) {
    INFO(name);
    CHECK_THAT(refusal(name, {.input_shape = {64, 31, 3}}), ContainsSubstring("32x32"));
    CHECK_THAT(refusal(name, {.input_shape = {64, 64}}), ContainsSubstring("three numbers"));
    CHECK_THAT(refusal(name, {.input_shape = {1, 64, 64, 3}}), ContainsSubstring("three numbers"));
    CHECK_THAT(refusal(name, {.input_shape = {64, 64, -1}}), ContainsSubstring("channels"));
    CHECK_THAT(refusal(name, {.input_shape = {64, 64, 0}}), ContainsSubstring("channels"));
  }
  CHECK_THAT(refusal("ResNet50", {.input_shape = {-1, -1, 3}}), ContainsSubstring("include_top = false"));
  CHECK_THAT(refusal("NASNetLarge", {.input_shape = {-1, -1, 3}, .include_top = false}),
             ContainsSubstring("known sizes"));
  const UninitializedVariables without_values;
  CHECK(applications::MobileNetV3Small().input_shape() == Shape{-1, -1, -1, 3});
  CHECK(applications::MobileNet({.input_shape = {40, 64, 1}, .alpha = 0.25}).input_shape() == Shape{-1, 40, 64, 1});
}

TEST_CASE("Applications: the other arguments") {
  CHECK_THAT(refusal("VGG16", {.pooling = "average"}), ContainsSubstring("pooling"));
  CHECK_THAT(refusal("VGG16", {.classes = 0}), ContainsSubstring("classes"));
  for (const char* name : {"MobileNet", "MobileNetV2", "MobileNetV3Large"}) {
    CHECK_THAT(refusal(name, {.alpha = 0}), ContainsSubstring("alpha above 0"));
    CHECK_THAT(refusal(name, {.alpha = NAN}), ContainsSubstring("alpha above 0"));
    CHECK_THAT(refusal(name, {.alpha = INFINITY}), ContainsSubstring("at most 100"));
  }
  CHECK_THAT(refusal("ResNet50", {.weights = "x.h5", .classifier_activation = "relu"}),
             ContainsSubstring("classifier_activation"));
  const UninitializedVariables without_values;
  const auto model = applications::MobileNetV2(
      {.input_shape = {32, 32, 3}, .alpha = 0.35, .classes = 7, .classifier_activation = "linear", .name = "small"});
  CHECK(model.output_shape() == Shape{-1, 7});
  CHECK(model.name() == "small");
  CHECK(model.get_layer("predictions").config().at("activation") == Config("linear"));
  CHECK(applications::MobileNetV3Small({.minimalistic = true, .include_preprocessing = false}).layers().size() <
        applications::MobileNetV3Small().layers().size());
  CHECK_THROWS_AS(applications::MobileNetV3Small({.include_preprocessing = false}).get_layer("rescaling"), ConfigError);
  // Grey pictures are not standardised by colours.
  clear_session();
  const auto grey = applications::EfficientNetV2B0({.input_shape = {64, 64, 1}, .include_top = false});
  CHECK_THROWS_AS(grey.get_layer("normalization"), ConfigError);
  CHECK(grey.get_layer("rescaling").config().at("offset") == Config(-1.0));
}

// Nothing is downloaded; the error says which file to fetch. The names are those in Keras's sources.
TEST_CASE("Applications: weights = \"imagenet\" names the file") {
  const auto imagenet = [](const char* name, ApplicationArguments arguments) {
    arguments.weights = "imagenet";
    return refusal(name, arguments);
  };
  const std::string base = "https://storage.googleapis.com/tensorflow/keras-applications/";
  const std::string end = "_weights_tf_dim_ordering_tf_kernels";
  CHECK_THAT(imagenet("VGG16", {}), ContainsSubstring(base + "vgg16/vgg16" + end + ".h5"));
  CHECK_THAT(imagenet("VGG19", {.include_top = false}), ContainsSubstring(base + "vgg19/vgg19" + end + "_notop.h5"));
  CHECK_THAT(imagenet("ResNet152", {}), ContainsSubstring(base + "resnet/resnet152" + end + ".h5"));
  CHECK_THAT(imagenet("ResNet50V2", {.include_top = false}),
             ContainsSubstring(base + "resnet/resnet50v2" + end + "_notop.h5"));
  CHECK_THAT(imagenet("InceptionV3", {}), ContainsSubstring(base + "inception_v3/inception_v3" + end + ".h5"));
  CHECK_THAT(imagenet("InceptionResNetV2", {.include_top = false}),
             ContainsSubstring(base + "inception_resnet_v2/inception_resnet_v2" + end + "_notop.h5"));
  CHECK_THAT(imagenet("Xception", {}), ContainsSubstring(base + "xception/xception" + end + ".h5"));
  CHECK_THAT(imagenet("DenseNet201", {}), ContainsSubstring(base + "densenet/densenet201" + end + ".h5"));
  CHECK_THAT(imagenet("MobileNet", {.include_top = false}),
             ContainsSubstring(base + "mobilenet/mobilenet_1_0_224_tf_no_top.h5"));
  CHECK_THAT(imagenet("MobileNet", {.input_shape = {160, 160, 3}, .alpha = 0.25}),
             ContainsSubstring(base + "mobilenet/mobilenet_2_5_160_tf.h5"));
  CHECK_THAT(
      imagenet("MobileNetV2", {.input_shape = {96, 96, 3}, .include_top = false, .alpha = 0.35}),
      ContainsSubstring(base + "mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_96_no_top.h5"));
  CHECK_THAT(imagenet("MobileNetV2", {}), ContainsSubstring("tf_kernels_1.0_224.h5"));
  CHECK_THAT(imagenet("MobileNetV3Small", {}),
             ContainsSubstring(base + "mobilenet_v3/weights_mobilenet_v3_small_224_1.0_float.h5"));
  CHECK_THAT(imagenet("MobileNetV3Large", {.include_top = false, .alpha = 0.75}),
             ContainsSubstring("weights_mobilenet_v3_large_224_0.75_float_no_top_v2.h5"));
  CHECK_THAT(imagenet("EfficientNetB3", {}),
             ContainsSubstring("https://storage.googleapis.com/keras-applications/efficientnetb3.h5"));
  CHECK_THAT(imagenet("EfficientNetV2S", {.include_top = false}),
             ContainsSubstring(base + "efficientnet_v2/efficientnetv2-s_notop.h5"));
  CHECK_THAT(imagenet("NASNetMobile", {}), ContainsSubstring(base + "nasnet/NASNet-mobile.h5"));
  CHECK_THAT(imagenet("NASNetLarge", {.include_top = false}),
             ContainsSubstring(base + "nasnet/NASNet-large-no-top.h5"));
  CHECK_THAT(imagenet("ConvNeXtTiny", {}), ContainsSubstring(base + "convnext/convnext_tiny.h5"));

  // What Keras refuses before it would download.
  CHECK_THAT(imagenet("VGG16", {.classes = 10}), ContainsSubstring("1000 classes"));
  CHECK_THAT(imagenet("VGG16", {.input_shape = {64, 64, 3}}), ContainsSubstring("(224, 224, 3)"));
  CHECK_THAT(imagenet("VGG16", {.input_shape = {64, 64, 1}, .include_top = false}), ContainsSubstring("3 channels"));
  CHECK_THAT(imagenet("MobileNet", {.alpha = 0.3}), ContainsSubstring("0.25, 0.5, 0.75, 1"));
  CHECK_THAT(imagenet("MobileNetV2", {.alpha = 0.25}), ContainsSubstring("0.35, 0.5"));
  CHECK_THAT(imagenet("MobileNetV3Small", {.alpha = 0.5}), ContainsSubstring("0.75 or 1"));
}
