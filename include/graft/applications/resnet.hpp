#pragma once

#include "graft/applications/detail/resnet.hpp"

namespace graft::applications {

/// He et al. 2015 (arXiv 1512.03385). 224 x 224, BGR pixels without their mean: preprocess_input in the mode "caffe".
/// Least size 32.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> ResNet50(const ApplicationOptions& options = {}) {
  return detail::resnet<Scalar>({"ResNet50", "resnet50"}, {3, 4, 6, 3}, false, options);
}
/// ResNet50 with more blocks.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> ResNet101(const ApplicationOptions& options = {}) {
  return detail::resnet<Scalar>({"ResNet101", "resnet101"}, {3, 4, 23, 3}, false, options);
}
/// ResNet50 with more blocks.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> ResNet152(const ApplicationOptions& options = {}) {
  return detail::resnet<Scalar>({"ResNet152", "resnet152"}, {3, 8, 36, 3}, false, options);
}

}  // namespace graft::applications
