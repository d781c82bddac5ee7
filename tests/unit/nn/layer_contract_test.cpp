#include <functional>

#include "../../support/layer_contract.hpp"

using namespace graft;
using graft::test::LayerCase;

namespace {

using AddCase = std::function<void(const std::string&, const Shape&, const Layer<double>&)>;

void add_pooling(const AddCase& add) {
  add("MaxPooling1D", {7, 3}, MaxPooling1D<double>());
  add("MaxPooling1D same", {8, 3}, MaxPooling1D<double>(3, {.strides = 2, .padding = "same"}));
  add("MaxPooling1D channels_first", {3, 7}, MaxPooling1D<double>(3, {.data_format = "channels_first"}));
  add("MaxPooling1D window above 256", {5, 2}, MaxPooling1D<double>(300, {.strides = 2, .padding = "SAME"}));
  add("MaxPooling2D", {5, 7, 5}, MaxPooling2D<double>());
  add("MaxPooling2D overlapping", {5, 6, 3}, MaxPooling2D<double>(3, {.strides = 1}));
  add("MaxPooling2D same", {5, 6, 3}, MaxPooling2D<double>({3, 2}, {.strides = {2, 1}, .padding = "same"}));
  add("MaxPooling2D gaps", {7, 6, 3}, MaxPooling2D<double>({2, 1}, {.strides = {5, 3}}));
  add("MaxPooling2D channels_first", {3, 5, 6}, MaxPooling2D<double>(2, {.data_format = "channels_first"}));
  add("MaxPooling3D", {3, 4, 5, 2}, MaxPooling3D<double>({1, 2, 2}));
  add("MaxPooling3D same", {3, 2, 5, 2}, MaxPooling3D<double>(3, {.strides = 2, .padding = "same"}));
  add("AveragePooling1D", {7, 3}, AveragePooling1D<double>());
  add("AveragePooling1D same", {8, 3}, AveragePooling1D<double>(3, {.strides = 2, .padding = "same"}));
  add("AveragePooling2D", {5, 7, 5}, AveragePooling2D<double>());
  add("AveragePooling2D same", {5, 6, 3}, AveragePooling2D<double>({3, 2}, {.strides = {2, 1}, .padding = "same"}));
  add("AveragePooling2D channels_first", {3, 5, 6}, AveragePooling2D<double>(2, {.data_format = "channels_first"}));
  add("AveragePooling3D", {3, 4, 5, 2}, AveragePooling3D<double>({1, 2, 2}));
  add("AveragePooling3D same", {3, 2, 5, 2}, AveragePooling3D<double>(3, {.strides = 2, .padding = "same"}));
  add("GlobalMaxPooling1D", {7, 3}, GlobalMaxPooling1D<double>());
  add("GlobalMaxPooling2D", {5, 3, 6}, GlobalMaxPooling2D<double>({.keepdims = true}));
  add("GlobalMaxPooling3D", {3, 2, 3, 2}, GlobalMaxPooling3D<double>({.data_format = "channels_first"}));
  add("GlobalAveragePooling1D", {7, 3}, GlobalAveragePooling1D<double>());
  add("GlobalAveragePooling2D", {5, 3, 6}, GlobalAveragePooling2D<double>({.keepdims = true}));
  add("GlobalAveragePooling2D channels_first", {3, 5, 6},
      GlobalAveragePooling2D<double>({.data_format = "channels_first", .keepdims = true}));
  add("GlobalAveragePooling3D", {3, 2, 3, 2}, GlobalAveragePooling3D<double>());
}

void add_spatial(const AddCase& add) {
  add("ZeroPadding1D", {5, 3}, ZeroPadding1D<double>());
  add("ZeroPadding1D pair", {5, 3}, ZeroPadding1D<double>({0, 3}));
  add("ZeroPadding1D channels_first", {3, 5}, ZeroPadding1D<double>(2, {.data_format = "channels_first"}));
  add("ZeroPadding2D", {3, 5, 2}, ZeroPadding2D<double>({1, 2}));
  add("ZeroPadding2D pairs", {3, 5, 2}, ZeroPadding2D<double>({{0, 1}, {2, 0}}));
  add("ZeroPadding2D channels_first", {2, 3, 5}, ZeroPadding2D<double>(1, {.data_format = "channels_first"}));
  add("ZeroPadding3D", {3, 2, 2, 2}, ZeroPadding3D<double>({{0, 1}, {1, 1}, {2, 0}}));
  add("Cropping1D", {5, 3}, Cropping1D<double>());
  add("Cropping1D pair", {5, 3}, Cropping1D<double>({0, 3}));
  add("Cropping2D", {5, 6, 2}, Cropping2D<double>({{0, 1}, {2, 1}}));
  add("Cropping2D nothing", {3, 2, 2}, Cropping2D<double>());
  add("Cropping2D channels_first", {2, 5, 6}, Cropping2D<double>({1, 2}, {.data_format = "channels_first"}));
  add("Cropping3D", {3, 4, 5, 2}, Cropping3D<double>());
  add("UpSampling1D", {5, 3}, UpSampling1D<double>(3));
  add("UpSampling2D", {3, 2, 5}, UpSampling2D<double>({2, 3}));
  add("UpSampling2D bilinear", {3, 2, 5}, UpSampling2D<double>({2, 3}, {.interpolation = "bilinear"}));
  add("UpSampling2D bilinear channels_first", {2, 3, 4},
      UpSampling2D<double>(2, {.data_format = "channels_first", .interpolation = "bilinear"}));
  add("UpSampling3D", {2, 3, 2, 2}, UpSampling3D<double>({1, 2, 3}));
  add("UpSampling3D channels_first", {2, 2, 3, 2}, UpSampling3D<double>(2, {.data_format = "channels_first"}));
  add("SpatialDropout1D", {4, 7}, SpatialDropout1D<double>(0.4, {.seed = 3}));
  add("SpatialDropout2D", {3, 4, 7}, SpatialDropout2D<double>(0.4));
  add("SpatialDropout2D channels_first", {7, 3, 4}, SpatialDropout2D<double>(0.4, {.data_format = "channels_first"}));
  add("SpatialDropout3D", {3, 2, 2, 7}, SpatialDropout3D<double>(0.4));
}

// Odd sizes, ranks 2 to 5.
std::vector<LayerCase> plain_layer_cases() {
  std::vector<LayerCase> all;
  const auto add = [&](const std::string& label, const Shape& sample, const Layer<double>& layer) {
    // One value of a channel has no variance to train on.
    const bool rows = layer.class_name() == "BatchNormalization" && sample.rank() == 1;
    all.push_back({label, layer, {sample}, 0, rows ? 2 : 1});
  };
  const auto merge = [&](const std::string& label, std::vector<Shape> samples, const Layer<double>& layer) {
    all.push_back({label, layer, std::move(samples)});
  };
  add("Dense", {7}, Dense<double>(5));
  add("Dense no bias", {7}, Dense<double>(3, {.use_bias = false}));
  add("Dense rank 3", {3, 7}, Dense<double>(5, {.activation = "tanh"}));
  add("Dense rank 4", {3, 2, 5}, Dense<double>(1, {.activation = "sigmoid"}));
  for (const char* name : {"relu", "selu", "elu", "swish", "gelu", "mish", "softmax", "log_softmax", "sparsemax",
                           "softsign", "exponential", "leaky_relu"}) {
    add(std::string("Dense ") + name, {7}, Dense<double>(9, {.activation = name}));
  }
  add("Dense glu", {7}, Dense<double>(6, {.activation = "glu"}));
  add("Dense negative slope", {7}, Dense<double>(9, {.activation = activations::elu(-0.5)}));
  add("Dense with everything", {7},
      Dense<double>(4, {.activation = activations::leaky_relu(0.05),
                        .kernel_initializer = HeNormal({.seed = 3}),
                        .bias_initializer = Constant(0.5),
                        .kernel_regularizer = L1L2(0.1, 0.2),
                        .bias_regularizer = L2(0.3),
                        .activity_regularizer = L1(0.4),
                        .kernel_constraint = MaxNorm(3),
                        .bias_constraint = NonNeg(),
                        .name = "everything",
                        .input_shape = Shape{7}}));
  add("Conv1D", {11, 3}, Conv1D<double>(4, 3));
  add("Conv1D causal", {11, 3}, Conv1D<double>(4, 3, {.padding = "causal", .dilation_rate = 2}));
  add("Conv1D channels_first", {3, 11}, Conv1D<double>(4, 2, {.strides = 2, .data_format = "channels_first"}));
  add("Conv2D", {5, 7, 3}, Conv2D<double>(4, {3, 2}));
  add("Conv2D same", {6, 5, 2}, Conv2D<double>(3, 3, {.strides = {2, 1}, .padding = "same", .use_bias = false}));
  add("Conv2D groups", {5, 4, 4}, Conv2D<double>(6, 3, {.padding = "SAME", .groups = 2, .activation = "tanh"}));
  add("Conv2D channels_first", {2, 5, 4},
      Conv2D<double>(3, 2, {.padding = "same", .data_format = "channels_first", .activation = "softmax"}));
  add("Conv2D glu", {5, 4, 2}, Conv2D<double>(6, 3, {.activation = "glu"}));
  add("Conv2D mish", {5, 4, 2}, Conv2D<double>(3, 1, {.strides = 2, .activation = "mish"}));
  add("Conv2D with everything", {6, 6, 2},
      Conv2D<double>(4, 3,
                     {.padding = "same",
                      .dilation_rate = 2,
                      .activation = activations::leaky_relu(0.05),
                      .kernel_initializer = HeNormal({.seed = 3}),
                      .bias_initializer = Constant(0.5),
                      .kernel_regularizer = L1L2(0.1, 0.2),
                      .bias_regularizer = L2(0.3),
                      .activity_regularizer = L1(0.4),
                      .kernel_constraint = MaxNorm(3),
                      .bias_constraint = NonNeg(),
                      .name = "everything",
                      .input_shape = Shape{6, 6, 2}}));
  add("Conv3D", {4, 3, 5, 2}, Conv3D<double>(3, {2, 3, 2}, {.padding = "same", .activation = "relu"}));
  add("Conv3D strides", {5, 4, 3, 2}, Conv3D<double>(2, 2, {.strides = {2, 1, 2}}));
  add("Conv1DTranspose", {5, 3}, Conv1DTranspose<double>(2, 3, {.strides = 2, .padding = "same"}));
  add("Conv2DTranspose", {3, 4, 2}, Conv2DTranspose<double>(3, {3, 2}, {.strides = {1, 3}, .activation = "selu"}));
  add("Conv2DTranspose output_padding", {3, 3, 2},
      Conv2DTranspose<double>(3, 3, {.strides = 2, .padding = "same", .output_padding = 1}));
  add("Conv2DTranspose channels_first", {2, 3, 4},
      Conv2DTranspose<double>(3, 2, {.strides = 2, .data_format = "channels_first"}));
  add("Conv2DTranspose dilation", {4, 3, 2}, Conv2DTranspose<double>(2, 2, {.dilation_rate = 2}));
  add("Conv3DTranspose", {2, 3, 2, 2}, Conv3DTranspose<double>(2, 2, {.strides = 2, .use_bias = false}));
  add("DepthwiseConv1D", {9, 3}, DepthwiseConv1D<double>(3, {.strides = 2, .padding = "same", .depth_multiplier = 2}));
  add("DepthwiseConv2D", {5, 6, 3}, DepthwiseConv2D<double>({3, 2}, {.activation = "relu6"}));
  add("DepthwiseConv2D everything", {6, 5, 2},
      DepthwiseConv2D<double>(3, {.padding = "same",
                                  .depth_multiplier = 3,
                                  .dilation_rate = 2,
                                  .activation = "tanh",
                                  .depthwise_initializer = HeNormal(),
                                  .depthwise_regularizer = L2(0.1),
                                  .depthwise_constraint = MaxNorm(2)}));
  add("DepthwiseConv2D channels_first", {3, 5, 4}, DepthwiseConv2D<double>(2, {.data_format = "channels_first"}));
  add("SeparableConv1D", {9, 3}, SeparableConv1D<double>(4, 3, {.padding = "causal", .activation = "softplus"}));
  add("SeparableConv2D", {5, 6, 3}, SeparableConv2D<double>(4, {3, 2}, {.strides = 2, .depth_multiplier = 2}));
  add("SeparableConv2D everything", {4, 5, 2},
      SeparableConv2D<double>(3, 3,
                              {.padding = "same",
                               .data_format = "channels_last",
                               .dilation_rate = 2,
                               .use_bias = false,
                               .depthwise_regularizer = L2(0.1),
                               .pointwise_regularizer = L1(0.1),
                               .pointwise_constraint = UnitNorm()}));
  add("SeparableConv2D channels_first", {3, 5, 4}, SeparableConv2D<double>(4, 2, {.data_format = "channels_first"}));
  add("Flatten", {3, 2, 5}, Flatten<double>());
  add("Flatten rank 2", {7}, Flatten<double>());
  add("Flatten channels_first", {3, 2, 5}, Flatten<double>({.data_format = "channels_first"}));
  add("Reshape", {6, 5}, Reshape<double>({2, 3, 5}));
  add("Reshape -1", {6, 5}, Reshape<double>({-1, 3}));
  add("Identity", {7}, Identity<double>());
  add("InputLayer", {7, 3}, InputLayer<double>({7, 3}));
  add("Permute", {3, 2, 5}, Permute<double>({3, 1, 2}));
  add("RepeatVector", {7}, RepeatVector<double>(3));
  for (const char* name : {"linear",      "relu",        "relu6",       "leaky_relu",   "elu",
                           "selu",        "celu",        "gelu",        "gelu_tanh",    "silu",
                           "mish",        "sigmoid",     "log_sigmoid", "hard_sigmoid", "hard_sigmoid_keras2",
                           "hard_silu",   "tanh",        "hard_tanh",   "tanh_shrink",  "softmax",
                           "log_softmax", "sparsemax",   "softplus",    "softsign",     "exponential",
                           "soft_shrink", "hard_shrink", "squareplus",  "sparse_plus",  "sparse_sigmoid"}) {
    add(std::string("Activation ") + name, {3, 7}, Activation<double>(name));
  }
  add("Activation glu", {3, 6}, Activation<double>("glu"));
  add("Activation glu axis", {6, 3}, Activation<double>(activations::glu(1)));
  add("Activation threshold", {3, 6}, Activation<double>(activations::threshold(0.3, -1.5)));
  add("Activation sparsemax axis", {6, 3}, Activation<double>(activations::sparsemax(1)));
  add("Activation log_softmax axis", {6, 3}, Activation<double>(activations::log_softmax(1)));
  add("ReLU", {7}, ReLU<double>());
  add("ReLU all", {5, 7}, ReLU<double>({.max_value = 1.7, .negative_slope = 0.2, .threshold = 0.4}));
  add("LeakyReLU", {7}, LeakyReLU<double>());
  add("LeakyReLU 0", {7}, LeakyReLU<double>({.alpha = 0.0}));
  add("PReLU", {7}, PReLU<double>());
  add("PReLU map", {3, 4, 5}, PReLU<double>());
  add("PReLU shared", {3, 4, 5}, PReLU<double>({.shared_axes = {1, 2}}));
  add("PReLU shared last", {3, 5}, PReLU<double>({.alpha_initializer = Constant(0.25), .shared_axes = {2}}));
  add("RReLU", {5, 7}, RReLU<double>());
  add("RReLU fixed", {7}, RReLU<double>({.lower = 0.2, .upper = 0.2, .seed = 5}));
  add("ELU", {7}, ELU<double>({.alpha = 0.5}));
  add("Softmax", {3, 7}, Softmax<double>());
  add("Softmax axis", {7, 3, 2}, Softmax<double>({.axis = {1}}));
  add("Softmax axes", {4, 3, 2}, Softmax<double>({.axis = {1, 3}}));
  add("Dropout", {3, 7}, Dropout<double>(0.4));
  add("Dropout 0", {7}, Dropout<double>(0.0));
  add("Dropout noise_shape", {3, 7}, Dropout<double>(0.4, {.noise_shape = Shape{-1, 1, 7}, .seed = 3}));
  add("AlphaDropout", {3, 7}, AlphaDropout<double>(0.3));
  add("AlphaDropout noise_shape", {3, 7}, AlphaDropout<double>(0.3, {.noise_shape = Shape{-1, 3, 1}}));
  add("GaussianNoise", {3, 7}, GaussianNoise<double>(0.3));
  add("GaussianDropout", {3, 7}, GaussianDropout<double>(0.3));
  add("BatchNormalization", {7}, BatchNormalization<double>());
  add("BatchNormalization map", {3, 2, 5}, BatchNormalization<double>({.momentum = 0.9, .epsilon = 1e-2}));
  add("BatchNormalization axis 1", {3, 2, 5}, BatchNormalization<double>({.axis = 1}));
  add("BatchNormalization no scale", {7}, BatchNormalization<double>({.scale = false}));
  add("BatchNormalization no center", {3, 7}, BatchNormalization<double>({.center = false}));
  add("BatchNormalization bare", {7}, BatchNormalization<double>({.center = false, .scale = false}));
  add_pooling(add);
  add_spatial(add);
  add("ActivityRegularization", {7}, ActivityRegularization<double>({.l1 = 0.1, .l2 = 0.2}));
  add("LayerNormalization", {7}, LayerNormalization<double>());
  add("LayerNormalization rank 3", {3, 7}, LayerNormalization<double>({.epsilon = 1e-6, .scale = false}));
  add("LayerNormalization no center", {3, 7}, LayerNormalization<double>({.center = false}));
  add("LayerNormalization axes", {3, 2, 5}, LayerNormalization<double>({.axis = {1, 2, 3}}));
  add("LayerNormalization axis 1", {3, 2, 5}, LayerNormalization<double>({.axis = {1}}));
  add("LayerNormalization axes apart", {3, 2, 5}, LayerNormalization<double>({.axis = {1, -1}, .scale = false}));
  add("LayerNormalization bare", {7}, LayerNormalization<double>({.center = false, .scale = false}));
  add("GroupNormalization", {3, 2, 6}, GroupNormalization<double>({.groups = 3}));
  add("GroupNormalization of vectors", {6}, GroupNormalization<double>({.groups = 2}));
  add("GroupNormalization instance", {3, 2, 5}, GroupNormalization<double>({.groups = -1, .scale = false}));
  add("GroupNormalization one group", {7, 5}, GroupNormalization<double>({.groups = 1, .center = false}));
  add("GroupNormalization axis 1", {6, 3, 2}, GroupNormalization<double>({.groups = 2, .axis = 1}));
  add("UnitNormalization", {3, 7}, UnitNormalization<double>());
  add("UnitNormalization axes", {3, 2, 5}, UnitNormalization<double>({.axis = {1, 3}}));
  add("RMSNormalization", {3, 7}, RMSNormalization<double>());
  add("RMSNormalization axis 1", {3, 2, 5}, RMSNormalization<double>({.axis = {1}, .epsilon = 1e-2}));
  add("Rescaling", {3, 7}, Rescaling<double>(1 / 127.5, {.offset = -1}));
  add("Rescaling lists", {4, 2, 3}, Rescaling<double>({0.5, 2, -1}, {.offset = {1, 2, 3}}));
  add("Rescaling list and number", {3}, Rescaling<double>(0.5, {.offset = {1, 2, 3}}));
  add("Normalization", {3, 7}, Normalization<double>());
  add("Normalization invert", {7}, Normalization<double>({.invert = true}));
  add("Normalization without axis", {3, 7}, Normalization<double>({.axis = {}}));
  add("Normalization axes", {3, 2, 5}, Normalization<double>({.axis = {1, -1}}));
  add("Normalization given", {4, 2, 3}, Normalization<double>({.mean = {1, 2, 3}, .variance = {4, 1, 9}}));
  add("Normalization given for two axes", {2, 3},
      Normalization<double>({.axis = {1, 2}, .mean = {1, 2, 3}, .variance = {4, 1, 9}, .invert = true}));
  add("Normalization scalar", {3, 7}, Normalization<double>({.axis = {}, .mean = 3, .variance = 2}));
  add("Resizing up", {3, 4, 2}, Resizing<double>(5, 7));
  add("Resizing down", {7, 5, 3}, Resizing<double>(3, 2));
  add("Resizing nearest", {3, 4, 2}, Resizing<double>(7, 2, {.interpolation = "nearest"}));
  add("Resizing channels_first", {2, 3, 4}, Resizing<double>(4, 5, {.data_format = "channels_first"}));
  add("Resizing crop", {4, 7, 2}, Resizing<double>(3, 3, {.crop_to_aspect_ratio = true}));
  add("Resizing pad", {3, 7, 2}, Resizing<double>(4, 4, {.pad_to_aspect_ratio = true, .fill_value = 0.5}));
  add("CenterCrop", {5, 6, 2}, CenterCrop<double>(3, 3));
  add("CenterCrop of something small", {5, 6, 2}, CenterCrop<double>(7, 3));
  const std::vector<Shape> same(3, {3, 2, 5}), mixed{{3, 2, 5}, {5}, {3, 1, 1}}, pair(2, {3, 5});
  const std::vector<Shape> excite{{3, 4, 7}, {1, 1, 7}}, crossed{{3, 1}, {1, 5}};
  for (const auto& samples : {same, mixed, pair, excite, crossed}) {
    const std::string label = " of " + samples[0].str() + " and " + samples[1].str();
    merge("Add" + label, samples, Add<double>());
    merge("Multiply" + label, samples, Multiply<double>());
    merge("Average" + label, samples, Average<double>());
    merge("Maximum" + label, samples, Maximum<double>());
    merge("Minimum" + label, samples, Minimum<double>());
    if (samples.size() == 2) merge("Subtract" + label, samples, Subtract<double>());
  }
  merge("Add of one", {{7}}, Add<double>());
  merge("Multiply of one", {{7}}, Multiply<double>());
  merge("Multiply of the spatial kind", {{3, 4, 7}, {3, 4, 1}}, Multiply<double>());
  merge("Concatenate", {{3, 5}, {3, 2}, {3, 1}}, Concatenate<double>());
  merge("Concatenate axis 1", {{2, 5}, {3, 5}}, Concatenate<double>({.axis = 1}));
  merge("Dot", {{6}, {6}}, Dot<double>(1));
  merge("Dot cosine", {{6}, {6}}, Dot<double>(-1, {.normalize = true}));
  merge("Dot matrix", {{3, 4}, {4, 5}}, Dot<double>({2, 1}));
  merge("Dot matrix turned", {{4, 3}, {5, 4}}, Dot<double>({1, 2}));
  merge("Dot rows", {{3, 4}, {5, 4}}, Dot<double>(2));
  merge("Dot columns", {{4, 3}, {4, 5}}, Dot<double>(1, {.normalize = true}));
  merge("Dot rank 4", {{2, 4, 3}, {5, 4}}, Dot<double>({2, 2}));
  return all;
}

const graft::test::LayerCases registered_plain_layer(&plain_layer_cases);

}  // namespace

TEST_CASE("every layer obeys the layer contract") {
  for (const LayerCase& test : plain_layer_cases()) check_layer_contract(test);
}

TEST_CASE("the contract test names every built-in layer") {
  register_builtin_layers<double>();
  std::vector<std::string> tested;
  for (const auto list : graft::test::LayerCases::all()) {
    for (const LayerCase& test : list()) tested.emplace_back(test.layer.class_name());
  }
  for (const std::string& name : LayerRegistry<double>::instance().class_names()) {
    INFO(name);
    if (name.substr(0, 4) == "ops.") continue;    // ops_contract_test.cpp
    if (name == "GroupQueryAttention") continue;  // files say GroupedQueryAttention
    if (name.substr(0, 5) == "CuDNN") continue;   // other names of LSTM and GRU
    if (name == "Lambda") continue;               // a place for what the user registers
    CHECK(std::count(tested.begin(), tested.end(), name) > 0);
  }
}
