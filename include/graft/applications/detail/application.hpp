#pragma once

#include <algorithm>
#include <string>

#include "graft/applications/options.hpp"
#include "graft/core/text.hpp"

// The rules for the arguments of an application: those of Keras 3.11, src/applications/imagenet_utils.py.
namespace graft::applications::detail {

/// What is known of an application besides its layers.
struct Application {
  std::string title;  ///< the constructor: "VGG16"
  std::string name;   ///< of the model: "vgg16"
  Index default_size = 224, min_size = 32;
  std::string file = {}, file_no_top = {};  ///< where Keras's weights are, with and without the top
  bool open_top = false;                    ///< sizes may be left open with a top, too

  std::string where() const { return "applications::" + title; }
  const std::string& official_file(bool include_top) const { return include_top ? file : file_no_top; }
};

/// "vgg16/vgg16" → the place of vgg16_weights_tf_dim_ordering_tf_kernels[_notop].h5.
GRAFT_COLD inline std::string official_url(const std::string& path) {
  return "https://storage.googleapis.com/tensorflow/keras-applications/" + path;
}
GRAFT_COLD inline Application with_kernel_files(Application application, const std::string& stem) {
  application.file = official_url(stem + "_weights_tf_dim_ordering_tf_kernels.h5");
  application.file_no_top = official_url(stem + "_weights_tf_dim_ordering_tf_kernels_notop.h5");
  return application;
}

GRAFT_COLD inline bool wants_imagenet(const ApplicationOptions& options) { return options.weights == "imagenet"; }

/// The shape of the input, with what the options leave out. Throws ConfigError.
GRAFT_COLD inline Shape obtain_input_shape(const Application& application, const ApplicationOptions& options) {
  const Shape& given = options.input_shape;
  const Index size = application.default_size;
  const std::string where = application.where() + ": input_shape";
  const bool imagenet = wants_imagenet(options);
  const bool fixed = options.include_top && !application.open_top;
  if (given.empty()) return fixed ? Shape{size, size, 3} : Shape{Shape::kUnknown, Shape::kUnknown, 3};
  if (given.rank() != 3) {
    fail<ConfigError>(where, "three numbers, (height, width, channels)", given.str(), "The batch is not among them.");
  }
  if (imagenet && fixed && !(given == Shape{size, size, 3})) {
    fail<ConfigError>(where, Shape{size, size, 3}.str() + " with include_top and the ImageNet weights", given.str());
  }
  if (imagenet && given[2] != 3) fail<ConfigError>(where, "3 channels with the ImageNet weights", given.str());
  if (given[2] < 1) fail<ConfigError>(where, "a known number of channels, the last one", given.str());
  for (int axis = 0; axis < 2; ++axis) {
    if (given[axis] == Shape::kUnknown) {
      if (fixed) fail<ConfigError>(where, "known sizes with include_top", given.str(), "Or: .include_top = false.");
    } else if (given[axis] < application.min_size) {
      const std::string least = std::to_string(application.min_size);
      fail<ConfigError>(where, "at least " + least + "x" + least, given.str());
    }
  }
  return given;
}

/// Everything else that does not depend on the layers. Throws ConfigError.
GRAFT_COLD inline void check_options(const Application& application, const ApplicationOptions& options) {
  const std::string where = application.where();
  if (options.classes < 1) fail<ConfigError>(where, "classes above 0", std::to_string(options.classes));
  if (!options.pooling.empty() && options.pooling != "avg" && options.pooling != "max") {
    fail<ConfigError>(where, "pooling \"avg\", \"max\" or none", "\"" + options.pooling + "\"");
  }
  if (wants_imagenet(options) && options.include_top && options.classes != 1000) {
    fail<ConfigError>(where, "1000 classes with include_top and the ImageNet weights", std::to_string(options.classes),
                      "For classes of your own: .include_top = false, and a Dense layer on top.");
  }
  const ActivationFunction& last = options.classifier_activation;
  const bool softmax = last.form() == ActivationFunction::Form::softmax;
  if (!options.weights.empty() && options.include_top && !softmax && !last.linear()) {
    fail<ConfigError>(where, "classifier_activation \"softmax\" or \"linear\" with weights from a file", "another one");
  }
}

/// Nothing is downloaded. Throws ConfigError when it would have to be.
GRAFT_COLD inline void refuse_download(const Application& application, const ApplicationOptions& options) {
  if (!wants_imagenet(options)) return;
  fail<ConfigError>(application.where() + ": weights", "the path of a file: nothing is downloaded", "\"imagenet\"",
                    "Fetch " + application.official_file(options.include_top) + " and give its path.");
}

/// Keras's rule for numbers of channels: the multiple of `divisor` nearest to v, not more than a tenth below it.
inline Index make_divisible(double v, Index divisor = 8) {
  const auto d = static_cast<double>(divisor);
  Index result = std::max(divisor, static_cast<Index>(v + d / 2) / divisor * divisor);
  if (static_cast<double>(result) < 0.9 * v) result += divisor;
  return result;
}

}  // namespace graft::applications::detail
