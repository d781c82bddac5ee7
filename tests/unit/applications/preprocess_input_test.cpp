#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "graft/graft.hpp"
#include "tests/support/applications.hpp"
#include "tests/support/temp_dir.hpp"

using namespace graft;
using Catch::Matchers::ContainsSubstring;

namespace {

bool near(const Tensor<float>& got, const std::vector<double>& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (!(std::abs(static_cast<double>(got[static_cast<Index>(i)]) - expected[i]) <= 1e-5)) return false;
  }
  return got.size() == static_cast<Index>(expected.size());
}

const std::vector<double> kCaffe = {3 - 103.939, 2 - 116.779, 1 - 123.68, 255 - 103.939, 0 - 116.779, 100 - 123.68};
const std::vector<double> kTorch = {(1 / 255.0 - 0.485) / 0.229, (2 / 255.0 - 0.456) / 0.224,
                                    (3 / 255.0 - 0.406) / 0.225, (100 / 255.0 - 0.485) / 0.229,
                                    (0 / 255.0 - 0.456) / 0.224, (255 / 255.0 - 0.406) / 0.225};
const std::vector<double> kTf = {1 / 127.5 - 1, 2 / 127.5 - 1, 3 / 127.5 - 1, 100 / 127.5 - 1, -1, 1};

}  // namespace

TEST_CASE("preprocess_input: the modes, on copies and in place") {
  const Tensor<float> x(Shape{1, 2, 1, 3}, {1, 2, 3, 100, 0, 255});
  CHECK(near(applications::preprocess_input(x, "caffe"), kCaffe));
  CHECK(near(applications::preprocess_input(x, "torch"), kTorch));
  CHECK(near(applications::preprocess_input(x, "tf"), kTf));
  CHECK(near(applications::preprocess_input(x, "identity"), {1, 2, 3, 100, 0, 255}));
  CHECK(near(x, {1, 2, 3, 100, 0, 255}));
  CHECK(near(applications::densenet::preprocess_input(x), kTorch));
  CHECK(near(applications::preprocess_input(x, "vgg16"), kCaffe));

  Tensor<float> own = x;
  const float* memory = own.data();
  const Tensor<float> moved = applications::mobilenet_v2::preprocess_input(std::move(own));
  CHECK(moved.data() == memory);
  CHECK(near(moved, kTf));
  Tensor<float> viewed = x;
  applications::resnet50::preprocess_input(viewed.view());
  CHECK(near(viewed, kCaffe));

  // What a data set hands to a function that maps it.
  struct Element {
    std::vector<Tensor<float>> x;
  } element{{x, x}};
  auto map = applications::vgg19::preprocess_input;
  map(element);
  CHECK(near(element.x[0], kCaffe));
  CHECK(near(element.x[1], kCaffe));

  const Tensor<unsigned char> bytes(Shape{2, 1, 3}, {1, 2, 3, 100, 0, 255});
  CHECK(near(applications::preprocess_input(bytes, "xception"), kTf));
  const Tensor<float> first(Shape{1, 3, 2, 1}, {1, 100, 2, 0, 3, 255});
  const Tensor<float> standard = applications::preprocess_input(first, "torch", "channels_first");
  CHECK(near(standard, {kTorch[0], kTorch[3], kTorch[1], kTorch[4], kTorch[2], kTorch[5]}));
}

TEST_CASE("preprocess_input: what it refuses") {
  const Tensor<float> grey(Shape{1, 2, 2, 1});
  CHECK_THROWS_AS(applications::preprocess_input(grey, "caffe"), ShapeError);
  CHECK_THROWS_AS(applications::preprocess_input(grey, "torch", "channels_first"), ShapeError);
  CHECK_NOTHROW(applications::preprocess_input(grey, "tf"));
  CHECK_THROWS_WITH(applications::preprocess_input(grey, "mobilenet_v4"), ContainsSubstring("mobilenet_v"));
  CHECK_THROWS_AS(applications::preprocess_input(grey, "tf", "channels_middle"), ConfigError);
}

TEST_CASE("preprocess_input does not depend on the number of threads") {
  Tensor<float> x(Shape{4, 67, 71, 3});
  for (Index i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 256);
  const int threads = num_threads();
  for (const char* mode : {"tf", "caffe", "torch"}) {
    set_num_threads(1);
    const auto one = applications::preprocess_input(x, mode);
    set_num_threads(4);
    const auto four = applications::preprocess_input(x, mode);
    CHECK(std::equal(one.begin(), one.end(), four.begin()));
  }
  set_num_threads(threads);
}

TEST_CASE("preprocessing_mode_of: a guess by the layers") {
  const UninitializedVariables without_values;
  const auto mode_of = [](const Model<float>& model) {
    const auto mode = preprocessing_mode_of(model);
    return std::string(mode ? mode_name(*mode) : "unknown");
  };
  const std::pair<const char*, const char*> bases[] = {
      {"VGG16", "vgg16"},
      {"VGG19", "vgg19"},
      {"ResNet50", "resnet"},
      {"ResNet50V2", "resnet_v2"},
      {"InceptionV3", "inception_v3"},
      {"InceptionResNetV2", "inception_resnet_v2"},
      {"Xception", "xception"},
      {"MobileNet", "mobilenet"},
      {"MobileNetV2", "mobilenet_v2"},
      {"MobileNetV3Small", "mobilenet_v3"},
      {"MobileNetV3Large", "mobilenet_v3"},
      {"DenseNet121", "densenet"},
      {"NASNetMobile", "nasnet"},
      {"EfficientNetB0", "efficientnet"},
      {"EfficientNetV2B0", "efficientnet_v2"},
      {"ConvNeXtTiny", "convnext"},
  };
  for (const auto& [base, module] : bases) {
    INFO(base);
    const auto model = test::applications().at(base)({.include_top = false});
    CHECK(mode_of(model) == mode_name(applications::preprocessing_mode(module)));
  }
  CHECK(mode_of(applications::MobileNetV3Small({.include_preprocessing = false})) == "tf");

  // Inside of another model, behind augmentation; with preprocessing of its own; and something else altogether.
  const auto base = applications::MobileNetV2({.input_shape = {32, 32, 3}, .alpha = 0.35, .include_top = false});
  CHECK(mode_of(Sequential<float>({RandomFlip<float>("horizontal"), base, Flatten<float>(), Dense<float>(2)})) == "tf");
  CHECK(mode_of(Sequential<float>({Rescaling<float>(1 / 127.5, {.offset = -1.0}), base})) == "identity");
  const auto in = Input({32, 32, 3});
  CHECK(mode_of(Model<float>(in, base(in / 127.5 - 1.0))) == "identity");
  CHECK(mode_of(Sequential<float>({Dense<float>(2, {.input_shape = Shape{4}})})) == "unknown");

  CHECK(preprocessed_range(PreprocessingMode::tf).least == -1);
  CHECK(preprocessed_range(PreprocessingMode::identity).most == 255);
  CHECK(std::abs(preprocessed_range(PreprocessingMode::torch).most - 2.64) < 1e-9);
  CHECK(std::abs(preprocessed_range(PreprocessingMode::caffe).least + 123.68) < 1e-9);
}

TEST_CASE("decode_predictions") {
  const test::TempDir dir;
  nlohmann::json index;
  for (int i = 0; i < 12; ++i) index[std::to_string(i)] = {"n" + std::to_string(100 + i), "thing_" + std::to_string(i)};
  const std::string path = dir.write("imagenet_class_index.json", index.dump());
  Tensor<float> preds(Shape{2, 12});
  preds[3] = 0.5f;
  preds[11] = 0.25f;
  preds[7] = 0.25f;
  preds[12 + 1] = NAN;
  preds[12 + 5] = 1.0f;

  const auto decoded = applications::decode_predictions(preds, 3, path);
  REQUIRE(decoded.size() == 2);
  REQUIRE(decoded[0].size() == 3);
  CHECK(decoded[0][0].class_name == "n103");
  CHECK(decoded[0][0].class_description == "thing_3");
  CHECK(decoded[0][0].score == 0.5);
  CHECK(decoded[0][1].class_name == "n107");  // of equal scores the first
  CHECK(decoded[0][2].class_name == "n111");
  CHECK(decoded[1][0].class_description == "thing_5");
  const auto all = applications::decode_predictions(preds, 100, path);
  REQUIRE(all[1].size() == 12);
  CHECK(all[1].back().class_name == "n101");  // NaN at the end

  CHECK_THROWS_AS(applications::decode_predictions(preds, 0, path), ConfigError);
  CHECK_THROWS_AS(applications::decode_predictions(Tensor<float>(Shape{2, 11}), 5, path), ShapeError);
  CHECK_THROWS_AS(applications::decode_predictions(Tensor<float>(Shape{12}), 5, path), ShapeError);
  CHECK_THROWS_AS(applications::decode_predictions(preds, 5, dir / "none.json"), FileError);
  const auto refused = [&](const std::string& text) {
    CHECK_THROWS_AS(applications::decode_predictions(preds, 5, dir.write("bad.json", text)), FileError);
  };
  refused("[1, 2]");
  refused(R"({"0": ["a", "b"], "2": ["a", "b"]})");
  refused(R"({"0": ["a"]})");
  refused(R"({"0": ["a", 7]})");
  refused(R"({"0": "a"})");
  refused("not json");
}
