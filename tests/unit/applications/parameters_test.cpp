#include "graft/graft.hpp"
#include "tests/support/applications.hpp"
#include "tests/support/shared_dir.hpp"

using namespace graft;
using graft::test::ApplicationArguments;

namespace {

struct Counted {
  const char* name;
  Index parameters;  ///< with the top for 1,000 classes
  bool large = false;
};

// "Parameters" of the table "Available models" in the documentation of Keras Applications (keras.io/api/applications,
// as it was while it gave all digits); of EfficientNetV2 and MobileNetV3, which it rounds, "Total params" of
// model.summary() of tf.keras 2.15; of ConvNeXt the numbers of the authors' own models (Liu et al. 2022), which Keras's
// equal: its normalization of the input has no weights.
constexpr Counted kCounts[] = {
    {"Xception", 22'910'480},
    {"VGG16", 138'357'544, true},
    {"VGG19", 143'667'240, true},
    {"ResNet50", 25'636'712},
    {"ResNet101", 44'707'176},
    {"ResNet152", 60'419'944},
    {"ResNet50V2", 25'613'800},
    {"ResNet101V2", 44'675'560},
    {"ResNet152V2", 60'380'648},
    {"InceptionV3", 23'851'784},
    {"InceptionResNetV2", 55'873'736},
    {"MobileNet", 4'253'864},
    {"MobileNetV2", 3'538'984},
    {"MobileNetV3Small", 2'554'968},
    {"MobileNetV3Large", 5'507'432},
    {"DenseNet121", 8'062'504},
    {"DenseNet169", 14'307'880},
    {"DenseNet201", 20'242'984},
    {"NASNetMobile", 5'326'716},
    {"NASNetLarge", 88'949'818, true},
    {"EfficientNetB0", 5'330'571},
    {"EfficientNetB1", 7'856'239},
    {"EfficientNetB2", 9'177'569},
    {"EfficientNetB3", 12'320'535},
    {"EfficientNetB4", 19'466'823},
    {"EfficientNetB5", 30'562'527},
    {"EfficientNetB6", 43'265'143},
    {"EfficientNetB7", 66'658'687},
    {"EfficientNetV2B0", 7'200'312},
    {"EfficientNetV2B1", 8'212'124},
    {"EfficientNetV2B2", 10'178'374},
    {"EfficientNetV2B3", 14'467'622},
    {"EfficientNetV2S", 21'612'360},
    {"EfficientNetV2M", 54'431'388},
    {"EfficientNetV2L", 119'027'848, true},
    {"ConvNeXtTiny", 28'589'128},
    {"ConvNeXtSmall", 50'223'688},
    {"ConvNeXtBase", 88'591'464, true},
    {"ConvNeXtLarge", 197'767'336, true},
    {"ConvNeXtXLarge", 350'196'968, true},
};

}  // namespace

TEST_CASE("Applications: as many parameters as Keras's documentation says") {
  CHECK(std::size(kCounts) == test::applications().size());
  // The largest take gigabytes.
  const bool all = !test::shared_dir().empty();
  for (const Counted& counted : kCounts) {
    if (counted.large && !all) continue;
    DYNAMIC_SECTION(counted.name) {
      const UninitializedVariables without_values;
      const Model<float> model = test::applications().at(counted.name)({});
      CHECK(model.count_params() == counted.parameters);
      CHECK(model.output_shape() == Shape{-1, 1000});
      CHECK(model.trainable_weights().size() <= model.weights().size());
    }
  }
}

// Number of weights, of model.weights, as users' printouts of len(model.weights) in Keras have them.
TEST_CASE("Applications: as many arrays as in Keras") {
  const UninitializedVariables without_values;
  const auto weights = [](const char* name) { return test::applications().at(name)({}).weights().size(); };
  CHECK(weights("MobileNetV3Small") == 210);
  CHECK(weights("MobileNetV3Large") == 266);
  CHECK(weights("MobileNetV2") == 262);
  CHECK(weights("EfficientNetB1") == 442);
  CHECK(weights("EfficientNetB7") == 1040);
  CHECK(weights("DenseNet121") == 606);
  if (!test::shared_dir().empty()) CHECK(weights("NASNetLarge") == 1546);
}

TEST_CASE("Applications: without a top") {
  const UninitializedVariables without_values;
  struct Base {
    const char* name;
    Index size, out, channels;
  };
  // The last convolution of each, at a size of its own: the channels are those of the papers.
  for (const Base& base : {Base{"MobileNet", 96, 3, 1024},
                           {"MobileNetV2", 96, 3, 1280},
                           {"MobileNetV3Small", 96, 3, 576},
                           {"MobileNetV3Large", 96, 3, 960},
                           {"DenseNet121", 64, 2, 1024},
                           {"Xception", 75, 3, 2048},
                           {"InceptionV3", 139, 3, 2048},
                           {"EfficientNetB0", 96, 3, 1280},
                           {"EfficientNetV2B0", 96, 3, 1280},
                           {"NASNetMobile", 96, 3, 1056},
                           {"ResNet50V2", 64, 2, 2048}}) {
    INFO(base.name);
    const auto make = test::applications().at(base.name);
    ApplicationArguments arguments;
    arguments.include_top = false;
    arguments.input_shape = {base.size, base.size, 3};
    CHECK(make(arguments).output_shape() == Shape{-1, base.out, base.out, base.channels});
    arguments.pooling = "max";
    CHECK(make(arguments).output_shape() == Shape{-1, base.channels});
    arguments.pooling = "avg";
    CHECK(make(arguments).output_shape() == Shape{-1, base.channels});
    if (std::string(base.name) == "NASNetMobile") continue;
    arguments.input_shape = {};
    CHECK(make(arguments).input_shape() == Shape{-1, -1, -1, 3});
    CHECK(make(arguments).output_shape() == Shape{-1, base.channels});
  }
}

TEST_CASE("Applications: names") {
  clear_session();
  const UninitializedVariables without_values;
  CHECK(applications::MobileNetV2({.input_shape = {96, 96, 3}, .alpha = 0.35}).name() == "mobilenetv2_0.35_96");
  CHECK(applications::MobileNetV2().name() == "mobilenetv2_1.00_224");
  CHECK(applications::MobileNet({.alpha = 0.25, .include_top = false}).name() == "mobilenet_0.25_None");
  CHECK(applications::NASNetMobile({.name = "mine"}).name() == "mine");
  clear_session();
  const auto nasnet = applications::NASNetMobile();
  for (const char* name : {"stem_bn1", "reduction_conv_1_stem_1", "adjust_conv_2_stem_2", "normal_concat_3",
                           "reduction_concat_reduce_4", "separable_conv_2_normal_left5_5", "normal_add_5_8",
                           "reduction_add4_reduce_8", "normal_concat_12", "adjust_relu_1_0", "adjust_conv_projection_1",
                           "adjust_conv_projection_reduce_4", "adjust_relu_1_5", "predictions"}) {
    INFO(name);
    CHECK_NOTHROW(nasnet.get_layer(name));
  }
  CHECK_THROWS_AS(nasnet.get_layer("normal_concat_4"), ConfigError);
  const auto inception = applications::InceptionResNetV2();
  for (const char* name : {"conv2d", "mixed_5b", "block35_10_ac", "block17_20_conv", "custom_scale_layer_39",
                           "block8_10_mixed", "conv_7b_bn"}) {
    INFO(name);
    CHECK_NOTHROW(inception.get_layer(name));
  }
  const auto convnext = applications::ConvNeXtTiny({.include_top = false});
  for (const char* name :
       {"convnext_tiny_stem", "convnext_tiny_downsampling_block_2", "convnext_tiny_stage_2_block_8_layer_scale",
        "convnext_tiny_stage_0_block_0_identity", "convnext_tiny_prestem_normalization"}) {
    INFO(name);
    CHECK_NOTHROW(convnext.get_layer(name));
  }
  CHECK(convnext.get_layer("convnext_tiny_stage_0_block_0_layer_scale").weights()[0]->name() == "variable");
  CHECK(convnext.get_layer("convnext_tiny_stage_0_block_1_layer_scale").weights()[0]->name() == "variable_1");
}
