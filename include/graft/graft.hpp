#pragma once

// Everything, Keras files included. Needs HDF5, nlohmann/json and zlib; graft/core.hpp needs Eigen only.

#include "graft/core.hpp"
#include "graft/data/fashion_mnist.hpp"
#include "graft/io/report/html_report.hpp"

#ifndef GRAFT_COMPILED
#include "graft/io/keras/keras.hpp"
#else
// The code that reads and writes files is in the library; its headers, HDF5's and JSON's are half a second to parse.
// Models of another scalar type than float need graft/io/keras/keras.hpp too.
#include "graft/io/keras/load_options.hpp"
namespace graft {
GRAFT_FILE_TEMPLATES(GRAFT_DECLARE_TEMPLATE)
}
#endif
