#pragma once

// Everything, Keras files included. Needs HDF5, nlohmann/json and zlib; graft/core.hpp needs Eigen only.

#include "graft/core.hpp"
#include "graft/data/fashion_mnist.hpp"
#include "graft/io/keras/keras.hpp"

#ifdef GRAFT_COMPILED
namespace graft {
GRAFT_FILE_TEMPLATES(GRAFT_DECLARE_TEMPLATE)
}
#endif
