#include "catch.hpp"
#include "graft/graft.hpp"
#include "tests/support/applications.hpp"
#include "tests/support/formula_weights.hpp"
#include "tests/support/temp_dir.hpp"

using namespace graft;
using Catch::Matchers::ContainsSubstring;
using graft::test::ApplicationArguments;

namespace {

const auto kSmall = ApplicationArguments{.input_shape = {32, 32, 3}, .alpha = 0.25};

bool same_weights(const Model<float>& a, const Model<float>& b) {
  const auto v = a.get_weights(), w = b.get_weights();
  if (v.size() != w.size()) return false;
  for (std::size_t i = 0; i < v.size(); ++i) {
    if (!(v[i].shape() == w[i].shape()) || !std::equal(v[i].begin(), v[i].end(), w[i].begin())) return false;
  }
  return true;
}

Model<float> with_formula(const char* name, const ApplicationArguments& arguments) {
  const UninitializedVariables without_values;
  const Model<float> model = test::applications().at(name)(arguments);
  golden::set_formula_weights(model, {});
  return model;
}

/// The error that reading these weights throws.
std::string refusal(const char* name, ApplicationArguments arguments, const std::string& path) {
  arguments.weights = path;
  try {
    (void)test::applications().at(name)(arguments);
  } catch (const FileError& error) {
    return error.what();
  }
  return "no FileError";
}

}  // namespace

TEST_CASE("Applications: weights from a file") {
  const test::TempDir dir;
  const auto mobilenet = with_formula("MobileNet", kSmall);
  for (const char* file : {"x.h5", "x.weights.h5"}) {
    mobilenet.save_weights(dir / file);
    auto arguments = kSmall;
    arguments.weights = dir / file;
    CHECK(same_weights(test::applications().at("MobileNet")(arguments), mobilenet));
  }
  CHECK_THAT(refusal("MobileNet", kSmall, dir / "none.h5"), ContainsSubstring("none.h5"));
  // Later layers have numbers again.
  const auto fresh = applications::MobileNet({.input_shape = {32, 32, 3}, .alpha = 0.25});
  const auto numbers = fresh.get_layer("conv_pw_3").get_weights();
  CHECK(numbers[0][0] != numbers[0][1]);
}

TEST_CASE("Applications: automatic names are no matter, the order of the layers is") {
  const test::TempDir dir;
  clear_session();
  ApplicationArguments arguments{.input_shape = {75, 75, 3}, .include_top = false};
  const auto first = with_formula("InceptionV3", arguments);
  CHECK_NOTHROW(first.get_layer("conv2d"));
  first.save_weights(dir / "inception.h5");
  arguments.weights = dir / "inception.h5";
  const auto second = test::applications().at("InceptionV3")(arguments);  // conv2d_94 …
  CHECK_NOTHROW(second.get_layer("conv2d_94"));
  CHECK(same_weights(first, second));
}

// Files of tf.keras have other names: "expanded_conv/depthwise", "Conv_1".
TEST_CASE("Applications: files of MobileNetV3 as tf.keras named its layers") {
  const test::TempDir dir;
  const ApplicationArguments arguments{.include_top = false, .alpha = 0.75};
  const auto named = with_formula("MobileNetV3Small", arguments);
  for (const auto& layer : named.layers()) {
    const std::string& name = layer.name();
    std::string other = name;
    for (const char* part : {"_depthwise", "_project", "_squeeze_excite"}) {
      const std::size_t where = name.find(part);
      if (where != std::string::npos && name.compare(0, 13, "expanded_conv") == 0) other[where] = '/';
    }
    if (name == "conv" || name == "conv_1") other[0] = 'C';
    layer.impl().set_name(other);
  }
  CHECK_NOTHROW(named.get_layer("expanded_conv_3/squeeze_excite_conv_1"));
  named.save_weights(dir / "v3.h5");
  auto with_weights = arguments;
  with_weights.weights = dir / "v3.h5";
  CHECK(same_weights(test::applications().at("MobileNetV3Small")(with_weights), named));
}

TEST_CASE("Applications: a file of another network is refused, with the first layer that differs") {
  const test::TempDir dir;
  const auto mobilenet = with_formula("MobileNet", kSmall);
  mobilenet.save_weights(dir / "mobilenet.h5");

  // Another network.
  std::string text = refusal("MobileNetV2", kSmall, dir / "mobilenet.h5");
  CHECK_THAT(text, ContainsSubstring("applications::MobileNetV2: ") && ContainsSubstring("Layer count mismatch"));
  CHECK_THAT(text,
             ContainsSubstring("The first layer that differs is number 5: the model has \"expanded_conv_project\""));
  CHECK_THAT(text, ContainsSubstring("mobilenet_v2_weights_tf_dim_ordering_tf_kernels"));
  // Of another width.
  auto wider = kSmall;
  wider.alpha = 0.5;
  CHECK_THAT(refusal("MobileNet", wider, dir / "mobilenet.h5"),
             ContainsSubstring("weight \"conv1/kernel\": expected shape (3, 3, 3, 16), received (3, 3, 3, 8)"));
  // With other classes.
  auto classes = kSmall;
  classes.classes = 10;
  CHECK_THAT(refusal("MobileNet", classes, dir / "mobilenet.h5"), ContainsSubstring("conv_preds"));
  // Without a top, and the other way round.
  auto base = kSmall;
  base.include_top = false;
  text = refusal("MobileNet", base, dir / "mobilenet.h5");
  CHECK_THAT(text, ContainsSubstring("the model ends, the file has \"conv_preds\""));
  CHECK_THAT(text, ContainsSubstring("MobileNet without a top is mobilenet_2_5_224_tf_no_top.h5"));
  const auto small_base = with_formula("MobileNet", base);
  small_base.save_weights(dir / "base.h5");
  CHECK_THAT(refusal("MobileNet", kSmall, dir / "base.h5"),
             ContainsSubstring("the model has \"conv_preds\" (1, 1, 256, 1000) (1000,), the file ends"));
  // By name what there is comes in.
  const auto model = with_formula("MobileNet", kSmall);
  for (const auto& weight : model.weights()) weight->mutable_value().fill(0);
  const auto report = model.load_weights(dir / "base.h5", {.by_name = true});
  CHECK(report.missing == std::vector<std::string>{"conv_preds/kernel", "conv_preds/bias"});
  CHECK(model.get_layer("conv_pw_13").get_weights()[0][0] == small_base.get_layer("conv_pw_13").get_weights()[0][0]);
  CHECK(model.get_layer("conv_preds").get_weights()[0][0] == 0);
  // A file that is none.
  CHECK_THAT(refusal("MobileNet", kSmall, dir.write("text.h5", "hello")), ContainsSubstring("text.h5"));
}

TEST_CASE("Applications: as many layers, another one among them") {
  const test::TempDir dir;
  const auto in = Input({8, 8, 3});
  const auto build = [&](Index filters) {
    clear_session();
    auto x = Conv2D<float>(4, 3)(in);
    x = Conv2D<float>(filters, 3)(x);
    return Model<float>(in, Conv2D<float>(4, 1)(x));
  };
  build(5).save_weights(dir / "five.h5");
  const auto model = build(6);
  int number = 0;
  for (const auto& layer : model.layers()) layer.impl().set_name("other_" + std::to_string(number++));
  CHECK_THROWS_WITH(
      model.load_weights(dir / "five.h5"),
      ContainsSubstring("weight \"other_2/kernel\": expected shape (3, 3, 4, 6), received (3, 3, 4, 5)") &&
          ContainsSubstring("number 2 of 3 layers with weights, the first that differs") &&
          ContainsSubstring("in the file it is \"conv2d_1\" (3, 3, 4, 5) (5,)"));
}

TEST_CASE("EfficientNet: the scaling that only Keras's own weights want") {
  const test::TempDir dir;
  const ApplicationArguments arguments{.input_shape = {32, 32, 3}, .include_top = false};
  with_formula("EfficientNetB0", arguments).save_weights(dir / "efficientnetb0_notop.h5");
  with_formula("EfficientNetB0", arguments).save_weights(dir / "mine.h5");
  const auto layers = [&](const std::string& path, std::optional<bool> wanted = {}) {
    return applications::EfficientNetB0({.input_shape = arguments.input_shape,
                                         .imagenet_rescaling = wanted,
                                         .include_top = false,
                                         .weights = path})
        .layers();
  };
  const std::size_t plain = layers(dir / "mine.h5").size();
  CHECK(layers(dir / "efficientnetb0_notop.h5").size() == plain + 1);
  CHECK(layers(dir / "mine.h5", true).size() == plain + 1);
  with_formula("EfficientNetB0", arguments).save_weights(dir / "my_efficientnetb0_notop.h5");
  CHECK(layers(dir / "my_efficientnetb0_notop.h5").size() == plain);
  CHECK(layers(dir / "efficientnetb0_notop.h5", false).size() == plain);
  const Config scale = layers(dir / "mine.h5", true)[3].config().at("scale");
  CHECK(std::abs(scale.items()[0].as_double() - 1 / std::sqrt(0.229)) < 1e-12);
}

TEST_CASE("ConvNeXt: saved and read again") {
  const test::TempDir dir;
  clear_session();
  const auto model = with_formula("ConvNeXtTiny", {.input_shape = {32, 32, 3}, .include_top = false, .pooling = "avg"});
  const auto x = golden::formula_input({1, 32, 32, 3}, 127.5, 127.5);
  const auto y = model.predict(x);
  model.save(dir / "convnext.h5");
  const auto again = load_model(dir / "convnext.h5");
  CHECK(same_weights(model, again));
  const auto z = again.predict(x);
  CHECK(std::equal(y.begin(), y.end(), z.begin()));
}
