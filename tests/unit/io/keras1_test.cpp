#include <algorithm>

#include "keras_file.hpp"
#include "tests/support/temp_dir.hpp"

// Keras 0.x and 1.x: words and kernels of layers over space.

using namespace graft;
using Catch::Matchers::ContainsSubstring;
using graft::test::error_of;
using graft::test::KerasFile;
using graft::test::numbers;
using graft::test::same;
using graft::test::TempDir;

namespace {

// The order of keys says nothing.
Config sorted(const Config& config) {
  std::vector<Config::Member> members = config.members();
  std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return Config::object(std::move(members));
}
Config sorted_json(const std::string& text) { return sorted(json::parse(text)); }

// Class and config of a layer as graft's layers read them.
std::pair<std::string, Config> translated(std::string class_name, const std::string& config) {
  Config result = json::parse(config);
  keras::keras1::translate_layer(class_name, result, "test");
  return {class_name, sorted(result)};
}

std::string sequential(const std::string& layers) {
  return R"({"class_name": "Sequential", "config": [)" + layers + "]}";
}

// An array with its axes in another order: axis i of the result is axis order[i].
Tensor<float> transposed(const Tensor<float>& from, std::vector<int> order) {
  Shape shape;
  for (const int axis : order) shape.push_back(from.shape()[axis]);
  Tensor<float> result(shape);
  for (Index i = 0; i < result.size(); ++i) {
    Index rest = i, at = 0;
    std::vector<Index> position(order.size());
    for (std::size_t axis = order.size(); axis-- > 0;) {
      position[axis] = rest % shape[static_cast<int>(axis)];
      rest /= shape[static_cast<int>(axis)];
    }
    for (std::size_t axis = 0; axis < order.size(); ++axis) {
      at += position[axis] * from.shape().product(order[axis] + 1, from.shape().rank());
    }
    result[i] = from[at];
  }
  return result;
}

// The kernel that a layer has after it was read from a file of Keras 1 that holds `stored`.
Tensor<float> kernel_of(const std::string& layer, const Tensor<float>& stored, Index filters,
                        const std::string& version = "1.2.2", const std::string& backend = "") {
  const TempDir dir;
  KerasFile file;
  file.version = version;
  file.backend = backend;
  file.model_config = sequential(layer);
  file.layers = {{"c", {{"c_W", stored}, {"c_b", numbers({filters}, 5)}}}};
  file.write(dir / "m.h5");
  return load_model(dir / "m.h5").get_weights()[0];
}

}  // namespace

TEST_CASE("Keras 1: convolutions, pooling and padding under their former names") {
  {
    const auto [name, config] =
        translated("Convolution2D", R"({"nb_filter": 4, "nb_row": 3, "nb_col": 5, "subsample": [1, 2],
      "border_mode": "same", "dim_ordering": "th", "init": "uniform", "bias": false})");
    CHECK(name == "Conv2D");
    CHECK(config ==
          sorted_json(R"({"data_format": "channels_first", "filters": 4, "kernel_size": [3, 5], "strides": [1, 2],
      "padding": "same", "kernel_initializer": "random_uniform", "use_bias": false})"));
  }
  {
    const auto [name, config] =
        translated("AtrousConvolution1D", R"({"nb_filter": 4, "filter_length": 3, "subsample_length": 1,
      "border_mode": "valid", "atrous_rate": 2, "input_dim": 6, "input_length": null})");
    CHECK(name == "Conv1D");
    CHECK(config ==
          sorted_json(R"({"filters": 4, "kernel_size": 3, "strides": 1, "padding": "valid", "dilation_rate": 2,
      "batch_input_shape": [null, null, 6]})"));
  }
  {
    const auto [name, config] = translated("Convolution3D", R"({"nb_filter": 2, "kernel_dim1": 1, "kernel_dim2": 2,
      "kernel_dim3": 3, "dim_ordering": "tf"})");
    CHECK(name == "Conv3D");
    CHECK(config == sorted_json(R"({"data_format": "channels_last", "filters": 2, "kernel_size": [1, 2, 3]})"));
  }
  CHECK(translated("SeparableConvolution2D", R"({"nb_filter": 2, "init": "normal"})").second ==
        sorted_json(
            R"({"filters": 2, "depthwise_initializer": "random_normal", "pointwise_initializer": "random_normal"})"));
  CHECK(translated("MaxPooling1D", R"({"pool_length": 3, "stride": 2, "border_mode": "same"})").second ==
        sorted_json(R"({"pool_size": 3, "strides": 2, "padding": "same"})"));
  CHECK(translated("UpSampling1D", R"({"length": 3})").second == sorted_json(R"({"size": 3})"));
  CHECK(translated("SpatialDropout2D", R"({"p": 0.25, "dim_ordering": "tf"})").second ==
        sorted_json(R"({"rate": 0.25, "data_format": "channels_last"})"));
  CHECK(translated("ZeroPadding1D", R"({"padding": {"left_pad": 1, "right_pad": 2}})").second ==
        sorted_json(R"({"padding": [1, 2]})"));
  CHECK(translated("ZeroPadding2D", R"({"padding": [1, 2, 3, 4]})").second ==
        sorted_json(R"({"padding": [[1, 2], [3, 4]]})"));
  CHECK(translated("ZeroPadding2D", R"({"padding": {"top_pad": 1, "left_pad": 3, "right_pad": 4}})").second ==
        sorted_json(R"({"padding": [[1, 0], [3, 4]]})"));
  CHECK(translated("ZeroPadding2D", R"({"padding": [1, 2]})").second == sorted_json(R"({"padding": [1, 2]})"));
}

TEST_CASE("Keras 1: Deconvolution2D has the output that it was told") {
  const auto output = [](Index size, const std::string& mode, Index told) {
    const std::string text = sequential(R"({"class_name": "Deconvolution2D", "config": {"name": "c", "nb_filter": 2,
      "nb_row": 3, "nb_col": 3, "subsample": [2, 2], "dim_ordering": "tf", "border_mode": ")" +
                                        mode + R"(", "output_shape": [null, )" + std::to_string(told) + ", " +
                                        std::to_string(told) + R"(, 2], "batch_input_shape": [null, )" +
                                        std::to_string(size) + ", " + std::to_string(size) + ", 1]}}");
    std::vector<std::string> warnings;
    const Config config = keras::ModelConfigReader(keras::Generation::keras1, false, warnings).read(json::parse(text));
    return Model<float>::from_config(config).output_shape()[1];
  };
  CHECK(output(4, "valid", 9) == 9);
  CHECK(output(4, "valid", 10) == 10);
  CHECK(output(4, "same", 8) == 8);
  CHECK(output(4, "same", 7) == 7);
}

TEST_CASE("Keras 1: kernels in the order of every backend") {
  const std::string conv1d =
      R"({"class_name": "Convolution1D", "config": {"name": "c", "nb_filter": 4, "filter_length": 3,
    "batch_input_shape": [null, 7, 2]}})";
  const auto one = numbers({3, 2, 4}, 1);
  CHECK(same(kernel_of(conv1d, one.reshaped({3, 1, 2, 4}), 4), one));
  CHECK(same(kernel_of(conv1d, transposed(one.reshaped({3, 1, 2, 4}), {3, 2, 0, 1}), 4), one));

  const auto conv2d = [](const std::string& order, const std::string& shape) {
    return R"({"class_name": "Convolution2D", "config": {"name": "c", "nb_filter": 4, "nb_row": 3, "nb_col": 5,
      "dim_ordering": ")" +
           order + R"(", "batch_input_shape": )" + shape + "}}";
  };
  const auto two = numbers({3, 5, 2, 4}, 1);
  CHECK(same(kernel_of(conv2d("tf", "[null, 7, 7, 2]"), two, 4), two));
  CHECK(same(kernel_of(conv2d("th", "[null, 2, 7, 7]"), transposed(two, {3, 2, 0, 1}), 4), two));
  // Whatever the version: what fits in one order only.
  const std::string now = R"({"class_name": "Conv2D", "config": {"name": "c", "filters": 4, "kernel_size": [3, 5],
    "batch_input_shape": [null, 7, 7, 2]}})";
  CHECK(same(kernel_of(now, transposed(two, {2, 3, 1, 0}), 4, "2.0.8", "tensorflow"), two));

  const std::string conv3d =
      R"({"class_name": "Convolution3D", "config": {"name": "c", "nb_filter": 4, "kernel_dim1": 3,
    "kernel_dim2": 1, "kernel_dim3": 5, "dim_ordering": "th", "batch_input_shape": [null, 2, 7, 7, 7]}})";
  const auto three = numbers({3, 1, 5, 2, 4}, 1);
  CHECK(same(kernel_of(conv3d, transposed(three, {4, 3, 0, 1, 2}), 4), three));

  const auto deconv = [](const std::string& order, const std::string& shape) {
    return R"({"class_name": "Deconvolution2D", "config": {"name": "c", "nb_filter": 4, "nb_row": 3, "nb_col": 5,
      "dim_ordering": ")" +
           order + R"(", "batch_input_shape": )" + shape + "}}";
  };
  const auto four = numbers({3, 5, 4, 2}, 1);
  CHECK(same(kernel_of(deconv("tf", "[null, 7, 7, 2]"), transposed(four, {0, 1, 3, 2}), 4), four));
  CHECK(same(kernel_of(deconv("th", "[null, 2, 7, 7]"), transposed(four, {2, 3, 0, 1}), 4), four));
  CHECK_THAT(error_of([&] {
               (void)kernel_of(conv1d, numbers({3, 3, 2, 4}, 1), 4);
             }),
             ContainsSubstring("expected shape"));
}

TEST_CASE("Keras 0.x: weights without names") {
  const TempDir dir;
  const auto kernel = numbers({3, 2}, 1), bias = numbers({2}, 9), second = numbers({2, 4}, 3), last = numbers({4}, 7);
  const hid_t file = H5Fcreate((dir / "w.h5").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const auto attribute = [](hid_t where, const char* name, std::int64_t value) {
    const hid_t space = H5Screate(H5S_SCALAR),
                made = H5Acreate2(where, name, H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(made, H5T_NATIVE_INT64, &value);
    H5Aclose(made);
    H5Sclose(space);
  };
  const auto layer = [&](const char* name, std::vector<const Tensor<float>*> arrays) {
    const hid_t group = H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    attribute(group, "nb_params", static_cast<std::int64_t>(arrays.size()));
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      std::vector<hsize_t> dims(arrays[i]->shape().begin(), arrays[i]->shape().end());
      const hid_t space = H5Screate_simple(arrays[i]->rank(), dims.data(), nullptr);
      const hid_t made = H5Dcreate2(group, ("param_" + std::to_string(i)).c_str(), H5T_IEEE_F32LE, space, H5P_DEFAULT,
                                    H5P_DEFAULT, H5P_DEFAULT);
      H5Dwrite(made, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, arrays[i]->data());
      H5Dclose(made);
      H5Sclose(space);
    }
    H5Gclose(group);
  };
  attribute(file, "nb_layers", 3);
  layer("layer_0", {&kernel, &bias});
  layer("layer_1", {});
  layer("layer_2", {&second, &last});
  H5Fclose(file);

  Sequential<float> model;
  model.add(Dense(2, {.input_shape = Shape{3}}));
  model.add(Activation("relu"));
  model.add(Dense(4));
  CHECK(model.load_weights(dir / "w.h5").loaded.size() == 4);
  CHECK(same(model.get_weights()[0], kernel));
  CHECK(same(model.get_weights()[3], last));
  CHECK_THAT(error_of([&] { (void)load_model(dir / "w.h5"); }), ContainsSubstring("weights only"));
}
