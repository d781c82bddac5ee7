#pragma once

#include <string>
#include <vector>

#include "graft/core/array_like.hpp"

namespace graft::applications {

/// One guess: ("n02504013", "Indian_elephant", 0.83).
struct DecodedPrediction {
  std::string class_name = {};
  std::string class_description = {};
  double score = 0;
};

/// For each sample the `top` classes with the highest scores, best first; of equal ones the first class comes first.
/// `preds` is what a network with a top predicts, (samples, classes). `class_index_file` is Keras's
/// imagenet_class_index.json, or one like it for other classes: {"0": ["n01440764", "tench"], "1": …}. It is not
/// downloaded: https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json.
///
/// Throws ShapeError when preds has not one column for each class of the file, ConfigError for a `top` below 1,
/// FileError for a file that cannot be read or has another form.
template <class Scalar>
std::vector<std::vector<DecodedPrediction>> decode_predictions(const Tensor<Scalar>& preds, Index top,
                                                               const std::string& class_index_file);

}  // namespace graft::applications
