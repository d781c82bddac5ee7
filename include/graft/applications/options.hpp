#pragma once

#include <string>

#include "graft/core/shape.hpp"
#include "graft/nn/activations.hpp"

namespace graft::applications {

/// What all applications take; some take more, in a struct of their own with the same names:
///
///  * input_shape: (height, width, channels) of a picture, -1 for a size that is left open. Not given: the size that
///  the
///    network was designed for, or without a top sizes that are left open. A network with a top has fixed sizes.
///  * include_top: with the classifier. Without it the output is that of the last convolution, see `pooling`.
///  * weights: the path of a file: Keras's own ImageNet weights (docs/applications.md has their names) or anything else
///    that Model::load_weights reads; of layers in the order of the file, as Keras does it. Empty: random numbers.
///    Nothing is ever downloaded: "imagenet" is a ConfigError that names the file to fetch.
///  * pooling, without a top: "avg" or "max" over all positions, or empty: the output has four dimensions.
///  * classes, classifier_activation: of the top. "linear" gives the logits.
///  * name: of the model; empty: Keras's.
///
/// Layers that have no name of their own in Keras are named as Keras does it, "conv2d", "conv2d_1" …: call
/// clear_session() before, where these names matter.
struct ApplicationOptions {
  Shape input_shape = {};
  bool include_top = true;
  std::string weights = {};
  std::string pooling = {};
  Index classes = 1000;
  ActivationFunction classifier_activation = "softmax";
  std::string name = {};
};

namespace detail {

/// The options that all applications have in common.
template <class Options>
GRAFT_COLD ApplicationOptions common_options(const Options& options) {
  return {options.input_shape, options.include_top,           options.weights, options.pooling,
          options.classes,     options.classifier_activation, options.name};
}

}  // namespace detail
}  // namespace graft::applications
