#pragma once

#include "graft/applications/detail/resnet.hpp"

namespace graft::applications {

/// He et al. 2016 (arXiv 1603.05027): normalization and activation before each convolution. 224 x 224, pixels in
/// [-1, 1]: preprocess_input in the mode "tf". Least size 32.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> ResNet50V2(const ApplicationOptions& options = {}) {
  return detail::resnet<Scalar>({"ResNet50V2", "resnet50v2"}, {3, 4, 6, 3}, true, options);
}
/// ResNet50V2 with more blocks.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> ResNet101V2(const ApplicationOptions& options = {}) {
  return detail::resnet<Scalar>({"ResNet101V2", "resnet101v2"}, {3, 4, 23, 3}, true, options);
}
/// ResNet50V2 with more blocks.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> ResNet152V2(const ApplicationOptions& options = {}) {
  return detail::resnet<Scalar>({"ResNet152V2", "resnet152v2"}, {3, 8, 36, 3}, true, options);
}

}  // namespace graft::applications
