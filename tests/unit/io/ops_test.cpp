#include <cmath>
#include <fstream>

#include "graft/io/keras/model_config.hpp"
#include "tests/support/shared_dir.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/io/keras_file.hpp"

using namespace graft;
using namespace graft::test;
using Catch::Matchers::ContainsSubstring;

namespace {

// A functional model of one input and one op entry, in the words of tf.keras.
std::string tf_model(const std::string& input_shape, const std::string& entries, const std::string& last) {
  return R"({"class_name":"Functional","config":{"name":"m","layers":[
    {"class_name":"InputLayer","config":{"batch_input_shape":)" +
         input_shape +
         R"(,"dtype":"float32","sparse":false,"ragged":false,"name":"x"},"name":"x","inbound_nodes":[]},)" + entries +
         R"(],"input_layers":[["x",0,0]],"output_layers":[[")" + last + R"(",0,0]]}})";
}

std::string lambda(const std::string& name, const std::string& function, const std::string& inbound,
                   const std::string& class_name = "TFOpLambda") {
  return R"({"class_name":")" + class_name + R"(","config":{"name":")" + name +
         R"(","trainable":true,"dtype":"float32","function":")" + function + R"("},"name":")" + name +
         R"(","inbound_nodes":[)" + inbound + "]}";
}

Model<float> model_of(const std::string& config, keras::Generation generation) {
  std::vector<std::string> warnings;
  return Model<float>::from_config(keras::ModelConfigReader(generation, false, warnings).read(json::parse(config)));
}

Tensor<float> run_tf(const std::string& function, const std::string& inbound, const Tensor<float>& x,
                     const std::string& class_name = "TFOpLambda") {
  const std::string shape = json::dump(graft::detail::shape_config(x.shape().replace_batch(Shape::kUnknown)));
  const auto model =
      model_of(tf_model(shape, lambda("op", function, inbound, class_name), "op"), keras::Generation::keras2);
  return model.predict(x);
}

std::vector<float> values(const Tensor<float>& tensor) { return {tensor.begin(), tensor.end()}; }
using V = std::vector<float>;

// Saves in a format and loads again: the same predictions, bit for bit.
void check_reload(const Model<float>& model, const Tensor<float>& x, const std::string& end) {
  INFO(end);
  const TempDir folder;
  const std::string path = folder.path() + "/model" + end;
  const auto before = model.predict_all({ArrayLike<float>(x)});
  model.save(path);
  const auto again = load_model(path).predict_all({ArrayLike<float>(x)});
  REQUIRE(again.size() == before.size());
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(test::same(before[i], again[i]));
}

}  // namespace

TEST_CASE("graft::ops builds models that predict what the formulas say") {
  const auto x = Input({2, 3});
  const auto mean = ops::mean(x, {1}, true);  // (batch, 1, 3)
  const auto y = (x - mean) * 2.0 + 1.0 / (ops::square(x) + 1.0);
  const auto parts = ops::split(y, 3, -1);  // 3 of (batch, 2, 1)
  const auto swapped = ops::concatenate<float>({parts[2], parts[0]});
  const auto product = ops::matmul(swapped, ops::transpose(swapped, {0, 2, 1}));
  const auto last = ops::get_item(product, {ops::ellipsis(), 1});  // (batch, 2)
  const Model<float> model({x}, {y, last, ops::unstack(x, 1)[1], ops::where(ops::greater(x, 0.0), x, ops::abs(x))});
  const Tensor<float> in({1, 2, 3}, {1, -2, 3, 5, 4, -1});
  const auto out = model.predict_all({ArrayLike<float>(in)});
  REQUIRE(out.size() == 4);
  const float m[] = {3, 1, 1};
  float expected[6];
  for (int i = 0; i < 6; ++i) {
    expected[i] = (in[i] - m[i % 3]) * 2 + 1 / (in[i] * in[i] + 1);
    CHECK(out[0][i] == Approx(expected[i]));
  }
  CHECK(out[1].shape() == Shape{1, 2});
  const auto dot = [&](int a, int b) {
    return expected[3 * a + 2] * expected[3 * b + 2] + expected[3 * a] * expected[3 * b];
  };
  CHECK(out[1][0] == Approx(dot(0, 1)));
  CHECK(out[1][1] == Approx(dot(1, 1)));
  CHECK(values(out[2]) == V{5, 4, -1});
  CHECK(values(out[3]) == V{1, 2, 3, 5, 4, 1});
}

TEST_CASE("models of operations are saved and load again, bit for bit") {
  const auto x = Input({4, 6}, {.name = "x"});
  auto y = ops::subtract(Dense(6, {.name = "d"})(x) * 0.7, {0.1, 0.2, -0.3, 4, 5, 1e-7}) + x;
  y = ops::maximum(y, -0.5) / (ops::abs(y) + 1e-3);
  y = ops::power(ops::clip(y, 0.01, 3.0), 1.5) + ops::exp(ops::negative(y)) + 2.0 / (1.0 + ops::sigmoid(y));
  y = ops::stack<float>({y, ops::flip(y, {1}), ops::tanh(y)}, -1);                                  // (4, 6, 3)
  y = ops::get_item(y, {ops::slice(), ops::slice(1, {}, 2), ops::ellipsis(), ops::newaxis(), -1});  // (2, 6, 1)
  y = ops::tile(ops::squeeze(ops::expand_dims(y, 1), {1}), {1, 1, 2, 1});                           // (2, 12, 1)
  y = ops::reshape(y, {-1, 3, 8}) + ops::zeros_like(ops::reshape(y, {-1, 3, 8}));
  y = ops::pad(y, {{{0, 0}}, {{1, 2}}, {{0, 1}}}, "constant", 0.25);          // (6, 9)
  const auto halves = ops::split(y, 2, 1);                                    // (3, 9)
  y = ops::concatenate<float>({halves[1], ops::repeat(halves[0], 2, 1)}, 1);  // (9, 9)
  y = y + ops::matmul(y, ops::transpose(y, {0, 2, 1})) * 0.01 + ops::softmax(ops::cumsum(y, 1));
  const auto mean = ops::mean(y, {1, 2}), largest = ops::max(y, {-1}, true), spread = ops::std(y, {1});
  const Model<float> model(
      {x}, {mean, largest, spread, ops::where(ops::not_equal(y, 0.0), y, ops::expand_dims(ops::unstack(y, 1)[0], 1))});
  const Tensor<float> in = numbers({3, 4, 6}, -0.2F);
  check_reload(model, in, ".h5");
#ifdef GRAFT_HAS_LIBZIP
  check_reload(model, in, ".keras");
#endif
  // Clones too.
  const auto clone = clone_model(model);
  clone.set_weights(model.get_weights());
  CHECK(test::same(clone.predict_all({ArrayLike<float>(in)})[2], model.predict_all({ArrayLike<float>(in)})[2]));
}

TEST_CASE("tf.keras's lambdas over functions of TensorFlow") {
  const Tensor<float> x({1, 4}, {1, -2, 3, -4}), m({1, 2, 2}, {1, 2, 3, 4});
  CHECK(values(run_tf("__operators__.add", R"(["x",0,0,{"y":3.0,"name":null}])", x)) == V{4, 1, 6, -1});
  CHECK(values(run_tf("__operators__.radd", R"(["x",0,0,{"y":3.0,"name":null}])", x)) == V{4, 1, 6, -1});
  CHECK(values(run_tf("math.subtract", R"(["_CONSTANT_VALUE",-1,1.0,{"y":["x",0,0],"name":null}])", x)) ==
        V{0, 3, -2, 5});
  CHECK(values(run_tf("math.multiply", R"(["x",0,0,{"y":["x",0,0],"name":null}])", x)) == V{1, 4, 9, 16});
  CHECK(values(run_tf("math.truediv", R"(["x",0,0,{"y":[1,2,4,8]}])", x)) == V{1, -1, 0.75F, -0.5F});
  CHECK(values(run_tf("nn.relu", R"(["x",0,0,{"name":null}])", x)) == V{1, 0, 3, 0});
  CHECK(values(run_tf("compat.v1.nn.relu6", R"(["x",0,0,{"name":null}])", x)) == V{1, 0, 3, 0});
  CHECK(values(run_tf("math.reduce_mean", R"(["x",0,0,{"axis":-1,"keepdims":true}])", x)) == V{-0.5F});
  CHECK(values(run_tf("math.reduce_sum", R"(["x",0,0,{"axis":[1,2]}])", m)) == V{10});
  CHECK(values(run_tf("transpose", R"(["x",0,0,{"perm":[0,2,1]}])", m)) == V{1, 3, 2, 4});
  CHECK(run_tf("reshape", R"(["x",0,0,{"shape":[-1,4]}])", m).shape() == Shape{1, 4});
  CHECK(values(run_tf("concat", R"([["x",0,0,{"axis":-1}],["x",0,0,{"axis":-1}]])", x)) ==
        V{1, -2, 3, -4, 1, -2, 3, -4});
  CHECK(run_tf("stack", R"([["x",0,0,{"axis":1}],["x",0,0,{"axis":1}]])", x).shape() == Shape{1, 2, 4});
  CHECK(values(run_tf("split", R"(["x",0,0,{"num_or_size_splits":[3,1],"axis":1}])", x)) == V{1, -2, 3});
  CHECK(values(run_tf("clip_by_value", R"(["x",0,0,{"clip_value_min":-1,"clip_value_max":2}])", x)) == V{1, -1, 2, -1});
  CHECK(values(run_tf("where", R"(["x",0,0,{"x":7.0,"y":["x",0,0]}])", Tensor<float>({1, 2}, {3, 0}))) == V{7, 0});
  CHECK(values(run_tf("cast", R"(["x",0,0,{"dtype":"float32"}])", x)) == values(x));
  CHECK(values(run_tf("pad", R"(["x",0,0,{"paddings":[[0,0],[1,0]],"mode":"CONSTANT","constant_values":0}])", x)) ==
        V{0, 1, -2, 3, -4});
  CHECK(run_tf("math.l2_normalize", R"(["x",0,0,{"axis":1}])", x)[2] == Approx(3 / std::sqrt(30.0)));
  const std::string spec = R"({"class_name":"__tuple__","items":[{"class_name":"__ellipsis__"},
                              {"start":null,"stop":null,"step":-2}]})";
  CHECK(values(run_tf("__operators__.getitem", R"(["x",0,0,{"slice_spec":)" + spec + "}]", x, "SlicingOpLambda")) ==
        V{-4, -2});
}

TEST_CASE("nodes of TensorFlow's graphs in files of TensorFlow 2.0 to 2.2") {
  const auto node = [](const std::string& op, const std::string& inputs, const std::string& attr,
                       const std::string& constants, const std::string& inbound) {
    return R"({"class_name":"TensorFlowOpLayer","config":{"name":"op","trainable":true,"dtype":"float32","node_def":
             {"name":"op","op":")" +
           op + R"(","input":)" + inputs + R"(,"attr":)" + attr + R"(},"constants":)" + constants +
           R"(},"name":"tf_op_layer_op","inbound_nodes":[[)" + inbound + "]]}";
  };
  const auto run = [&](const std::string& entry, const Tensor<float>& x) {
    const std::string shape = json::dump(graft::detail::shape_config(x.shape().replace_batch(Shape::kUnknown)));
    return model_of(tf_model(shape, entry, "tf_op_layer_op"), keras::Generation::keras2).predict(x);
  };
  const Tensor<float> x({1, 4}, {1, -2, 3, -4}), m({1, 3, 2}, {1, 2, 3, 4, 5, 6});
  const std::string one = R"(["x",0,0,{}])";
  CHECK(run(node("Reshape", R"(["x","shape"])", "{}", R"({"1":[-1,6]})", one), m).shape() == Shape{1, 6});
  CHECK(values(run(node("Transpose", R"(["x","perm"])", "{}", R"({"1":[0,2,1]})", one), m)) == V{1, 3, 5, 2, 4, 6});
  CHECK(values(run(node("AddV2", R"(["x","y"])", "{}", R"({"1":0.5})", one), x)) == V{1.5F, -1.5F, 3.5F, -3.5F});
  CHECK(values(run(node("Sub", R"(["y","x"])", "{}", R"({"0":1.0})", one), x)) == V{0, 3, -2, 5});
  CHECK(values(run(node("Mul", R"(["x","x"])", "{}", "{}", one + "," + one), x)) == V{1, 4, 9, 16});
  CHECK(values(run(node("Mean", R"(["x","axis"])", R"({"keep_dims":{"b":true}})", R"({"1":[1]})", one), x)) ==
        V{-0.5F});
  CHECK(values(run(node("ConcatV2", R"(["x","x","axis"])", R"({"N":{"i":"2"}})", R"({"2":1})", one + "," + one), x)) ==
        V{1, -2, 3, -4, 1, -2, 3, -4});
  CHECK(run(node("Pack", R"(["x","x"])", R"({"axis":{"i":"1"}})", "{}", one + "," + one), x).shape() == Shape{1, 2, 4});
  const std::string masks = R"({"begin_mask":{"i":"1"},"end_mask":{"i":"1"},"shrink_axis_mask":{"i":"2"}})";
  CHECK(values(run(node("StridedSlice", R"(["x","b","e","s"])", masks, R"({"1":[0,2],"2":[0,3],"3":[1,1]})", one),
                   x)) == V{3});
}

TEST_CASE("Keras 3's operations in an .h5 file, where the module is not written") {
  const auto tensor = [](const std::string& name) {
    return R"({"class_name":"__keras_tensor__","config":{"shape":[null,4],"dtype":"float32","keras_history":[")" +
           name + R"(",0,0]}})";
  };
  const auto entry = [](const std::string& class_name, const std::string& name, const std::string& config,
                        const std::string& args) {
    return R"({"class_name":")" + class_name + R"(","config":{"name":")" + name + "\"" + config + R"(},"name":")" +
           name + R"(","inbound_nodes":[{"args":[)" + args + R"(],"kwargs":{}}]})";
  };
  const std::string entries =
      entry("Add", "add", "", tensor("x") + ",3.0") + "," + entry("Multiply", "multiply", "", "2.0," + tensor("add")) +
      "," + entry("Relu", "relu", "", tensor("multiply")) + "," +
      entry("Maximum", "maximum", "", tensor("relu") + R"(,{"class_name":"__tensor__","config":
            {"value":[[1.0,2.0,3.0,4.0]],"dtype":"float32"}})") +
      "," + entry("GetItem", "get_item", "", tensor("maximum") + R"(,[{"class_name":"__ellipsis__","config":{}},
            {"class_name":"__slice__","config":{"start":1,"stop":null,"step":null}}])") +
      "," +
      // The layer Add, which takes a list and has a config of its own.
      entry("Add", "add_1", R"(,"trainable":true,"dtype":"float32")",
            "[" + tensor("get_item") + "," + tensor("get_item") + "]");
  const auto model = model_of(tf_model("[null,4]", entries, "add_1"), keras::Generation::keras3);
  CHECK(model.get_layer("add").class_name() == "ops.Add");
  CHECK(model.get_layer("relu").class_name() == "Activation");
  CHECK(model.get_layer("add_1").class_name() == "Add");
  CHECK(values(model.predict(Tensor<float>({1, 4}, {1, -2, -9, 0}))) == V{4, 6, 12});
  const std::string rounded =
      entry("Round", "round", R"(,"decimals":0)", tensor("x")) + "," +
      entry("Normalize", "normalize", R"(,"axis":-1,"order":2,"epsilon":null)", tensor("round"));
  const auto unit = model_of(tf_model("[null,4]", rounded, "normalize"), keras::Generation::keras3);
  CHECK(unit.get_layer("normalize").class_name() == "UnitNormalization");
  CHECK(unit.predict(Tensor<float>({1, 4}, {3.2F, -0.4F, 3.9F, 0}))[2] == Approx(0.8));
  const std::string first = entry("Normalize", "normalize", R"(,"axis":-1,"order":1,"epsilon":null)", tensor("x"));
  CHECK_THROWS_AS(model_of(tf_model("[null,4]", first, "normalize"), keras::Generation::keras3), ConfigError);
}

TEST_CASE("an operation that graft does not have is named, with those that it has") {
  const auto load = [](const std::string& function, const std::string& inbound) {
    return model_of(tf_model("[null,4]", lambda("op", function, inbound), "op"), keras::Generation::keras2);
  };
  CHECK_THROWS_WITH(load("signal.fft", R"(["x",0,0,{}])"), ContainsSubstring("TFOpLambda \"op\"") &&
                                                               ContainsSubstring("signal.fft") &&
                                                               ContainsSubstring("Mean"));
  CHECK_THROWS_WITH(load("math.cumsum", R"(["x",0,0,{"axis":1,"reverse":true}])"), ContainsSubstring("reverse"));
  CHECK_THROWS_WITH(load("reshape", R"(["x",0,0,{"shape":["x",0,0]}])"), ContainsSubstring("newshape"));
  CHECK_THROWS_AS(load("math.add", R"([])"), ConfigError);
}

TEST_CASE("a file of tf.keras with a node of TensorFlow loads and trains") {
  const std::string path = shared_path("fixtures/dl4j/modelimport/keras/tfkeras/permute.h5");
  GRAFT_NEEDS(path);
  const auto model = load_model(path);
  const Tensor<float> x({2, 3, 2}, {1, 2, 3, 4, 5, 6, -1, 0, 2, 1, 0, 3});
  const auto y = model.predict(x);
  REQUIRE(y.shape() == Shape{2, 2, 5});
  const auto weights = model.get_weights();
  for (Index b = 0; b < 2; ++b) {
    for (Index i = 0; i < 2; ++i) {
      for (Index u = 0; u < 5; ++u) {
        double expected = weights[1][u];
        for (Index k = 0; k < 3; ++k) expected += double(x[(b * 3 + k) * 2 + i]) * double(weights[0][k * 5 + u]);
        CHECK(y[(b * 2 + i) * 5 + u] == Approx(expected).margin(1e-5));
      }
    }
  }
  check_reload(model, x, ".h5");
}

TEST_CASE("the architectures of keras.applications can be built") {
  GRAFT_NEEDS_SHARED();
  for (const char* name : {"DenseNet121", "EfficientNetB0", "InceptionV3", "MobileNet", "MobileNetV2",
                           "MobileNetV3Small", "ResNet50", "ResNet50V2", "VGG16", "Xception"}) {
    INFO(name);
    const auto read = [&](const char* file) {
      std::ifstream stream(shared_path(std::string("golden/applications/") + name + "/" + file));
      return json::parse(std::string(std::istreambuf_iterator<char>(stream), {}));
    };
    std::vector<std::string> warnings;
    const Config config =
        keras::ModelConfigReader(keras::Generation::keras3, false, warnings).read(read("architecture.json"));
    CHECK(Model<float>::from_config(config).count_params() == read("info.json").at("total_params").as_int());
  }
}

TEST_CASE("Keras 1's Merge becomes the layer of its mode") {
  const auto run = [](const std::string& mode, const std::string& more) {
    const std::string entry = R"({"class_name":"Merge","config":{"name":"merge_1","mode_type":"raw","arguments":{},
      "concat_axis":-1,"dot_axes":-1,"output_shape":null,"mode":")" +
                              mode + "\"" + more + R"(},"name":"merge_1",
      "inbound_nodes":[[["x",0,0],["x",0,0]]]})";
    return values(model_of(tf_model("[null,3]", entry, "merge_1"), keras::Generation::keras1)
                      .predict(Tensor<float>({1, 3}, {1, 2, -2})));
  };
  CHECK(run("sum", "") == V{2, 4, -4});
  CHECK(run("mul", "") == V{1, 4, 4});
  CHECK(run("ave", "") == V{1, 2, -2});
  CHECK(run("max", "") == V{1, 2, -2});
  CHECK(run("concat", "") == V{1, 2, -2, 1, 2, -2});
  CHECK(run("dot", "") == V{9});
  CHECK(run("dot", R"(,"dot_axes":[[1],[1]])") == V{9});
  CHECK(run("cos", "")[0] == Approx(1));
  CHECK_THROWS_WITH(run("lambda x: x", ""), ContainsSubstring("merge_1"));
}

TEST_CASE("files of tf.keras with locally connected and thresholded layers load, and reload bit for bit") {
  const std::string folder = shared_path("fixtures/dl4j/modelimport/keras/tfkeras/");
  for (const char* name : {"cnn2d_32", "cnn2d_92", "adv_act_5"}) {
    GRAFT_NEEDS(folder + name + ".h5");
    INFO(name);
    const auto model = load_model(folder + name + ".h5");
    const Shape shape = model.impl().graph().inputs()[0].shape().replace_batch(2);
    check_reload(model, numbers(shape, -0.1F), ".h5");
  }
}

TEST_CASE("Keras 1's Highway and MaxoutDense: their words and names of weights") {
  const std::string config = R"({"class_name":"Sequential","config":[
    {"class_name":"Highway","config":{"name":"highway_1","trainable":true,"batch_input_shape":[null,3],
      "input_dtype":"float32","input_dim":3,"activation":"tanh","bias":true,"transform_bias":-2,
      "init":"glorot_uniform","W_regularizer":null,"b_regularizer":null,"activity_regularizer":null,
      "W_constraint":null,"b_constraint":null}},
    {"class_name":"MaxoutDense","config":{"name":"maxoutdense_1","trainable":true,"output_dim":2,"nb_feature":2,
      "input_dim":3,"bias":true,"init":"glorot_uniform","W_regularizer":null,"b_regularizer":null,
      "activity_regularizer":null,"W_constraint":null,"b_constraint":null}}]})";
  const auto w = numbers({3, 3}, -0.1F), carry = numbers({3, 3}, 0.2F), b = numbers({3}, 0.3F), c = numbers({3}, -2);
  const auto parts = numbers({2, 3, 2}, -0.2F), offsets = numbers({2, 2}, 0.1F);
  const TempDir folder;
  const std::string path = folder / "old.h5";
  KerasFile{
      .version = "1.2.2",
      .model_config = config,
      .layers =
          {{"highway_1",
            {{"highway_1_W_carry:0", carry}, {"highway_1_W:0", w}, {"highway_1_b:0", b}, {"highway_1_b_carry:0", c}}},
           {"maxoutdense_1", {{"maxoutdense_1_W:0", parts}, {"maxoutdense_1_b:0", offsets}}}}}
      .write(path);
  const Tensor<float> x({1, 3}, {0.5F, -1, 2});
  const auto y = load_model(path).predict(x);
  float h[3];
  for (Index j = 0; j < 3; ++j) {
    float z = b[j], g = c[j];
    for (Index i = 0; i < 3; ++i) z += x[i] * w[i * 3 + j], g += x[i] * carry[i * 3 + j];
    const float t = 1 / (1 + std::exp(-g));
    h[j] = t * std::tanh(z) + (1 - t) * x[j];
  }
  for (Index j = 0; j < 2; ++j) {
    float best = -INFINITY;
    for (Index k = 0; k < 2; ++k) {
      float z = offsets[k * 2 + j];
      for (Index i = 0; i < 3; ++i) z += h[i] * parts[(k * 3 + i) * 2 + j];
      best = std::max(best, z);
    }
    CHECK(y[j] == Approx(best).epsilon(1e-5));
  }
}
