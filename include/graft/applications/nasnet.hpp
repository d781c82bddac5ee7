#pragma once

#include "graft/applications/detail/nasnet.hpp"

namespace graft::applications {

/// Zoph et al. 2018 (arXiv 1707.07012). 224 x 224, pixels in [-1, 1]: preprocess_input in the mode "tf". Least size 32;
/// sizes cannot be left open, with or without a top.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> NASNetMobile(const ApplicationOptions& options = {}) {
  return detail::nasnet<Scalar>({"NASNetMobile", "nasnet_mobile", 224}, "mobile", {44, 4, 32, false}, options);
}
/// The large one, for 331 x 331.
template <class Scalar = float>
GRAFT_COLD Model<Scalar> NASNetLarge(const ApplicationOptions& options = {}) {
  return detail::nasnet<Scalar>({"NASNetLarge", "nasnet_large", 331}, "large", {168, 6, 96, true}, options);
}

}  // namespace graft::applications
