#pragma once

#include <graft/graft.hpp>

#include <set>
#include <string>
#include <vector>

#include "common.hpp"

// What transfer_images, feature_cache and reuse_depth share: bases to choose from, and folders of pictures in two
// parts.
namespace example {

using graft::Index, graft::Model, graft::Shape;

struct BaseRequest {
  std::string base = {};     ///< a network, or the path of a model file
  std::string weights = {};  ///< of a network: a file, or none
  std::string cut = {};      ///< of a model file: the layer that makes the features
  std::string mode = {};     ///< preprocessing; empty: that of the network
  Index size = 0;            ///< of pictures; 0: the base's own
  double alpha = 1;          ///< of a mobilenet
};

inline BaseRequest base_request(Arguments& arguments) {
  return {.base = arguments.text("--base", ""),
          .weights = arguments.text("--weights", ""),
          .cut = arguments.text("--cut", ""),
          .mode = arguments.text("--mode", ""),
          .size = static_cast<Index>(arguments.number("--size", 0)),
          .alpha = arguments.number("--alpha", 1)};
}

/// A model from pictures to one row of features each, and what has to happen to pixels 0 … 255 before.
struct Base {
  Model<float> model;
  std::string mode;

  Index height() const { return model.input_shape()[1]; }
  Index width() const { return model.input_shape()[2]; }
};

/// SqueezeNet 1.1 without its top (Iandola et al. 2016, arXiv 1602.07360): Keras has none, but weights are around.
inline Model<float> squeezenet(Index size) {
  const auto conv = [](Index filters, Index kernel, const std::string& name) {
    return graft::Conv2D(filters, kernel, {.padding = "same", .activation = "relu", .name = name});
  };
  const auto pictures = graft::Input({size, size, 3});
  auto x = graft::Conv2D(64, 3, {.strides = 2, .activation = "relu", .name = "conv1"})(pictures);
  const auto pool = [&](const char* name) { x = graft::MaxPooling2D(3, {.strides = 2, .name = name})(x); };
  const auto fire = [&](Index number, Index squeeze, Index expand) {
    const std::string name = "fire" + std::to_string(number) + "/";
    x = conv(squeeze, 1, name + "squeeze1x1")(x);
    x = graft::Concatenate({.name = name + "concat"})(
        {conv(expand, 1, name + "expand1x1")(x), conv(expand, 3, name + "expand3x3")(x)});
  };
  pool("pool1"), fire(2, 16, 64), fire(3, 16, 64);
  pool("pool3"), fire(4, 32, 128), fire(5, 32, 128);
  pool("pool5"), fire(6, 48, 192), fire(7, 48, 192), fire(8, 64, 256), fire(9, 64, 256);
  return {pictures, x, {.name = "squeezenet"}};
}

/// A network by the name of its module in keras.applications, without its top; nothing for another name.
inline std::optional<Base> make_network(const BaseRequest& request) {
  namespace apps = graft::applications;
  const std::string& name = request.base;
  const Index size = request.size > 0 ? request.size : name == "inception_v3" || name == "xception" ? 299 : 224;
  const Shape shape{size, size, 3};
  const auto of = [&](auto make) {
    return make({.input_shape = shape, .include_top = false, .weights = request.weights, .pooling = "avg"});
  };
  if (name == "squeezenet") {
    const auto trunk = squeezenet(size);
    if (!request.weights.empty()) (void)trunk.load_weights(request.weights);
    return Base{Model<float>(trunk.input(), graft::GlobalAveragePooling2D({.name = "pooled_features"})(trunk.output())),
                "caffe"};
  }
  if (name == "mobilenet" || name == "mobilenet_v2") {
    const auto make = [&](auto network) {
      return network({.input_shape = shape,
                      .alpha = request.alpha,
                      .include_top = false,
                      .weights = request.weights,
                      .pooling = "avg"});
    };
    return Base{name == "mobilenet" ? make(apps::MobileNet<float>) : make(apps::MobileNetV2<float>), "tf"};
  }
  if (name == "vgg16") return Base{of(apps::VGG16<float>), "caffe"};
  if (name == "vgg19") return Base{of(apps::VGG19<float>), "caffe"};
  if (name == "resnet50") return Base{of(apps::ResNet50<float>), "caffe"};
  if (name == "resnet50_v2") return Base{of(apps::ResNet50V2<float>), "tf"};
  if (name == "inception_v3") return Base{of(apps::InceptionV3<float>), "tf"};
  if (name == "xception") return Base{of(apps::Xception<float>), "tf"};
  if (name == "densenet121") return Base{of(apps::DenseNet121<float>), "torch"};
  if (name == "efficientnet_b0") return Base{of(apps::EfficientNetB0<float>), "identity"};
  return std::nullopt;
}

/// The base that was asked for. Of a model file, what is below its last layer (or up to `cut`), averaged over positions
/// where there are any.
inline Base make_base(const BaseRequest& request) {
  if (request.base.empty()) throw UsageError("--base is missing");
  if (auto network = make_network(request)) {
    if (!request.mode.empty()) network->mode = request.mode;
    return *network;
  }
  const auto model = graft::load_model(request.base, {.compile = false});
  auto features = (request.cut.empty() ? model.get_layer(-2) : model.get_layer(request.cut)).output();
  if (features.shape().rank() == 4) features = graft::GlobalAveragePooling2D({.name = "pooled_features"})(features);
  Base base{Model<float>(model.input(), features), request.mode.empty() ? "tf" : request.mode};
  const Shape input = base.model.input_shape();
  if (input.rank() != 4 || input[1] < 1 || input[2] < 1) {
    throw UsageError("the base takes no pictures of a known size: " + input.str());
  }
  return base;
}

/// A folder of pictures, one folder a class, in two parts.
struct PictureSplit {
  graft::Dataset<float> train, test;  ///< batches, preprocessed; train in another order in every epoch
  Index train_size = 0;
  std::vector<std::string> class_names;
  std::vector<std::string> test_paths;
  std::vector<Index> test_labels;
};

/// In the order of their names, the first `per_class` pictures of each class are for training (0: two thirds), the
/// others for testing. Decoded and preprocessed pictures stay in memory.
inline PictureSplit split_pictures(const std::string& folder, Index per_class, const Base& base) {
  const bool grey = base.model.input_shape()[3] == 1;
  const auto all = graft::image_dataset_from_directory(folder, {.color_mode = grey ? "grayscale" : "rgb",
                                                                .batch_size = std::nullopt,
                                                                .image_size = {base.height(), base.width()},
                                                                .shuffle = false,
                                                                // As the networks were trained: nothing is squeezed.
                                                                .crop_to_aspect_ratio = true,
                                                                .verbose = false});
  PictureSplit split;
  split.class_names = all.class_names();
  // The pictures of a class stand together; their folder has its name.
  const auto& paths = all.file_paths();
  const auto folder_of = [&](std::size_t i) {
    const std::size_t end = paths[i].rfind('/'), begin = paths[i].rfind('/', end - 1) + 1;
    return paths[i].substr(begin, end - begin);
  };
  std::vector<Index> train, test;
  Index label = 0;
  for (std::size_t first = 0; first < paths.size(); ++label) {
    std::size_t last = first;
    while (last < paths.size() && folder_of(last) == folder_of(first)) ++last;
    const std::size_t count = last - first;
    const std::size_t cut = first + (per_class > 0 ? static_cast<std::size_t>(per_class) : 2 * count / 3);
    if (cut == first || cut >= last) {
      throw UsageError("class " + folder_of(first) + " has " + std::to_string(count) +
                       " pictures: too few to train and to test with");
    }
    for (std::size_t i = first; i < cut; ++i) train.push_back(static_cast<Index>(i));
    for (std::size_t i = cut; i < last; ++i) {
      test.push_back(static_cast<Index>(i));
      split.test_paths.push_back(paths[i]);
      split.test_labels.push_back(label);
    }
    first = last;
  }
  const auto prepare = [mode = base.mode](graft::Batch<float>& element) {
    if (mode == "unit") {
      for (float& pixel : std::span(element.x[0].data(), static_cast<std::size_t>(element.x[0].size()))) pixel /= 255;
    } else {
      graft::applications::PreprocessInput{mode}(element.x[0].view());
    }
  };
  split.train_size = static_cast<Index>(train.size());
  split.train = all.select(train).map(prepare).cache().shuffle(static_cast<Index>(train.size())).batch(32);
  split.test = all.select(test).map(prepare).cache().batch(32);
  return split;
}

}  // namespace example
