#pragma once

// Everything, Keras files included. Needs HDF5, nlohmann/json and zlib; graft/core.hpp needs Eigen only.

#include "graft/applications/applications.hpp"
#include "graft/core.hpp"
#include "graft/data/fashion_mnist.hpp"
#include "graft/data/image_dataset_options.hpp"
#include "graft/io/hdf5_dataset_options.hpp"
#include "graft/io/report/html_report.hpp"

#ifndef GRAFT_COMPILED
#include "graft/applications/class_index_file.hpp"
#include "graft/data/image_dataset.hpp"
#include "graft/io/hdf5_dataset.hpp"
#include "graft/io/keras/keras.hpp"
#include "graft/transfer/feature_writer.hpp"
#include "graft/transfer/recipes/lora_file.hpp"
#else
// The code that reads and writes files is in the library; its headers, HDF5's and JSON's are half a second to parse.
// Models of another scalar type than float need graft/io/keras/keras.hpp too.
#include "graft/io/keras/load_options.hpp"
namespace graft {
GRAFT_APPLICATION_TEMPLATES(GRAFT_DECLARE_TEMPLATE)
GRAFT_FILE_TEMPLATES(GRAFT_DECLARE_TEMPLATE)
GRAFT_PICTURE_TEMPLATES(GRAFT_DECLARE_TEMPLATE)
}  // namespace graft
#endif
